"""Which pictures Teams takes: 1024 by 1024 pixels, 1 MB ("Format cards in Teams", images); and how one becomes so."""

from __future__ import annotations

import msgspec

from cards.card import Chart

LONGEST_EDGE, MOST_BYTES = 1024, 1_000_000
LEGIBLE = 480
"""Pixels of width below which the words of a picture are no longer read: it is told in words then."""
_SIZE = slice(16, 24)
"""Where a PNG's header has its width and height, four bytes each (PNG specification, IHDR)."""


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    both = png[_SIZE]
    return int.from_bytes(both[:4], "big"), int.from_bytes(both[4:], "big")


def fits(png: bytes) -> bool:
    """Whether Teams takes it."""
    return max(size_of(png)) <= LONGEST_EDGE and len(png) <= MOST_BYTES


def of_width(chart: Chart, width: int) -> Chart:
    """The same chart as wide as that, and as high in proportion."""
    return msgspec.structs.replace(chart, width=width, height=round(chart.height * width / chart.width))


def within(chart: Chart) -> Chart:
    """The chart no wider than Teams takes; how high it gets is known once it is drawn."""
    return of_width(chart, LONGEST_EDGE) if chart.width > LONGEST_EDGE else chart


def narrower(chart: Chart, png: bytes) -> Chart | None:
    """A chart whose picture was too high, drawn smaller; None where nobody could read that."""
    width, height = size_of(png)
    smaller = int(chart.width * min(1.0, LONGEST_EDGE / width, (LONGEST_EDGE - 8) / height))
    return of_width(chart, smaller) if LEGIBLE <= smaller < chart.width else None
