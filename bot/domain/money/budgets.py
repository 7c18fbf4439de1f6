"""How a budget's month stands: what is spent of it, at what rate, and when it will be over.

A budget is of an account, of its pools that fit a pattern, or of those with a tag; it is for a calendar month of UTC
days, as Azure bills them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.entity import fold
from bot.domain.money.forecast import Forecast, month_end
from bot.domain.money.ledger import LedgerRow, by_day
from bot.domain.money.spend import NOTHING
from bot.domain.tag import Tag

NEAR = 0.8
"""The share of a budget that is worth a word."""

Level: TypeAlias = Literal["", "near", "will be over", "over"]


class Budget(Struct, frozen=True):
    """``amount`` a month for an account: all of it, or of ``pools`` (a pattern), or of ``tag`` (``key=value``)."""

    name: str
    account: str
    amount: float
    pools: str = ""
    tag: str = ""

    @property
    def what(self) -> str:
        """What it is for, in words: ``account render``, ``pools gpu-*``, ``tag team=render``."""
        return f"pools {self.pools}" if self.pools else f"tag {self.tag}" if self.tag else f"account {self.account}"

    def covers(self, row: LedgerRow) -> bool:
        """Whether what a row says is paid from it."""
        if self.pools:
            return fnmatchcase(fold(row.pool), fold(self.pools))
        if self.tag:
            return (tag := Tag.read(self.tag)) is not None and tag.on(row.tags)
        return True


class BudgetState(Struct, frozen=True):
    """How a budget's month stands. Money is in ``currency``, that of the account's prices.

    ``spent`` is what the month's whole days cost, and today as far as it has come. ``over_on`` is the day on which it
    will be over by the forecast, None where it will not be or that cannot be said. ``reached`` is the day on which its
    level was reached. ``unpriced`` are core-hours without a price, which are in no figure.
    """

    budget: Budget
    currency: str
    spent: float
    month: Forecast
    over_on: date | None
    level: Level
    reached: date
    unpriced: float = 0.0

    @property
    def share(self) -> float:
        """What is spent of it."""
        return self.spent / self.budget.amount


def state_of(
    budget: Budget,
    rows: Iterable[LedgerRow],
    currency: str,
    today: date,
    days: Iterable[date],
    *,
    changed: str = "",
    filling: Iterable[date] = (),
) -> BudgetState:
    """How a budget stands on ``today``.

    ``rows`` are an account's, by day; ``days`` are the days of which anything was seen, today among them where it was:
    a day without a row of the budget's cost nothing. ``filling`` are those
    of them whose cost is not final. ``changed`` is for :func:`bot.domain.money.forecast.month_end`.
    """
    covered = by_day(row for row in rows if budget.covers(row))
    costs = {day: covered.get(day, NOTHING).cost.total for day in days}
    so_far = costs.pop(today, 0.0)
    growing = {day: costs.pop(day) for day in filling if day in costs}
    month = month_end(costs, today, changed=changed, filling=growing)
    spent = (month.so_far or 0.0) + so_far
    over_on = None if spent > budget.amount else month.crosses(budget.amount)
    level: Level = "over" if spent > budget.amount else "will be over" if over_on else ""
    if not level and spent >= NEAR * budget.amount:
        level = "near"
    unpriced = sum(
        spend.unpriced for day, spend in covered.items() if (day.year, day.month) == (today.year, today.month)
    )
    limit = budget.amount if level == "over" else NEAR * budget.amount
    reached = today if level == "will be over" else _reached({**costs, today: so_far}, today, limit)
    return BudgetState(budget, currency, spent, month, over_on, level, reached, unpriced)


def _reached(costs: dict[date, float], today: date, limit: float) -> date:
    """The day of the month on which its costs came to a limit; today where they did not."""
    so_far, day = 0.0, today.replace(day=1)
    while day <= today:
        so_far += costs.get(day, 0.0)
        if so_far >= limit:
            return day
        day += timedelta(days=1)
    return today
