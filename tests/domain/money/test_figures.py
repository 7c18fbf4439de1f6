"""The ledger, the bill, receipts and reports in figures: who pays what, of which days, and from which limit on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.money.advice import Advice, PoolNow
from bot.domain.money.billed import best_known, billed_ledger
from bot.domain.money.ledger import (
    Bill,
    Eras,
    JobSpend,
    Ledger,
    LedgerRow,
    busy_part,
    idle_part,
    jobs_merged,
    jobs_of,
    merged,
    totals,
    unseen_pools,
)
from bot.domain.money.movers import PoolSpan
from bot.domain.money.reconcile import restated
from bot.domain.money.report import BillFacts, bill_facts, daily, spans, what_became
from bot.domain.money.spend import NOTHING, Spend
from storage.port.bill import BillCorrection, BillReading, BillRow
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, JobBucket, PoolBucket, PoolEra
from tests.domain.money.jobs import HOUR, MINUTE, NOON, task
from tests.domain.money.test_receipt import before, receipt

DAY = datetime(2026, 11, 20, tzinfo=UTC)
FIRST = DAY.date()
ONE = timedelta(days=1)


def row(spend: Spend, pool: str = "p", at: datetime = DAY, size: str = "s", **more: Any) -> LedgerRow:
    return LedgerRow(pool, at, spend, size, **more)


def paid(busy: float = 0.0, **more: float) -> Spend:
    """Core-hours of dedicated nodes, a dollar each."""
    hours = CoreUse(busy=busy, **more)
    return Spend("USD", hours, money=hours)


MIXED = Spend(
    "USD",
    hours=CoreUse(busy=6, starting=2),
    spot_hours=CoreUse(busy=4, unused=6),
    money=CoreUse(busy=12, starting=4),
    spot_money=CoreUse(busy=2, unused=3),
    if_dedicated=20.0,
)
"""Dedicated core-hours at two dollars and spot ones at half a dollar, which would have cost twenty."""


def test_a_part_of_what_was_busy() -> None:
    assert busy_part(MIXED, 0.5, 0.25) == Spend(
        "USD", CoreUse(busy=3), CoreUse(busy=1), CoreUse(busy=6), CoreUse(busy=0.5), 0.0, 2.0
    )
    assert busy_part(MIXED, 0.5, 0.0).if_dedicated == 0.0
    assert busy_part(replace(MIXED, if_dedicated=None), 0.5, 0.25).if_dedicated is None
    assert busy_part(replace(MIXED, if_dedicated=None), 0.5, 0.0).if_dedicated == 0.0, "none of it is on spot nodes"


def test_a_part_of_what_was_idle() -> None:
    assert idle_part(MIXED, 0.5) == Spend(
        "USD", CoreUse(starting=1), CoreUse(unused=3), CoreUse(starting=2), CoreUse(unused=1.5), 0.0, 6.0
    )


def test_what_has_no_price_has_none_in_its_parts() -> None:
    lent = replace(MIXED, spot_money=NO_USE, unpriced=10.0, if_dedicated=None)
    assert (busy_part(lent, 1.0, 1.0).unpriced, idle_part(lent, 1.0).unpriced) == (4.0, 6.0)
    kept = replace(MIXED, money=NO_USE, unpriced=8.0)
    assert (busy_part(kept, 1.0, 1.0).unpriced, idle_part(kept, 1.0).unpriced) == (6.0, 2.0)
    both = replace(lent, money=NO_USE, unpriced=18.0)
    assert (busy_part(both, 0.5, 1.0).unpriced, idle_part(both, 0.5).unpriced) == (7.0, 4.0)


def test_jobs_pay_for_what_they_kept_busy_and_their_share_of_the_rest() -> None:
    """Six dedicated and four spot core-hours were busy: job a took three of each, b the other dedicated ones."""
    jobs = [JobBucket("P", "a", DAY, 3 * 3600, 3 * 3600), JobBucket("p", "b", DAY, 3 * 3600, 0)]
    found = {each.job: each for each in jobs_of([row(MIXED)], jobs)}
    assert [(job, each.own.cost.total, each.idle_share.cost.total) for job, each in found.items()] == [
        ("a", pytest.approx(7.5), pytest.approx(4.2)),
        ("b", pytest.approx(6.0), pytest.approx(2.1)),
        ("", pytest.approx(0.5), pytest.approx(0.7)),
    ]
    assert [each.job for each in jobs_of([row(MIXED)], jobs, "A")] == ["a"]
    assert list(jobs_of([row(paid(unused=3.0))], [], "a")) == [], "what nobody kept busy is nobody's"
    assert list(jobs_of([row(Spend("USD"))], [])) == []
    assert [each.job for each in jobs_of([row(MIXED, at=DAY + HOUR)], jobs)] == [""], "they ran in another hour"
    twice = [JobBucket("p", "a", DAY, 3600, 0), JobBucket("p", "a", DAY, 2 * 3600, 0)]
    assert next(iter(jobs_of([row(MIXED)], twice))).own.hours.busy == 3


def test_spans_are_summed_to_longer_ones_from_their_origin_on() -> None:
    def at(minutes: float, **more: Any) -> LedgerRow:
        return row(paid(1.0), at=DAY + minutes * MINUTE, **more)

    found = merged([at(0), at(29), at(30, pool="P"), at(-1), at(0, size="S")], DAY, 1800)
    assert [(each.start - DAY, each.pool, each.spend.cost.total) for each in found] == [
        (-30 * MINUTE, "p", 1), (0 * MINUTE, "p", 3), (30 * MINUTE, "P", 1),
    ]  # fmt: skip
    assert len(merged([at(0), at(1, windows=True), at(2, tags={"a": "b"}), at(3, size="other")], DAY, 1800)) == 4
    for first, second, said in ((False, False, False), (True, False, True), (False, True, True)):
        (one,) = merged([at(0, at_most=first), at(1, at_most=second)], DAY, 1800)
        assert one.at_most is said


def test_jobs_of_longer_spans_keep_nobodys_idle_time_apart() -> None:
    def spent(job: str, own: float, idle: float, minutes: int = 0) -> JobSpend:
        return JobSpend("p", job, DAY + minutes * MINUTE, paid(own) if own else NOTHING, paid(unused=idle))

    found = jobs_merged(
        [spent("a", 1, 2), spent("a", 3, 4, 29), spent("a", 5, 6, 30), spent("", 0, 7), spent("", 1, 8)], DAY, 1800
    )
    assert [(each.job, each.start - DAY, each.own.cost.total, each.idle_share.cost.total) for each in found] == [
        ("a", 0 * MINUTE, 4, 6), ("a", 30 * MINUTE, 5, 6), ("", 0 * MINUTE, 0, 7), ("", 0 * MINUTE, 1, 8),
    ]  # fmt: skip


@pytest.mark.parametrize(("seconds", "told"), [(1.0, False), (1.1, True)])
def test_what_an_account_had_beyond_its_pools(seconds: float, *, told: bool) -> None:
    account = Bucket(DAY, CoreUse(busy=100 + seconds, unused=5), CoreUse(busy=3), 60.0)
    pools = [PoolBucket("a", Bucket(DAY, CoreUse(busy=60, unused=9), NO_USE, 60.0)),
             PoolBucket("b", Bucket(DAY, CoreUse(busy=40), CoreUse(busy=3), 60.0))]  # fmt: skip
    found = list(unseen_pools([account], pools))
    assert bool(found) is told
    if told:
        assert found[0].bucket.dedicated == CoreUse(busy=pytest.approx(seconds)), "no part of it is less than none"
    large = Bucket(DAY, CoreUse(busy=100_000_000.0), NO_USE, 60.0)
    less = PoolBucket("a", Bucket(DAY, CoreUse(busy=100_000_000.0 - 90), NO_USE, 60.0))
    assert not list(unseen_pools([large], [less])), "a millionth is what rounding makes"


def test_eras_of_a_pool() -> None:
    eras = Eras([PoolEra("p", DAY + n * ONE, f"s{n}", 4, False, {}) for n in (2, 0, 1)])
    sizes = [(era := eras.at("P", DAY + n * ONE)) and era.vm_size for n in (-1, 0, 0.9, 1, 2, 9)]
    assert sizes == ["s0", "s0", "s0", "s1", "s2", "s2"]
    assert eras.changes(DAY, DAY + 2 * ONE) == [DAY + ONE]
    assert eras.changes(DAY - ONE, DAY + 3 * ONE) == [DAY + ONE, DAY + 2 * ONE]


def ledger(*rows: LedgerRow, **more: Any) -> Ledger:
    """Ten days, of which the last four are not over."""
    known: dict[str, Any] = {"as_of": DAY + 6 * ONE, "first": DAY + 2 * ONE, "seen": 1.0}
    return Ledger("a", "USD", DAY, DAY + 10 * ONE, **(known | more), rows=rows)


@pytest.mark.parametrize(
    ("seen", "first", "share"),
    [(0.5, DAY, 0.5), (0.5, DAY + 5 * ONE, 1.0), (0.25, DAY + 5 * ONE, 0.5), (0.6, DAY + 5 * ONE, 1.0),
     (0.0, None, 1.0), (0.5, DAY + 10 * ONE, 1.0)],
)  # fmt: skip
def test_how_much_was_seen_since_anything_was(seen: float, first: datetime | None, share: float) -> None:
    assert ledger(seen=seen, first=first).seen_since_first == pytest.approx(share)


def test_days_that_were_watched() -> None:
    found = ledger(sampled={DAY: 40_000.0, DAY + 12 * HOUR: 42_080.0, DAY + ONE: 82_079.0})
    assert found.sampled_days() == {FIRST: 82_080.0, FIRST + ONE: 82_079.0}
    assert found.watched_days(0.95) == {FIRST}
    assert found.watched_from == DAY
    assert ledger().watched_from is None


def test_sums_by_pool_have_its_first_spelling_and_by_tag_its_value() -> None:
    rows = [row(paid(1), "P", tags={"Team": "a"}), row(paid(2), "p", tags={"team": "A"}), row(paid(4), "", size="")]
    assert {name: each.cost.total for name, each in totals(rows, "pool").items()} == {"P": 3, "": 4}
    assert {name: each.cost.total for name, each in totals(rows, "tag:TEAM").items()} == {"a": 1, "A": 2, "": 4}
    assert {name: each.cost.total for name, each in totals(rows, "size").items()} == {"s": 3, "": 4}
    with pytest.raises(ValueError, match="nothing is summed by 'tag:'"):
        totals(rows, "tag:")


# What a report is made of


def test_the_days_of_a_report() -> None:
    """Nothing is known before the first sample and after the last; in between a day without nodes cost nothing."""
    found = daily(ledger(row(paid(3), at=DAY + 3 * ONE), row(paid(9), at=DAY)), [FIRST + n * ONE for n in range(8)])
    costs = [each and each.cost.total for _, each in found]
    assert costs == [9, None, 0, 3, 0, 0, 0, None]
    assert [day for day, _ in found] == [FIRST + n * ONE for n in range(8)]
    unread = daily(ledger(as_of=None), [FIRST + 3 * ONE])
    assert unread == [(FIRST + 3 * ONE, None)]
    assert daily(ledger(first=None), [FIRST + 3 * ONE]) == [(FIRST + 3 * ONE, None)]


def test_the_pools_of_a_report_with_what_their_jobs_cost() -> None:
    jobs = [JobSpend("P", "fit", DAY, paid(2), NOTHING), JobSpend("p", "fit", DAY + ONE, paid(3), paid(unused=9)),
            JobSpend("p", "", DAY, paid(7), NOTHING)]  # fmt: skip
    rows = [
        row(paid(5), "p", DAY + ONE, "new"),
        row(paid(5), "p", DAY, "old"),
        row(paid(0.0), "none"),
        row(paid(10), "dear"),
        row(paid(10), "Also", size=""),
        row(Spend("USD", CoreUse(busy=1), unpriced=1), "free"),
    ]
    found = spans(ledger(*rows), jobs)
    assert [(each.pool, each.money, each.vm_size, dict(each.jobs)) for each in found] == [
        ("Also", 10, "", {}), ("dear", 10, "s", {}), ("p", 10, "new", {"fit": 5}), ("free", 0, "s", {}),
    ]  # fmt: skip


def billed(
    day: date, amount: float, category: str = "Virtual Machines", currency: str = "USD", pool: str = "p"
) -> BillRow:
    return BillRow("a", day, "amortized", pool, "/x", "D4s v3", category, "Dsv3", currency, amount, 4.0, "1 Hour")


def test_the_bill_of_a_report() -> None:
    reading = BillReading("a", "ok", DAY + 9 * ONE, DAY + 6 * ONE, first=FIRST)
    rows = (billed(FIRST - ONE, 1000), billed(FIRST, 5), billed(FIRST + 4 * ONE, 7),
            billed(FIRST + 4 * ONE, 2, "Storage"), billed(FIRST + 5 * ONE, 1000))  # fmt: skip
    found = bill_facts(Bill(rows, reading), FIRST, FIRST + 4 * ONE)
    assert (found.machines, found.rest, found.amount, found.currency) == (12, 2, 14, "USD")
    assert found.filling == (FIRST + 3 * ONE, FIRST + 4 * ONE), "three days after its end a day is final"
    assert (found.as_of, found.since, found.state) == (DAY + 6 * ONE, FIRST, "ok")
    assert bill_facts(Bill(rows), FIRST, FIRST) == BillFacts(None)
    assert bill_facts(Bill(rows, reading), FIRST + ONE, FIRST + ONE).amount is None
    never = replace(reading, as_of=None, state="no permission", message="in words")
    assert bill_facts(Bill(rows, never), FIRST, FIRST) == BillFacts("no permission", "in words", since=FIRST)
    two = bill_facts(Bill((*rows, billed(FIRST, 1, currency="EUR")), reading), FIRST, FIRST)
    assert (two.message, two.amount) == ("it is in EUR and USD", None)


def test_what_became_of_advice() -> None:
    given = [Advice("idle", "Gone", 9, "w", "b", "c"), Advice("spot", "p", 8, "w", "b", "c"),
             Advice("formula", "p", 8, "w", "b", "c")]  # fmt: skip
    now = [PoolSpan("P", paid(2, unused=3))]
    pools = {"p": PoolNow("p", 4, spot_ratio=0.5)}
    assert [(each.outcome.became, each.outcome.saved) for each in what_became(given, now, pools)] == [
        ("gone", 9), ("done", 7), ("done", 5),
    ]  # fmt: skip
    assert [each.outcome.became for each in what_became(given, now, {}, stretch=2.0)] == ["gone", "unknown", "not done"]


# The bill and own usage together


def test_the_bill_as_a_ledger_has_the_days_of_its_window() -> None:
    rows = [billed(FIRST + n * ONE, n + 1.0) for n in range(-1, 4)] + [replace(billed(FIRST, 99.0), basis="actual")]
    found = billed_ledger("a", rows, DAY, DAY + 2 * ONE, DAY)
    assert found
    assert [(each.start, each.spend.cost.total) for each in found.rows] == [(DAY, 1.0), (DAY + ONE, 2.0)]
    assert (found.total.hours.total, found.currency, found.first, found.price_source) == (8.0, "USD", DAY, "the bill")
    assert billed_ledger("a", [], DAY, DAY + ONE, DAY) is None
    assert billed_ledger("a", [*rows, billed(FIRST, 1.0, currency="EUR")], DAY, DAY + ONE, DAY) is None


def test_of_the_bill_only_machines_have_hours_and_spot_ones_are_told_by_their_meter() -> None:
    spot = replace(billed(FIRST, 2.0), meter="D4s v3 Spot")
    found = billed_ledger("a", [billed(FIRST, 5.0), spot, billed(FIRST, 3.0, "Storage")], DAY, DAY + ONE, DAY)
    assert found
    (one,) = found.rows
    assert (one.spend.hours.total, one.spend.spot_hours.total) == (4.0, 4.0)
    assert (one.spend.money.total, one.spend.spot_money.total, one.spend.if_dedicated) == (8.0, 2.0, None)


@pytest.mark.parametrize(
    ("paid_", "as_of", "filling"),
    [
        pytest.param(95.0, DAY + 6 * ONE, False, id="a bill that is a twentieth short is whole"),
        pytest.param(94.9, DAY + 6 * ONE, True, id="one that is shorter is late within a week"),
        pytest.param(94.9, DAY + 7 * ONE, False, id="after a week it is a discount"),
        pytest.param(94.9, DAY + 7 * ONE - MINUTE, True, id="a minute before it is not"),
        pytest.param(100.0, DAY + 4 * ONE - MINUTE, True, id="no day is final before its third"),
        pytest.param(100.0, DAY + 4 * ONE, False, id="and then it is"),
    ],
)
def test_a_days_bill_is_final_or_late(paid_: float, as_of: datetime, *, filling: bool) -> None:
    bill = billed_ledger("a", [billed(FIRST, paid_)], DAY, DAY + ONE, as_of)
    assert bill
    own = Ledger("a", "USD", DAY, DAY + ONE, as_of, DAY, 1.0, (row(paid(100.0)),))
    found = best_known(own, frozenset({FIRST}), bill, as_of)
    assert found.filling == ({FIRST} if filling else frozenset())
    more = {FIRST: pytest.approx(100.0 - paid_)} if filling and paid_ < 100 else {}
    assert found.by_own == more
    assert found.ledger.total.cost.total == (100.0 if more else paid_)


@pytest.mark.parametrize(("after", "told"), [(100.005, False), (100.006, True), (99.994, True), (99.996, False)])
def test_a_settled_day_is_restated_from_half_a_cent_on(after: float, *, told: bool) -> None:
    late = BillCorrection("a", FIRST, "actual", "USD", DAY + 4 * ONE, 100.0, after)
    assert bool(restated([late], "actual")) is told
    assert not restated([replace(late, at=DAY + 4 * ONE - MINUTE)], "actual"), "it was not settled"


# Receipts


def test_what_is_read_and_what_samples_know() -> None:
    """From 98 % of its time on samples stand for tasks that were not read, or ran nobody knows where."""
    some = receipt(task(), counted=2)
    sampled = replace(some, sampled_own=paid(9.0))
    assert [replace(sampled, seen=seen).by_samples for seen in (0.97, 0.98, 1.0)] == [False, True, True]
    assert [replace(sampled, seen=seen).own_cost for seen in (0.97, 0.98)] == [pytest.approx(0.25), 9.0]
    whole = replace(receipt(task()), sampled_own=paid(9.0), seen=1.0)
    assert not whole.by_samples, "all tasks were read"
    gone = replace(receipt(task(pool="gone"), task()), sampled_own=paid(9.0), seen=1.0)
    assert gone.by_samples
    assert (some.read_all, receipt(task(), counted=1).read_all, receipt(task(), task(), counted=1).read_all) == (
        False, True, True,
    )  # fmt: skip
    assert (some.all_tasks, receipt(task(), task(), counted=1).all_tasks, replace(some, counted=None).all_tasks) == (
        2, 2, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "minutes"),
    [(4.0, 0), (4.4, 0), (3.64, 0), (3.63, 22.2), (3.6, 24), (4.45, -27), (5.0, -60)],
)
def test_a_tenth_of_the_usual_time_is_no_difference(hours: float, minutes: float) -> None:
    """It ran for four hours."""
    found = receipt(task()).against([before(n, hours=hours) for n in range(3)])
    assert found.longer is not None
    assert found.longer / MINUTE == pytest.approx(minutes)


def test_a_minute_is_no_difference_however_short_it_is_usually() -> None:
    usual = [before(n, hours=1 / 60) for n in range(3)]
    for seconds, longer in ((119, 0), (120, 60), (121, 61)):
        found = replace(receipt(task()), ended=NOON + timedelta(seconds=seconds)).against(usual)
        assert found.longer == timedelta(seconds=longer)


def test_the_lines_of_a_receipt() -> None:
    """An hour of a core that failed, half an hour that was made again, and an hour that was of use."""
    found = receipt(task(failed=True), task(retries=1, all_minutes=90))
    lines = {each.what: (each.core_hours, each.money) for each in found.parts()}
    assert lines["useful"] == (pytest.approx(1.0), pytest.approx(0.25))
    assert lines["failed"] == (pytest.approx(1.0), pytest.approx(0.25))
    assert lines["lost"] == (pytest.approx(0.5), pytest.approx(0.125))
    assert (lines["starting"], lines["unused"], lines["broken"]) == ((1, 0.25), (3, 0.75), (0, 0))
    sampled = replace(found, counted=9, sampled_own=paid(9.0), seen=1.0)
    assert [(each.what, each.core_hours) for each in sampled.parts()][:2] == [("own", 9.0), ("starting", 1)]


def test_what_is_kept_of_a_job() -> None:
    kept = receipt(task(NOON + 10 * MINUTE), task(NOON + 20 * MINUTE, requeues=2, all_minutes=90)).run()
    assert kept
    assert (kept.job, kept.schedule, kept.pool, kept.tasks, kept.failed, kept.read) == (
        "nightly:job-12", "nightly", "gpu", 2, 0, 2,
    )  # fmt: skip
    assert (kept.retries, kept.queue, kept.at_least) == (2, 600.0, False)
    assert (kept.core_seconds, kept.lost_core_seconds, kept.requeued_core_seconds) == (
        pytest.approx(2.5 * 3600), pytest.approx(1800), pytest.approx(1800),
    )  # fmt: skip
    assert (kept.cost, kept.idle_cost, kept.currency) == (pytest.approx(0.625), 1.0, "USD")
    assert receipt().run().queue is None  # type: ignore[union-attr]
