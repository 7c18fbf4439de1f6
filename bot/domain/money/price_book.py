"""The rates of an account at any time: list prices as they changed, own sheet and discount."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.azure.models.price import Prices
from bot.domain.money.rates import Rate


class PriceBook(Struct, frozen=True):
    """List prices of a region at any time; implements :class:`bot.domain.money.rates.Rates`."""

    prices: Prices

    @property
    def currency(self) -> str:
        """The currency of every rate; empty where none is known."""
        return self.prices.currency if self.prices else ""

    @property
    def as_of(self) -> datetime | None:
        """When the list was read; None where none is known."""
        return self.prices.as_of if self.prices else None

    @property
    def source(self) -> str:
        """Where rates come from, in words: ``list prices``, ``own price sheet``, ``list prices less 12 %``."""
        return self.prices.sources if self.prices else ""

    def hourly(self, vm_size: str, *, windows: bool, spot: bool, at: datetime) -> Rate | None:
        """What a node of a size (in any case) cost an hour at a time; None where that is unknown.

        Before the first price that is known it is that one: the list has none of the past.
        """
        price = self.prices.hourly(vm_size, windows=windows, spot=spot, at=at)
        return Rate(price.amount, price.currency, price.source, price.as_of) if price else None

    def changes(self, since: datetime, until: datetime) -> list[datetime]:
        """When prices changed in a window."""
        return self.prices.changes(since, until)
