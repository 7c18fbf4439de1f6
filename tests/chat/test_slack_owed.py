"""Notes of pictures that a message still gets: what an earlier run left, and what is settled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.chat.slack.owed import OwedPictures
from cards.build import bold, text
from cards.card import Card, Mark
from storage.sqlite.store import SqliteStore

CARD = Card(title=text(bold("Pools")), mark=Mark.IDLE)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore.open(tmp_path / "bot.db")
    yield made
    await made.close()


async def stamps(store: SqliteStore) -> list[tuple[str, str]]:
    return [(each.channel, each.stamp) for each in await OwedPictures(store).left()]


async def test_what_an_earlier_run_left_is_settled_before_it_was_read_too(store: SqliteStore) -> None:
    before = OwedPictures(store)
    for stamp in ("1.1", "1.2", "1.3"):
        await before.note("C1", stamp, CARD, modern=stamp == "1.3")
    now = OwedPictures(store)
    await now.settle("C1", "1.1")
    assert await stamps(store) == [("C1", "1.2"), ("C1", "1.3")], "it was replaced before anybody had read what is owed"
    assert [(each.card, each.modern) for each in await now.left()] == [(CARD, False), (CARD, True)]
    await now.settle("C1", "1.2")
    assert await stamps(store) == [("C1", "1.3")]
    await now.note("C1", "1.4", CARD, modern=False)
    await now.settle("C1", "1.4")
    await now.settle("C1", "1.3")
    assert await stamps(store) == []
