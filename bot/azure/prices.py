"""What machines cost: Azure's public list prices of a region, read once a day.

The Retail Prices API wants no identity and has no SDK client of its own, so azure-core's pipeline is used as it is,
with the policies of :mod:`bot.azure.pipeline`. A region has some thousand prices in pages of a thousand, which take
many seconds: nobody waits for that longer than a moment, a card goes without prices instead, and the next one has them.

See https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
import structlog
from azure.core import AsyncPipelineClient
from azure.core.pipeline.policies import UserAgentPolicy

from bot.azure.errors import AzureError
from bot.azure.models.price import NO_PRICES, Key, Meter, PriceItem, PriceListing, Prices
from bot.azure.pipeline import Clock, pipeline
from bot.azure.plane import Plane

log = structlog.get_logger()

FRESH = 86_400.0
"""Seconds after which prices are read again."""
ASK_AGAIN = 600.0
"""Seconds until a region is asked for again that could not be read."""
PATIENCE = 3.0
"""Seconds that a card waits for prices which were never read."""
_PAGES = 50  # a region has under ten: a list that does not end is not followed for ever


class Choice:
    """Picks the price of each machine by the hour out of a region's list, page by page.

    A meter may be listed for several regions of billing, and with prices of the past and of days to come: the region's
    own counts, then the latest that holds. Cloud services and dedicated hosts are sold under the same sizes, and left
    out; so are meters without a price.
    """

    def __init__(self) -> None:
        self.currency = ""
        self._best: dict[Key, tuple[tuple[bool, datetime], float]] = {}

    def add(self, items: Iterable[PriceItem], now: datetime) -> None:
        """Take in some more prices; the first one's currency is the list's."""
        for item in items:
            self.currency = self.currency or item.currency_code
            begins = item.effective_start_date or _LONG_AGO
            product = item.product_name.lower().replace(" ", "")
            size = (item.arm_sku_name or "").lower()
            if not size or begins > now or not _of_a_machine(item, product) or item.currency_code != self.currency:
                continue
            key = (size, product.endswith("windows"), _meter(item.sku_name))
            rank = (item.is_primary_meter_region, begins)
            if key not in self._best or rank > self._best[key][0]:
                self._best[key] = rank, item.retail_price

    def prices(self, at: datetime) -> Prices:
        """What was picked."""
        return Prices({key: amount for key, (_, amount) in self._best.items()}, self.currency, at)


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
    """What is known of a region's prices, and what is under way."""

    def __init__(self) -> None:
        self.prices = NO_PRICES
        self.due = 0.0
        self.reading: asyncio.Task[None] | None = None


class Retail:
    """The public price list, a region at a time; shared by all accounts. Close it in the end."""

    def __init__(
        self,
        url: str,
        currency: str = "USD",
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``url`` is the API's address; an empty one switches prices off. ``clock`` is seconds that only grow."""
        self._url = url
        self._currency = currency
        self._patience = patience
        self._monotonic = clock
        self._regions: dict[str, _Region] = {}
        self._decoder = msgspec.json.Decoder(PriceListing)
        self._plane: Plane | None = None

    async def region(self, name: str) -> Prices:
        """The prices of a region by its short or long name; without any while they are unknown. Never raises.

        They are a day old at most, and older while reading fails.
        """
        name = name.replace(" ", "").lower()
        if not (self._url and name):
            return NO_PRICES
        region = self._regions.setdefault(name, _Region())
        if region.reading is None and self._monotonic() >= region.due:
            region.reading = asyncio.create_task(self._refresh(name, region), name=f"prices {name}")
        if region.reading is not None and not region.prices:
            await asyncio.wait([region.reading], timeout=self._patience)
        return region.prices

    async def _refresh(self, name: str, region: _Region) -> None:
        try:
            region.prices = await self.read(name)
            region.due = self._monotonic() + FRESH
        except AzureError as error:
            region.due = self._monotonic() + ASK_AGAIN
            log.warning("prices.refused", region=name, code=error.code, status=error.status, message=error.message)
        except Exception:
            region.due = self._monotonic() + ASK_AGAIN
            log.exception("prices.failed", region=name)
        finally:
            region.reading = None

    async def read(self, name: str) -> Prices:
        """Ask for the prices of a region now, page by page. Raises AzureError."""
        plane = self._plane = self._plane or self._connect()
        filters = f"serviceName eq 'Virtual Machines' and armRegionName eq '{name}' and priceType eq 'Consumption'"
        url: str | None = f"{self._url}?currencyCode={quote(_quoted(self._currency))}&$filter={quote(filters)}"
        choice = Choice()
        at: datetime | None = None
        for _ in range(_PAGES):
            if url is None:
                break
            answer = await plane.get(url)
            page = await plane.decoded(self._decoder, answer)
            at = at or answer.at
            choice.add(page.items, at)
            url = plane.own(page.next_page_link) if page.next_page_link else None
        return choice.prices(at or datetime.now(UTC))

    def _connect(self) -> Plane:
        clock = Clock()
        parts = pipeline(self._url, clock)
        ours = [UserAgentPolicy("batchbot"), parts.pop("redirect_policy"), parts.pop("retry_policy")]
        parts |= {"policies": ours, "per_call_policies": []}  # no token that would have to be let through
        return Plane(AsyncPipelineClient(self._url, **parts), self._url, "", clock)

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
