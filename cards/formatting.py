"""Figures and durations in words, the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal


def number(value: float) -> str:
    """``1243`` → ``1,243``; fractions keep one digit below 100 and none above."""
    if isinstance(value, int):
        return f"{value:,}"  # a number that nobody knows formats itself
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"


_LEAST_HOURS = 0.005


def core_hours(value: float) -> str:
    """``21,840 core-hours``, ``3.4 core-hours``, ``0.12 core-hours``: never none of them where there are some."""
    if 0 < value < _LEAST_HOURS:
        return "under 0.01 core-hours"
    return f"{value:.2f} core-hours" if 0 < value < 1 else f"{number(round(value, 1))} core-hours"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 node``, ``12 nodes``."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def ordinal(count: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``11th``, ``21st``."""
    teen = count % 100 in (11, 12, 13)
    return f"{number(count)}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"


def with_article(noun: str) -> str:
    """``a job``, ``an operation``; and ``a user``, as nearly all of ours that begin with u are spoken."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def percent(part: float, whole: float) -> str:
    """``80 %``, rounded as :func:`percents` rounds several: 100 % means all of it, 0 % nothing; ``–`` of nothing."""
    return percents([part], whole)[0]


def percents(parts: Sequence[float], whole: float | None = None) -> list[str]:
    """The parts of one whole, rounded so that they add up as it does: ``83 %``, ``11 %``, ``6 %``.

    What is left by cutting down goes to those that lost most by it. No part is 0 % or 100 % that is not nothing or all:
    ``under 1 %``. ``whole`` is the sum of the parts where it is left out; ``–`` of nothing.
    """
    whole = sum(parts) if whole is None else whole
    if whole <= 0:
        return ["–"] * len(parts)
    shares = [part / whole * 100 for part in parts]
    cut = [math.floor(each) for each in shares]
    left = round(sum(shares)) - sum(cut)
    for place in sorted(range(len(shares)), key=lambda place: cut[place] - shares[place]):
        if left <= 0:
            break
        if cut[place] + 1 < 100 or shares[place] >= 100:
            cut[place], left = cut[place] + 1, left - 1
    return ["under 1 %" if not each and part > 0 else f"{each} %" for each, part in zip(cut, shares, strict=True)]


def share(value: float, digits: int = 0) -> str:
    """A share of 1, rounded: ``12 %``, ``0.8 %`` with a digit."""
    return f"{value * 100:,.{digits}f} %"


_TIMES = 150
"""Per cent more, from which on it is told as so many times as much."""


def change(now: float | None, before: float | None) -> str:
    """How a figure stands to what it was: ``+40 %``, ``−12 %``, ``2.6 times``, ``the same``, ``new``; or empty."""
    if now is None or before is None:
        return ""
    if now == before:
        return "the same"
    if not before:
        return "new"
    more = _per_cent_more(now, before)
    if not more:
        return "about the same"
    if more >= _TIMES:
        return _times(now, before)
    return f"{'+' if more > 0 else '−'}{number(abs(more))} %"


def compared(now: float, before: float, what: str, least: int = 1) -> str:
    """The same as a sentence goes on: ``12 % more than usual``, ``2.6 times as much as usual``, ``as much as usual``.

    ``least`` are the per cent from which on it is another figure; ``before`` is not nothing.
    """
    more = _per_cent_more(now, before)
    if abs(more) < least:
        return f"as much as {what}"
    if more >= _TIMES:
        return f"{_times(now, before)} as much as {what}"
    return f"{number(abs(more))} % {'more' if more > 0 else 'less'} than {what}"


def _per_cent_more(now: float, before: float) -> int:
    return round((now - before) / abs(before) * 100)


def _times(now: float, before: float) -> str:
    times = now / before
    return f"{number(round(times, 1))} times" if times < 1000 else "over 1,000 times"


def day_words(day: date) -> str:
    """``Sun 22 Nov``."""
    return f"{day:%a} {short_day(day)}"


def moment_words(at: datetime) -> str:
    """``Sun 22 Nov 14:05``, in the zone of the moment."""
    return f"{day_words(at)} {at:%H:%M}"


def short_day(day: date) -> str:
    """``22 Nov``."""
    return f"{day.day} {day:%b}"


def duration(span: timedelta) -> str:
    """The two greatest units: ``2 h 5 min``, ``3 d 4 h``, ``45 s``."""
    seconds = round(abs(span.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for index, (unit, size) in enumerate(units):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            text = f"{whole} {unit}"
            if index + 1 < len(units):
                smaller, smaller_size = units[index + 1]
                if (less := rest // smaller_size) > 0:
                    text += f" {less} {smaller}"
            return text
    return "0 s"


def bar(part: float, whole: float, width: int = 10) -> str:
    """``▓▓▓▓░░░░░░``; above the whole it is full, and anything above zero shows."""
    if whole <= 0:
        return "░" * width
    filled = min(width, math.floor(part / whole * width))
    if part > 0 and filled == 0:
        filled = 1
    return "▓" * filled + "░" * (width - filled)


_BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Iterable[float | None]) -> str:
    """Values as a line of blocks, from nothing to the greatest: ``▁▂▂▃▅``; what is not known is ``·``.

    The lowest block is zero or less; whatever is more than that rises above it.
    """
    given = list(values)
    most = max((value for value in given if value is not None), default=0.0)
    steps = len(_BLOCKS) - 1

    def block(value: float | None) -> str:
        if value is None:
            return "·"
        return _BLOCKS[max(1, round(value / most * steps))] if value > 0 else _BLOCKS[0]

    return "".join(block(value) for value in given)


def file_size(count: int) -> str:
    """Bytes as people say them: ``812 bytes``, ``12 kB``, ``3.4 MB``."""
    if count < 1000:
        return plural(count, "byte")
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)):
        if count < size * 999.5 or unit == "TB":
            figure = count / size
            return f"{figure:.1f} {unit}" if figure < 9.95 and unit != "kB" else f"{figure:,.0f} {unit}"
    raise AssertionError("the last unit takes all")


_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}


_MINOR = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
"""Decimals of currencies that have not two (ISO 4217)."""


def decimals(currency: str) -> int:
    """The decimals of a currency: 2 for most, 0 for yen, 3 for Kuwait's dinar."""
    return _MINOR.get(currency, 2)


def money(amount: float | Decimal, currency: str, digits: int | None = None) -> str:
    """An amount with its currency (ISO 4217): ``$1,204``, ``$3.40``, ``€0.096``, ``CHF 3.40``, ``¥340``, ``KWD 3.400``.

    Whole from 100 on, three figures below 1: prices of machines differ there. With ``digits`` it has so many decimals
    whatever its size, as parts have that are shown to sum to a total.
    """
    size = abs(float(amount))
    if digits is not None:
        figure = f"{abs(amount):,.{digits}f}"
    elif size < 5e-7:
        figure = "0"
    elif size >= 99.995 or not amount:
        figure = f"{size:,.0f}"
    elif size >= 0.995:
        figure = f"{size:.{decimals(currency)}f}"
    else:
        indexes = min(6, 2 - math.floor(math.log10(size)))
        whole, _, part = f"{size:.{indexes}f}".rstrip("0").partition(".")
        figure = f"{whole}.{part:<02}"
    if not any(digit in "123456789" for digit in figure):
        amount = 0
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{'−' if amount < 0 else ''}{symbol}{figure}"


def sentence(words: str) -> str:
    """Words that stand by themselves: with a capital where they begin with a word, and not with what is typed.

    ``which pools`` becomes ``Which pools``; ``gpu-*``, ``state:idle`` and ``eu-west`` stay.
    """
    first = words.partition(" ")[0].rstrip(",;.")
    plain = first.isalpha() and first.islower()
    return words[:1].upper() + words[1:] if plain else words
