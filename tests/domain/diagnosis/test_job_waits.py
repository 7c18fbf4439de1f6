"""What the tasks of a job wait for while none of them runs: each cause just there and just not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.azure.models import Counts, PreparationStatus, Task
from bot.azure.models.pool import AutoScaleRun
from bot.azure.models.status import OwnTaskRun
from bot.azure.models.task import Dependencies, TaskIdRange
from bot.domain.diagnosis.job_case import JobCase, Working
from bot.domain.diagnosis.job_waits import of_waiting
from bot.domain.diagnosis.jobs import of_job
from tests.domain.diagnosis.jobs import DAY, HOUR, MINUTE, NOW, SINCE, WAITING, case, failed, job, pool, said, task


def prep(node: str, result: str, at: datetime | None = SINCE, code: int | None = 3) -> PreparationStatus:
    """How the preparation task went on a node."""
    run = OwnTaskRun(result=result, end_time=at, exit_code=code)
    return PreparationStatus(node_id=node, job_preparation_task_execution_info=run)


def after(name: str, *parents: str, ranges: tuple[tuple[int, int], ...] = ()) -> Task:
    """A task that waits for others."""
    return task(name, depends_on=Dependencies(parents, tuple(TaskIdRange(*each) for each in ranges)))


@pytest.mark.parametrize(
    ("found", "told", "also"),
    [
        (case(counts=WAITING, pool=pool(0, 0, current_dedicated_nodes=2)),
         ["pool.no_nodes_yet certain, no harm | its pool has no node that takes tasks "
          "| 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, pool=None),
         ["pool.no_nodes_yet certain, no harm | its pool has no node that takes tasks "
          "| 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, pool=pool(0, 0, unusable=2)), ["node.unusable_silent likely | 2 nodes unusable"], []),
        (case(counts=WAITING, pool=pool(idle=1, running=0, unusable=1)),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running"], ["node.unusable_silent"]),
        (case(counts=Counts(active=2, failed=1, completed=1), unfinished=[after("b", "a"), after("c", "a")],
         failures=[failed("a", 3)]),
         ["task.parent_failed certain | 2 tasks depend on a, which failed, so they never run "
          "| task a failed (exit code 3), 2 tasks behind it | 2 tasks waiting, 0 running"], ["task.exit_code"]),
        (case(counts=Counts(active=1, failed=1, completed=1), unfinished=[after("b", "x", "a")],
         failures=[failed("a", 3)]),
         ["task.parent_failed certain | 1 task depends on a, which failed, so it never runs "
          "| task a failed (exit code 3), 1 task behind it | 1 task waiting, 0 running"], ["task.exit_code"]),
        (case(counts=Counts(active=2, failed=1, completed=1), unfinished=[after("8", ranges=[(1, 7)]), after("9",
         ranges=[(7, 7)])], failures=[failed("7", 3)]),
         ["task.parent_failed certain | 2 tasks depend on 7, which failed, so they never run "
          "| task 7 failed (exit code 3), 2 tasks behind it | 2 tasks waiting, 0 running"], ["task.exit_code"]),
        (case(counts=Counts(active=1, failed=1, completed=40), unfinished=[after("9", ranges=[(1, 6), (8, 8)])],
         failures=[failed("7", 3)]),
         ["job.tasks_not_started guess | 1 task waiting, 0 running"], ["task.exit_code"]),
        (case(counts=Counts(active=2, failed=1, completed=40), unfinished=[after("b", "a"), task("c")],
         failures=[failed("a", 3)]),
         ["job.tasks_not_started guess | 2 tasks waiting, 0 running"], ["task.exit_code"]),
        (case(counts=WAITING, unfinished=[task("a", required_slots=8), task("z", required_slots=9)],
         pool=pool(2, 0, task_slots_per_node=4)),
         ["task.slots certain | a needs 8 slots, a node of cpu has 4 | 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, unfinished=[task("a", required_slots=8), task("b", required_slots=4)], pool=pool(2, 0,
         task_slots_per_node=4)),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, preparations=[prep("tvm-1", "success"), prep("tvm-2", "Failure"), prep("tvm-3",
         "failure", NOW - HOUR), PreparationStatus(node_id="tvm-4")]),
         ["job.preparation_failed certain | preparation failed on 2 of 3 nodes, such as tvm-2: exit code 3 "
          "| 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, preparations=[prep("tvm-1", "success")]),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, pool=pool(0, 0, unusable=2), preparations=[prep("tvm-2", "failure", None, None)]),
         ["node.unusable_silent likely | 2 nodes unusable",
          "job.preparation_failed certain | preparation failed on 1 of 1 node, such as tvm-2 "
          "| 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, pool=pool(), free=0, working=[Working("b", 2), Working("render", 3), Working("c", 1, 0)]),
         ["job.others_first certain, no harm | other jobs hold every slot of its pool "
          "| they hold the nodes: b (2 tasks, priority 0), c (1 task, priority 0) | its own priority is ? "
          "| 3 tasks waiting, 0 running"], []),
        (case(job(priority=5), WAITING, pool=pool(), working=[Working("b", 2, 6), Working("d", 1, 7), Working("c", 1,
         4), Working("e", 1, 6), Working("f", 1, 6)]),
         ["job.others_first certain, no harm | jobs of higher priority hold every slot of its pool "
          "| they hold the nodes: d (1 task, priority 7), b (2 tasks, priority 6), e (1 task, priority 6) "
          "| its own priority is 5 | 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, pool=pool(), free=1, working=[Working("b", 2, 9)]),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running | 1 slot free in pool cpu"], []),
        (case(counts=WAITING, pool=pool(), free=0, working=[Working("render", 2, 9)]),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, unfinished=[task("a", at=NOW - timedelta(seconds=119)), task("b")]),
         ["job.just_begun certain, no harm | its tasks have only just come and are being sent to nodes "
          "| 3 tasks waiting, 0 running"], []),
        (case(counts=WAITING, unfinished=[task("a", at=NOW - 2 * MINUTE)]),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running"], []),
        (case(job(creation_time=NOW - MINUTE), WAITING),
         ["job.just_begun certain, no harm | its tasks have only just come and are being sent to nodes "
          "| 3 tasks waiting, 0 running"], []),
        (case(job(creation_time=NOW - 181 * DAY), WAITING, unfinished=[task("a", at=NOW - 181 * DAY)]),
         ["job.enabled_too_late likely | 3 tasks waiting, 0 running | they were added 181 d ago"], []),
        (case(job(creation_time=NOW - 181 * DAY), WAITING, unfinished=[task("a", at=NOW - 181 * DAY), task("b",
         at=NOW - 180 * DAY)]),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running"], []),
        (case(counts=Counts(active=3, failed=2, completed=39), failures=[failed("a", 3)], free=2),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running | 2 slots free in pool cpu",
          "task.exit_code certain | 2 of 42 tasks failed: the command ended with an error of its own "
          "| 2 of 42 tasks failed: exit code 3 ×1 (of 1 that were read) | exit code 3"], []),
        (case(counts=Counts(active=3, failed=2, completed=40), failures=[failed("a", 3)]),
         ["job.tasks_not_started guess | 3 tasks waiting, 0 running"], ["task.exit_code"]),
    ],
)  # fmt: skip
def test_what_its_tasks_wait_for(found: JobCase, told: list[str], also: list[str]) -> None:
    explained = of_job(found)
    assert [said(each) for each in explained.clues] == told
    assert [each.id for each in explained.also] == also


def test_since_when_and_what_steps_are_about() -> None:
    blocked = Counts(active=2, failed=1, completed=1)
    behind = [after("b", "a"), after("c", "a")]
    for found, since, names in (
        (case(counts=WAITING, preparations=[prep("tvm-2", "failure"), prep("tvm-3", "failure", NOW - 4 * HOUR)]),
         NOW - 4 * HOUR, {"node": "tvm-2"}),
        (case(counts=blocked, unfinished=behind, failures=[failed("a", 3)]), SINCE, {"task": "a"}),
        (case(counts=WAITING, unfinished=[task("a", at=NOW - MINUTE), task("b")], pool=pool(2, 0)), NOW - MINUTE, {}),
    ):  # fmt: skip
        [clue] = of_job(found).clues
        assert clue.since == since
        assert names.items() <= clue.names.items()


def test_a_pool_that_is_small_by_its_formula_is_not_to_be_resized() -> None:
    """Azure refuses to resize such a pool: the formula is what to look at, and it is said what it asks for."""
    at = NOW - 10 * MINUTE
    by_formula = pool(
        running=1, target_dedicated_nodes=1, current_dedicated_nodes=1, enable_auto_scale=True,
        auto_scale_formula="$TargetDedicatedNodes = 1;", auto_scale_run=AutoScaleRun(at, "$TargetDedicatedNodes=1"),
    )  # fmt: skip
    full = {"counts": WAITING, "free": 0, "working": [Working("b", 2)]}
    (found,) = of_waiting(case(pool=by_formula, **full), [], []).clues
    assert [each.text for each in found.steps] == ["Formula", "More urgent", "Jobs of the pool"]
    assert [(each.words, each.at) for each in found.evidence][1] == ("its formula asks for 1 node", at)
    (found,) = of_waiting(case(pool=pool(), **full), [], []).clues
    assert "Resize the pool" in [each.text for each in found.steps]
    assert len(found.evidence) == 3


def test_a_turn_is_waited_for_since_the_task_that_waits_longest() -> None:
    mine = [task("a", at=NOW - 2 * HOUR), task("b", at=NOW - HOUR), task("c", "running", NOW - 3 * HOUR)]
    for unfinished, since in ((mine, NOW - 2 * HOUR), ([], None)):
        [found] = of_job(
            case(counts=WAITING, pool=pool(), free=0, working=[Working("b", 2)], unfinished=unfinished)
        ).clues
        assert (found.id, found.since) == ("job.others_first", since)
