"""How parts of bars and lines are told apart: a colour by what they are about, and a pattern that says it without any.

Each tone is at one lightness of its own, so that two of them differ printed in grey, too. A second series of the same
tone is paler and has another pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from cards.charts.style import (
    BUSY,
    GRID,
    IDLE,
    IDLE_TEXT,
    INK,
    MUTED,
    PAPER,
    VOID,
    VOID_LINE,
    WINDOW_ALL,
    Colour,
    Ramps,
)

Pattern: TypeAlias = Literal["plain", "rising", "falling", "level", "dots", "grid"]
"""One colour; stripes from the lower left, from the upper left, from left to right; dots; a grid."""


class Fill(Struct, frozen=True):
    """An area: its colour, a second one for the pattern, and one for its edge, dark enough to be seen on paper."""

    colour: Colour
    second: Colour
    edge: Colour
    pattern: Pattern = "plain"


def _mixed(colour: Colour, share: float) -> Colour:
    """The colour with so much paper in it."""
    return tuple(round(x + (y - x) * share) for x, y in zip(colour, PAPER, strict=True))  # type: ignore[return-value]


BILLED: Colour = (58, 72, 90)
GOOD: Colour = (104, 200, 158)
GOOD_EDGE: Colour = (18, 116, 80)
BAD: Colour = (158, 20, 32)
OTHER: Colour = (124, 134, 146)

_FIRST: dict[str, Fill] = {
    "busy": Fill(BUSY, BUSY, BUSY),
    "idle": Fill(IDLE, IDLE, IDLE_TEXT),
    "spot": Fill(WINDOW_ALL, BUSY, BUSY, "rising"),
    "billed": Fill(BILLED, BILLED, BILLED),
    "good": Fill(GOOD, GOOD, GOOD_EDGE),
    "bad": Fill(BAD, _mixed(BAD, 0.6), BAD, "falling"),
    "other": Fill(_mixed(OTHER, 0.6), OTHER, OTHER, "dots"),
}
_AGAIN: tuple[tuple[float, float, Pattern], ...] = (
    (0.45, 0.82, "level"),
    (0.75, 0.2, "rising"),
    (0.2, 0.75, "dots"),
    (0.88, 0.3, "falling"),
    (0.8, 0.35, "grid"),
)
"""The second series of a tone and those after it: how much paper is in its two colours, and its pattern."""


def fills(tones: Sequence[str]) -> list[Fill]:
    """One fill a series, no two alike among the first six of a tone."""
    seen: dict[str, int] = {}
    found = []
    for tone in tones:
        nth = seen.get(tone, 0)
        seen[tone] = nth + 1
        found.append(_fill(tone, nth))
    return found


def _fill(tone: str, nth: int) -> Fill:
    first = _FIRST[tone]
    if not nth:
        return first
    base = first.edge
    paper, other, pattern = _AGAIN[(nth - 1) % len(_AGAIN)]
    return Fill(_mixed(base, paper), _mixed(base, other), base, pattern)


def pale(colour: Colour) -> Colour:
    """The same for the period before."""
    return _mixed(colour, 0.45)


def _ramps() -> Ramps:
    colours: dict[Colour, None] = {}
    for tone in _FIRST:
        for nth in range(len(_AGAIN) + 1):
            fill = _fill(tone, nth)
            colours |= dict.fromkeys((fill.colour, fill.second, fill.edge))
    smoothed = (BUSY, IDLE_TEXT, BILLED, GOOD_EDGE, BAD, OTHER)  # colours of lines
    return (
        (PAPER, INK, 9),
        (PAPER, MUTED, 6),
        (VOID, MUTED, 4),
        (VOID, VOID_LINE, 2),
        (PAPER, GRID, 0),
        *((PAPER, colour, 4) for colour in smoothed),
        *((PAPER, pale(colour), 2) for colour in smoothed),
        *((PAPER, colour, 0) for colour in colours),
    )


TONED: Ramps = _ramps()
"""The colours of pictures whose parts have tones."""
