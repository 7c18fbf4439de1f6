"""A formula over half an hour, second by second: when nodes come and go, when tasks start, and what that comes to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from bot.domain.autoscale.history import History, Span, history
from bot.domain.autoscale.syntax import read
from bot.domain.autoscale.what_if import WhatIf, assumptions, what_if
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Sample, Work

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NONE: Mapping[int, float] = MappingProxyType({})


def past(
    begun: float = 0.0,
    arrived: Mapping[int, float] = NONE,
    *,
    dedicated: int = 0,
    spot: int = 0,
    task: float = 600.0,
    lengths: tuple[tuple[float, float], ...] = (),
    counted: float = 1.0,
) -> History:
    """Half an hour with so many nodes; ``arrived`` tasks by the second."""
    spans = tuple(
        Span(NOON + timedelta(seconds=at), arrived.get(at, 0.0), dedicated, spot, 3.0) for at in range(0, 1800, 30)
    )
    return History(spans, begun, task, counted, NOON, NOON + timedelta(minutes=30), lengths)


def run(text: str, of: History, *, slots: int = 1, boot: float = 120.0) -> WhatIf:
    """Evaluated every five minutes, the first time after five."""
    return what_if(read(text), of, slots, interval=timedelta(minutes=5), boot=timedelta(seconds=boot))


def at(found: WhatIf, second: int) -> tuple[float, float]:
    """Nodes and waiting tasks at a second."""
    point = found.points[second // 30]
    return point.nodes, point.waiting


def before(minute: int, then: str, later: str) -> str:
    """One value before a minute of the half hour, another from it on."""
    return f'time() < time("2026-11-24T12:{minute:02}:00") ? {then} : {later}'


def test_tasks_start_as_others_end() -> None:
    """Four tasks of ten minutes on two nodes: two wait for ten minutes."""
    found = run("$TargetDedicatedNodes = 2;", past(4, dedicated=2))
    assert [at(found, second) for second in (0, 570, 600, 1770)] == [(2, 2), (2, 2), (2, 0), (2, 0)]
    assert (found.done, found.left, found.interrupted) == (4, 0, 0)
    assert found.longest == timedelta(seconds=600)
    assert (found.would.most_waiting, found.would.waited) == (2, pytest.approx(2 * 600 / 3600))
    assert found.mean_wait(found.would) == timedelta(seconds=300)
    assert (found.would.dedicated, found.would.spot, found.would.node_hours) == (pytest.approx(1), 0, pytest.approx(1))
    assert (found.was.dedicated, found.was.most_waiting, found.was.waited) == (pytest.approx(1), 3, pytest.approx(1.5))
    assert (found.evaluations, found.failed, found.uses_spot) == (5, 0, False)


def test_a_task_that_ends_within_a_step_frees_its_node_then() -> None:
    found = run("$TargetDedicatedNodes = 2;", past(4, dedicated=2, task=615.0))
    assert at(found, 600)[1] == 2
    assert at(found, 630)[1] == 0
    assert found.longest == timedelta(seconds=615)
    assert found.done == 4, "the others end at 1,230 seconds"
    later = run("$TargetDedicatedNodes = 1;", past(1, {630: 1}, dedicated=1, task=615.0))
    assert later.longest == timedelta(), "nobody starts before it came"


def test_tasks_that_still_wait_at_the_end_have_waited_until_then() -> None:
    found = run("$TargetDedicatedNodes = 0;", past(0, {600: 2, 900: 1}))
    assert (found.longest, found.left, found.done) == (timedelta(seconds=1200), 3, 0)
    assert found.would.waited == pytest.approx((2 * 1200 + 900) / 3600)


def test_nodes_cost_from_when_they_are_asked_for_and_work_once_they_are_up() -> None:
    found = run("$TargetDedicatedNodes = 3;", past(3))
    assert [at(found, second) for second in (270, 300, 390, 420)] == [(0, 3), (3, 3), (3, 3), (3, 0)]
    assert found.longest == timedelta(seconds=420)
    assert found.would.dedicated == pytest.approx(3 * 1500 / 3600)
    assert run("$TargetDedicatedNodes = 3;", past(3), boot=30.0).longest == timedelta(seconds=330)


def test_of_nodes_that_start_the_latest_are_given_up_first() -> None:
    """Two are asked for at five minutes, three more at ten, and one is given up at fifteen."""
    text = f"$TargetDedicatedNodes = {before(10, '2', before(15, '5', '4'))};"
    found = run(text, past(4), boot=1200.0)
    assert [at(found, second) for second in (300, 600, 900)] == [(2, 4), (5, 4), (4, 4)]
    assert [at(found, second) for second in (1470, 1500)] == [(4, 4), (4, 2)]
    none = run(f"$TargetDedicatedNodes = {before(10, '2', before(15, '5', '1'))};", past(4), boot=1200.0)
    assert [at(none, second) for second in (900, 1500)] == [(1, 4), (1, 3)]


@pytest.mark.parametrize(
    ("option", "nodes", "done", "interrupted", "left"),
    [
        ("taskcompletion", [1, 1, 0], 1, 0, 0),
        ("retaineddata", [1, 1, 0], 1, 0, 0),
        ("requeue", [0, 0, 0], 0, 1, 1),
        ("terminate", [0, 0, 0], 0, 1, 0),
    ],
)
def test_nodes_that_are_wanted_no_more(option: str, nodes: list[int], done: int, interrupted: int, left: int) -> None:
    """Four nodes, one of which runs a task of twenty minutes; after five none is wanted."""
    text = f"$TargetDedicatedNodes = 0; $NodeDeallocationOption = {option};"
    found = run(text, past(1, dedicated=4, task=1200.0))
    assert at(found, 270)[0] == 4
    assert [at(found, second)[0] for second in (300, 1170, 1200)] == nodes
    assert (found.done, found.interrupted, found.left) == (done, interrupted, left)
    assert found.would.dedicated == pytest.approx((4 * 300 + nodes[0] * 900) / 3600)


def test_what_is_put_back_is_first_in_the_queue_and_starts_anew() -> None:
    """Stopped after five minutes; a node is asked for at ten, is there at eleven, and the task takes ten."""
    text = f"$TargetDedicatedNodes = {before(10, '0', '1')};"
    found = run(text, past(1, {330: 1}, dedicated=1), boot=60.0)
    assert [at(found, second)[1] for second in (270, 300, 330, 630, 660, 1230, 1260)] == [0, 1, 2, 2, 1, 1, 0]
    assert (found.done, found.left, found.interrupted) == (1, 1, 1)
    assert found.longest == timedelta(seconds=1260 - 330)


def test_idle_nodes_go_before_a_task_is_stopped_and_those_that_began_last_are_stopped_first() -> None:
    """Of three nodes two work, one task since the beginning and one for two minutes; one node is to stay."""
    found = run("$TargetDedicatedNodes = 1; $NodeDeallocationOption = terminate;", past(1, {180: 1}, dedicated=3))
    assert (found.interrupted, found.done) == (1, 1)
    assert at(found, 300) == (1, 0)
    two = run("$TargetDedicatedNodes = 2; $NodeDeallocationOption = terminate;", past(1, {180: 1}, dedicated=3))
    assert (two.interrupted, two.done) == (0, 2)
    both = run("$TargetDedicatedNodes = 0; $NodeDeallocationOption = terminate;", past(3, dedicated=1), slots=2)
    assert (both.interrupted, both.left) == (2, 1), "all slots of its node"


def test_either_kind_of_nodes_is_asked_for_by_itself() -> None:
    kept = run("$TargetLowPriorityNodes = 0;", past(1, dedicated=2, spot=2))
    assert (at(kept, 270)[0], at(kept, 300)[0], kept.interrupted, kept.uses_spot) == (4, 2, 0, False)
    assert (kept.would.dedicated, kept.would.spot) == (pytest.approx(1), pytest.approx(2 * 300 / 3600))
    lent = run("$TargetDedicatedNodes = 0; $TargetLowPriorityNodes = 1;", past(2, dedicated=1))
    assert lent.uses_spot
    assert (lent.would.dedicated, lent.would.spot) == (pytest.approx(300 / 3600), pytest.approx(1500 / 3600))


def test_a_task_takes_as_long_as_those_that_started_when_it_did() -> None:
    """The first two take five minutes, those after it ten; of one before all that are known the mean is taken."""
    found = run("$TargetDedicatedNodes = 1;", past(3, dedicated=1, lengths=((0, 300.0), (2, 600.0)), task=9.0))
    assert [at(found, second)[1] for second in (270, 300, 570, 600)] == [2, 1, 1, 0]
    assert (found.done, found.longest) == (3, timedelta(seconds=600))
    first = run("$TargetDedicatedNodes = 1;", past(2, dedicated=1, lengths=((1, 300.0),), task=900.0))
    assert [at(first, second)[1] for second in (870, 900)] == [1, 0]


def test_what_a_formula_sees_is_what_it_made_of_the_past() -> None:
    """Waiting, running and ended tasks, nodes that are there, and how busy these are."""
    base = past(4, dedicated=2)
    for text, nodes in (
        ("$ActiveTasks.GetSample(1)", 2), ("$RunningTasks.GetSample(1)", 2), ("$PendingTasks.GetSample(1)", 4),
        ("$CurrentDedicatedNodes.GetSample(1)", 2), ("$CurrentLowPriorityNodes.GetSample(1)", 0),
        ("$UsableNodeCount.GetSample(1)", 2), ("$CPUPercent.GetSample(1) / 25", 4),
    ):  # fmt: skip
        found = run(f"$TargetDedicatedNodes = {text}; $NodeDeallocationOption = taskcompletion;", base, boot=3600.0)
        wanted = max(2.0, float(nodes)), 2.0
        assert at(found, 300) == wanted, text


@pytest.mark.parametrize(
    ("seconds", "spoken"), [(30.0, "30 s"), (89.0, "89 s"), (90.0, "2 min"), (600.0, "10 min"), (3600.0, "60 min")]
)
def test_what_is_taken_for_granted(seconds: float, spoken: str) -> None:
    text, boot = "$TargetDedicatedNodes = 2;", "a new node takes tasks after 2 min, as nodes of this account booted"
    told = assumptions(run(text, past(1, task=seconds)), 1)
    assert told == [
        f"tasks start in the order in which they come and take as long as those that ended, {spoken} in the mean",
        boot, "the quota has room for every node",
    ]  # fmt: skip
    slots = assumptions(run(text, past(1, task=seconds)), 2)
    assert slots == [*told, "each task takes one slot, and tasks fill one node after the other"]
    none = assumptions(run(text, past(1, task=seconds, counted=0.0)), 1)
    assert none[:2] == [
        f"every task takes {spoken}, since none was counted",
        "the work is what really ran: tasks that waited were not counted, so how long they did is unknown",
    ]
    part = "tasks were counted in 99% of the time; otherwise the work is what really ran"
    assert part in assumptions(run(text, past(1, counted=0.99)), 1)
    assert part not in assumptions(run(text, past(1, counted=0.995)), 1)
    usual = assumptions(what_if(read(text), past(1), 1), 1)
    assert "a new node takes tasks after 5 min" in usual


# The past, as samples show it


def sampled(second: float, work: Work | None = None, nodes: int = 2, spot: int = 0, busy: float = 0.0) -> Sample:
    cores = CoreUse(busy, unused=8.0 - busy)
    return Sample("a", "p", NOON + timedelta(seconds=second), 60.0, cores, NO_USE, nodes, spot, work)


def of(*samples: Sample, slots: int = 1) -> History:
    found = history(samples, slots)
    assert found
    return found


def test_tasks_that_came_are_those_that_are_more_and_those_that_ended() -> None:
    found = of(sampled(0, Work(3, 2, 10, 1)), sampled(60, Work(1, 4, 12, 2), nodes=5, spot=2))
    assert [(each.arrived, each.dedicated, each.spot, each.waiting) for each in found.spans] == [(1.5, 3, 2, 1.0)] * 2
    assert [(each.at - NOON).total_seconds() for each in found.spans] == [0, 30]
    assert (found.begun, found.arrived, found.counted) == (5, 8, 1)
    assert found.task_seconds == 60, "three ended in 180 seconds of running"
    gone = of(sampled(0, Work(0, 4, 10, 0)), sampled(60, Work(0, 1, 0, 0)))
    assert gone.arrived == 4, "its job is gone: as many ended as run no more, and none came"
    fewer = of(sampled(0, Work(9, 0, 0, 0)), sampled(60, Work(2, 0, 0, 0)))
    assert fewer.arrived == 9, "never fewer than none"


def test_where_tasks_were_not_counted_the_busy_cores_say_how_many_ran() -> None:
    found = of(sampled(0, busy=2.0, nodes=4), sampled(60, busy=4.0, nodes=4), slots=2)
    assert (found.begun, found.counted, found.task_seconds) == (2.0, 0.0, 600.0)
    assert sum(each.arrived for each in found.spans) == pytest.approx(4.0 * 60 / 600)
    assert [each.waiting for each in found.spans] == [None, None]


@pytest.mark.parametrize(("seconds", "steps"), [(10, 1), (45, 2), (44, 1), (90, 3), (360, 12)])
def test_a_past_is_in_halves_of_a_minute(seconds: float, steps: int) -> None:
    assert len(of(sampled(0), sampled(seconds)).spans) == steps


def test_six_minutes_without_a_sample_are_known_and_more_are_not() -> None:
    assert history([sampled(0), sampled(361)], 1) is None
    assert history([sampled(0), sampled(0)], 1) is None
    assert history([sampled(0)], 1) is None
    gap = of(sampled(0, Work(0, 1, 0, 0)), sampled(60, Work(0, 1, 1, 0)), sampled(500, Work(0, 1, 9, 0)),
             sampled(560, Work(0, 1, 10, 0)))  # fmt: skip
    assert (len(gap.spans), gap.arrived, gap.task_seconds) == (4, 3, 60)
    assert gap.sampled == pytest.approx(4 / (560 / 30))


def test_how_long_tasks_took_is_told_anew_for_every_twenty_of_them() -> None:
    rows = [(0, 10, 0), (60, 10, 19), (120, 30, 20), (180, 30, 40), (240, 12, 60)]
    found = of(*(sampled(second, Work(0, running, done, 0)) for second, running, done in rows))
    assert found.lengths == ((0.0, 90.0), (20.0, 90.0), (40.0, 63.0))
    assert found.task_seconds == pytest.approx((600 + 1200 + 1800 + 1260) / 60)
    quick = of(sampled(0, Work(0, 1, 0, 0)), sampled(60, Work(0, 1, 20, 0)))
    assert quick.lengths == ((0.0, 30.0),), "none takes less than half a minute"
