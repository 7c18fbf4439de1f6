"""Times as people write them: ``7 d``, ``last 3 days``, ``since yesterday``, ``10pm``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "stunden"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), "w"),
    **dict.fromkeys(("mo", "month", "months"), "mo"),
}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "half": 0,
}  # fmt: skip
_JOINED = re.compile(r"(\d{1,4})([a-z]+)")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)
_SURELY = re.compile(r":\d{2}|[ap]\.?m\.?$", re.IGNORECASE)
"""What shows that a number is a time of day."""
_DAYS = {"w": 7, "mo": 30}


@dataclass(frozen=True)
class Span:
    """So many of a unit: m, h or d."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def window(self) -> str:
        """In hours or days, as windows take them."""
        return str(self) if self.unit != "m" else f"{max(1, round(self.count / 60))}h"


def span(text: str) -> Span | None:
    """``2h``, ``2hours``; None where it is none."""
    found = _JOINED.fullmatch(text.lower())
    return _span(int(found[1]), found[2]) if found else None


def span_of(number: str, unit: str) -> Span | None:
    """``2``, ``hours``; None where they are none together."""
    low = number.lower()
    count = int(low) if low.isdecimal() and len(low) < 5 else _NUMBERS.get(low)
    return _span(count, unit.lower()) if count else None


def _span(count: int, unit: str) -> Span | None:
    known = _UNITS.get(unit)
    if known is None or not count:
        return None
    return Span(count * _DAYS.get(known, 1), "d" if known in _DAYS else known)


def hours(text: str) -> str:
    """``10 pm to 7 am`` as ``22:00-07:00``; empty where it is no pair of times of day."""
    begin, separator, end = _parted(text)
    one, other = _clock(begin), _clock(end)
    return f"{one}-{other}" if separator and one and other else ""


def clock(text: str) -> str:
    """``7am`` as ``07:00``; empty where it is no time of day, or only a number."""
    return _clock(text) if _SURELY.search(text) else ""


def _parted(text: str) -> tuple[str, str, str]:
    parts = re.split(
        r"\s*(?:-+|[\N{EN DASH}\N{EM DASH}]|\bto\b|\buntil\b|\btill\b|\band\b)\s*", text.strip(), maxsplit=1
    )
    first = re.sub(r"^(?:from|between)\s+", "", parts[0], flags=re.IGNORECASE)
    return (first, "-", parts[1]) if len(parts) == 2 else (first, "", "")


def _clock(text: str) -> str:
    """A time of day as ``22:00``; empty where it is none."""
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        return ""
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower().replace(".", "")
    if half:
        if not 1 <= hour <= 12:
            return ""
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour:02}:{minute:02}" if hour <= 24 and minute < 60 else ""
