"""The trend picture: values over time, as lines or as stacked bars, beside those of the period before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
from msgspec.structs import replace

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.figures import span
from cards.charts.labels import cut, head
from cards.charts.patterns import LEAST, Plane
from cards.charts.plot import (
    EndLabel,
    Ends,
    Stroke,
    grid,
    hole,
    level,
    nothing,
    sheet_height,
    sheet_width,
    time_axis,
    values_beside,
)
from cards.charts.style import SIZES
from cards.charts.tones import TONED, fills, pale
from cards.charts.trend import COMPARED, TrendChart, TrendSeries, merged
from cards.charts.units import axis, figure

_DASHES: tuple[tuple[float, ...], ...] = ((), (26, 12), (9, 9), (30, 10, 9, 10), (44, 14), (16, 22))
"""What tells lines apart without their colour, the most important one whole."""
_MARKED = 40
"""Points of a line up to which each is marked."""
_NARROWEST_BAR = 9
"""At 1600; buckets that would be narrower are added up."""


def draw_trend(chart: TrendChart) -> bytes:
    """The picture as PNG bytes. Sizes outside 320 … 4000 pixels are brought inside."""
    return _TrendPicture(chart).draw()


class _TrendPicture:
    """One picture in the making. ``u`` is what one pixel at 1600 is here; ``plot`` is where the curves go."""

    def __init__(self, chart: TrendChart) -> None:
        width = sheet_width(chart.width)
        self.canvas = Canvas(width, sheet_height(chart.height), TONED)
        self.u = width / 1600
        self.margin = SIZES.margin * self.u
        if chart.bars:  # as many as there is room for
            most = int((self.canvas.width - 2 * self.margin) * 0.7 / (_NARROWEST_BAR * self.u))
            chart = merged(chart, _factor(chart.step, math.ceil(_count(chart) / most)))
        elif len(chart.series) > COMPARED:
            chart = replace(chart, series=tuple(replace(series, before=()) for series in chart.series))
        self.chart = chart
        self.buckets = _count(chart)
        self.until = chart.since + timedelta(seconds=chart.step * self.buckets)
        self.fills = fills([series.tone for series in chart.series])
        self.strokes = [
            Stroke(fill.edge, SIZES.line + 1, _DASHES[n % len(_DASHES)]) for n, fill in enumerate(self.fills)
        ]
        self.before = [Stroke(pale(fill.edge), SIZES.thin + 1) for fill in self.fills]
        self.outline = Stroke(style.INK, SIZES.thin + 1)
        self.axis = axis(*self._range(), chart.unit)
        self.plot: tuple[int, int, int, int] = (0, 0, 0, 0)

    def draw(self) -> bytes:
        """Everything, from the back to the front."""
        u, canvas, chart = self.u, self.canvas, self.chart
        top = head(canvas, chart.headline, chart.subtitle, u, cut, chart.note)
        foot = round(canvas.height - 88 * u)
        if not any(value is not None for series in chart.series for value in series.values):
            box = (round(self.margin), round(top + 46 * u), round(canvas.width - self.margin), foot + round(50 * u))
            nothing(canvas, box, u, "No data in this window")
            return canvas.png()
        labels = self._labels()
        ends = Ends(canvas, u, [(label.name, label.lines) for label in labels])
        left = round(self.margin + values_beside(canvas, u, self.axis, chart.unit) + 16 * u)
        right = round(canvas.width - self.margin / 2 - ends.width)
        if chart.bars:
            top += 52 * u
            words = f"per {span(timedelta(seconds=chart.step))}"
            canvas.text(self.margin, top, words, SIZES.small * u, style.MUTED)
        self.plot = (left, round(top + 46 * u), right, foot)
        grid(canvas, u, self.plot, self.axis, chart.unit, self._y)
        self._holes()
        if chart.bars:
            self._bars()
        else:
            self._lines()
        time_axis(canvas, u, foot, (chart.since, self.until, chart.zone), self._x)
        ends.draw(self._labels(), right, self.plot[1], foot)
        return canvas.png()

    # Where things stand.

    def _range(self) -> tuple[float, float]:
        every = [
            value for series in self.chart.series for value in (*series.values, *series.before) if value is not None
        ]
        if self.chart.bars:
            every = [each for each in (*self._sums(False), *self._sums(True)) if each is not None]
        return min(every, default=0.0), max(every, default=0.0)

    def _sums(self, before: bool) -> list[float | None]:
        """What the stack of each bucket comes to; None where nothing is known."""
        columns = [series.before if before else series.values for series in self.chart.series]
        stacks = (
            [value for column in columns if n < len(column) and (value := column[n]) is not None]
            for n in range(max((len(column) for column in columns), default=0))
        )
        return [sum(stack) if stack else None for stack in stacks]

    def _y(self, value: float) -> int:
        _, top, _, bottom = self.plot
        return round(bottom - (value - self.axis.low) / (self.axis.high - self.axis.low) * (bottom - top))

    def _x(self, at: datetime) -> int:
        left, _, right, _ = self.plot
        return round(left + (at - self.chart.since) / (self.until - self.chart.since) * (right - left))

    def _edge(self, bucket: float) -> float:
        """Where a bucket begins; its middle at a half more."""
        left, _, right, _ = self.plot
        return left + bucket / self.buckets * (right - left)

    # The plot.

    def _holes(self) -> None:
        """Buckets of which nothing is known, side by side."""
        _, top, _, bottom = self.plot
        begin: int | None = None
        for n in range(self.buckets + 1):
            known = n == self.buckets or any(n < len(s.values) and s.values[n] is not None for s in self.chart.series)
            if not known and begin is None:
                begin = n
            elif known and begin is not None:
                hole(self.canvas, (round(self._edge(begin)), top, round(self._edge(n)), bottom), self.u)
                begin = None

    def _lines(self) -> None:
        """The least important first; the period before behind all."""
        for series, stroke in reversed(list(zip(self.chart.series, self.before, strict=True))):
            self._line(series.before[: self.buckets], stroke, marked=False)
        for series, stroke in reversed(list(zip(self.chart.series, self.strokes, strict=True))):
            self._line(series.values, stroke, marked=True)

    def _line(self, values: Sequence[float | None], stroke: Stroke, *, marked: bool) -> None:
        if not any(value is not None for value in values):
            return
        points = np.array(
            [(self._edge(n + 0.5), math.nan if value is None else self._y(value)) for n, value in enumerate(values)]
        )
        stroke.draw(self.canvas, points, self.u)
        half = max(2.0, (8 if marked else 4) * self.u)
        for n, value in enumerate(values):
            alone = not any(0 <= m < len(values) and values[m] is not None for m in (n - 1, n + 1))
            if value is not None and (alone or (marked and len(values) <= _MARKED)):
                x, y = round(self._edge(n + 0.5)), self._y(value)
                self.canvas.box((x - half, y - half, x + half, y + half), stroke.colour)

    def _bars(self) -> None:
        left, top, right, bottom = self.plot
        plane, gap = Plane(right - left, bottom - top, self.u), max(1, round(2 * self.u))
        pitch = (right - left) / self.buckets
        width = self._width()
        for n in range(self.buckets):
            near = round(self._edge(n) + (pitch - width) / 2)
            ground, reached = self._y(0), 0.0
            for series, fill in zip(self.chart.series, self.fills, strict=True):
                value = series.values[n] if n < len(series.values) else None
                if not value:
                    continue
                above = min(self._y(reached + value), ground - 1)
                foot = ground - gap if reached and ground - above > 3 * gap else ground
                plane.fill((near - left, above - top, near + width - left, foot - top), fill, plain=self._plain())
                ground, reached = above, reached + value
        self.canvas.stamp(left, top, plane.pixels)
        level(self.canvas, self.u, left, right, self._y(0), 3, style.MUTED)
        for begin, values in _runs(self._sums(True)[: self.buckets]):
            xs = np.repeat([round(self._edge(begin + n)) for n in range(len(values) + 1)], 2)[1:-1]
            ys = np.repeat([self._y(value) for value in values], 2)
            steps = np.column_stack([xs, ys]).astype(float)
            self.canvas.line(steps, style.PAPER, (SIZES.thin + 7) * self.u)  # a rim, so that it is seen over bars
            self.outline.draw(self.canvas, steps, self.u)

    def _width(self) -> int:
        """Of a bar."""
        pitch = (self.plot[2] - self.plot[0]) / self.buckets
        return max(1, min(round(170 * self.u), int(pitch * 0.8), int(pitch) - 1))

    def _plain(self) -> bool:
        """Whether bars are too narrow for patterns; then their parts differ by lightness."""
        return self._width() < LEAST * self.u

    # At the end.

    def _labels(self) -> list[EndLabel]:
        """Names with their figures, from the top. Before the plot is laid out their heights mean nothing."""
        return self._stack_labels() if self.chart.bars else self._line_labels()

    def _line_labels(self) -> list[EndLabel]:
        unit = self.chart.unit
        found: list[EndLabel] = []
        for series, stroke, before in zip(self.chart.series, self.strokes, self.before, strict=True):
            last = _last(series)
            lines = ["no data" if last is None else figure(series.values[last] or 0.0, unit)]
            was = series.before[last] if last is not None and last < len(series.before) else None
            if was is not None:
                lines.append(f"{figure(was, unit)} before")
            y = self.axis.low if last is None else series.values[last] or 0.0
            y = self._y(y) + 14 * self.u
            found.append(EndLabel(series.name, tuple(lines), y, None, stroke, before if was is not None else None))
        return sorted(found, key=lambda label: label.y)

    def _stack_labels(self) -> list[EndLabel]:
        unit, reached = self.chart.unit, 0.0
        found: list[EndLabel] = []
        last = max((each for series in self.chart.series if (each := _last(series)) is not None), default=0)
        for series, fill in zip(self.chart.series, self.fills, strict=True):
            value = (series.values[last] if last < len(series.values) else None) or 0.0
            all_of_it = [each for each in series.values if each is not None]
            words = f"{figure(sum(all_of_it), unit)} in all" if all_of_it else "no data"
            was = [each for each in series.before if each is not None]
            lines = (words, f"{figure(sum(was), unit)} before") if was else (words,)
            found.insert(
                0, EndLabel(series.name, lines, self._y(reached + value / 2) + 14 * self.u, fill, plain=self._plain())
            )
            reached += value
        if before := [each for each in self._sums(True)[: self.buckets] if each is not None]:
            label = EndLabel(
                "before",
                (f"{figure(sum(before), unit)} in all",),
                self._y(before[-1]) + 14 * self.u,
                None,
                self.outline,
            )
            found.append(label)
            found.sort(key=lambda each: each.y)
        return found


_NATURAL = (60, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800)


def _factor(step: int, least: int) -> int:
    """How many buckets go into one: ``least`` or more, so that it is as long as people count."""
    if least <= 1:
        return 1
    return next((long // step for long in _NATURAL if long % step == 0 and long >= least * step), least)


def _runs(values: Sequence[float | None]) -> Iterator[tuple[int, list[float]]]:
    """The neighbours that are known, each with where they begin: what is not known is no zero."""
    for known, group in groupby(enumerate(values), key=lambda each: each[1] is not None):
        if known:
            places = list(group)
            yield places[0][0], [value for _, value in places if value is not None]


def _count(chart: TrendChart) -> int:
    return max((len(series.values) for series in chart.series), default=0)


def _last(series: TrendSeries) -> int | None:
    """The last bucket that is known."""
    return next((n for n in reversed(range(len(series.values))) if series.values[n] is not None), None)
