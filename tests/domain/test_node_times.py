"""What nodes and tasks tell of their own time: the headline of a node, when it could take tasks, and runs before."""

from __future__ import annotations

from typing import Any

import pytest

from bot.azure.models import Node
from bot.azure.models.node import RecentTask, StartTaskInfo
from bot.azure.models.task import Execution, TaskMoments, TaskStats
from bot.domain.task_timeline.moments import NodeFacts, TaskFacts, node_facts, task_facts
from bot.domain.task_timeline.single import node_finding, node_life
from tests.domain.test_task_timeline import ZERO, at


def life_of(*, boot: float | None = 60, start: tuple[float, float | None, str] | None = None, **more: Any) -> str:
    """What is said of a node that was allocated at 0, as of 1000."""
    info = None
    if start:
        info = StartTaskInfo(start_time=at(start[0]), end_time=at(start[1]) if start[1] else None, result=start[2])
    found = Node(
        "n1", "idle", allocation_time=at(0), last_boot_time=at(boot) if boot else None, start_task_info=info, **more
    )
    life = node_life(found, at(1000))
    return node_finding(life) if life else ""


def runs(*spans_: tuple[float, float]) -> dict[str, Any]:
    """All tasks that it ever ran."""
    tasks = tuple(
        RecentTask(
            job_id="j",
            task_id="a",
            task_state="completed",
            execution_info=Execution(start_time=at(begin), end_time=at(end), result="success"),
        )
        for begin, end in spans_
    )
    return {"recent_tasks": tasks, "total_tasks_run": len(tasks)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (life_of(), "For 94 % of 17 min, it ran nothing, 1 min into its boot"),
        (life_of(boot=10), "For 99 % of 17 min, it ran nothing"),
        (life_of(boot=11), "For 99 % of 17 min, it ran nothing, 11 s into its boot"),
        (life_of(boot=None), "100 % of 17 min went into its boot: 17 min"),
        (life_of(boot=600), "60 % of 17 min went into its boot: 10 min"),
        (life_of(start=(60, 660, "success")), "60 % of 17 min went into its start task: 10 min"),
        (life_of(start=(60, None, "")), "94 % of 17 min went into its start task: 16 min"),
        (life_of(start=(60, 660, "Failure")), "60 % of 17 min went into a start task that failed: 10 min"),
        (life_of(**runs((100, 570))), "It ran tasks for 47 % of 17 min, 1 min into its boot"),
        (life_of(**runs((100, 569))), "For 47 % of 17 min, it ran nothing, 1 min into its boot"),
        (life_of(start=(60, 260, "success"), **runs((300, 700), (400, 900))),
         "It ran tasks for 60 % of 17 min, 1 min into its boot, 3 min 20 s into its start task"),
    ],
)  # fmt: skip
def test_the_headline_of_a_node(said: str, expected: str) -> None:
    assert said == expected


def test_of_a_node_that_was_rebooted_an_hour_after_it_came_the_boot_is_not_known() -> None:
    for boot, usable in ((3600, ZERO + 3600), (3601, ZERO)):
        (found,) = node_facts([Node("N1", "idle", allocation_time=at(0), last_boot_time=at(boot))])
        assert found.usable == usable
    (same,) = node_facts([Node("N1", "idle", allocation_time=at(0), last_boot_time=at(0))])
    assert same == NodeFacts("n1", ZERO, ZERO, ZERO)
    (before,) = node_facts([Node("N1", "idle", allocation_time=at(9), last_boot_time=at(0))])
    assert before == NodeFacts("n1", ZERO + 9, ZERO + 9, ZERO + 9)


@pytest.mark.parametrize(
    ("state", "start", "usable"),
    [
        ("starting", None, None), ("idle", None, 0), ("Running", None, 0),
    ],
)  # fmt: skip
def test_a_node_that_does_not_say_when_it_booted_is_up_where_it_works(
    state: str, start: StartTaskInfo | None, usable: float | None
) -> None:
    (found,) = node_facts([Node("N1", state, allocation_time=at(0), start_task_info=start)])
    assert found == NodeFacts("n1", ZERO, None, None if usable is None else ZERO)


def test_a_node_takes_tasks_when_its_start_task_is_over() -> None:
    def usable(**info: Any) -> float | None:
        start = StartTaskInfo(start_time=at(60), **info)
        (found,) = node_facts([Node("N1", "idle", allocation_time=at(0), last_boot_time=at(60), start_task_info=start)])
        return found.usable

    assert usable(end_time=at(90), result="success") == ZERO + 90
    assert usable(end_time=at(50), result="success") == ZERO + 60, "that was before it was booted again"
    assert usable(end_time=at(90), result="Failure") is None
    assert usable() is None
    assert node_facts([Node("N1", "idle")]) == [NodeFacts("n1")]


def test_what_a_task_tells_of_its_runs() -> None:
    def facts(state: str = "completed", stats: TaskStats | None = None, **run: Any) -> TaskFacts:
        execution = Execution(**({"start_time": at(100), "end_time": at(150)} | run))
        (found,) = task_facts([TaskMoments("a", "", at(0), state, at(160), execution, stats=stats)])
        return found

    whole = facts(result="Failure")
    assert (whole.made, whole.changed, whole.began, whole.ended, whole.failed) == (
        ZERO, ZERO + 160, ZERO + 100, ZERO + 150, True,
    )  # fmt: skip
    assert (whole.again, whole.requeued, whole.last_again, whole.last_back, whole.before) == (0, 0, None, False, None)
    assert facts("running").began == ZERO + 100
    assert facts("running").ended is None
    assert not facts("running", result="failure").failed, "that was the run before"
    assert facts("preparing").began is None
    back = facts(requeue_count=1, last_requeue_time=at(99), retry_count=1, last_retry_time=at(99))
    assert (back.again, back.requeued, back.last_again, back.last_back) == (2, 1, ZERO + 99, True)
    took = TaskStats(last_update_time=at(150), wall_clock_time="PT70S")
    assert facts(retry_count=1, stats=took).before == 20
    assert facts(stats=took).before is None, "there was none"
    early = TaskStats(last_update_time=at(149), wall_clock_time="PT70S")
    assert facts(retry_count=1, stats=early).before is None
    short = TaskStats(last_update_time=at(150), wall_clock_time="PT40S")
    assert facts(retry_count=1, stats=short).before == 0
