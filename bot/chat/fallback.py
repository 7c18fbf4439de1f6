"""What becomes of a card that cannot go out as it is: a possible repeat, plain text, or its title alone.

What cuts or breaks lines hides secrets first: a secret that is cut in two has no shape any more.
"""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from bot.content.clear_text import clear
from bot.content.outgoing import outgoing
from cards import text as text_renderer
from cards.build import bold, muted, text
from cards.card import Attachment, Card, Code, Footer, Words, plain
from cards.text_fit import clean_line

_TITLE = 200
_TEXT = 2_500
"""Characters of the text rendering: a Slack section takes 3,000 with its markup."""
_WIDTH = 80
REPEAT = "This may be a repeat: it is not known whether the first one arrived."
SHORTENED = "The details could not be shown here. Ask for them by a command."
AS_TEXT = "Shown as text: the chat refused the layout of this answer."
UNSENDABLE = "I have an answer for you, but the chat refuses to show it. Ask for less of it, or try again later."


def marked(card: Card) -> Card:
    """The card, saying that it may be there twice."""
    return replace(card, blocks=(*card.blocks, Footer(text(muted(REPEAT)))))


def as_text(card: Card) -> Card:
    """The card as the terminal shows it, cut where it is long, in the plainest layout there is; without buttons."""
    words = cast("str", text_renderer.render(outgoing(card), width=_WIDTH).payload["text"])
    body = words.partition("\n\n")[2]
    cut = body if len(body) <= _TEXT else body[: _TEXT - 1] + "…"
    files = tuple(block for block in card.blocks if isinstance(block, Attachment))
    blocks = (Code(cut),) if cut.strip() else ()
    return replace(_titled(card), blocks=(*blocks, *files, Footer(text(muted(AS_TEXT)))))


def shortened(card: Card) -> Card:
    """The title alone, for where the platform refuses the card."""
    return replace(_titled(card), blocks=(Words(text(SHORTENED)),))


def _titled(card: Card) -> Card:
    return replace(card, title=text(bold(clean_line(clear(plain(card.title)))[:_TITLE])))
