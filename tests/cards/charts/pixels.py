"""Pictures as pixels, for tests of what is drawn where."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cards.charts import style
from cards.charts.draw import draw


def opened(chart: object) -> Image.Image:
    """The picture of a chart."""
    return Image.open(io.BytesIO(draw(chart)))


def pixels(chart: object) -> NDArray[np.uint8]:
    """Height x width x RGB."""
    return np.asarray(opened(chart).convert("RGB"))


def where(image: NDArray[np.uint8], colour: style.Colour) -> NDArray[np.bool_]:
    """Which pixels have exactly this colour."""
    found: NDArray[np.bool_] = (image == np.array(colour)).all(axis=2)
    return found


def count(image: NDArray[np.uint8], colour: style.Colour) -> int:
    """How many pixels have exactly this colour."""
    return int(where(image, colour).sum())


def small(kind: str, name: str, chart: Any, *, most: int) -> Image.Image:
    """A picture of a palette, with its border, of at most so many bytes, and the same when drawn again; kept."""
    png = draw(chart)
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P"
    assert len(png) < most
    assert draw(chart) == png
    bordered(np.asarray(image.convert("RGB")))
    kept(kind, name, png)
    return image


def bordered(rgb: NDArray[np.uint8]) -> None:
    """A quiet border all around, with paper inside of it: nothing runs off the sheet."""
    thick = max(1, round(style.SIZES.frame * rgb.shape[1] / 1600))
    for edge in (rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]):
        assert (edge == style.FRAME).all()
    inner = rgb[thick:-thick, thick:-thick]
    for edge in (inner[0], inner[-1], inner[:, 0], inner[:, -1]):
        assert (edge == style.PAPER).all()


def kept(kind: str, name: str, png: bytes) -> None:
    """Keep a picture with what a run of the tests leaves behind, where it leaves anything."""
    if folder := os.environ.get("BATCHBOT_ARTIFACTS"):
        path = Path(folder) / "charts"
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{kind}-{name.replace(' ', '-')}.png").write_bytes(png)
