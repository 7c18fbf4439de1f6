"""What every renderer needs to stay within a platform's limits: clean text, measure, cut, and say what was cut.

Sizes are UTF-16 units, the strictest way in which any of the platforms counts characters.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from cards.card import Actions, Block, Code, Fold, Table

FSI, PDI = "\u2068", "\u2069"
"""First strong isolate and its end: text between them cannot turn its surroundings around."""

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls, lone surrogates, bidirectional marks, embeddings, overrides and isolates, annotation marks, noncharacters.
_UNFIT = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff]"
)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """``text`` without what a platform refuses or a terminal obeys; line ends become ``\\n``."""
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", _ESCAPE_SEQUENCE.sub("", text))
    return _UNFIT.sub("", text)


def clean_line(text: str) -> str:
    """Clean text on one line: every run of white space is one space; none at the ends."""
    text = clean(text)
    return text.strip() if text.isprintable() and "  " not in text else _SPACES.sub(" ", text).strip()


def file_name(text: str, limit: int = 100) -> str:
    """A name that a file may have anywhere: no folders, nothing special to a file system or shell, never empty."""
    name = re.sub(r"[/\\\\:*?\"<>|]+", "_", clean_line(text)).strip(". ")
    return elide(name, limit).replace("…", "_") or "file"


def isolate(text: str) -> str:
    """Clean text, fenced in when it holds right-to-left letters."""
    return f"{FSI}{text}{PDI}" if not text.isascii() and _RIGHT_TO_LEFT.search(text) else text


def units(text: str) -> int:
    """The length of ``text`` in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def size(value: object) -> int:
    """The length of ``value`` as compact JSON, in UTF-16 units."""
    return units(msgspec.json.encode(value).decode())


def pack(value: object) -> str:
    """Compact JSON that can travel as text; lone surrogates, which UTF-8 cannot hold, are escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def _head(text: str, limit: int) -> str:
    """The longest beginning of at most ``limit`` units that ends between two things a reader sees."""
    if units(text) <= limit:
        return text
    end = max(min(limit, len(text)), 0)
    while end > 0 and units(text[:end]) > limit:
        end -= max(1, (units(text[:end]) - limit) // 2)
    for _ in range(32):  # the longest emoji sequences; endless ones are cut anywhere
        if not 0 < end < len(text) or not _joined(text[end - 1], text[end]):
            break
        end -= 1
    return text[:end]


def _tail(text: str, limit: int) -> str:
    if units(text) <= limit:
        return text
    start = len(text) - max(min(limit, len(text)), 0)
    while start < len(text) and units(text[start:]) > limit:
        start += max(1, (units(text[start:]) - limit) // 2)
    for _ in range(32):
        if not 0 < start < len(text) or not _joined(text[start - 1], text[start]):
            break
        start += 1
    return text[start:]


def _joined(before: str, after: str) -> bool:
    """Whether two characters are drawn as one (combining marks, joined emoji, skin tones)."""
    return (
        before == "\u200d"
        or after == "\u200d"
        or unicodedata.category(after) in {"Mn", "Me"}
        or ("\U0001f3fb" <= after <= "\U0001f3ff")
    )


def cut(text: str, limit: int) -> str:
    """At most ``limit`` units of ``text``; a cut is shown by ``…`` at the end."""
    if units(text) <= limit:
        return text
    if text.startswith(FSI) and text.endswith(PDI) and limit > 3:
        return FSI + cut(text[1:-1], limit - 2) + PDI
    return _head(text, max(limit - 1, 0)).rstrip() + "…" if limit > 0 else ""


def elide(text: str, limit: int) -> str:
    """At most ``limit`` units of a name, beginning and end kept: ``nightly…job-12``."""
    if units(text) <= limit:
        return text
    if text.startswith(FSI) and text.endswith(PDI) and limit > 5:
        return FSI + elide(text[1:-1], limit - 2) + PDI
    if limit < 3:
        return cut(text, limit)
    back = limit // 2
    return _head(text, limit - 1 - back) + "…" + _tail(text, back)


def elide_apart(names: Sequence[str], limit: int, most: int) -> list[str]:
    """Names elided to ``limit`` units, or to twice as many and so on up to ``most`` while two of them are the same."""
    while True:
        short = [elide(name, limit) for name in names]
        if limit >= most or len(set(short)) == len(set(names)):
            return short
        limit = min(limit * 2, most)


def cut_lines(text: str, limit: int, keep: str) -> tuple[str, int]:
    """The head or tail of verbatim text within ``limit`` units, cut between lines where possible, and the lines lost.

    A line that is cut counts as lost.
    """
    if units(text) <= limit:
        return text, 0
    lines = text.split("\n")
    if keep == "tail":
        lines.reverse()
    kept: list[str] = []
    room = limit
    for line in lines:
        if (need := units(line) + 1) > room:
            break
        kept.append(line)
        room -= need
    lost = len(lines) - len(kept)
    if not kept or room > limit // 2:  # one endless line: show what fits of it
        part = lines[len(kept)]
        kept.append("…" + _tail(part, room - 2) if keep == "tail" else _head(part, room - 2) + "…")
    if keep == "tail":
        kept.reverse()
    return "\n".join(kept), lost


def web_address(url: str, longest: int) -> bool:
    """Whether ``url`` is an absolute http(s) address that a platform takes."""
    if units(url) > longest or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(host)


class Omitted:
    """Keeps count of what had to go, in words a reader understands."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._names: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, kind: str, count: int = 1, names: Iterable[str] = ()) -> None:
        """``count`` things of a ``kind`` (singular, such as "row") are missing, some with names; none when negative."""
        if count > 0:
            self._counts[kind] = self._counts.get(kind, 0) + count
            self._names.setdefault(kind, []).extend(names)

    def lacking(self, *kinds: str) -> int:
        """How many things of some kinds are missing."""
        return sum(self._counts.get(kind, 0) for kind in kinds)

    def phrases(self) -> tuple[str, ...]:
        """``("12 rows", "3 columns (State since, Image, …)")``."""
        found = []
        for kind, count in self._counts.items():
            words = f"{count:,} {kind if count == 1 else _plural(kind)}"
            if names := [short for name in self._names[kind] if (short := elide(clean_line(name), 24))]:
                words += f" ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
            found.append(words)
        return tuple(found)

    def note(self, limit: int = 600) -> str:
        """One line for the message, or nothing when nothing is missing."""
        return cut("left out: " + ", ".join(self.phrases()), limit) if self._counts else ""


def _plural(kind: str) -> str:
    head, of, rest = kind.partition(" of ")
    return f"{head}s{of}{rest}"


_LEAST_ELASTIC = 500
"""Units that are kept for each block that can be cut by the row or line: a command line of some words."""


def _least(block: Block) -> int:
    whole = units(block.text) + 300 if isinstance(block, Code) else _LEAST_ELASTIC
    return min(whole, _LEAST_ELASTIC)


Draw = Callable[[Block, int, int], list[dict[str, object]]]
"""Draws one block within a size and a number of elements, and says what had to go; [] when nothing fits."""


def arrange(blocks: Sequence[Block], draw: Draw, room: int, slots: int) -> list[dict[str, object]]:
    """Draw ``blocks`` into ``room`` units and ``slots`` elements, and return the elements in the card's order.

    Buttons come first (up to half the room), because a message without its way on is a dead end; then what is short;
    what can be cut by the row or line shares the rest fairly, of which some is kept for it.
    """
    drawn: dict[int, list[dict[str, object]]] = {}

    def place(index: int, most: int) -> None:
        nonlocal room, slots
        elements = draw(blocks[index], min(most, room), slots)
        drawn[index] = elements
        room -= sum(size(element) + 1 for element in elements)
        slots -= len(elements)

    actions = [index for index, block in enumerate(blocks) if isinstance(block, Actions)]
    elastic = [index for index, block in enumerate(blocks) if isinstance(block, Table | Code | Fold)]
    first = room // 2
    for index in actions:
        before = room
        place(index, first)
        first -= before - room
    # Every elastic block is promised one element, so that a crowd of short ones cannot push the table out.
    promised = min(sum(3 if isinstance(blocks[index], Fold) else 1 for index in elastic), slots // 2)
    slots -= promised
    kept = min(sum(_least(blocks[index]) for index in elastic), room // 3)
    room -= kept
    for index in range(len(blocks)):
        if index not in drawn and index not in elastic:
            place(index, room)
    slots += promised
    room += kept
    for left, index in zip(range(len(elastic), 0, -1), elastic, strict=True):
        place(index, room // left)
    return [element for index in range(len(blocks)) for element in drawn[index]]
