"""How long the boots of nodes took: read once, when they have come up, and kept.

A pool in which nodes have come up costs one call. It comes last in a poll, within what is left of its budget, and no
poll fails for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from bot.azure.models.watched import NodeTimes
from bot.domain.pools import in_state
from bot.domain.states import NodeState
from bot.domain.trends.boots import boots_of
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import PoolView

_BOOTING: tuple[NodeState, ...] = ("creating", "starting", "waitingforstarttask")

NodesOf = Callable[[str], Awaitable[Sequence[NodeTimes] | None]]


async def gather(pending: PendingState, nodes: NodesOf, left: int) -> None:
    """Note in the pending state which nodes have booted. ``left`` are the calls that may be made for it."""
    pools = list(_come_up(pending))[: max(0, left)]
    booted = await asyncio.gather(*(nodes(pool) for pool in pools))
    for pool, found in zip(pools, booted, strict=True):
        size, since = pending.pools[pool].vm_size, pending.baseline or pending.at
        pending.boots += boots_of(pending.account, pool, size, found or (), since)


def _come_up(pending: PendingState) -> Iterator[str]:
    """Pools that had nodes booting in the poll before, and have fewer now."""
    for name, view in pending.pools.items():
        before = pending.before.pools.get(name)
        if before is not None and _booting(view) < _booting(before):
            yield name


def _booting(pool: PoolView) -> int:
    return sum(in_state(pool, state) for state in _BOOTING)
