"""What programs print, made fit for people: bytes of any encoding into lines, without secrets or control characters."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from bot.azure.files import Tail
from bot.content.redaction import redact
from cards.formatting import number
from cards.text_fit import clean

LONGEST = 500
"""Characters of a line that are shown."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FEW = 8
"""Control characters that a short text may have."""
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\v\f\r\b\x1b"})


class Printed(NamedTuple):
    """The last lines of a file; ``encoding`` is named where it is not UTF-8, ``cut`` how many lines were too long."""

    lines: list[str]
    encoding: str
    cut: int

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def printed(tail: Tail, lines: int) -> Printed | None:
    """The last ``lines`` lines of a file's end; None where it is no text."""
    known = decoded(tail.content, start=tail.start, first=tail.first)
    if known is None:
        return None
    text, encoding = known
    if tail.start > 0:
        text = _from_a_whole_line(text)
    every = fit(text).split("\n")
    if every and not every[-1]:
        every.pop()
    shown = every[-lines:]
    return Printed([_short(line) for line in shown], encoding, sum(len(line) > LONGEST for line in shown))


def fit(text: str) -> str:
    """Text as a terminal would leave it, without control characters and secrets."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))  # what was written over is gone
    return redact(clean("\n".join(lines)))


def decoded(content: bytes, *, start: int = 0, first: bytes = b"") -> tuple[str, str] | None:
    """Bytes of a file from ``start`` on as text, and the encoding's name where it is not UTF-8; None for no text.

    ``first`` are the file's first bytes, which may show its encoding. What is cut in two at either end is left out.
    """
    if start == 0:
        first = content[:4]
    for bom, encoding in _BOMS:
        if first.startswith(bom):
            return _by_name(content, encoding, start, len(bom))
    if b"\0" in content:
        odd, even = content[1 - start % 2 :: 2], content[start % 2 :: 2]
        if odd.count(0) * 2 > len(odd) and not even.count(0):
            return _by_name(content, "utf-16-le", start, 0)
        if even.count(0) * 2 > len(even) and not odd.count(0):
            return _by_name(content, "utf-16-be", start, 0)
        return None
    if len(content) - len(content.translate(None, _CONTROLS)) > _FEW + len(content) // 20:
        return None
    return _utf8_or_latin(content, start)


def _by_name(content: bytes, encoding: str, start: int, bom: int) -> tuple[str, str]:
    if start == 0:
        content = content[bom:]
    if encoding == "utf-8":
        return _utf8_or_latin(content, start)
    content = content[start % 2 :]  # two bytes are a unit, counted from the file's beginning
    return content[: len(content) & ~1].decode(encoding, "replace"), "UTF-16"


def _utf8_or_latin(content: bytes, start: int) -> tuple[str, str]:
    """UTF-8 unless more of it is wrong than right: one bad byte must not garble all the rest."""
    if start > 0:
        content = content.lstrip(bytes(range(0x80, 0xC0)))
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(content)  # not final: an unfinished end stays out
    wrong = text.count("\ufffd")
    right = sum(not char.isascii() for char in text) - wrong if wrong else 0
    if wrong <= right:
        return text, ""
    return content.decode("cp1252", "replace"), "Latin-1"


def _from_a_whole_line(text: str) -> str:
    """Without the line that the beginning cuts; of one endless line without its first word, which may be half a key."""
    rest = text.partition("\n")[2]
    if rest:
        return rest
    gap = re.search(r"\s", text[:-1])
    return text[gap.end() :] if gap else ""


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} … {number(len(line) - LONGEST)} more characters"
