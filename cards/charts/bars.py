"""Bars by day, pool or cause, stacked where they have parts: the specification of the bar picture."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Tone: TypeAlias = Literal["busy", "idle", "spot", "billed", "good", "bad", "other"]
"""What a series is about; gives it its colour and pattern."""


class BarSeries(Struct, frozen=True, array_like=True):
    """One part of every bar: its name, and what it is about.

    ``apart``: it is drawn on the others and in no sum of them, such as what is not billed yet on what is.
    """

    name: str
    tone: Tone = "busy"
    apart: bool = False


class Bar(Struct, frozen=True, array_like=True):
    """One bar: its label, a value for each series (from the ground up; None: no data, which is not zero).

    ``partial`` says that it may still grow (a day that is not over, a bill that still fills).
    """

    label: str
    values: tuple[float | None, ...]
    partial: bool = False


class BarChart(Struct, frozen=True, tag="bars"):
    """What the bar picture shows. ``unit`` is an ISO 4217 currency, ``h`` (core-hours), or empty for counts.

    ``level`` is a line across all bars with its words (a budget, a mean). ``across`` draws the bars from left to right,
    for labels that are names. ``small`` data (at most six series and twenty bars) may be drawn by the platform itself.
    """

    headline: str
    subtitle: str
    series: tuple[BarSeries, ...]
    bars: tuple[Bar, ...]
    unit: str = ""
    across: bool = False
    level: float | None = None
    level_label: str = ""
    note: str = ""
    width: int = 1600
    height: int = 900


def total(bar: Bar) -> float | None:
    """The sum of what is known of a bar; None where nothing is."""
    known = [value for value in bar.values if value is not None]
    return sum(known) if known else None


def parts(bar: Bar) -> list[tuple[int, float, float]]:
    """(series, begin, end) of each part of a bar that is not nothing: up from zero, and down where it is negative."""
    up = down = 0.0
    found = []
    for index, value in enumerate(bar.values):
        if not value:
            continue
        begin = up if value > 0 else down
        found.append((index, begin, begin + value))
        if value > 0:
            up += value
        else:
            down += value
    return found


def stacked(bar: Bar) -> tuple[float, float]:
    """How far a bar reaches below zero (0 or less) and above it."""
    ends = [end for _, _, end in parts(bar)]
    return min([0.0, *ends]), max([0.0, *ends])
