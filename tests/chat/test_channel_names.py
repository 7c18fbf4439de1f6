"""What channels are called, and where that stays known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bot.chat.named import named
from bot.chat.request import Conversation
from bot.chat.slack.channels import Channels
from storage.port.conversations import ConversationReference
from storage.sqlite.store import SqliteStore

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


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


async def test_a_key_names_a_conversation_that_is_known_or_whose_id_is_enough(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "bot.db")
    assert await named(store, "slack:C0OPS") == Conversation("slack", "C0OPS")
    assert await named(store, "teams:19:a@thread.tacv2") is None, "nobody can post there who was not added"
    assert await named(store, "irc:#ops") is None
    for platform in ("slack", "teams"):
        known = Conversation(platform, "19:a@thread.tacv2", name="ops")
        await store.put_conversation(ConversationReference(platform, known.id, msgspec.json.encode(known), NOW))
    assert await named(store, "teams:19:a@thread.tacv2") == known
    other = await named(store, "slack:19:a@thread.tacv2")
    assert other
    assert (other.platform, other.name) == ("slack", "ops")
    assert await named(store, "teams:19:b@thread.tacv2") is None
    await store.close()


async def _name(store: SqliteStore) -> str:
    [kept] = await store.conversations("slack")
    return msgspec.json.decode(kept.body, type=Conversation).name
