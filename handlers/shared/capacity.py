"""What an account has in use and what nodes cost, read once: for the preflight of what makes pools larger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import AccountProperties, Job, JobSchedule, Pool, PoolNodeCounts, VmSize
from bot.azure.models.price import Prices
from bot.domain.entity import fold, same_id
from bot.domain.headroom import Headroom, headroom
from bot.domain.pools import reading
from bot.domain.price import HourlyCost, per_hour
from bot.domain.quota import Used, used_by
from cards.formatting import plural
from handlers.shared import node_counts
from handlers.shared.common import sizes_of

SELECT = "id,vmSize,currentDedicatedNodes,currentLowPriorityNodes"
"""What is needed of pools."""
ACTIVE = "state ne 'completed'"
"""Jobs and schedules that use their quota, as ``$filter``: :func:`bot.domain.quota.uses_quota`."""


@dataclass(frozen=True)
class Capacity:
    """``account`` is None where Resource Manager cannot be asked: then nothing is known of quotas.

    ``pools`` are all pools of the account, with what :data:`SELECT` names.
    """

    account: AccountProperties | None
    used: Used
    sizes: Mapping[str, VmSize]
    prices: Prices
    pools: Sequence[Pool] = ()

    def room(self, vm_size: str, *, spot: bool = False) -> Headroom:
        """How many more nodes of a size fit."""
        size = self.sizes.get(vm_size.lower())
        return headroom(size, self.account, self.used, spot=spot) if size else Headroom(None, None)

    def cost(self, vm_size: str, *, windows: bool, dedicated: int, spot: int) -> HourlyCost | None:
        """What so many nodes cost an hour; None where a price is unknown."""
        return per_hour(self.prices, vm_size, windows=windows, dedicated=dedicated, spot=spot)

    def refused(self, vm_size: str, more: int, *, spot: bool = False) -> tuple[str, int] | None:
        """Why so many more nodes do not fit, in a sentence, and how many do; None where they do or nothing is known."""
        found = self.room(vm_size, spot=spot)
        if found.nodes is None or found.quota is None or more <= found.nodes:
            return None
        quota = found.quota
        what = "spot nodes" if spot else "dedicated nodes"
        return (
            f"{plural(more, 'more node')} of {vm_size} do not fit: {quota.used} of {quota.limit} {quota.what} are in "
            f"use, which leaves room for {found.nodes} more {what}.",
            found.nodes,
        )


async def capacity(source: Account, *, without: str = "") -> Capacity:
    """Read it: quotas, what is in use, sizes and prices, side by side.

    What the pool ``without`` has in use counts as free, as it is when that pool is emptied.
    """
    (pools, _), counts, jobs, sizes, prices, account = await asyncio.gather(
        source.every(Pool, "/pools", select=SELECT),
        node_counts.known(source),
        active_jobs(source),
        sizes_of(source),
        source.prices(),
        properties(source),
    )
    using = [pool for pool in pools if not without or not same_id(pool.id, without)]
    return Capacity(account, await used_of(source, using, counts, jobs), sizes, prices, pools)


async def used_of(
    source: Account, pools: Iterable[Pool], counts: Iterable[PoolNodeCounts] | None, active: int | None
) -> Used:
    """What an account has in use; ``active`` counts its jobs and schedules that are not completed, None is unknown."""
    entries = node_counts.by_pool(counts)
    facts = [reading(pool, entries.get(fold(pool.id))) for pool in pools]
    return used_by(facts, await sizes_of(source), active)


async def active_jobs(source: Account) -> int:
    """Jobs and schedules that use their quota."""
    (jobs, _), (schedules, _) = await asyncio.gather(
        source.every(Job, "/jobs", select="id", filter=ACTIVE),
        source.every(JobSchedule, "/jobschedules", select="id", filter=ACTIVE),
    )
    return len(jobs) + len(schedules)


async def properties(source: Account) -> AccountProperties | None:
    """The account's quotas; None where Resource Manager cannot be asked."""
    try:
        return (await source.resource()).value.properties
    except AzureError as error:
        gaps.missed("quotas", error)
        return None
