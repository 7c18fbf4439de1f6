from __future__ import annotations

import io

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from cards.charts import style
from cards.charts.bars import Bar, BarSeries, parts, stacked, total
from cards.charts.draw import draw
from cards.charts.tones import BILLED
from tests.cards.charts.bar_shapes import bar_chart, bar_shapes, single
from tests.cards.charts.pixels import count, pixels, small, where

SHAPES = bar_shapes()


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_small_palette_picture(name: str) -> None:
    chart = SHAPES[name]
    image = small("bars", name, chart, most=130_000)
    if chart.width > 320:
        assert image.width == chart.width
    if not chart.across:
        assert image.height == max(180, chart.height)


@pytest.mark.parametrize("across", [False, True])
def test_bars_are_to_scale_from_zero(across: bool) -> None:
    """A bar of 100 has a tenth more blue than one of 91: nothing is cut off below."""
    chart = replace(single(100.0, 0.0), across=across)
    most = count(pixels(chart), style.BUSY)
    both = count(pixels(replace(chart, bars=(chart.bars[0], Bar("x", (91.0,))))), style.BUSY)
    assert both / most == pytest.approx(1.91, rel=0.02)


def test_parts_are_to_scale() -> None:
    chart = bar_chart(
        series=(BarSeries("a", "busy"), BarSeries("b", "billed")),
        bars=(Bar("x", (50.0, 100.0)), Bar("y", (9.0, 18.0))),
    )
    image = pixels(chart)
    assert count(image, BILLED) / count(image, style.BUSY) == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("across", [False, True])
def test_no_data_is_not_zero(across: bool) -> None:
    known = replace(single(100.0, 0.0, 50.0), across=across)
    unknown = replace(known, bars=(known.bars[0], Bar("25 Aug", (None,)), known.bars[2]))
    # Edges of letters have shades of it too.
    assert count(pixels(known), style.VOID) < 2_500
    assert count(pixels(unknown), style.VOID) > 3_000
    assert count(pixels(known), style.BUSY) == pytest.approx(count(pixels(unknown), style.BUSY), rel=0.1)


def test_what_still_fills_is_half_drawn() -> None:
    chart = single(100.0, 100.0)
    filling = replace(chart, bars=(chart.bars[0], replace(chart.bars[1], partial=True)))
    whole, half = pixels(chart), pixels(filling)
    middle = whole.shape[1] // 2
    assert count(half[:, :middle], style.BUSY) == pytest.approx(count(whole[:, :middle], style.BUSY), rel=0.1)
    assert 0.4 < count(half[:, middle:], style.BUSY) / count(half[:, :middle], style.BUSY) < 0.65


def test_credits_hang_below_zero() -> None:
    image = pixels(SHAPES["credits"])
    blue = where(image, style.BUSY)
    zero = int(np.flatnonzero(where(image, style.MUTED).sum(axis=1) > image.shape[1] * 0.6)[0])
    columns = np.flatnonzero(blue[zero + 5 :].any(axis=0))
    assert columns.size, "something hangs below"
    assert not blue[:zero, columns].any(), "and nothing stands above it"


def test_the_level_lies_where_a_bar_of_its_value_ends() -> None:
    chart = replace(SHAPES["budget"], level=200.0, note="")
    image = pixels(replace(chart, bars=(Bar("x", (200.0, 0.0, 0.0)), Bar("y", (300.0, 0.0, 0.0)))))
    dashes = 150 + np.flatnonzero(where(image, style.INK)[150:, 200:1200].sum(axis=1) > 300)
    first_bar = np.flatnonzero(where(image, style.BUSY)[:, :600].any(axis=0))
    top = int(np.flatnonzero(where(image, style.BUSY)[:, int(np.median(first_bar))])[0])
    assert dashes.size
    assert abs(int(dashes.mean()) - top) <= 4


def test_ninety_bars_are_ninety() -> None:
    image = pixels(SHAPES["quarter single"])
    zero = int(np.flatnonzero(where(image, style.MUTED).sum(axis=1) > 800)[0])
    row = where(image, style.BUSY)[zero - 3]
    starts = int((row[1:] & ~row[:-1]).sum())
    assert starts >= 80 + 3, "80 whole ones, 7 unknown, 3 of stripes"


def test_rows_grow_with_their_number() -> None:
    heights = [Image.open(io.BytesIO(draw(SHAPES[name]))).height for name in ("across one", "pools", "across many")]
    assert heights == sorted(heights)
    assert heights[0] < 500


def test_parts_up_and_down() -> None:
    bar = Bar("x", (3.0, None, -2.0, 1.0, 0.0, -4.0))
    assert parts(bar) == [(0, 0.0, 3.0), (2, 0.0, -2.0), (3, 3.0, 4.0), (5, -2.0, -6.0)]
    assert stacked(bar) == (-6.0, 4.0)
    assert total(bar) == -2.0
    assert total(Bar("x", (None, None))) is None
    assert stacked(Bar("x", (None,))) == (0.0, 0.0)
