"""How long jobs that ended, their tasks, and the boots of nodes took: read once, when it is over, and kept.

A job that ended costs one call, which gives up to a thousand of its tasks; so does a pool in which nodes have come up.
Both come last in a poll, within what is left of its budget: of what could not be read it is known how long the job ran,
and no more. No poll fails for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from bot.azure.models.watched import NodeTimes, TaskTimes
from bot.domain.pools import in_state
from bot.domain.states import NodeState
from bot.domain.trends.times import boots_of, with_tasks
from bot.monitor.account_state import PendingState
from bot.monitor.job_changes import OVER
from bot.monitor.scene import JobView, PoolView
from storage.port.timings import JobTimes

_BOOTING: tuple[NodeState, ...] = ("creating", "starting", "waitingforstarttask")

TasksOf = Callable[[str], Awaitable[Sequence[TaskTimes] | None]]
NodesOf = Callable[[str], Awaitable[Sequence[NodeTimes] | None]]


async def gather(pending: PendingState, tasks: TasksOf, nodes: NodesOf, left: int) -> None:
    """Note in the pending state what has ended in this poll. ``left`` are the calls that may be made for it."""
    over = [view for view in pending.ended if view.state == OVER]
    read = await asyncio.gather(*(tasks(view.id) for view in over[: max(0, left)]))
    rows = {view.id: found for view, found in zip(over, read, strict=False) if found}
    pending.times = [_times(pending, view, rows.get(view.id, ())) for view in over]
    pools = list(_come_up(pending))[: max(0, left - len(read))]
    booted = await asyncio.gather(*(nodes(pool) for pool in pools))
    for pool, found in zip(pools, booted, strict=True):
        size, since = pending.pools[pool].vm_size, pending.baseline or pending.at
        pending.boots += boots_of(pending.account, pool, size, found or (), since)


def _times(pending: PendingState, view: JobView, tasks: Sequence[TaskTimes]) -> JobTimes:
    ended = view.ended or view.since or pending.at
    counts = view.active is not None
    job = JobTimes(
        account=pending.account,
        job=view.id,
        started=view.started or view.created or ended,
        ended=ended,
        schedule=view.schedule,
        pool=view.pool,
        tasks=view.total if counts else None,
        failed=view.failed if counts else None,
    )
    return with_tasks(job, tasks)


def _come_up(pending: PendingState) -> Iterator[str]:
    """Pools that had nodes booting in the poll before, and have fewer now."""
    for name, view in pending.pools.items():
        before = pending.before.pools.get(name)
        if before is not None and _booting(view) < _booting(before):
            yield name


def _booting(pool: PoolView) -> int:
    return sum(in_state(pool, state) for state in _BOOTING)
