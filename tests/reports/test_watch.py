"""What is told of money by alerts: budgets as they stand, and unusual days once, with their cause."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bot.domain.money.anomalies import Anomaly, answered
from bot.domain.money.budgets import Budget
from bot.monitor.scene import MONEY_AGE, MoneyView
from bot.reports.watch import EVERY, MoneyWatch
from storage.port.bill import BillReading, BillRow
from storage.port.core_use import NO_USE, CoreUse
from storage.port.reports import AnomalyRow
from storage.port.samples import JobCores, PoolEra, Sample
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import StillClock
from tests.reports.ledgered import ACCOUNT, MONDAY, SIZE, Sources, composer

DAY = timedelta(days=1)
DAYS = 100
UNUSUAL = MONDAY - DAY
"""The day that costs three times as much."""


async def _calm(store: SqliteStore) -> None:
    """A pool that costs about the same every day, and on the last one three times as much: it ran three times."""
    await store.add_pool_eras(ACCOUNT, [PoolEra("gpu-a", MONDAY - DAYS * DAY, SIZE, 4, False, {})])
    made = []
    for n in range(DAYS, 0, -1):
        begin = MONDAY - n * DAY
        cores = 48 + n % 3  # a few dollars up and down
        runs = 3 if begin == UNUSUAL else 1
        for five in range(1, 289):
            run = (five - 1) * runs // 288
            jobs = (JobCores(f"nightly:job-{n * 3 + run}", cores * runs),)
            at = begin + five * timedelta(minutes=5)
            made.append(Sample(ACCOUNT, "gpu-a", at, 300, CoreUse(busy=cores * runs), NO_USE, 12, 0, None, jobs))
    await store.add_samples(made)


class Heard:
    """What the monitor is told."""

    def __init__(self) -> None:
        self.views: list[MoneyView] = []

    def __call__(self, account: str, view: MoneyView) -> None:
        self.views.append(view)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"folder": tmp_path_factory.mktemp("calm")}


@pytest.fixture
async def store(kept: dict[str, Path], tmp_path: Path) -> AsyncIterator[SqliteStore]:
    whole = kept["folder"] / "calm.db"
    if not whole.exists():
        made = SqliteStore.open(whole)
        await _calm(made)
        await made.close()
    copy = tmp_path / "t.db"
    copy.write_bytes(whole.read_bytes())
    opened = SqliteStore.open(copy)
    yield opened
    await opened.close()


def watching(store: SqliteStore, at: datetime, *budgets: Budget) -> tuple[MoneyWatch, Heard]:
    heard, sources = Heard(), Sources()
    sources.accounts[ACCOUNT].at = at
    made = composer(store, *budgets, sources=sources)
    return MoneyWatch(made, [ACCOUNT], StillClock(at), heard, floor=25), heard


async def test_an_unusual_day_is_told_the_day_after_with_what_drove_it(store: SqliteStore) -> None:
    at = MONDAY + timedelta(hours=1)
    money, heard = watching(store, at)
    assert await money.look(ACCOUNT, at)
    [view] = heard.views[-1].unusual
    found = view.anomaly
    assert (found.pool, found.unusual.day, view.found) == ("gpu-a", UNUSUAL.date(), at)
    assert found.cause.words == "schedule nightly ran 3 times, once usually"
    assert found.cause.target == "nightly"
    await money.look(ACCOUNT, at + timedelta(minutes=15))
    assert len(heard.views[-1].unusual) == 1  # once, however often it is looked
    await money.look(ACCOUNT, at + timedelta(days=8))
    assert not heard.views[-1].unusual  # and for a week


def _billed(days: int, until: date, unusual: date, pool: str = "cpu-b") -> list[BillRow]:
    """So many days of a pool up to one: ten nodes for a few dollars up and down, on one day four times as many."""
    rows = []
    for n in range(days, -1, -1):
        day = until - timedelta(days=n)
        hours = (240.0 + n % 3) * (4 if day == unusual else 1)
        meter = ("D4s v3", "Virtual Machines", "Dsv3", "USD", hours, hours, "1 Hour")
        rows.append(BillRow(ACCOUNT, day, "amortized", pool, f"/x/{pool}", *meter))
    return rows


async def test_a_day_before_the_bot_came_is_told_as_soon_as_its_bill_is_final(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "t.db")
    at = MONDAY + timedelta(hours=9)
    await store.add_pool_eras(ACCOUNT, [PoolEra("cpu-b", at, SIZE, 4, False, {})])
    await store.add_samples([Sample(ACCOUNT, "cpu-b", at, 60, CoreUse(busy=40), NO_USE, 10, 0)])
    day, today = (MONDAY - 5 * DAY).date(), MONDAY.date()
    for unusual, expected in ((today - timedelta(days=1), []), (day, [day])):  # of yesterday the bill still moves
        rows = _billed(90, today, unusual)
        reading = BillReading(ACCOUNT, "ok", at, at, first=rows[0].day)
        await store.put_bill(ACCOUNT, rows[0].day, today, rows, reading)
        money, heard = watching(store, at)
        await money.look(ACCOUNT, at)
        assert [each.anomaly.unusual.day for each in heard.views[-1].unusual] == expected
    [view] = heard.views[-1].unusual
    assert view.anomaly.cause.words == "its nodes ran for 968 node-hours, 241 usually"
    await money.look(ACCOUNT, at + timedelta(minutes=15))
    assert len(heard.views[-1].unusual) == 1  # once, however often it is looked
    await store.close()


async def test_a_usual_day_that_only_the_bill_tells_of_is_no_day_without_nodes(tmp_path: Path) -> None:
    """The bot came two days ago: what a pool did the week before is on the bill alone, which knows no jobs."""
    store = SqliteStore.open(tmp_path / "t.db")
    at, yesterday = MONDAY + timedelta(hours=1), (MONDAY - DAY).date()
    await store.add_pool_eras(ACCOUNT, [PoolEra("cpu-b", MONDAY - 2 * DAY, SIZE, 4, False, {})])
    for n in range(2 * 288):
        moment = MONDAY - 2 * DAY + (n + 1) * timedelta(minutes=5)
        cores = CoreUse(busy=160 if n >= 288 else 12)
        await store.add_samples([Sample(ACCOUNT, "cpu-b", moment, 300, cores, NO_USE, 10, 0)])
    rows = _billed(90, MONDAY.date(), yesterday)
    reading = BillReading(ACCOUNT, "ok", at, at, first=rows[0].day)
    await store.put_bill(ACCOUNT, rows[0].day, MONDAY.date(), rows, reading)
    money, heard = watching(store, at)
    await money.look(ACCOUNT, at)
    assert not heard.views[-1].unusual
    later = MONDAY + 3 * DAY + timedelta(hours=1)
    await store.put_bill(ACCOUNT, rows[0].day, MONDAY.date(), rows, replace(reading, at=later, as_of=later))
    money, heard = watching(store, later)
    await money.look(ACCOUNT, later)
    [view] = heard.views[-1].unusual
    assert view.anomaly.unusual.day == yesterday
    assert view.anomaly.cause.words == "its nodes ran for 964 node-hours, 241 usually"
    await store.close()


async def test_what_is_answered_is_over(store: SqliteStore) -> None:
    at = MONDAY + timedelta(hours=1)
    money, heard = watching(store, at)
    await money.look(ACCOUNT, at)
    [view] = heard.views[-1].unusual
    reply = msgspec.json.encode(answered(view.anomaly, "planned", "the big job"))
    await store.answer_anomaly(ACCOUNT, "gpu-a", view.anomaly.unusual.day, "planned", reply)
    await money.look(ACCOUNT, at + timedelta(minutes=15))
    assert heard.views[-1].unusual == ()
    [row] = await store.anomalies(ACCOUNT, at - DAY)
    assert msgspec.json.decode(row.body, type=Anomaly) == view.anomaly


async def test_a_cause_that_is_ignored_is_not_told_again(
    store: SqliteStore, kept: dict[str, Path], tmp_path: Path
) -> None:
    at = MONDAY + timedelta(hours=1)
    money, heard = watching(store, at)
    await money.look(ACCOUNT, at)
    [view] = heard.views[-1].unusual
    earlier = date(2026, 10, 12)  # as if the same had been told before, and ignored
    reply = msgspec.json.encode(answered(view.anomaly, "ignore"))
    copy = tmp_path / "other.db"
    copy.write_bytes((kept["folder"] / "calm.db").read_bytes())
    other = SqliteStore.open(copy)
    body = msgspec.json.encode(view.anomaly)
    await other.put_anomaly(AnomalyRow(ACCOUNT, "gpu-a", earlier, at - 42 * DAY, body, "ignore", reply))
    money, heard = watching(other, at)
    await money.look(ACCOUNT, at)
    assert heard.views[-1].unusual == ()
    await other.close()


def test_what_was_looked_at_long_ago_is_not_how_it_stands() -> None:
    assert timedelta(seconds=3 * EVERY) == MONEY_AGE
    view = MoneyView("USD", as_of=MONDAY)
    assert view.current(MONDAY + MONEY_AGE)
    assert not view.current(MONDAY + MONEY_AGE + timedelta(seconds=1))
    assert not MoneyView().current(MONDAY)


async def test_budgets_are_told_as_they_stand(store: SqliteStore) -> None:
    at = MONDAY + timedelta(hours=1)
    money, heard = watching(store, at, Budget("gpu", ACCOUNT, 6000), Budget("else", "another", 1))
    await money.look(ACCOUNT, at)
    [state] = heard.views[-1].budgets
    assert state.budget.name == "gpu"
    assert state.level == "over"
    assert state.spent == pytest.approx(21 * 294 + 882, rel=0.02)
    assert heard.views[-1].currency == "USD"


async def test_an_account_that_nobody_has_looked_at_is_not_judged(tmp_path: Path) -> None:
    empty = SqliteStore.open(tmp_path / "e.db")
    money, heard = watching(empty, MONDAY)
    assert not await money.look(ACCOUNT, MONDAY)
    assert heard.views == []
    await empty.close()
