"""How long nodes have taken to boot, by the nodes that there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from statistics import median

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import NodeRow, Pool

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
