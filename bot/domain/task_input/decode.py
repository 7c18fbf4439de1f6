"""Bytes of an attached file as text: UTF-8 or UTF-16, with or without a byte order mark."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class UnreadableTextError(ValueError):
    """The bytes are no text of a known encoding; the message says what to do."""


def decode(content: bytes) -> str:
    """The text. Raises UnreadableTextError.

    Nothing is guessed beyond UTF-8 and UTF-16: a wrong guess would put other characters into command lines.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding)
    return _decoded(content, _without_mark(content))


def _without_mark(content: bytes) -> str:
    """UTF-16 without its mark shows by the zero in one half of its first character, an ASCII one."""
    if len(content) >= 2 and not content[1] and content[0]:
        return "utf-16-le"
    if len(content) >= 2 and not content[0] and content[1]:
        return "utf-16-be"
    return "utf-8"


def _decoded(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableTextError(
            f"The file is no {encoding.upper()} text (line {line}): save it as UTF-8, in Excel as “CSV UTF-8”."
        ) from None
    if "\0" in text:
        raise UnreadableTextError("The file is no text: attach JSON or CSV.")
    return text
