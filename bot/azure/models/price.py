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
    the machine can be taken back. ``type`` is Consumption, DevTestConsumption or Reservation.
    """

    currency_code: str = ""
    tier_minimum_units: float = 0.0
    retail_price: float = 0.0
    arm_region_name: str = ""
    arm_sku_name: str | None = None
    product_name: str = ""
    sku_name: str = ""
    unit_of_measure: str = ""
    type: str = ""
    is_primary_meter_region: bool = True
    effective_start_date: datetime | None = None


class PriceListing(Wire):
    """A page of prices; no link on the last one."""

    items: tuple[PriceItem, ...] = field(name="Items", default=())
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

    ``amounts`` are per node and hour in ``currency``, ``as_of`` is the service's time when they were read.
    """

    amounts: Mapping[Key, float] = MappingProxyType({})
    currency: str = ""
    as_of: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __bool__(self) -> bool:
        return bool(self.amounts)

    def hourly(self, size: str, *, windows: bool, spot: bool) -> Price | None:
        """The price of a node of a VM size (in any case); None where the region's list has none."""
        meters: tuple[Meter, ...] = ("spot", "low priority") if spot else ("on demand",)
        for meter in meters:
            amount = self.amounts.get((size.lower(), windows, meter))
            if amount is not None:
                return Price(amount, self.currency, self.as_of, meter)
        return None


NO_PRICES = Prices()
