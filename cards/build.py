"""Builders: the few shapes that every command's card is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from math import ceil

import msgspec
from msgspec.structs import replace

from cards.card import (
    Action,
    Actions,
    Attachment,
    Block,
    Button,
    Card,
    Chip,
    Column,
    Fact,
    Facts,
    Fold,
    Foldable,
    Footer,
    Mark,
    Menu,
    Option,
    Picture,
    Piece,
    Row,
    Span,
    Table,
    Text,
    Time,
    Words,
)
from cards.formatting import number

PAGE = 20
"""Rows a list shows at once: one screen of a desktop, three of a phone."""


def text(*parts: str | Piece | Text | None) -> Text:
    """Strings become plain spans; texts are joined; None is nothing."""
    pieces: list[Piece] = []
    for part in parts:
        match part:
            case None | "":
                pass
            case str():
                pieces.append(Span(part))
            case tuple():
                pieces.extend(part)
            case _:
                pieces.append(part)
    return tuple(pieces)


def bold(words: str) -> Span:
    """A span that stands out."""
    return Span(words, "bold")


def code(words: str) -> Span:
    """A name to be copied."""
    return Span(words, "code")


def muted(words: str) -> Span:
    """A span that stands back."""
    return Span(words, "muted")


def chip(mark: Mark, word: str) -> Chip:
    """A state."""
    return Chip(mark, word)


def facts(*items: tuple[str, str | Piece | Text | None]) -> Facts | None:
    """Labelled values; empty ones are left out, and None is returned when nothing is left."""
    kept = tuple(Fact(label, text(value)) for label, value in items if text(value))
    return Facts(kept) if kept else None


def when(moment: datetime | None) -> Text:
    """A moment with its age, or nothing."""
    return (Time(moment),) if moment else ()


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Piece | Text | None]]) -> Table:
    """Rows of anything :func:`text` takes."""
    return Table(tuple(columns), tuple(Row(tuple(text(cell) for cell in row)) for row in rows))


def actions(*items: Action | None, shown: int = 0) -> Actions | None:
    """Buttons; None ones are left out. ``shown`` of them are in sight, 0: all."""
    kept = tuple(item for item in items if item is not None)
    return Actions(kept, shown) if kept else None


def fold(title: str, blocks: Sequence[Block | None], command: str, *, opened: bool) -> Fold | None:
    """What only who wants more sees; None where there is nothing. ``command`` shows the card with it opened, or, where
    it is ``opened``, without."""
    kept = tuple(block for block in blocks if isinstance(block, Foldable))
    return Fold(title, kept, command, opened) if kept else None


def blocks(*parts: Block | None) -> tuple[Block, ...]:
    """Blocks; None ones are left out."""
    return tuple(part for part in parts if part is not None)


def within(page: int, total: int, *, size: int = PAGE) -> int:
    """A page number that exists: at least 1, at most the last page."""
    return max(1, min(page, ceil(total / size) or 1))


def pager(command: str, page: int, total: int, *, size: int = PAGE) -> tuple[Button | None, Button | None]:
    """The buttons to the pages before and after, each editing the message. ``command`` is without its page."""
    last = max(1, ceil(total / size))
    back = Button("◀ Previous", f"{command} page:{page - 1}", how="edit") if page > 1 else None
    on = Button("Next ▶", f"{command} page:{page + 1}", how="edit") if page < last else None
    return back, on


def shown(page: int, on_page: int, total: int, *, size: int = PAGE) -> str:
    """``20 of 1,243`` or ``21 – 40 of 1,243``, or the bare total when all of it is shown."""
    if on_page == total:
        return number(total)
    first = (page - 1) * size + 1
    if page == 1:
        return f"{number(on_page)} of {number(total)}"
    return f"{number(first)} – {number(first + on_page - 1)} of {number(total)}"


def open_menu(label: str, command: str, names: Iterable[str]) -> Menu | None:
    """A menu that runs ``command`` (with ``{}``) on one of the names, however many; None when there is none."""
    options = tuple(Option(name, name) for name in names)
    return Menu(label, command, options, asks=True) if options else None


def note(*parts: str | Piece | Text | None) -> Footer | None:
    """Small print, or nothing."""
    content = text(*parts)
    return Footer(content) if content else None


def refusal(what: str, advice: str = "", buttons: Sequence[Button] = ()) -> Card:
    """What happened, what to do, and the buttons that do it."""
    return Card(
        title=text(bold(what)),
        mark=Mark.WARNING,
        blocks=blocks(Words(text(advice)) if advice else None, Actions(tuple(buttons)) if buttons else None),
        refused=True,
    )


def stamped(card: Card, *, zone: str, as_of: datetime) -> Card:
    """The card in the zone of whoever reads it, with a moment to count ages from where it has none."""
    return replace(card, zone=zone, as_of=card.as_of or as_of)


def forget_shown_secrets(card: Card) -> Card:
    """The card as it may be stored: with ``…`` in place of each of its secrets, which are of letters and digits."""
    if not card.secrets:
        return card
    encoded = msgspec.json.encode(replace(card, secrets=())).decode()
    for secret in card.secrets:
        encoded = encoded.replace(secret, "…")
    return msgspec.json.decode(encoded, type=Card)


def without_attachments(card: Card, why: str) -> Card:
    """The card with every attachment described in words, for where no file can be delivered; ``why`` is a sentence."""

    def described(block: Block) -> Block:
        if isinstance(block, Attachment):
            return Words(text(bold(block.name), muted(f" could not be delivered. {why}")))
        return block

    return replace(card, blocks=tuple(described(block) for block in card.blocks))


def without_pictures(card: Card, keys: Collection[str] | None = None) -> Card:
    """The card with pictures described in words, for when they cannot be drawn or delivered; ``keys`` None is all."""
    return _described(card, "The picture could not be delivered. ", keys)


def in_words(card: Card) -> Card:
    """The same for where no picture can be shown: nothing has failed, and nothing is promised."""
    return _described(card, "")


def _described(card: Card, why: str, keys: Collection[str] | None = None) -> Card:
    def described(block: Block) -> Block:
        if isinstance(block, Picture) and (keys is None or block.key in keys):
            title = bold(f"{block.title}: ") if block.title and not why else None
            return Words(text(muted(why) if why else None, title, block.alt))
        return block

    return replace(card, blocks=tuple(described(block) for block in card.blocks))


_UNKNOWN = 5
"""Things that are not known, a line each; the rest is counted."""


def with_unknown(card: Card, lines: Sequence[str]) -> Card:
    """A card that says above all else what of it is not known."""
    if not lines or card.refused:
        return card
    more = len(lines) - _UNKNOWN
    shown = [*lines[:_UNKNOWN], *([f"{number(more)} more"] if more > 0 else [])]
    told = Words(text(Chip(Mark.WARNING, "not known"), ": ", "; ".join(shown)))
    return replace(card, blocks=(told, *card.blocks))
