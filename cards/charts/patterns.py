"""Areas with patterns, crisp and pixel by pixel: a see-through plane of rectangles that is laid down at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cards.charts.style import PAPER, Colour
from cards.charts.tones import Fill, Pattern

LEAST = 22
"""The width at 1600 from which on a pattern can be seen."""


class Plane:
    """``width`` x ``height`` pixels that rectangles (left, top, right, bottom) are filled on; ``u`` as in a picture."""

    def __init__(self, width: int, height: int, u: float) -> None:
        self.u = u
        self.pixels: NDArray[np.uint8] = np.zeros((height, width, 4), dtype=np.uint8)
        self._tiles: dict[tuple[Fill, bool], NDArray[np.uint8]] = {}

    def fill(
        self, box: tuple[float, float, float, float], fill: Fill, *, partial: bool = False, plain: bool = False
    ) -> None:
        """An area with its edge where it is pale; ``partial``: half of it left out in stripes, with an edge.

        ``plain`` leaves out the pattern: where there is no room for it, it would only be noise.
        """
        if plain:
            fill = Fill(fill.colour, fill.colour, fill.edge)
        left, top, right, bottom = self._within(box)
        if right <= left or bottom <= top:
            return
        self._lay(left, top, right, bottom, fill, partial)
        if partial or fill.colour != fill.edge:
            self._edge(left, top, right, bottom, fill.edge)

    def between(
        self, tops: NDArray[np.float64], bottoms: NDArray[np.float64], fill: Fill, *, partial: bool = False
    ) -> None:
        """An area by columns of pixels, each from its top down to its bottom; nothing where one of them is NaN."""
        height, width = self.pixels.shape[:2]
        rows = np.arange(height)[:, None]
        where = (rows >= tops) & (rows < bottoms)
        tile = self._tile(fill, partial)
        period = tile.shape[0]
        pattern = np.tile(tile, (-(-height // period), -(-width // period), 1))[:height, :width]
        self.pixels[where] = pattern[where]

    def box(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        """A rectangle of one colour."""
        left, top, right, bottom = self._within(box)
        self.pixels[top:bottom, left:right] = (*colour, 255)

    def _within(self, box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
        height, width = self.pixels.shape[:2]
        left, top, right, bottom = (round(each) for each in box)
        return max(0, left), max(0, top), min(width, right), min(height, bottom)

    def _lay(self, left: int, top: int, right: int, bottom: int, fill: Fill, partial: bool) -> None:
        if fill.pattern == "plain" and not partial:
            self.pixels[top:bottom, left:right] = (*fill.colour, 255)
            return
        # Patterns are cut from a tile as large as their period, turned so that neighbours join.
        tile = self._tile(fill, partial)
        period = tile.shape[0]
        rows, columns = np.arange(top, bottom) % period, np.arange(left, right) % period
        self.pixels[top:bottom, left:right] = tile[rows[:, None], columns]

    def _tile(self, fill: Fill, partial: bool) -> NDArray[np.uint8]:
        tile = self._tiles.get((fill, partial))
        if tile is None:
            tile = self._tiles[fill, partial] = _tile(fill, partial, self.u)
        return tile

    def _edge(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        thick = max(1, round(3 * self.u))
        if right - left <= 3 * thick or bottom - top <= 3 * thick:
            thick = 1
        for box in (
            (left, top, right, top + thick),
            (left, bottom - thick, right, bottom),
            (left, top, left + thick, bottom),
            (right - thick, top, right, bottom),
        ):
            self.box(box, colour)


def _tile(fill: Fill, partial: bool, u: float) -> NDArray[np.uint8]:
    half = max(2, round((8 if partial else 11) * u))
    period = 2 * half
    y, x = np.indices((period, period))
    tile = np.empty((period, period, 4), dtype=np.uint8)
    tile[:] = (*fill.colour, 255)
    tile[_second(fill.pattern, x, y, period)] = (*fill.second, 255)
    if partial:
        falling = fill.pattern in ("rising", "dots")  # across the stripes it has
        tile[((x - y) if falling else (x + y)) % period < half] = (*PAPER, 255)
    return tile


def _second(pattern: Pattern, x: NDArray[np.int_], y: NDArray[np.int_], period: int) -> NDArray[np.bool_]:
    """Where a pattern has its second colour."""
    third = max(1, round(period * 0.4))
    if pattern == "rising":
        return (x + y) % period < third
    if pattern == "falling":
        return (x - y) % period < third
    if pattern == "level":
        return y < third
    if pattern == "grid":
        return (y < third // 2) | (x < third // 2)
    if pattern == "dots":
        dot = (x < third) & (y < third)
        shifted = (x >= period // 2) & (x < period // 2 + third) & (y >= period // 2) & (y < period // 2 + third)
        return dot | shifted
    return np.zeros_like(x, dtype=bool)
