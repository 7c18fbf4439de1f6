"""What machines cost: Azure's public list prices of a region, read once a day.

The Retail Prices API wants no identity and has no SDK client of its own, so azure-core's pipeline is used as it is,
with the policies of :mod:`bot.azure.pipeline`. A region has some thousand prices in pages of a thousand, which take
many seconds: nobody waits for that longer than a moment, a card goes without prices instead, and the next one has them.

See https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import get_args
from urllib.parse import quote

import structlog
from azure.core import AsyncPipelineClient
from azure.core.pipeline.policies import UserAgentPolicy
from msgspec.structs import replace

from bot.azure.clock import Clock
from bot.azure.errors import AzureError
from bot.azure.models.price import NO_PRICES, Key, Meter, PriceItem, PriceListing, Prices
from bot.azure.pipeline import pipeline
from bot.azure.plane import Plane
from bot.azure.price_settings import PriceSettings
from storage.port.errors import StoreError
from storage.port.prices import PriceKey, PriceList, PriceStore

log = structlog.get_logger()

FRESH = 86_400.0
"""Seconds after which prices are read again."""
ASK_AGAIN = 600.0
"""Seconds until a region is asked for again that could not be read."""
LAST_GOOD = timedelta(days=30)
"""How long a list is good while newer ones cannot be read."""
PATIENCE = 3.0
"""Seconds that a card waits for prices which were never read."""
_PAGES = 50  # a region has under ten: a list that does not end is not followed for ever


class Choice:
    """Picks the price of each machine by the hour out of a region's list, page by page.

    A meter may be listed for several regions of billing, and with prices of the past and of days to come: the region's
    own counts, then the latest that holds; those of the past are what it cost before. Cloud services and dedicated
    hosts are sold under the same sizes, and left out; so are meters without a price, and prices for development and
    test. Where more than one is left and they disagree, the price is unknown.
    """

    def __init__(self) -> None:
        self.currency = ""
        self._listed: dict[Key, dict[datetime, tuple[bool, float | None]]] = {}

    def add(self, items: Iterable[PriceItem], now: datetime) -> None:
        """Take in some more prices; the first one's currency is the list's."""
        for item in items:
            self.currency = self.currency or item.currency_code
            begins = item.effective_start_date or _LONG_AGO
            product = item.product_name.lower().replace(" ", "")
            size = (item.arm_sku_name or "").lower()
            if not size or begins > now or not _of_a_machine(item, product) or item.currency_code != self.currency:
                continue
            if item.effective_end_date is not None and item.effective_end_date <= now:
                continue
            key = (size, product.endswith("windows"), _meter(item.sku_name))
            since = self._listed.setdefault(key, {})
            known = since.get(begins)
            own = item.is_primary_meter_region
            if known is None or own > known[0]:
                since[begins] = own, item.retail_price
            elif own == known[0] and item.retail_price != known[1]:
                since[begins] = own, None

    def found(self) -> dict[PriceKey, tuple[tuple[datetime, float], ...]]:
        """What was picked: since when each price held, the oldest first; the last one holds now."""
        found: dict[PriceKey, tuple[tuple[datetime, float], ...]] = {}
        for key, since in self._listed.items():
            own = any(primary for primary, _ in since.values())
            prices = sorted((begins, amount) for begins, (primary, amount) in since.items() if primary is own)
            if prices[-1][1] is not None:
                found[PriceKey(*key)] = tuple((begins, amount) for begins, amount in prices if amount is not None)
        return found

    def prices(self, at: datetime) -> Prices:
        """What was picked."""
        found = {(key.size, key.windows, _METERS[key.meter]): each for key, each in self.found().items()}
        past = {key: each for key, each in found.items() if len(each) > 1}
        return Prices({key: each[-1][1] for key, each in found.items()}, self.currency, at, past)


def kept_prices(listed: PriceList) -> Prices:
    """A list that was stored, as it stands and as it was."""
    past: dict[Key, list[tuple[datetime, float | None]]] = {}
    for change in listed.changes:
        key = (change.key.size, change.key.windows, _METERS.get(change.key.meter, "on demand"))
        past.setdefault(key, []).append((change.since, change.amount))
    amounts = {key: each[-1][1] for key, each in past.items()}
    return Prices(
        {key: amount for key, amount in amounts.items() if amount is not None},
        listed.currency,
        listed.as_of,
        {key: tuple(each) for key, each in past.items() if len(each) > 1},
    )


_METERS: Mapping[str, Meter] = {meter: meter for meter in get_args(Meter)}


def _of_a_machine(item: PriceItem, product: str) -> bool:
    return (
        item.retail_price > 0
        and item.tier_minimum_units == 0
        and item.type.lower() == "consumption"
        and item.unit_of_measure.lower() == "1 hour"
        and "cloudservices" not in product
        and "dedicatedhost" not in product
    )


def _meter(sku_name: str) -> Meter:
    sku = sku_name.lower()
    return "spot" if sku.endswith(" spot") else "low priority" if sku.endswith(" low priority") else "on demand"


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class _Region:
    """What is known of a region's prices in a currency, and what is under way."""

    def __init__(self) -> None:
        self.prices = NO_PRICES
        self.due = 0.0
        self.reading: asyncio.Task[None] | None = None
        self.recalled = False


class Retail:
    """The public price list, a region and currency at a time, and own terms; shared by all accounts. Close it at last.

    With a store, lists outlive a restart, are good for :data:`LAST_GOOD` where they cannot be read, and are remembered
    as they were before they changed.
    """

    def __init__(
        self,
        url: str,
        currency: str = "USD",
        *,
        store: PriceStore | None = None,
        terms: PriceSettings | None = None,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``url`` is the API's address; an empty one switches the list off. ``clock`` is seconds that only grow."""
        self._url = url
        self._currency = currency
        self._store = store
        self.terms = terms or PriceSettings()
        self._sheet = self.terms.own()
        self._patience = patience
        self._monotonic = clock
        self._clock = Clock()
        self._regions: dict[tuple[str, str], _Region] = {}
        self._plane: Plane | None = None

    @property
    def sheet_currency(self) -> str:
        """The currency of own prices and reservations."""
        return self.terms.currency or self._currency

    async def region(self, name: str, currency: str = "") -> Prices:
        """What is paid in a region, by its short or long name; without any while that is unknown. Never raises.

        ``currency`` is the one of the bill, where it is known; else that of the settings. List prices are a day old at
        most, and up to :data:`LAST_GOOD` while reading fails. Own prices stand above them, where they are in the same
        currency: two currencies are never mixed.
        """
        return self._with_terms(await self._listed(name, currency), currency or self._currency)

    async def _listed(self, name: str, currency: str) -> Prices:
        name, currency = name.replace(" ", "").lower(), currency or self._currency
        if not (self._url and name):
            return NO_PRICES
        region = self._regions.setdefault((name, currency), _Region())
        if region.reading is None and self._monotonic() >= region.due:
            region.reading = asyncio.create_task(self._refresh(name, currency, region), name=f"prices {name}")
        if region.reading is not None and not region.prices:
            await asyncio.wait([region.reading], timeout=self._patience)
        return region.prices if self._clock.now() - region.prices.as_of <= LAST_GOOD else NO_PRICES

    def _with_terms(self, prices: Prices, currency: str) -> Prices:
        sheet = self._sheet if self.sheet_currency == (prices.currency or currency) else {}
        if not prices and not sheet:
            return NO_PRICES
        if not prices:
            return Prices(currency=currency, as_of=self._clock.now(), sheet=sheet)
        if not sheet and not self.terms.discount_percent:
            return prices
        return replace(prices, sheet=sheet, discount=self.terms.discount_percent)

    async def _refresh(self, name: str, currency: str, region: _Region) -> None:
        try:
            if await self._recall(name, currency, region):
                age = (self._clock.now() - region.prices.as_of).total_seconds()
                if age < FRESH:
                    region.due = self._monotonic() + FRESH - max(0.0, age)
                    return
            region.prices = await self.read(name, currency)
            region.due = self._monotonic() + FRESH
        except AzureError as error:
            region.due = self._monotonic() + ASK_AGAIN
            log.warning("prices.refused", region=name, code=error.code, status=error.status, message=error.message)
        except StoreError as error:
            region.due = self._monotonic() + ASK_AGAIN
            log.error("prices.not_stored", region=name, message=str(error))  # noqa: TRY400 - it says all
        except Exception:
            region.due = self._monotonic() + ASK_AGAIN
            log.exception("prices.failed", region=name)
        finally:
            region.reading = None

    async def _recall(self, name: str, currency: str, region: _Region) -> bool:
        """Once: take what an earlier run had read; whether there was something. Raises StoreError."""
        if region.recalled or self._store is None:
            return False
        listed = await self._store.prices(name, currency)
        region.recalled = True
        if listed is not None:
            region.prices = kept_prices(listed)
        return listed is not None

    async def read(self, name: str, currency: str = "") -> Prices:
        """Ask for the list prices of a region now, page by page. Raises AzureError and StoreError."""
        plane = self._plane = self._plane or self._connect()
        filters = f"serviceName eq 'Virtual Machines' and armRegionName eq '{name}' and priceType eq 'Consumption'"
        currency = currency or self._currency
        start = f"{self._url}?currencyCode={quote(_quoted(currency))}&$filter={quote(filters)}"
        choice = Choice()
        at: datetime | None = None
        url: str | None = start
        trail = plane.trail(start, _PAGES)
        while url is not None:
            answer = await plane.get(url)
            page = await plane.decoded(PriceListing, answer, exact=True)  # half a list would pass for the whole
            at = at or answer.at
            choice.add(page.items, at)
            url = trail.on(plane.own(page.next_page_link) if page.next_page_link else None, len(page.items))
        at = at or datetime.now(UTC)
        found = choice.found()
        if not found:
            raise AzureError("NoPrices", f"the list of prices of {name} in {currency} is empty")
        if self._store is None:
            return choice.prices(at)
        if choice.currency != currency:
            raise AzureError("UnexpectedAnswer", f"prices were asked for in {currency} and came in {choice.currency}")
        return kept_prices(await self._store.put_prices(name, currency, at, found))

    def _connect(self) -> Plane:
        parts = pipeline(self._url, self._clock)
        ours = [UserAgentPolicy("batchbot"), parts.pop("redirect_policy"), parts.pop("retry_policy")]
        parts |= {"policies": ours, "per_call_policies": []}  # no token that would have to be let through
        return Plane(AsyncPipelineClient(self._url, **parts), self._url, "", self._clock)

    async def close(self) -> None:
        """Stop reading and close the connections."""
        for region in self._regions.values():
            if region.reading is not None:
                region.reading.cancel()
                await asyncio.gather(region.reading, return_exceptions=True)
        if self._plane is not None:
            await self._plane.close()
            self._plane = None


def _quoted(text: str) -> str:
    """As OData writes texts."""
    return f"'{text}'"
