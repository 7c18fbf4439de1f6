"""ISO 8601 durations of the wire ("PT15M", "P1DT2H30M") as seconds and back."""

from __future__ import annotations

import re
from functools import lru_cache

_PATTERN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_FOREVER = 10_000_000 * 86_400.0


@lru_cache(maxsize=1024)
def seconds(text: str | None) -> float | None:
    """The seconds of a duration; None for none and for the service's infinity. ValueError where it is not one."""
    if text is None:
        return None
    match = _PATTERN.fullmatch(text)
    if match is None or text in ("P", "PT"):
        raise ValueError(f"not a duration: {text!r}")
    days, hours, minutes, rest = (float(part) if part else 0.0 for part in match.groups())
    total = days * 86_400 + hours * 3600 + minutes * 60 + rest
    return None if total >= _FOREVER else total
