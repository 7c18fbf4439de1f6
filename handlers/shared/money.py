"""Money on cards: parts that add up, and changes in words."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.money.shares import rounded_parts
from cards.formatting import decimals, money, number

_WHOLE_FROM = 100
_NOTHING = 0.005


def digits_of(total: float, currency: str) -> int:
    """How many decimals money of this size is shown with: none from 100 on."""
    return 0 if abs(total) >= _WHOLE_FROM else decimals(currency)


def parts(values: Sequence[float], currency: str) -> tuple[list[str], str]:
    """Parts and their total as they are shown, with the same decimals, so that what is shown adds up."""
    digits = digits_of(sum(values), currency)
    rounded = rounded_parts(values, digits)
    total = sum(rounded, start=rounded[0] * 0) if rounded else 0.0
    return [money(each, currency, digits) for each in rounded], money(total, currency, digits)


def change(now: float, before: float) -> str:
    """``+12 %``, ``−3 %``, ``as before``, ``new``, ``gone``: how an amount stands to what it was before."""
    if abs(before) < _NOTHING:
        return "new" if abs(now) >= _NOTHING else ""
    if abs(now) < _NOTHING:
        return "gone"
    share = round((now - before) / abs(before) * 100)
    if not share:
        return "as before"
    return f"{'+' if share > 0 else '−'}{number(abs(share))} %"
