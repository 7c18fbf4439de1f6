"""Tasks that are run again, and those that failed after all the retries they may have."""

from __future__ import annotations

import pytest

from bot.alerting.rules import discover
from bot.azure.models import Place, Run
from bot.azure.models.watched import TaskConstraints, TaskState
from bot.domain.retries import Retried, Retrying, retrying
from bot.monitor.account_state import AccountState
from bot.monitor.job_changes import fold_tasks
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView, Scene
from tests.monitor.late_account import NOON, POOL, after


def failed(name: str, retried: int, most: int) -> TaskState:
    run = Run(exit_code=1, result="failure", retry_count=retried)
    return TaskState(
        name, "completed", after(10), "running", run, Place(POOL, "n"), TaskConstraints(max_task_retry_count=most)
    )


@pytest.mark.parametrize(
    ("retried", "most", "exhausted"),
    [(0, 0, 0), (1, 2, 0), (2, 2, 1), (3, 2, 1), (1, 1, 1), (7, -1, 0), (0, 1, 0)],
)
async def test_a_task_has_used_up_its_retries_with_the_last_of_them(retried: int, most: int, exhausted: int) -> None:
    """None that may not be retried, and none that may for ever."""
    state = AccountState(jobs={"j": JobView("j", state="active", pool=POOL)}, cursors={"baseline": NOON, "jobs": NOON})
    pending = PendingState.of(state, "render", after(60))
    await fold_tasks(pending, "j", [failed("t", retried, most)])
    view = pending.jobs["j"]
    assert (view.failures, view.exhausted) == (1, exhausted)
    scene = Scene(
        account="render",
        at=after(60),
        read=frozenset(("jobs", "tasks")),
        pools={},
        jobs={"j": view},
        schedules={},
    )
    told = [each.headline for each in discover()["task.retries_exhausted"].judge(scene)]
    assert told == (["job j: 1 task failed after all retries"] if exhausted else [])


async def test_every_task_that_used_them_up_counts() -> None:
    state = AccountState(jobs={"j": JobView("j", state="active", pool=POOL)}, cursors={"baseline": NOON, "jobs": NOON})
    pending = PendingState.of(state, "render", after(60))
    await fold_tasks(pending, "j", [failed("a", 2, 2), failed("b", 1, 2), failed("c", 2, 2)])
    await fold_tasks(pending, "j", [failed("a", 2, 2), failed("d", 3, 3)])
    view = pending.jobs["j"]
    assert (view.failures, view.exhausted) == (4, 3)
    assert [(each.cause, each.count, each.example) for each in view.causes.values()] == [("exit code 1", 4, "a")]


@pytest.mark.parametrize(("times", "endless"), [(4, False), (5, True)])
def test_five_retries_of_one_task_are_no_bad_luck(times: int, endless: bool) -> None:
    found = Retrying((Retried("a", times), Retried("b", 1)))
    assert (found.endless, found.times) == (endless, times + 1)


def test_those_that_were_run_again_come_the_most_often_first() -> None:
    found = retrying([Retried("b", 1, after(5)), Retried("z", 2), Retried("a", 1, after(9)), Retried("none", 0)])
    assert [each.task for each in found.tasks] == ["z", "a", "b"]
    assert found.last == after(9)
    assert Retrying().last is None
