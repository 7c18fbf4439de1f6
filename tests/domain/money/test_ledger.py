"""The ledger adds up: pools to their account, jobs and nobody's idle time to their pool, whatever had a price."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.azure.models.price import Prices
from bot.azure.price_settings import Reservation
from bot.domain.money.ledger import Eras, JobSpend, LedgerRow, by_day, jobs_of, merged, rows_of, totals, unseen_pools
from bot.domain.money.price_book import PriceBook
from bot.domain.money.reserved import ReservedRates
from bot.domain.money.spend import Spend, total
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, JobBucket, PoolBucket, PoolEra

DAY = datetime(2026, 11, 23, tzinfo=UTC)
PRICES = Prices(
    {
        ("standard_d4s_v3", False, "on demand"): 0.2,
        ("standard_d4s_v3", False, "spot"): 0.04,
        ("standard_d4s_v3", True, "on demand"): 0.4,
        ("standard_nc6s_v3", False, "on demand"): 3.0,
    },
    "USD",
    DAY,
)
ERAS = Eras(
    [
        PoolEra("d", DAY, "Standard_D4s_v3", 4, False, {"owner": "ann"}),
        PoolEra("gpu", DAY, "STANDARD_NC6s_v3", 6, False, {"Owner": "bob"}),
        PoolEra("odd", DAY, "Standard_Unknown", 2, False, {}),
    ]
)
amounts = st.floats(0, 1e6).map(lambda value: round(value, 3))
uses = st.builds(CoreUse, busy=amounts, starting=amounts, unused=amounts, broken=amounts)


def row(pool: str = "d", *, dedicated: CoreUse = NO_USE, spot: CoreUse = NO_USE, start: datetime = DAY) -> LedgerRow:
    bucket = PoolBucket(pool, Bucket(start, dedicated, spot, 3600.0))
    return next(rows_of([bucket], ERAS, PriceBook(PRICES)))


def close(one: Spend, other: Spend) -> None:
    assert one.core_hours.total == pytest.approx(other.core_hours.total, rel=1e-9, abs=1e-9)
    assert one.cost.total == pytest.approx(other.cost.total, rel=1e-9, abs=1e-9)
    assert one.cost.busy == pytest.approx(other.cost.busy, rel=1e-9, abs=1e-9)
    assert one.unpriced == pytest.approx(other.unpriced, rel=1e-9, abs=1e-9)
    if one.if_dedicated is not None and other.if_dedicated is not None:
        assert one.if_dedicated == pytest.approx(other.if_dedicated, rel=1e-9, abs=1e-9)


def test_a_row_has_the_price_of_its_size() -> None:
    found = row(dedicated=CoreUse(busy=4 * 3600, unused=4 * 3600), spot=CoreUse(busy=4 * 3600))
    assert found.spend.cost.total == pytest.approx(0.2 + 0.2 + 0.04)
    assert found.spend.cost.idle == pytest.approx(0.2)
    assert found.spend.spot_saved == pytest.approx(0.16)
    assert row("odd", dedicated=CoreUse(busy=3600)).spend.unpriced == 1
    assert row("never seen", dedicated=CoreUse(busy=3600)).spend.unpriced == 1
    assert row("D", dedicated=CoreUse(busy=4 * 3600)).spend.cost.total == pytest.approx(0.2)


def test_sums_by_what_one_likes() -> None:
    rows = [
        row("d", dedicated=CoreUse(busy=4 * 3600)),
        row("gpu", dedicated=CoreUse(busy=6 * 3600)),
        row("d", dedicated=CoreUse(busy=4 * 3600), start=DAY + timedelta(days=1)),
    ]
    assert {key: each.cost.total for key, each in totals(rows, "tag:OWNER").items()} == {
        "ann": pytest.approx(0.4),
        "bob": pytest.approx(3.0),
    }
    assert list(by_day(rows)) == [date(2026, 11, 23), date(2026, 11, 24)]
    assert set(totals(rows, "size")) == {"Standard_D4s_v3", "STANDARD_NC6s_v3"}
    assert list(totals(rows, "tag:none")) == [""]
    with pytest.raises(ValueError, match="nothing is summed by 'moon'"):
        totals(rows, "moon")


@given(dedicated=uses, spot=uses, parts=st.lists(st.tuples(st.sampled_from(["a", "b", ""]), amounts, amounts)))
def test_jobs_and_nobodys_idle_time_are_the_pool(
    dedicated: CoreUse, spot: CoreUse, parts: list[tuple[str, float, float]]
) -> None:
    for pool in ("d", "odd", "gpu"):
        whole = row(pool, dedicated=dedicated, spot=spot)
        scale = sum(each[1] for each in parts), sum(each[2] for each in parts)
        jobs = [
            JobBucket(
                pool,
                job,
                DAY,
                kept / scale[0] * dedicated.busy if scale[0] else 0.0,
                lent / scale[1] * spot.busy if scale[1] else 0.0,
            )
            for job, kept, lent in parts
        ]
        found = list(jobs_of([whole], jobs))
        close(total(each.whole for each in found), whole.spend)
        assert all(each.own.core_hours.idle == 0 and each.idle_share.core_hours.busy == 0 for each in found)


@given(dedicated=uses, spot=uses, cut=st.floats(0, 1))
def test_more_jobs_than_were_busy_take_their_part_of_it(dedicated: CoreUse, spot: CoreUse, cut: float) -> None:
    whole = row(dedicated=dedicated, spot=spot)
    jobs = [JobBucket("D", "a", DAY, dedicated.busy * (1 + cut), spot.busy), JobBucket("d", "b", DAY, 10.0, 0.0)]
    close(total(each.whole for each in jobs_of([whole], jobs)), whole.spend)


def test_idle_time_of_a_job_is_its_share_of_the_busy() -> None:
    whole = row(dedicated=CoreUse(busy=8 * 3600, starting=4 * 3600))
    found: dict[str, JobSpend] = {
        each.job: each
        for each in jobs_of([whole], [JobBucket("d", "a", DAY, 6 * 3600, 0), JobBucket("d", "b", DAY, 2 * 3600, 0)])
    }
    assert found["a"].own.cost.total == pytest.approx(0.3)
    assert found["a"].idle_share.cost.starting == pytest.approx(0.15)
    assert found["b"].whole.cost.total == pytest.approx(0.15)


def test_a_job_of_a_pool_that_was_made_anew_is_shared_out_between_what_it_was() -> None:
    small = row(dedicated=CoreUse(busy=6 * 3600))
    large = replace(row("gpu", dedicated=CoreUse(busy=2 * 3600, unused=4 * 3600)), pool="D")
    found = list(
        jobs_of([small, large], [JobBucket("d", "a", DAY, 4 * 3600, 0), JobBucket("d", "b", DAY, 4 * 3600, 0)])
    )
    assert [(each.job, each.vm_size, dict(each.tags), each.own.core_hours.busy) for each in found] == [
        (job, size, tags, hours)
        for job in ("a", "b")
        for size, tags, hours in (("Standard_D4s_v3", {"owner": "ann"}, 3), ("STANDARD_NC6s_v3", {"Owner": "bob"}, 1))
    ]
    for mine in (small, large):
        close(total(each.whole for each in found if each.vm_size == mine.vm_size), mine.spend)


def test_what_no_job_is_known_for_stands_apart() -> None:
    whole = row(dedicated=CoreUse(busy=8 * 3600))
    found = {each.job: each.own.core_hours.busy for each in jobs_of([whole], [JobBucket("d", "a", DAY, 3600, 0)])}
    assert found == {"a": pytest.approx(1), "": pytest.approx(7)}
    idle = list(jobs_of([row(dedicated=CoreUse(unused=3600))], []))
    assert [(each.job, each.own.core_hours.total, each.idle_share.core_hours.unused) for each in idle] == [("", 0, 1)]


@given(st.lists(st.tuples(st.sampled_from(["d", "gpu", "odd"]), st.integers(0, 47), uses), max_size=20))
def test_merged_rows_keep_every_sum(buckets: list[tuple[str, int, CoreUse]]) -> None:
    rows = [row(pool, dedicated=use, start=DAY + timedelta(hours=hour)) for pool, hour, use in buckets]
    days = merged(rows, DAY, 86_400)
    close(total(each.spend for each in days), total(each.spend for each in rows))
    by_pool: dict[str, int] = defaultdict(int)
    for each in days:
        by_pool[each.pool] += 1
        assert each.start in (DAY, DAY + timedelta(days=1))
    assert all(count <= 2 for count in by_pool.values())


def test_a_pool_that_was_made_anew_has_the_size_it_had_then() -> None:
    later = DAY + timedelta(hours=10)
    eras = Eras(
        [
            PoolEra("p", DAY, "Standard_D4s_v3", 4, False, {}),
            PoolEra("P", later, "Standard_NC6s_v3", 6, False, {"owner": "bob"}),
        ]
    )
    assert eras.at("p", DAY - timedelta(days=9)).vm_size == "Standard_D4s_v3"  # type: ignore[union-attr]
    assert eras.at("p", later).vm_size == "Standard_NC6s_v3"  # type: ignore[union-attr]
    assert eras.at("q", later) is None
    assert eras.changes(DAY, later + timedelta(hours=1)) == [later]
    assert eras.changes(later, later + timedelta(hours=1)) == []


def test_history_without_pools_has_no_price() -> None:
    day = Bucket(DAY, CoreUse(busy=7200, unused=3600), NO_USE, 3600.0, at_most=True)
    pool = PoolBucket("d", Bucket(DAY, CoreUse(busy=3600), NO_USE, 3600.0))
    rest = list(unseen_pools([day], [pool]))
    assert [(each.pool, each.bucket.total) for each in rest] == [("", 7200)]
    (found,) = rows_of(rest, ERAS, PriceBook(PRICES))
    assert (found.spend.unpriced, found.at_most) == (2, True)
    assert list(unseen_pools([pool.bucket], [pool])) == []


def test_a_window_before_a_change_is_priced_by_the_older_rate() -> None:
    key = ("standard_d4s_v3", False, "on demand")
    old, new = DAY - timedelta(days=30), DAY
    book = PriceBook(Prices({key: 0.2}, "USD", DAY, {key: ((old, 0.1), (new, 0.2))}))
    for at, amount in ((old - timedelta(days=1), 0.1), (DAY - timedelta(hours=1), 0.1), (DAY, 0.2)):
        rate = book.hourly("STANDARD_D4s_v3", windows=False, spot=False, at=at)
        assert rate
        assert rate.amount == amount
    assert book.changes(old, DAY + timedelta(days=1)) == [new]
    gone = PriceBook(Prices({}, "USD", DAY, {key: ((old, 0.1), (new, None))}))
    assert not gone.currency


def test_own_prices_stand_above_the_list_and_a_discount_is_off_the_list_alone() -> None:
    own = Prices(PRICES.amounts, "USD", DAY, sheet={("standard_d4s_v3", False, False): 0.15}, discount=10)
    book = PriceBook(own)
    kept = book.hourly("Standard_D4s_v3", windows=False, spot=False, at=DAY)
    lent = book.hourly("Standard_D4s_v3", windows=False, spot=True, at=DAY)
    assert kept and lent
    assert (kept.amount, kept.source) == (0.15, "own price")
    assert lent.amount == pytest.approx(0.036)
    assert lent.source == "list price less 10 %"
    assert book.source == "own prices and list prices less 10 %"


def test_reserved_nodes_cost_what_was_agreed_up_to_their_number() -> None:
    reserved = [Reservation(size="standard_d4s_v3", nodes=2, hourly=0.05)]
    buckets = [PoolBucket("d", Bucket(DAY, CoreUse(busy=4 * 4 * 1800), CoreUse(busy=3600), 1800.0))]
    rates = ReservedRates(PriceBook(PRICES), reserved, buckets, ERAS)
    (found,) = rows_of(buckets, ERAS, rates)
    # Four nodes for half an hour, of which two are reserved; a spot core for an hour beside them.
    assert found.spend.money.total == pytest.approx(0.5 * (2 * 0.05 + 2 * 0.2))
    assert found.spend.spot_money.total == pytest.approx(0.01)
    windows = rates.hourly("Standard_D4s_v3", windows=True, spot=False, at=DAY)
    assert windows
    assert windows.amount == pytest.approx(0.5 * (0.05 + 0.2) + 0.5 * 0.4)
    over = [Reservation(size="Standard_D4s_v3", nodes=2, hourly=0.05, until=DAY.date())]
    (full,) = rows_of(buckets, ERAS, ReservedRates(PriceBook(PRICES), over, buckets, ERAS))
    assert full.spend.money.total == pytest.approx(0.5 * 4 * 0.2)
