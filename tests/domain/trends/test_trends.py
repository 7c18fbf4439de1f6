"""Facts of trends, from jobs and boots that were kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.azure.models.watched import NodeTimes
from bot.domain.trends.boots import boots_of
from bot.domain.trends.facts import boots_by_size, job_outcomes, preemptions, task_outcomes, waits
from bot.domain.trends.period import PERIODS, Period, period_of
from bot.domain.trends.runs import LAST, against
from storage.port.core_use import NO_USE, CoreUse
from storage.port.monitoring import TransitionCount
from storage.port.runs import JobRun
from storage.port.samples import Bucket
from storage.port.spread import spread_of
from storage.port.timings import NodeBoot

NOW = datetime(2026, 11, 30, 14, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = period_of("7d", NOW, UTC)


def job(name: str, ended: datetime, *, tasks: int | None = 10, failed: int | None = 0, seconds: float = 600) -> JobRun:
    return JobRun(
        account="a", job=name, started=ended - timedelta(seconds=seconds), ended=ended, schedule="s", pool="p",
        tasks=tasks, failed=failed,
    )  # fmt: skip


@given(
    st.sampled_from(list(PERIODS)),
    st.integers(0, 1000 * 86400).map(lambda seconds: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    st.sampled_from(["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "Asia/Kathmandu"]),
)
def test_a_period_holds_now_and_the_one_before_ends_where_it_begins(name: str, now: datetime, zone: str) -> None:
    period = period_of(name, now, ZoneInfo(zone))
    assert period.since <= now < period.until
    assert (period.span, period.before.span, period.before.until) == (PERIODS[name][0], PERIODS[name][0], period.since)
    assert period.count * period.step == period.span
    assert period.count <= 31
    local = period.until.astimezone(ZoneInfo(zone))
    assert local.minute == 0
    if name in ("30d", "90d"):
        assert local.hour == 0


@given(st.lists(st.integers(-400, 400), max_size=40), st.lists(st.integers(0, 12), min_size=40, max_size=40))
def test_every_job_is_counted_once_in_its_period(hours: list[int], failed: list[int]) -> None:
    jobs = [job(f"j{n}", NOW - at * HOUR, tasks=12, failed=failed[n]) for n, at in enumerate(hours)]
    within = [each for each in jobs if WEEK.since <= each.ended < WEEK.until]
    for found, good, bad in (
        (job_outcomes(jobs, WEEK, None), lambda each: not each.failed, lambda each: bool(each.failed)),
        (task_outcomes(jobs, WEEK, None), lambda each: 12 - each.failed, lambda each: each.failed),
    ):
        assert (found.good.whole or 0) == sum(map(good, within))
        assert (found.bad.whole or 0) == sum(map(bad, within))
        assert sum(value or 0 for value in found.good.values) == (found.good.whole or 0)


def test_what_was_not_watched_is_no_zero() -> None:
    watched = NOW - 3 * HOUR
    found = job_outcomes([job("j", NOW - 100 * HOUR)], WEEK, watched)
    known = [value for value in found.good.values if value is not None]
    assert known == [1, 0, 0]  # the bucket of the job, and those since it is watched
    assert job_outcomes([], WEEK, None).good.whole is None
    assert job_outcomes([], WEEK, WEEK.since).good.values == (0,) * 28


def test_jobs_whose_tasks_were_not_counted_are_in_neither() -> None:
    found = task_outcomes([job("a", NOW), job("b", NOW, tasks=None, failed=None)], WEEK, None)
    assert (found.good.whole, found.bad.whole, found.uncounted, found.share_bad) == (10, 0, 1, 0)


def test_percentiles_of_a_period_are_those_of_its_tasks() -> None:
    fast, slow = spread_of([1.5] * 98), spread_of([1000.0] * 2)
    jobs = [replace(job("a", NOW), waits=fast), replace(job("b", NOW - 24 * HOUR), waits=slow)]
    half, nine, most = (series.whole for series in waits(jobs, WEEK))
    assert half and nine and most
    assert abs(half / 1.5 - 1) < 0.05 and abs(nine / 1.5 - 1) < 0.05 and abs(most / 1000 - 1) < 0.05
    assert sum(value is not None for value in waits(jobs, WEEK)[0].values) == 2


def test_boots_are_told_by_size_the_most_frequent_first() -> None:
    boots = [NodeBoot("a", "p", f"n{n}", "big", False, NOW - n * HOUR, 100.0 + n) for n in range(9)]
    boots += [
        NodeBoot("a", "p", "m", "small", True, NOW, 50.0),
        NodeBoot("a", "p", "old", "big", True, NOW - 999 * HOUR, 1),
    ]
    big, small = boots_by_size(boots, WEEK)
    assert (big.vm_size, big.count, big.middle.whole, big.slow) == ("big", 9, 104.0, 108.0)
    assert (small.count, small.middle.whole) == (1, 50.0)


@pytest.mark.parametrize("ago", [30, 20 * 24])
def test_preemptions_and_core_hours_of_a_rate_are_of_the_same_time(ago: int) -> None:
    """Half of the spans are Azure Monitor's history, or from before it was watched; one span was not sampled."""
    watched, spot = NOW - ago * HOUR, CoreUse(busy=1000 * 3600.0)
    for period in (WEEK, WEEK.before):
        starts = [period.since + n * period.fine for n in range(28)]
        usage = [Bucket(at, NO_USE, spot, 21_600, at_most=at < watched) for at in starts if at.hour != 6]
        counts = [TransitionCount(at + HOUR, "node", "preempted", 3) for at in starts if at >= watched]
        found = preemptions(counts, usage, period, watched)
        seen = [at for at in starts if at >= watched and at.hour != 6]
        assert found.core_hours == pytest.approx(1000 * len(seen))
        assert found.rate.whole == (pytest.approx(3.0) if seen else None)
        assert {rate for rate in found.rate.values if rate is not None} <= {3.0}


def test_a_run_is_held_against_the_ten_before_it() -> None:
    runs = [job(f"s:job-{n}", NOW + n * HOUR, seconds=600 + n, failed=n % 3) for n in range(14)]
    found = against(runs)
    assert found and found.newest.job == "s:job-13" and len(found.before) == LAST
    assert found.usual == 607.5 and found.longer == pytest.approx(5.5) and not found.odd
    long = against([*runs, job("s:job-99", NOW + 99 * HOUR, seconds=1200)])
    assert long and long.odd
    assert against([]) is None
    alone = against(runs[:3])
    assert alone and alone.usual is None and alone.longer is None and not alone.odd


def test_a_bucket_begins_where_the_one_before_ends() -> None:
    period = Period(NOW, NOW + 4 * HOUR, HOUR)
    assert [period.index(NOW + part * HOUR) for part in (0, 0.99, 1, 3.5, 4, -0.1)] == [0, 0, 1, 3, None, None]


def test_a_boot_is_the_first_of_a_node_that_was_allocated_lately() -> None:
    def node(name: str, allocated: timedelta | None, boots: timedelta | None, **more: object) -> NodeTimes:
        at = None if allocated is None else NOW - allocated
        booted = None if boots is None or at is None else at + boots
        return NodeTimes(id=name, allocation_time=at, last_boot_time=booted, **more)  # type: ignore[arg-type]

    nodes = [
        node("first", HOUR, timedelta(seconds=90)),
        node("slow", 2 * HOUR, HOUR, is_dedicated=False),
        node("again", 2 * HOUR, HOUR + timedelta(seconds=1)),
        node("before", timedelta(hours=2, seconds=1), timedelta(seconds=90)),
        node("at once", HOUR, timedelta()),
        node("not yet", HOUR, None),
        node("unknown", None, None),
        node("other", HOUR, timedelta(seconds=60), vm_size="own"),
    ]
    found = list(boots_of("a", "p", "", nodes, NOW - 2 * HOUR))
    assert [(each.node, each.seconds, each.spot, each.vm_size) for each in found] == [
        ("first", 90.0, False, ""),
        ("slow", 3600.0, True, ""),
        ("other", 60.0, False, "own"),
    ]
    assert {each.vm_size for each in boots_of("a", "p", "pool's", nodes, NOW - 2 * HOUR)} == {"pool's"}


def test_what_usually_failed_is_known_from_three_runs_on() -> None:
    runs = [job(f"s:job-{n}", NOW - n * HOUR, failed=failed) for n, failed in enumerate((9, 1, None, 4, 2))]
    found = against(runs)
    assert found is not None
    assert found.usual_failed == 2
    fewer = against(runs[:-1])
    assert fewer is not None
    assert fewer.usual_failed is None
