"""Which reads a poll makes besides those that cover everything: within a budget, and none is starved.

A poll always reads pools, node counts, and what changed of jobs and schedules. Then the nodes of the pools in which
something may run tell which jobs moved (:mod:`bot.monitor.recent_tasks`). Of the rest, what cannot wait comes first;
then what is overdue the longest, each by its own period. Where the budget does not hold it all, every period stretches
alike. Of what is alike, that comes first which feeds an alert that somebody subscribed to; and last of all what is news
on request, however much else there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.entity import fold
from bot.domain.findings import Entity
from bot.domain.pools import in_state
from bot.monitor.account_state import OVERLAP
from bot.monitor.job_changes import OVER, may_not_lag
from bot.monitor.node_changes import shape_of
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView

Sort: TypeAlias = Literal["work", "nodes", "idle", "tasks", "past", "retries", "counts", "check"]
SLOW = timedelta(minutes=5)
"""The period of what is read in turns: pools that have bad nodes, jobs that may vanish."""
RECOUNTED = timedelta(minutes=15)
"""How often a job is counted exactly in which tasks begin or end: in between its nodes tell."""
SELDOM = timedelta(hours=1)
"""The longest time between two counts of a job in which nothing happens."""
RETRIED = timedelta(minutes=30)
"""How often it is asked which tasks of a job were run again, where its nodes tell of none."""
URGENT = float("inf")
LAST = 3
"""The rank of what is read for news on request alone."""
PAGE = 1000
"""Nodes in one call."""
_FAILURES = ("task.failed", "task.retries_exhausted", "job.failed", "job.failure_rate")
FEEDS: Mapping[Sort, tuple[str, ...]] = {
    "work": (*_FAILURES, "task.retrying", "job.stuck"),
    "nodes": (
        *("node.unusable", "node.start_task_failed", "node.unknown", "node.offline", "node.preempted"),
        *("pool.start_task_failing", "pool.down"),
    ),
    "idle": ("pool.idle",),
    "tasks": _FAILURES,
    "past": _FAILURES,
    "retries": ("task.retrying",),
    "counts": (*_FAILURES, "job.stuck"),
    "check": ("job.deleted",),
}
"""The alerts that may be found, or told more exactly, by what a read says."""
Asked: TypeAlias = Callable[[tuple[str, ...], Sequence[Entity]], bool]
"""Whether somebody subscribed to an alert of one of these kinds about one of these things."""
_LEAVING = ("deleting", "terminating")  # states out of which a job may vanish without a word


class Read(Struct, frozen=True):
    """A read that a poll may make: of a pool's nodes, a job's failed tasks or counts, or whether a job is still there.

    ``work`` asks what a pool's nodes run, ``nodes`` for those in trouble, ``idle`` since when they are idle, ``tasks``
    for the failures of a job that is owed, ``past`` for those from before the first look, ``retries`` for tasks that
    fail and are run again.

    ``rank`` 0 comes first: news; :data:`LAST` is news on request. ``overdue`` is how long it is due in its own periods;
    infinite for what cannot wait. ``last`` is when it was last made, None for never. ``slow`` marks the turns that are
    spread evenly over polls. ``cost`` is how many calls it takes.
    """

    sort: Sort
    name: str
    overdue: float
    last: datetime | None
    slow: bool = False
    rank: int = 0
    cost: int = 1


def everything(_: tuple[str, ...], __: Sequence[Entity]) -> bool:
    """Somebody subscribed to all there is, as to what is not known."""
    return True


def working(pending: PendingState, asked: Asked = everything) -> list[Read]:
    """The pools whose nodes are to tell what they run, those first that waited longest.

    A pool in which nodes are at work or were in the look before, and one with a node that may have run a short task of
    a job since. Where no job is known or no node could take a task, nothing can have happened.
    """
    jobs: dict[str, list[Entity]] = {}
    for view in pending.jobs.values():
        if view.state != "deleting":
            jobs.setdefault(fold(view.pool), []).append(Entity("job", view.id))
    reads = []
    for name, pool in pending.pools.items():
        about = jobs.get(fold(name))
        if not about:
            continue
        before = pending.work.get(name)
        runs, ran = in_state(pool, "running"), before and any(node.jobs for node in before.nodes.values())
        if not (runs or ran or in_state(pool, "idle")):
            continue
        last = before.at if before else None
        unasked = not asked(FEEDS["work"], [Entity("pool", name), *about])
        read = Read("work", name, URGENT, last, rank=0 if runs else 1, cost=max(1, ceil(runs / PAGE)))
        reads.append((unasked, read))
    reads.sort(
        key=lambda each: (each[0], each[1].rank, each[1].last is not None, each[1].last or pending.at, each[1].name)
    )
    return [read for _, read in reads]


def wanted(pending: PendingState, watched: Iterable[str], poll: float, asked: Asked = everything) -> list[Read]:
    """Every read that is due, what cannot wait first, then the longest overdue. ``poll`` is seconds between polls."""
    reads = [*_nodes(pending, poll), *_of_jobs(pending, frozenset(map(fold, watched)))]

    def place(read: Read) -> tuple[object, ...]:
        unasked = not asked(FEEDS[read.sort], _about(pending, read))
        return (read.rank, unasked, -read.overdue, read.last is not None, read.last or pending.at, read.name)

    reads.sort(key=place)
    return _spread(reads, len(pending.jobs) + len(pending.pools), poll)


def _about(pending: PendingState, read: Read) -> list[Entity]:
    """What a read tells of: a pool; or a job with its pool and schedule."""
    job = None if read.sort in ("nodes", "idle") else pending.jobs.get(read.name)
    if job is None:
        return [Entity("pool", read.name)]
    schedule = [Entity("schedule", job.schedule)] if job.schedule else []
    return [Entity("job", job.id), Entity("pool", job.pool), *schedule]


def chosen(reads: list[Read], allowed: int) -> list[Read]:
    """Those that the budget allows; what is left out is longer overdue in the next poll."""
    taken = []
    for read in reads:
        allowed -= read.cost
        if allowed < 0:
            break
        taken.append(read)
    return taken


def _spread(reads: list[Read], things: int, poll: float) -> list[Read]:
    """Without those turns that are too many for one poll, or all would come due together again and again."""
    share = ceil(2 * things * poll / SLOW.total_seconds()) + 1
    kept = []
    for read in reads:
        if read.slow:
            share -= 1
        if share >= 0 or not read.slow:
            kept.append(read)
    return kept


def _overdue(last: datetime | None, now: datetime, period: timedelta = SLOW) -> float:
    return URGENT if last is None else (now - last) / period


def _nodes(pending: PendingState, poll: float) -> Iterator[Read]:
    settling = OVERLAP + timedelta(seconds=poll)
    for name, view in pending.pools.items():
        if view.idle_since and not view.idle_read:
            yield Read("idle", name, URGENT, None)
        shape = shape_of(view.counts)
        bad, last = sum(shape), pending.nodes.get(name)
        if not bad and not view.troubled:
            pending.shapes[name] = shape
            continue
        if pending.shapes.get(name) != shape:
            yield Read("nodes", name, URGENT, last)
        elif bad != len(view.troubled) and pending.at - pending.moved.get(name, pending.at) < settling:
            yield Read("nodes", name, URGENT, last)  # counts and list differ: one of them shows late
        elif (overdue := _overdue(last, pending.at)) >= 1:
            yield Read("nodes", name, overdue, last, slow=True, rank=2)


def _of_jobs(pending: PendingState, watched: frozenset[str]) -> Iterator[Read]:
    for name, view in pending.jobs.items():
        owed = pending.owed.get(name)
        if owed and view.state != "deleting" and owed.is_due(pending.at):
            yield Read("tasks", name, URGENT, owed.read, rank=LAST if owed.news else 0)
        if view.state == OVER:
            if not view.final and _may_be_counted(pending, view):
                yield Read("counts", name, URGENT, view.exact, rank=1)
            continue
        checked = pending.read.get(f"check {name}", view.since)
        if view.state in _LEAVING and (behind := _overdue(checked, pending.at)) >= 1:
            yield Read("check", name, behind, checked, slow=True, rank=2)
        if view.state == "deleting":
            continue  # its tasks are not reported any more
        yield from _unseen(pending, name, view)
        if fold(name) in watched:
            yield Read("counts", name, URGENT, view.exact)
        elif view.active is None or name in pending.recounted:
            yield Read("counts", name, URGENT, view.exact, rank=1)
        elif (behind := _overdue(view.exact, pending.at, _period(view))) >= 1:
            yield Read("counts", name, behind, view.exact, slow=True, rank=2)


def _may_be_counted(pending: PendingState, view: JobView) -> bool:
    """Whether a job that is over is to be counted now: at once, and where that lagged when nothing can any more."""
    before = view.exact is None or view.since is None or view.exact < view.since
    return before or may_not_lag(view, pending.at)


def _period(view: JobView) -> timedelta:
    """How often a job is counted: the more seldom the longer nothing has happened in it."""
    if view.exact is None or view.running:
        return RECOUNTED
    calm = view.exact - (view.progressed or view.created or view.exact)
    return min(SELDOM, max(RECOUNTED, calm / 2)) if calm > timedelta() else SLOW


def _unseen(pending: PendingState, name: str, view: JobView) -> Iterator[Read]:
    """Failures that no list of what changed tells: from before the first look, and of tasks that are run again."""
    if view.past and view.active is not None and view.failed:
        yield Read("past", name, URGENT, None)
    if view.running or view.retried:
        again = pending.read.setdefault(f"retries {name}", pending.at)
        if (behind := _overdue(again, pending.at, SLOW if view.retried else RETRIED)) >= 1:
            yield Read("retries", name, behind, again, slow=True, rank=2)
