"""Azure's published prices: as the Retail Prices API sends them, and a region's as the bot reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from bot.azure.models.base import Wire


class PriceItem(Wire):
    """One meter's price: in ``currency_code`` for one ``unit_of_measure`` (machines: ``1 Hour``).

    ``product_name`` ends in " Windows" where the licence is included, ``sku_name`` in " Spot" or " Low Priority" where
    the machine can be taken back. ``type`` is Consumption, DevTestConsumption or Reservation. A price and what it is
    for must be told: a row without them is no row of a list of prices.
    """

    retail_price: float
    currency_code: str
    unit_of_measure: str
    type: str
    product_name: str
    sku_name: str
    tier_minimum_units: float = 0.0
    arm_region_name: str = ""
    arm_sku_name: str | None = None
    is_primary_meter_region: bool = True
    effective_start_date: datetime | None = None
    effective_end_date: datetime | None = None


class PriceListing(Wire):
    """A page of prices; no link on the last one."""

    items: tuple[PriceItem, ...] = field(name="Items")
    next_page_link: str | None = field(name="NextPageLink", default=None)


Meter = Literal["on demand", "spot", "low priority"]
"""What is paid for: a machine that stays, one of the spot market, one of Batch's own older low-priority kind."""
Key = tuple[str, bool, Meter]
"""VM size in lower case, whether Windows is paid for, the meter."""


class Price(Struct, frozen=True):
    """What one node costs an hour at list price: ``amount`` of ``currency`` (ISO 4217), as published at ``as_of``.

    ``meter`` says which price that is: for a spot node the one of the spot market or, without one, Batch's own for
    low-priority nodes.
    """

    amount: float
    currency: str
    as_of: datetime
    meter: Meter
    source: str = "list price"


class Prices(Struct, frozen=True):
    """The list prices of a region; without any where they are unknown, and then false.

    ``amounts`` are per node and hour in ``currency``, ``as_of`` is the service's time when they were read. ``past`` has
    what each price was, from when on, the oldest first (None: it had none), where it was another than now. ``sheet``
    are own prices (by size, Windows, spot), which stand above the list, and ``discount`` is percent off the list.
    """

    amounts: Mapping[Key, float] = MappingProxyType({})
    currency: str = ""
    as_of: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    past: Mapping[Key, tuple[tuple[datetime, float | None], ...]] = MappingProxyType({})
    sheet: Mapping[tuple[str, bool, bool], float] = MappingProxyType({})
    discount: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.amounts or self.sheet)

    @property
    def source(self) -> str:
        """What a price of the list is called: ``list price``, ``list price less 12 %``."""
        return f"list price less {self.discount:g} %" if self.discount else "list price"

    @property
    def sources(self) -> str:
        """Where prices come from, in words: ``list prices``, ``own prices``, or both."""
        listed = f"list prices less {self.discount:g} %" if self.discount else "list prices"
        return " and ".join(filter(None, ["own prices" if self.sheet else "", listed if self.amounts else ""]))

    def hourly(self, size: str, *, windows: bool, spot: bool, at: datetime | None = None) -> Price | None:
        """The price of a node of a VM size (in any case), now or at a time; None where it is unknown."""
        own = self.sheet.get((size.lower(), windows, spot))
        if own is not None:
            return Price(own, self.currency, self.as_of, "spot" if spot else "on demand", "own price")
        meters: tuple[Meter, ...] = ("spot", "low priority") if spot else ("on demand",)
        for meter in meters:
            amount = self._listed((size.lower(), windows, meter), at)
            if amount is not None:
                off = 1 - self.discount / 100
                return Price(amount * off, self.currency, self.as_of, meter, self.source)
        return None

    def changes(self, since: datetime, until: datetime) -> list[datetime]:
        """When prices of the list changed in a window, both ends left out."""
        found = {begins for each in self.past.values() for begins, _ in each[1:] if since < begins < until}
        return sorted(found)

    def _listed(self, key: Key, at: datetime | None) -> float | None:
        past = self.past.get(key)
        if at is None or not past:
            return self.amounts.get(key)
        return next((amount for begins, amount in reversed(past) if begins <= at), past[0][1])


NO_PRICES = Prices()
