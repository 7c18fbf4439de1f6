"""The terminal takes alerts too: it prints them, and cannot be read back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.chat.port import UnreadableError
from bot.chat.request import Conversation, Person
from bot.chat.terminal.adapter import Terminal
from tests.chat.teams_service import Pictures, card

HERE = Conversation("text", "terminal", "personal")


async def test_alerts_are_printed_and_printed_anew(tmp_path: Path) -> None:
    out = io.StringIO()
    terminal = Terminal(Pictures(), tmp_path, out=out)
    message, channel = await terminal.post_once(HERE, card("pool gpu-a is down"), "key", loud=True)
    await terminal.update(HERE, message, card("pool gpu-a is up"))
    assert channel == HERE.id
    assert [line for line in out.getvalue().splitlines() if line] == ["pool gpu-a is down", "pool gpu-a is up"]
    assert await terminal.direct(Person("text", "you"), HERE) == HERE
    with pytest.raises(UnreadableError):
        await terminal.find_by_key(HERE, "key", datetime.now(UTC))
