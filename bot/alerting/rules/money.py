"""Money in words: what nodes cost an hour, and what that came to so far."""

from __future__ import annotations

from bot.domain.price import HourlyCost
from cards.formatting import money


def hourly(cost: HourlyCost | None) -> str:
    """``$3.40/h``; empty where the price is unknown."""
    return f"{money(cost.amount, cost.currency)}/h" if cost else ""


def so_far(cost: HourlyCost | None, seconds: float) -> str:
    """``about $6.80 so far`` for $3.40 an hour and two hours; empty below one hour and where the price is unknown.

    Whole hours only, so that the words change once an hour and fit the span that is shown beside them.
    """
    hours = int(seconds // 3600)
    if cost is None or hours < 1:
        return ""
    spent = cost.over(hours)
    return f"about {money(spent.amount, spent.currency)} so far"
