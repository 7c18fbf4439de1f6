"""Files as they may leave: text of any encoding, CSV by its columns, JSON by its names."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from bot.content.output_text import decoded
from bot.content.redaction import HIDDEN, is_secret, redact

_BOM = "\ufeff"


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
    if kind == "text/csv":
        return _csv(text)
    clear = redact(text)
    return _json(clear) if kind == "application/json" else clear


def _csv(text: str) -> str:
    """Cell by cell, where there is something to hide: a secret never takes the comma after it along."""
    heads = [name.strip().lower() for name in next(csv.reader(io.StringIO(text, newline="")), [])]
    secret = {number for number, name in enumerate(heads) if is_secret(name)}
    named = {"name", "value"} <= set(heads)
    called, valued = (heads.index("name"), heads.index("value")) if named else (0, 0)
    if not secret and not named and '"' not in text and redact(text) == text:
        return text
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:  # no CSV, whatever it is called
        return redact(text)
    made = [[redact(cell) for cell in row] for row in rows]
    for row, was in zip(made[1:], rows[1:], strict=True):
        hide = secret | ({valued} if named and len(row) > called and is_secret(was[called]) else set())
        for number in hide:
            if number < len(row) and row[number]:
                row[number] = HIDDEN
    if made == rows:
        return text
    written = io.StringIO(newline="")
    csv.writer(written).writerows(made)
    return written.getvalue()


def _json(text: str) -> str:
    """Values by the names that they have, which text alone does not always show."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    clear = json_without_secrets(value)
    return text if clear == value else msgspec.json.format(msgspec.json.encode(clear), indent=2).decode() + "\n"


def json_without_secrets(value: Any) -> Any:
    """A value of JSON: texts are redacted, and hidden by their names, as fields and as settings with name and value."""
    match value:
        case str():
            return redact(value)
        case list():
            return [json_without_secrets(each) for each in value]
        case {"name": str(name), "value": str(), **rest} if is_secret(name):  # a setting
            return {"name": name, "value": HIDDEN, **{key: json_without_secrets(each) for key, each in rest.items()}}
        case dict():
            return {
                key: HIDDEN if isinstance(each, str) and each and is_secret(key) else json_without_secrets(each)
                for key, each in value.items()
            }
        case _:
            return value
