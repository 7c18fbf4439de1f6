"""The receipt of a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.azure.models.task import TaskTimes
from bot.domain.money.job_tasks import TaskSums, TaskTally
from bot.domain.money.receipt import Receipt, boot_within, usual_of
from bot.domain.money.spend import NOTHING, Spend
from storage.port.core_use import NO_USE, CoreUse
from storage.port.runs import JobRun
from storage.port.samples import Bucket
from tests.domain.money.jobs import HOUR, MINUTE, NOON, SPOT, Flat, machines, task


def tallied(tasks: Sequence[TaskTimes], rates: Flat | None = None) -> TaskSums:
    tally = TaskTally(machines, NOON + 10 * HOUR)
    tally.add(tasks)
    return tally.sums(rates or Flat())


IDLE = Spend("USD", hours=CoreUse(starting=1, unused=3), money=CoreUse(starting=0.25, unused=0.75))


def receipt(*tasks: TaskTimes, rates: Flat | None = None, counted: int | None = None) -> Receipt:
    """A job of four hours, sampled whole, with a dollar of idle share."""
    sums = tallied(tasks, rates)
    return Receipt(
        account="sim",
        job="nightly:job-12",
        schedule="nightly",
        pool="gpu",
        state="completed",
        started=NOON,
        ended=NOON + 4 * HOUR,
        as_of=NOON + 5 * HOUR,
        counted=sums.tasks if counted is None else counted,
        tasks=sums,
        idle_share=IDLE,
        seen=1.0,
    )


def before(number: int, *, hours: float = 4, cost: float | None = 2.0, currency: str = "USD") -> JobRun:
    ended = NOON - (20 - number) * 24 * HOUR
    return JobRun(
        account="sim", job=f"nightly:job-{number}", pool="gpu", started=ended - hours * HOUR, ended=ended,
        schedule="nightly", cost=cost, idle_cost=None if cost is None else 0.5, currency=currency,
    )  # fmt: skip


def test_own_and_the_share_of_idle_are_the_cost() -> None:
    found = receipt(task(slots=4))
    assert (found.own_cost, found.idle_cost, found.cost) == (pytest.approx(1), 1, pytest.approx(2))
    assert found.runtime == 4 * HOUR


def test_what_is_unknown_is_not_zero() -> None:
    found = replace(receipt(task()), idle_share=None)
    assert found.idle_cost is None
    assert found.cost == found.own_cost
    unpriced = receipt(task(node=SPOT), rates=Flat(no_spot=True))
    assert unpriced.own_cost is None
    assert unpriced.cost is None
    assert unpriced.own.core_hours.total == pytest.approx(1)
    assert unpriced.spot_saved is None
    gone = receipt(task(pool="gone"))
    assert gone.unknown
    assert gone.own_cost is None
    kept = gone.run()
    assert kept
    assert (kept.core_seconds, kept.cost) == (None, None)


def test_tasks_that_nobody_counted_are_not_none_of_them() -> None:
    gone = replace(receipt(), counted=None)
    run, empty = gone.run(), receipt().run()
    assert run and empty
    assert (run.tasks, run.failed, run.read, gone.read_all) == (None, None, 0, False)
    assert (empty.tasks, empty.failed) == (0, 0)
    some = replace(receipt(task(failed=True)), counted=30_000, counted_failed=12)  # not all of them were read
    kept = some.run()
    assert kept
    assert (kept.tasks, kept.failed, kept.read) == (30_000, 12, 1)


def test_a_job_without_tasks_cost_nothing_of_its_own() -> None:
    found = replace(receipt(), idle_share=NOTHING)
    assert (found.own_cost, found.cost, found.at_least) == (0, 0, False)


def test_tasks_that_were_not_read_make_it_at_least_or_are_seen_by_samples() -> None:
    found = receipt(task(), counted=30_000)
    assert found.at_least
    assert found.own.core_hours.total == pytest.approx(1)
    sampled = replace(found, sampled_own=Spend("USD", hours=CoreUse(busy=400), money=CoreUse(busy=100)))
    assert sampled.by_samples
    assert not sampled.at_least
    assert sampled.own_cost == 100
    assert replace(sampled, seen=0.5).at_least


def test_what_spot_saved_is_less_the_work_that_was_lost() -> None:
    """An hour of four cores: dedicated $1, spot $0.20; half an hour of it was done twice."""
    assert receipt(task(node=SPOT, slots=4)).spot_saved == pytest.approx(0.8)
    lost = receipt(task(node=SPOT, slots=4, requeues=1, all_minutes=90))
    assert lost.spot_saved == pytest.approx(1.5 * 0.8 - 0.5 * 1.0)
    assert lost.lost_cost == pytest.approx(0.5 * 0.2)
    assert receipt(task(slots=4)).spot_saved == 0
    assert receipt(task(node=SPOT, requeues=1)).spot_saved is None  # nobody knows what was lost
    assert receipt(task(node=SPOT, retries=1)).spot_saved is not None  # its own fault, on any node


def test_how_much_longer_than_usual_it_ran() -> None:
    now = receipt(task())
    assert now.longer is None
    assert now.against([before(1), before(2)]).longer is None  # two are no custom
    assert now.against([before(n) for n in range(3)]).longer == timedelta()
    assert now.against([before(n, hours=3.5) for n in range(4)]).longer == 30 * MINUTE
    assert now.against([before(n, hours=3.8) for n in range(4)]).longer == timedelta()  # within a tenth
    assert replace(now, ended=None).against([before(n) for n in range(3)]).longer is None


def test_the_usual_cost_is_of_one_currency_and_of_the_last_ten() -> None:
    usual = usual_of([before(n, cost=float(n)) for n in range(12)], "nightly:JOB-3")
    assert [run.job for run in usual.runs] == [f"nightly:job-{n}" for n in (1, 2, 4, 5, 6, 7, 8, 9, 10, 11)]
    assert (usual.cost, usual.currency) == (6.5 + 0.5, "USD")
    assert usual_of([before(n, currency="EUR" if n else "USD") for n in range(9)], "").cost is None
    assert usual_of([before(n, cost=None if n > 1 else 1.0) for n in range(9)], "").cost is None


def test_what_is_kept_of_a_job_that_goes_on_is_nothing() -> None:
    found = receipt(task(retries=1, all_minutes=90), task(failed=True))
    run = found.run()
    assert run
    assert (run.tasks, run.failed, run.retries) == (2, 1, 1)
    assert run.core_seconds == pytest.approx(2.5 * 3600)
    assert run.lost_core_seconds == pytest.approx(0.5 * 3600)
    assert run.total == pytest.approx(found.cost)
    assert replace(found, ended=None).run() is None


def test_booting_counts_by_the_part_of_it_that_lies_within_the_wait() -> None:
    def bucket(minute: int, starting: float) -> Bucket:
        return Bucket(NOON + minute * MINUTE, CoreUse(busy=10, starting=starting), NO_USE, 60)

    buckets = [bucket(-1, 5), bucket(0, 5), bucket(1, 0), bucket(2, 5)]
    assert boot_within(buckets, MINUTE, NOON, NOON + 2.5 * MINUTE) == 1.5 * MINUTE
    assert boot_within([], MINUTE, NOON, NOON + HOUR) is None


@given(st.lists(st.builds(task, minutes=st.floats(0, 600), retries=st.integers(0, 2), failed=st.booleans())))
def test_the_parts_of_own_are_own(tasks: list[TaskTimes]) -> None:
    found = receipt(*tasks)
    lines = found.parts()
    assert sum(line.money for line in lines) == pytest.approx(found.cost)
    assert sum(line.core_hours for line in lines) == pytest.approx((found.own + IDLE).core_hours.total)
