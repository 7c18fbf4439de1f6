"""The reads of a poll: few calls, narrow rows, and an end as soon as the service asks for less.

What is read has no secret from here on. Whatever fails is noted with the area it belongs to, and never raised. After a
throttle, or where no answer comes at all, nothing more is asked in this poll.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar, cast

import structlog
from msgspec import Struct

from bot.azure.account import Account
from bot.azure.answers import Fetched, Page
from bot.azure.errors import AzureError
from bot.azure.models import BatchAccountResource, PoolNodeCounts, TaskCountsResult, VmSize, select_of
from bot.azure.models.price import Prices
from bot.azure.models.task import FAILED_TASKS
from bot.azure.models.watched import (
    JobState,
    NodeState,
    NodeTimes,
    PoolState,
    ScheduleState,
    TaskState,
    WorkingNode,
)
from bot.content.clear_rows import clear_page, clear_row
from bot.domain.entity import fold
from bot.domain.states import TROUBLED_NODES
from bot.monitor.account_state import OVERLAP
from bot.monitor.file_ends import Files, ends
from bot.monitor.scene import Area
from storage.port.black_box import KeptFile

log = structlog.get_logger()
T = TypeVar("T")

AT_ONCE = 4
"""Reads of one poll at the same time."""
SINGLY = 2
"""Up to so many nodes are asked for one by one; of more, the pool's list gives a thousand in one call."""
_NODE_COUNTS_PAGE = 10
_NO_ARM = "NoTokenCredential"


class Source(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        ...

    def now(self) -> datetime:
        """The service's clock."""
        ...

    def pages(
        self,
        kind: type[T],
        path: str,
        *,
        filter: str = "",  # noqa: A002 - the service's word
        select: str = "",
        page_size: int = 1000,
    ) -> AsyncIterator[Page[T]]:
        """The pages of a list as they come."""
        ...

    async def fetch(self, kind: type[T], path: str, *, select: str = "") -> Fetched[T]:
        """One entity."""
        ...

    async def task_counts(self, job: str) -> Fetched[TaskCountsResult]:
        """Tasks of a job by state."""
        ...

    async def resource(self) -> Fetched[BatchAccountResource]:
        """The account as Resource Manager reports it."""
        ...

    async def vm_sizes(self) -> Mapping[str, VmSize]:
        """VM sizes by lower-case name."""
        ...

    async def prices(self) -> Prices:
        """List prices."""
        ...

    def files(self, root: str) -> Files:
        """The files below a task or node, by its path."""
        ...


class Reader:
    """The reads of one poll.

    ``calls`` counts them, ``missing`` are the areas of which something could not be read, ``error`` is what ended the
    poll early or kept its main lists from being read. ``suspects`` are jobs that the service did not know.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.calls = 0
        self.missing: set[Area] = set()
        self.suspects: set[str] = set()
        self.aside: dict[str, tuple[str, ...]] = {}
        """Of each list the keys of the rows that were not understood, empty text for one that does not tell it."""
        self.error: AzureError | None = None
        self.at: datetime | None = None
        """The service's time of the first answer."""
        self._stopped = False
        self._failed: Counter[Area] = Counter()
        self._answered: set[Area] = set()

    @property
    def silent(self) -> set[Area]:
        """The areas of which one pool or job after the other was asked, and none could be read.

        Where some could, or one alone was asked, the others are as they were: the trouble of one hides nothing of
        another.
        """
        return {area for area, count in self._failed.items() if count > 1} - self._answered

    async def pools(self) -> list[PoolState] | None:
        """Every pool."""
        return await self._try("pools", lambda: self._list(PoolState, "/pools"), main=True)

    async def node_counts(self) -> list[PoolNodeCounts] | None:
        """Nodes of every pool by state."""
        return await self._try(
            "nodes", lambda: self._list(PoolNodeCounts, "/nodecounts", select="", size=_NODE_COUNTS_PAGE), main=True
        )

    async def jobs(self, since: datetime | None) -> list[JobState] | None:
        """Jobs that changed since; all that are not over where that is None."""
        wanted = _since(since) if since else "state ne 'completed'"
        return await self._try("jobs", lambda: self._list(JobState, "/jobs", wanted), main=True)

    async def schedules(self, since: datetime | None) -> list[ScheduleState] | None:
        """Schedules that changed since; all where that is None."""
        wanted = _since(since) if since else ""
        return await self._try("schedules", lambda: self._list(ScheduleState, "/jobschedules", wanted))

    async def nodes(
        self, pool: str, known: frozenset[str]
    ) -> tuple[list[NodeState], Mapping[str, NodeState | None]] | None:
        """A pool's nodes in trouble; and of those that were known to be and are not among them, what they are now."""
        return await self._try(
            "nodes", lambda: self._nodes(pool, known), missing=([], dict.fromkeys(known)), single=True
        )

    async def node_states(self, pool: str, since: datetime) -> list[NodeState] | None:
        """Nodes of a pool that changed since, whatever their state."""
        path, select = Account.nodes(pool), "id,state,stateTransitionTime"
        return await self._try(
            "nodes", lambda: self._list(NodeState, path, _since(since), select), missing=[], single=True
        )

    async def working_nodes(self, pool: str, since: datetime) -> list[WorkingNode] | None:
        """Nodes of a pool that run tasks, and those whose state changed since, with their last ten tasks.

        What they tell has secrets still: whoever keeps a part of it clears that, for all of it is much.
        """
        path, wanted = Account.nodes(pool), f"state eq 'running' or {_since(since)}"
        return await self._try(
            "tasks", lambda: self._list(WorkingNode, path, wanted, clear=False), missing=[], single=True
        )

    async def idle_nodes(self, pool: str) -> list[NodeState] | None:
        """A pool's idle nodes, a thousand of them, with since when they are."""
        path, select = Account.nodes(pool), "id,state,stateTransitionTime"
        return await self._try(
            "nodes", lambda: self._list(NodeState, path, "state eq 'idle'", select, most=1), missing=[], spare=True
        )

    async def failed_tasks(self, job: str) -> list[TaskState] | None:
        """A job's failed tasks, a thousand of them, whenever they failed."""
        return await self._try(
            "tasks", lambda: self._list(TaskState, Account.tasks(job), FAILED_TASKS, most=1), job=job, spare=True
        )

    async def unfinished_tasks(self, job: str, since: datetime) -> list[TaskState] | None:
        """Tasks of a job that moved since and are not over, a thousand of them."""
        wanted = f"{_since(since)} and state ne 'completed'"
        return await self._try(
            "tasks", lambda: self._list(TaskState, Account.tasks(job), wanted, most=1), job=job, spare=True
        )

    async def tasks(self, job: str, since: datetime, *, every: bool) -> list[TaskState] | None:
        """Tasks of a job that failed since; ``every``: that began to run or ended."""
        changed = "(state eq 'completed' or state eq 'running')" if every else "executionInfo/result eq 'failure'"
        path, wanted = Account.tasks(job), f"{_since(since)} and {changed}"
        return await self._try("tasks", lambda: self._list(TaskState, path, wanted), job=job, single=True)

    async def node_times(self, pool: str) -> list[NodeTimes] | None:
        """When a pool's nodes were allocated and booted: of a thousand."""
        return await self._try(
            "nodes", lambda: self._list(NodeTimes, Account.nodes(pool), most=1), missing=[], aside=True
        )

    async def counts(self, job: str) -> TaskCountsResult | None:
        """Tasks of a job by state."""

        async def read() -> TaskCountsResult:
            self.calls += 1
            return (await self._source.task_counts(job)).value

        return await self._try("tasks", read, job=job, single=True)

    async def job(self, name: str) -> JobState | None:
        """A job; one without an id where it does not exist, None where that could not be found out."""
        path, select = Account.job(name), select_of(JobState)
        return await self._try("jobs", lambda: self._fetch(JobState, path, select), missing=JobState(), single=True)

    async def schedule(self, name: str) -> ScheduleState | None:
        """A schedule; one without an id where it does not exist, None where that could not be found out."""
        path, select = Account.schedule(name), select_of(ScheduleState)
        return await self._try(
            "schedules", lambda: self._fetch(ScheduleState, path, select), missing=ScheduleState(), spare=True
        )

    async def whole(self, area: Area, kind: type[T], path: str) -> T | None:
        """One entity with all that it has; None where it could not be read, without which the area is known."""
        return await self._try(area, lambda: self._fetch(kind, path), spare=True)

    async def first(
        self, area: Area, kind: type[T], path: str, wanted: str = "", select: str = "", size: int = 1000
    ) -> list[T] | None:
        """The first page of a list; None where it could not be read, without which the area is known."""
        return await self._try(area, lambda: self._list(kind, path, wanted, select, size, most=1), spare=True)

    async def account(self) -> tuple[BatchAccountResource, Mapping[str, VmSize]] | None:
        """Quotas and VM sizes, from Resource Manager; None with a shared key, which does not open it."""

        async def read() -> tuple[BatchAccountResource, Mapping[str, VmSize]]:
            self.calls += 1
            resource = (await self._source.resource()).value
            return resource, await self._source.vm_sizes()

        return await self._try("quota", read, aside=True)

    @property
    def stopped(self) -> bool:
        """Whether nothing more is asked in this poll."""
        return self._stopped

    async def file_ends(
        self, key: tuple[str, str, str], wanted: Sequence[tuple[str, int]], called: Callable[[str], None]
    ) -> tuple[KeptFile, ...] | None:
        """The ends of files of a task of a job, or a node of a pool; None where they may be read another time.

        ``called`` is told the file of each call, all of which are counted here as well.
        """

        def count(file: str) -> None:
            self.calls += 1
            called(file)

        kind, outer, name = key
        path = Account.task(outer, name) if kind == "task" else Account.node(outer, name)
        async with self._gate:
            if self._stopped:
                return None
            try:
                return await ends(self._source.files(path), wanted, count)
            except AzureError as error:
                log.info("monitor.evidence_refused", account=self._source.name, code=error.code, status=error.status)
                self._stopped = error.throttled or not error.status
                return None

    async def _nodes(self, pool: str, known: frozenset[str]) -> tuple[list[NodeState], Mapping[str, NodeState | None]]:
        path = Account.nodes(pool)
        rows = await self._list(NodeState, path, " or ".join(f"state eq '{state}'" for state in TROUBLED_NODES))
        there = {fold(row.id) for row in rows}
        left = {name for name in known if fold(name) not in there}
        select = "id,state,stateTransitionTime,vmSize,isDedicated"
        if len(left) > SINGLY:
            found = {fold(row.id): row for row in await self._list(NodeState, path, "", select)}
            gone = not self.aside.get(path)
            return rows, {name: found.get(fold(name)) for name in left if gone or fold(name) in found}
        whereabouts: dict[str, NodeState | None] = {}
        for name in sorted(left):
            self.calls += 1
            try:
                fetched = await self._source.fetch(NodeState, Account.node(pool, name), select=select)
            except AzureError as error:
                if not error.not_found:
                    raise
                whereabouts[name] = None
            else:
                whereabouts[name] = clear_row(fetched.value)
        return rows, whereabouts

    async def _fetch(self, kind: type[T], path: str, select: str = "") -> T:
        self.calls += 1
        return clear_row((await self._source.fetch(kind, path, select=select)).value)

    async def _list(
        self,
        kind: type[T],
        path: str,
        wanted: str = "",
        select: str | None = None,
        size: int = 1000,
        most: int | None = None,
        clear: bool = True,
    ) -> list[T]:
        """A list, whole or not at all; with ``most`` no more pages of it."""
        chosen = select_of(cast("type[Struct]", kind)) if select is None else select
        items: list[T] = []
        aside: tuple[str, ...] = ()
        self.calls += 1
        pages: Any = self._source.pages(kind, path, filter=wanted, select=chosen, page_size=size)
        async with aclosing(pages):
            async for page in pages:
                items += await clear_page(page.items) if clear else page.items
                aside += page.aside
                self.at = self.at or page.at
                if most is not None and (most := most - 1) < 1:
                    break
                self.calls += page.next is not None
        self.aside[path] = aside
        return items

    async def _try(
        self,
        area: Area,
        read: Callable[[], Awaitable[T]],
        *,
        main: bool = False,
        aside: bool = False,
        missing: T | None = None,
        job: str = "",
        single: bool = False,
        spare: bool = False,
    ) -> T | None:
        """The answer, or None. ``single`` is a read of one of many; ``spare`` one without which the area is known.

        ``missing`` is the answer where the thing is not there; the ``job`` that it belongs to is then suspected to be
        gone. What is read ``aside`` never ends the poll.
        """
        async with self._gate:
            if self._stopped:
                self.missing.add(area)
                return None
            try:
                answer = await read()
            except AzureError as error:
                # A job that is being deleted answers 409 until it is gone.
                if (error.not_found and missing is not None) or (job and error.status in (404, 409)):
                    self.suspects.update(filter(None, [job]))
                    return missing
                if not error.status or error.throttled or not (single or spare):
                    self.missing.add(area)
                elif single:
                    self._failed[area] += 1
                if error.code != _NO_ARM:
                    log.info(
                        "monitor.area_refused",
                        account=self._source.name,
                        area=area,
                        code=error.code,
                        status=error.status,
                    )
                if not aside and (main or error.throttled or not error.status):
                    self.error = self.error or error
                    self._stopped = self._stopped or error.throttled or not error.status
                return None
            if single:
                self._answered.add(area)
            return answer


def _since(at: datetime) -> str:
    """What changed since a little before an instant, in whole seconds."""
    begin = (at - OVERLAP).astimezone(UTC).replace(microsecond=0)
    return f"stateTransitionTime ge DateTime'{begin.strftime('%Y-%m-%dT%H:%M:%SZ')}'"
