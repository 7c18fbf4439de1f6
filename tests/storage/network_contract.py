"""What every store has to do with what pools take in and send out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.port.network import NetworkCounter, NetworkUse
from storage.port.store import Store

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def counter(hours: float, read: float, *, pool: str = "a", began: datetime = NOON - DAY * 30) -> NetworkCounter:
    """A counter so many hours after noon; twice as much is written as read."""
    return NetworkCounter(pool, began, NOON + hours * HOUR, read, 2 * read)


class NetworkContract:
    """Inherit it, and give a fixture ``store``."""

    async def test_what_counters_grow_by(self, store: Store) -> None:
        assert await store.network("render", None, NOON, NOON + DAY) is None
        await store.add_network("render", [counter(0, 100), counter(0, 7, pool="b")])
        assert await store.network("render", None, NOON, NOON + DAY) is None, "of what was before nobody can say when"
        await store.add_network("render", [counter(1, 104)])
        await store.add_network("render", [counter(2, 110), counter(2, 8, pool="b")])
        await store.add_network("render", [counter(2, 110), counter(1.5, 107)])
        assert await store.network("render", "a", NOON, NOON + DAY) == NetworkUse(10, 20, NOON, NOON + 2 * HOUR)
        assert await store.network("render", None, NOON, NOON + DAY) == NetworkUse(11, 22, NOON, NOON + 2 * HOUR)
        part = NetworkUse(2 + 3 + 0.5, 4 + 6 + 1, NOON + HOUR / 2, NOON + 1.5 * HOUR)
        assert await store.network("render", None, NOON + HOUR / 2, NOON + 1.5 * HOUR) == part
        assert await store.network("render", None, NOON - DAY, NOON) is None
        assert await store.network("render", "c", NOON, NOON + DAY) is None
        assert await store.network("other", None, NOON, NOON + DAY) is None

    async def test_a_counter_that_begins_anew_counts_from_there(self, store: Store) -> None:
        await store.add_network("render", [counter(0, 100)])
        await store.add_network("render", [counter(2, 3, began=NOON + HOUR)])
        await store.add_network("render", [counter(3, 1, began=NOON + HOUR)])
        found = await store.network("render", None, NOON, NOON + DAY)
        assert found == NetworkUse(3 + 1, 6 + 2, NOON + HOUR, NOON + 3 * HOUR)

    async def test_a_new_pool_counts_from_its_beginning(self, store: Store) -> None:
        await store.add_network("render", [counter(2, 5, began=NOON)])
        assert await store.network("render", "a", NOON, NOON + DAY) == NetworkUse(5, 10, NOON, NOON + 2 * HOUR)

    async def test_a_pool_counts_from_its_beginning_where_that_is_a_day_ago_and_not_where_it_is_longer(
        self, store: Store
    ) -> None:
        minute = timedelta(minutes=1)
        await store.add_network("render", [counter(0, 5, began=NOON - DAY)])
        await store.add_network("render", [counter(0, 7, pool="b", began=NOON - DAY - minute)])
        assert await store.network("render", None, NOON - 2 * DAY, NOON) == NetworkUse(5, 10, NOON - DAY, NOON)
        await store.add_network("render", [counter(1, 8, pool="b", began=NOON - DAY - minute)])
        assert await store.network("render", "b", NOON - 2 * DAY, NOON + DAY) == NetworkUse(1, 2, NOON, NOON + HOUR)

    async def test_a_counter_that_says_the_same_as_before_adds_nothing_and_one_that_says_less_began_anew(
        self, store: Store
    ) -> None:
        for hour, read in enumerate((100, 100, 101, 40)):
            await store.add_network("render", [counter(hour, read)])
        for hour, read in enumerate((0, 1, 40)):
            found = await store.network("render", None, NOON + hour * HOUR, NOON + (hour + 1) * HOUR)
            assert found == NetworkUse(read, 2 * read, NOON + hour * HOUR, NOON + (hour + 1) * HOUR)

    async def test_what_is_old_goes_and_the_last_counter_stays(self, store: Store) -> None:
        await store.add_network("render", [counter(0, 100)])
        await store.add_network("render", [counter(1, 104)])
        assert await store.prune(NOON + 100 * DAY) == 1
        await store.add_network("render", [counter(100 * 24, 110)])
        found = await store.network("render", "a", NOON + HOUR, NOON + 101 * DAY)
        assert found == NetworkUse(6, 12, NOON + HOUR, NOON + 100 * DAY)
