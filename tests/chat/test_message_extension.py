"""What the message extension of Teams says where there is no card to show."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from bot.chat.request import CommandRequest
from bot.chat.teams import message_extension
from bot.chat.teams.activity import Account, Activity, ConversationAccount
from bot.chat.teams.message_extension import MessageExtension
from cards.card import Card


class _Intake:
    """Answers nothing: what changes something at once, all else never."""

    async def read(self, request: CommandRequest) -> Card | None:
        if request.text.startswith("home"):
            await asyncio.Event().wait()
        return None


def _pressed(name: str, value: dict[str, Any]) -> Activity:
    return Activity(
        type="invoke",
        id="1",
        name=name,
        sender=Account("29:mia", aad_object_id="5a1d8e0c-0000-4000-8000-000000000001"),
        conversation=ConversationAccount("19:ops@thread.tacv2", conversation_type="channel"),
        value=value,
    )


async def test_a_dialog_says_whether_it_was_a_change_or_took_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_extension, "_DIALOG_SECONDS", 0.01)
    extension = MessageExtension(cast("Any", _Intake()), cast("Any", None))
    submit, ask = "composeExtension/submitAction", "composeExtension/fetchTask"
    late = await extension.by_name[submit](_pressed(submit, {"commandId": "about", "data": {}}))
    said = "That takes longer than Teams waits here: ask me in the chat."
    assert late == (200, {"task": {"type": "message", "value": said}})
    change = await extension.by_name[ask](_pressed(ask, {"commandId": "about"}))
    said = "That changes something: press it on a card in the chat, or type it."
    assert change == (200, {"task": {"type": "message", "value": said}})
    choose = "composeExtension/selectItem"
    status, body = await extension.by_name[choose](_pressed(choose, {"command": "home"}))
    assert (status, cast("Any", body)["composeExtension"]["attachments"]) == (200, [])
