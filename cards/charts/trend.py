"""Values over time beside those of the period before: the specification of the trend picture."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

Tone: TypeAlias = Literal["good", "bad", "busy", "other", "idle", "billed"]


class TrendSeries(Struct, frozen=True, array_like=True):
    """One line (or filled area): a value for each bucket, None where nothing is known.

    ``before`` are those of the period before, bucket by bucket; drawn thin, and pale behind lines.
    """

    name: str
    tone: Tone
    values: tuple[float | None, ...]
    before: tuple[float | None, ...] = ()


class TrendChart(Struct, frozen=True, tag="trend"):
    """What the trend picture shows: buckets of ``step`` seconds from ``since`` on, series from the most important.

    ``unit`` is an ISO 4217 currency, ``s`` (a duration in seconds), ``%`` (values are shares of 1) or empty for counts.
    ``bars`` draws the series as bars of counts, stacked, else as lines.
    """

    headline: str
    subtitle: str
    series: tuple[TrendSeries, ...]
    since: datetime
    step: int
    zone: str = "UTC"
    unit: str = ""
    bars: bool = False
    note: str = ""
    width: int = 1600
    height: int = 900


COMPARED = 3
"""Lines up to which the period before is drawn behind each."""


def shows_before(chart: TrendChart) -> bool:
    """Whether the picture has anything of the period before: behind bars as a line, behind lines as pale ones."""
    known = any(value is not None for series in chart.series for value in series.before)
    return known and (chart.bars or len(chart.series) <= COMPARED)


def merged(chart: TrendChart, factor: int) -> TrendChart:
    """The same counts in buckets ``factor`` times as long: sums of what is known in them."""
    if factor <= 1:
        return chart

    def sums(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
        groups = [values[n : n + factor] for n in range(0, len(values), factor)]
        return tuple(
            sum(value for value in group if value is not None) if any(each is not None for each in group) else None
            for group in groups
        )

    series = tuple(replace(each, values=sums(each.values), before=sums(each.before)) for each in chart.series)
    return replace(chart, series=series, step=chart.step * factor)
