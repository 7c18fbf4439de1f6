"""What plots have in common: crisp strokes, hatched holes, time below, and names at the end instead of a legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from cards.charts import style
from cards.charts.canvas import Box, Canvas, Points
from cards.charts.labels import elided
from cards.charts.patterns import Plane
from cards.charts.style import SIZES, Colour
from cards.charts.timeaxis import Tick, ticks
from cards.charts.tones import Fill
from cards.charts.units import Axis, axis_labels

WIDEST, NARROWEST, TALLEST = 4000, 320, 6000
"""Pixels; what is outside is brought inside."""


def sheet_width(width: int) -> int:
    """A width that can be drawn."""
    return min(WIDEST, max(NARROWEST, width))


def sheet_height(height: int) -> int:
    """A height that can be drawn."""
    return min(WIDEST, max(NARROWEST * 9 // 16, height))


def level(canvas: Canvas, u: float, left: float, right: float, y: float, width: float, colour: Colour) -> None:
    """A crisp horizontal stroke."""
    thick = max(1, round(width * u))
    canvas.box((left, y - thick // 2, right, y - thick // 2 + thick), colour)


def upright(canvas: Canvas, u: float, x: float, top: float, bottom: float, width: float, colour: Colour) -> None:
    """A crisp vertical stroke."""
    thick = max(1, round(width * u))
    canvas.box((x - thick // 2, round(top), x - thick // 2 + thick, round(bottom)), colour)


def dashes(plane: Plane, start: float, end: float, across: float, colour: Colour, *, down: bool = False) -> None:
    """A dashed line over what is on the plane, from left to right, or from the top ``down``."""
    u = plane.u
    thick, dash, gap = max(2, round(4 * u)), max(3, round(22 * u)), max(2, round(14 * u))
    near = round(across) - thick // 2
    at = round(start)
    while at < end:
        till = min(at + dash, round(end))
        plane.box((near, at, near + thick, till) if down else (at, near, till, near + thick), colour)
        at += dash + gap


def hatch(canvas: Canvas, box: Box, u: float) -> None:
    """Where nothing is known."""
    left, top, right, bottom = box
    canvas.box(box, style.VOID)
    height, pitch = bottom - top, 26 * u
    strokes = [
        (x, y)
        for n in range(math.floor((left - height) / pitch), math.ceil(right / pitch))
        for x, y in ((n * pitch, bottom), (n * pitch + height, top), (math.nan, math.nan))
    ]
    canvas.line(strokes, style.VOID_LINE, SIZES.thin * u, clip=box)


def hole(canvas: Canvas, box: Box, u: float, words: str = "no data") -> None:
    """Hatched, and named where there is room."""
    left, top, right, bottom = box
    hatch(canvas, box, u)
    size = SIZES.small * u
    width, middle, wide = right - left, (left + right) / 2, canvas.measure(words, size)
    if width > wide + 40 * u:
        half = wide / 2 + 14 * u
        canvas.box((middle - half, bottom - 78 * u, middle + half, bottom - 20 * u), style.VOID)
        canvas.text(middle, bottom - 36 * u, words, size, style.MUTED, align="center")
    elif (narrow := min(size, width - 2 * u)) >= SIZES.least * u and bottom - top > wide + 40 * u:
        half = 0.6 * narrow
        canvas.box((middle - half, bottom - wide - 30 * u, middle + half, bottom - 10 * u), style.VOID)
        canvas.text(middle, bottom - wide / 2 - 20 * u, words, narrow, style.MUTED, upright=True)


def nothing(canvas: Canvas, box: Box, u: float, first: str, more: str = "") -> None:
    """The whole plot without a value: say so, and say what there is."""
    left, top, right, bottom = box
    hatch(canvas, box, u)
    middle, y = (left + right) / 2, (top + bottom) / 2
    size, small = 52 * u, SIZES.text * u
    half = max(canvas.measure(first, size, bold=True), canvas.measure(more, small)) / 2 + 40 * u
    below = 84 if more else 40
    canvas.box((round(middle - half), round(y - 82 * u), round(middle + half), round(y + below * u)), style.PAPER)
    canvas.text(middle, y - 2 * u - (10 * u if more else 0), first, size, style.INK, bold=True, align="center")
    if more:
        canvas.text(middle, y + 52 * u, more, small, style.MUTED, align="center")


def values_beside(canvas: Canvas, u: float, found: Axis, unit: str) -> float:
    """How wide the labels beside an axis are."""
    return max(canvas.measure(label, SIZES.text * u) for label in axis_labels(found, unit))


def grid(canvas: Canvas, u: float, box: Box, found: Axis, unit: str, y: Callable[[float], float]) -> None:
    """Lines at the axis's values with their labels to the left; the one at zero is darker."""
    left, _, right, _ = box
    size = SIZES.text * u
    for value, label in zip(found.values, axis_labels(found, unit), strict=True):
        at = y(value)
        level(canvas, u, left, right, at, 3 if not value else 2, style.MUTED if not value else style.GRID)
        canvas.text(left - 16 * u, at + 0.36 * size, label, size, style.MUTED, align="right")


def time_axis(
    canvas: Canvas, u: float, bottom: float, window: tuple[datetime, datetime, str], x: Callable[[datetime], float]
) -> None:
    """Round hours and days below a plot; ``window`` is since, until and the zone's name."""
    size = SIZES.text * u
    edge = max(8 * u, SIZES.frame * u + 3.0)  # in pixels: beside the border stays paper, however small the sheet

    def fits(found: list[Tick]) -> bool:
        places = [(x(tick.at), len(tick.label) * 0.6 * size) for tick in found]
        return all(b - a > (wide + broad) / 2 + 26 * u for (a, wide), (b, broad) in pairwise(places))

    for tick in ticks(*window, fits):
        at = x(tick.at)
        upright(canvas, u, at, bottom, bottom + 12 * u, 2, style.MUTED)
        half = canvas.measure(tick.label, size) / 2
        middle = min(max(at, half + edge), canvas.width - half - edge)
        colour = style.INK if tick.strong else style.MUTED
        canvas.text(middle, bottom + 52 * u, tick.label, size, colour, align="center")


class Stroke(Struct, frozen=True):
    """How a line is drawn: its colour, its width and its dashes, at 1600."""

    colour: Colour
    width: float
    dash: tuple[float, ...] = ()

    def draw(self, canvas: Canvas, points: Points, u: float) -> None:
        """A line through points; a row with NaN lifts the pen."""
        canvas.line(points, self.colour, max(1.0, self.width * u), dash=tuple(each * u for each in self.dash))


class EndLabel(Struct, frozen=True):
    """A name beside the end of what it names: at height ``y``, with a sample of how it is drawn, and figures.

    ``second`` is how that is drawn which the second of the lines tells, ``plain`` that the fill has no pattern here.
    """

    name: str
    lines: tuple[str, ...]
    y: float
    fill: Fill | None = None
    stroke: Stroke | None = None
    second: Stroke | None = None
    plain: bool = False


_WIDEST_NAME = 470
"""How wide names at the end may get, at 1600."""
_SAMPLE = 62
"""Where names begin, behind the sample."""


class Ends:
    """The column of names to the right of a plot."""

    def __init__(self, canvas: Canvas, u: float, names: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        """``names`` with the lines under each, from the top; their heights come later."""
        self.canvas, self.u = canvas, u
        wanted = max((len(lines) for _, lines in names), default=0)
        self.lines = max((n for n in range(wanted + 1) if len(names) * _height(n) <= _COLUMN), default=0)
        self.width = 0.0
        if names:
            figures = [canvas.measure(line, SIZES.small * u) for _, lines in names for line in lines[: self.lines]]
            widest = max(canvas.measure(name, SIZES.label * u, bold=True) for name, _ in names)
            self.width = max(min(_WIDEST_NAME * u, widest), *figures, 0.0) + (_SAMPLE + 4) * u

    def draw(self, labels: Sequence[EndLabel], x: float, top: float, bottom: float) -> None:
        """Beside ``x``, in their order from the top, pushed apart where they would touch."""
        u, canvas, height = self.u, self.canvas, _height(self.lines) * self.u
        text, room = x + _SAMPLE * u, self.width - (_SAMPLE + 4) * u
        lowest = max(top + 14 * u, bottom - height + 48 * u)
        for y, label in zip(apart([label.y for label in labels], height, top + 14 * u, lowest), labels, strict=True):
            self._sample(label, x + 16 * u, y)
            size = SIZES.label * u
            while size > SIZES.phone * u and canvas.measure(label.name, size, bold=True) > room:
                size -= 2 * u
            canvas.text(text, y - 4 * u, elided(canvas, label.name, size, room, bold=True), size, style.INK, bold=True)
            for n, line in enumerate(label.lines[: self.lines]):
                canvas.text(text, y + (42 + 46 * n) * u, line, SIZES.small * u, style.MUTED)

    def _sample(self, label: EndLabel, x: float, y: float) -> None:
        u, canvas = self.u, self.canvas
        if label.fill is not None:
            sample = Plane(round(34 * u), round(34 * u), u)
            sample.fill((0, 0, *sample.pixels.shape[:2]), label.fill, plain=label.plain)
            canvas.stamp(round(x), round(y - 34 * u), sample.pixels)
        if label.stroke is not None:
            label.stroke.draw(canvas, [(x, round(y - 18 * u)), (x + 36 * u, round(y - 18 * u))], u)
        if label.second is not None and self.lines > 1:
            label.second.draw(canvas, [(x, round(y + 74 * u)), (x + 36 * u, round(y + 74 * u))], u)


_COLUMN = 640
"""How high a column of names may get at 1600 before it is given fewer lines."""


def _height(lines: int) -> float:
    """From one name to the next, at 1600."""
    return 58 + 46 * lines


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
