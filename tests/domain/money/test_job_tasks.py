"""What a job's tasks took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.azure.models.task import TaskTimes
from bot.domain.money.job_tasks import TaskSums, TaskTally, is_spot
from tests.domain.money.jobs import DEDICATED, HOUR, MINUTE, NOON, SPOT, Flat, machines, task


def sums(*tasks: TaskTimes, rates: Flat | None = None, now: datetime = NOON + 24 * HOUR) -> TaskSums:
    tally = TaskTally(machines, now)
    tally.add(tasks)
    return tally.sums(rates or Flat())


def test_a_task_takes_its_slots_of_a_node_for_as_long_as_it_runs() -> None:
    found = sums(task(minutes=90, slots=2))
    assert found.took.core_hours.busy == pytest.approx(4 * 2 / 4 * 1.5)
    assert found.took.cost.busy == pytest.approx(1.0 * 2 / 4 * 1.5)
    assert not found.at_least
    assert (found.tasks, found.failed, found.retries, found.pools) == (1, 0, 0, ("gpu",))


def test_more_slots_than_a_node_has_are_the_whole_node_and_instances_are_nodes() -> None:
    assert sums(task(slots=9)).took.core_hours.total == pytest.approx(4)
    assert sums(task(slots=4, instances=3)).took.core_hours.total == pytest.approx(12)


def test_a_task_that_runs_has_run_until_now_and_one_that_waits_has_not() -> None:
    found = sums(task(running=True), task(None), now=NOON + 30 * MINUTE)
    assert found.took.core_hours.total == pytest.approx(0.5)
    assert (found.tasks, found.going) == (2, 1)


def test_what_a_failed_task_took_is_told() -> None:
    found = sums(task(failed=True), task())
    assert found.failed == 1
    assert found.failed_spend.core_hours.total == pytest.approx(1)
    assert found.took.core_hours.total == pytest.approx(2)


def test_runs_before_the_last_are_lost_where_their_time_is_known() -> None:
    found = sums(task(minutes=60, retries=2, all_minutes=150))
    assert found.retries == 2
    assert found.lost.core_hours.total == pytest.approx(1.5)
    assert found.took.core_hours.total == pytest.approx(2.5)
    assert not found.at_least


@pytest.mark.parametrize("requeued", [False, True])
def test_runs_before_the_last_whose_time_nobody_knows_are_counted_and_not_guessed(requeued: bool) -> None:
    found = sums(task(retries=not requeued, requeues=requeued), task())
    assert found.unknown_runs == 1
    assert found.at_least
    assert found.lost.core_hours.total == 0
    assert found.took.core_hours.total == pytest.approx(2)


def test_statistics_that_are_older_than_the_end_are_not_believed() -> None:
    old = task(retries=1, all_minutes=90)
    assert old.stats
    early = replace(old, stats=replace(old.stats, last_update_time=NOON))
    assert (sums(old).unknown_runs, sums(early).unknown_runs) == (0, 1)


def test_requeued_spot_work_is_told_from_retries() -> None:
    found = sums(
        task(node=SPOT, requeues=1, all_minutes=90), task(node=DEDICATED, retries=1, all_minutes=120, failed=True)
    )
    assert found.requeued.spot_hours.total == pytest.approx(0.5)
    assert found.retried.hours.total == pytest.approx(1)
    assert found.failed_spend.hours.total == pytest.approx(1)
    assert found.lost.core_hours.total == pytest.approx(1.5)


def test_a_machine_that_nobody_knows_has_no_price_and_no_cores() -> None:
    found = sums(task(pool="gone"), task())
    assert found.unplaced == 3600
    assert found.at_least
    assert found.took.core_hours.total == pytest.approx(1)


def test_a_night_over_a_change_of_prices_is_paid_by_both() -> None:
    midnight = NOON + 12 * HOUR
    found = sums(task(midnight - HOUR, 180), rates=Flat(dearer=midnight))
    assert found.took.cost.busy == pytest.approx((1 * 1.0 + 2 * 2.0) / 4)


def test_the_queue_is_from_the_first_creation_to_the_first_start() -> None:
    found = sums(
        task(NOON + 11 * MINUTE), task(NOON + 20 * MINUTE), task(None), task(created=NOON + HOUR, start=NOON + 2 * HOUR)
    )
    assert found.queue == 11 * MINUTE
    assert not found.began_at_most
    assert sums(task(NOON + 11 * MINUTE, retries=1), task(NOON + 20 * MINUTE)).began_at_most
    assert sums(task(None)).queue is None
    assert sums(task(NOON - MINUTE)).queue == timedelta()  # the clocks of service and node differ


def test_spot_nodes_are_known_by_their_ids() -> None:
    assert [is_spot(node) for node in ("tvmps_0f_p", "tvmps_0f_D", "")] == [True, False, False]


_TASKS = st.builds(
    task,
    start=st.none() | st.timedeltas(timedelta(), timedelta(days=3)).map(lambda span: NOON + span),
    minutes=st.floats(0, 3000),
    node=st.sampled_from([DEDICATED, SPOT]),
    pool=st.sampled_from(["gpu", "GPU", "cpu", "gone"]),
    slots=st.integers(1, 6),
    retries=st.integers(0, 2),
    requeues=st.integers(0, 1),
    failed=st.booleans(),
    all_minutes=st.none() | st.integers(0, 9000),
    running=st.booleans(),
)


@given(st.lists(_TASKS, max_size=12), st.integers(1, 5))
def test_parts_sum_to_the_whole_and_pages_make_no_difference(tasks: Sequence[TaskTimes], page: int) -> None:
    now = NOON + timedelta(days=4)
    whole = sums(*tasks, now=now)
    tally = TaskTally(machines, now)
    for start in range(0, len(tasks), page):
        tally.add(tasks[start : start + page])
    assert tally.sums(Flat()).took.cost.total == pytest.approx(whole.took.cost.total)
    last = 0.0
    for each in tasks:
        run = each.execution_info
        if run and run.start_time and each.node_info and each.node_info.pool_id != "gone":
            end = run.end_time or now
            last += (end - run.start_time).total_seconds() * min(1.0, each.required_slots / 4) * 4
    assert whole.took.core_hours.total == pytest.approx(last / 3600 + whole.lost.core_hours.total)
    assert whole.took.cost.total == pytest.approx(
        whole.took.hours.total / 4 * 1.0 + whole.took.spot_hours.total / 4 * 0.2
    )
    assert whole.failed_spend.core_hours.total + whole.lost.core_hours.total <= whole.took.core_hours.total * 1.000001
