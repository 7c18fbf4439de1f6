from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from cards.charts import style
from cards.charts.tones import BAD, GOOD, pale
from cards.charts.trend import TrendSeries, merged
from tests.cards.charts.pixels import count, pixels, small, where
from tests.cards.charts.trend_shapes import lines, trend_chart, trend_shapes

SHAPES = trend_shapes()


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_small_palette_picture(name: str) -> None:
    chart = SHAPES[name]
    image = small("trend", name, chart, most=90_000)
    if chart.width > 320:
        assert image.size == (chart.width, chart.height)


def test_bars_are_stacked_to_scale() -> None:
    chart = trend_chart(series=(TrendSeries("a", "good", (60.0,) * 8), TrendSeries("b", "busy", (30.0,) * 8)))
    image = pixels(chart)
    assert count(image, GOOD) / count(image, style.BUSY) == pytest.approx(2, rel=0.08)  # less its edge


def test_a_line_lies_at_its_value() -> None:
    """Two level lines at 50 and 100 of an axis that ends at 100."""
    chart = lines(TrendSeries("a", "busy", (50.0,) * 60), TrendSeries("b", "bad", (100.0,) * 60), unit="")
    image = pixels(chart)[:, 200:1200]
    zero = int(np.flatnonzero(where(image, style.MUTED).sum(axis=1) > 800)[0])
    half = float(np.flatnonzero(where(image, style.BUSY).sum(axis=1) > 800).mean())
    whole = float(np.flatnonzero(where(image, BAD).sum(axis=1) > 300).mean())
    assert (zero - half) / (zero - whole) == pytest.approx(0.5, abs=0.01)


def test_lines_differ_without_colour() -> None:
    """The first is whole, the second has gaps."""
    image = pixels(lines(TrendSeries("a", "busy", (50.0,) * 60), TrendSeries("b", "busy", (100.0,) * 60), unit=""))
    rows = where(image, style.BUSY)[:, 200:1200].sum(axis=1)
    full, dashed = sorted(rows[rows > 300])[-1], sorted(rows[rows > 300])[0]
    assert full > 950
    assert 500 < dashed < 800


def test_the_period_before_is_paler() -> None:
    chart = lines(TrendSeries("a", "busy", (50.0,) * 60, (80.0,) * 60))
    alone = replace(chart, series=(replace(chart.series[0], before=()),))
    assert count(pixels(chart), pale(style.BUSY)) > 500
    assert count(pixels(alone), pale(style.BUSY)) < 100


def test_no_data_is_hatched_and_zero_is_not() -> None:
    zero, unknown = SHAPES["tasks zero"], SHAPES["tasks holed"]
    assert count(pixels(zero), style.VOID) < 2_000
    assert count(pixels(unknown), style.VOID) > 30_000


def test_a_lone_value_is_a_dot() -> None:
    values = tuple(40.0 if n == 30 else None for n in range(60))
    image = pixels(lines(TrendSeries("a", "busy", values), unit=""))
    assert count(image[:, 400:1000], style.BUSY) >= 100


def test_merged_counts_lose_nothing() -> None:
    chart = SHAPES["tasks by the hour"]
    fewer = merged(chart, 24)
    assert fewer.step == 86400
    assert len(fewer.series[0].values) == 90
    for before, after in zip(chart.series, fewer.series, strict=True):
        assert sum(value or 0 for value in before.values) == sum(value or 0 for value in after.values)
    holed = merged(trend_chart(series=(TrendSeries("a", "good", (1.0, None, None, None, 2.0)),)), 2)
    assert holed.series[0].values == (1.0, None, 2.0)
    assert merged(chart, 1) is chart
