"""A conversation that has another id from now on: every row that is kept for it goes with it.

Ids stand in columns, and in the encoded structs of others: whole, or behind the platform (``slack:C1``), and that
behind ``conversation:``. They are replaced where they are the whole of a text, never within one. The audit trail says
what was so when it was written, and stays.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from storage.sql.database import Database

Names: TypeAlias = Mapping[str, str]
"""What a conversation was called in some form, and what it is called now."""

_COLUMNS: Mapping[str, Sequence[str]] = {
    "preferences": ("owner",),
    "notifications": ("conversation",),
    "outbox": ("destination", "channel"),
    "confirmations": ("conversation",),
    "uploads": ("conversation",),
    "report_posts": ("conversation",),
    "posted_messages": ("conversation",),
}
_BODIES: Mapping[str, Sequence[str]] = {
    "journal": ("body",),
    "preferences": ("value",),
    "incidents": ("body",),
    "notifications": ("body",),
    "outbox": ("address",),
    "live_cards": ("request",),
    "upload_tickets": ("request",),
    "approvals": ("body",),
    "operations": ("act", "arguments"),
    "report_posts": ("body",),
}
_KEYS: Mapping[str, Sequence[str]] = {
    "journal": ("key",),
    "preferences": ("namespace", "owner", "name"),
    "notifications": ("incident", "conversation"),
    "live_cards": ("key",),
    "report_posts": ("conversation", "report", "period"),
}
"""By which a table's rows are told apart, where that is not their ``id``."""


def names(platform: str, old: str, new: str) -> Names:
    """The forms in which an id is kept."""
    before, after = f"{platform}:{old}", f"{platform}:{new}"
    return {old: new, before: after, f"conversation:{before}": f"conversation:{after}"}


def move(db: Database, platform: str, old: str, new: str) -> None:
    """Keep for ``new`` what is kept for ``old``; what ``new`` has already is newer, and stays. In a transaction."""
    called = names(platform, old, new)
    for table, columns in _BODIES.items():
        for column in columns:
            _in_bodies(db, table, column, old, called)
    for table, columns in _COLUMNS.items():
        for column in columns:
            for before, after in called.items():
                _in_column(db, table, column, before, after)


def _in_column(db: Database, table: str, column: str, before: str, after: str) -> None:
    others = [f"kept.{name} = {table}.{name}" for name in _KEYS.get(table, ()) if name != column]
    if not others:  # no part of the key: nothing is in its way
        db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", [after, before])  # noqa: S608 - fixed words
        return
    taken = f"SELECT 1 FROM {table} AS kept WHERE kept.{column} = ? AND {' AND '.join(others)}"  # noqa: S608 - fixed words
    db.execute(
        f"UPDATE {table} SET {column} = ? WHERE {column} = ? AND NOT EXISTS ({taken})",  # noqa: S608 - fixed words
        [after, before, after],
    )
    db.execute(f"DELETE FROM {table} WHERE {column} = ?", [before])  # noqa: S608 - fixed words


def _in_bodies(db: Database, table: str, column: str, old: str, called: Names) -> None:
    keys = _KEYS.get(table, ("id",))
    # An id that stands in bytes within a struct is encoded once more, so approvals are looked at one by one.
    fitting, values = ("", []) if table == "approvals" else (f"WHERE {db.dialect.holds(column)}", [old.encode()])
    rows = db.execute(f"SELECT {column}, {', '.join(keys)} FROM {table} {fitting}", values).fetchall()  # noqa: S608
    found = " AND ".join(f"{key} = ?" for key in keys)
    changed = [(after, *key) for body, *key in rows if (after := _moved(body, called)) != body]
    db.executemany(f"UPDATE {table} SET {column} = ? WHERE {found}", changed)  # noqa: S608 - fixed words


def _moved(body: bytes, called: Names) -> bytes:
    """The encoded struct with other names; what is none stays as it is, byte for byte, and so does what names none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    changed = _renamed(found, called)
    return body if changed == found else msgspec.json.encode(changed)


def _renamed(value: Any, called: Names) -> Any:
    if isinstance(value, dict):
        return {called.get(key, key): _renamed(each, called) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, called) for each in value]
    if isinstance(value, str):
        return called[value] if value in called else _within(value, called)
    return value


def _within(value: str, called: Names) -> str:
    """Bytes within a struct are written in base 64; those of an encoded struct begin with a brace."""
    if not value.startswith("ey"):
        return value
    try:
        inner = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value
    changed = _moved(inner, called)
    return value if changed == inner else base64.b64encode(changed).decode()
