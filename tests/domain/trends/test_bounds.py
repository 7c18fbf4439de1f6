"""Periods, rates and runs at their edges: which bucket a moment lies in, and from when on something is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.azure.models.watched import NodeTimes
from bot.domain.trends.boots import boots_of
from bot.domain.trends.facts import boots_by_size, job_outcomes, percentile, preemptions, task_outcomes
from bot.domain.trends.period import Period, period_of
from bot.domain.trends.runs import against
from storage.port.core_use import NO_USE, CoreUse
from storage.port.monitoring import TransitionCount
from storage.port.runs import JobRun
from storage.port.samples import Bucket
from storage.port.timings import NodeBoot
from tests.domain.trends.test_trends import HOUR, NOW, job

MIDNIGHT = datetime(2026, 11, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = Period(MIDNIGHT, MIDNIGHT + 24 * HOUR, 6 * HOUR)
"""Four buckets of six hours."""


def test_a_moment_lies_in_one_bucket() -> None:
    moments = [-SECOND, 0 * HOUR, 6 * HOUR - SECOND, 6 * HOUR, 24 * HOUR - SECOND, 24 * HOUR]
    assert [DAY.index(MIDNIGHT + each) for each in moments] == [None, 0, 0, 1, 3, None]
    assert DAY.grouped(moments, lambda each: MIDNIGHT + each) == [moments[1:3], [moments[3]], [], [moments[4]]]
    assert DAY.starts == [MIDNIGHT + n * HOUR for n in (0, 6, 12, 18)]
    assert (DAY.count, DAY.fine) == (4, 6 * HOUR)
    assert Period(MIDNIGHT, MIDNIGHT + 72 * HOUR, 24 * HOUR).fine == 6 * HOUR
    assert Period(MIDNIGHT, MIDNIGHT + 24 * HOUR, HOUR).fine == HOUR


@pytest.mark.parametrize(
    ("hours", "known"),
    [(-9, 4), (0, 4), (5.9, 4), (6, 3), (23, 1), (24, 0)],
)
def test_a_bucket_is_known_where_its_end_was_watched(hours: float, known: int) -> None:
    assert DAY.known(MIDNIGHT + hours * HOUR) == [False] * (4 - known) + [True] * known
    assert DAY.known(None) == [False] * 4


@pytest.mark.parametrize(
    ("name", "until", "count"),
    [
        ("24h", datetime(2026, 11, 30, 15, tzinfo=UTC), 24),
        ("7d", datetime(2026, 11, 30, 18, tzinfo=UTC), 28),
        ("30d", datetime(2026, 12, 1, tzinfo=UTC), 30),
        ("90d", datetime(2026, 12, 1, tzinfo=UTC), 30),
    ],
)
def test_the_periods_that_there_are(name: str, until: datetime, count: int) -> None:
    """As of 14:20: up to the end of the hour, of the quarter of a day, of the day."""
    found = period_of(name, NOW, UTC)
    assert (found.until, found.count) == (until, count)


def test_an_hour_that_has_just_begun_is_the_last_of_its_period() -> None:
    assert period_of("24h", datetime(2026, 11, 30, 14, tzinfo=UTC), UTC).until == datetime(2026, 11, 30, 15, tzinfo=UTC)


def test_outcomes_by_bucket_and_of_all() -> None:
    jobs = [job("a", MIDNIGHT + HOUR, failed=0), job("b", MIDNIGHT + HOUR, failed=3), job("c", MIDNIGHT + 7 * HOUR),
            job("d", MIDNIGHT + 8 * HOUR, failed=None), job("e", MIDNIGHT - HOUR, failed=None)]  # fmt: skip
    found = job_outcomes(jobs, DAY, MIDNIGHT + 12 * HOUR)
    assert (found.good.values, found.good.whole) == ((1, 1, 0, 0), 2)
    assert (found.bad.values, found.bad.whole) == ((1, 0, 0, 0), 1)
    assert (found.uncounted, found.share_bad) == (1, pytest.approx(1 / 3))
    tasks = task_outcomes(jobs, DAY, None)
    assert (tasks.good.values, tasks.bad.values) == ((17, 10, None, None), (3, 0, None, None))
    assert tasks.share_bad == 0.1
    assert job_outcomes([], DAY, None).share_bad is None
    assert job_outcomes([], DAY, MIDNIGHT).share_bad is None


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.51, 3), (0.75, 3), (0.99, 4), (1.0, 4)]
)
def test_a_percentile_is_a_value_that_there_was(share: float, value: float) -> None:
    assert percentile([4, 2, 1, 3], share) == value
    assert percentile([], share) is None


def boot(size: str, hours: float, seconds: float) -> NodeBoot:
    return NodeBoot("a", "p", "n", size, True, MIDNIGHT + hours * HOUR, seconds)


def test_boots_of_a_period() -> None:
    boots = [
        boot("S", 1, 60),
        boot("s", 2, 120),
        boot("s", 7, 300),
        boot("t", 1, 10),
        boot("t", 24, 999),
        boot("r", 1, 5),
    ]
    found = boots_by_size(boots, DAY)
    assert [(each.vm_size, each.count, each.middle.values, each.middle.whole, each.slow) for each in found] == [
        ("s", 3, (60, 300, None, None), 120, 300), ("r", 1, (5, None, None, None), 5, 5),
        ("t", 1, (10, None, None, None), 10, 10),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("allocated", "minutes", "known"),
    [(0, 1, True), (0, 60, True), (0, 60.1, False), (0, 0, False), (0, -1, False), (-1, 1, False)],
)
def test_a_boot_that_says_how_long_boots_take(allocated: float, minutes: float, *, known: bool) -> None:
    begun = MIDNIGHT + allocated * HOUR
    node = NodeTimes(id="n", allocation_time=begun, last_boot_time=begun + timedelta(minutes=minutes))
    found = list(boots_of("a", "p", "s", [node], MIDNIGHT))
    assert [each.seconds for each in found] == ([minutes * 60] if known else [])


def lost(hours: float, count: int, after: str = "preempted", entity: str = "node") -> TransitionCount:
    return TransitionCount(MIDNIGHT + hours * HOUR, entity, after, count)


def spot(hours: float, core_hours: float, *, at_most: bool = False, seconds: float = 21_600) -> Bucket:
    use = CoreUse(busy=core_hours * 3600)
    return Bucket(MIDNIGHT + hours * HOUR, NO_USE, use, seconds, at_most)


def test_nodes_that_were_taken_for_a_thousand_core_hours() -> None:
    counts = [lost(1, 2), lost(6, 3), lost(11, 1), lost(12, 9), lost(1, 5, "idle"), lost(1, 5, entity="task")]
    found = preemptions(counts, [spot(0, 1000), spot(6, 500)], DAY, MIDNIGHT)
    assert (found.nodes.values, found.nodes.whole) == ((2, 4, 9, 0), 15)
    assert (found.rate.values, found.rate.whole) == ((2, 8, None, None), 4)
    assert found.core_hours == 1500


@pytest.mark.parametrize(
    ("bucket", "watched"),
    [
        (spot(0, 1000), MIDNIGHT + SECOND),
        (spot(0, 1000), None),
        (spot(0, 1000, at_most=True), MIDNIGHT),
        (spot(0, 1000, seconds=0), MIDNIGHT),
        (spot(0, 0), MIDNIGHT),
    ],
)
def test_where_spot_cores_were_not_watched_there_is_no_rate(bucket: Bucket, watched: datetime | None) -> None:
    found = preemptions([lost(1, 2)], [bucket], DAY, watched)
    assert (found.rate.whole, found.rate.values[0], found.core_hours) == (None, None, 0)


def run(number: int, seconds: float, failed: int | None = 0) -> JobRun:
    """Runs an hour apart, number 0 the newest."""
    return job(f"j{number}", MIDNIGHT - number * HOUR, seconds=seconds, failed=failed)


@pytest.mark.parametrize(
    ("newest", "odd"), [(74.9, True), (75.0, False), (100.0, False), (125.0, False), (125.1, True)]
)
def test_a_run_is_odd_from_a_quarter_on(newest: float, *, odd: bool) -> None:
    found = against([run(0, newest), *(run(n, 100) for n in (1, 2, 3))])
    assert found
    assert (found.odd, found.longer) == (odd, pytest.approx(newest - 100))


def test_three_runs_are_a_custom_and_ten_are_looked_at() -> None:
    two = against([run(0, 9), run(1, 100), run(2, 100)])
    assert two
    assert (two.usual, two.longer, two.odd, two.usual_failed) == (None, None, False, None)
    many = against([run(n, 100 if n < 11 else 900, failed=n if n > 7 else None) for n in range(20)])
    assert many
    assert ([each.job for each in many.before], many.usual) == ([f"j{n}" for n in range(1, 11)], 100)
    assert many.usual_failed == 9, "of the three that were counted"
    assert against([]) is None
    same = against([run(0, 9), job("z", MIDNIGHT)])
    assert same
    assert same.newest.job == "z"
