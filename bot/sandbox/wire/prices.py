"""The Retail Prices API: what machines cost, for anybody who asks, filtered and in pages of a thousand.

Beside the meters that a machine is billed by, the list has what a reader has to leave out, as Azure's has:
reservations, prices for development and test, cloud services of the same size, prices of the past and of days to come,
meters of another region of billing, and rows that are there twice. Some sizes are missing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, get_args
from zlib import crc32

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, structs

from bot.sandbox.world import VmSize
from bot.sandbox.world.prices import (
    LONG_AGO,
    MARKETS,
    RATES,
    REGIONS,
    Market,
    PriceBook,
    meter_id,
    on_demand,
    priced,
    series_of,
)

from .listener import respond
from .odata import EQUALITY, Column, FilterError, Kind, compile_filter

PATH: Final = "/api/retail/prices"
_CONTENT_TYPE: Final = "application/json; charset=utf-8"
_YEAR: Final = 8760
_PREVIEW: Final = "2023-01-01-preview"
"""The api-version with savings plans, in which filters mind the case of values; others have neither."""
_PLANS: Final = (("1 Year", 0.72), ("3 Years", 0.52))


class SavingsPlan(Struct, rename="camel", frozen=True, gc=False):
    """What a machine costs an hour for whoever promised to spend so much for years."""

    unit_price: float
    retail_price: float
    term: str


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
    savings_plan: list[SavingsPlan] | UnsetType = UNSET


_COLUMNS: Final = {
    "armRegionName": "arm_region_name",
    "armSkuName": "arm_sku_name",
    "currencyCode": "currency_code",
    "location": "location",
    "meterId": "meter_id",
    "meterName": "meter_name",
    "priceType": "type",
    "productId": "product_id",
    "productName": "product_name",
    "serviceFamily": "service_family",
    "serviceId": "service_id",
    "serviceName": "service_name",
    "skuId": "sku_id",
    "skuName": "sku_name",
}
_TABLES: Final = {
    exact: {name: Column((attribute,), EQUALITY, Kind.TEXT, exact=exact) for name, attribute in _COLUMNS.items()}
    for exact in (False, True)
}


class RetailPrices:
    """Answers for the whole price list, which is that of every region. ``page`` is how many prices come at once."""

    def __init__(self, book: PriceBook, page: int = 1000) -> None:
        self._book = book
        self.page = page

    async def answer(self, request: web.Request, base: str) -> web.Response:
        """One page; ``base`` is the address that the link to the next one begins with."""
        query = request.query
        currency = query.get("currencyCode", "USD").strip("'").upper()
        preview = query.get("api-version", "").strip("'") == _PREVIEW
        if request.method != "GET" or currency not in RATES:
            return _refused()
        items = list(_all(self._book, currency))
        if query.get("meterRegion", "").strip("'") == "primary":
            items = [item for item in items if item.is_primary_meter_region]
        try:
            if "$filter" in query:
                items = compile_filter(query["$filter"], _TABLES[preview])(items)
            start = int(query.get("$skip", "0"))
        except (FilterError, ValueError):
            return _refused()
        shown = items[start : start + self.page]
        if not preview:
            shown = [structs.replace(item, savings_plan=UNSET) for item in shown]
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


@lru_cache(maxsize=len(RATES))
def _all(book: PriceBook, currency: str) -> tuple[Item, ...]:
    """The whole list in a currency; made when it is first asked for, the same in every world of the same prices."""
    return tuple(item for region in REGIONS for size in priced() for item in _of(book, size, region, currency))


def _of(book: PriceBook, size: VmSize, region: str, currency: str) -> Iterator[Item]:
    """All that a size is sold as in a region."""
    mark = crc32(size.name.encode())
    for windows in (False, True):
        product = f"Virtual Machines {series_of(size, windows=windows)}"
        for market in get_args(Market):
            if market != "on demand" and not size.low_priority_capable:
                continue
            for item in _meter(book, size, region, currency, product, market, windows):
                yield item
                if mark % 3 == 0:  # billed in another region: what it costs there is not what it costs here
                    dearer = round(item.retail_price * 1.08, 6)
                    yield structs.replace(
                        item,
                        is_primary_meter_region=False,
                        retail_price=dearer,
                        unit_price=dearer,
                        meter_id=str(uuid.uuid5(uuid.UUID(item.meter_id), "elsewhere")),
                    )
                if mark % 5 == 0:
                    yield structs.replace(item, sku_id=f"{item.sku_id[:-1]}X")
    linux = on_demand(size, region, windows=False)
    plain, windows_product = (f"Virtual Machines {series_of(size, windows=each)}" for each in (False, True))
    cloud = "Cloud Services" if mark % 2 else "CloudServices"
    yield _item(size, region, currency, windows_product, "", linux, type_="DevTestConsumption")
    yield _item(size, region, currency, f"{plain} {cloud}", "", linux * 1.4)
    yield _item(size, region, currency, plain, "", linux * _YEAR * 0.6, type_="Reservation", term="1 Year")


def _meter(
    book: PriceBook, size: VmSize, region: str, currency: str, product: str, market: Market, windows: bool
) -> Iterator[Item]:
    """One meter: a row for each price that it had, has and will have."""
    for since, dollars in book.versions(size, region, market, windows=windows):
        item = _item(size, region, currency, product, MARKETS[market], dollars, since=since)
        if market == "on demand":
            plans = [
                SavingsPlan(round(item.retail_price * share, 6), round(item.retail_price * share, 6), term)
                for term, share in _PLANS
            ]
            item = structs.replace(item, savings_plan=plans)
        yield item


def _refused() -> web.Response:
    error = {"Error": {"Code": "BadRequest", "Message": "Invalid OData parameters supplied"}}
    return respond(error, status=400, content_type=_CONTENT_TYPE)


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
    since: datetime = LONG_AGO,
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
        effective_start_date=f"{since:%Y-%m-%dT%H:%M:%SZ}",
        meter_id=meter_id(region, name, product),
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
