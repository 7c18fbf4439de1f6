"""The topology picture: boxes in layers, what they are made of as bars, and lines between what hangs together."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.labels import elided, head
from cards.charts.layers import ordered, spread
from cards.charts.node_states import RUNNING, STYLES, YELLOW, on
from cards.charts.style import SIZES, Colour, Ramps
from cards.charts.topology import KINDS, Box, Kind, Mark, Topology

WIDEST, NARROWEST, TALLEST = 4000, 320, 9000
"""Pixels."""
_PITCH, _PITCH_MOST, _GAP = 82, 124, 76
"""From one box to the next below at least and at most; between two columns."""
_ROOT, _ROOT_LEAST, _DOWN_PITCH, _DOWN_LEAST = 62, 300, 132, 100
_ROWS = 1180
"""Room for boxes below each other, at which the sheet is about as high as it is wide."""
_LEAST, _WELL = 220, 620
"""Width of a box at least, and that of one that has more room than its name needs."""
_DEEP, _NARROW = 6, 5
"""More layers than fit side by side, with no more boxes in each than fit side by side: these go from top to bottom."""

_RED: Colour = (140, 11, 24)
_ORANGE: Colour = (240, 124, 0)
_PALE_RED: Colour = (252, 228, 228)
_PALE_ORANGE: Colour = (255, 232, 204)
_PALE_YELLOW: Colour = (255, 249, 234)
_TIE: Colour = (176, 188, 202)
_GREY: Colour = (203, 203, 219)
_COLOURS: dict[Kind, Colour] = {
    "failed": _RED,
    "bad": _RED,
    "blocked": _ORANGE,
    "gone": STYLES[4].colour,
    "changing": YELLOW,
    "waiting": _GREY,
    "idle": _GREY,
    "running": RUNNING[3],
    "done": RUNNING[1],
}
_WORDS: dict[Kind, str] = {"gone": "preempted", "blocked": "blocked for ever"}
_GROUND: dict[Mark, Colour] = {
    "failed": _PALE_RED,
    "blocked": _PALE_ORANGE,
    "warning": _PALE_YELLOW,
    "plain": style.VOID,
    "quiet": style.PAPER,
}
_EDGE: dict[Mark, Colour] = {
    "failed": _RED,
    "blocked": _ORANGE,
    "warning": style.IDLE_TEXT,
    "plain": style.MUTED,
    "quiet": style.VOID_LINE,
}
_NOTE: dict[Mark, Colour] = {"failed": _RED, "blocked": style.IDLE_TEXT, "warning": style.IDLE_TEXT}
_SYMBOL: dict[Mark, str] = {"failed": "✖ ", "blocked": "■ ", "warning": "▲ "}
_RAMPS: Ramps = (
    (style.PAPER, style.INK, 9),
    (style.PAPER, style.MUTED, 6),
    *((ground, style.INK, 5) for ground in _GROUND.values()),
    *((_GROUND[mark], colour, 4) for mark, colour in _NOTE.items()),
    (style.VOID, style.MUTED, 4),
    (style.PAPER, _TIE, 3),
    (style.PAPER, _RED, 3),
    *((colour, on(colour), 0) for colour in dict.fromkeys([*_COLOURS.values(), *_EDGE.values()])),
)


class _Placed(Struct, frozen=True):
    """A box and its rectangle."""

    box: Box
    left: int
    top: int
    right: int
    bottom: int

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def draw_topology(chart: Topology) -> bytes:
    """The picture as PNG bytes. Widths outside 320 … 4000 pixels are brought inside."""
    return _TopologyPicture(chart).draw()


class _TopologyPicture:
    """One picture in the making; ``u`` is what one pixel at 1600 is here."""

    def __init__(self, chart: Topology) -> None:
        self.chart = chart
        self.width = min(WIDEST, max(NARROWEST, chart.width))
        self.u = self.width / 1600
        self.margin = round(SIZES.margin * self.u)
        self._draft = Canvas(self.width, 16, _RAMPS)  # it measures, and is never drawn
        known = {box.key: box for box in chart.boxes}
        self.ties = tuple(
            tie
            for tie in chart.ties
            if tie.source in known and tie.target in known and known[tie.source].layer < known[tie.target].layer
        )
        self.layers = ordered(tuple(known.values()), self.ties)
        self.boxes = known
        self.most = max(map(len, self.layers), default=0)
        filled = sum(bool(layer) for layer in self.layers)
        self.down = filled > _DEEP and self.most <= _NARROW

    def draw(self) -> bytes:
        """Everything, once it is known how high it gets."""
        u, draft = self.u, self._draft
        y = head(draft, self.chart.headline, self.chart.subtitle, u) + 36 * u
        legend, top = self._legend(draft, y)
        named = not self.down and any(layer.name for layer in self.chart.layers)
        top += round(88 * u) if named else round(24 * u)
        placed, bottom = self._from_the_top(top) if self.down else self._side_by_side(top)
        if not placed:
            bottom = top + round(80 * u)
        canvas = Canvas(self.width, min(TALLEST, bottom + self.margin), _RAMPS)
        head(canvas, self.chart.headline, self.chart.subtitle, u)
        for x, at, words, colour in legend:
            canvas.box((round(x), round(at), round(x) + round(36 * u), round(at) + round(36 * u)), colour)
            canvas.text(x + 48 * u, at + 31 * u, words, SIZES.small * u, style.INK)
        if not placed:
            canvas.text(self.margin, top + 40 * u, "Nothing there", SIZES.text * u, style.MUTED)
            return canvas.png()
        self._lines(canvas, placed, top, bottom)
        if named:
            self._names(canvas, top - round(26 * u))
        if self.chart.root:
            self._root(canvas, top, bottom)
        for each in placed.values():
            self._box(canvas, each)
        return canvas.png()

    def _legend(self, canvas: Canvas, top: float) -> tuple[list[tuple[float, float, str, Colour]], int]:
        """(left, top, words, colour) for every colour of the bars, and where the last line ends."""
        u = self.u
        used = {part.kind for box in self.chart.boxes for part in box.parts}
        named: dict[Colour, list[str]] = {}
        for kind in KINDS:
            if kind in used:
                named.setdefault(_COLOURS[kind], []).append(_WORDS.get(kind, kind))
        entries: list[tuple[float, float, str, Colour]] = []
        x = float(self.margin)
        for colour, kinds in named.items():
            words = " or ".join(kinds)
            wide = 48 * u + canvas.measure(words, SIZES.small * u)
            if x + wide > self.width - self.margin and x > self.margin:
                x, top = self.margin, top + 54 * u
            entries.append((x, top, words, colour))
            x += wide + 44 * u
        return entries, round(top + (40 * u if entries else 0))

    # Where boxes stand.

    def _side_by_side(self, top: int) -> tuple[dict[str, _Placed], int]:
        """Layers as columns from left to right, each over the whole height."""
        u, columns = self.u, self._columns()
        pitch = min(_PITCH_MOST, max(_PITCH, _ROWS / max(1, self.most))) * u
        high = max(self.most * pitch, _ROOT_LEAST * u if self.chart.root else 0.0)
        placed = {}
        for key, (depth, index) in spread(self.layers).items():
            count = len(self.layers[depth])
            step = high / count
            tall = min(pitch * 0.86, 92 * u)
            y = top + high / 2 + index * step
            left, right = columns[depth]
            placed[key] = _Placed(self.boxes[key], left, round(y - tall / 2), right, round(y + tall / 2))
        return placed, round(top + high)

    def _columns(self) -> list[tuple[int, int]]:
        """Left and right of every layer; one without boxes takes no room.

        Each is as wide as its names need, as long as there is room; where there is not, what is left over by those that
        need less than their share goes to the others.
        """
        u, gap = self.u, _GAP * self.u
        weights = [
            (self.chart.layers[depth].weight if depth < len(self.chart.layers) else 1.0) if layer else 0.0
            for depth, layer in enumerate(self.layers)
        ]
        start = self.margin + ((_ROOT + _GAP) * u if self.chart.root else 0)
        filled = sum(weight > 0 for weight in weights)
        room = self.width - self.margin - start - gap * max(0, filled - 1)
        needs = [self._needed(self.boxes[key] for key in layer) if layer else 0.0 for layer in self.layers]
        wides, open_ = [0.0] * len(weights), {depth for depth, weight in enumerate(weights) if weight > 0}
        left = room
        while open_:
            share = {depth: left * weights[depth] / sum(weights[each] for each in open_) for depth in open_}
            content = {depth for depth in open_ if needs[depth] <= share[depth]}
            for depth in content or open_:
                wides[depth] = needs[depth] if content else share[depth]
            left -= sum(wides[depth] for depth in content)
            open_ = open_ - content if content else set()
        if (spare := room - sum(wides)) > 0:  # all names are whole: boxes may be as wide as looks well
            wides = [max(wide, min(_WELL * u, wide + spare * wide / sum(wides))) for wide in wides]
        columns, x = [], start
        for wide, weight in zip(wides, weights, strict=True):
            columns.append((round(x), round(x + wide)))
            x += wide + gap if weight else 0.0
        return columns

    def _needed(self, boxes: Iterable[Box]) -> float:
        """How wide boxes have to be for their names and notes, within what looks like a box."""
        u, canvas = self.u, self._draft
        size = SIZES.text * u
        most = max(
            canvas.measure(_SYMBOL.get(box.mark, "") + box.label, size)
            + (canvas.measure(box.note, size) + 18 * u if box.note else 0.0)
            for box in boxes
        )
        return max(_LEAST * u, most + 48 * u)

    def _from_the_top(self, top: int) -> tuple[dict[str, _Placed], int]:
        """Layers as rows from top to bottom."""
        u, gap = self.u, 28 * self.u
        start = self.margin
        room = self.width - 2 * self.margin
        pitch = min(_DOWN_PITCH, max(_DOWN_LEAST, _ROWS / max(1, sum(map(bool, self.layers)))))
        wide = min(self._needed(self.boxes.values()), (room - gap * (self.most - 1)) / self.most)
        filled = [depth for depth, layer in enumerate(self.layers) if layer]
        placed = {}
        for key, (depth, index) in spread(self.layers).items():
            x = start + room / 2 + index * (wide + gap)
            y = top + (filled.index(depth) + 0.5) * pitch * u
            tall = 84 * u
            box = self.boxes[key]
            placed[key] = _Placed(
                box, round(x - wide / 2), round(y - tall / 2), round(x + wide / 2), round(y + tall / 2)
            )
        return placed, round(top + len(filled) * pitch * u)

    # What is drawn.

    def _lines(self, canvas: Canvas, placed: dict[str, _Placed], top: int, bottom: int) -> None:
        """Ties as curves, the failing ones in red on top."""
        plain: list[NDArray[np.float64]] = []
        failing: list[NDArray[np.float64]] = []
        for tie in self.ties:
            source, target = placed[tie.source], placed[tie.target]
            if self.down:
                curve = _curve((source.middle[0], source.bottom), (target.middle[0], target.top), down=True)
            else:
                curve = _curve((source.right, source.middle[1]), (target.left, target.middle[1]))
            (failing if tie.failing else plain).append(curve)
        if self.chart.root and not self.down:
            right = self.margin + _ROOT * self.u
            first = next((depth for depth, layer in enumerate(self.layers) if layer), 0)
            for each in placed.values():
                if each.box.layer == first or each.box.key in self.chart.rooted:
                    y = min(max(each.middle[1], top), bottom)
                    plain.append(_curve((right, y), (each.left, each.middle[1])))
        for curves, colour, wide in ((plain, _TIE, 2.5), (failing, _RED, 5)):
            if curves:
                canvas.line(np.concatenate(curves), colour, wide * self.u)

    def _names(self, canvas: Canvas, y: int) -> None:
        size = SIZES.small * self.u
        for depth, (left, right) in enumerate(self._columns()):
            if depth < len(self.chart.layers) and right > left:
                name = elided(canvas, self.chart.layers[depth].name.upper(), size, right - left, bold=True)
                canvas.text(left, y, name, size, style.MUTED, bold=True)

    def _root(self, canvas: Canvas, top: int, bottom: int) -> None:
        """What everything belongs to, as an upright bar."""
        box = (self.margin, top, self.margin + round(_ROOT * self.u), bottom)
        canvas.box(box, style.INK)
        size = SIZES.small * self.u
        name = elided(canvas, self.chart.root, size, bottom - top - 24 * self.u, bold=True)
        canvas.text((box[0] + box[2]) / 2, (top + bottom) / 2, name, size, style.PAPER, upright=True)

    def _box(self, canvas: Canvas, placed: _Placed) -> None:
        """A ground, an edge, a name, a note, and below them the bar."""
        u, box = self.u, placed.box
        left, top, right, bottom = placed.left, placed.top, placed.right, placed.bottom
        edge, bar = max(2, round(8 * u)), max(2, round((bottom - top) * (0.19 if bottom - top > 70 * u else 0.15)))
        line = max(1, round(2 * u))
        canvas.box((left, top, right, bottom), _EDGE[box.mark] if box.mark != "plain" else style.VOID_LINE)
        canvas.box((left + edge, top + line, right - line, bottom - line), _GROUND[box.mark])
        canvas.box((left, top, left + edge, bottom), _EDGE[box.mark])
        if box.of > 1:  # a pile: a second edge behind
            canvas.box((left + edge + 2 * line, top + line, left + edge + 3 * line, bottom - line), _EDGE[box.mark])
        if box.parts:
            self._bar(canvas, box, (left + edge, bottom - bar, right - line, bottom - line))
        size = min(SIZES.text * u, (bottom - top - bar) * 0.76)
        start, end = left + edge + 16 * u, right - 12 * u
        y = (top + bottom - (bar if box.parts else 0)) / 2 + 0.36 * size
        words = _SYMBOL.get(box.mark, "") + box.label
        wanted = canvas.measure(words, size) + 18 * u
        room = max(0.0, (end - start) - min(wanted, 0.66 * (end - start)))
        if box.mark in ("plain", "quiet") and 0.66 * (end - start) < wanted - 18 * u <= end - start:
            room = max(0.0, (end - start) - wanted)  # a whole name is worth more than a note of what is well
        if note := _words_within(canvas, box.note, size, room):
            canvas.text(end, y, note, size, _NOTE.get(box.mark, style.MUTED), align="right")
            end -= canvas.measure(note, size) + 18 * u
        words = elided(canvas, words, size, max(0.0, end - start))
        canvas.text(start, y, words, size, style.MUTED if box.mark == "quiet" else style.INK)

    def _bar(self, canvas: Canvas, box: Box, room: tuple[int, int, int, int]) -> None:
        """Parts to scale, but anything there at all is seen."""
        left, top, right, bottom = room
        least = min(max(2, round(6 * self.u)), max(1, (right - left) // (2 * len(box.parts))))
        total = sum(part.count for part in box.parts)
        spare = right - left - least * len(box.parts)
        x = float(left)
        for part in box.parts:
            wide = least + spare * part.count / total
            canvas.box((round(x), top, round(x + wide), bottom), _COLOURS[part.kind])
            x += wide


def _words_within(canvas: Canvas, note: str, size: float, room: float) -> str:
    """A note, or what says most of it where there is not room for all: ``2 of 11 bad``, ``2 bad``, ``2``."""
    words = note.split()
    shorter = [note, " ".join((words[0], words[-1])), words[0]] if words else []
    return next((each for each in shorter if canvas.measure(each, size) <= room), "")


def _curve(start: tuple[float, float], end: tuple[float, float], *, down: bool = False) -> NDArray[np.float64]:
    """An S between two points, level (or upright) at both ends, and a lifted pen."""
    t = np.linspace(0, 1, 15 if math.dist(start, end) > 8 else 2)
    eased = t * t * (3 - 2 * t)
    (x0, y0), (x1, y1) = start, end
    points = (
        np.column_stack([x0 + eased * (x1 - x0), y0 + t * (y1 - y0)])
        if down
        else np.column_stack([x0 + t * (x1 - x0), y0 + eased * (y1 - y0)])
    )
    return np.vstack([points, [np.nan, np.nan]])
