"""Where the bot is in Teams: what is stored of it, what is told of it, and where a conversation moved to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.chat.request import Conversation
from bot.chat.teams.references import References
from storage.sqlite.store import SqliteStore

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
FIRST, SECOND = "https://smba.example/emea/", "https://smba.example/amer/"


def channel(name: str = "19:a", url: str = FIRST, words: str = "") -> Conversation:
    return Conversation("teams", name, "channel", service_url=url, name=words)


class Told:
    """What is told of conversations that can be reached, or no more."""

    def __init__(self) -> None:
        self.of: list[tuple[str, bool]] = []

    async def __call__(self, conversation: Conversation, reached: bool) -> None:
        self.of.append((conversation.id, reached))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "t.db")
    yield store
    await store.close()


async def test_a_conversation_is_written_to_where_it_was_seen_last(store: SqliteStore) -> None:
    known = References(store)
    known.on_reach = told = Told()
    await known.seen(channel(), NOON)
    await known.seen(channel(), NOON)
    assert told.of == [("19:a", True)], "it is there already"
    assert known.current(channel(url="")).service_url == FIRST
    await known.seen(channel(url=SECOND), NOON)
    assert known.current(channel()).service_url == SECOND, "it moved"
    assert known.current(channel("19:b")).service_url == FIRST, "nothing is known of it"
    assert told.of == [("19:a", True)]
    again = References(store)
    await again.load()
    assert again.current(channel()).service_url == SECOND, "a restart forgets nothing"


async def test_its_name_is_kept_where_an_activity_has_none(store: SqliteStore) -> None:
    known = References(store)
    await known.renamed(channel(words="before"), NOON)
    assert await store.conversations("teams") == [], "the bot is not there"
    await known.joined(channel(words="before"), NOON)
    await known.seen(channel(url=SECOND), NOON)
    [row] = await store.conversations("teams")
    assert b'"before"' in row.body
    await known.renamed(channel(url=SECOND, words="after"), NOON)
    await known.seen(channel(), NOON)
    [row] = await store.conversations("teams")
    assert b'"after"' in row.body


async def test_a_team_to_which_it_is_added_again_has_its_other_channels_back(store: SqliteStore) -> None:
    known = References(store)
    known.on_reach = told = Told()
    person = Conversation("teams", "a:1", "personal", service_url=FIRST)
    for each in (channel(), channel("19:b"), person):
        await known.seen(each, NOON)
        await known.left(each, NOON)
    assert told.of[:2] == [("19:a", True), ("19:a", False)]
    assert not any(each.reachable for each in await store.conversations("teams"))
    again = References(store)
    again.on_reach = told = Told()
    await again.load()
    await again.joined(channel("19:b"), NOON)
    assert told.of == [("19:b", True), ("19:a", True)], "a person is in no team"
    assert again.current(channel(url="")).service_url == "", "nobody has spoken there yet"
