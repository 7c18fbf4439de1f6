"""A sheet to draw on, by matplotlib's artists and Agg, in pixels from the top left; and its PNG.

No axes and no layout engine: a picture computes where its things stand. Colours are those of the style, so the PNG's
palette is known beforehand and no picture has to be searched for its colours.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache, lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox
from numpy.typing import NDArray
from PIL import Image

from cards.charts.style import RAMPS, SIZES, Colour, Ramps, palette

Points: TypeAlias = NDArray[np.float64] | Sequence[tuple[float, float]]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_DPI = 72  # so that a point is a pixel
_RC: dict[Any, Any] = {
    "text.usetex": False,
    "text.parse_math": False,  # "$1,842" is money
    "text.hinting": "no_autohint",
    "path.simplify": False,
    "agg.path.chunksize": 0,
    "path.sketch": None,
    "path.effects": [],
}


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
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white", edgecolor="none")
        self._agg = FigureCanvasAgg(self._figure)
        self._down = Affine2D().scale(1, -1).translate(0, height)
        self._layer = 0

    def area(self, points: Points, colour: Colour, clip: Box | None = None) -> None:
        """Fill a polygon. Its edges are not smoothed: give whole pixels."""
        self._patch(Path(np.asarray(points, dtype=float)), clip, facecolor=_rgb(colour), antialiased=False)

    def box(self, box: Box, colour: Colour) -> None:
        """Fill a rectangle."""
        left, top, right, bottom = box
        self.area([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def line(
        self, points: Points, colour: Colour, width: float, clip: Box | None = None, dash: tuple[float, ...] = ()
    ) -> None:
        """Draw a line through points; a row with NaN lifts the pen. ``dash``: pixels of ink and of gap, by turns."""
        path = Path(np.asarray(points, dtype=float))
        style: dict[str, object] = {"edgecolor": _rgb(colour), "linewidth": width}
        if dash:  # matplotlib counts them in widths of the line
            style |= {"linestyle": (0, tuple(each / width for each in dash)), "capstyle": "butt", "joinstyle": "round"}
        else:
            style |= {"capstyle": "projecting", "joinstyle": "miter"}
        self._patch(path, clip, facecolor="none", **style)

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
        self._layer += 1
        self._figure.add_artist(
            Text(
                x,
                self.height - y,
                _writable(words, bold),
                color=_rgb(colour),
                fontproperties=_font(size, bold),
                horizontalalignment="center" if upright else align,
                verticalalignment="center" if upright else "baseline",
                rotation=90 if upright else 0,
                parse_math=False,
                zorder=self._layer,
                transform=Affine2D(),
            )
        )

    def stamp(self, left: int, top: int, pixels: NDArray[np.uint8]) -> None:
        """Lay a finished picture (height x width x RGBA) on the sheet, pixel on pixel."""
        self._layer += 1
        bottom = self.height - top - pixels.shape[0]
        self._figure.figimage(pixels, left, bottom, origin="upper", zorder=self._layer)

    def pixels(self) -> NDArray[np.uint8]:
        """What is drawn so far: height x width x RGBA."""
        self._agg.draw()  # type: ignore[no-untyped-call]
        return np.array(self._agg.get_renderer().buffer_rgba())  # type: ignore[no-untyped-call]

    def measure(self, words: str, size: float, *, bold: bool = False) -> float:
        """The width of a line of text in pixels."""
        return _width(_writable(words, bold), size, bold)

    def png(self) -> bytes:
        """The sheet as a PNG of palette colours."""
        self._agg.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(self._agg.get_renderer().buffer_rgba()).view(np.uint32).ravel()  # type: ignore[no-untyped-call]
        # A chart is long stretches of one colour: consult the palette once a stretch, not once a pixel.
        heads = np.concatenate(([0], np.flatnonzero(pixels[1:] != pixels[:-1]) + 1))
        indices = np.repeat(_nearest(self._ramps)[_key(pixels[heads])], np.diff(heads, append=pixels.size))
        sheet, thick = indices.reshape(self.height, self.width), max(1, round(SIZES.frame * self.width / 1600))
        sheet[:thick] = sheet[-thick:] = sheet[:, :thick] = sheet[:, -thick:] = 0  # the border's colour is the first
        image = Image.frombuffer("P", (self.width, self.height), indices.tobytes(), "raw", "P", 0, 1)
        image.putpalette([channel for colour in palette(self._ramps) for channel in colour])
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=6)
        return out.getvalue()

    def _patch(self, path: Path, clip: Box | None, **style: object) -> None:
        self._layer += 1
        patch = PathPatch(path, **{"edgecolor": "none", "linewidth": 0, **style, "zorder": self._layer})
        patch.set_transform(self._down)
        self._figure.add_artist(patch)
        if clip is not None:
            left, top, right, bottom = clip
            patch.set_clip_box(TransformedBbox(Bbox([[left, bottom], [right, top]]), self._down))


@lru_cache(maxsize=1024)
def _width(words: str, size: float, bold: bool) -> float:
    width, _, _ = _ruler().get_text_width_height_descent(words, _font(size, bold), False)  # type: ignore[no-untyped-call]
    return float(width)


@cache
def _ruler() -> RendererAgg:
    """Measures text for every sheet: they all have the same resolution."""
    return RendererAgg(1, 1, _DPI)  # type: ignore[no-untyped-call]


def _rgb(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255


@cache
def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=size)


@cache
def _letters(bold: bool) -> frozenset[int]:
    """What the font that matplotlib brings along can write."""
    return frozenset(get_font(fontManager.findfont(_font(10, bold))).get_charmap())


def _writable(words: str, bold: bool) -> str:
    """One line, with a box for what the font cannot write."""
    letters = _letters(bold)
    return "".join(each if ord(each) in letters else "□" for each in " ".join(words.split()))


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
