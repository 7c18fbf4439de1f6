"""The accounting over a real store: every sum adds up, whatever changed within the window."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.accounting import service
from bot.accounting.service import Accounting
from bot.azure.models.price import NO_PRICES, Prices
from bot.azure.price_settings import Reservation
from bot.domain.money.spans import Days, days_of
from bot.domain.money.spend import total
from storage.port.bill import BillReading, BillRow
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, JobCores, PoolEra, Sample
from storage.retention import Retention
from storage.sqlite.store import SqliteStore

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = datetime(2026, 11, 22, tzinfo=UTC)
KEY = ("standard_d4s_v3", False, "on demand")
PRICES = Prices(
    {KEY: 0.2, ("standard_d4s_v3", False, "spot"): 0.04, ("standard_nc6s_v3", False, "on demand"): 3.0}, "USD", NOW
)


class Account:
    """An account of which only the prices are known."""

    def __init__(self, prices: Prices = PRICES, reserved: Sequence[Reservation] = ()) -> None:
        self.listed, self.reserved = prices, reserved

    async def prices(self) -> Prices:
        return self.listed

    def reservations(self, prices: Prices) -> Sequence[Reservation]:
        return self.reserved

    def now(self) -> datetime:
        return NOW


class Accounts(dict[str, Account]):
    def get(self, name: str | None = None) -> Account:  # type: ignore[override]
        return self[name or "a"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "t.db")
    yield store
    await store.close()


def accounting(store: SqliteStore, prices: Prices = PRICES, reserved: Sequence[Reservation] = ()) -> Accounting:
    return Accounting(store, Accounts(a=Account(prices, reserved)))


async def burnt(
    store: SqliteStore,
    pool: str,
    first: datetime,
    hours: float,
    *,
    dedicated: CoreUse = NO_USE,
    spot: CoreUse = NO_USE,
    jobs: tuple[JobCores, ...] = (),
) -> None:
    """Samples of five minutes each from ``first`` on."""
    moments = [first + timedelta(minutes=5 * (step + 1)) for step in range(round(hours * 12))]
    await store.add_samples([Sample("a", pool, at, 300.0, dedicated, spot, 1, jobs=jobs) for at in moments])


def era(pool: str, size: str = "Standard_D4s_v3", cores: int = 4, since: datetime = DAY, **tags: str) -> PoolEra:
    return PoolEra(pool, since, size, cores, False, tags)


async def test_core_hours_times_the_price_of_a_core(store: SqliteStore) -> None:
    await store.add_pool_eras("a", [era("d", owner="ann"), era("gpu", "STANDARD_NC6s_v3", 6, owner="bob")])
    await burnt(store, "d", DAY, 10, dedicated=CoreUse(busy=8, unused=8), spot=CoreUse(busy=4))
    await burnt(store, "gpu", DAY, 10, dedicated=CoreUse(busy=6, broken=6))
    found = await accounting(store).spend("a", DAY, NOW)
    assert found.by("pool")["d"].cost.total == pytest.approx(10 * (4 * 0.2 + 0.04))
    assert found.by("tag:owner")["bob"].cost.broken == pytest.approx(30)
    assert found.total.cost.total == pytest.approx(10 * (4 * 0.2 + 0.04) + 60)
    assert found.total.spot_saved == pytest.approx(10 * 0.16)
    assert found.currency == "USD"
    assert found.first == DAY + timedelta(minutes=5)
    assert found.seen == pytest.approx(10 / 36)
    assert (found.price_source, found.prices_as_of) == ("list prices", NOW)


async def test_days_hours_and_pools_sum_to_the_account(store: SqliteStore) -> None:
    await store.add_pool_eras("a", [era("d"), era("gpu", "Standard_NC6s_v3", 6)])
    await burnt(store, "d", DAY - timedelta(hours=5), 30, dedicated=CoreUse(busy=3.3, starting=0.7))
    await burnt(store, "gpu", DAY + timedelta(hours=3.5), 9.25, dedicated=CoreUse(busy=6))
    money = accounting(store)
    daily = await money.spend("a", DAY - timedelta(days=1), NOW)
    hourly = await money.spend("a", DAY - timedelta(days=1), NOW, step=3600)
    sums = [(daily.by("pool"), hourly.by("pool")), (daily.by("size"), hourly.by("size"))]
    for coarse, fine in (*sums, (daily.daily(), hourly.daily())):
        assert coarse.keys() == fine.keys()
        for one, other in zip(coarse.values(), fine.values(), strict=True):
            assert other.cost.total == pytest.approx(one.cost.total)
            assert other.core_hours.total == pytest.approx(one.core_hours.total)
    assert len(hourly.rows) > len(daily.rows)
    whole = total(each for each in daily.by("pool").values())
    assert whole.cost.total == pytest.approx(daily.total.cost.total)


async def test_jobs_and_nobodys_idle_time_are_their_pools(store: SqliteStore) -> None:
    await store.add_pool_eras("a", [era("d")])
    jobs = (JobCores("nightly", 3.0), JobCores("adhoc", 1.0))
    await burnt(store, "d", DAY, 4, dedicated=CoreUse(busy=6, unused=2), jobs=jobs)
    await burnt(store, "d", DAY + timedelta(days=1), 2, dedicated=CoreUse(starting=8))
    money = accounting(store)
    found = await money.jobs("a", DAY, NOW)
    ledger = await money.spend("a", DAY, NOW)
    whole = total(each.whole for each in found)
    assert whole.cost.total == pytest.approx(ledger.total.cost.total)
    assert whole.cost.busy == pytest.approx(ledger.total.cost.busy)
    nightly = total(each.own for each in found if each.job == "nightly")
    assert nightly.cost.total == pytest.approx(3 / 4 * 0.2 * 4)
    idle = total(each.idle_share for each in found if each.job == "nightly")
    assert idle.cost.unused == pytest.approx(2 / 4 * 0.2 * 4 * 3 / 6)
    nobody = [each for each in found if not each.job]
    assert total(each.own for each in nobody).cost.total == pytest.approx(2 / 4 * 0.2 * 4)
    assert total(each.idle_share for each in nobody).cost.starting == pytest.approx(2 * 0.2 * 2)
    one = await money.jobs("a", DAY, NOW, job="NIGHTLY")
    assert total(each.whole for each in one).cost.total == pytest.approx(nightly.cost.total + idle.cost.total)


@pytest.mark.parametrize("step", [1800, 21_600, 86_400])
async def test_a_job_has_the_idle_time_of_its_half_hours_however_long_the_spans(store: SqliteStore, step: int) -> None:
    await store.add_pool_eras("a", [era("gpu")])
    jobs = (JobCores("full", 4.0),)
    await burnt(store, "gpu", DAY, 1, dedicated=CoreUse(busy=4), jobs=jobs)
    jobs = (JobCores("idling", 1.0),)
    await burnt(store, "gpu", DAY + timedelta(hours=1), 1, dedicated=CoreUse(busy=1, unused=3), jobs=jobs)
    await burnt(store, "gpu", DAY + timedelta(hours=2), 1, dedicated=CoreUse(unused=4))
    found = await accounting(store).jobs("a", DAY, NOW, step=step)
    idle = {
        job: total(each.idle_share for each in found if each.job == job).core_hours.total
        for job in ("full", "idling", "")
    }
    assert idle == {"full": 0, "idling": pytest.approx(3), "": pytest.approx(4)}
    (one, *_), starts = (await accounting(store).jobs("a", DAY, NOW, step=step, job="IDLING")), {x.start for x in found}
    assert one.job == "idling"
    assert len(starts) == (6 if step == 1800 else 1)


async def test_a_pool_that_was_made_anew_within_a_day_is_priced_as_it_was(store: SqliteStore) -> None:
    change = DAY + timedelta(hours=6)
    await store.add_pool_eras("a", [era("p"), era("p", "Standard_NC6s_v3", 6, since=change)])
    await burnt(store, "p", DAY, 6, dedicated=CoreUse(busy=4))
    await burnt(store, "p", change, 6, dedicated=CoreUse(busy=6))
    found = await accounting(store).spend("a", DAY, NOW)
    assert found.total.cost.total == pytest.approx(6 * 0.2 + 6 * 3.0)
    assert {row.vm_size: row.spend.cost.total for row in found.rows} == {
        "Standard_D4s_v3": pytest.approx(1.2),
        "Standard_NC6s_v3": pytest.approx(18.0),
    }
    assert {row.start for row in found.rows} == {DAY}


async def test_a_price_that_changed_within_the_window_holds_from_then_on(store: SqliteStore) -> None:
    change = DAY + timedelta(hours=8)
    changed = replace(PRICES, past={KEY: ((DAY - timedelta(days=90), 0.1), (change, 0.2))})
    await store.add_pool_eras("a", [era("p")])
    await burnt(store, "p", DAY - timedelta(days=1), 24, dedicated=CoreUse(busy=4))
    await burnt(store, "p", DAY, 24, dedicated=CoreUse(busy=4))
    found = await accounting(store, changed).spend("a", DAY - timedelta(days=1), NOW)
    assert found.daily()[date(2026, 11, 21)].cost.total == pytest.approx(24 * 0.1)
    assert found.daily()[date(2026, 11, 22)].cost.total == pytest.approx(8 * 0.1 + 16 * 0.2)


async def test_reserved_nodes_are_shared_out_by_the_half_hour(store: SqliteStore) -> None:
    await store.add_pool_eras("a", [era("p")])
    await burnt(store, "p", DAY, 1, dedicated=CoreUse(busy=16))
    reserved = [Reservation(size="Standard_D4s_v3", nodes=2, hourly=0.05)]
    found = await accounting(store, reserved=reserved).spend("a", DAY, NOW)
    # Two of four nodes in the one hour; not two nodes' day.
    assert found.total.cost.total == pytest.approx(2 * 0.05 + 2 * 0.2)
    assert [row.start for row in found.rows] == [DAY]


async def test_history_without_pools_is_there_and_has_no_price(store: SqliteStore) -> None:
    past = DAY - timedelta(days=10)
    await store.add_history("a", [Bucket(past, CoreUse(busy=7200, unknown=7200), NO_USE, 3600.0, at_most=True)], 3600)
    await store.add_pool_eras("a", [era("p")])
    await burnt(store, "p", DAY, 2, dedicated=CoreUse(busy=4))
    found = await accounting(store).spend("a", past, NOW)
    assert found.by("pool").keys() == {"", "p"}
    assert found.total.unpriced == pytest.approx(4)
    assert found.total.cost.total == pytest.approx(0.4)
    assert [row.at_most for row in found.rows if not row.pool] == [True]
    assert not [each for each in await accounting(store).jobs("a", past, NOW) if not each.pool]


async def test_without_prices_nothing_is_guessed(store: SqliteStore) -> None:
    await store.add_pool_eras("a", [era("p")])
    await burnt(store, "p", DAY, 2, dedicated=CoreUse(busy=4))
    found = await accounting(store, NO_PRICES).spend("a", DAY, NOW)
    assert (found.currency, found.total.cost.total, found.total.unpriced) == ("", 0.0, pytest.approx(8))
    assert found.total.priced == pytest.approx(0)


async def test_an_account_without_samples_has_an_empty_ledger(store: SqliteStore) -> None:
    found = await accounting(store).spend("a", DAY, NOW)
    assert (found.rows, found.first, found.as_of, found.seen) == ((), None, None, 0.0)
    with pytest.raises(KeyError):
        await accounting(store).spend("nobody", DAY, NOW)


async def test_spot_alone_is_priced_as_spot(store: SqliteStore) -> None:
    await store.add_pool_eras("a", [era("p")])
    await burnt(store, "p", DAY, 10, spot=CoreUse(busy=4, waiting=4))
    found = (await accounting(store).spend("a", DAY, NOW)).total
    assert found.cost.total == found.spot_money.total == pytest.approx(0.8)
    assert found.spot_saved == pytest.approx(3.2)


async def test_a_statement_sets_the_bill_beside_own_usage(store: SqliteStore) -> None:
    await store.add_pool_eras("a", [era("Render")])
    await burnt(store, "Render", DAY - timedelta(days=4), 24, dedicated=CoreUse(busy=3, unused=1))
    day = (DAY - timedelta(days=4)).date()
    row = BillRow("a", day, "amortized", "render", "/x", "D4s v3", "Virtual Machines", "", "USD", 5.0, 24.0, "1 Hour")
    rows = [
        row,
        replace(row, basis="actual"),
        replace(row, meter="P4 LRS Disk", category="Storage", amount=0.5, pool=""),
    ]
    await store.put_bill("a", day, day, rows, BillReading("a", "ok", NOW, NOW))
    found = await accounting(store).statement("a", days_of("7d", NOW))
    assert found.main
    assert found.main.explained == pytest.approx(4.8 / 5.0)
    assert found.main.well_explained
    assert [(each.pool, each.billed, each.own.cost.total) for each in found.pool_lines()] == [
        ("Render", 5.0, pytest.approx(4.8)),
        ("", 0.5, 0.0),
    ]
    days = found.day_lines()
    assert len(days) == 7
    assert [each.billed for each in days if each.billed is not None] == [5.5]
    assert sum(each.own.cost.total for each in days) == pytest.approx(found.ledger.total.cost.total)
    bill = await accounting(store).bill("a", day, day, "actual")
    assert [each.amount for each in bill.rows] == [5.0]
    assert bill.reading
    assert bill.reading.state == "ok"


@pytest.mark.parametrize(
    ("window", "now", "first", "last"),
    [
        ("month", datetime(2026, 3, 1, 0, 30, tzinfo=UTC), date(2026, 3, 1), date(2026, 3, 1)),
        ("last-month", datetime(2026, 3, 31, tzinfo=UTC), date(2026, 2, 1), date(2026, 2, 28)),
        ("last-month", datetime(2024, 3, 31, tzinfo=UTC), date(2024, 2, 1), date(2024, 2, 29)),
        ("last-month", datetime(2026, 1, 5, tzinfo=UTC), date(2025, 12, 1), date(2025, 12, 31)),
        ("7d", datetime(2026, 1, 3, tzinfo=UTC), date(2025, 12, 28), date(2026, 1, 3)),
    ],
)
def test_windows_are_whole_days_in_utc(window: str, now: datetime, first: date, last: date) -> None:
    days = days_of(window, now)  # type: ignore[arg-type]
    assert (days.first, days.last) == (first, last)
    assert (days.until - days.since).days == days.count


def test_a_day_begins_where_it_does_in_utc() -> None:
    kiritimati = datetime.fromisoformat("2026-12-01T09:00:00+14:00")
    assert days_of("month", kiritimati) == Days(date(2026, 11, 1), date(2026, 11, 30), "this month")


def test_finer_spans_are_asked_for_only_while_they_are_kept() -> None:
    rollups = Retention().rollups
    for age, step in service._FINER:
        kept = rollups[step]
        assert kept is not None
        assert age < kept
