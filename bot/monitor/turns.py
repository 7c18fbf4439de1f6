"""What a poll reads besides the lists that cover everything: what the nodes run, what moved, and what has its turn.

:mod:`bot.monitor.plan` says what that is. All of it within the calls that a poll may make.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Protocol

import structlog

from bot.azure.models import TaskCountsResult
from bot.monitor.account_state import MEMORY, OVERLAP, key_of
from bot.monitor.evidence import CALLS, SHORT
from bot.monitor.job_changes import OVER, fold_jobs, fold_past, fold_retries, fold_task_counts, fold_tasks, lose_job
from bot.monitor.node_changes import draw_nodes, fold_idle
from bot.monitor.pending_state import PendingState
from bot.monitor.plan import SLOW, Asked, Read, Sort, chosen, everything, wanted, working
from bot.monitor.reader import Reader
from bot.monitor.recent_tasks import JobsOfPools, cover, fold_work, lose_work
from bot.settings import WatchSettings
from storage.port.errors import StoreError
from storage.port.monitoring import Transition

log = structlog.get_logger()

FEW = 5
"""Reads in turns, and lookups of jobs that may be gone, that every poll makes however small its budget is."""
_SHARE = 5
"""Which part of a poll's calls the black box may keep from counts that may come later."""
REMEMBERED = 200_000
"""Transitions that are remembered after a restart, or asked for again of one job."""


class Store(Protocol):
    """What is needed of :class:`storage.port.monitoring.MonitoringStore`."""

    async def transitions(
        self,
        account: str,
        *,
        entity: str = "",
        parent: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[Transition]:
        """The newest, newest first."""
        ...


class Turns:
    """The reads of one poll that come after its lists. ``watched`` jobs are counted in every poll.

    ``asked`` says what somebody subscribed to.
    """

    def __init__(
        self,
        reader: Reader,
        pending: PendingState,
        store: Store,
        settings: WatchSettings,
        watched: Collection[str] = (),
        asked: Asked = everything,
    ) -> None:
        self._reader = reader
        self._pending = pending
        self._store = store
        self._settings = settings
        self._watched = watched
        self._asked = asked
        allowed = settings.requests_per_minute * settings.poll_seconds // 60
        self._allowed = allowed - min(CALLS, allowed // 10)  # one failed task is examined however full a poll is

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return self._allowed - self._reader.calls

    @property
    def _reserved(self) -> int:
        """Calls that are left for what the black box is owed: its files are overwritten, or leave with their node."""
        return min(self._allowed // _SHARE, SHORT * len(self._pending.unread))

    def _is_pressing(self, read: Read) -> bool:
        """Whether it is news, or the last counts of a job that is over, which its end is told with."""
        over = read.sort == "counts" and self._pending.jobs[read.name].state == OVER
        return read.rank == 0 or over

    async def work(self) -> None:
        """What the nodes of those pools tell in which something may run; a few calls are left for the rest."""
        pending = self._pending
        lose_work(pending)
        reads = working(pending, self._asked)
        plan = chosen(reads, max(FEW, self.left - FEW))
        jobs = JobsOfPools(pending)
        lists = await asyncio.gather(
            *(self._reader.working_nodes(read.name, jobs.begin_of(read.name)) for read in plan)
        )
        unread = {read.name for read in reads[len(plan) :]}
        for read, rows in zip(plan, lists, strict=True):
            if rows is None:
                unread.add(read.name)
            else:
                await fold_work(pending, read.name, rows, jobs, every=self._settings.tasks == "all")
        cover(pending, unread)
        for name in unread:
            pending.lag("tasks", jobs.begin_of(name))

    async def rest(self, missing: set[str]) -> None:
        """What cannot wait, and what has its turn; then whether the jobs that are ``missing`` in a list are there."""
        pending, reader = self._pending, self._reader
        reads = self._wanted()
        pressing = sum(read.cost for read in reads if self._is_pressing(read))
        plan = chosen(reads, max(FEW, self.left - self._reserved, min(self.left, pressing)))
        await self._make(plan)
        made = {(read.sort, read.name) for read in plan}
        # What the counts brought up: failures of tasks that no node has told of, and from before the first look.
        news = [read for read in self._wanted() if read.rank == 0 and (read.sort, read.name) not in made]
        await self._make(chosen(news, self.left))
        moved = pending.failed_in - pending.counts_in
        more = [Read("counts", name, 0.0, None) for name in sorted(moved) if name in pending.jobs]
        left = max(0, self.left - self._reserved)
        pending.recounted.update(read.name for read in more[left:])
        await self._make(chosen(more, left))
        self._note_what_is_left()
        checks = {read.name for read in plan if read.sort == "check"} | reader.suspects | missing
        names = sorted(checks & pending.jobs.keys())
        most = max(FEW, left)
        if missing & set(names[most:]):
            pending.cursors["sweep"] = pending.before.cursors["sweep"]  # to be swept again, for the rest of them
        for name in names[:most]:
            pending.read[f"check {name}"] = pending.at
            row = await reader.job(name)
            if row is not None and row.id:
                fold_jobs(pending, [row])
            elif row is not None:
                lose_job(pending, name, pending.at)

    def _note_what_is_left(self) -> None:
        """How far behind it is what could not be read in this poll though it cannot wait."""
        pending = self._pending
        for read in self._wanted():
            if read.sort == "tasks" and (owed := pending.owed.get(read.name)) and owed.read is None:
                pending.lag("starts" if owed.news else "tasks", owed.start)
            elif read.sort == "nodes" and not read.slow:
                pending.lag("nodes", read.last or pending.at)
            elif read.sort == "counts" and (view := pending.jobs[read.name]).state == OVER and view.since:
                pending.lag("counts", view.since)

    def _wanted(self) -> list[Read]:
        return wanted(self._pending, self._watched, float(self._settings.poll_seconds), self._asked)

    async def _make(self, reads: list[Read]) -> None:
        """Make these reads, and draw what they say in their order."""
        pending = self._pending
        answers = await asyncio.gather(*(self._answer(read) for read in reads))
        for read, answer in zip(reads, answers, strict=True):
            if answer is None:
                continue
            if read.sort == "nodes":
                draw_nodes(pending, read.name, *answer)
            elif isinstance(answer, TaskCountsResult):
                fold_task_counts(pending, read.name, answer.task_counts, answer.task_slot_counts.running)
            elif read.sort == "idle":
                fold_idle(pending, read.name, answer)
            elif read.sort == "past":
                await fold_past(pending, read.name, answer)
            elif read.sort == "retries":
                fold_retries(pending, read.name, answer)
            else:
                await fold_tasks(pending, read.name, answer)

    async def _answer(self, read: Read) -> Any:
        reader, pending, name = self._reader, self._pending, read.name
        if read.sort == "nodes":
            return await reader.nodes(name, frozenset(pending.pools[name].troubled))
        reads: dict[Sort, Callable[[], Awaitable[Any]]] = {
            "idle": lambda: reader.idle_nodes(name),
            "past": lambda: reader.failed_tasks(name),
            "retries": lambda: reader.unfinished_tasks(name, pending.at - 2 * SLOW),
            "counts": lambda: reader.counts(name),
            "tasks": lambda: self._failures(name),
        }
        read_it = reads.get(read.sort)
        return await read_it() if read_it else None  # whether a job is there is asked last

    async def _failures(self, job: str) -> Any:
        """What failed of a job that is owed; None where that is to be asked another time."""
        pending = self._pending
        start = min(pending.owed[job].start, pending.at)
        if start < pending.at - MEMORY:
            try:
                told = await self._store.transitions(
                    pending.account, entity="task", parent=job, since=start - OVERLAP, limit=REMEMBERED
                )
            except StoreError as error:
                log.warning("monitor.not_recalled", account=pending.account, job=job, message=str(error))
                return None
            pending.recalled.update(map(key_of, told))
            for each in told:
                pending.hear(each)
        return await self._reader.tasks(job, start, every=self._settings.tasks == "all")
