"""Every word of every picture can be read on a phone, stands on the sheet, and beside no other."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from cards.charts.canvas import Canvas
from cards.charts.draw import draw
from tests.cards.charts.bar_shapes import bar_shapes
from tests.cards.charts.heatmaps import heatmaps
from tests.cards.charts.shapes import shapes
from tests.cards.charts.timelines import timelines
from tests.cards.charts.topologies import topologies
from tests.cards.charts.trend_shapes import trend_shapes

SHOWN = 330
"""Pixels that a phone of 390 shows of a picture's width, within the chat's own margins."""
LEAST = 9.0
"""Pixels of the smallest letters there: what the system fonts of phones call a footnote is 12, a tab's label 10."""


class Written:
    """What was written on one sheet: the words, their size, and the box of their letters."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.words: list[tuple[str, float, tuple[float, float, float, float]]] = []
        self.sheet: Canvas | None = None
        text, png = Canvas.text, Canvas.png

        def noted(canvas: Canvas, x: float, y: float, words: str, size: float, *more: object, **how: object) -> None:
            wide = canvas.measure(words, size, bold=bool(how.get("bold")))
            left = x - {"left": 0.0, "center": wide / 2, "right": wide}[str(how.get("align", "left"))]
            box = (left, y - 0.72 * size, left + wide, y)
            if how.get("upright"):
                box = (x - size / 2, y - wide / 2, x + size / 2, y + wide / 2)
            self.words.append((words, size, box))
            self.canvases.append(canvas)
            text(canvas, x, y, words, size, *more, **how)  # type: ignore[arg-type]

        def done(canvas: Canvas) -> bytes:
            self.sheet = canvas
            return png(canvas)

        self.canvases: list[Canvas] = []
        self.tiled: list[tuple[str, float, tuple[float, float, float, float]]] = []
        monkeypatch.setattr(Canvas, "text", noted)
        monkeypatch.setattr(Canvas, "png", done)

    def of(self, chart: object) -> list[tuple[str, float, tuple[float, float, float, float]]]:
        """What stands on a chart's sheet or on a tile of it, whose place is not known; not what was only measured."""
        self.words.clear()
        self.canvases.clear()
        draw(chart)  # type: ignore[arg-type]
        found = [
            (each, canvas)
            for each, canvas in zip(self.words, self.canvases, strict=True)
            if (canvas is self.sheet or len(each[0]) == 1) and each[0].strip()
        ]
        self.tiled = [words for words, canvas in found if canvas is not self.sheet]
        return [words for words, canvas in found if canvas is self.sheet]


def test_every_word_is_legible_on_a_phone_and_no_two_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written(monkeypatch)
    wrong = []
    every = (shapes(), bar_shapes(), trend_shapes(), heatmaps(), timelines(), topologies())
    for name, chart in chain.from_iterable(each.items() for each in every):
        found = written.of(chart)
        assert found, name
        wide, high = written.sheet.width, written.sheet.height  # type: ignore[union-attr]
        for words, size, _ in written.tiled:
            if size * SHOWN / wide < LEAST:
                wrong.append(f"{name}: “{words}” in a square has {size * SHOWN / wide:.1f} pixels")
        for words, size, (left, top, right, bottom) in found:
            shown = size * SHOWN / wide
            if shown < LEAST:
                wrong.append(f"{name}: “{words}” has {shown:.1f} pixels")
            if left < -1 or right > wide + 1 or top < -1 or bottom > high + 1:
                wrong.append(f"{name}: “{words}” leaves the sheet")
        for (one, _, a), (other, _, b) in combinations(found, 2):
            if min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1:
                wrong.append(f"{name}: “{one}” and “{other}” touch")
    assert not wrong, "\n".join(wrong)
