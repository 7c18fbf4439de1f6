"""Whoever runs the bot is told which conversations the settings name by an id that they have no longer."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from bot.chat.request import Conversation
from bot.ops.moved import named_by_old_ids
from bot.settings_file import check
from storage.port.conversations import ConversationReference

ACCOUNT = {"endpoint": "https://render.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}
MOVED = ConversationReference(
    "slack",
    "C0OLDCHANNEL",
    msgspec.json.encode(Conversation("slack", "C0NEWCHANNEL")),
    datetime(2026, 1, 1, tzinfo=UTC),
)
THERE = msgspec.structs.replace(MOVED, id="C0NEWCHANNEL")
UNREADABLE = msgspec.structs.replace(MOVED, id="C0STRANGE00", body=b"{")


@pytest.mark.parametrize(
    "named",
    [
        {"alerts": {"channels": ["slack:C0OLDCHANNEL"]}},
        {"audit": {"conversation": "slack:C0OLDCHANNEL"}},
        {"grants": [{"to": ["conversation:slack:C0OLDCHANNEL"], "verbs": ["pool resize"], "accounts": ["render"]}]},
    ],
    ids=str,
)
def test_what_the_settings_name_by_an_old_id_is_told(named: dict[str, object]) -> None:
    settings = check({"accounts": {"render": ACCOUNT}, **named}, {})
    [line] = named_by_old_ids(settings, [MOVED, THERE, UNREADABLE])
    assert "slack:C0OLDCHANNEL, which is slack:C0NEWCHANNEL now" in line


def test_what_they_do_not_name_is_not() -> None:
    settings = check({"accounts": {"render": ACCOUNT}, "alerts": {"channels": ["slack:C0NEWCHANNEL"]}}, {})
    assert named_by_old_ids(settings, [MOVED, THERE, UNREADABLE]) == []
