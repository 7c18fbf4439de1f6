"""The Retail Prices API: what machines cost, for anybody who asks, filtered and in pages of a thousand.

Beside the meters that a machine is billed by, the list has what a reader has to leave out, as Azure's has:
reservations, prices for development and test, and cloud services of the same size.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from bot.sandbox.world import VmSize
from bot.sandbox.world.prices import RATES, REGIONS, low_priority, on_demand, priced, spot

from .listener import respond
from .odata import EQUALITY, Column, FilterError, Kind, compile_filter

PATH: Final = "/api/retail/prices"
_CONTENT_TYPE: Final = "application/json; charset=utf-8"
_YEAR: Final = 8760


class Item(Struct, rename="camel", frozen=True, gc=False):
    """One price, with all fields that Azure sends."""

    currency_code: str
    tier_minimum_units: float
    retail_price: float
    unit_price: float
    arm_region_name: str
    location: str
    effective_start_date: str
    meter_id: str
    meter_name: str
    product_id: str
    sku_id: str
    product_name: str
    sku_name: str
    service_name: str
    service_id: str
    service_family: str
    unit_of_measure: str
    type: str
    is_primary_meter_region: bool
    arm_sku_name: str
    reservation_term: str | UnsetType = UNSET


_TABLE: Final = {
    name: Column((attribute,), EQUALITY, Kind.TEXT)
    for name, attribute in (
        ("armRegionName", "arm_region_name"),
        ("armSkuName", "arm_sku_name"),
        ("currencyCode", "currency_code"),
        ("location", "location"),
        ("meterId", "meter_id"),
        ("meterName", "meter_name"),
        ("priceType", "type"),
        ("productId", "product_id"),
        ("productName", "product_name"),
        ("serviceFamily", "service_family"),
        ("serviceId", "service_id"),
        ("serviceName", "service_name"),
        ("skuId", "sku_id"),
        ("skuName", "sku_name"),
    )
}


class RetailPrices:
    """Answers for the whole price list, which is that of every region. ``page`` is how many prices come at once."""

    def __init__(self, page: int = 1000) -> None:
        self.page = page

    async def answer(self, request: web.Request, base: str) -> web.Response:
        """One page; ``base`` is the address that the link to the next one begins with."""
        query = request.query
        currency = query.get("currencyCode", "USD").strip("'").upper()
        if request.method != "GET" or currency not in RATES:
            return _refused()
        items = list(_items(currency))
        try:
            if "$filter" in query:
                items = compile_filter(query["$filter"], _TABLE)(items)
            start = int(query.get("$skip", "0"))
        except (FilterError, ValueError):
            return _refused()
        shown = items[start : start + self.page]
        more = start + self.page < len(items)
        link = f"{base}{request.rel_url.update_query({'$skip': start + self.page})}" if more else None
        body: dict[str, Any] = {
            "BillingCurrency": currency,
            "CustomerEntityId": "Default",
            "CustomerEntityType": "Retail",
            "Items": shown,
            "NextPageLink": link,
            "Count": len(shown),
        }
        return respond(body, content_type=_CONTENT_TYPE)


def _refused() -> web.Response:
    error = {"Error": {"Code": "BadRequest", "Message": "Invalid OData parameters supplied"}}
    return respond(error, status=400, content_type=_CONTENT_TYPE)


@cache
def _items(currency: str) -> tuple[Item, ...]:
    """The whole list in a currency; made when it is first asked for."""
    return tuple(item for region in REGIONS for size in priced() for item in _of(size, region, currency))


def _of(size: VmSize, region: str, currency: str) -> Iterator[Item]:
    """All that a size is sold as in a region."""
    series = size.family.removeprefix("Standard").removeprefix("standard").removesuffix("Family").strip()
    product = f"Virtual Machines {series} Series"
    for windows in (False, True):
        full = f"{product} Windows" if windows else product
        paid = on_demand(size, region, windows=windows)
        yield _item(size, region, currency, full, "", paid)
        if size.low_priority_capable:
            yield _item(size, region, currency, full, " Spot", spot(size, region, windows=windows))
            yield _item(size, region, currency, full, " Low Priority", low_priority(size, region, windows=windows))
    linux = on_demand(size, region, windows=False)
    yield _item(size, region, currency, f"{product} Windows", "", linux, type_="DevTestConsumption")
    yield _item(size, region, currency, f"{product} CloudServices", "", linux * 1.4)
    yield _item(size, region, currency, product, "", linux * _YEAR * 0.6, type_="Reservation", term="1 Year")


def _item(
    size: VmSize,
    region: str,
    currency: str,
    product: str,
    market: str,
    dollars: float,
    *,
    type_: str = "Consumption",
    term: str | UnsetType = UNSET,
) -> Item:
    price = round(dollars * RATES[currency], 6)
    name = size.name.partition("_")[2].replace("_", " ") + market
    product_id = "DZH318Z0" + uuid.uuid5(uuid.NAMESPACE_OID, product).hex[:4].upper()
    sku = uuid.uuid5(uuid.NAMESPACE_OID, f"{region} {name}")
    return Item(
        currency_code=currency,
        tier_minimum_units=0.0,
        retail_price=price,
        unit_price=price,
        arm_region_name=region,
        location=REGIONS[region][0],
        effective_start_date="2025-06-01T00:00:00Z",
        meter_id=str(uuid.uuid5(sku, product)),
        meter_name=name,
        product_id=product_id,
        sku_id=f"{product_id}/{sku.hex[:4].upper()}",
        product_name=product,
        sku_name=name,
        service_name="Virtual Machines",
        service_id="DZH313Z7MMC8",
        service_family="Compute",
        unit_of_measure="1 Hour",
        type=type_,
        is_primary_meter_region=True,
        arm_sku_name=size.name,
        reservation_term=term,
    )
