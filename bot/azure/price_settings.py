"""The section ``prices`` of the settings file: what somebody pays, where it is not Azure's list price."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=100)]
Amount = Annotated[float, Meta(ge=0)]


class SheetPrice(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One price of an own price sheet: what a node of a VM size costs an hour."""

    size: str
    hourly: Amount
    windows: bool = False
    spot: bool = False


class Reservation(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Nodes that a reservation or a savings plan covers, and what each of them costs an hour, spread over its term.

    Without ``since`` and ``until`` (the first day after it) it holds always.
    """

    size: str
    nodes: Annotated[int, Meta(ge=1)]
    hourly: Amount
    since: date | None = None
    until: date | None = None


class PriceSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """What is paid for nodes, where it is not Azure's list price."""

    discount_percent: Share = 0.0
    """Percent off every list price, such as an Enterprise Agreement's; prices of the own sheet are as they stand."""
    currency: str = ""
    """Currency of the sheet and the reservations; empty for that of ``bot.currency``."""
    sheet: list[SheetPrice] = []
    """Own prices, each a table [[prices.sheet]] with size, hourly, and windows or spot where they are true."""
    reservations: list[Reservation] = []
    """Reserved nodes, each a table [[prices.reservations]] with size, nodes, hourly, and since and until (days)."""

    def mistakes(self) -> Iterator[str]:
        """What types cannot say, a line each."""
        if self.currency and not re.fullmatch(r"[A-Z]{3}", self.currency):
            yield f"prices.currency: {self.currency!r} is not a currency: write its three letters, such as USD or EUR"
        seen: set[tuple[str, bool, bool]] = set()
        for number, price in enumerate(self.sheet, 1):
            yield from _size_mistakes(f"prices.sheet {number}", price.size)
            key = (price.size.lower(), price.windows, price.spot)
            if key in seen:
                yield f"prices.sheet {number}: {price.size} is priced twice: leave one out"
            seen.add(key)
        for number, each in enumerate(self.reservations, 1):
            yield from _size_mistakes(f"prices.reservations {number}", each.size)
            if each.since and each.until and each.until <= each.since:
                yield f"prices.reservations {number}: until must be after since ({each.since})"

    def own(self) -> Mapping[tuple[str, bool, bool], float]:
        """The sheet: by size in lower case, whether with Windows, whether spot."""
        return {(each.size.lower(), each.windows, each.spot): each.hourly for each in self.sheet}


def _size_mistakes(where: str, size: str) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z]+_[A-Za-z0-9_-]+", size):
        yield f"{where}: {size!r} is not a VM size: write it like Standard_D4s_v5"
