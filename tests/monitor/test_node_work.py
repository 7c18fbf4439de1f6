"""What a list of working nodes says of jobs: each case by itself, without an account."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.azure.models import NodeCounts, Run
from bot.azure.models.watched import RecentRun, WorkingNode
from bot.domain.retries import Retried
from bot.monitor.account_state import OVERLAP, AccountState, NodeWork, PoolWork
from bot.monitor.node_changes import draw_nodes
from bot.monitor.pending_state import PendingState
from bot.monitor.recent_tasks import TOLD, JobsOfPools, fold_work, lose_work
from bot.monitor.scene import JobView, PoolView
from tests.monitor.late_account import NOON, POOL, after

LAG = OVERLAP.total_seconds()
LATE = 600.0
BEFORE = after(LATE - 30)


def looking(*, nodes: dict[str, NodeWork] | None = None, **job: Any) -> PendingState:
    """Ten minutes after noon, half a minute after the look before; one job with 9 waiting and 2 running tasks."""
    given: dict[str, Any] = {"state": "active", "active": 9, "running": 2, "pool": POOL.upper(), "exact": NOON}
    state = AccountState(
        jobs={"j": JobView("j", **given | job)},
        pools={POOL: PoolView(POOL)},
        tasks={"j": BEFORE},
        cursors={"baseline": NOON, "jobs": BEFORE, "tasks": BEFORE},
    )
    pending = PendingState.of(state, "late", after(LATE))
    if nodes is not None:
        pending.work[POOL] = PoolWork(BEFORE, nodes)
    return pending


def ran(
    task: str, ended: float, result: str = "Success", *, job: str = "J", part: int | None = None, **run: Any
) -> RecentRun:
    return RecentRun(job, task, part, "Completed", Run(start_time=NOON, end_time=after(ended), result=result, **run))


def runs(
    task: str, state: str = "running", *, started: float = LATE - 5, part: int | None = None, **run: Any
) -> RecentRun:
    return RecentRun("j", task, part, state, Run(start_time=after(started), **run))


def node(*recent: RecentRun, total: int = 0, **more: Any) -> WorkingNode:
    return WorkingNode("n1", "running", NOON, total, recent_tasks=recent, **more)


async def draw(pending: PendingState, *nodes: WorkingNode, every: bool = False) -> JobView:
    await fold_work(pending, POOL, nodes, JobsOfPools(pending), every=every)
    return pending.jobs["j"]


async def test_what_ended_and_runs_counts_and_a_failure_is_news_once() -> None:
    pending = looking()
    failed = ran("bad", LATE - 9, "Failure", exit_code=3)
    view = await draw(pending, node(ran("well", LATE - 8), failed, runs("going"), runs("waits", "active")))
    assert (view.active, view.running, view.succeeded, view.failed) == (8, 1, 1, 1)
    assert [(each.id, each.after) for each in pending.news] == [("bad", "failed")]
    assert (view.counted, view.progressed) == (after(LATE), after(LATE))
    await draw(pending, node(ran("well", LATE - 8), failed, runs("going")))
    assert (view.failed, view.failures, len(pending.news)) == (1, 1, 1)
    assert pending.owed == {}


@pytest.mark.parametrize(("ended", "counts"), [(LATE - 30 - LAG, False), (LATE - 29 - LAG, True)])
async def test_what_ended_before_all_that_can_show_late_counts_no_more(ended: float, counts: bool) -> None:
    view = await draw(looking(exact=None), node(ran("well", ended)))
    assert view.succeeded == counts


async def test_a_job_that_is_of_no_pool_of_these_is_none_of_them() -> None:
    view = await draw(looking(), node(ran("well", LATE - 8, job="other")))
    assert view.succeeded == 0


async def test_a_failure_after_retries_is_asked_for() -> None:
    pending = looking()
    view = await draw(pending, node(ran("bad", LATE - 9, "Failure", retry_count=1)))
    assert (pending.owed.keys(), view.failures) == ({"j"}, 0)


@pytest.mark.parametrize(
    ("part", "owed"),
    [
        (ran("mpi", LATE - 9, "Failure", part=2), True),
        (ran("mpi", LATE - 9, "Success", part=2), False),
        (ran("mpi", LATE - 30 - LAG, "Failure", part=2), False),
    ],
)
async def test_how_a_task_of_several_nodes_ended_is_told_by_itself(part: RecentRun, owed: bool) -> None:
    pending = looking()
    view = await draw(pending, node(part))
    assert (bool(pending.owed), view.succeeded, view.failures) == (owed, 0, 0)


async def test_parts_take_slots_and_are_no_tasks() -> None:
    pending = looking()
    parts = [runs("mpi", part=number) for number in (1, 2)]
    view = await draw(pending, node(*parts, runs("one"), running_tasks_count=3, running_task_slots_count=6))
    assert (view.running, view.running_slots) == (1, 6)
    assert pending.work[POOL].nodes["n1"].jobs == ("j",)
    idle = await draw(looking(), node(runs("lost"), running_tasks_count=0))
    assert idle.running == 0, "it tells of tasks that it lost to another"


async def test_tasks_that_are_run_again_are_known_by_when() -> None:
    pending = looking()
    again = runs("again", retry_count=2, last_retry_time=after(9))
    view = await draw(pending, node(again, runs("first", started=20, retry_count=1), runs("well")))
    assert view.retried == {"again": Retried("again", 2, after(9)), "first": Retried("first", 1, after(20))}
    await draw(pending, node(ran("again", LATE - 8)))
    assert view.retried.keys() == {"first"}


FULL = [ran(f"t{number}", LATE - 10) for number in range(TOLD)]


@pytest.mark.parametrize(
    ("row", "known", "owed"),
    [
        (node(*FULL[1:], total=99), 0, False),  # it has room for more: that is all
        (node(*FULL, total=TOLD), 0, False),
        (node(*FULL, total=TOLD + 1), 0, True),
        (node(*FULL, total=0), 5, True),  # it counts anew: it was reimaged
        (node(*FULL, total=99), None, True),
        (node(*FULL[1:], ran("old", LATE - 31 - LAG), total=99), 0, False),
        (node(*FULL[1:], ran("old", LATE - 30 - LAG), total=99), 0, True),
    ],
)
async def test_a_node_that_ran_more_than_it_tells_of_has_its_jobs_asked(
    row: WorkingNode, known: int | None, owed: bool
) -> None:
    pending = looking(nodes={} if known is None else {"n1": NodeWork(known)})
    await draw(pending, row)
    assert ("j" in pending.owed) is owed


async def test_of_a_node_that_left_its_jobs_are_asked() -> None:
    for jobs, owed in ((("j",), True), ((), False)):
        pending = looking(nodes={"gone": NodeWork(5, jobs)})
        await draw(pending)
        assert ("j" in pending.owed) is owed
    pending = looking(nodes={"gone": NodeWork(5, ("j",))})
    lose_work(pending)
    assert pending.owed == {}
    del pending.pools[POOL]
    lose_work(pending)
    assert (pending.owed.keys(), pending.work) == ({"j"}, {})


async def test_where_every_task_is_news_jobs_that_moved_are_asked() -> None:
    for every in (True, False):
        pending = looking()
        await draw(pending, node(runs("new")), every=every)
        assert ("j" in pending.owed) is every
    pending = looking()
    await draw(pending, node(runs("old", started=0)), every=True)
    assert pending.owed == {}, "nothing of it moved"


async def test_a_job_is_counted_anew_where_its_figures_do_not_come_out() -> None:
    ran_on = looking(running=2)
    await draw(ran_on)
    assert ran_on.recounted == {"j"}, "it ran, and no node has heard of it"
    more = looking(active=0, running=1)
    await draw(more, node(ran("a", LATE - 8), ran("b", LATE - 7)))
    assert more.recounted == {"j"}, "more ended than there were"
    over = looking(active=0, running=1)
    await draw(over, node(ran("a", LATE - 8)))
    assert over.recounted == {"j"}, "all of it is over"
    fine = looking(active=5, running=1)
    await draw(fine, node(ran("a", LATE - 8), runs("b")))
    assert fine.recounted == set()


def test_when_the_nodes_in_trouble_moved_last() -> None:
    def counts(**more: int) -> tuple[NodeCounts, NodeCounts]:
        return NodeCounts(**more), NodeCounts()

    pending = looking()
    pending.pool(POOL).counts = counts(unusable=1, idle=4)
    draw_nodes(pending, POOL, [], {})
    moved: datetime = pending.moved[POOL]
    pending.at += timedelta(seconds=30)
    pending.pool(POOL).counts = counts(unusable=1, idle=9)
    draw_nodes(pending, POOL, [], {})
    assert (pending.moved[POOL], pending.nodes[POOL]) == (moved, pending.at), "idle ones are no trouble"
    pending.pool(POOL).counts = counts(unusable=2)
    draw_nodes(pending, POOL, [], {})
    assert pending.moved[POOL] == pending.at
