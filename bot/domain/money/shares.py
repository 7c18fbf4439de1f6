"""Numbers that are shown, so that they add up: the parts that are shown sum to the total that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal


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
