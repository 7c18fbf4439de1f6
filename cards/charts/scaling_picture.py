"""The picture of a formula over the past: nodes as they were as an area, with the formula as a line; tasks below."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cards.charts import style
from cards.charts.canvas import Box, Canvas
from cards.charts.figures import cores
from cards.charts.labels import cut, head
from cards.charts.plot import NARROWEST, WIDEST
from cards.charts.scaling import Scaling, ScalingPoint, runs
from cards.charts.style import SIZES, Colour
from cards.charts.timeaxis import Tick, ticks
from cards.charts.usage_picture import scale

_Value = Callable[[ScalingPoint], float]


def draw_scaling(chart: Scaling) -> bytes:
    """The picture as PNG bytes. Sizes outside 320 … 4000 pixels are brought inside."""
    return _ScalingPicture(chart).draw()


class _Panel:
    """One plot: where it lies, what it shows, and its scale."""

    def __init__(self, name: str, box: Box, peak: float) -> None:
        self.name = name
        self.box = box
        self.top, self.step = scale(peak)

    def y(self, value: float) -> float:
        """The height of a value."""
        _, top, _, bottom = self.box
        return round(bottom - min(value, self.top) / self.top * (bottom - top))

    def values(self) -> list[float]:
        """What stands beside the axis."""
        return [n * self.step for n in range(round(self.top / self.step) + 1)]


class _ScalingPicture:
    """One picture in the making. ``u`` is what one pixel at 1600 is here."""

    def __init__(self, chart: Scaling) -> None:
        self.chart = chart
        width = min(WIDEST, max(NARROWEST, chart.width))
        height = min(WIDEST, max(NARROWEST * 11 // 16, chart.height))
        self.canvas = Canvas(width, height)
        self.u = width / 1600
        self.margin = SIZES.margin * self.u

    def draw(self) -> bytes:
        """Everything, from the back to the front."""
        points = self.chart.points
        nodes = max((max(each.nodes, each.was_nodes) for each in points), default=0.0)
        waiting = max((max(each.waiting, each.was_waiting or 0.0) for each in points), default=0.0)
        u = self.u
        top = head(self.canvas, self.chart.headline, self.chart.subtitle, u, cut)
        foot = self.canvas.height - 82 * u
        room = foot - top - 190 * u
        widest = max(self.canvas.measure(cores(each), SIZES.text * u) for each in (nodes, waiting, 100))
        left, right = round(self.margin + widest + 16 * u), round(self.canvas.width - self.margin)
        upper = _Panel("NODES", (left, round(top + 96 * u), right, round(top + 96 * u + 0.58 * room)), nodes)
        lower = _Panel("TASKS WAITING", (left, round(foot - 0.42 * room), right, round(foot)), waiting)
        for panel in (upper, lower):
            self._grid(panel)
        self._area(upper, lambda point: point.was_nodes)
        self._line(upper, lambda point: point.nodes)
        known = any(point.was_waiting is not None for point in points)
        if known:
            self._area(lower, lambda point: point.was_waiting or 0.0)
        self._line(lower, lambda point: point.waiting)
        self._names(upper, "as it was")
        self._names(lower, "as it was" if known else "")
        self._time_axis(lower)
        if not points:
            self._nothing(upper)
        return self.canvas.png()

    def _names(self, panel: _Panel, was: str) -> None:
        """The panel's name, and which colour is what."""
        u, size = self.u, SIZES.small * self.u
        _, top, right, _ = panel.box
        y = top - 26 * u
        self.canvas.text(self.margin, y, panel.name, SIZES.label * u, style.INK, bold=True)
        x = right
        for words, colour, block in (
            (was, style.IDLE_TEXT, style.IDLE),
            ("with the formula", style.BUSY_TEXT, style.BUSY),
        ):
            if not words:
                continue
            x -= self.canvas.measure(words, size)
            self.canvas.text(x, y, words, size, colour)
            x -= 44 * u
            self.canvas.box((round(x), round(y - 24 * u), round(x + 30 * u), round(y + 2 * u)), block)
            x -= 36 * u

    def _x(self, panel: _Panel, at: datetime) -> int:
        left, _, right, _ = panel.box
        share = (at - self.chart.since) / (self.chart.until - self.chart.since)
        return round(left + min(1.0, max(0.0, share)) * (right - left))

    def _grid(self, panel: _Panel) -> None:
        left, _, right, _ = panel.box
        size = SIZES.text * self.u
        for value in panel.values():
            y = panel.y(value)
            colour = style.MUTED if value == 0 else style.GRID
            thick = max(1, round(2 * self.u))
            self.canvas.box((left, y - thick // 2, right, y - thick // 2 + thick), colour)
            self.canvas.text(left - 16 * self.u, y + 0.36 * size, cores(value), size, style.MUTED, align="right")

    def _outline(self, panel: _Panel, stretch: list[ScalingPoint], value: _Value) -> NDArray[np.float64]:
        """The upper edge of a stretch as steps."""
        step = timedelta(seconds=self.chart.step)
        edges = [self._x(panel, point.start) for point in stretch]
        end = max(self._x(panel, stretch[-1].start + step), edges[0] + round(4 * self.u))
        xs = np.repeat(np.array([*edges, end], dtype=float), 2)[1:-1]
        ys = np.repeat(np.array([panel.y(value(point)) for point in stretch], dtype=float), 2)
        return np.column_stack([xs, ys])

    def _area(self, panel: _Panel, value: _Value) -> None:
        ground = panel.y(0)
        for stretch in runs(self.chart.points, self.chart.step):
            edge = self._outline(panel, stretch, value)
            floor = np.array([[edge[-1, 0], ground], [edge[0, 0], ground]])
            self.canvas.area(np.concatenate([edge, floor]), style.IDLE)
            self.canvas.line(edge, style.IDLE_TEXT, SIZES.thin * self.u)

    def _line(self, panel: _Panel, value: _Value) -> None:
        lines: list[NDArray[np.float64]] = []
        for stretch in runs(self.chart.points, self.chart.step):
            lines += [self._outline(panel, stretch, value), np.full((1, 2), np.nan)]
        if lines:
            self.canvas.line(np.concatenate(lines), style.BUSY, SIZES.line * self.u)

    def _time_axis(self, panel: _Panel) -> None:
        bottom = panel.box[3]
        u, size = self.u, SIZES.text * self.u

        def fits(found: list[Tick]) -> bool:
            places = [(self._x(panel, tick.at), len(tick.label) * 0.6 * size) for tick in found]
            return all(b - a > (wide + broad) / 2 + 26 * u for (a, wide), (b, broad) in pairwise(places))

        for tick in ticks(self.chart.since, self.chart.until, self.chart.zone, fits):
            x = self._x(panel, tick.at)
            thick = max(1, round(2 * u))
            begin = x - thick // 2
            self.canvas.box((begin, round(bottom), begin + thick, round(bottom + 12 * u)), style.MUTED)
            half = self.canvas.measure(tick.label, size) / 2
            middle = min(max(x, half + 8 * u), self.canvas.width - half - 8 * u)
            colour: Colour = style.INK if tick.strong else style.MUTED
            self.canvas.text(middle, bottom + 52 * u, tick.label, size, colour, align="center")

    def _nothing(self, panel: _Panel) -> None:
        left, top, right, bottom = panel.box
        y = (top + bottom) / 2
        self.canvas.text((left + right) / 2, y, "No samples", 52 * self.u, style.MUTED, bold=True, align="center")
