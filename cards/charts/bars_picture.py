"""The bar picture: one bar a day, pool or cause, stacked where it has parts; upright, or across for names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cards.charts import style
from cards.charts.across_picture import draw_across
from cards.charts.bars import BarChart, parts, stacked, total
from cards.charts.canvas import Canvas
from cards.charts.labels import cut, elided, head
from cards.charts.patterns import LEAST, Plane
from cards.charts.plot import (
    EndLabel,
    Ends,
    dashes,
    grid,
    hatch,
    hole,
    level,
    nothing,
    sheet_height,
    sheet_width,
    values_beside,
)
from cards.charts.style import SIZES
from cards.charts.tones import TONED, fills
from cards.charts.units import alike, axis, figure

_BROADEST = 170
"""The broadest bar at 1600."""
_FEW = 8
"""Bars whose names may be shortened so that all are there; of more every second, third … name is written."""
_SHORT = 12
"""Characters of a name that is left out rather than shortened: a date."""
_STRIDES = (1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 50, 100, 200, 500, 1000)


def draw_bars(chart: BarChart) -> bytes:
    """The picture as PNG bytes. Sizes outside 320 … 4000 pixels are brought inside."""
    return draw_across(chart) if chart.across else _BarsPicture(chart).draw()


class _BarsPicture:
    """One picture in the making. ``u`` is what one pixel at 1600 is here; ``plot`` is where the bars go."""

    def __init__(self, chart: BarChart) -> None:
        self.chart = chart
        width = sheet_width(chart.width)
        self.canvas = Canvas(width, sheet_height(chart.height), TONED)
        self.u = width / 1600
        self.margin = SIZES.margin * self.u
        self.fills = fills([series.tone for series in chart.series])
        self.totals = [total(bar) for bar in chart.bars]
        tops = [stacked(bar) for bar in chart.bars]
        line = chart.level or 0.0
        self.axis = axis(min([low for low, _ in tops] + [line]), max([high for _, high in tops] + [line]), chart.unit)
        self.plot: tuple[int, int, int, int] = (0, 0, 0, 0)

    def draw(self) -> bytes:
        """Everything, from the back to the front."""
        u, canvas, chart = self.u, self.canvas, self.chart
        top = head(canvas, chart.headline, chart.subtitle, u, cut, chart.note)
        if len(chart.series) == 1:
            top += 64 * u
            name = elided(canvas, chart.series[0].name, SIZES.label * u, canvas.width - 2 * self.margin, bold=True)
            canvas.text(self.margin, top, name, SIZES.label * u, style.INK, bold=True)
        foot = canvas.height - (130 if any(bar.partial for bar in chart.bars) else 88) * u
        if not any(each is not None for each in self.totals):
            box = (round(self.margin), round(top + 46 * u), round(canvas.width - self.margin), round(foot))
            nothing(canvas, box, u, "No data in this window" if chart.bars else "Nothing to show")
            return canvas.png()
        ends = Ends(canvas, u, self._names())
        left = round(self.margin + values_beside(canvas, u, self.axis, chart.unit) + 16 * u)
        right = round(canvas.width - self.margin / 2 - ends.width)
        below = 46 * u if any((each or 0.0) < 0 for each in self.totals) else 0.0
        self.plot = (left, round(top + 72 * u), right, round(foot - below))
        grid(canvas, u, self.plot, self.axis, chart.unit, self._y)
        self._holes()
        self._bars()
        level(canvas, u, left, right, self._y(0), 3, style.MUTED)
        self._labels()
        self._values()
        self._end_labels(ends)
        return canvas.png()

    # Where things stand.

    def _y(self, value: float) -> int:
        _, top, _, bottom = self.plot
        return round(bottom - (value - self.axis.low) / (self.axis.high - self.axis.low) * (bottom - top))

    def _pitch(self) -> float:
        return (self.plot[2] - self.plot[0]) / len(self.chart.bars)

    def _middle(self, index: int) -> float:
        return self.plot[0] + (index + 0.5) * self._pitch()

    def _sides(self, index: int) -> tuple[int, int]:
        """Left and right of a bar: all of one width, with a gap of a pixel at least."""
        pitch = self._pitch()
        width = max(1, min(round(_BROADEST * self.u), int(pitch * 0.76), int(pitch) - 1))
        left = round(self._middle(index) - width / 2)
        return left, left + width

    def _plain(self) -> bool:
        """Whether bars are too narrow for patterns; then their parts differ by lightness."""
        near, far = self._sides(0)
        return far - near < LEAST * self.u

    # Bars.

    def _holes(self) -> None:
        """Neighbours without any value are one hole."""
        _, top, _, _ = self.plot
        known = [each is not None for each in self.totals]
        index = 0
        while index < len(known):
            end = index + 1
            if not known[index]:
                while end < len(known) and not known[end]:
                    end += 1
                hole(self.canvas, (self._sides(index)[0], top, self._sides(end - 1)[1], self._y(0)), self.u)
            index = end

    def _bars(self) -> None:
        canvas, u = self.canvas, self.u
        left, top, right, bottom = self.plot
        plane = Plane(right - left, bottom - top, u)
        apart = max(1, round(2 * u))
        for index, bar in enumerate(self.chart.bars):
            near, far = self._sides(index)
            for series, begin, end in parts(bar):
                y, ground = sorted((self._y(begin), self._y(end)))
                if y == ground:
                    ground += 1  # something is more than nothing
                if begin and ground - y > 3 * apart:  # what lies on another part stands off it
                    y, ground = (y, ground - apart) if end > 0 else (y + apart, ground)
                box = (near - left, y - top, far - left, ground - top)
                plane.fill(box, self.fills[series], partial=bar.partial, plain=self._plain())
            if self.totals[index] is not None and None in bar.values:
                y = self._y(stacked(bar)[1])
                hatch(canvas, (near, max(top, y - round(30 * u)), far, y), u)
        if self.chart.level is not None:
            dashes(plane, 0, right - left, self._y(self.chart.level) - top, style.INK)
        canvas.stamp(left, top, plane.pixels)

    # Words.

    def _labels(self) -> None:
        """Names below the bars, all or every few, and which of them still fill."""
        canvas, u, bars, pitch = self.canvas, self.u, self.chart.bars, self._pitch()
        y = self.canvas.height - (88 if any(bar.partial for bar in bars) else 46) * u + 10 * u
        size, room = SIZES.text * u, pitch - 16 * u
        names = [bar.label for bar in bars]
        while size > SIZES.phone * u and len(bars) <= _FEW and max(canvas.measure(name, size) for name in names) > room:
            size -= 2 * u
        if len(bars) <= _FEW and max(len(name) for name in names) > _SHORT:
            names = [elided(canvas, name, size, room) for name in names]
            chosen = list(range(len(bars)))
        else:
            names = [elided(canvas, name, size, 420 * u) for name in names]
            chosen = self._every_few([canvas.measure(name, size) for name in names], 16 * u)
        for index in chosen:
            self._centred(self._middle(index), y, names[index], size)
        if filling := [index for index, bar in enumerate(bars) if bar.partial]:
            middle = (self._middle(filling[0]) + self._middle(filling[-1])) / 2
            self._centred(middle, y + 46 * u, "still filling", SIZES.small * u)

    def _every_few(self, widths: Sequence[float], gap: float) -> list[int]:
        """The indexes of every n-th bar, so that words of such widths below them do not touch."""
        for stride in _STRIDES:
            chosen = list(range(0, len(widths), stride))
            if all((b - a) * self._pitch() > (widths[a] + widths[b]) / 2 + gap for a, b in pairwise(chosen)):
                return chosen
        return [0]

    def _centred(self, x: float, y: float, words: str, size: float, colour: style.Colour = style.MUTED) -> None:
        half = self.canvas.measure(words, size) / 2
        x = min(max(x, half + 8 * self.u), self.canvas.width - half - 8 * self.u)
        self.canvas.text(x, y, words, size, colour, align="center")

    def _values(self) -> None:
        """Totals at the ends of the bars: all where they keep clear of their neighbours, else the greatest."""
        u, size = self.u, SIZES.small * self.u
        words = [
            f"{each} + ?" if None in bar.values and value is not None else each
            for bar, value, each in zip(self.chart.bars, self.totals, alike(self.totals, self.chart.unit), strict=True)
        ]
        known = [index for index, value in enumerate(self.totals) if value is not None]
        wide = {index: self.canvas.measure(words[index], size) for index in known}
        near, far = self._sides(0)
        if max(wide.values()) / 2 > self._pitch() - (far - near) / 2 - 6 * u:
            known = [max(known, key=lambda index: abs(self.totals[index] or 0.0))]
        for index in known:
            low, high = stacked(self.chart.bars[index])
            below = (self.totals[index] or 0.0) < 0
            cap = 30 * u if None in self.chart.bars[index].values else 0
            y = self._y(low) + 40 * u if below else self._y(high) - 12 * u - cap
            if self.chart.level is not None and y - size < self._y(self.chart.level) < y + 6 * u:
                half = wide[index] / 2 + 6 * u  # off the dashes
                middle = self._middle(index)
                self.canvas.box((middle - half, y - 0.85 * size, middle + half, y + 0.2 * size), style.PAPER)
            self._centred(self._middle(index), y, words[index], size, style.INK)

    def _names(self) -> list[tuple[str, tuple[str, ...]]]:
        """What stands at the end, from the top, with its figures."""
        chart = self.chart
        found: list[tuple[str, tuple[str, ...]]] = []
        if len(chart.series) > 1:
            for index in reversed(range(len(chart.series))):
                known = [value for bar in chart.bars if (value := bar.values[index]) is not None]
                words = f"{figure(sum(known), chart.unit)} in all" if known else "no data"
                found.append((chart.series[index].name, (words,)))
        if chart.level is not None:
            found.append((chart.level_label or "level", (figure(chart.level, chart.unit),)))
        return found

    def _end_labels(self, ends: Ends) -> None:
        _, top, right, bottom = self.plot
        names, chart = dict(enumerate(self._names())), self.chart
        labels: list[EndLabel] = []
        if len(chart.series) > 1:
            last = next(
                bar for bar, value in zip(reversed(chart.bars), reversed(self.totals), strict=True) if value is not None
            )
            middles = {series: (self._y(begin) + self._y(end)) / 2 for series, begin, end in parts(last)}
            y = float(self._y(stacked(last)[1]))
            for row, series in enumerate(reversed(range(len(chart.series)))):
                y = middles.get(series, y)
                name, lines = names[row]
                labels.append(EndLabel(name, lines, y + 14 * self.u, self.fills[series], plain=self._plain()))
        if chart.level is not None:
            name, lines = names[len(names) - 1]
            labels.append(EndLabel(name, lines, self._y(chart.level) + 12 * self.u))
        labels.sort(key=lambda label: label.y)
        ends.draw(labels, right, top, bottom)
