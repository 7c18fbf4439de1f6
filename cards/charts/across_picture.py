"""Bars from left to right, for names: each row its name, its bar and its figure."""

from __future__ import annotations

from cards.charts import style
from cards.charts.bars import BarChart, parts, stacked, total
from cards.charts.canvas import Canvas
from cards.charts.labels import cut, elided, head
from cards.charts.patterns import Plane
from cards.charts.plot import TALLEST, dashes, hatch, nothing, sheet_width, upright
from cards.charts.style import SIZES
from cards.charts.tones import TONED, fills
from cards.charts.units import alike, figure

_LOWEST, _HIGHEST, _THICKEST = 66, 112, 64
"""A row's height at 1600, and its bar's."""
_NAMES, _LEAST = 0.36, 0.25
"""The part of the width that names may take, and that bars should have."""


def draw_across(chart: BarChart) -> bytes:
    """The picture as PNG bytes: as high as its rows need, which may be more or less than was asked for."""
    return _AcrossPicture(chart).draw()


class _AcrossPicture:
    """One picture in the making. ``u`` is what one pixel at 1600 is here."""

    def __init__(self, chart: BarChart) -> None:
        self.chart = chart
        self.width = sheet_width(chart.width)
        self.u = self.width / 1600
        self.margin = SIZES.margin * self.u
        self.fills = fills([series.tone for series in chart.series])
        self.totals = [total(bar) for bar in chart.bars]

    def draw(self) -> bytes:
        """Everything, once it is known how high it gets."""
        u, chart = self.u, self.chart
        draft = Canvas(self.width, 16, TONED)  # measures; it is never drawn
        top = self._above(draft)
        foot = (76 if chart.level is not None else 30) * u
        rows = max(1, len(chart.bars))
        room = chart.height * self.width / sheet_width(chart.width) - top - foot
        pitch = round(min(_HIGHEST * u, max(_LOWEST * u, room / rows)))
        if not any(each is not None for each in self.totals):
            pitch = round(220 * u / rows)
        height = min(TALLEST, round(top + pitch * rows + foot))
        canvas = Canvas(self.width, height, TONED)
        self._above(canvas)
        box = (round(self.margin), round(top), round(self.width - self.margin), round(top) + pitch * rows)
        if any(each is not None for each in self.totals):
            self._rows(canvas, box[1], pitch)
        else:
            nothing(canvas, box, u, "No data in this window" if chart.bars else "Nothing to show")
        return canvas.png()

    def _above(self, canvas: Canvas) -> float:
        """Head, note and what is which; returns where rows begin."""
        u, chart = self.u, self.chart
        y = head(canvas, chart.headline, chart.subtitle, u, cut, chart.note)
        room = self.width - 2 * self.margin
        size = SIZES.label * u
        if len(chart.series) == 1:
            y += 64 * u
            name = elided(canvas, chart.series[0].name, size, room, bold=True)
            canvas.text(self.margin, y, name, size, style.INK, bold=True)
        elif chart.series:
            y += 68 * u
            x = self.margin
            for series, fill in zip(chart.series, self.fills, strict=True):
                name = elided(canvas, series.name, size, room / 2, bold=True)
                wide = 48 * u + canvas.measure(name, size, bold=True)
                if x > self.margin and x + wide > self.width - self.margin:
                    x, y = self.margin, y + 58 * u
                sample = Plane(round(34 * u), round(34 * u), u)
                sample.fill((0, 0, *sample.pixels.shape[:2]), fill)
                canvas.stamp(round(x), round(y - 32 * u), sample.pixels)
                canvas.text(x + 48 * u, y, name, size, style.INK, bold=True)
                x += wide + 52 * u
        return y + 40 * u

    def _rows(self, canvas: Canvas, top: int, pitch: int) -> None:
        u, chart, size = self.u, self.chart, SIZES.text * self.u
        names, figures, left, right = self._sides(canvas, _NAMES, filling=True)
        if right - left < _LEAST * self.width:  # the hatching says it, too
            names, figures, left, right = self._sides(canvas, _NAMES / 2, filling=False)
        ends = [stacked(bar) for bar in chart.bars]
        low, high = self._range()
        scale = (right - left) / (high - low) if high > low else 0.0

        def x(value: float) -> int:
            return round(left + (value - low) * scale)

        bottom = top + pitch * len(chart.bars)
        thick = min(round(_THICKEST * u), round(pitch * 0.72))
        plane = Plane(right - left, bottom - top, u)
        apart = max(1, round(2 * u))
        for index, bar in enumerate(chart.bars):
            above = index * pitch + (pitch - thick) // 2
            baseline = top + above + thick / 2 + 0.36 * size
            canvas.text(self.margin, baseline, names[index], size, style.INK)
            if self.totals[index] is None:
                hatch(canvas, (x(0), top + above, min(right, x(0) + round(90 * u)), top + above + thick), u)
            for series, begin, end in parts(bar):
                near, far = sorted((x(begin), x(end)))
                far += near == far
                if begin and far - near > 3 * apart:
                    near, far = (near + apart, far) if end > 0 else (near, far - apart)
                box = (near - left, above, far - left, above + thick)
                plane.fill(box, self.fills[series], partial=bar.partial)
            begin, end = ends[index]
            colour = style.MUTED if self.totals[index] is None else style.INK
            if (self.totals[index] or 0.0) < 0:
                canvas.text(x(begin) - 14 * u, baseline, figures[index], size, colour, align="right")
            else:
                beside = x(0) + 90 * u if self.totals[index] is None else x(end)
                if self.totals[index] is not None and None in bar.values:
                    hatch(canvas, (x(end), top + above, x(end) + round(30 * u), top + above + thick), u)
                    beside += 30 * u
                canvas.text(beside + 14 * u, baseline, figures[index], size, colour)
        if chart.level is not None:
            dashes(plane, 0, bottom - top, x(chart.level) - left, style.INK, down=True)
        canvas.stamp(left, top, plane.pixels)
        upright(canvas, u, x(0), top, bottom, 3, style.MUTED)
        if chart.level is not None:
            words = f"{chart.level_label or 'level'} {figure(chart.level, chart.unit)}"
            words = elided(canvas, words, SIZES.small * u, self.width / 2, bold=True)
            half = canvas.measure(words, SIZES.small * u, bold=True) / 2
            middle = min(max(x(chart.level), self.margin + half), self.width - self.margin - half)
            canvas.text(middle, bottom + 46 * u, words, SIZES.small * u, style.INK, bold=True, align="center")

    def _sides(self, canvas: Canvas, names: float, *, filling: bool) -> tuple[list[str], list[str], int, int]:
        """Names that take so much of the width at most, figures, and what they leave to the bars: left and right."""
        u, chart, size = self.u, self.chart, SIZES.text * self.u
        low, high = self._range()
        labels = [elided(canvas, bar.label, size, names * self.width) for bar in chart.bars]
        figures, before, behind = [], 0.0, []
        for bar, value, words in zip(chart.bars, self.totals, alike(self.totals, chart.unit), strict=True):
            some = " + ?" if None in bar.values and value is not None else ""
            figures.append(words + some + (", still filling" if bar.partial and filling else ""))
            wide = canvas.measure(figures[-1], size) + 20 * u
            if (value or 0.0) < 0:  # their figures stand to the left of their bars
                before = max(before, wide)
            else:
                reach = (stacked(bar)[1] - low) / (high - low) if high > low else 0.0
                behind.append((reach, wide + (90 * u if value is None else 30 * u if some else 0.0)))
        left = self.margin + max(canvas.measure(label, size) for label in labels) + 26 * u + before
        room = self.width - self.margin - left
        bars = min([room, *((room - wide) / reach for reach, wide in behind if reach > 0)])
        return labels, figures, round(left), round(left + bars)

    def _range(self) -> tuple[float, float]:
        """What the bars and the line reach from and to."""
        ends = [stacked(bar) for bar in self.chart.bars]
        line = self.chart.level or 0.0
        return min([low for low, _ in ends] + [line]), max([high for _, high in ends] + [line])
