"""What has been spent so far, from a price per hour in words."""

from __future__ import annotations

import re

_HOURLY = re.compile(r"(?P<before>[^\d.,]{0,5})(?P<amount>\d[\d,]*(?:\.\d+)?)(?P<after>[^\d/]{0,5})/h")


def so_far(hourly: str, seconds: float) -> str:
    """``about $6.80 so far`` for ``$3.40/h`` and two hours; empty below one hour and for a price that is not exact.

    Whole hours only, so that the words change once an hour and fit the span that is told beside them.
    """
    found = _HOURLY.fullmatch(hourly)
    hours = int(seconds // 3600)
    if found is None or hours < 1:
        return ""
    amount = float(found["amount"].replace(",", "")) * hours
    figure = f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}"
    return f"about {found['before']}{figure}{found['after']} so far"
