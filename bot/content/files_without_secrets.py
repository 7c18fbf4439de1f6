"""Files as they may leave: text of any encoding, CSV by its columns, JSON by its names."""

from __future__ import annotations

import csv
import io

import msgspec

from bot.content.clear_values import Values
from bot.content.output_text import decoded
from bot.content.redaction import HIDDEN, is_secret, redact
from cards.card import Attachment

LONGEST_CELL = 131_072
"""Characters of a cell of a CSV; with a longer one it is none, as for Python's reader where nobody moved its limit."""
_BOM = "\ufeff"
_VALUES = Values(keys=True)


class ClearFile(Attachment, frozen=True, tag="attachment"):
    """A file that was cleared already, so that megabytes are not searched twice. :func:`clear_file` makes it."""


def clear_file(name: str, content: bytes, kind: str) -> ClearFile:
    """A file as it may leave; its ``content`` is the very bytes where there was nothing to hide."""
    return ClearFile(name, file_without_secrets(content, kind), kind)


def file_without_secrets(content: bytes, kind: str) -> bytes:
    """The content of a file of a media type, without secrets; the very bytes where there are none, or it is no text.

    Its time grows with the length: for more than some kilobytes call it in a thread.
    """
    known = decoded(content)
    if known is None:
        return content
    text, encoding = known
    mark = "" if encoding or not content.startswith(_BOM.encode()) else _BOM
    whole = text.removeprefix(_BOM)
    made = _by_kind(kind.partition(";")[0].strip(), whole)
    return content if made == whole else (mark + made).encode(errors="replace")


def _by_kind(kind: str, text: str) -> str:
    match kind:
        case "text/csv":
            return _csv(text)
        case "application/json":
            return _json(text)
        case _:
            return redact(text)


def _csv(text: str) -> str:
    """Cell by cell, where there is something to hide: a secret never takes the comma after it along."""
    try:
        table = _Columns(next(csv.reader(io.StringIO(text, newline="")), []))
        if table.is_plain and '"' not in text and redact(text) == text:
            return text
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return _broken_csv(text)
    if any(len(cell) > LONGEST_CELL for row in rows for cell in row):
        return _broken_csv(text)
    made = [[redact(cell) for cell in row] for row in rows]
    for row, was in zip(made[1:], rows[1:], strict=True):
        table.hide(row, was)
    return text if made == rows else _written(made)


def _broken_csv(text: str) -> str:
    """What is no CSV as a whole, whatever it is called: a quote that nothing closes, a cell of megabytes.

    Its lines are still what they are, each for itself.
    """
    lines = redact(text).splitlines(keepends=True)
    table = _Columns(_cells(lines[0]) if lines else [])
    if table.is_plain:
        return "".join(lines)
    for number, line in enumerate(lines[1:], 1):
        cells = _cells(line)
        hidden = cells[:]
        table.hide(hidden, cells)
        if hidden != cells:
            lines[number] = _written([hidden]).removesuffix("\r\n") + line[len(line.rstrip("\r\n")) :]
    return "".join(lines)


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")]), [])
    except csv.Error:
        return line.rstrip("\r\n").split(",")


class _Columns:
    """What the heads of columns say of their cells."""

    def __init__(self, heads: list[str]) -> None:
        heads = [name.strip().lower() for name in heads]
        self._secret = {number for number, name in enumerate(heads) if is_secret(name)}
        self._named = {"name", "value"} <= set(heads)
        self._name, self._value = (heads.index("name"), heads.index("value")) if self._named else (0, 0)

    @property
    def is_plain(self) -> bool:
        """Whether they say nothing."""
        return not self._secret and not self._named

    def hide(self, row: list[str], was: list[str]) -> None:
        """Hide in ``row`` what goes by a secret's name; ``was`` is the row as it was read."""
        named = self._named and len(was) > self._name and is_secret(was[self._name])
        for number in self._secret | ({self._value} if named else set()):
            if number < len(row) and row[number]:
                row[number] = HIDDEN


def _written(rows: list[list[str]]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue()


def _json(text: str) -> str:
    """JSON by its names, and by what its texts say when they are read; then what only the whole shows."""
    try:
        value = msgspec.json.decode(text)
        clear = _VALUES.value(value)
    except (msgspec.DecodeError, RecursionError):
        return redact(text)
    return redact(text if clear is value else msgspec.json.format(msgspec.json.encode(clear), indent=2).decode() + "\n")
