"""An account of which everything shows late: a model of what the service promises, and nothing more.

Each change shows in lists from its own instant on, up to 45 seconds after it happened; changes of one entity show in
their order. What is read by its id shows as it is.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bot.azure.answers import Fetched, Page
from bot.azure.errors import AzureError
from bot.azure.files import Head
from bot.azure.models import (
    BatchAccountResource,
    Counts,
    NodeCounts,
    Place,
    PoolNodeCounts,
    Run,
    TaskCountsResult,
    VmSize,
)
from bot.azure.models.price import Prices
from bot.azure.models.watched import (
    JobRun,
    JobState,
    NodeState,
    PoolState,
    RecentRun,
    ScheduleState,
    TaskState,
    WorkingNode,
)
from bot.domain.states import TROUBLED_NODES

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
POOL = "pool"


class Change(NamedTuple):
    """A state, when it began, and after how many seconds lists show it."""

    state: str
    at: datetime
    lag: float = 0.0


def after(seconds: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=seconds)


def shown(history: Sequence[Change], now: datetime) -> Change | None:
    """What a list shows of an entity now."""
    seen: Change | None = None
    for change in history:
        if change.at + timedelta(seconds=change.lag) > now:
            break
        seen = change
    return seen


def happened(history: Sequence[Change], now: datetime) -> Change | None:
    """What an entity is now."""
    return next((change for change in reversed(history) if change.at <= now), None)


@dataclass
class NoFiles:
    """The files of a task whose node is gone."""

    account: LateAccount
    root: str

    async def head(self, name: str) -> Head:
        for _ in ("HEAD", "GET"):
            self.account._called(f"{self.root}/files/{name}")
        raise AzureError("NodeNotFound", "the node is not there", status=404)

    async def read(self, name: str, start: int, stop: int) -> bytes:
        raise AssertionError("what is not there is not read")


@dataclass
class LateAccount:
    """Jobs, tasks that fail (job, id), and nodes of one pool, by their histories; ``now`` is moved by hand.

    A node that always works has run the tasks and tells of the last ten, but of those that were ended before they ran
    (:func:`never_ran`).
    """

    jobs: dict[str, list[Change]] = field(default_factory=dict)
    tasks: dict[tuple[str, str], Change] = field(default_factory=dict)
    nodes: dict[str, list[Change]] = field(default_factory=dict)
    moment: datetime = NOON
    name: str = "late"
    broken: str = ""
    """Paths that are answered 500 (a regular expression)."""
    page: int = 1000
    calls: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    async def pages(
        self,
        kind: type[Any],
        path: str,
        *,
        filter: str = "",  # noqa: A002
        select: str = "",
        page_size: int = 1000,
    ) -> AsyncIterator[Page[Any]]:
        rows = self._rows(kind, path, filter)
        pages = [rows[start : start + self.page] for start in range(0, len(rows), self.page)] or [[]]
        for number, items in enumerate(pages):
            self._called(f"{path}#{number}")
            yield Page(items, "more" if number < len(pages) - 1 else None, self.moment.replace(microsecond=0))

    async def fetch(self, kind: type[Any], path: str, *, select: str = "") -> Fetched[Any]:
        self._called(path)
        sort, name = path.split("/")[1], path.rsplit("/", maxsplit=1)[-1]
        change = happened((self.jobs if sort == "jobs" else self.nodes).get(name, ()), self.moment)
        if change is None or change.state == "deleted":
            raise AzureError("NotFound", "it is not there", status=404)
        found = self._job(name, change) if sort == "jobs" else _node(name, change)
        return Fetched(found, b"", self.moment, "")

    async def task_counts(self, job: str) -> Fetched[TaskCountsResult]:
        self._called(f"/jobs/{job}/taskcounts")
        self._exists(job)
        failed = sum(change.at <= self.moment for (parent, _), change in self.tasks.items() if parent == job)
        return Fetched(TaskCountsResult(Counts(active=1, running=1, failed=failed)), b"", self.moment, "")

    async def resource(self) -> Fetched[BatchAccountResource]:
        raise AzureError("NoTokenCredential", "a key does not open it")

    async def vm_sizes(self) -> Mapping[str, VmSize]:
        return {}

    def files(self, root: str) -> NoFiles:
        return NoFiles(self, root)

    async def prices(self) -> Prices:
        return Prices()

    def _called(self, path: str) -> None:
        self.calls.append(path)
        if self.broken and re.search(self.broken, path):
            raise AzureError("InternalError", "the service is not well", status=500)

    def _is_gone(self, job: str) -> bool:
        change = happened(self.jobs.get(job, ()), self.moment)
        return change is None or change.state == "deleted"

    def _exists(self, job: str) -> None:
        if self._is_gone(job):
            raise AzureError("JobNotFound", "it is not there", status=404)

    def _rows(self, kind: type[Any], path: str, wanted: str) -> list[Any]:
        told = re.search(r"DateTime'([^']+)'", wanted)
        since = datetime.fromisoformat(told[1]) if told else None
        rows: list[Any]
        if kind is PoolState:
            return [PoolState(id=POOL, state="active", state_transition_time=NOON, creation_time=NOON)]
        if kind is PoolNodeCounts:
            return [PoolNodeCounts(POOL, self._counts())]
        if kind is ScheduleState:
            return []
        if kind is TaskState:
            self._exists(path.split("/")[2])
            rows = [
                _task(name, change)
                for (job, name), change in self.tasks.items()
                if job == path.split("/")[2] and shown([change], self.moment)
            ]
        elif kind is WorkingNode:
            return [self._worker()]
        elif kind is NodeState:
            seen = {name: shown(history, self.moment) for name, history in self.nodes.items()}
            rows = [_node(name, change) for name, change in seen.items() if change and change.state != "deleted"]
            if wanted:
                rows = [row for row in rows if row.state in TROUBLED_NODES]
        else:
            seen = {name: shown(history, self.moment) for name, history in self.jobs.items()}
            gone = {name for name in seen if self._is_gone(name)}
            rows = [self._job(name, change) for name, change in seen.items() if change and name not in gone]
            if "ne 'completed'" in wanted:
                rows = [row for row in rows if row.state != "completed"]
        return [row for row in rows if since is None or row.state_transition_time >= since]

    def _counts(self) -> NodeCounts:
        states = [change.state for history in self.nodes.values() if (change := shown(history, self.moment))]
        there = [state for state in states if state != "deleted"]
        return NodeCounts(
            unusable=there.count("unusable"),
            running=there.count("running") + 1,
            offline=there.count("offline"),
            total=len(there) + 1,
        )

    def _worker(self) -> WorkingNode:
        ran = [
            (change.at, job, name)
            for (job, name), change in self.tasks.items()
            if not never_ran(name) and shown([change], self.moment)
        ]
        recent = [
            RecentRun(job, name, None, "completed", Run(exit_code=1, result="failure", start_time=at, end_time=at))
            for at, job, name in sorted(ran)[-10:]
            if not self._is_gone(job)
        ]
        return WorkingNode("worker", "running", NOON, len(ran), recent_tasks=tuple(recent))

    def _job(self, name: str, change: Change) -> JobState:
        history = self.jobs[name]
        conversation = history.index(change)
        return JobState(
            id=name,
            creation_time=history[0].at,
            state=change.state,
            state_transition_time=change.at,
            previous_state=history[conversation - 1].state if conversation else "",
            execution_info=JobRun(start_time=history[0].at, pool_id=POOL),
        )


def never_ran(task: str) -> bool:
    """Whether a task was ended before it ran: every fourth."""
    return task.endswith("3")


def _task(name: str, change: Change) -> TaskState:
    run = Run(exit_code=1, result="failure")
    return TaskState(name, "completed", change.at, "running", run, Place(POOL, "node"))


def _node(name: str, change: Change) -> NodeState:
    return NodeState(name, change.state, change.at)
