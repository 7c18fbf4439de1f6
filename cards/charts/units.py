"""Figures as they stand on a picture, by what they count, and the axis they are read against. No drawing library here.

A unit is an ISO 4217 currency, ``h`` (core-hours), ``s`` (a duration in seconds), ``%`` (a share of 1), or empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count, takewhile

from msgspec import Struct

from cards.charts.figures import cores
from cards.formatting import decimals, duration, money

_SHORT = 100_000
"""From which on money and hours are told in thousands."""
_STEPS = 4
_ROUND = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_SECONDS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200)
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)


class Axis(Struct, frozen=True):
    """From ``low`` (0, or less where there are values below it) to ``high`` in ``steps`` even steps."""

    low: float
    high: float
    steps: int

    @property
    def values(self) -> tuple[float, ...]:
        """Where labels stand, zero among them."""
        step = (self.high - self.low) / self.steps
        return tuple(round((self.low + n * step) / step) * step for n in range(self.steps + 1))


def axis(low: float, high: float, unit: str = "") -> Axis:
    """The least axis of round steps, four at most (one more with values on both sides of zero), that shows both."""
    low, high = min(0.0, low), max(0.0, high)
    if low == high:
        high = {"%": 1.0, "s": 60.0}.get(unit, 1.0)
    fitting: list[Axis] = []
    greatest = max(-low, high)
    for step in takewhile(lambda step: step <= max(10.0, 10 * greatest), _candidates(unit, greatest / (_STEPS + 1))):
        below, above = _whole(-low / step), _whole(high / step)
        if below + above <= _STEPS + bool(below and above):
            fitting.append(Axis(-below * step, above * step, below + above))
    return min(fitting, key=lambda found: (round((found.high - found.low) / greatest, 6), -found.steps))


def _whole(steps: float) -> int:
    """So many steps at least, without one more for an error of the last bit."""
    return math.ceil(steps * (1 - 1e-9))


def _candidates(unit: str, least: float) -> Iterator[float]:
    """Round steps from ``least`` on, without an end."""
    if unit == "s":
        yield from (float(step) for step in _SECONDS if step >= least)
        yield from (86400.0 * step for step in _round_numbers(max(1.0, least / 86400), whole=True))
    elif unit == "%":
        yield from (step for step in _SHARES if step >= least)
        yield from _round_numbers(max(0.5, least), whole=False)
    else:
        yield from _round_numbers(least, whole=not unit or not decimals(unit))


def _round_numbers(least: float, *, whole: bool) -> Iterator[float]:
    power = math.floor(math.log10(least)) if least > 0 else 0
    for exponent in count(max(0, power) if whole else power):
        for base in _ROUND:
            step = base * 10.0**exponent if exponent >= 0 else base / 10.0**-exponent
            if step >= least and not (whole and not step.is_integer()):
                yield step


def figure(value: float, unit: str = "", whole: bool = False) -> str:
    """A value in as few characters as tell it: ``$1,204``, ``$346 k``, ``¥120``, ``21,840 h``, ``12 min``, ``58 %``.

    ``whole`` leaves out the cents of money, except where nothing else is there.
    """
    sign, size = ("−" if value < 0 else ""), abs(value)
    if unit == "%":
        return _signed(sign, _percent(size))
    if unit == "s":
        return "0" if not size else sign + _duration(size)
    if unit == "h":
        return _signed(sign, f"{size:,.0f} h" if 10_000 <= size < _SHORT else f"{cores(size)} h")
    if not unit:
        return _signed(sign, cores(size))
    return _signed(sign, _amount(size, unit, whole))


def alike(values: Sequence[float | None], unit: str = "") -> list[str]:
    """Values that stand beside each other; None is "no data". Money has as many decimals everywhere as the greatest."""
    most = max((abs(value) for value in values if value is not None), default=0.0)
    whole = unit not in {"", "h", "s", "%"} and most >= 99.995
    return ["no data" if value is None else figure(value, unit, whole) for value in values]


def _signed(sign: str, words: str) -> str:
    """With its sign, unless rounding left nothing."""
    return sign + words if any("1" <= each <= "9" for each in words) else words


def _duration(seconds: float) -> str:
    """The two greatest units, and from ten minutes on no seconds."""
    if seconds < 1:
        return f"{seconds:.2g} s"
    return duration(timedelta(seconds=seconds if seconds < 600 else 60 * round(seconds / 60)))


def _percent(share: float) -> str:
    """Whole percents; a digit more below ten, where a whole one would be a different finding."""
    amount = share * 100
    digits = 0 if amount >= 9.95 or abs(amount - round(amount)) < 0.05 else 1
    return f"{amount:,.{digits}f} %"


def _amount(size: float, currency: str, whole: bool) -> str:
    """Money, short."""
    if size >= _SHORT - 0.5:
        return _symbol(currency) + cores(size)
    if not decimals(currency) or (whole and size >= 0.995):
        return _symbol(currency) + f"{size:,.0f}"
    return money(size, currency)


def axis_labels(found: Axis, unit: str = "") -> tuple[str, ...]:
    """What stands beside the axis at each of its values: as :func:`figure`, with as many decimals everywhere."""
    whole = unit in {"", "s", "%"} or not decimals(unit)
    values = found.values
    step, digits = values[1] - values[0], 0
    if not whole and not step.is_integer() and max(-found.low, found.high) < _SHORT:
        digits = next(
            n for n in count(1 if unit == "h" else 2) if n > 9 or abs(step * 10**n - round(step * 10**n)) < 1e-6
        )

    def label(value: float) -> str:
        if whole or abs(value) >= _SHORT:
            return figure(value, unit)
        amount = f"{abs(value):,.{digits}f}"
        return ("−" if value < 0 else "") + (f"{amount} h" if unit == "h" else _symbol(unit) + amount)

    return tuple(label(value) if value else "0" for value in values)


def _symbol(currency: str) -> str:
    """What stands before an amount."""
    return money(0, currency).removesuffix("0")
