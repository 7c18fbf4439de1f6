from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from cards.charts import style
from cards.charts.canvas import Canvas
from cards.charts.draw import draw
from cards.charts.plot import apart
from cards.charts.usage_picture import scale
from tests.cards.charts.pixels import count, pixels, small
from tests.cards.charts.shapes import DAY, END, HOUR, constant, holed, shapes, usage_chart, with_spot

SHAPES = shapes()


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_small_palette_picture(name: str) -> None:
    chart = SHAPES[name]
    image = small("usage", name, chart, most=64_000)
    assert len(image.getcolors()) <= 64
    if chart.width > 320:
        assert image.size == (chart.width, chart.height)


def test_what_is_no_chart() -> None:
    with pytest.raises(TypeError, match="int is no chart: known are UsageChart"):
        draw(3)


def test_areas_are_to_scale() -> None:
    """Busy half of all: as much blue as amber. A quarter missing: a quarter less of both, and hatching there."""
    chart = usage_chart(DAY, 300, points=constant(DAY, 300, 50, 100), strip=())
    whole = pixels(chart)
    busy, idle = count(whole, style.BUSY), count(whole, style.IDLE)
    assert busy == pytest.approx(idle, rel=0.03)
    holes = pixels(replace(chart, points=holed(chart, END - 18 * HOUR, END - 12 * HOUR)))
    assert count(holes, style.BUSY) == pytest.approx(busy * 3 / 4, rel=0.03)
    assert count(holes, style.VOID) > 50_000 > count(whole, style.VOID)


def test_a_bucket_that_was_not_sampled_is_a_gap() -> None:
    chart = usage_chart(DAY, 300, points=constant(DAY, 300, 50, 100), strip=())
    marked = tuple(
        replace(point, busy=0, total=0, covered=0) if END - 18 * HOUR <= point.start < END - 12 * HOUR else point
        for point in chart.points
    )
    absent = holed(chart, END - 18 * HOUR, END - 12 * HOUR)
    assert draw(replace(chart, points=marked)) == draw(replace(chart, points=absent))


def test_the_strip_marks_the_window() -> None:
    chart = usage_chart(9 * DAY, 1800, points=())
    rows = pixels(chart)[-140:-70]
    columns = np.flatnonzero((rows == np.array(style.BUSY)).all(axis=2).any(axis=0))
    grey = np.flatnonzero((rows == np.array(style.PAST_BUSY)).all(axis=2).any(axis=0))
    assert (columns[-1] - columns[0]) / (columns[-1] - grey[0]) == pytest.approx(9 / 90, abs=0.01)


@pytest.mark.parametrize(
    ("peak", "expected"),
    [(0, (1, 1)), (0.3, (1, 1)), (1, (1, 1)), (3, (3, 1)), (64, (64, 16)), (480, (480, 120)), (481, (600, 150)),
     (1_200_000, (1_200_000, 300_000))],
)  # fmt: skip
def test_scale(peak: float, expected: tuple[float, float]) -> None:
    assert scale(peak) == expected


@pytest.mark.parametrize("peak", [1, 2, 5, 7, 11, 99, 101, 777, 12345, 10**6, 10**9 + 1])
def test_scale_is_whole_round_and_close(peak: int) -> None:
    top, step = scale(peak)
    assert peak <= top <= 4 * step
    assert top <= max(1.5 * peak, peak + 1)
    assert step.is_integer()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([100, 300], [100, 300]),
        ([100, 100], [80, 120]),
        ([0, 0], [10, 50]),
        ([500, 500], [360, 400]),
        ([390, 400], [360, 400]),
    ],
)
def test_labels_are_pushed_apart(wanted: list[float], expected: list[float]) -> None:
    indexes = apart(wanted, 40, 10, 400)
    assert indexes[1] - indexes[0] >= 40
    assert 10 <= indexes[0] <= indexes[1] <= 400
    assert indexes == expected


def test_the_palette_is_small_and_keeps_the_colours() -> None:
    assert len(style.palette()) <= 64
    colours = [colour for pair in style.RAMPS for colour in pair[:2]]
    sheet = Canvas(10 * len(colours), 10)
    for n, colour in enumerate(colours):
        sheet.box((10 * n, 0, 10 * n + 10, 10), colour)
    drawn = np.asarray(Image.open(io.BytesIO(sheet.png())).convert("RGB"))[5, 5::10]
    assert [tuple(map(int, colour)) for colour in drawn] == colours


def test_spot_is_striped_and_what_may_be_less_is_half_left_out() -> None:
    chart = usage_chart(DAY, 300, points=constant(DAY, 300, 50, 100), strip=())
    plain = pixels(chart)
    spot = pixels(replace(chart, points=with_spot(chart.points, 0.5)))
    busy = count(plain, style.BUSY)
    assert count(plain, style.WINDOW_ALL) < 100
    assert count(spot, style.WINDOW_ALL) + count(spot, style.BUSY) == pytest.approx(busy, rel=0.06), "a narrower plot"
    assert count(spot, style.WINDOW_ALL) == pytest.approx(busy * 0.5 * 0.6, rel=0.1), (
        "of each half two fifths are busy's"
    )
    unsure = pixels(replace(chart, points=with_spot(chart.points, 0.0, END)))
    assert count(unsure, style.BUSY) == pytest.approx(busy / 2, rel=0.1)
    assert count(unsure, style.IDLE) == pytest.approx(count(plain, style.IDLE), rel=0.02)


def test_a_window_of_any_length_is_drawn() -> None:
    for span, step in ((timedelta(minutes=1), 60), (400 * DAY, 86400), (3000 * DAY, 86400)):
        assert draw(usage_chart(span, step, strip=()))
