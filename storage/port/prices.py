"""List prices as they were read, so that they outlive a restart, and what they were before they changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class PriceKey(Struct, frozen=True):
    """What a price is of: a VM size in lower case, whether Windows is paid for, and the meter (``on demand``, …)."""

    size: str
    windows: bool
    meter: str


class PriceChange(Struct, frozen=True):
    """A price an hour from ``since`` on; None where it was listed no longer, or not beyond doubt."""

    key: PriceKey
    since: datetime
    amount: float | None


class PriceList(Struct, frozen=True):
    """A region's prices in one currency: every change of them, the oldest first, read last ``as_of``."""

    region: str
    currency: str
    as_of: datetime
    changes: tuple[PriceChange, ...]


class PriceStore(Protocol):
    """Price lists. Every method may raise StoreError."""

    async def put_prices(
        self, region: str, currency: str, as_of: datetime, found: Mapping[PriceKey, Sequence[tuple[datetime, float]]]
    ) -> PriceList:
        """Note a list that was read ``as_of``: for each key what it was since when, the oldest first. The list by now.

        What changed is kept beside what was: from the moment since which it holds, but not before the list was read
        the last time. What is listed no longer has no price from ``as_of`` on.
        """
        ...

    async def prices(self, region: str, currency: str) -> PriceList | None:
        """A region's prices in a currency; None where they were never read."""
        ...
