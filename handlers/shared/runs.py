"""Moments in words that stand in a sentence: of runs of a schedule, in the asker's zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from cards.formatting import moment_words


def runs_line(runs: Sequence[datetime], zone: str) -> str:
    """``Mon 23 Nov 08:00, Tue 24 Nov 08:00 CST``."""
    local = [each.astimezone(ZoneInfo(zone)) for each in runs]
    words = [moment_words(each) for each in local]
    return f"{', '.join(words)} {local[-1].tzname()}" if words else ""
