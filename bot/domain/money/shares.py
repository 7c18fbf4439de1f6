"""Numbers that are shown, so that they add up: the parts that are shown sum to the total that is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from cards.formatting import decimals, money

_WHOLE_FROM = 100
_TINY = 0.1


def rounded_parts(values: Sequence[float], digits: int) -> list[Decimal]:
    """Values rounded to ``digits`` decimals so that they sum to their rounded sum, by the largest remainder.

    No value moves by a whole unit of the last digit or more. ``digits`` is 2 for dollars, 0 for yen.
    """
    unit = Decimal(1).scaleb(-digits)
    exact = [Decimal(repr(value)) for value in values]
    floors = [(value / unit).to_integral_value(rounding="ROUND_FLOOR") for value in exact]
    whole = (sum(exact, Decimal(0)) / unit).to_integral_value(rounding=ROUND_HALF_UP)
    missing = int(whole - sum(floors, Decimal(0)))
    by_remainder = sorted(range(len(exact)), key=lambda index: exact[index] / unit - floors[index], reverse=True)
    for index in by_remainder[:missing]:
        floors[index] += 1
    return [value * unit for value in floors]


def digits_of(total: float, currency: str) -> int:
    """The decimals of parts and their total: none from 100 on, those of the currency, more of very small totals."""
    size = abs(total)
    if size >= _WHOLE_FROM:
        return 0
    return decimals(currency) + (min(4, -math.floor(math.log10(size))) if 0 < size < _TINY else 0)


def parts(values: Sequence[float], currency: str) -> tuple[list[str], str]:
    """Parts and their total as they are shown, with the same decimals, so that what is shown adds up.

    Whole units only where each part rounded by itself adds up: else the smallest unit, so that no part is moved by a
    whole dollar for the sake of the sum.
    """
    digits = digits_of(sum(values), currency)
    return _shown(values, currency, digits if _adds_up(values, digits) else max(digits, decimals(currency)))[:2]


def parts_beside(values: Sequence[float], currency: str) -> tuple[list[str], str, str]:
    """The same, and what all but the first part come to: one more figure that has to add up."""
    digits = digits_of(sum(values), currency)
    fits = _adds_up(values, digits) and _adds_up(values[1:], digits)
    return _shown(values, currency, digits if fits else max(digits, decimals(currency)))


def _adds_up(values: Sequence[float], digits: int) -> bool:
    alone = [rounded_parts([value], digits)[0] for value in values]
    return sum(alone, Decimal(0)) == rounded_parts([sum(values)], digits)[0]


def _shown(values: Sequence[float], currency: str, digits: int) -> tuple[list[str], str, str]:
    """The parts, their sum, and the sum of all but the first."""
    rounded = rounded_parts(values, digits)
    whole, rest = (money(sum(some, Decimal(0)), currency, digits) for some in (rounded, rounded[1:]))
    return [money(each, currency, digits) for each in rounded], whole, rest


def share_of(part: float, whole: float) -> str:
    """``38 %``: rounded to the nearest, as parts that sum to 100 are; a dash of nothing."""
    return f"{rounded_parts([100 * part / whole], 0)[0]} %" if whole else "–"
