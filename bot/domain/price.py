"""What nodes cost an hour at list price: numbers with their currency and the time they were read at, never words."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.azure.models.price import Prices
from bot.domain.pools import PoolFacts, machines


class Money(Struct, frozen=True):
    """``amount`` of ``currency`` (ISO 4217), by list prices that were read ``as_of``."""

    amount: float
    currency: str
    as_of: datetime


class HourlyCost(Struct, frozen=True):
    """Money an hour at list price, in ``currency``, by prices of ``as_of``: for dedicated and for spot nodes."""

    dedicated: float
    spot: float
    currency: str
    as_of: datetime

    @property
    def amount(self) -> float:
        """All of it."""
        return self.dedicated + self.spot

    def over(self, hours: float) -> Money:
        """What so many hours of it cost."""
        return Money(self.amount * hours, self.currency, self.as_of)


def per_hour(prices: Prices, size: str, *, windows: bool, dedicated: int, spot: int) -> HourlyCost | None:
    """What so many nodes of a VM size cost an hour; None where the price of any of them is unknown."""
    total = []
    for nodes, kind in ((dedicated, False), (spot, True)):
        price = prices.hourly(size, windows=windows, spot=kind) if nodes > 0 else None
        if nodes > 0 and price is None:
            return None
        total.append(nodes * price.amount if price else 0.0)
    return HourlyCost(total[0], total[1], prices.currency, prices.as_of) if prices else None


def of_pool(prices: Prices, pool: PoolFacts) -> HourlyCost | None:
    """What a pool costs an hour as it is now, by its nodes that have a machine; None where a price is missing."""
    dedicated, spot = machines(pool)
    return per_hour(prices, pool.vm_size, windows=pool.windows, dedicated=dedicated, spot=spot)


def of_nodes(prices: Prices, pool: PoolFacts, nodes: int) -> HourlyCost | None:
    """What so many of a pool's nodes cost an hour; None where that is unknown.

    Of a pool that has both, dedicated nodes come first.
    """
    dedicated = min(nodes, machines(pool)[0])
    return per_hour(prices, pool.vm_size, windows=pool.windows, dedicated=dedicated, spot=nodes - dedicated)
