"""What the nodes of a pool tell of its tasks, entered into the pending state.

One list of a pool's working nodes, a thousand in a call, tells of the last ten tasks that each of them ran or runs: so
what watching reads grows with what runs, not with the jobs that exist. A failure is drawn straight from there; the
counts of a job are kept up between two exact ones.

Where the list tells too little the job becomes *owed*: its own failed tasks are listed, now and once more when nothing
can show late any more. That is so where

- a node ran more tasks since the last look than it tells of (:data:`TOLD`), by its own counter,
- a node is gone, that was at work in the look before,
- a task has failed after retries: whether it had used up all of them stands in its own row alone,
- an exact count has more failures than were seen (:func:`bot.monitor.job_changes.fold_task_counts`): of tasks that
  were ended before they ran, for instance.

A task's ``endTime`` is the ``stateTransitionTime`` of its last state: in all 107 recorded tasks that are over the two
are the same to the microsecond. So a failure has one key, whichever list shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct, field

from bot.azure.models.base import told
from bot.azure.models.task import Place
from bot.azure.models.watched import RecentRun, TaskState, WorkingNode
from bot.content.clear_rows import clear_page
from bot.domain.entity import find, fold
from bot.domain.retries import Retried
from bot.monitor.account_state import OVERLAP, NodeWork, PoolWork
from bot.monitor.job_changes import draw_failures, keep_rate, keep_retried
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView
from bot.monitor.slots import note_slots

TOLD = 10
"""Tasks that a node tells of, the newest: as the documents of the service's clients have it."""
_AT_ONCE = 200
"""Nodes that are drawn in one turn of the event loop: a few milliseconds."""
_OVER, _WAITS = "completed", "active"


class _Seen(Struct):
    """What the nodes of a pool showed of one job."""

    running: float = 0.0
    slots: float = 0.0
    succeeded: int = 0
    failures: list[tuple[RecentRun, str]] = field(default_factory=list)
    retried: list[Retried] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    moved: bool = False


async def fold_work(
    pending: PendingState, pool: str, rows: Sequence[WorkingNode], jobs: JobsOfPools, *, every: bool = False
) -> None:
    """The nodes of a pool that run tasks, and those whose state changed since the last look.

    ``every``: each job that moved is owed a list of its tasks, because every task that begins or ends is news.
    """
    before = pending.work.get(pool) or PoolWork(jobs.begin_of(pool))
    mine = jobs.of(pool)
    seen: dict[str, _Seen] = {}
    owed: set[str] = set()
    nodes = {name: node for name, node in before.nodes.items() if not node.jobs}
    for start in range(0, len(rows), _AT_ONCE):
        if start:
            await asyncio.sleep(0)
        for row in rows[start : start + _AT_ONCE]:
            known = before.nodes.get(row.id)
            work, told_of = _see(pending, row, mine, seen)
            nodes[row.id] = work
            if not _told_all(row, work, known, before.at):
                owed.update(work.jobs, told_of, known.jobs if known else ())
    for name in before.nodes.keys() - nodes.keys():
        owed.update(before.nodes[name].jobs)  # it left its pool, or its list lags
    for name in mine:
        await _draw(pending, name, pool, seen.get(name) or _Seen())
    pending.owe(owed)
    if every:
        pending.owe({name for name in mine if name in seen and seen[name].moved} - owed, news=True)
    note_slots(pending, pool, rows)
    pending.work[pool] = PoolWork(pending.at, nodes)


def lose_work(pending: PendingState) -> None:
    """Pools that are gone: of the jobs whose tasks ran there it is asked how these ended."""
    for pool in pending.work.keys() - pending.pools.keys():
        pending.owe({job for node in pending.work[pool].nodes.values() for job in node.jobs})
        del pending.work[pool]


class JobsOfPools:
    """The jobs of each pool, which they may spell another way: as a poll knows them once its lists are read."""

    def __init__(self, pending: PendingState) -> None:
        self._pending = pending
        self._names: dict[str, list[str]] = {}
        for name, view in pending.jobs.items():
            self._names.setdefault(fold(view.pool), []).append(name)

    def of(self, pool: str) -> dict[str, JobView]:
        """Those of one pool, as they are now."""
        return {name: self._pending.jobs[name] for name in self._names.get(fold(pool), ())}

    def begin_of(self, pool: str) -> datetime:
        """From when on the nodes of a pool are to be listed: since its jobs' failures are known."""
        tasks, now = self._pending.tasks, self._pending.at
        return min([*(tasks.get(name, now) for name in self._names.get(fold(pool), ())), now])


def cover(pending: PendingState, unread: Iterable[str]) -> None:
    """What failed is known until now of every job but those that are owed, and those in pools that were not read."""
    left = {fold(pool) for pool in unread}
    for name, view in pending.jobs.items():
        if name not in pending.owed and fold(view.pool) not in left:
            pending.tasks[name] = max(pending.at, pending.tasks.get(name, pending.at))


def _see(
    pending: PendingState,
    row: WorkingNode,
    mine: dict[str, JobView],
    seen: dict[str, _Seen],
) -> tuple[NodeWork, set[str]]:
    """A node. Returns what it runs now, and the jobs of which it tells."""
    runs: list[str] = []
    parts: list[str] = []
    jobs: set[str] = set()
    for each in row.recent_tasks:
        run = each.execution_info
        changed = run.end_time or run.start_time
        job = each.job_id if each.job_id in mine else _spelt(mine, each.job_id)
        if job is None:
            continue
        jobs.add(job)
        story = seen.setdefault(job, _Seen())
        over = each.task_state.lower() == _OVER
        since = pending.tasks.get(job, pending.at)
        story.moved = story.moved or (changed is not None and changed > since - OVERLAP)
        if each.subtask_id:
            _see_part(pending, job, each, since, parts)
            continue
        if not over:
            if each.task_state.lower() != _WAITS:
                runs.append(job)
            if run.retry_count > 0:
                story.retried.append(Retried(each.task_id, run.retry_count, run.last_retry_time or run.start_time))
            continue
        if run.end_time is None or run.end_time <= since - OVERLAP:
            continue
        story.settled.append(each.task_id)
        if run.result.lower() == "failure":
            story.failures.append((each, row.id))
        elif pending.count_end(job, each.task_id, run.end_time, mine[job].exact):
            story.succeeded += 1
    # A node of many slots runs more than it tells of, which is taken for more of the same; one that lost its tasks to
    # another still tells of them, in their state of now.
    count = told(row.running_tasks_count, len(runs) + len(parts))
    share = max(0, count - len(parts)) / len(runs) if runs else 0.0
    slots = row.running_task_slots_count / count if count else 0.0
    for job in runs:
        seen[job].running += share
        seen[job].slots += share * max(slots, 1.0)
    for job in parts:
        seen[job].slots += max(slots, 1.0) if count else 0.0
    if not count:
        return NodeWork(row.total_tasks_run), jobs
    return NodeWork(row.total_tasks_run, tuple(dict.fromkeys([*runs, *parts]))), jobs


def _told_all(row: WorkingNode, work: NodeWork, known: NodeWork | None, since: datetime) -> bool:
    """Whether a node tells of every task that ended on it after the look before, which was then.

    By its counter, or because what it tells goes further back.
    """
    if len(row.recent_tasks) < TOLD:
        return True
    ended = [each.execution_info.end_time for each in row.recent_tasks if each.task_state.lower() == _OVER]
    if known is not None and 0 <= work.total - known.total <= len(ended):
        return True
    return any(at is not None and at < since - OVERLAP for at in ended)


def _see_part(pending: PendingState, job: str, part: RecentRun, since: datetime, parts: list[str]) -> None:
    """A part of a task that runs on several nodes: how that ended is told by the task itself."""
    if part.task_state.lower() != _OVER:
        parts.append(job)
        return
    run = part.execution_info
    ended = run.end_time
    if run.result.lower() != "failure" or ended is None or ended <= since - OVERLAP:
        return
    if pending.count_end(job, f"{part.task_id}/{part.subtask_id}", ended, None):
        pending.owe({job})


def _spelt(mine: dict[str, JobView], name: str) -> str | None:
    view = find(mine, name)
    return view.id if view else None


async def _draw(pending: PendingState, job: str, pool: str, seen: _Seen) -> None:
    """What the nodes showed of a job of theirs."""
    new = []
    for each, node in seen.failures:
        run = each.execution_info
        if run.end_time is None or pending.was_noted(
            "task", each.task_id, "failed", run.end_time, job, run.retry_count
        ):
            continue  # most were drawn in the look before: to clear them again would cost more than all the rest
        if run.retry_count > 0:
            pending.owe({job})
            continue
        place = Place(pool, node)
        new.append(TaskState(each.task_id, each.task_state, run.end_time, execution_info=run, node_info=place))
    exact = pending.jobs[job].exact
    known: list[TaskState] = []
    fresh: list[TaskState] = []
    for row in await clear_page(new):
        counted = exact and row.state_transition_time and row.state_transition_time <= exact
        (known if counted else fresh).append(row)
    await draw_failures(pending, job, known)  # the counts have them
    failed = await draw_failures(pending, job, fresh)
    view = pending.jobs[job]
    keep_retried(pending, job, seen.retried, seen.settled)
    running, slots = round(seen.running), round(seen.slots)
    if view.running and not running and not seen.moved:
        pending.recounted.add(job)  # it ran, and no node has heard of it: it may have been deleted
    if view.final or view.active is None or (not failed and not seen.succeeded and running == view.running):
        return  # its last counts were read: a list of nodes that lags behind them knows nothing better
    view = pending.job(job)
    total = view.total
    view.succeeded += seen.succeeded
    view.failed += failed
    if failed or seen.succeeded or bool(running) != bool(view.running):
        view.progressed = max(pending.at, view.progressed or pending.at)
    view.running, view.running_slots = running, max(slots, running)
    left = total - view.succeeded - view.failed - running
    if left < 0 or (not left and not running):  # more was added since it was counted; or all of it is over
        pending.recounted.add(job)
    view.active, view.counted = max(0, left), pending.at
    keep_rate(view, pending.at)
