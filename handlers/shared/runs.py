"""Moments in words that stand in a sentence: of runs of a schedule, in the asker's zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from cards.build import muted, text
from cards.card import Note, Time


def runs_line(runs: Sequence[datetime], zone: str) -> str:
    """``Mon 23 Nov 08:00, Tue 24 Nov 08:00 CST``."""
    local = [each.astimezone(ZoneInfo(zone)) for each in runs]
    told = [f"{each:%a} {each.day} {each:%b %H:%M}" for each in local]
    return f"{', '.join(told)} {local[-1].tzname()}" if told else ""


def runs_note(runs: Sequence[datetime]) -> Note:
    """The next runs at the foot of a form."""
    if not runs:
        return Note(text(muted("It starts no jobs: its time is over.")))
    parts: list[Time | str] = ["Runs at "]
    for number, each in enumerate(runs):
        parts += [", " if number else "", Time(each, "clock")]
    return Note(text(*parts))
