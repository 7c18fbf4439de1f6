"""A sheet to draw on, in pixels from the top left; and its PNG.

Polygons and lines are drawn by matplotlib's Agg, words by Pillow, rectangles and stamps are written: no figure, no axes
and no layout engine, which take most of a picture's time. A picture computes where its things stand. Colours are those
of the style, so the PNG's palette is known beforehand and no picture has to be searched for its colours.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache, lru_cache
from pathlib import Path as File
from typing import Any, Literal, TypeAlias

import numpy as np
from matplotlib import get_data_path, rc_context
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import get_font
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox
from numpy.typing import NDArray
from PIL import Image, ImageFont

from cards.charts.style import RAMPS, SIZES, Colour, Ramps, palette

Points: TypeAlias = NDArray[np.float64] | Sequence[tuple[float, float]]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_EFFORT = 7
"""Of zlib: more takes much longer for little."""
_ENOUGH = 14
"""Colours of a picture of sixteen: of two more shades nothing is seen but the bytes."""
_SPECK = 12
"""Pixels within an area from which a colour fills something, and is no shade of an edge."""
_DPI = 72  # so that a point is a pixel
_RC: dict[Any, Any] = {"path.simplify": False, "agg.path.chunksize": 0, "path.sketch": None, "path.effects": []}


def own_settings() -> AbstractContextManager[None]:
    """matplotlib's settings for what is drawn here, whatever the machine's matplotlibrc says. Not for threads."""
    return rc_context(_RC)


class Canvas:
    """A white sheet of ``width`` x ``height`` pixels with a border. What is drawn later lies on top.

    ``ramps`` are the colours that the PNG may hold, see :data:`cards.charts.style.RAMPS`.
    """

    def __init__(self, width: int, height: int, ramps: Ramps = RAMPS) -> None:
        self.width, self.height = width, height
        self._ramps = ramps
        self._agg = RendererAgg(width, height, _DPI)  # type: ignore[no-untyped-call]
        self._sheet: NDArray[np.uint8] = np.asarray(self._agg.buffer_rgba())  # type: ignore[no-untyped-call]
        self._sheet[:] = 255
        self._down = Affine2D().scale(1, -1).translate(0, height)

    def area(self, points: Points, colour: Colour, clip: Box | None = None) -> None:
        """Fill a polygon. Its edges are not smoothed: give whole pixels."""
        pen = self._pen(clip)
        pen.set_linewidth(0)
        pen.set_antialiased(False)
        self._agg.draw_path(pen, Path(np.asarray(points, dtype=float)), self._down, _rgb(colour))  # type: ignore[no-untyped-call]

    def box(self, box: Box, colour: Colour) -> None:
        """Fill a rectangle."""
        left, top, right, bottom = (max(0, round(edge)) for edge in box)
        self._sheet[top:bottom, left:right] = (*colour, 255)

    def line(
        self, points: Points, colour: Colour, width: float, clip: Box | None = None, dash: tuple[float, ...] = ()
    ) -> None:
        """Draw a line through points; a row with NaN lifts the pen. ``dash``: pixels of ink and of gap, by turns."""
        pen = self._pen(clip)
        pen.set_foreground(_rgb(colour), isRGBA=True)
        pen.set_linewidth(width)
        pen.set_capstyle("butt" if dash else "projecting")
        pen.set_joinstyle("round" if dash else "miter")
        if dash:
            pen.set_dashes(0, dash)
        self._agg.draw_path(pen, Path(np.asarray(points, dtype=float)), self._down)  # type: ignore[no-untyped-call]

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        colour: Colour,
        *,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
        upright: bool = False,
    ) -> None:
        """Write one line with its baseline at ``y`` (``upright``: turned, its middle at ``x``, ``y``)."""
        ink, left, top = _ink(_writable(words, bold), size, bold)
        if upright:
            ink = np.rot90(ink)
            self._write(ink, round(x - ink.shape[1] / 2), round(y - ink.shape[0] / 2), colour)
            return
        shift = {"left": 0.0, "center": 0.5, "right": 1.0}[align] * self.measure(words, size, bold=bold) if words else 0
        self._write(ink, round(x - shift) + left, round(y) + top, colour)

    def stamp(self, left: int, top: int, pixels: NDArray[np.uint8]) -> None:
        """Lay a finished picture (height x width x RGBA, opaque or see-through) on the sheet, pixel on pixel."""
        under = self._sheet[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        pixels = pixels[: under.shape[0], : under.shape[1]]
        np.copyto(under.view(np.uint32), np.ascontiguousarray(pixels).view(np.uint32), where=pixels[:, :, 3:] > 0)

    def pixels(self) -> NDArray[np.uint8]:
        """What is drawn so far: height x width x RGBA."""
        return self._sheet.copy()

    def measure(self, words: str, size: float, *, bold: bool = False) -> float:
        """The width of a line of text in pixels."""
        return _width(_writable(words, bold), size, bold)

    def png(self) -> bytes:
        """The sheet as a PNG of palette colours."""
        pixels = self._sheet.view(np.uint32).ravel()
        # A chart is long stretches of one colour: consult the palette once a stretch, not once a pixel.
        heads = np.concatenate(([0], np.flatnonzero(pixels[1:] != pixels[:-1]) + 1))
        indices = np.repeat(_nearest(self._ramps)[_key(pixels[heads])], np.diff(heads, append=pixels.size))
        sheet, thick = indices.reshape(self.height, self.width), max(1, round(SIZES.frame * self.width / 1600))
        sheet[:thick] = sheet[-thick:] = sheet[:, :thick] = sheet[:, -thick:] = 0  # the border's colour is the first
        colours = palette(self._ramps)
        few = _sixteen(sheet, self._ramps)
        if few is not None:
            kept, places = few
            colours, indices = tuple(colours[index] for index in kept), places[indices]
        image = Image.frombuffer("P", (self.width, self.height), indices.tobytes(), "raw", "P", 0, 1)
        image.putpalette([channel for colour in colours for channel in colour])
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=_EFFORT, bits=8 if few is None else 4)
        return out.getvalue()

    def _pen(self, clip: Box | None) -> Any:
        pen = self._agg.new_gc()
        pen.set_snap(False)
        if clip is not None:
            left, top, right, bottom = clip
            pen.set_clip_rectangle(Bbox([[left, self.height - bottom], [right, self.height - top]]))
        return pen

    def _write(self, ink: NDArray[np.uint8], left: int, top: int, colour: Colour) -> None:
        """Colour where the ink is, mixed with what is there where there is little of it."""
        rows = slice(max(0, -top), max(0, min(ink.shape[0], self.height - top)))
        columns = slice(max(0, -left), max(0, min(ink.shape[1], self.width - left)))
        share = ink[rows, columns, None].astype(np.uint16)
        near, high = left + columns.start, top + rows.start
        under = self._sheet[high : high + share.shape[0], near : near + share.shape[1], :3]
        under[:] = (under * (255 - share) + np.array(colour, dtype=np.uint16) * share + 127) // 255


@lru_cache(maxsize=2048)
def _width(words: str, size: float, bold: bool) -> float:
    return float(_font(size, bold).getlength(words))


@lru_cache(maxsize=512)
def _ink(words: str, size: float, bold: bool) -> tuple[NDArray[np.uint8], int, int]:
    """A line of words, 0 … 255 where there is ink, and where it lies from the beginning of its baseline."""
    if not words:
        return np.zeros((0, 0), dtype=np.uint8), 0, 0
    mask, (left, top) = _font(size, bold).getmask2(words, mode="L", anchor="ls")
    return np.array(mask, dtype=np.uint8).reshape(mask.size[1], mask.size[0]), int(left), int(top)


def _rgb(colour: Colour) -> tuple[float, float, float, float]:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255, 1.0


@cache
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib brings it along: the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    file = File(get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _letters(bold: bool) -> frozenset[int]:
    """What the font can write."""
    return frozenset(get_font(str(_font(10, bold).path)).get_charmap())


def _writable(words: str, bold: bool) -> str:
    """One line, with a box for what the font cannot write."""
    letters = _letters(bold)
    return "".join(each if ord(each) in letters else "□" for each in " ".join(words.split()))


def _sixteen(sheet: NDArray[np.uint8], ramps: Ramps) -> tuple[NDArray[np.int64], NDArray[np.uint8]] | None:
    """The sixteen colours of the palette that serve a picture, and for each of the palette which of them it becomes.

    Half a byte a pixel makes a picture a fifth smaller. What goes are the rarest shades of smoothed edges; a colour
    that fills anything, however little, stays what it is. None where more than sixteen do.
    """
    colours = np.array(palette(ramps), dtype=np.int64)
    inner = sheet[1:, 1:]
    filled = np.bincount(inner[(inner == sheet[:-1, 1:]) & (inner == sheet[1:, :-1])], minlength=len(colours))
    filled[0] = max(filled[0], _SPECK)  # the border, which a small picture has one pixel of
    seen = np.bincount(sheet.ravel(), minlength=len(colours))
    areas = int((filled >= _SPECK).sum())
    if areas > 16:
        return None
    kept = np.lexsort((-seen, filled < _SPECK))[: max(areas, _ENOUGH)]
    apart = ((colours[:, None] - colours[kept][None]) ** 2).sum(axis=2)
    return kept, apart.argmin(axis=1).astype(np.uint8)


def _key(pixels: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Sixteen bits of a pixel (red lies lowest): five of red, six of green, five of blue."""
    return np.asarray(((pixels >> 3) & 0x1F) | ((pixels >> 5) & 0x7E0) | ((pixels >> 8) & 0xF800), dtype=np.uint32)


@cache
def _nearest(ramps: Ramps) -> NDArray[np.uint8]:
    """The palette's nearest colour for each of the 65,536 keys; a palette colour is nearest to itself."""
    colours = np.array(palette(ramps), dtype=np.float32)  # whose squares are exact in so few bits
    keys = np.arange(1 << 16)
    middles = np.stack([(keys & 0x1F) * 8 + 4, (keys >> 5 & 0x3F) * 4 + 2, (keys >> 11) * 8 + 4], axis=1)
    distances = (colours * colours).sum(axis=1) - 2 * middles.astype(np.float32) @ colours.T  # but for the key's own
    table: NDArray[np.uint8] = distances.argmin(axis=1).astype(np.uint8)
    own = np.array([red | green << 8 | blue << 16 for red, green, blue in palette(ramps)], dtype=np.uint32)
    table[_key(own)] = np.arange(len(own))
    return table
