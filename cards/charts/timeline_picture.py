"""The timeline picture: what waited and what ran, row by row over time, with what took the time written above."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.labels import cut, elided, head
from cards.charts.patterns import LEAST, Plane
from cards.charts.plot import level, nothing, sheet_width, time_axis, upright
from cards.charts.style import SIZES, Colour, Ramps
from cards.charts.timeline import KINDS, NAMES, Kind, Row, Stage, Timeline
from cards.charts.tones import TONED, Fill, fills
from cards.formatting import number

_AMBER, _RED = fills(["idle"] * 4), fills(["bad"] * 2)
FILLS: dict[Kind, Fill] = {
    "held": fills(["other"])[0],
    "nodes": _AMBER[0],
    "boot": _AMBER[1],
    "start": _AMBER[2],
    "slots": Fill(style.PAST, style.PAST, style.PAST_BUSY),
    "preparation": fills(["good"])[0],
    "requeued": _AMBER[3],
    "unknown": Fill(style.VOID, style.VOID_LINE, style.MUTED, "rising"),
    "earlier": _RED[1],
    "failed": _RED[0],
    "run": fills(["busy"])[0],
}
_SHADES: tuple[Colour, ...] = (
    style.VOID,
    (216, 229, 250),
    (177, 203, 245),
    (137, 177, 240),
    (98, 151, 235),
    style.BUSY,
)
"""How busy a row of many is: not at all, up to a fifth, and so on."""
_RAMPS: Ramps = (
    *TONED,
    (style.PAPER, style.PAST, 0),
    (style.PAPER, style.PAST_BUSY, 0),
    *((style.PAPER, shade, 0) for shade in _SHADES),
)
_PITCH, _LANE, _NAMED = 66, 16, 44
"""A row's height at most, that of a lane where it has several, and what a name needs, at 1600."""
_QUEUE, _LINE, _STRIP, _FOOT = 190, 46, 22, 96
_WIDEST_NAME = 330
_TOLD = 0.02
"""The share of the time from which on a stage is told in words."""
_SHORT = 300
"""Seconds up to which a window has no round five minutes: its begin and end are written instead."""


def draw_timeline(chart: Timeline) -> bytes:
    """The picture as PNG bytes: never higher than wide. Widths outside 320 … 4000 pixels are brought inside."""
    return _TimelinePicture(chart).draw()


class _TimelinePicture:
    """One picture in the making; ``u`` is what one pixel at 1600 is here, ``left`` and ``right`` bound the plot."""

    def __init__(self, chart: Timeline) -> None:
        self.chart = chart
        self.width = sheet_width(chart.width)
        self.u = self.width / 1600
        self.margin = round(SIZES.margin * self.u)
        self.seconds = max(1e-3, (chart.until - chart.since).total_seconds())
        draft = Canvas(self.width, 16, _RAMPS)  # measures; it is never drawn
        names = [draft.measure(row.name, SIZES.small * self.u, bold=row.strong) for row in chart.rows]
        if chart.queue:
            names.append(draft.measure(self._most_words(), SIZES.small * self.u))
        wide = min(_WIDEST_NAME * self.u, max(names, default=0.0))
        self.left = self.margin + round(wide + 16 * self.u if wide else 0)
        self.right = self.width - self.margin
        self.top = head(draft, chart.headline, chart.subtitle, self.u, cut) + 36 * self.u
        self.legend, self.top = self._legend(draft, self.top)
        self.labels = self._labels(draft)

    def draw(self) -> bytes:
        """Everything, once it is known how high it gets."""
        u, chart = self.u, self.chart
        strip = round(self.top + (10 + _LINE * self._lines()) * u) if chart.stages else round(self.top)
        queue = strip + round((_STRIP + 22) * u if chart.stages else 10 * u)
        rows = queue + round((_QUEUE + 20 if chart.queue else _LINE + 8 if chart.marks else 0) * u)
        foot = round(_FOOT * u)
        most = min(self.width, chart.height or self.width)
        lanes = max((len(row.lanes) for row in chart.rows), default=1)
        pitch = min(max(_PITCH, _LANE * lanes) * u, max(1.0, (most - foot - rows) / max(1, len(chart.rows))))
        bottom = rows + max(round(pitch * len(chart.rows)), round(60 * u))
        canvas = Canvas(self.width, min(self.width, bottom + foot), _RAMPS)
        bottom = min(bottom, canvas.height - foot)
        head(canvas, chart.headline, chart.subtitle, u, cut)
        self._draw_legend(canvas)
        if not chart.rows:
            nothing(canvas, (self.margin, rows, self.right, bottom), u, "Nothing has happened yet")
            return canvas.png()
        self._stages(canvas, strip)
        if chart.queue:
            self._queue(canvas, queue, queue + round(_QUEUE * u))
        self._rows(canvas, rows, bottom, pitch)
        self._marks(canvas, queue, bottom)
        self._time(canvas, bottom)
        return canvas.png()

    def _x(self, seconds: float) -> float:
        return self.left + min(1.0, max(0.0, seconds / self.seconds)) * (self.right - self.left)

    # The legend.

    def _legend(self, canvas: Canvas, top: float) -> tuple[list[tuple[float, float, str, Fill | None]], float]:
        """(left, baseline, words, fill) of each entry, and where the last line ends; without a fill: the shades."""
        u, size = self.u, SIZES.small * self.u
        used = {span.kind for row in self.chart.rows for lane in row.lanes for span in lane}
        used |= {queue.kind for queue in self.chart.queue if any(queue.values)}
        entries: list[tuple[str, Fill | None]] = []
        if any(row.shares for row in self.chart.rows):
            used -= {"run"}
            entries.append(("slots busy", None))
            if any(row.failures for row in self.chart.rows):
                used |= {"failed"}
        entries = [(NAMES[kind], FILLS[kind]) for kind in KINDS if kind in used] + entries
        found: list[tuple[float, float, str, Fill | None]] = []
        x, y = float(self.margin), top + 34 * u
        for words, fill in entries:
            sample = 48 * u if fill else 34 * u * len(_SHADES) + 14 * u
            wide = sample + canvas.measure(words, size) + 40 * u
            if x + wide - 40 * u > self.right and x > self.margin:
                x, y = float(self.margin), y + 52 * u
            found.append((x, y, words, fill))
            x += wide
        return found, (y + 26 * u if found else top)

    def _draw_legend(self, canvas: Canvas) -> None:
        u, side = self.u, round(34 * self.u)
        for x, y, words, fill in self.legend:
            top, left, wide = round(y - 30 * u), round(x), 48 * u
            if fill is None:
                for n, shade in enumerate(_SHADES):
                    canvas.box((left + n * side, top, left + (n + 1) * side, top + side), shade)
                wide = side * len(_SHADES) + 14 * u
            else:
                sample = Plane(side, side, u)
                sample.fill((0, 0, side, side), fill)
                canvas.stamp(left, top, sample.pixels)
            canvas.text(x + wide, y, words, SIZES.small * u, style.INK)

    # What took the time.

    def _labels(self, canvas: Canvas) -> list[tuple[float, int, str]]:
        """(left, line, words) of the stages that find room in one of two lines, the longest first."""
        size, gap = SIZES.small * self.u, 30 * self.u
        taken: list[tuple[float, float, int]] = []
        found: list[tuple[float, int, str]] = []
        for stage in sorted(self.chart.stages, key=lambda each: each.begin - each.end):
            wide = canvas.measure(stage.words, size)
            if stage.end - stage.begin < _TOLD * self.seconds or wide > self.right - self.margin:
                continue
            middle = (self._x(stage.begin) + self._x(stage.end)) / 2
            left = min(max(self.margin, middle - wide / 2), self.right - wide)
            for line in (0, 1):
                if all(line != other or left > end + gap or left + wide + gap < begin for begin, end, other in taken):
                    taken.append((left, left + wide, line))
                    found.append((left, line, stage.words))
                    break
        return found

    def _lines(self) -> int:
        return 1 + max((line for _, line, _ in self.labels), default=-1)

    def _stages(self, canvas: Canvas, top: int) -> None:
        """A strip over the plot, with words over what took longest."""
        u = self.u
        for left, line, words in self.labels:
            canvas.text(left, top - (14 + _LINE * line) * u, words, SIZES.small * u, style.INK)
        plane = Plane(self.right - self.left, round(_STRIP * u), u)
        for stage in self.chart.stages:
            self._box(plane, stage, 0, plane.pixels.shape[0])
        canvas.stamp(self.left, top, plane.pixels)

    def _box(self, plane: Plane, what: Stage, top: float, bottom: float) -> None:
        left, right = self._x(what.begin) - self.left, self._x(what.end) - self.left
        right = max(right - (2 if right - left > 6 * self.u else 0), left + 1)
        plane.fill((left, top, right, bottom), FILLS[what.kind], plain=right - left < LEAST * self.u)

    # How many waited.

    def _most(self) -> float:
        return max((sum(each) for each in zip(*(q.values for q in self.chart.queue), strict=True)), default=0.0)

    def _most_words(self) -> str:
        return f"{number(round(self._most()))} wait"

    def _queue(self, canvas: Canvas, top: int, bottom: int) -> None:
        """Stacked areas of what waited."""
        u, most = self.u, self._most()
        size = SIZES.small * u
        canvas.text(self.left - 16 * u, top + size, self._most_words(), size, style.MUTED, align="right")
        canvas.text(self.left - 16 * u, bottom, "0", size, style.MUTED, align="right")
        wide, high = self.right - self.left, bottom - top
        plane = Plane(wide, high, u)
        under = np.full(wide, float(high))
        for each in self.chart.queue:
            values = np.array(each.values)
            if not len(values) or most <= 0:
                continue
            columns = np.minimum((np.arange(wide) * len(values)) // wide, len(values) - 1)
            over = under - values[columns] / most * high
            # Whole pixels for what is there at all, so that one of a thousand is still seen.
            over = np.where((values[columns] > 0) & (over > under - 1), under - 1, np.floor(over))
            plane.between(np.maximum(over, 0), under, FILLS[each.kind])
            under = np.maximum(over, 0)
        canvas.stamp(self.left, top, plane.pixels)
        level(canvas, u, self.left, self.right, bottom, 2, style.MUTED)

    # The rows.

    def _rows(self, canvas: Canvas, top: int, bottom: int, pitch: float) -> None:
        u = self.u
        plane = Plane(self.right - self.left, bottom - top, u)
        apart = max(1.0, 0.16 * pitch) if pitch >= 4 else 0.0
        every = max(1, math.ceil(_NAMED * u / pitch))
        for n, row in enumerate(self.chart.rows):
            high, low = (
                round(n * pitch + apart / 2),
                max(round(n * pitch + apart / 2) + 1, round((n + 1) * pitch - apart / 2)),
            )
            if row.shares:
                self._shades(plane, row, high, low)
            for m, lane in enumerate(row.lanes):
                begin = round(high + m * (low - high) / len(row.lanes))
                end = max(begin + 1, round(high + (m + 1) * (low - high) / len(row.lanes)) - (len(row.lanes) > 1))
                for span in lane:
                    self._span(plane, span.kind, span.begin, span.end, begin, end)
            if n % every == 0:
                size = SIZES.small * u
                name = elided(canvas, row.name, size, self.left - self.margin - 16 * u, bold=row.strong)
                y = min(top + n * pitch + pitch / 2, bottom - pitch / 2) + 0.36 * size
                colour = style.INK if row.strong else style.MUTED
                canvas.text(self.left - 16 * u, y, name, size, colour, bold=row.strong, align="right")
        canvas.stamp(self.left, top, plane.pixels)
        level(canvas, u, self.left, self.right, bottom, 2, style.MUTED)

    def _span(self, plane: Plane, kind: Kind, begin: float, end: float, top: int, bottom: int) -> None:
        """A span, parted from the next one where there is room for that; anything there at all can be seen."""
        left, right = round(self._x(begin)) - self.left, round(self._x(end)) - self.left
        if right - left > 3:
            right -= 1
        right = max(right, left + 1)
        left = min(left, plane.pixels.shape[1] - 1)
        fill = FILLS[kind]
        if right - left < LEAST * self.u or bottom - top < LEAST * self.u / 2:
            plane.box((left, top, right, bottom), fill.colour)
        else:
            plane.fill((left, top, right, bottom), fill)

    def _shades(self, plane: Plane, row: Row, top: int, bottom: int) -> None:
        """How busy a row was, part by part, and marks below where something failed."""
        wide = plane.pixels.shape[1]
        shares = np.array(row.shares)
        places = np.minimum((np.arange(wide) * len(shares)) // wide, len(shares) - 1)
        levels = np.where(shares > 0, np.clip(np.ceil(shares * (len(_SHADES) - 1)), 1, len(_SHADES) - 1), 0)
        table = np.array([(*shade, 255) for shade in _SHADES], dtype=np.uint8)
        plane.pixels[top:bottom, :] = table[levels[places].astype(int)]
        if any(row.failures):
            failed = np.array(row.failures)
            marked = failed[np.minimum((np.arange(wide) * len(failed)) // wide, len(failed) - 1)] > 0
            thick = max(1, round((bottom - top) / 3))
            plane.pixels[bottom - thick : bottom, marked] = (*FILLS["failed"].colour, 255)

    def _marks(self, canvas: Canvas, top: int, bottom: int) -> None:
        """Moments as dark lines, told beside their upper end where there is room."""
        u, size, taken = self.u, SIZES.small * self.u, float("-inf")
        marks = sorted(self.chart.marks, key=lambda each: each.at)
        places = [round(self._x(mark.at)) for mark in marks]
        for x in places:
            upright(canvas, u, x, top, bottom, 4, style.INK)
        for n, (x, mark) in enumerate(zip(places, marks, strict=True)):
            wide, gap = canvas.measure(mark.words, size), 12 * u
            before, after = (
                (places[n - 1] if n else self.margin),
                (places[n + 1] if n + 1 < len(places) else self.right),
            )
            free = [left for left in (x + gap, x - gap - wide) if max(taken, before) < left and left + wide <= after]
            if free:  # beside no other moment's line, or it would be taken for that one's words
                canvas.text(free[0], top + size, mark.words, size, style.INK)
                taken = free[0] + wide + 20 * u

    # Time.

    def _time(self, canvas: Canvas, bottom: int) -> None:
        u, chart = self.u, self.chart
        if self.seconds >= _SHORT:
            window = (chart.since, chart.until, chart.zone)
            time_axis(canvas, u, bottom, window, lambda at: self._x((at - chart.since).total_seconds()))
            return
        zone, size = ZoneInfo(chart.zone), SIZES.text * u
        for at, x in ((chart.since, self.left), (chart.until, self.right)):
            upright(canvas, u, x, bottom, bottom + 12 * u, 2, style.MUTED)
            words = _clock(at.astimezone(zone))
            half = canvas.measure(words, size) / 2
            middle = min(max(x, half + 8 * u), canvas.width - half - 8 * u)
            canvas.text(middle, bottom + 52 * u, words, size, style.MUTED, align="center")


def _clock(at: datetime) -> str:
    """To the second, rounded."""
    return f"{at + timedelta(microseconds=500_000):%H:%M:%S}"
