"""A formula over a past: nodes, money's base and waiting, against pasts whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.autoscale.history import ASSUMED, History, history
from bot.domain.autoscale.syntax import read
from bot.domain.autoscale.what_if import WhatIf, assumptions, what_if
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Sample, Work

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def sample(minute: int, work: Work | None, nodes: int = 4, busy: float = 0.0, spot: int = 0) -> Sample:
    cores = CoreUse(busy, unused=2.0 * nodes - busy)
    return Sample("a", "p", NOON + minute * MINUTE, 60.0, cores, NO_USE, nodes, spot, work)


def past(hours: int, of: Callable[[int], Work | None], nodes: int = 4, slots: int = 1) -> History:
    found = history([sample(n, of(n), nodes) for n in range(hours * 60 + 1)], slots)
    assert found
    return found


def steady(minute: int) -> Work:
    """Six tasks come every ten minutes, each takes ten minutes, and there are nodes for all."""
    return Work(0, 6, 6 * (minute // 10), 0)


def run(text: str, of: History, slots: int = 1, **more: timedelta) -> WhatIf:
    return what_if(read(text), of, slots, **more)


def test_what_came_follows_from_what_waited_ran_and_ended() -> None:
    found = past(5, steady)
    assert found.begun == 6
    assert found.arrived == pytest.approx(6 + 6 * 30)
    assert found.task_seconds == pytest.approx(600)
    assert (found.counted, found.sampled) == (1.0, 1.0)


def test_without_counts_the_work_is_what_really_ran() -> None:
    found = history([sample(n, None, busy=4.0) for n in range(61)], 1)  # two of four nodes are busy
    assert found
    assert (found.begun, found.counted, found.task_seconds) == (2.0, 0.0, ASSUMED)
    assert found.arrived == pytest.approx(2 + 2 * 6)
    told = assumptions(run("$TargetDedicatedNodes = 2;", found), 1)
    assert any("really ran" in each for each in told)


@pytest.mark.parametrize(("first", "then"), [(None, Work(3, 1, 0, 0)), (Work(3, 1, 0, 0), None)])
def test_what_came_is_not_known_where_one_of_two_samples_has_no_counts(first: Work | None, then: Work | None) -> None:
    found = history([sample(0, first, busy=2.0), sample(1, then, busy=2.0)], 1)
    assert found
    assert found.counted == 0.0
    assert [span.arrived for span in found.spans] == pytest.approx([30 / ASSUMED] * 2)


def test_the_past_is_in_halves_of_a_minute_with_the_nodes_and_tasks_of_its_end() -> None:
    found = history([sample(0, Work(0, 0, 0, 0)), sample(1, Work(3, 1, 0, 0), nodes=4, spot=1)], 1)
    assert found
    told = [(span.at - NOON, span.dedicated, span.spot, span.waiting) for span in found.spans]
    assert told == [(timedelta(0), 3, 1, 3.0), (timedelta(seconds=30), 3, 1, 3.0)]
    assert [span.arrived for span in found.spans] == [2.0, 2.0]


def test_a_gap_is_no_time_at_all() -> None:
    rows = [sample(n, steady(n)) for n in (*range(31), *range(90, 121))]
    found = history(rows, 1)
    assert found
    assert found.sampled == pytest.approx(0.5)
    as_it_is = run("$TargetDedicatedNodes = 4;", found)
    assert as_it_is.was.node_hours == pytest.approx(4 * 1.0)


def test_there_is_no_past_without_two_samples_near_each_other() -> None:
    assert history([], 1) is None
    assert history([sample(0, None)], 1) is None
    assert history([sample(0, None), sample(60, None)], 1) is None


def test_a_job_that_is_gone_takes_nothing_away() -> None:
    rows = [sample(0, Work(0, 2, 500, 0)), sample(1, Work(3, 2, 0, 0))]
    found = history(rows, 1)
    assert found
    assert found.arrived == pytest.approx(2 + 3)


def test_as_many_nodes_as_there_were_come_to_what_there_was() -> None:
    found = run("$TargetDedicatedNodes = 6;", past(24, steady, nodes=6))
    assert found.would.node_hours == pytest.approx(found.was.node_hours) == pytest.approx(24 * 6)
    assert found.mean_wait(found.would) < MINUTE
    assert found.interrupted == 0
    assert found.failed == 0


def test_fewer_nodes_cost_less_and_make_tasks_wait() -> None:
    many, few = (run(f"$TargetDedicatedNodes = {n};", past(8, steady, nodes=6)) for n in (6, 4))
    assert few.would.node_hours < many.would.node_hours
    assert few.mean_wait(few.would) > HOUR > many.mean_wait(many.would)
    assert few.longest > few.mean_wait(few.would)
    assert few.left > many.left


def test_nothing_to_do_and_none_wanted_costs_nothing_after_the_first_interval() -> None:
    found = run("$TargetDedicatedNodes = 0;", past(10, lambda _: Work(0, 0, 0, 0)), interval=timedelta(minutes=30))
    assert found.would.node_hours == pytest.approx(4 * 0.5)
    assert found.was.node_hours == pytest.approx(40)
    assert found.mean_wait(found.would) == timedelta(0)


def test_new_nodes_boot_before_they_take_tasks_and_cost_from_the_beginning() -> None:
    burst = past(4, lambda minute: Work(0 if minute < 60 else 8, 0, 0, 0), nodes=0)
    text = "$TargetDedicatedNodes = min(8, $PendingTasks.GetSample(1));"
    quick, slow = (run(text, burst, interval=5 * MINUTE, boot=boot) for boot in (MINUTE, 20 * MINUTE))
    assert burst.arrived == 8
    assert slow.mean_wait(slow.would) - quick.mean_wait(quick.would) == pytest.approx(19 * MINUTE, abs=MINUTE)
    assert slow.would.node_hours > quick.would.node_hours
    assert quick.left == slow.left == 0


@pytest.mark.parametrize(
    ("option", "interrupted", "left"), [("taskcompletion", 0, 0), ("requeue", 4, 0), ("terminate", 4, 0)]
)
def test_what_happens_to_tasks_of_nodes_that_go(option: str, interrupted: int, left: int) -> None:
    """Four tasks of half an hour run; after a quarter of one, no node is wanted for ten minutes."""
    begun = past(6, lambda minute: Work(0, 4, 0, 0) if minute < 30 else Work(0, 0, 4, 0))
    text = f"""late = time() - time("2026-11-24T12:10:00") < 10 * TimeInterval_Minute;
        $TargetDedicatedNodes = late ? 0 : 4; $NodeDeallocationOption = {option};"""
    found = run(text, begun, interval=5 * MINUTE)
    assert begun.task_seconds == pytest.approx(1800, rel=0.05)
    assert found.interrupted == interrupted
    assert found.left == left
    if option == "requeue":  # the work was lost and done again
        assert found.mean_wait(found.would) > timedelta(0)


def test_slots_of_a_node_hold_several_tasks() -> None:
    four = past(6, lambda minute: Work(0, 8, 8 * (minute // 10), 0), nodes=2, slots=4)
    enough, few = (run("$TargetDedicatedNodes = 2;", four, slots) for slots in (4, 1))
    assert enough.mean_wait(enough.would) < MINUTE
    assert few.left > 100


def test_an_evaluation_that_fails_changes_nothing_and_is_counted() -> None:
    found = run("$TargetDedicatedNodes = 0 * $NetworkInBytes.GetSample(1);", past(2, steady))
    assert found.evaluations == found.failed > 0
    assert found.failure
    assert found.failure.code == "InsufficientSampleData"
    assert found.would.node_hours == pytest.approx(found.was.node_hours)


def test_spot_nodes_count_apart() -> None:
    found = run("$TargetDedicatedNodes = 0; $TargetLowPriorityNodes = 6;", past(10, steady))
    assert found.would.spot > found.would.dedicated > 0
    assert "no spot node is taken away" in assumptions(found, 1)


def test_the_same_comes_to_the_same() -> None:
    text = "$TargetDedicatedNodes = 9 * rand(); $NodeDeallocationOption = taskcompletion;"
    assert run(text, past(5, steady)).would == run(text, past(5, steady)).would


@settings(max_examples=settings.default.max_examples // 4, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=2, max_size=90),
    st.integers(1, 4),
    st.sampled_from(["requeue", "taskcompletion", "terminate"]),
)
def test_no_task_is_lost_or_made_whatever_the_past(rows: list[tuple[int, ...]], slots: int, option: str) -> None:
    done, samples = 0, []
    for n, (waiting, running, ended) in enumerate(rows):
        done += ended
        samples.append(sample(n, Work(waiting, running, done, 0)))
    of = history(samples, slots)
    assert of
    text = f"$TargetDedicatedNodes = min(9, $PendingTasks.GetSample(1)); $NodeDeallocationOption = {option};"
    found = run(text, of, slots, interval=5 * MINUTE)
    ended = found.done
    gone = found.interrupted if option == "terminate" else 0
    assert ended + found.left + gone == pytest.approx(of.arrived)
    assert all(0 <= point.nodes <= 9 for point in found.points)
    assert all(point.waiting >= -1e-6 for point in found.points)
