"""Words and parts of pictures are legible for everybody, wherever a picture is read."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.draw import draw
from cards.charts.node_states import luminance
from cards.charts.style import Colour
from cards.charts.tones import TONED, fills
from tests.cards.charts.bar_shapes import bar_shapes
from tests.cards.charts.shapes import shapes
from tests.cards.charts.test_nodestates import SEEN_BY, seen
from tests.cards.charts.trend_shapes import trend_shapes

TONES = ("busy", "idle", "spot", "billed", "good", "bad", "other")
SLACK_DARK: Colour = (26, 29, 33)
TEAMS_DARK: Colour = (31, 31, 31)
"""What messages lie on in the dark themes of the two clients."""


def contrast(a: Colour, b: Colour) -> float:
    """WCAG 2.2."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        (style.PAPER, style.INK),
        (style.PAPER, style.MUTED),
        (style.PAPER, style.BUSY_TEXT),
        (style.PAPER, style.IDLE_TEXT),
        (style.IDLE, style.IDLE_TEXT),
        (style.VOID, style.MUTED),
    ],
)
def test_text_has_contrast(paper: Colour, ink: Colour) -> None:
    """WCAG AA for normal text."""
    assert contrast(paper, ink) >= 4.5


@pytest.mark.parametrize("tone", TONES)
def test_every_area_is_seen_on_paper(tone: str) -> None:
    """WCAG 1.4.11: 3 to 1 for what has to be seen; a pale area has it by its edge."""
    for fill in fills([tone] * 6):
        assert contrast(style.PAPER, fill.edge) >= 3


@pytest.mark.parametrize("dark", [SLACK_DARK, TEAMS_DARK])
def test_no_colour_is_legible_on_a_see_through_sheet(dark: Colour) -> None:
    """Why pictures have paper of their own: the best grey there is has less than 4.5 to 1 on one of the grounds."""
    greys = [(n, n, n) for n in range(256)]
    best = max(min(contrast(grey, (255, 255, 255)), contrast(grey, dark)) for grey in greys)
    assert best < 4.5


@pytest.mark.parametrize("ground", [(255, 255, 255), SLACK_DARK, TEAMS_DARK])
def test_the_sheet_ends_somewhere(ground: Colour) -> None:
    """By its border on white, by its paper on dark."""
    assert max(contrast(ground, style.FRAME), contrast(ground, style.PAPER)) >= 1.5


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_tones_differ_for_all_eyes(eyes: str) -> None:
    """CIE76 above 10 between any two, or another pattern."""
    found = dict(zip(TONES, fills(TONES), strict=True))
    for (a, first), (b, second) in combinations(found.items(), 2):
        apart = float(np.linalg.norm(seen(first.colour, eyes) - seen(second.colour, eyes)))
        assert apart > 10 or first.pattern != second.pattern, f"{a} and {b} are {apart:.1f} apart for {eyes}"


def test_no_colour_alone() -> None:
    """In grey two tones differ by their lightness or their pattern; so do six series of one tone."""
    pairs = [*combinations(fills(TONES), 2), *(pair for tone in TONES for pair in combinations(fills([tone] * 6), 2))]
    for first, second in pairs:
        lightness = abs(seen(first.colour, "everybody")[0] - seen(second.colour, "everybody")[0])
        assert first.pattern != second.pattern or lightness > 8, (first, second)


def test_the_palette_is_small_and_every_colour_is_its_own_nearest() -> None:
    colours = style.palette(TONED)
    assert len(colours) <= 256
    found = fills([tone for tone in TONES for _ in range(6)])
    flat = {colour for fill in found for colour in (fill.colour, fill.second, fill.edge)}
    assert flat <= set(colours)
    assert len({(red >> 3, green >> 2, blue >> 3) for red, green, blue in flat}) == len(flat)


def test_every_word_of_every_picture_is_legible(monkeypatch: pytest.MonkeyPatch) -> None:
    """WCAG AA, 4.5 to 1, by what really lies under the ink."""
    found: dict[tuple[Colour, Colour], int] = {}
    write = Canvas._write

    def watched(self: Canvas, ink: NDArray[np.uint8], left: int, top: int, colour: Colour) -> None:
        rows = slice(max(0, top), max(0, top) + ink.shape[0])
        under = self._sheet[rows, max(0, left) : max(0, left) + ink.shape[1], :3]
        mask = ink[-under.shape[0] or 1 :, -under.shape[1] or 1 :] > 128 if under.size else np.zeros((0, 0), dtype=bool)
        lit = under[mask[: under.shape[0], : under.shape[1]]].astype(np.uint32)
        for packed, count in zip(*np.unique(lit @ (65536, 256, 1), return_counts=True), strict=True):
            ground = (int(packed) >> 16, int(packed) >> 8 & 255, int(packed) & 255)
            found[colour, ground] = found.get((colour, ground), 0) + int(count)
        write(self, ink, left, top, colour)

    monkeypatch.setattr(Canvas, "_write", watched)
    for chart in [*shapes().values(), *bar_shapes().values(), *trend_shapes().values()]:
        draw(chart)
    total = sum(found.values())
    pale = {pair: count for pair, count in found.items() if contrast(*pair) < 4.5 and count > total / 100_000}
    assert total > 100_000
    assert not pale


def test_a_picture_of_few_colours_is_half_a_byte_a_pixel_and_loses_no_area() -> None:
    words = Canvas(800, 400, TONED)
    tones = [colour for fill in fills(TONES) for colour in (fill.colour, fill.edge)][:12]
    for at, colour in enumerate(tones):
        words.box((20 + 40 * at, 20, 40 + 40 * at, 26), colour)
    words.text(20, 200, "Busy 31 % of 3,524 core-hours", 40, style.INK, bold=True)
    small = Image.open(io.BytesIO(words.png()))
    assert small.getcolors(16), "no more than sixteen colours"
    shown = np.asarray(small.convert("RGB"))
    for at, colour in enumerate(tones):
        assert tuple(shown[23, 30 + 40 * at]) == colour


def test_a_picture_of_many_colours_keeps_all_of_them() -> None:
    sheet = Canvas(900, 400, TONED)
    every = list(dict.fromkeys(fill.colour for tone in TONES for fill in fills([tone] * 3)))[:20]
    assert len(every) > 16
    for at, colour in enumerate(every):
        sheet.box((20 + 40 * at, 20, 50 + 40 * at, 60), colour)
    shown = np.asarray(Image.open(io.BytesIO(sheet.png())).convert("RGB"))
    assert [tuple(shown[40, 35 + 40 * at]) for at in range(len(every))] == every
