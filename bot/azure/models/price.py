"""Azure's published prices, as the Retail Prices API sends them."""

from __future__ import annotations

from datetime import datetime

from msgspec import field

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
