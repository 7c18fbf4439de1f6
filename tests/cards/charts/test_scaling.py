"""The picture of a formula over the past, and its words."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from cards.charts import style
from cards.charts.draw import draw
from cards.charts.scaling import Scaling, ScalingPoint, runs, scaling_alt
from tests.cards.charts.pixels import bordered, kept

SINCE = datetime(2026, 11, 22, tzinfo=UTC)
HALF = timedelta(minutes=30)


def chart(count: int = 336, *, nodes: float = 4, was: float = 12, waiting: float = 3, known: bool = True) -> Scaling:
    points = tuple(ScalingPoint(SINCE + n * HALF, nodes, waiting, was, 1.0 if known else None) for n in range(count))
    return Scaling("$221 less", "render-prod · pool gpu-a", points, 1800, SINCE, SINCE + 336 * HALF, figures=("So.",))


SHAPES = {
    "week": chart(),
    "nothing": chart(0),
    "one": chart(1),
    "none wanted": chart(nodes=0, was=0, waiting=0),
    "not counted": chart(known=False),
    "gap": replace(chart(), points=(*chart().points[:80], *chart().points[120:])),
    "huge": chart(nodes=12_345.6, was=98_765, waiting=1_234_567),
    "phone": replace(chart(), width=390, height=268),
    "odd words": replace(chart(), headline="$x^2$ 漢字 🚀\n" * 9, subtitle="\x00 $" * 80),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_small_palette_picture(name: str) -> None:
    png = draw(SHAPES[name])
    image = Image.open(io.BytesIO(png))
    assert (image.mode, image.width) == ("P", SHAPES[name].width)
    assert len(png) < 100_000
    bordered(np.asarray(image.convert("RGB")))
    kept("scaling", name, png)
    assert draw(SHAPES[name]) == png


def coloured(of: Scaling, colour: style.Colour) -> int:
    image = np.asarray(Image.open(io.BytesIO(draw(of))).convert("RGB"))
    return int((image == np.array(colour)).all(axis=2).sum())


def test_what_was_is_an_area_to_scale() -> None:
    legend = coloured(chart(0), style.IDLE)
    later = chart(known=False).points[168:]
    half, whole = (
        coloured(replace(chart(), points=(*chart(168, was=was, known=False).points, *later)), style.IDLE)
        for was in (0, 12)
    )
    assert whole - legend == pytest.approx(2 * (half - legend), rel=0.03)


def test_a_gap_lifts_the_pen_and_empties_the_area() -> None:
    assert len(runs(SHAPES["gap"].points, 1800)) == 2
    assert coloured(SHAPES["gap"], style.IDLE) < 0.92 * coloured(chart(), style.IDLE)
    assert coloured(SHAPES["gap"], style.BUSY) < 0.95 * coloured(chart(), style.BUSY)


def test_the_words_have_the_figures() -> None:
    told = scaling_alt(chart())
    assert told.startswith("$221 less. Chart of nodes and waiting tasks")
    assert "With the formula at most 4 nodes" in told
    assert told.endswith("really at most 12. So.")
    assert scaling_alt(chart(0)).endswith("No samples in this window.")
