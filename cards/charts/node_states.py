"""How the sixteen node states are drawn in every picture: a letter, a colour, a word, and which of them matters more.

The colours are the ones people know from Batch's own tools, moved apart until they also differ without red and green
(tests/cards/charts/test_nodestates.py holds that by simulation). The letter says it without any colour.

What a node of a state does, takes and costs is :mod:`bot.domain.states`. Cards know nothing of it, so words and kinds
stand here too; tests/domain/test_states.py holds both to be the same, and every state to have its style.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cards.charts.style import INK, PAPER, Colour

Kind = Literal["bad", "gone", "changing", "idle", "running"]


class NodeStyle(Struct, frozen=True):
    """One state: as the service writes it in lower case, in words, and as it is drawn."""

    state: str
    letter: str
    word: str
    colour: Colour
    kind: Kind


RUNNING: tuple[Colour, ...] = (
    (207, 250, 208),
    (138, 215, 183),
    (71, 181, 132),
    (15, 137, 98),
    (0, 92, 68),
)
"""Running, by the share of its task slots that are in use: up to a fifth, two, three, four, all."""

YELLOW: Colour = (250, 220, 74)

STYLES: tuple[NodeStyle, ...] = (
    NodeStyle("unusable", "U", "unusable", (240, 124, 0), "bad"),
    NodeStyle("starttaskfailed", "F", "start task failed", (140, 11, 24), "bad"),
    NodeStyle("unknown", "?", "unknown", (249, 183, 92), "bad"),
    NodeStyle("offline", "O", "offline", (58, 138, 240), "bad"),
    NodeStyle("preempted", "P", "preempted", (30, 33, 40), "gone"),
    NodeStyle("waitingforstarttask", "W", "waiting for start task", (122, 66, 178), "changing"),
    NodeStyle("rebooting", "B", "rebooting", YELLOW, "changing"),
    NodeStyle("reimaging", "M", "reimaging", YELLOW, "changing"),
    NodeStyle("upgradingos", "G", "upgrading OS", YELLOW, "changing"),
    NodeStyle("creating", "C", "creating", YELLOW, "changing"),
    NodeStyle("starting", "S", "starting", YELLOW, "changing"),
    NodeStyle("leavingpool", "L", "leaving pool", (255, 142, 146), "changing"),
    NodeStyle("deallocating", "D", "deallocating", (255, 142, 146), "changing"),
    NodeStyle("deallocated", "X", "deallocated", (176, 200, 251), "gone"),
    NodeStyle("idle", "I", "idle", (203, 203, 219), "idle"),
    NodeStyle("running", "R", "running", RUNNING[3], "running"),
)
"""The states by trouble, worst first. ``bad`` ones are billed and do no work."""

INDEX: dict[str, int] = {style.state: index for index, style in enumerate(STYLES)}
UNKNOWN: int = INDEX["unknown"]
RUNNING_INDEX: int = INDEX["running"]


def index_of(state: str) -> int:
    """The place of a state in :data:`STYLES`; a state that is not known counts as unknown."""
    return INDEX.get(state.lower(), UNKNOWN)


def shade(use: float) -> int:
    """Which of the five greens: 0 up to a fifth of the slots in use … 4 above four fifths."""
    return min(4, max(0, -int(-use * 5 // 1) - 1))


def on(colour: Colour) -> Colour:
    """Ink or paper, whichever reads better on a colour (WCAG relative luminance)."""
    return INK if luminance(colour) > 0.2 else PAPER


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 … 1 (WCAG 2.2)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
