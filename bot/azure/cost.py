"""Cost Management's query: what was billed for the resources of a subscription, by day and meter.

The SDK's client signs and connects; the question is a POST that changes nothing, and so is the one for the next page,
to the link and with the same body ("Query - Usage"). The SDK does not follow that, nor does it know the headers by
which the service asks to wait.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Literal
from urllib.parse import quote

import msgspec
from azure.mgmt.costmanagement.aio import CostManagementClient
from msgspec import Struct

from bot.azure.clock import Clock
from bot.azure.cost_limiter import CostLimiter, qpu
from bot.azure.credentials import CLOUDS, Credentials
from bot.azure.errors import AzureError
from bot.azure.models.cost import CostAnswer, CostTable
from bot.azure.pipeline import DEADLINE, Traffic, pipeline
from bot.azure.plane import Answer, Plane
from bot.settings import AccountSettings

VERSION = "2023-11-01"
READER = "Cost Management Reader"
"""The smallest built-in role that may ask ("Assign access to Cost Management data")."""
QueryType = Literal["ActualCost", "AmortizedCost"]
_FOUND, _NOTHING = 200, 204
"""The two answers that the service's document knows; any other one says nothing about money."""
_PAGES = 200
"""A list that does not end is not followed for ever: 5,000 rows a page."""
_BY_MOST = ("ResourceId", "Meter", "MeterCategory", "MeterSubcategory")
_BY_LEAST = ("ResourceId", "Meter")
"""What the service's document promises: two (costmanagement.json, QueryDataset.grouping)."""
_REFUSED_GROUPING = re.compile(r"up to \d+ group by clauses|invalid dataset grouping", re.IGNORECASE)
"""How the service says that it does not tell rows apart by that much; a resource group is in its other texts, too."""
_BY = ((*_BY_MOST, "UnitOfMeasure"), _BY_MOST, _BY_LEAST)
"""What rows are told apart by, tried in this order: not every agreement knows the unit, and the service takes more
than two in practice.
"""


class CostLine(Struct, frozen=True):
    """A row: money and quantity of one meter of one resource on one UTC day. Empty text is what was not told."""

    day: date
    currency: str
    amount: float
    quantity: float
    resource: str
    meter: str
    category: str = ""
    subcategory: str = ""
    unit: str = ""
    tag: str = ""


class CostManagement:
    """Asks for the costs of a subscription, with the identity that reads an account. All raise AzureError."""

    def __init__(
        self,
        settings: AccountSettings,
        credentials: Credentials,
        *,
        deadline: float = DEADLINE,
        traffic: Traffic | None = None,
    ) -> None:
        """Connect nothing yet; ``settings`` are those of an account that is not reached with its key."""
        cloud = CLOUDS[settings.cloud]
        base, self._clock = settings.arm_endpoint or cloud.arm, Clock()
        client = CostManagementClient(
            credentials.token(settings),
            base.rstrip("/"),
            credential_scopes=[cloud.arm_scope],
            **pipeline(base, self._clock, traffic=traffic),
        )
        self._plane = Plane(client, base, VERSION, self._clock, deadline, traffic=traffic)
        self._scope = f"/subscriptions/{quote(settings.subscription, safe='')}"
        self._ways: tuple[tuple[str, ...], ...] = _BY

    async def lines(
        self,
        kind: QueryType,
        first: date,
        last: date,
        where: Mapping[str, object],
        limiter: CostLimiter,
        *,
        tag: str = "",
    ) -> list[CostLine]:
        """The rows of these days, both inclusive, that ``where`` (a filter of the service's) lets through.

        With ``tag`` rows have that tag's value. Where the service holds to the two groupings that its document
        promises, categories and units are not told, nor are tags and meters at once. Raises AzureError.
        """
        while True:
            by = self._ways[0]
            try:
                return [line async for line in self._lines(kind, first, last, where, limiter, by, tag)]
            except AzureError as error:
                if error.status != 400 or by == _BY_LEAST or not _REFUSED_GROUPING.search(error.message):
                    raise
            if self._ways[0] == by:  # another question may have found out meanwhile
                self._ways = self._ways[1:]

    async def _lines(
        self,
        kind: QueryType,
        first: date,
        last: date,
        where: Mapping[str, object],
        limiter: CostLimiter,
        by: Sequence[str],
        tag: str,
    ) -> AsyncIterator[CostLine]:
        grouping = [{"type": "Dimension", "name": name} for name in by]
        if tag:
            kept = grouping if len(by) > len(_BY_LEAST) else grouping[1:]
            grouping = [*kept, {"type": "TagKey", "name": tag}]
        body = msgspec.json.encode(
            {
                "type": kind,
                "timeframe": "Custom",
                "timePeriod": {"from": f"{first}T00:00:00Z", "to": f"{last}T23:59:59Z"},
                "dataset": {
                    "granularity": "Daily",
                    "aggregation": {
                        "totalCost": {"name": "Cost", "function": "Sum"},
                        "totalQuantity": {"name": "UsageQuantity", "function": "Sum"},
                    },
                    "grouping": grouping,
                    "filter": where,
                },
            }
        )
        start = self._plane.address(f"{self._scope}/providers/Microsoft.CostManagement/query")
        url: str | None = start
        trail = self._plane.trail(start, _PAGES)  # rows that come twice are money that nobody was billed
        while url is not None:
            table = await self._ask(url, body, limiter, qpu(first, last))
            for line in read(table):
                yield line
            url = trail.on(self._plane.own(table.next_link) if table.next_link else None, len(table.rows))

    async def _ask(self, url: str, body: bytes, limiter: CostLimiter, cost: int) -> CostTable:
        await limiter.take(cost)
        try:
            # Once: the limiter decides when something is asked again, and every attempt counts.
            answer = await self._plane.send("POST", url, body)
        except AzureError as error:
            if error.throttled:
                limiter.hold(error.retry_after or 60.0)
            raise
        if answer.status == _NOTHING:
            return CostTable()
        if answer.status != _FOUND:
            raise AzureError(
                "UnexpectedAnswer", f"Cost Management answered {answer.status} to a question", status=answer.status
            )
        found = await self._plane.decoded(CostAnswer, Answer(answer.body, answer.at, answer.etag), exact=True)
        if found.properties is None or not found.properties.columns:  # that is not "no costs"
            raise AzureError("UnexpectedAnswer", "Cost Management answered without a table", status=answer.status)
        return found.properties

    def today(self) -> date:
        """The UTC day it is by the service's clock."""
        return self._clock.now().date()

    async def close(self) -> None:
        """Close the connections."""
        await self._plane.close()


def read(table: CostTable) -> list[CostLine]:
    """A page's rows by the names of its columns, whatever their order and case. Raises AzureError UnexpectedAnswer."""
    names = [column.name.lower() for column in table.columns]

    def place(*known: str) -> int | None:
        return next((names.index(name) for name in known if name in names), None)

    money, day, currency = place("cost", "pretaxcost", "totalcost"), place("usagedate", "date"), place("currency")
    if not table.rows:
        return []
    if money is None or day is None or currency is None:
        told = ", ".join(names)
        raise AzureError("UnexpectedAnswer", f"Cost Management answered other columns than asked for: {told}")
    quantity = place("usagequantity", "quantity", "totalquantity")
    texts = [
        place(*known)
        for known in (
            ("resourceid",),
            ("meter", "metername"),
            ("metercategory",),
            ("metersubcategory",),
            ("unitofmeasure",),
            ("tagvalue",),
        )
    ]
    try:
        return [
            CostLine(
                _day(row[day]),
                str(row[currency] or "").upper(),
                _number(row[money]),
                _number(row[quantity]) if quantity is not None else 0.0,
                *(str(row[each] or "") if each is not None else "" for each in texts),
            )
            for row in table.rows
        ]
    except (IndexError, ValueError, OverflowError) as error:
        raise AzureError("UnexpectedAnswer", f"Cost Management answered what is not understood: {error}") from None


def _number(value: float | str | None) -> float:
    number = float(value or 0.0)
    if not isfinite(number):
        raise ValueError(f"{value} as an amount")
    return number


def _day(value: float | str | None) -> date:
    """``20261130`` as a number, or an ISO date."""
    if isinstance(value, int | float):
        whole = int(value)
        return date(whole // 10_000, whole // 100 % 100, whole % 100)
    return date.fromisoformat(str(value)[:10])
