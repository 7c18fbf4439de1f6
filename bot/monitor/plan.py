"""Which reads a poll makes besides those that cover everything: within a budget, and none is starved.

A poll always reads pools, node counts, and what changed of jobs and schedules. Of the rest, what cannot wait comes
first; then what is overdue the longest, each by its own period. Where the budget does not hold it all, every period
stretches alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.entity import find, fold
from bot.domain.pools import in_state
from bot.monitor.account_state import OVERLAP, PendingState
from bot.monitor.job_changes import OVER
from bot.monitor.node_changes import shape_of
from bot.monitor.scene import JobView

Sort: TypeAlias = Literal["nodes", "idle", "tasks", "past", "retries", "counts", "check"]
SLOW = timedelta(minutes=5)
"""The period of what is read in turns: counts of jobs, pools that have bad nodes."""
URGENT = float("inf")
_SELDOM = 6
"""Periods between two reads of the failed tasks of a job whose counts say that nothing happens."""
_LEAVING = ("deleting", "terminating")  # states out of which a job may vanish without a word


class Read(Struct, frozen=True):
    """A read that a poll may make: of a pool's nodes, a job's failed tasks or counts, or whether a job is still there.

    ``idle`` asks a pool's nodes since when they are idle, ``past`` for a job's failures from before the first look,
    ``retries`` for tasks that fail and are run again.

    ``overdue`` is how long it is due in its own periods; infinite for what cannot wait. ``last`` is when it was last
    made, None for never. ``slow`` marks the turns that are spread evenly over polls.
    """

    sort: Sort
    name: str
    overdue: float
    last: datetime | None
    slow: bool = False


def wanted(pending: PendingState, watched: Iterable[str], poll: float) -> list[Read]:
    """Every read that is due, what cannot wait first, then the longest overdue. ``poll`` is seconds between polls."""
    reads = [*_nodes(pending, poll), *_of_jobs(pending, frozenset(map(fold, watched)), timedelta(seconds=poll))]
    reads.sort(key=lambda read: (-read.overdue, read.last is not None, read.last or pending.at, read.name))
    return _spread(reads, len(pending.jobs) + len(pending.pools), poll)


def chosen(reads: list[Read], allowed: int) -> list[Read]:
    """Those that the budget allows; what is left out is longer overdue in the next poll."""
    return reads[: max(0, allowed)]


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
            yield Read("nodes", name, overdue, last, slow=True)


def _of_jobs(pending: PendingState, watched: frozenset[str], poll: timedelta) -> Iterator[Read]:
    for name, view in pending.jobs.items():
        last = pending.tasks.get(name)
        if view.state == OVER:
            yield from _last_reads(pending, name, view, last)
            continue
        checked = pending.read.get(f"check {name}", view.since)
        if view.state in _LEAVING and (behind := _overdue(checked, pending.at)) >= 1:
            yield Read("check", name, behind, checked, slow=True)
        if view.state == "deleting":
            continue  # its tasks are not reported any more
        overdue = _overdue(last, pending.at)
        if can_fail(pending, view):
            if last is None or last < pending.at:
                # Of a job that was never counted it is not known that nothing failed yet: a short one is over by then.
                new = view.active is None
                yield Read("tasks", name, URGENT if new else _overdue(last, pending.at, poll), last)
        elif _stirred(pending, view, last):
            yield Read("tasks", name, URGENT, last)
        elif overdue >= _SELDOM:
            yield Read("tasks", name, overdue / _SELDOM, last, slow=True)
        yield from _unseen(pending, name, view)
        if view.active is None or fold(name) in watched or name in pending.recounted:
            yield Read("counts", name, URGENT, view.counted)
        elif (behind := _overdue(view.counted, pending.at)) >= 1:
            yield Read("counts", name, behind, view.counted, slow=True)


def _unseen(pending: PendingState, name: str, view: JobView) -> Iterator[Read]:
    """Failures that no list of what changed tells: from before the first look, and of tasks that are run again."""
    if view.past and view.active is not None and view.failed:
        yield Read("past", name, URGENT, None)
    if view.running and can_fail(pending, view):
        again = pending.read.setdefault(f"retries {name}", view.started or view.created or pending.at)
        if (behind := _overdue(again, pending.at)) >= 1:
            yield Read("retries", name, behind, again, slow=True)


def _stirred(pending: PendingState, view: JobView, last: datetime | None) -> bool:
    """Whether the counts of a job that runs nothing moved since its failures were read: then they are read at once, and
    once more for what shows late.
    """
    moved = view.progressed
    if moved is None or last is None or last < moved:
        return True
    return last < moved + OVERLAP <= pending.at


def _last_reads(pending: PendingState, name: str, view: JobView, last: datetime | None) -> Iterator[Read]:
    """A job that is over is counted a last time, and its failures are read until none can show late any more."""
    ended = view.since or pending.at
    if last is None or last < ended or last < ended + OVERLAP <= pending.at:
        yield Read("tasks", name, URGENT, last)
    if not view.final:
        yield Read("counts", name, URGENT, view.counted)


def can_fail(pending: PendingState, view: JobView) -> bool:
    """Whether a task of the job may be running: it was not counted yet or some ran, and its pool has running nodes."""
    if view.active is not None and not view.running:
        return False
    pool = find(pending.pools, view.pool)
    return pool is None or in_state(pool, "running") > 0
