"""What pools cost: their nodes that have a machine, at list price."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.azure.models import NodeCounts, Pool, PoolNodeCounts, VmConfiguration
from bot.azure.prices import Prices


class Burn(Struct, frozen=True):
    """Money an hour at list price, in ``currency``, by prices of ``as_of``: for dedicated and for spot nodes."""

    dedicated: float
    spot: float
    currency: str
    as_of: datetime

    @property
    def amount(self) -> float:
        """All of it."""
        return self.dedicated + self.spot


def price_of_pool(prices: Prices, pool: Pool, counts: PoolNodeCounts | None = None) -> Burn | None:
    """What a pool costs an hour as it is now; None where a price is missing that it would need.

    Nodes are those of ``counts`` that have a machine; without counts those that the pool itself tells, which include
    preempted ones. ``pool`` needs vmSize, virtualMachineConfiguration and, without counts, its current nodes.
    """
    if counts is None:
        dedicated, spot = pool.current_dedicated_nodes, pool.current_low_priority_nodes
    else:
        dedicated, spot = with_machine(counts.dedicated), with_machine(counts.low_priority)
    windows = pays_windows(pool.virtual_machine_configuration)
    return per_hour(prices, pool.vm_size, windows=windows, dedicated=dedicated, spot=spot)


def per_hour(prices: Prices, size: str, *, windows: bool, dedicated: int, spot: int) -> Burn | None:
    """What so many nodes of a VM size cost an hour; None where the price of any of them is unknown."""
    total = []
    for nodes, kind in ((dedicated, False), (spot, True)):
        price = prices.hourly(size, windows=windows, spot=kind) if nodes > 0 else None
        if nodes > 0 and price is None:
            return None
        total.append(nodes * price.amount if price else 0.0)
    return Burn(total[0], total[1], prices.currency, prices.as_of) if prices else None


def with_machine(counts: NodeCounts) -> int:
    """Nodes that have a machine, and so are billed: all but those that lost it (preempted) or gave it back."""
    return max(0, counts.total - counts.preempted - counts.deallocated)


def pays_windows(machine: VmConfiguration | None) -> bool:
    """Whether the price of a node includes Windows: not where one's own licence is brought along (``licenseType``)."""
    if machine is None or machine.license_type:
        return False
    return machine.windows_configuration is not None or machine.node_agent_sku_id.lower().startswith(
        "batch.node.windows"
    )
