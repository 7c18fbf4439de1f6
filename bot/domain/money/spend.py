"""Core-hours and their money, by what the cores did: for a pool, an account, a job, or any sum of them.

Definitions, so that figures agree everywhere: a node costs its rate from the moment it is allocated to its removal,
whatever it does. Of that, *busy* is the share of its task slots that tasks took; the rest is *idle*, by reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import add

from msgspec import Struct

from bot.domain.money.rates import Rates
from storage.port.core_use import NO_USE, CoreUse


class Spend(Struct, frozen=True):
    """Core-hours and money of something over a window.

    ``hours`` and ``spot_hours`` are core-hours of dedicated and spot nodes, ``money`` and ``spot_money`` what they cost
    in ``currency``. ``unpriced`` are core-hours without a known price, which are in ``hours`` and in no money.
    ``if_dedicated`` is what the priced spot core-hours would have cost as dedicated ones, None where unknown.
    """

    currency: str = ""
    hours: CoreUse = NO_USE
    spot_hours: CoreUse = NO_USE
    money: CoreUse = NO_USE
    spot_money: CoreUse = NO_USE
    unpriced: float = 0.0
    if_dedicated: float | None = 0.0

    @property
    def core_hours(self) -> CoreUse:
        """Of both kinds of nodes."""
        return self.hours + self.spot_hours

    @property
    def cost(self) -> CoreUse:
        """Money of both kinds of nodes."""
        return self.money + self.spot_money

    @property
    def priced(self) -> float | None:
        """The share of the core-hours that has a price; None where there are none."""
        total = self.core_hours.total
        return 1 - self.unpriced / total if total else None

    @property
    def spot_saved(self) -> float | None:
        """What spot nodes cost less than dedicated ones would have; None where that is unknown."""
        return None if self.if_dedicated is None else self.if_dedicated - self.spot_money.total

    def __add__(self, other: Spend) -> Spend:
        """Both together. Raises ValueError for two currencies, which are never added."""
        if self.currency and other.currency and self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        both = (self.if_dedicated, other.if_dedicated)
        return Spend(
            self.currency or other.currency,
            self.hours + other.hours,
            self.spot_hours + other.spot_hours,
            self.money + other.money,
            self.spot_money + other.spot_money,
            self.unpriced + other.unpriced,
            None if both[0] is None or both[1] is None else both[0] + both[1],
        )


NOTHING = Spend()


def total(spends: Iterable[Spend]) -> Spend:
    """All of them together. Raises ValueError for two currencies."""
    return reduce(add, spends, NOTHING)


def of_cores(
    rates: Rates, vm_size: str, cores: int, *, windows: bool, at: datetime, dedicated: CoreUse, spot: CoreUse
) -> Spend:
    """What core-seconds of one VM size come to, by the rates of ``at``. ``cores`` is what a node of the size has."""
    if not dedicated.total and not spot.total:  # most pools of most accounts, most of the time
        return Spend(rates.currency)
    hours, spot_hours = dedicated * (1 / 3600), spot * (1 / 3600)
    rate = rates.hourly(vm_size, windows=windows, spot=False, at=at)
    spot_rate = rates.hourly(vm_size, windows=windows, spot=True, at=at)
    known = cores > 0
    money = hours * (rate.amount / cores) if rate and known else NO_USE
    spot_money = spot_hours * (spot_rate.amount / cores) if spot_rate and known else NO_USE
    unpriced = (0.0 if rate and known else hours.total) + (0.0 if spot_rate and known else spot_hours.total)
    if not spot_hours.total or not (spot_rate and known):
        saved_of: float | None = 0.0 if not spot_hours.total else None
    else:
        saved_of = spot_hours.total * rate.amount / cores if rate else None
    return Spend(rates.currency, hours, spot_hours, money, spot_money, unpriced, saved_of)
