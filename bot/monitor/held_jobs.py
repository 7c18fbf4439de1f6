"""Why the tasks of a job wait that could run: looked into once nothing has moved for long, as ``why`` looks into it.

What the lists of a poll tell ends at "its pool has nodes for it" (:mod:`bot.domain.waiting`). What is behind that is
seen in the tasks, so a few jobs in a poll are read: the job, its pool, its unfinished and failed tasks, and how its
preparation went. The same tree that answers ``why`` says what they show, and the job's view keeps it, so that an alert
tells it. It comes last in a poll, within what is left of its calls, and no poll fails for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot.azure.account import Account
from bot.azure.models import Counts, Job, Pool, PoolNodeCounts, PreparationStatus, Task
from bot.azure.models.task import FAILED_TASKS
from bot.domain.diagnosis.job_case import MOST_FAILURES, MOST_UNFINISHED, OF_TASK, UNFINISHED, JobCase
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Clue, choose
from bot.domain.diagnosis.pools import PoolCase
from bot.domain.entity import Entity, find, fold
from bot.domain.states import is_active, is_over
from bot.domain.waiting import Wait, moved_at, why_waits
from bot.monitor.pending_state import PendingState
from bot.monitor.plan import Asked, everything
from bot.monitor.scene import Area, Held, JobView, PoolView

T = TypeVar("T")

STUCK_FOR = 900.0
"""Seconds without progress after which a job is stuck: a pool's first nodes come within about ten minutes."""
AT_MOST = 2
"""Jobs that are looked into in a poll."""
CALLS = 5
"""Calls that one takes at most."""
AGAIN = timedelta(minutes=15)
"""How long what was found is taken to hold."""
SOON = timedelta(minutes=5)
"""The same where it is about to be over by itself."""
UNFOUND = "job.tasks_not_started"
"""The row of what is told where the tasks do not show why they wait."""
_TELLING = ("task.parent_failed", "task.slots", "job.preparation_failed", "job.enabled_too_late", "job.just_begun")
"""The clues of waiting tasks. Others are of failures, which have alerts of their own."""


class Reads(Protocol):
    """What is needed of :class:`bot.monitor.reader.Reader`."""

    @property
    def stopped(self) -> bool:
        """Whether nothing more is asked in this poll."""
        ...

    async def whole(self, area: Area, kind: type[T], path: str) -> T | None:
        """One entity with all that it has; None where it could not be read."""
        ...

    async def first(
        self, area: Area, kind: type[T], path: str, wanted: str = "", select: str = "", size: int = 1000
    ) -> list[T] | None:
        """The first page of a list; None where it could not be read."""
        ...


def at_work(jobs: Mapping[str, JobView]) -> Mapping[str, Sequence[JobView]]:
    """The jobs that have running tasks, by the folded id of their pool."""
    found: dict[str, list[JobView]] = {}
    for job in jobs.values():
        if job.running > 0 and not is_over(job.state):
            found.setdefault(fold(job.pool), []).append(job)
    return found


def still_since(job: JobView) -> datetime | None:
    """Since when nothing has moved in a job whose tasks wait and none runs; None for any other."""
    return _moved(job) if is_active(job.state) and job.active and not job.running else None


def wait_of(job: JobView, pool: PoolView | None, workers: Mapping[str, Sequence[JobView]]) -> Wait:
    """Why none of its tasks runs, as far as lists tell; ``workers``, see :func:`at_work`.

    A job that had waited for long already when its pool had an idle node does not wait for its turn: what it is stuck
    for is not over because others have work.
    """
    wait = why_waits(job, pool, workers.get(fold(job.pool), ()))
    if wait.queued and _passed_over(job, pool):
        return Wait("failed tasks" if job.failed else "tasks themselves")
    return wait


async def gather(pending: PendingState, reads: Reads, left: int, asked: Asked = everything) -> None:
    """Look into a few jobs, and keep what shows in the pending state. ``left`` are the calls that may be made."""
    stuck = dict(_stuck(pending))
    for name, view in pending.jobs.items():
        if view.held is not None and name not in stuck:
            pending.job(name).held = None
    due = [view for view in stuck.values() if _is_due(view, pending.at)]
    due.sort(
        key=lambda view: (
            not asked(("job.stuck",), [Entity("job", view.id), Entity("pool", view.pool)]),
            view.held is not None,
            view.held.read if view.held else pending.at,
            view.id,
        )
    )
    chosen = due[: min(AT_MOST, max(0, left) // CALLS)]
    found = await asyncio.gather(*(_look(pending, reads, view) for view in chosen))
    for view, held in zip(chosen, found, strict=True):
        if held is not None:
            pending.job(view.id).held = held


def _stuck(pending: PendingState) -> Iterator[tuple[str, JobView]]:
    """The jobs in which nothing has moved for long though their pool has nodes for them."""
    still = {name: since for name, view in pending.jobs.items() if (since := still_since(view))}
    long = [name for name, since in still.items() if (pending.at - since).total_seconds() >= STUCK_FOR]
    if not long:
        return
    workers = at_work(pending.jobs)
    for name in long:
        view = pending.jobs[name]
        wait = wait_of(view, find(pending.pools, view.pool), workers)
        if wait.for_work and not wait.queued:
            yield name, view


def _is_due(view: JobView, at: datetime) -> bool:
    held = view.held
    return held is None or at - held.read >= (AGAIN if held.harm else SOON)


async def _look(pending: PendingState, reads: Reads, view: JobView) -> Held | None:
    """What a job's tasks show; None where that could not be read."""
    pool = find(pending.pools, view.pool)
    path = Account.job(view.id)
    job = await reads.whole("jobs", Job, path)
    if pool is None or job is None or reads.stopped:
        return None
    tasks = Account.tasks(view.id)
    whole, unfinished, failures, prepared = await asyncio.gather(
        reads.whole("pools", Pool, Account.pool(pool.id)),
        reads.first("tasks", Task, tasks, UNFINISHED, OF_TASK, MOST_UNFINISHED),
        reads.first("tasks", Task, tasks, FAILED_TASKS, OF_TASK, MOST_FAILURES),
        _preparations(reads, job, path),
    )
    if whole is None or unfinished is None or failures is None:
        return None
    ended = view.succeeded + view.failed
    counts = Counts(view.active or 0, view.running, ended, view.succeeded, view.failed)
    nodes = PoolNodeCounts(pool.id, *pool.counts)
    case = JobCase(
        job=job,
        at=pending.at,
        counts=counts,
        unfinished=unfinished,
        failures=failures,
        preparations=prepared,
        pool=PoolCase(pool=whole, at=pending.at, counts=nodes, waiting=counts.active),
    )
    return _held(choose(of_job(case).clues).clue, pending.at)


async def _preparations(reads: Reads, job: Job, path: str) -> Sequence[PreparationStatus]:
    if job.job_preparation_task is None:
        return ()
    return await reads.first("jobs", PreparationStatus, f"{path}/jobpreparationandreleasetaskstatus") or ()


def _held(clue: Clue | None, at: datetime) -> Held:
    if clue is None or clue.id not in _TELLING:
        return Held(UNFOUND, read=at)
    said = clue.evidence[0].words if clue.evidence else ""
    return Held(clue.id, clue.cause, said, {**clue.names}, harm=clue.harm, read=at)


def _moved(job: JobView) -> datetime | None:
    """When something moved in it last, its own state included."""
    moved = moved_at(job)
    return max(moved, job.since or moved) if moved else None


def _passed_over(job: JobView, pool: PoolView | None) -> bool:
    moved, free = _moved(job), pool.free_at if pool else None
    return bool(moved and free and (free - moved).total_seconds() >= STUCK_FOR)
