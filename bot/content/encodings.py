"""In which encoding a program printed: double-byte text of East Asia told from Latin, wide text that ends in ASCII, and
encodings that somebody names.

What is told is what the bytes show: GBK by pairs in the region of GB 2312 ("GB 2312-1980": both bytes from A1 on),
Shift-JIS by kana and the first level of JIS X 0208. EUC-JP and EUC-KR use the pairs of GBK, and are told from it by
what is common in each language (:mod:`bot.content.east_asian`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.content import east_asian

_MOSTLY = 0.85
"""The share of double-byte characters that are usual ones, from which on text is taken to be of that encoding."""
_ENOUGH = 2
"""Double-byte characters that are no chance."""
_ASCII = re.compile(rb"[\t\n\r\x20-\x7e]{4,}\Z")
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "gbk": "GBK", "gb18030": "GB18030", "gb2312": "GB2312", "big5": "Big5", "shift_jis": "Shift-JIS",
        "cp932": "Shift-JIS", "euc_jp": "EUC-JP", "euc_kr": "EUC-KR", "cp949": "EUC-KR", "utf-8": "UTF-8",
        "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-16": "UTF-16", "utf-32": "UTF-32", "utf-32-le": "UTF-32",
        "utf-32-be": "UTF-32", "iso8859-1": "Latin-1", "cp1252": "Latin-1", "cp437": "CP437", "cp850": "CP850",
        "koi8-r": "KOI8-R", "cp1251": "CP1251", "iso8859-2": "Latin-2", "cp1250": "CP1250", "ascii": "ASCII",
    }
)  # fmt: skip
"""Encodings that can be named, by the name that Python has for them, with what people call them."""
_OTHER = {"sjis": "cp932", "shift-jis": "cp932", "latin1": "cp1252", "latin-1": "cp1252", "windows-1252": "cp1252"}


def named(typed: str) -> str:
    """The encoding that was named, by its name in Python; empty where there is none, or it is no encoding of text."""
    asked = typed.strip().lower().replace("_", "-")
    try:
        found = codecs.lookup(_OTHER.get(asked, asked)).name
    except (LookupError, ValueError):
        return ""
    return found if found in NAMES else ""


def as_named(content: bytes, name: str, start: int) -> tuple[str, str]:
    """Bytes of a file from ``start`` on as text in a named encoding, and what people call it.

    What is no character of it is shown as such; what is cut in two at the beginning is left out.
    """
    wide = 4 if name.startswith("utf-32") else 2 if name.startswith("utf-16") else 1
    if wide > 1:
        content = content[-start % wide :]
        return content[: len(content) // wide * wide].decode(name, "replace").lstrip("\ufeff"), NAMES[name]
    return codecs.getincrementaldecoder(name)("replace").decode(from_a_line(content, start)), NAMES[name]


def from_a_line(content: bytes, start: int) -> bytes:
    """With ASCII alone in the line that the beginning cuts: what is half a character there is none.

    The rest of that line stays: it may be the end of the name of a secret whose value is in the next.
    """
    end = content.find(b"\n") if start > 0 else -1
    return bytes(each for each in content[:end] if each < 0x80) + content[end:] if end >= 0 else content


def double_byte(content: bytes, start: int) -> tuple[str, str] | None:
    """Text of two bytes a character, and its encoding; None where it is none, or too little shows it."""
    whole = from_a_line(content, start)
    for name, usual in (("gb18030", _of_gb2312), ("cp932", _of_japan)):
        text = _strictly(whole, name)
        if text is None:
            continue
        pairs = [char.encode(name) for char in text if not char.isascii()]
        if len(pairs) >= _ENOUGH and sum(map(usual, pairs)) >= _MOSTLY * len(pairs):
            other = east_asian.told(whole) if name == "gb18030" else ""
            if other and (read := _strictly(whole, other)) is not None:
                return read, NAMES[other]
            return text, {"gb18030": "GBK"}.get(name, NAMES[name])
    return None


def in_doubt(content: bytes, start: int, encoding: str) -> tuple[str, ...]:
    """In which other encodings text may be that was read as one of those that share their pairs of bytes.

    ``encoding`` is what people call that one. None where the text shows it, or it was read as anything else.
    """
    known = {NAMES[name]: name for name in ("gbk", "euc_jp", "euc_kr")}
    return east_asian.in_doubt(from_a_line(content, start), known[encoding]) if encoding in known else ()


def _strictly(content: bytes, name: str) -> str | None:
    """As text; None where a byte is no part of it, but for what the end cuts in two."""
    try:
        return codecs.getincrementaldecoder(name)("strict").decode(content)
    except UnicodeDecodeError:
        return None


def _of_gb2312(pair: bytes) -> bool:
    """Whether a character is a sign or a Chinese one that GB 2312 has."""
    return len(pair) == 2 and (0xA1 <= pair[0] <= 0xA9 or 0xB0 <= pair[0] <= 0xF7) and pair[1] >= 0xA1


def _of_japan(pair: bytes) -> bool:
    """Whether a character is a sign, kana, or of the kanji that are most used: lead bytes 81 to 97."""
    return len(pair) == 2 and (0x81 <= pair[0] <= 0x84 or 0x88 <= pair[0] <= 0x97)


def ascii_end(content: bytes) -> int:
    """Where text of two bytes a character turns into ASCII up to its end, as where two programs write to one file.

    The length of ``content`` where it does not.
    """
    last = content.rfind(b"\0")
    found = _ASCII.search(content, last + 1)
    return found.start() if found else len(content)
