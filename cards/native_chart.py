"""Bars that are few enough for a chat to draw by itself: what it is given, and what has to be said in words beside it.

A platform's own chart follows the reader's theme, answers to a pointer and is read out; it knows no hatching, no gaps
and no line of a budget. So what is not known keeps its chart a picture, and the rest is said below the chart.
"""

from __future__ import annotations

import math

from msgspec import Struct

from cards.charts.bars import BarChart, Tone
from cards.charts.units import alike, figure
from cards.formatting import decimals
from cards.text_fit import clean_line, elide


class NativeSeries(Struct, frozen=True):
    """One part of every bar: a name of its own, what it is about, and a finite value for each label."""

    name: str
    tone: Tone
    values: tuple[float, ...]


class NativeChart(Struct, frozen=True):
    """Bars as a platform draws them: labels that all differ, and ``below`` what the chart itself cannot say."""

    title: str
    labels: tuple[str, ...]
    series: tuple[NativeSeries, ...]
    across: bool
    unit: str
    below: tuple[str, ...]


class Room(Struct, frozen=True):
    """How much a platform's own chart takes: series, bars, and UTF-16 units of names and of its title."""

    series: int
    bars: int
    name: int
    title: int


def native(chart: object, title: str, room: Room) -> NativeChart | None:
    """The chart for a platform to draw; None where only a picture says all of it, or where there is too much."""
    if not isinstance(chart, BarChart) or not 1 <= len(chart.bars) <= room.bars:
        return None
    values = [value for bar in chart.bars for value in bar.values]
    if not 1 <= len(chart.series) <= room.series or any(value is None or not math.isfinite(value) for value in values):
        return None
    labels = tuple(_label(bar.label, room.name - 2 * bar.partial) + (" …" if bar.partial else "") for bar in chart.bars)
    names = tuple(_label(series.name, room.name) for series in chart.series)
    if len(set(labels)) < len(labels) or len(set(names)) < len(names):
        return None
    columns = tuple(
        NativeSeries(name, series.tone, tuple(_rounded(bar.values[n] or 0.0, chart.unit) for bar in chart.bars))
        for n, (name, series) in enumerate(zip(names, chart.series, strict=True))
    )
    return NativeChart(
        elide(clean_line(title or chart.headline), room.title) or "Chart",
        labels,
        columns,
        chart.across,
        chart.unit,
        tuple(_below(chart)),
    )


def _below(chart: BarChart) -> list[str]:
    words = [clean_line(chart.subtitle)]
    if len(chart.series) > 1:
        sums = [sum(bar.values[n] or 0.0 for bar in chart.bars) for n in range(len(chart.series))]
        told = zip(chart.series, alike(sums, chart.unit), strict=True)
        words.append(", ".join(f"{clean_line(series.name)} {amount}" for series, amount in told))
    if chart.level is not None:
        words.append(f"{clean_line(chart.level_label) or 'level'} {figure(chart.level, chart.unit)}")
    if any(bar.partial for bar in chart.bars):
        words.append("… still filling")
    words.append(clean_line(chart.note))
    return [each for each in words if each]


def _label(name: str, limit: int) -> str:
    return elide(clean_line(name), limit) or "–"


def _rounded(value: float, unit: str) -> float:
    """As many digits as the unit has; a chart's hover would show all seventeen."""
    digits = min(2, decimals(unit)) if unit else 1
    short = round(value, digits)
    return short if short or not value else float(f"{value:.2g}")


def unit_words(unit: str) -> str:
    """What the axis counts, for an axis that shows bare numbers."""
    return {"": "", "h": "core-hours", "%": "share", "s": "seconds"}.get(unit, unit)
