"""Why a notification is held back: every reason that a stage of the pipeline can give, with its words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from bot.alerting.model import Held


class HeldReason(NamedTuple):
    """``stage`` gives it. ``words`` complete "held back: …"; ``sentence`` says what it means and when it ends."""

    stage: Literal["suppression", "grouping"]
    words: str
    sentence: str


HELD_REASONS: Mapping[Held, HeldReason] = {
    "muted": HeldReason("suppression", "muted here", "A mute of this conversation fits it, until that ends."),
    "inhibited": HeldReason(
        "suppression",
        "inhibited by another alert",
        "Another open alert explains it. It is posted if it outlives that one by a minute and a half.",
    ),
    "flapping": HeldReason(
        "suppression",
        "flapping",
        "It comes and goes, and is over at the moment: nothing is posted until it has been stable for ten minutes.",
    ),
    "quiet": HeldReason(
        "suppression",
        "waiting for the end of the quiet hours",
        "This conversation has quiet hours, in which only critical alerts are posted. A digest follows them.",
    ),
    "grouping": HeldReason(
        "grouping",
        "waiting to be grouped with others",
        "It closely follows another alert of its account: what comes together is posted together.",
    ),
}
"""In the order of evaluation: the first that holds is the one that is named."""


def held_words(held: str) -> str:
    """A reason in words; one that a newer version gave as it stands."""
    known = {name: reason.words for name, reason in HELD_REASONS.items()}
    return known.get(held, held)  # type: ignore[call-overload, no-any-return]
