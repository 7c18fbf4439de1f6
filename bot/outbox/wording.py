"""The few words that delivery adds to a card, or leaves of it."""

from __future__ import annotations

from msgspec.structs import replace

from cards.build import muted, text
from cards.card import Card, Footer, Words, plain

_TITLE = 200
REPEAT = "This may be a repeat: it is not known whether the first one arrived."
SHORTENED = "The details could not be shown here. Ask for them by a command."


def marked(card: Card) -> Card:
    """The card, saying that it may be there twice."""
    return replace(card, blocks=(*card.blocks, Footer(text(muted(REPEAT)))))


def shortened(card: Card) -> Card:
    """The title alone, for where the platform refuses the card."""
    words = plain(card.title)
    return replace(card, title=text(words[:_TITLE]), blocks=(Words(text(SHORTENED)),))
