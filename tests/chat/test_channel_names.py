"""What channels are called, and where that stays known."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bot.chat.request import Conversation
from bot.chat.slack.channels import Channels
from storage.sqlite.store import SqliteStore


async def test_a_channel_keeps_its_name_where_an_event_does_not_tell_it(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "bot.db")
    rooms = Channels(store)
    await rooms.remember(Conversation("slack", "C0OPS", name="ops"))  # a command names the channel
    await rooms.remember(Conversation("slack", "C0OPS"))  # a mention does not
    assert await _name(store) == "ops"
    again = Channels(store)
    await again.load()
    await again.event({"event": {"type": "channel_archive", "channel": "C0OPS"}}, "U0BOT")
    assert await _name(store) == "ops"
    await again.event({"event": {"type": "channel_rename", "channel": {"id": "C0OPS", "name": "operations"}}}, "U0BOT")
    assert await _name(store) == "operations"
    await store.close()


async def _name(store: SqliteStore) -> str:
    [kept] = await store.conversations("slack")
    return msgspec.json.decode(kept.body, type=Conversation).name
