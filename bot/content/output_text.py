"""What programs print, made fit for people: bytes of any encoding into lines, without secrets or control characters."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from bot.azure.files import Encoding, Tail
from bot.content import encodings
from bot.content.redaction import redact
from cards.formatting import number
from cards.text_fit import clean

LONGEST = 500
"""Characters of a line that are shown."""
_BOMS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE: tuple[tuple[Encoding, int, int], ...] = (
    ("utf-32-le", 4, 0),
    ("utf-32-be", 4, 3),
    ("utf-16-le", 2, 0),
    ("utf-16-be", 2, 1),
)
"""Encodings, how many bytes a character has, and which of them is the low one."""
_FEW = 8
"""Control characters that a short text may have."""
_READABLE = 0.97
"""The share of characters that people can read, from which on bytes with zeros count as text of two or four bytes."""
_LONG = 32
"""Characters of other scripts that are no chance."""
_RUN = re.compile(rb"[\t\x20-\x7e]{8,}|(?:[\t\x20-\x7e]\0){8,}|(?:\0[\t\x20-\x7e]){8,}")
"""Readable parts of what is no text."""
_NAMES = re.compile(r"[\"']?\s*[:=][\"'\s]*(?:[|>][+-]?\d?)?\s*\Z")
"""How a line ends whose value stands in the next."""
_GOES_ON = re.compile(r"[ \t]+[\\`^][ \t]*\Z")
"""How a command line ends that goes on in the next, where the value of its last option may stand."""
_NAME = re.compile(r"[\w-]*(?=[\"'\s]*[:=])")
"""What may be the end of a name, before its value."""
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


def printed(tail: Tail, lines: int, *, grows: bool = False, encoding: str = "") -> Printed | None:
    """The last ``lines`` lines of a file's end; None where it is no text.

    Of a file that ``grows`` without the line that is still being printed: half a secret has no shape. ``encoding`` is
    one that was named (:func:`bot.content.encodings.named`), in which it is read whatever it looks like.
    """
    known = ending(tail.content, start=tail.start, first=tail.first, encoding=encoding)
    if known is None:
        return None
    text, encoding = known
    return last_lines(whole_lines(text) if grows else text, encoding, lines)


def whole_lines(text: str) -> str:
    """Without the line that is still being printed."""
    lines, end, _ = text.rpartition("\n")
    return lines + end


def ending(content: bytes, *, start: int = 0, first: bytes = b"", encoding: str = "") -> tuple[str, str] | None:
    """The end of a file from byte ``start`` on as text that may be kept, and its encoding; None where it is no text.

    Without secrets, and from a whole line on: what the beginning cuts in two may be half a secret, or half the name of
    one that follows. ``first`` are the file's first bytes, ``encoding`` is the one that was named.
    """
    known = encodings.as_named(content, encoding, start) if encoding else decoded(content, start=start, first=first)
    if known is None:
        return None
    text, encoding = known
    return (_behind_a_cut(text) if start > 0 else fit(text)), encoding


def last_lines(text: str, encoding: str, lines: int) -> Printed:
    """The last ``lines`` lines of a text that is fit to be shown."""
    every = text.split("\n")
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
    end = encodings.ascii_end(content)
    for bom, marked in _BOMS:
        if first.startswith(bom):
            return _by_name(content, marked, start, len(bom), end)
    if b"\0" in content and (encoding := _wide(content[:end], start)):
        return _by_name(content, encoding, start, 0, end)
    controls = len(content) - len(content.translate(None, _CONTROLS))
    if b"\0" not in content:
        return None if controls > _FEW + len(content) // 20 else _utf8_or_latin(content, start)
    if controls > max(1, len(content) // 10):
        return None
    text, latin = _utf8_or_latin(content, start)  # a few zeros, as between variables: still a text
    return None if latin else (text, "")


def wide_encoding(content: bytes) -> Encoding:
    """The encoding of two or four bytes in which a file that begins so is text; empty where it is of single bytes."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return "" if encoding == "utf-8" else encoding
    return _wide(content, 0) if b"\0" in content else ""


def secrets_in_bytes(content: bytes) -> bool:
    """Whether a secret stands in the readable parts of what is no text. Call it in a thread: 20 MB take seconds."""
    runs = (found.group().replace(b"\0", b"").decode("ascii") for found in _RUN.finditer(content))
    text = "\n".join(runs)
    return redact(text) != text


def _wide(content: bytes, start: int) -> Encoding:
    """The encoding of two or four bytes in which these are text without a mark; empty where there is none."""
    for encoding, width, low in _WIDE:
        units = content[-start % width :]
        units = units[: len(units) // width * width]
        if not units or units[low::width].count(0) * 20 > len(units) // width:
            continue  # zeros are in the high bytes
        text = units.decode(encoding, "replace")
        readable = sum(map(_is_readable, text))
        zeros = sum(units[place::width].count(0) for place in range(width) if place != low)
        if zeros * 2 >= len(text) * (width - 1):  # most characters are Latin
            if readable >= _READABLE * len(text):
                return encoding
        elif zeros and len(text) >= _LONG and readable == len(text):
            return encoding
    return ""


def _is_readable(char: str) -> bool:
    return char != "\ufffd" and (char.isprintable() or char in "\t\n\v\f\r\b\x1b\ufeff")


def _by_name(content: bytes, encoding: str, start: int, bom: int, end: int) -> tuple[str, str]:
    """Of a file with that encoding; from ``end`` on another program wrote ASCII into it."""
    skipped = bom if start == 0 else 0
    if encoding == "utf-8":
        return _utf8_or_latin(content[skipped:], start)
    width, name = 4 if "32" in encoding else 2, encoding[:6].upper()
    wide = content[skipped:end]
    wide = wide[-start % width :]  # units are counted from the file's beginning
    if encoding.endswith("be") and end < len(content) and len(wide) % width:
        wide, end = wide + content[end : end + 1], end + 1  # the low byte of its last character reads as ASCII, too
    text, plain = wide[: len(wide) // width * width].decode(encoding, "replace"), content[end:].decode("ascii")
    if not plain:
        return text, name
    return f"{text}{plain}", f"{name}, its end ASCII"


def _utf8_or_latin(content: bytes, start: int) -> tuple[str, str]:
    """UTF-8 unless more of it is wrong than right: one bad byte must not garble all the rest."""
    if start > 0:
        content = content.lstrip(bytes(range(0x80, 0xC0)))
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(content)  # not final: an unfinished end stays out
    wrong = text.count("\ufffd")
    right = sum(not char.isascii() for char in text) - wrong if wrong else 0
    if wrong <= right:
        return text, ""
    if found := encodings.double_byte(content, start):
        return found
    return content.decode("cp1252", "replace"), "Latin-1"


def _behind_a_cut(text: str) -> str:
    """Fit text without the line that the beginning cuts; of one endless line without its first word.

    What is left out may be half a key; or half the name of what follows, so a name of a secret stands in for it.
    """
    line, _, rest = text.partition("\n")
    if rest:
        if names := _NAMES.search(line):
            return fit(f"{_named(names[0])}\n{rest}").partition("\n")[2]
        if goes_on := _GOES_ON.search(line):
            return fit(f"--password{goes_on[0]}\n{rest}").partition("\n")[2]
        return fit(rest)
    name = _NAME.match(line)
    found = fit(_named(line[name.end() :]) if name else line)
    gap = re.search(r"\s", found)
    return found[gap.end() :] if gap else ""


def _named(text: str) -> str:
    """Text behind the end of a name, with the name of a secret."""
    quote = text[:1] if text[:1] in "\"'" else ""
    return f"{quote}password{text}"


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} … {number(len(line) - LONGEST)} more characters"
