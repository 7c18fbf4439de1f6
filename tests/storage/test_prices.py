"""Price lists: what changed when, and how it reads after a list was read again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.port.prices import PriceKey
from storage.sqlite.store import SqliteStore

FIRST = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SMALL, LARGE = PriceKey("standard_d2s_v3", False, "on demand"), PriceKey("standard_d4s_v3", True, "spot")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "t.db")
    yield store
    await store.close()


async def test_a_price_is_noted_when_it_changes(store: SqliteStore) -> None:
    assert await store.prices("westeurope", "USD") is None

    async def read(as_of: datetime, **found: list[tuple[datetime, float]]) -> list[tuple[str, datetime, float | None]]:
        keys = {{"small": SMALL, "large": LARGE}[name]: listed for name, listed in found.items()}
        after = await store.put_prices("westeurope", "USD", as_of, keys)
        assert after == await store.prices("westeurope", "USD")
        assert after.as_of == as_of
        return [(each.key.size[9:12], each.since, each.amount) for each in after.changes]

    old = FIRST - 90 * DAY
    before = [("d2s", old, 0.1), ("d2s", FIRST - DAY, 0.2), ("d4s", old, 0.4)]
    found = await read(FIRST, small=[(old, 0.1), (FIRST - DAY, 0.2)], large=[(old, 0.4)])
    assert sorted(found) == before, "all that a new list says of its past"
    found = await read(FIRST + DAY, small=[(FIRST - DAY, 0.2)], large=[(old, 0.4)])
    assert sorted(found) == before, "nothing has changed"
    # a new price since a moment between the two lists; one whose beginning is no help is as of now; one that is gone
    change = FIRST + DAY + timedelta(hours=5)
    found = await read(FIRST + 2 * DAY, small=[(change, 0.3)], large=[(old, 0.5)])
    assert found[-2:] == [("d2s", change, 0.3), ("d4s", FIRST + 2 * DAY, 0.5)]
    found = await read(FIRST + 3 * DAY, small=[(FIRST + 9 * DAY, 0.6)])
    assert set(found[-2:]) == {("d2s", FIRST + 3 * DAY, 0.6), ("d4s", FIRST + 3 * DAY, None)}
    found = await read(FIRST + 4 * DAY, small=[(change, 0.6)])
    assert len(found) == 7, "what was gone stays gone, and is noted once"
    assert await store.prices("westeurope", "EUR") is None
