"""A card where it stands beside what somebody else wrote: its answer, what is wrong, and the first steps on."""

from __future__ import annotations

from msgspec.structs import replace

from cards.build import actions
from cards.card import Actions, Block, Bullets, Button, Card, Facts, Link, Progress, Words

_BLOCKS = 3
"""Before the buttons: one screen of a phone, with the message that it belongs to."""
_FACTS = 4
_ITEMS = 2
_BUTTONS = 3


def compact(card: Card) -> Card:
    """The card without what is folded, drawn, listed in tables or comes as a file, and with a few of its buttons.

    Those that would replace their message are left out, for the message is not the bot's.
    """
    kept = [small for block in card.blocks if (small := _small(block)) is not None][:_BLOCKS]
    first = next((block for block in card.blocks if isinstance(block, Actions)), Actions(()))
    buttons = [each for each in first.items if isinstance(each, Button) and each.how != "edit"][:_BUTTONS]
    links = [each for each in first.items if isinstance(each, Link)][:1]
    below = actions(*buttons, *links)
    return replace(card, blocks=(*kept, *([below] if below else [])))


def _small(block: Block) -> Block | None:
    match block:
        case Words() | Progress():
            return block
        case Facts(items):
            return Facts(items[:_FACTS])
        case Bullets(items, dots):
            return Bullets(items[:_ITEMS], dots)
        case _:
            return None
