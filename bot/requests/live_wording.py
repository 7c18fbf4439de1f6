"""What a card says only while its answer goes on, and what it says when that has ended."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bot.chat.request import CommandRequest
from cards.build import chip, text
from cards.card import Action, Actions, Block, Button, Card, Footer, Mark, Text, Time, Words

_FOLLOWING = "operation show "
"""The command that follows an operation, whose cards carry it as a button."""


def claims_to_live(card: Card) -> bool:
    """Whether a card says that it goes on: by a word that is true only then, or by a Stop button."""
    return any(
        _while_live(block) or (isinstance(block, Actions) and any(map(_stops, block.items))) for block in card.blocks
    )


def unclaimed(card: Card) -> Card:
    """The card without what is true only while it lives."""
    blocks: list[Block] = []
    for block in card.blocks:
        if isinstance(block, Actions):
            if items := tuple(item for item in block.items if not _stops(item)):
                blocks.append(replace(block, items=items))
        elif not _while_live(block):
            blocks.append(block)
    return replace(card, blocks=tuple(blocks))


def ended(card: Card, why: Text, request: CommandRequest, at: datetime | None = None) -> Card:
    """The card as the last one of an answer that did not end by itself: why, as of when, and a button to go on.

    ``at`` is when it was shown, for a card that does not say when it was last true.
    """
    as_of = card.as_of or at
    when = text("; as of ", Time(as_of, "clock"), ".") if as_of else "."
    note = Words(text(chip(Mark.STOPPED, "stopped"), ": ", why, when))
    again = _again(card, request)
    blocks: list[Block] = [note]
    placed = False
    for block in unclaimed(card).blocks:
        if isinstance(block, Actions) and not placed:
            blocks.append(replace(block, items=(again, *block.items)))
            placed = True
        else:
            blocks.append(block)
    if not placed:
        blocks.append(Actions((again,)))
    return replace(card, blocks=tuple(blocks), mark=Mark.STOPPED)


def _again(card: Card, request: CommandRequest) -> Button:
    """The button that goes on: of an operation it follows, and never begins it again."""
    shown = (item for block in card.blocks if isinstance(block, Actions) for item in block.items)
    following = (item for item in shown if isinstance(item, Button) and item.command.startswith(_FOLLOWING))
    # A submitted form's values are no part of the text: the form asks for them again.
    again = Button("Go on", request.text, how="form" if request.values else "edit")
    return next((replace(item, text="Go on") for item in following), again)


def _while_live(block: Block) -> bool:
    return isinstance(block, Words | Footer) and block.while_live


def _stops(item: Action) -> bool:
    return isinstance(item, Button) and item.command.startswith("stop ")
