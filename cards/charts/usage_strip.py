"""The strip under the usage picture: the whole kept history, and where in it the window lies."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.figures import coarser, runs, span
from cards.charts.plot import level, upright
from cards.charts.style import SIZES
from cards.charts.usage import UsageChart, UsagePoint
from cards.formatting import short_day


def draw_strip(canvas: Canvas, u: float, chart: UsageChart, sides: tuple[int, int], top: float, *, whole: bool) -> None:
    """The kept history with the window marked on it, between two sides; ``whole`` where nothing stands beside them."""
    step = _step(chart)
    begin, end = min(chart.strip[0].start, chart.since), max(chart.strip[-1].start + step, chart.until)
    left, right = sides
    lines = strip_words(chart)
    if whole:  # the plot went to the edge; the strip's words need room
        right -= round(max(canvas.measure(line, SIZES.small * u) for line in lines) + 12 * u)
    wide = (right - left) * (step / (end - begin))
    factor = math.ceil(SIZES.strip_bar * u / wide)
    strip, step = coarser(chart.strip, round(step.total_seconds()), factor), step * factor
    box = (left, round(top), right, round(top + 72 * u))
    peak = max((point.total for point in strip), default=0.0) or 1.0

    def x(at: datetime) -> int:
        return round(left + (at - begin) / (end - begin) * (right - left))

    def hill(stretch: list[UsagePoint], *, busy: bool) -> list[tuple[float, float]]:
        edge = [
            (at, box[3] - min(1.0, (point.busy if busy else point.total) / peak) * (box[3] - box[1] - 4 * u))
            for point in stretch
            for at in (x(point.start), x(point.start + step))
        ]
        rounded = [(at, float(round(y))) for at, y in edge]
        return [*rounded, (rounded[-1][0], box[3]), (rounded[0][0], box[3])]

    least = round(10 * u)
    first = min(x(chart.since), right - least)
    window = (first, box[1], max(x(chart.until), first + least), box[3])
    canvas.box(window, style.WINDOW)
    for stretch in runs(strip, round(step.total_seconds())):
        for busy, past, now in ((False, style.PAST, style.WINDOW_ALL), (True, style.PAST_BUSY, style.BUSY)):
            shape = hill(stretch, busy=busy)
            canvas.area(shape, past)
            canvas.area(shape, now, clip=window)
    level(canvas, u, left, right, box[3], 2, style.PAST_BUSY)
    for edge in (window[0], window[2]):
        upright(canvas, u, edge, box[1] - 6 * u, box[3] + 2 * u, 4, style.BUSY_TEXT)
    y, size = canvas.height - 18 * u, SIZES.small * u
    canvas.text(left, y, moment(chart, begin), size, style.MUTED)
    canvas.text(right, y, moment(chart, end), size, style.MUTED, align="right")
    for n, line in enumerate(lines):
        canvas.text(right + 22 * u, top + (32 + 42 * n) * u, line, size, style.MUTED)


def _step(chart: UsageChart) -> timedelta:
    """How long a bucket of the strip is: the least distance between two."""
    starts = [point.start for point in chart.strip]
    return min((b - a for a, b in pairwise(starts)), default=timedelta(seconds=chart.step))


def strip_words(chart: UsageChart) -> tuple[str, ...]:
    """How much is shown of how much is kept, in two lines."""
    strip, window = chart.strip, chart.until - chart.since
    if not strip:
        return ()
    kept = strip[-1].start + _step(chart) - strip[0].start
    return (span(window), f"of {span(kept)}") if kept > window else (span(kept), "kept so far")


def moment(chart: UsageChart, at: datetime) -> str:
    """A date, with the time of day where the history is short."""
    local = at.astimezone(ZoneInfo(chart.zone))
    strip = chart.strip
    long = strip and strip[-1].start - strip[0].start > timedelta(days=2)
    return short_day(local) if long else f"{short_day(local)} {local:%H:%M}"
