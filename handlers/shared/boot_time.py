"""How long nodes have taken to boot, by the nodes that there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import median

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import NodeRow, Pool
from bot.domain.entity import same_id
from bot.requests.context import Context
from storage.port.timings import NodeBoot

_EVER = datetime.fromtimestamp(0, UTC)
_LOOKED_AT = 2
"""Pools whose nodes are read for it: more tell hardly more."""


async def boot_time(source: Account, pools: Iterable[Pool], vm_size: str) -> timedelta | None:
    """What nodes took from their allocation to their boot, in the middle; None where there are none.

    Those of the same VM size come first. ``pools`` need vmSize and the current numbers of nodes.
    """
    alive = [pool for pool in pools if pool.current_dedicated_nodes + pool.current_low_priority_nodes]
    alive.sort(key=lambda pool: pool.vm_size.lower() != vm_size.lower())
    found = await asyncio.gather(*(_boots(source, pool.id) for pool in alive[:_LOOKED_AT]))
    seconds = [each for times in found for each in times]
    return timedelta(seconds=median(seconds)) if seconds else None


async def _boots(source: Account, pool: str) -> list[float]:
    try:
        nodes, _ = await source.every(NodeRow, source.nodes(pool), select="id,allocationTime,lastBootTime")
    except AzureError:  # it says how long something takes, and nothing depends on it
        return []
    return [
        (node.last_boot_time - node.allocation_time).total_seconds()
        for node in nodes
        if node.last_boot_time and node.allocation_time and node.last_boot_time > node.allocation_time
    ]


async def kept_boot(ctx: Context, source: Account, pool: str, node: str) -> NodeBoot | None:
    """The boot of a node that was kept, long after Batch forgot it; None where it was not."""
    boots = await ctx.store.node_boots(source.name, _EVER, source.now(), pool=pool)
    return next((each for each in boots if same_id(each.node, node)), None)
