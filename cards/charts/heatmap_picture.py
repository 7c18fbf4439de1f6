"""The heat map picture: the finding, a legend with the counts, and a square a node.

Every distinct square is drawn once, letter and all, and then copied: 2,500 nodes cost no more than forty squares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.heatmap import Cell, HeatMap, Section, counted, sorted_cells
from cards.charts.labels import elided, head
from cards.charts.node_states import RUNNING, RUNNING_INDEX, STYLES, on, shade
from cards.charts.style import SIZES, Colour, Ramps
from cards.formatting import number

_Kind = tuple[int, int, bool]
"""What makes squares alike: the state's place, which green, spot."""

WIDEST, NARROWEST, TALLEST = 4000, 320, 6000
"""Pixels."""
_LARGEST, _LETTERED, _SPACED = 132, 52, 7
"""A square's size at most, from which on it has room for a letter that a phone shows, and a gap to its neighbour."""
_LEAST = 20
"""A square's least size where there are several sections."""
_HEADING, _APART, _MOST_COLUMNS = 62, 26, 4
_SWATCH, _ENTRY = 62, 78
"""A swatch of the legend, in which a letter is legible on a phone, and from one line of it to the next."""
_SPOT_NEUTRAL: Colour = (150, 158, 168)


def _striped(colour: Colour) -> Colour:
    """The second colour of a spot node's stripes: light ones are darkened, dark ones lightened."""
    target = style.INK if on(colour) == style.INK else style.PAPER
    share = 0.24 if target == style.INK else 0.30
    return tuple(round(x + (y - x) * share) for x, y in zip(colour, target, strict=True))  # type: ignore[return-value]


_COLOURS = tuple(dict.fromkeys([*(state.colour for state in STYLES), *RUNNING, _SPOT_NEUTRAL]))
_RAMPS: Ramps = (
    (style.PAPER, style.INK, 9),
    (style.PAPER, style.MUTED, 6),
    (style.PAPER, STYLES[1].colour, 4),
    *((colour, on(colour), 3) for colour in _COLOURS),
    *((_striped(colour), on(colour), 2) for colour in _COLOURS),
)


class Spot(Struct, frozen=True):
    """Where a section stands: its row, its first column, how many columns it takes, and squares in one of its rows."""

    row: int
    column: int
    span: int
    across: int


class Layout(Struct, frozen=True):
    """Where sections go: ``column`` pixels wide columns, squares of ``cell`` pixels; heights of rows and in all."""

    column: int
    cell: int
    spots: tuple[Spot, ...]
    rows: tuple[int, ...]
    height: int


def draw_heatmap(chart: HeatMap) -> bytes:
    """The picture as PNG bytes. Widths outside 320 … 4000 pixels are brought inside."""
    return _HeatMapPicture(chart).draw()


def lay_out(counts: Sequence[int], width: int, height: int, u: float) -> Layout:
    """The arrangement with the largest squares for sections of so many nodes within width x height pixels.

    When nothing fits, small squares, and higher than asked for.
    """
    heading, apart = round(_HEADING * u) if len(counts) > 1 else 0, round(_APART * u)
    least = max(2, round((_LEAST if len(counts) > 1 else 2) * u))
    found: list[Layout] = []
    for columns in range(1, min(_MOST_COLUMNS, len(counts)) + 1):
        column = (width - (columns - 1) * apart) // columns
        spans = [min(columns, 1 + int(columns * count / (0.6 * max(1, sum(counts))))) for count in counts]
        for cell in range(max(least, round(_LARGEST * u)), least - 1, -1):
            layout = _placed(counts, spans, columns, column, cell, heading, apart)
            if layout.height <= height or cell == least:
                found.append(layout)
                break
    return min(found, key=lambda each: (each.height > height, -each.cell, each.height))


def _placed(
    counts: Sequence[int], spans: Sequence[int], columns: int, column: int, cell: int, heading: int, apart: int
) -> Layout:
    """Sections from left to right, a new row where the next one does not fit."""
    spots: list[Spot] = []
    rows: list[int] = []
    free = 0
    for count, span in zip(counts, spans, strict=True):
        if span > free:
            rows.append(0)
            free = columns
        across = max(1, (span * column + (span - 1) * apart) // cell)
        spots.append(Spot(len(rows) - 1, columns - free, span, across))
        rows[-1] = max(rows[-1], heading + math.ceil(count / across) * cell + apart)
        free -= span
    return Layout(column, cell, tuple(spots), tuple(rows), sum(rows))


class _HeatMapPicture:
    """One picture in the making; ``u`` is what one pixel at 1600 is here."""

    def __init__(self, chart: HeatMap) -> None:
        self.chart = chart
        self.width = min(WIDEST, max(NARROWEST, chart.width))
        self.u = self.width / 1600
        self.margin = round(SIZES.margin * self.u)
        self.counts = counted(chart)
        self.sections = [section for section in chart.sections if section.cells]

    def draw(self) -> bytes:
        """Everything, once it is known how high it gets."""
        draft = Canvas(self.width, 16, _RAMPS)  # measures; it is never drawn
        legend_top = head(draft, self.chart.headline, self.chart.subtitle, self.u) + 40 * self.u
        legend = self._legend(draft, legend_top)
        top = round(legend[-1][1] + 98 * self.u if legend else legend_top + 20 * self.u)
        room = self.width - 2 * self.margin
        budget = min(TALLEST, self.chart.height or self.width) - top - self.margin
        layout = lay_out([len(section.cells) for section in self.sections] or [0], room, budget, self.u)
        height = min(TALLEST, top + layout.height + round(12 * self.u))
        canvas = Canvas(self.width, height, _RAMPS)
        head(canvas, self.chart.headline, self.chart.subtitle, self.u)
        self._draw_legend(canvas, legend)
        if self.counts:
            self._draw_sections(canvas, layout, _Tiles(self.chart, layout.cell, self.u), top)
        else:
            canvas.text(self.margin, top + 30 * self.u, "No nodes", SIZES.text * self.u, style.MUTED)
        return canvas.png()

    # The legend.

    def _legend(self, canvas: Canvas, top: float) -> list[tuple[float, float, str, int]]:
        """(left, top, words, state) of each entry, laid out in columns; -1 is spot."""
        entries = [(f"{number(count)} {STYLES[state].word}", state) for state, count in self.counts.items()]
        entries = [(f"{words}, by slot use" if state == RUNNING_INDEX else words, state) for words, state in entries]
        if spot := sum(cell.spot for section in self.chart.sections for cell in section.cells):
            entries.append((f"{number(spot)} spot", -1))
        if not entries:
            return []
        u, size = self.u, SIZES.text * self.u
        room = self.width - 2 * self.margin
        # Running has a swatch of five greens and the longest words: the others do not get fewer columns for it.
        short = [each for each in entries if each[1] != RUNNING_INDEX] or entries
        alone = [each for each in entries if each not in short]
        widest = max(self._swatch(state) + canvas.measure(words, size) for words, state in short) + 40 * u
        columns = max(1, min(len(short), int(room / widest)))
        wide = max(widest, min(room / columns, widest * 1.3))
        places = [(index % columns, index // columns) for index in range(len(short))]
        places += [(0, math.ceil(len(short) / columns)) for _ in alone]
        return [
            (self.margin + column * wide, top + row * _ENTRY * u, words, state)
            for (column, row), (words, state) in zip(places, [*short, *alone], strict=True)
        ]

    def _swatch(self, state: int) -> float:
        """How wide a swatch is with the room behind it; running has one of each green."""
        return (5 * 34 + 14 if state == RUNNING_INDEX else _SWATCH + 14) * self.u

    def _draw_legend(self, canvas: Canvas, entries: list[tuple[float, float, str, int]]) -> None:
        u, size, side = self.u, SIZES.text * self.u, round(_SWATCH * self.u)
        for x, y, words, state in entries:
            left, top = round(x), round(y)
            if state == RUNNING_INDEX:
                for n, green in enumerate(RUNNING):
                    canvas.stamp(left + n * round(34 * u), top, _ground(green, False, round(34 * u), side))
                _letter(canvas, state, RUNNING[2], left + round(34 * u), top, 3 * round(34 * u), side)
            elif state < 0:
                canvas.stamp(left, top, _ground(_SPOT_NEUTRAL, True, side, side))
            else:
                canvas.stamp(left, top, _ground(STYLES[state].colour, False, side, side))
                _letter(canvas, state, STYLES[state].colour, left, top, side, side)
            canvas.text(x + self._swatch(state), y + 46 * u, words, size, style.INK)

    # The squares.

    def _draw_sections(self, canvas: Canvas, layout: Layout, tiles: _Tiles, top: int) -> None:
        u, apart, named = self.u, round(_APART * self.u), len(self.sections) > 1
        heading = round(_HEADING * u) if named else 0
        for spot, section in zip(layout.spots, self.sections, strict=True):
            left = self.margin + spot.column * (layout.column + apart)
            y = top + sum(layout.rows[: spot.row])
            if named:
                room = spot.span * layout.column + (spot.span - 1) * apart
                self._name(canvas, section, left, y + heading - 16 * u, min(room, spot.across * layout.cell))
            if section.cells:
                canvas.stamp(left, y + heading, tiles.mosaic(section, spot.across))

    def _name(self, canvas: Canvas, section: Section, left: float, y: float, room: float) -> None:
        """The pool's name, and how many of its nodes are bad."""
        size, bad, all_of_it = SIZES.small * self.u, section.bad, len(section.cells)
        colour = STYLES[1].colour if bad else style.MUTED
        named = canvas.measure(section.name, size, bold=True) + 20 * self.u
        wording = [f"✖ {number(bad)} / {number(all_of_it)}", f"✖ {number(bad)}"] if bad else [number(all_of_it), ""]
        widths = [canvas.measure(each, size, bold=bool(bad)) for each in wording]
        # Where there is not room for all, which pool it is says more than of how many nodes those are.
        fits = [each for each in zip(wording, widths, strict=True) if named + each[1] <= room]
        count, wide = fits[0] if fits else (wording[1], widths[1])
        name = elided(canvas, section.name, size, room - wide - 20 * self.u, bold=True)
        canvas.text(left, y, name, size, style.INK, bold=True)
        canvas.text(left + room, y, count, size, colour, bold=bool(bad), align="right")


def _kind(cell: Cell) -> _Kind:
    return cell.state, shade(cell.use) if cell.state == RUNNING_INDEX else 0, cell.spot


def _colour(kind: _Kind) -> Colour:
    state, green, _ = kind
    return RUNNING[green] if state == RUNNING_INDEX else STYLES[state].colour


class _Tiles:
    """Every distinct square of a picture, drawn once: ``pixels`` is kinds x height x width x RGBA, paper the last."""

    def __init__(self, chart: HeatMap, cell: int, u: float) -> None:
        self.cell = cell
        self.indexes = {
            kind: index
            for index, kind in enumerate(sorted({_kind(each) for part in chart.sections for each in part.cells}))
        }
        gap = max(1, round(cell / 18)) if cell >= _SPACED else 0
        side = cell - gap
        sheet = Canvas(cell * (len(self.indexes) + 1), cell, _RAMPS)
        for kind, index in self.indexes.items():
            sheet.stamp(index * cell, 0, _ground(_colour(kind), kind[2], side, side))
            if cell >= _LETTERED * u:
                _letter(sheet, kind[0], _colour(kind), index * cell, 0, side, side, SIZES.least * u)
        self.pixels = np.ascontiguousarray(sheet.pixels().reshape(cell, -1, cell, 4).swapaxes(0, 1))

    def mosaic(self, section: Section, most_across: int) -> NDArray[np.uint8]:
        """All squares of a section as one picture."""
        across = min(most_across, len(section.cells))
        rows = math.ceil(len(section.cells) / across)
        grid = np.full(rows * across, len(self.indexes))
        grid[: len(section.cells)] = [self.indexes[_kind(each)] for each in sorted_cells(section.cells)]
        stacked = self.pixels[grid].reshape(rows, across, self.cell, self.cell, 4)
        return np.ascontiguousarray(stacked.swapaxes(1, 2).reshape(rows * self.cell, across * self.cell, 4))


def _letter(
    canvas: Canvas, state: int, ground: Colour, left: int, top: int, width: int, height: int, least: float = 0.0
) -> None:
    """A state's letter in the middle of its square, ``least`` pixels large."""
    size = max(least, min(0.72 * height, 0.9 * width))
    x, y = left + width / 2, top + height / 2 + 0.36 * size
    canvas.text(x, y, STYLES[state].letter, size, on(ground), bold=True, align="center")


def _ground(colour: Colour, spot: bool, width: int, height: int) -> NDArray[np.uint8]:
    """A square without its letter: plain, or with a few diagonal stripes for spot."""
    pixels = np.full((height, width, 4), (*colour, 255), dtype=np.uint8)
    if spot:
        period = max(6, round(min(width, height) / 2))
        y, x = np.indices((height, width))
        pixels[(x + y) % period * 3 < period, :3] = _striped(colour)
    return pixels
