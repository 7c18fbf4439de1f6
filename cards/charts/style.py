"""Colours and sizes of every picture.

Sizes are pixels of a picture 1600 wide and grow with its width: on a phone of 390 pixels a chat shows a picture about
330 wide, where 44 becomes 9. The colours differ without red and green, and by lightness alone.

Pictures have paper of their own with a border, and are the same for everybody. Which theme somebody reads in is told to
no bot, and one message has readers in both; and no colour at all is legible, at 4.5 to 1, on a see-through sheet over
white and over the dark of Slack or Teams (tests/cards/charts/test_colours.py).
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct

Colour = tuple[int, int, int]
Ramps = tuple[tuple[Colour, Colour, int], ...]

PAPER: Colour = (255, 255, 255)
INK: Colour = (22, 32, 44)
MUTED: Colour = (91, 104, 117)
GRID: Colour = (226, 231, 236)
BUSY: Colour = (59, 125, 230)
BUSY_TEXT: Colour = (27, 87, 190)
IDLE: Colour = (252, 232, 186)
IDLE_TEXT: Colour = (133, 86, 0)
VOID: Colour = (243, 245, 247)
VOID_LINE: Colour = (208, 215, 222)
PAST: Colour = (221, 226, 232)
PAST_BUSY: Colour = (176, 188, 202)
WINDOW: Colour = (228, 237, 252)
WINDOW_ALL: Colour = (168, 198, 246)
FRAME: Colour = (200, 208, 216)
"""The border of every picture: it ends the sheet where the chat is as white as the sheet."""

RAMPS: Ramps = (
    (PAPER, INK, 9),
    (PAPER, MUTED, 6),
    (PAPER, BUSY_TEXT, 6),
    (PAPER, IDLE_TEXT, 6),
    (VOID, MUTED, 4),
    (VOID, VOID_LINE, 2),
    (IDLE, INK, 4),
    (BUSY, INK, 3),
    (PAPER, GRID, 0),
    (IDLE, BUSY, 2),
    (PAST, PAST_BUSY, 0),
    (WINDOW, WINDOW_ALL, 0),
)
"""Pairs of colours that meet in a picture, and how many shades lie between them where an edge is smoothed."""


class Sizes(Struct, frozen=True):
    """Type sizes and strokes at 1600."""

    headline: float = 62
    headline_least: float = 46
    text: float = 46
    label: float = 46
    small: float = 44
    phone: float = 44
    """Least size of what must be read on a phone."""
    least: float = 44
    line: float = 5
    thin: float = 2
    margin: float = 36
    bar: float = 3
    """Least width of a bucket in the plot."""
    strip_bar: float = 12
    frame: float = 3
    riser: float = 14
    """Least mean distance between two jumps of the line at which it keeps its full width."""


SIZES = Sizes()


@cache
def palette(ramps: Ramps = RAMPS) -> tuple[Colour, ...]:
    """Every colour a picture may hold: the border's, the pairs and the shades between them."""
    colours: dict[Colour, None] = {FRAME: None}
    for a, b, between in ramps:
        for n in range(between + 2):
            share = n / (between + 1)
            colours[tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))] = None  # type: ignore[index]
    return tuple(colours)
