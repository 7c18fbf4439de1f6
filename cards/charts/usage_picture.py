"""The usage picture: the finding, what it rests on, and where in the kept history it lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cards.charts import style
from cards.charts.canvas import Box, Canvas
from cards.charts.figures import coarser, cores, figures, gaps, in_cores, runs, span
from cards.charts.labels import cut, head
from cards.charts.style import SIZES, Colour
from cards.charts.timeaxis import Tick, ticks
from cards.charts.usage import UsageChart, UsagePoint

WIDEST, NARROWEST = 4000, 320


def draw_usage(chart: UsageChart) -> bytes:
    """The picture as PNG bytes. Sizes outside 320 … 4000 pixels are brought inside."""
    return _UsagePicture(chart).draw()


class _UsagePicture:
    """One picture in the making. ``u`` is what one pixel at 1600 is here; ``plot`` is where the curves go."""

    def __init__(self, chart: UsageChart) -> None:
        self.chart = chart
        self.found = figures(chart)
        width = min(WIDEST, max(NARROWEST, chart.width))
        height = min(WIDEST, max(NARROWEST * 9 // 16, chart.height))
        self.canvas = Canvas(width, height)
        self.u = width / 1600
        self.margin = SIZES.margin * self.u
        peak = max((max(p.total, p.busy) for p in chart.points if p.covered > 0), default=0.0)
        self.top_value, self.value_step = scale(peak)
        self.plot: Box = (0, 0, 0, 0)

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
            self._strip(foot)
        return self.canvas.png()

    # Above and beside the plot.

    def _head(self) -> float:
        """Headline, subtitle and note; returns where they end."""
        u, canvas, note = self.u, self.canvas, self.chart.note
        y = head(canvas, self.chart.headline, self.chart.subtitle, u, cut)
        if note and self.chart.note_at is None:
            y += 58 * u
            words = cut(canvas, note, SIZES.text * u, canvas.width - 2 * self.margin, bold=True)
            canvas.text(self.margin, y, words, SIZES.text * u, style.IDLE_TEXT, bold=True)
        return y

    def _sides(self) -> tuple[int, int]:
        """Left and right of the plot: what the labels beside it leave."""
        u, canvas = self.u, self.canvas
        if self.found is None:
            return round(self.margin + 10 * u), round(canvas.width - self.margin - 10 * u)
        widest = max(canvas.measure(cores(v), SIZES.text * u) for v in self._values())
        ends = max(
            max(canvas.measure(value, SIZES.small * u), canvas.measure(name, SIZES.label * u, bold=True))
            for name, value, _, _ in self._end_labels()
        )
        strip = max((canvas.measure(line, SIZES.small * u) for line in self._strip_words()), default=0)
        right = canvas.width - self.margin / 2 - max(ends, strip) - 22 * u
        return round(self.margin + widest + 16 * u), round(right)

    def _strip_top(self) -> float:
        """Where the strip begins, or the picture's lower edge without one."""
        return self.canvas.height - (142 if self.chart.strip else 12) * self.u

    def _level(self, left: float, right: float, y: float, width: float, colour: Colour) -> None:
        """A crisp horizontal stroke."""
        thick = max(1, round(width * self.u))
        self.canvas.box((left, y - thick // 2, right, y - thick // 2 + thick), colour)

    def _upright(self, x: float, top: float, bottom: float, width: float, colour: Colour) -> None:
        """A crisp vertical stroke."""
        thick = max(1, round(width * self.u))
        self.canvas.box((x - thick // 2, round(top), x - thick // 2 + thick, round(bottom)), colour)

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
            self._level(left, right, y, 2, style.GRID)
            size = SIZES.text * self.u
            self.canvas.text(left - 16 * self.u, y + 0.36 * size, cores(value), size, style.MUTED, align="right")

    def _holes(self) -> None:
        """Time without samples: hatched, and named where there is room."""
        _, top, _, bottom = self.plot
        u, size = self.u, SIZES.small * self.u
        if self.found is None:
            self._nothing()
            return
        for begin, end in gaps(self.chart):
            box = (self._x(begin), top, self._x(end), bottom)
            self._hatch(box)
            width, middle = box[2] - box[0], (box[0] + box[2]) / 2
            words = self.canvas.measure("no data", size)
            if width > words + 40 * u:
                half = words / 2 + 14 * u
                self.canvas.box((middle - half, bottom - 78 * u, middle + half, bottom - 20 * u), style.VOID)
                self.canvas.text(middle, bottom - 36 * u, "no data", size, style.MUTED, align="center")
            elif (narrow := min(size, width - 2 * u)) >= SIZES.least * u and bottom - top > words + 40 * u:
                self.canvas.text(middle, bottom - words / 2 - 20 * u, "no data", narrow, style.MUTED, upright=True)

    def _hatch(self, box: Box) -> None:
        left, top, right, bottom = box
        self.canvas.box(box, style.VOID)
        height, pitch = bottom - top, 26 * self.u
        strokes = [
            (x, y)
            for n in range(math.floor((left - height) / pitch), math.ceil(right / pitch))
            for x, y in ((n * pitch, bottom), (n * pitch + height, top), (math.nan, math.nan))
        ]
        self.canvas.line(strokes, style.VOID_LINE, SIZES.thin * self.u, clip=box)

    def _nothing(self) -> None:
        """No sample in the whole window: say so, and say what there is."""
        left, top, right, bottom = self.plot
        u, middle = self.u, (left + right) / 2
        self._hatch(self.plot)
        kept = [point for point in self.chart.strip if point.covered > 0]
        more = f"samples are kept from {self._moment(kept[0].start)}" if kept else "nothing has been measured yet"
        y, first = (top + bottom) / 2, "No samples in this window"
        size, small = 52 * u, SIZES.text * u
        half = max(self.canvas.measure(first, size, bold=True), self.canvas.measure(more, small)) / 2 + 40 * u
        self.canvas.box((round(middle - half), round(y - 82 * u), round(middle + half), round(y + 84 * u)), style.PAPER)
        self.canvas.text(middle, y - 12 * u, first, size, style.INK, bold=True, align="center")
        self.canvas.text(middle, y + 52 * u, more, small, style.MUTED, align="center")

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
        if lines:  # full risers side by side would make one black mass: crowded, the whole line is a thin one
            width = SIZES.line * (0.45 if crowded else 1.0)
            self.canvas.line(np.concatenate(lines), style.INK, width * self.u)

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
        u, size = self.u, SIZES.text * self.u
        if self.found is not None:
            self._level(left, right, bottom, 3, style.MUTED)

        def width(tick: Tick) -> float:
            return len(tick.label) * 0.6 * size

        def fits(found: list[Tick]) -> bool:
            indexes = [(self._x(tick.at), width(tick)) for tick in found]
            return all(b - a > (wide + broad) / 2 + 26 * u for (a, wide), (b, broad) in pairwise(indexes))

        for tick in ticks(self.chart.since, self.chart.until, self.chart.zone, fits):
            x = self._x(tick.at)
            self._upright(x, bottom, bottom + 12 * u, 2, style.MUTED)
            half = self.canvas.measure(tick.label, size) / 2
            index = min(max(x, half + 8 * u), self.canvas.width - half - 8 * u)
            colour = style.INK if tick.strong else style.MUTED
            self.canvas.text(index, bottom + 52 * u, tick.label, size, colour, align="center")

    # At the end of the lines.

    def _end_labels(self) -> list[tuple[str, str, float, Colour]]:
        """(name, value, cores, colour), from the top."""
        if self.found is None:
            return []
        last = self.found.last
        return [
            ("ALL", in_cores(last.total), last.total, style.INK),
            ("BUSY", in_cores(last.busy), last.busy, style.BUSY_TEXT),
        ]

    def _ends(self) -> None:
        """Names and last values beside the lines' ends, pushed apart where they would touch; idle, given room."""
        labels = self._end_labels()
        if not labels:
            return
        _, top, right, bottom = self.plot
        u, x = self.u, right + 22 * self.u
        height = 96 * u
        indexes = apart([self._y(value) for _, _, value, _ in labels], height, top + 14 * u, bottom - 44 * u)
        for y, (name, value, _, colour) in zip(indexes, labels, strict=True):
            self.canvas.text(x, y - 4 * u, name, SIZES.label * u, colour, bold=True)
            self.canvas.text(x, y + 38 * u, value, SIZES.small * u, style.MUTED)
        upper, lower = indexes
        if lower - upper > 2.1 * height:
            y = (upper + lower) / 2
            idle = max(0.0, labels[0][2] - labels[1][2])
            self.canvas.text(x, y - 4 * u, "IDLE", SIZES.label * u, style.IDLE_TEXT, bold=True)
            self.canvas.text(x, y + 38 * u, cores(idle), SIZES.small * u, style.MUTED)

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
        self._upright(x, box[3], max(box[3], target - 6 * u), 4, style.IDLE_TEXT)
        self.canvas.box(box, style.IDLE)
        self.canvas.text(start + 18 * u, box[3] - 19 * u, words, size, style.IDLE_TEXT, bold=True)

    # The strip.

    def _strip(self, top: float) -> None:
        """The kept history with the window marked on it."""
        u, chart, canvas = self.u, self.chart, self.canvas
        step = self._strip_step()
        begin, end = min(chart.strip[0].start, chart.since), max(chart.strip[-1].start + step, chart.until)
        left, _, right, _ = self.plot
        lines = self._strip_words()
        if self.found is None:  # the plot went to the edge; the strip's words need room
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
        self._level(left, right, box[3], 2, style.PAST_BUSY)
        for edge in (window[0], window[2]):
            self._upright(edge, box[1] - 6 * u, box[3] + 2 * u, 4, style.BUSY_TEXT)
        y, size = self.canvas.height - 18 * u, SIZES.small * u
        canvas.text(left, y, self._moment(begin), size, style.MUTED)
        canvas.text(right, y, self._moment(end), size, style.MUTED, align="right")
        for n, line in enumerate(lines):
            canvas.text(right + 22 * u, top + (32 + 42 * n) * u, line, size, style.MUTED)

    def _strip_step(self) -> timedelta:
        """How long a bucket of the strip is: the least distance between two."""
        starts = [point.start for point in self.chart.strip]
        return min((b - a for a, b in pairwise(starts)), default=timedelta(seconds=self.chart.step))

    def _strip_words(self) -> tuple[str, ...]:
        """How much is shown of how much is kept, in two lines."""
        strip, window = self.chart.strip, self.chart.until - self.chart.since
        if not strip:
            return ()
        kept = strip[-1].start + self._strip_step() - strip[0].start
        return (span(window), f"of {span(kept)}") if kept > window else (span(kept), "kept so far")

    def _moment(self, at: datetime) -> str:
        """A date, with the time of day where the history is short."""
        local = at.astimezone(ZoneInfo(self.chart.zone))
        strip = self.chart.strip
        long = strip and strip[-1].start - strip[0].start > timedelta(days=2)
        return f"{local.day} {local:%b}" if long else f"{local:%a %H:%M}"


_ROUND = (10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 80)


def scale(peak: float) -> tuple[float, float]:
    """The value at the top of the axis and the step between its labels: whole round cores, at most four steps."""
    steps = (base * 10**power / 10 for power in range(14) for base in _ROUND)
    best = next(step for step in steps if step.is_integer() and 4 * step >= peak)
    return max(1, math.ceil(peak / best)) * best, best


def apart(wanted: Sequence[float], height: float, top: float, bottom: float) -> list[float]:
    """Places near the wanted ones (from the top), at least ``height`` apart and inside [top, bottom]."""
    indexes: list[float] = []
    for index in wanted:
        indexes.append(max(index, indexes[-1] + height if indexes else top))
    room = bottom
    for n in reversed(range(len(indexes))):
        indexes[n] = max(top, min(indexes[n], room))
        room = indexes[n] - height
    if len(indexes) == 2 and indexes[1] > wanted[1] and wanted[0] > top:  # share the push
        up = min((indexes[1] - wanted[1]) / 2, indexes[0] - top)
        indexes = [index - up for index in indexes]
    return indexes
