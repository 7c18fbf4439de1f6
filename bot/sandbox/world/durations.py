"""ISO 8601 durations of the wire ("PT15M", "P1DT2H30M"): read in any form, written in the service's own.

The service is a .NET program: a year is 365 days, a month 30, the unit is 100 ns, and the longest duration, which means
"for ever", is that of its `TimeSpan`. "P3Y6M4DT12H30M5S" comes back as "P1279DT12H30M5S" (recorded).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_PATTERN = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_UNITS = {"years": 365 * 86_400, "months": 30 * 86_400, "weeks": 7 * 86_400, "days": 86_400, "hours": 3600}
_UNITS |= {"minutes": 60, "seconds": 1}
_TICKS = 10_000_000
_MOST = 2**63 - 1
_FOREVER = 1_000_000 * 86_400.0


@lru_cache(maxsize=1024)
def _ticks(text: str) -> int:
    match = _PATTERN.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"not a duration: {text!r}")
    parts = {name: part for name, part in match.groupdict().items() if part is not None}
    ticks = int(sum((Fraction(part) * _UNITS[name] for name, part in parts.items()), Fraction()) * _TICKS)
    if ticks > _MOST:
        raise ValueError(f"too long a duration: {text!r}")
    return ticks


def seconds(text: str | None) -> float | None:
    """The seconds of a duration; None for none and for the service's infinity. ValueError where it is not one."""
    if text is None:
        return None
    total = _ticks(text) / _TICKS
    return None if total >= _FOREVER else total


def normalised(text: str) -> str:
    """The duration as the service writes it. ValueError where it is not one."""
    whole, ticks = divmod(_ticks(text), _TICKS)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, last = divmod(rest, 60)
    fraction = f".{ticks:07d}".rstrip("0").rstrip(".") if ticks else ""
    date = f"{days}D" if days else ""
    parts = ((hours, f"{hours}H"), (minutes, f"{minutes}M"), (last or ticks, f"{last}{fraction}S"))
    clock = "".join(written for number, written in parts if number)
    return f"P{date}" + (f"T{clock}" if clock else "") if date or clock else "PT0S"
