"""Eventual consistency on request: lists and counts that lag behind what has happened.

While `seconds` is above zero, whatever changes the state of a pool, node, job, task or schedule is noted here as it was
before, and a list shows that until the change is so many seconds old. What is younger than that is not listed yet. A
thing that is read by its id is shown as it is, and what is deleted is gone from lists at once. With zero seconds
nothing is noted and nothing is looked up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from bot.sandbox.entities import Job, JobSchedule, Node, Pool, PoolNodeCounts, TaskCountsResult
from bot.sandbox.world import bodies
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask
from bot.sandbox.world.outcomes import column

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

Thing = LivePool | LiveNode | LiveJob | LiveSchedule | LiveTask

T = TypeVar("T", bound=Struct)

MOST = 86_400.0
"""The longest lag, in seconds."""


class PastState(Struct, frozen=True):
    """What a pool, node, job or schedule was: a body of its own, to be filtered and listed in its place."""

    id: str
    body: Pool | Node | Job | JobSchedule


class ListLag:
    """Keeps the recent past of one account."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._seconds = 0.0
        self._past: dict[Thing, list[tuple[datetime, PastState | LiveTask]]] = {}
        self._order: deque[tuple[datetime, Thing]] = deque()

    @property
    def seconds(self) -> float:
        """How long a change takes to be seen in lists."""
        return self._seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        if not 0 <= seconds <= MOST:
            raise ValueError(f"a lag is between 0 and {MOST:.0f} seconds, not {seconds:g}")
        self._seconds = seconds
        self._sweep()

    @property
    def _horizon(self) -> datetime:
        """Changes after this are not seen yet."""
        return self._account.world.time - timedelta(seconds=self._seconds)

    # --- writing ------------------------------------------------------------------------------------------------------

    def note(self, thing: Thing) -> None:
        """The thing is about to change."""
        if not self._seconds:
            return
        self._sweep()
        now = self._account.world.time
        self._past.setdefault(thing, []).append((now, self._copy(thing)))
        self._order.append((now, thing))

    def _sweep(self) -> None:
        """Forgets what was before changes that everybody sees."""
        horizon = self._horizon
        while self._order and self._order[0][0] <= horizon:
            _, thing = self._order.popleft()
            del self._past[thing][0]
            if not self._past[thing]:
                del self._past[thing]

    def _copy(self, thing: Thing) -> PastState | LiveTask:
        base = self._account.facts.endpoint
        body: Pool | Node | Job | JobSchedule
        if isinstance(thing, LiveTask):
            return msgspec.structs.replace(thing)
        if isinstance(thing, LivePool):
            body = msgspec.structs.replace(bodies.pool_body(base, thing))
        elif isinstance(thing, LiveNode):
            node = bodies.node_body(base, thing)
            body = msgspec.structs.replace(node, start_task_info=_own(node.start_task_info))
        elif isinstance(thing, LiveJob):
            job = bodies.job_body(base, thing)
            body = msgspec.structs.replace(job, execution_info=msgspec.structs.replace(job.execution_info))
        else:
            schedule = bodies.schedule_body(base, thing)
            info = msgspec.structs.replace(schedule.execution_info, recent_job=_own(schedule.execution_info.recent_job))
            body = msgspec.structs.replace(schedule, execution_info=info)
        return PastState(thing.id, body)

    # --- reading ------------------------------------------------------------------------------------------------------

    def seen(self, things: Sequence[Any]) -> Sequence[Any]:
        """The things as a list shows them now, in their order: themselves, what they were, or nothing."""
        if not self._seconds:
            return things
        self._sweep()
        horizon, past, found = self._horizon, self._past, []
        for thing in things:
            if _born(thing) <= horizon:
                before = past.get(thing)
                found.append(before[0][1] if before else thing)
        return found

    def task_counts(self, job: LiveJob) -> TaskCountsResult:
        """The counts of a job, made of the tasks that are seen."""
        if not self._seconds:
            return bodies.task_counts(job)
        counts, slots = [0, 0, 0, 0], [0, 0, 0, 0]
        for task in self.seen(job.ordered()):
            counts[column(task)] += 1
            slots[column(task)] += task.slots
        return bodies.counted(counts, slots)

    def node_counts(self, pool: LivePool) -> PoolNodeCounts:
        """The counts of a pool, made of the nodes that are seen."""
        if not self._seconds:
            return bodies.node_counts(pool)
        counts = {kind: dict.fromkeys(states, 0) for kind, states in pool.counts.items()}
        for node in self.seen(pool.ordered()):
            counts[node.body.is_dedicated][node.body.state] += 1
        return bodies.nodes_counted(pool.id, counts)


def body_of(body: Callable[[Any], Struct]) -> Callable[[Any], Struct]:
    """How to get the body of what `ListLag.seen` gives, by way of that of a living thing."""
    return lambda thing: thing.body if isinstance(thing, PastState) else body(thing)


def _own(part: T | None) -> T | None:
    return None if part is None else msgspec.structs.replace(part)


def _born(thing: Thing) -> datetime:
    if isinstance(thing, LiveTask):
        return thing.creation_time
    if isinstance(thing, LiveNode):
        return thing.body.allocation_time
    return thing.body.creation_time
