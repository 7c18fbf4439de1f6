"""The usage picture: the finding, what it rests on, and where in the kept history it lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.figures import bounded, coarser, cores, figures, gaps, in_cores, runs
from cards.charts.labels import cut, head
from cards.charts.patterns import Plane
from cards.charts.plot import apart, hole, level, nothing, sheet_height, sheet_width, time_axis, upright
from cards.charts.style import SIZES, Colour
from cards.charts.tones import fills
from cards.charts.usage import UsageChart, UsagePoint
from cards.charts.usage_strip import draw_strip, moment, strip_words

_AT_MOST = "busy at most"
_SAMPLE = 44
"""Where words begin behind a sample of a pattern."""
_BUSY = fills(["busy"])[0]
_SPOT = fills(["spot"])[0]


def draw_usage(chart: UsageChart) -> bytes:
    """The picture as PNG bytes. Sizes outside 320 … 4000 pixels are brought inside."""
    return _UsagePicture(chart).draw()


class _UsagePicture:
    """One picture in the making. ``u`` is what one pixel at 1600 is here; ``plot`` is where the curves go."""

    def __init__(self, chart: UsageChart) -> None:
        self.chart = chart
        self.found = figures(chart)
        width = sheet_width(chart.width)
        self.canvas = Canvas(width, sheet_height(chart.height))
        self.u = width / 1600
        self.margin = SIZES.margin * self.u
        peak = max((max(p.total, p.busy) for p in chart.points if p.covered > 0), default=0.0)
        self.top_value, self.value_step = scale(peak)
        self.plot: tuple[int, int, int, int] = (0, 0, 0, 0)

    def draw(self) -> bytes:
        """Everything, from the back to the front."""
        top = self._head()
        foot = self._strip_top()
        left, right = self._sides()
        self.plot = (left, round(top + 46 * self.u), right, round(foot - 70 * self.u))
        self._grid()
        self._holes()
        self._curves()
        self._time_axis()
        self._ends()
        self._callout()
        if self.chart.strip:
            draw_strip(self.canvas, self.u, self.chart, (left, right), foot, whole=self.found is None)
        return self.canvas.png()

    # Above and beside the plot.

    def _head(self) -> float:
        """Headline, subtitle and note; returns where they end."""
        chart = self.chart
        note = chart.note if chart.note_at is None else ""  # else it stands at its moment
        return head(self.canvas, chart.headline, chart.subtitle, self.u, cut, note)

    def _sides(self) -> tuple[int, int]:
        """Left and right of the plot: what the labels beside it leave."""
        u, canvas = self.u, self.canvas
        if self.found is None:
            return round(self.margin + 10 * u), round(canvas.width - self.margin - 10 * u)
        widest = max(canvas.measure(cores(v), SIZES.text * u) for v in self._values())
        small = SIZES.small * u
        ends = [canvas.measure(line, small) for line in (*strip_words(self.chart), self.chart.idle)]
        for name, lines, _, _ in self._end_labels():
            ends += [canvas.measure(name, SIZES.label * u, bold=True), canvas.measure(lines[0], small)]
            ends += [canvas.measure(line, small) + _SAMPLE * u for line in lines[1:]]
        right = canvas.width - self.margin / 2 - max(ends) - 22 * u
        return round(self.margin + widest + 16 * u), round(right)

    def _strip_top(self) -> float:
        """Where the strip begins, or the picture's lower edge without one."""
        return self.canvas.height - (142 if self.chart.strip else 12) * self.u

    # The plot.

    def _x(self, at: datetime) -> int:
        left, _, right, _ = self.plot
        share = (at - self.chart.since) / (self.chart.until - self.chart.since)
        return round(left + min(1.0, max(0.0, share)) * (right - left))

    def _y(self, value: float) -> int:
        _, top, _, bottom = self.plot
        band = 84 * self.u if self._has_callout() else 0
        return round(bottom - value / self.top_value * (bottom - top - band))

    def _values(self) -> list[float]:
        return [n * self.value_step for n in range(round(self.top_value / self.value_step) + 1)]

    def _grid(self) -> None:
        left, _, right, _ = self.plot
        if self.found is None:
            return
        for value in self._values():
            y = self._y(value)
            level(self.canvas, self.u, left, right, y, 2, style.GRID)
            size = SIZES.text * self.u
            self.canvas.text(left - 16 * self.u, y + 0.36 * size, cores(value), size, style.MUTED, align="right")

    def _holes(self) -> None:
        """Time without samples: hatched, and named where there is room."""
        _, top, _, bottom = self.plot
        if self.found is None:
            kept = [point for point in self.chart.strip if point.covered > 0]
            more = f"samples are kept from {moment(self.chart, kept[0].start)}" if kept else "nothing was measured yet"
            nothing(self.canvas, self.plot, self.u, "No samples in this window", more)
            return
        for begin, end in gaps(self.chart):
            hole(self.canvas, (self._x(begin), top, self._x(end), bottom), self.u)

    def _curves(self) -> None:
        """Busy filled, idle tinted above it, all as a line on top."""
        left, _, right, ground = self.plot
        wide = (right - left) * self.chart.step / (self.chart.until - self.chart.since).total_seconds()
        factor = math.ceil(SIZES.bar * self.u / wide)
        points, step = coarser(self.chart.points, self.chart.step, factor), self.chart.step * factor
        stretches = runs(points, step)
        jumps = sum(a.total != b.total for stretch in stretches for a, b in pairwise(stretch))
        crowded = jumps * SIZES.riser * self.u > right - left
        lines: list[NDArray[np.float64]] = []
        for stretch in stretches:
            busy, total = self._outline(stretch, step, busy=True), self._outline(stretch, step, busy=False)
            floor = np.array([[busy[-1, 0], ground], [busy[0, 0], ground]])
            self.canvas.area(np.concatenate([total, busy[::-1]]), style.IDLE)
            self.canvas.area(np.concatenate([busy, floor]), style.BUSY)
            lines += [total, np.full((1, 2), np.nan)]
        self._kinds(stretches, step)
        if lines:  # full risers side by side would make one black mass: crowded, the whole line is a thin one
            width = SIZES.line * (0.45 if crowded else 1.0)
            self.canvas.line(np.concatenate(lines), style.INK, width * self.u)

    def _kinds(self, stretches: Sequence[Sequence[UsagePoint]], step: int) -> None:
        """Over what is busy: stripes where it is on spot, half of it left out where so much was busy at most."""
        points = [point for stretch in stretches for point in stretch]
        if not any(point.busy_spot or point.at_most for point in points):
            return
        left, top, right, bottom = self.plot
        plane = Plane(right - left, bottom - top, self.u)
        tops, spots, unsure = (np.full(right - left, np.nan) for _ in range(3))
        for stretch in stretches:
            edges = [self._x(point.start) - left for point in stretch]
            end = max(self._x(stretch[-1].start + timedelta(seconds=step)) - left, edges[0] + round(4 * self.u))
            widths = np.diff([*edges, end])
            here = slice(edges[0], edges[0] + int(widths.sum()))
            y = np.array([(self._y(p.busy), self._y(p.busy - p.busy_spot), p.at_most) for p in stretch]) - (top, top, 0)
            tops[here], spots[here], unsure[here] = np.repeat(y, widths, axis=0)[: right - left - edges[0]].T
        sure = unsure == 0
        plane.between(np.where(sure, tops, np.nan), spots, _SPOT)
        plane.between(np.where(unsure == 1, tops, np.nan), np.full(right - left, bottom - top), _BUSY, partial=True)
        self.canvas.stamp(left, top, plane.pixels)
        size = SIZES.small * self.u
        half = self.canvas.measure(_AT_MOST, size) / 2 + 14 * self.u
        for begin, finish in bounded(points, step):
            near, far = self._x(begin), self._x(finish)
            if far - near > 2 * half + 12 * self.u:
                middle = (near + far) / 2
                box = (middle - half, bottom - 72 * self.u, middle + half, bottom - 18 * self.u)
                self.canvas.box(box, style.PAPER)
                self.canvas.text(middle, bottom - 32 * self.u, _AT_MOST, size, style.MUTED, align="center")

    def _outline(self, stretch: Sequence[UsagePoint], step: int, *, busy: bool) -> NDArray[np.float64]:
        """The upper edge of a stretch as steps."""
        starts = [self._x(point.start) for point in stretch]
        end = self._x(stretch[-1].start + timedelta(seconds=step))
        least = starts[0] + round(4 * self.u)  # a lone sample is still to be seen
        xs = np.repeat(np.array([*starts, max(end, least)], dtype=float), 2)[1:-1]
        ys = np.repeat(np.array([self._y(point.busy if busy else point.total) for point in stretch], dtype=float), 2)
        return np.column_stack([xs, ys])

    def _time_axis(self) -> None:
        left, _, right, bottom = self.plot
        if self.found is not None:
            level(self.canvas, self.u, left, right, bottom, 3, style.MUTED)
        time_axis(self.canvas, self.u, bottom, (self.chart.since, self.chart.until, self.chart.zone), self._x)

    # At the end of the lines.

    def _end_labels(self) -> list[tuple[str, tuple[str, ...], float, Colour]]:
        """(name, lines, cores, colour), from the top. The second line is of spot, where there is any."""
        if self.found is None:
            return []
        last = self.found.last
        spot = bool(self.found.spot)
        return [
            ("ALL", (in_cores(last.total), *([f"{cores(last.spot)} spot"] * spot)), last.total, style.INK),
            ("BUSY", (in_cores(last.busy), *([f"{cores(last.busy_spot)} spot"] * spot)), last.busy, style.BUSY_TEXT),
        ]

    def _ends(self) -> None:
        """Names and last values beside the lines' ends, pushed apart where they would touch; idle, given room."""
        labels = self._end_labels()
        if not labels:
            return
        canvas, (_, top, right, bottom) = self.canvas, self.plot
        u, x = self.u, right + 22 * self.u
        extra = 46 * u * (len(labels[0][1]) - 1)
        height = 102 * u + extra
        places = apart([self._y(value) for _, _, value, _ in labels], height, top + 14 * u, bottom - 44 * u - extra)
        for y, (name, lines, _, colour) in zip(places, labels, strict=True):
            canvas.text(x, y - 4 * u, name, SIZES.label * u, colour, bold=True)
            canvas.text(x, y + 42 * u, lines[0], SIZES.small * u, style.MUTED)
            if len(lines) > 1:
                canvas.text(x + _SAMPLE * u, y + 88 * u, lines[1], SIZES.small * u, style.MUTED)
        if extra:  # how spot is drawn, beside what is busy of it
            sample = Plane(round(32 * u), round(32 * u), u)
            sample.fill((0, 0, *sample.pixels.shape[:2]), _SPOT)
            canvas.stamp(round(x), round(places[1] + 56 * u), sample.pixels)
        upper, lower = places
        needs = (100 + 46 * bool(self.chart.idle)) * u
        if lower - upper > height + needs + 8 * u:
            y = (upper + extra + lower - (46 * u if self.chart.idle else 0)) / 2
            idle = max(0.0, labels[0][2] - labels[1][2])
            canvas.text(x, y - 4 * u, "IDLE", SIZES.label * u, style.IDLE_TEXT, bold=True)
            for n, line in enumerate(line for line in (cores(idle), self.chart.idle) if line):
                canvas.text(x, y + (42 + 46 * n) * u, line, SIZES.small * u, style.MUTED)

    # The note.

    def _has_callout(self) -> bool:
        at = self.chart.note_at
        inside = at is not None and self.chart.since <= at <= self.chart.until
        return bool(self.chart.note) and inside and self.found is not None

    def _callout(self) -> None:
        """The note in the band above the curves, with a stroke down to its moment."""
        at = self.chart.note_at
        if at is None or not self._has_callout():
            return
        left, top, right, _ = self.plot
        u, size = self.u, SIZES.small * self.u
        words = cut(self.canvas, self.chart.note, size, right - left - 40 * u, bold=True)
        width, x = self.canvas.measure(words, size, bold=True) + 36 * u, self._x(at)
        start = min(max(x - width / 2, left), right - width)
        box = (round(start), round(top - 8 * u), round(start + width), round(top + 52 * u))
        at_most = [p.total for p in self.chart.points if p.covered > 0 and p.start <= at]
        target = self._y(at_most[-1] if at_most else self.top_value)
        upright(self.canvas, u, x, box[3], max(box[3], target - 6 * u), 4, style.IDLE_TEXT)
        self.canvas.box(box, style.IDLE)
        self.canvas.text(start + 18 * u, box[3] - 19 * u, words, size, style.IDLE_TEXT, bold=True)


_ROUND = (10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 80)


def scale(peak: float) -> tuple[float, float]:
    """The value at the top of the axis and the step between its labels: whole round cores, at most four steps."""
    steps = (base * 10**power / 10 for power in range(14) for base in _ROUND)
    best = next(step for step in steps if step.is_integer() and 4 * step >= peak)
    return max(1, math.ceil(peak / best)) * best, best
