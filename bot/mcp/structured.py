"""A card as data: what a program reads instead of a picture of a table.

    {"title": "…", "state": "failed", "as_of": "2026-11-23T12:00:00Z", "refused": false, "blocks": [
        {"kind": "facts", "facts": {"State": "active", "Nodes": "12"}},
        {"kind": "table", "columns": ["Pool", "State"], "rows": [["gpu-a", "steady"]]},
        …]}

Moments are ISO 8601 in UTC, states their words; figures stand as on the card, with their units. What Azure answered is
in these values and nowhere else, without control characters and escape sequences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from typing import Any

from cards.card import (
    Actions,
    Attachment,
    Block,
    Bullets,
    Card,
    Chip,
    Code,
    Facts,
    Fold,
    Footer,
    Heading,
    Link,
    Mark,
    Mention,
    Picture,
    Progress,
    Span,
    Table,
    Text,
    Time,
    Words,
)
from cards.text_fit import clean, clean_line, size

MOST = 40_000
"""Characters of the data of one answer, as JSON."""
BAR = re.compile("[▓░]+ ?")
"""What shows a share as a bar, beside its number."""


def of_card(card: Card, narrow: str) -> dict[str, Any]:
    """The card as data, of which :data:`MOST` characters are kept; ``narrow`` says how to ask for less."""
    made: dict[str, Any] = {"title": _line(card.title), "refused": card.refused, "blocks": []}
    if card.mark is not Mark.NEUTRAL:
        made["state"] = card.mark.value
    if card.as_of:
        made["as_of"] = _moment(Time(card.as_of))
    room = MOST - size(made)
    for block in _blocks(card.blocks):
        fitted = _fitted(block, room)
        room -= size(fitted) if fitted else 0
        if fitted:
            made["blocks"].append(fitted)
        if fitted != block:
            made["blocks"].append({"kind": "cut", "text": f"The rest is left out: it would be too long. {narrow}"})
            break
    return made


def _fitted(block: dict[str, Any], room: int) -> dict[str, Any] | None:
    """The block as far as there is room: all of it, its first rows, lines or letters, or nothing."""
    if size(block) <= room:
        return block
    for name in ("rows", "items"):
        if name in block:
            return _first(block, name, room)
    if isinstance(block.get("text"), str):
        keep = max(room - size({**block, "text": ""}), 0) // 2  # as JSON each letter may take two
        text = block["text"][-keep:] if block.get("keep") == "tail" else block["text"][:keep]
        return {**block, "text": text} if keep else None
    return None


def _first(block: dict[str, Any], name: str, room: int) -> dict[str, Any] | None:
    """As many of the block's rows as there is room for; None for none."""
    room -= size({**block, name: []})
    kept: list[Any] = []
    for each in block[name]:
        room -= size(each) + 1
        if room < 0:
            break
        kept.append(each)
    return {**block, name: kept} if kept else None


def _blocks(blocks: Sequence[Block]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if isinstance(block, Fold):
            yield {"kind": "heading", "text": clean_line(block.title)}
            yield from _blocks(block.blocks)
        elif isinstance(block, Actions):
            if links := [each for each in block.items if isinstance(each, Link)]:
                yield {"kind": "links", "items": [{"text": clean_line(each.text), "url": each.url} for each in links]}
        elif made := _block(block):
            yield made


def _block(block: Block) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind of block
    match block:
        case Words(text):
            return _text("text", _words(text))
        case Heading(title):
            return _text("heading", clean_line(title))
        case Footer(text):
            return _text("note", _words(text))
        case Facts(items):
            facts: dict[str, Any] = {}
            for fact in items:
                label, value = clean_line(fact.label), _words(fact.value)
                facts[label] = f"{facts[label]}\n{value}" if label in facts else value
            return {"kind": "facts", "facts": facts}
        case Table(columns, rows):
            return {
                "kind": "table",
                "columns": [clean_line(column.name) for column in columns],
                "rows": [[_words(cell) for cell in row.cells] for row in rows],
            }
        case Bullets(items):
            return {"kind": "list", "items": [_words(item) for item in items]}
        case Code(printed, keep):
            return {"kind": "code", "text": clean(printed), **({"keep": "tail"} if keep == "tail" else {})}
        case Picture():
            return {"kind": "picture", "title": clean_line(block.title), "text": clean_line(block.alt)}
        case Attachment():
            return _file(block)
        case Progress():
            return {
                "kind": "progress",
                "label": clean_line(block.label),
                "done": block.done,
                "total": block.total,
                "unit": clean_line(block.unit),
            }
    return {}


def _file(block: Attachment) -> dict[str, Any]:
    """A file with what is in it, as far as that is text."""
    made = {"kind": "file", "name": clean_line(block.name), "bytes": len(block.content), "type": block.kind}
    try:
        return {**made, "text": clean(block.content.decode())}
    except UnicodeDecodeError:
        return made


def _text(kind: str, text: str) -> dict[str, Any]:
    return {"kind": kind, "text": text} if text else {}


def _line(text: Text) -> str:
    return clean_line(_joined(text, clean_line))


def _words(text: Text) -> str:
    return BAR.sub("", _joined(text, clean)).strip()


def _joined(text: Text, say: Callable[[str], str]) -> str:
    parts = []
    for piece in text:
        match piece:
            case Span():
                parts.append(say(piece.text) if piece.text.strip() == piece.text else clean(piece.text))
            case Chip():
                parts.append(say(piece.word))
            case Time():
                parts.append(_moment(piece))
            case Mention():
                parts.append(f"@{say(piece.name or piece.id)}")
    return "".join(parts)


def _moment(time: Time) -> str:
    at = time.at if time.at.tzinfo else time.at.replace(tzinfo=UTC)
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
