"""The bill in the store: days are replaced whole, corrections are noted, and how reading stands is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from storage.port.bill import Basis, BillReading, BillRow
from storage.sqlite.store import SqliteStore

DAY = date(2026, 11, 20)
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "t.db")
    yield store
    await store.close()


def row(amount: float, *, day: date = DAY, pool: str = "p", basis: Basis = "actual", account: str = "a") -> BillRow:
    return BillRow(
        account, day, basis, pool, f"/x/{pool}", "D4s v3", "Virtual Machines", "", "USD", amount, 2.0, "1 Hour"
    )


def reading(at: datetime = AT) -> BillReading:
    return BillReading("a", "ok", at, at, first=DAY)


async def test_days_are_replaced_whole_and_alone(store: SqliteStore) -> None:
    later = DAY + timedelta(days=1)
    await store.put_bill("a", DAY, later, [row(1.0), row(2.0, pool="q"), row(3.0, day=later)], reading())
    await store.put_bill("b", DAY, DAY, [row(9.0, account="b")], BillReading("b", "ok", AT, AT))
    await store.put_bill("a", later, later, [row(4.0, day=later, pool="z")], reading())
    assert [(each.day, each.pool, each.amount) for each in await store.bill("a", DAY, later)] == [
        (DAY, "p", 1.0),
        (DAY, "q", 2.0),
        (later, "z", 4.0),
    ]
    assert await store.bill("a", later + timedelta(days=1), later + timedelta(days=9)) == []
    assert (await store.bill("b", DAY, DAY))[0].amount == 9.0


async def test_what_comes_back_is_what_was_put(store: SqliteStore) -> None:
    await store.put_bill("a", DAY, DAY, [row(-1.5)], reading())
    assert await store.bill("a", DAY, DAY) == [row(-1.5)]
    assert await store.bill_reading("a") == reading()
    assert await store.bill_reading("b") is None


async def test_a_correction_says_what_a_day_had_been(store: SqliteStore) -> None:
    await store.put_bill("a", DAY, DAY, [row(10.0), row(5.0, pool="q"), row(1.0, basis="amortized")], reading())
    assert await store.bill_corrections("a", DAY, DAY) == []
    later = AT + timedelta(days=1)
    await store.put_bill("a", DAY, DAY, [row(12.0), row(5.0, pool="q"), row(1.001, basis="amortized")], reading(later))
    (found,) = await store.bill_corrections("a", DAY, DAY)
    assert (found.basis, found.before, found.after, found.at) == ("actual", 15.0, 17.0, later)
    await store.put_bill("a", DAY, DAY, [], reading(later + timedelta(hours=1)))
    assert [each.after for each in await store.bill_corrections("a", DAY, DAY)][-1] == 0.0


async def test_a_reading_that_brought_nothing_leaves_the_rows(store: SqliteStore) -> None:
    await store.put_bill("a", DAY, DAY, [row(1.0)], reading())
    refused = BillReading("a", "no permission", AT + timedelta(hours=1), AT, "give the role", DAY)
    await store.put_bill_reading(refused)
    assert await store.bill_reading("a") == refused
    assert len(await store.bill("a", DAY, DAY)) == 1


async def test_old_days_are_forgotten_with_their_corrections(store: SqliteStore) -> None:
    await store.put_bill("a", DAY, DAY, [row(1.0)], reading())
    await store.put_bill("a", DAY, DAY, [row(2.0)], reading(AT + timedelta(hours=1)))
    await store.prune(AT + timedelta(days=390))
    assert len(await store.bill("a", DAY, DAY)) == 1
    assert await store.prune(AT + timedelta(days=402)) == 2
    assert await store.bill("a", DAY, DAY) == []
    assert await store.bill_corrections("a", DAY, DAY) == []
