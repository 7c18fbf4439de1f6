"""A conversation that has another id from now on: every row that is kept for it goes with it.

Ids stand in columns, and in the encoded structs of others: whole, or behind the platform (``slack:C1``), and that
behind ``conversation:``. They are replaced where they are the whole of a text, never within one. The audit trail says
what was so when it was written, and stays.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from sqlite_utils import Database

Names: TypeAlias = Mapping[str, str]
"""What a conversation was called in some form, and what it is called now."""

_COLUMNS = {
    "preferences": ("owner",),
    "notifications": ("conversation",),
    "outbox": ("destination", "channel"),
    "confirmations": ("conversation",),
    "uploads": ("conversation",),
    "report_posts": ("conversation",),
    "posted_messages": ("conversation",),
}
_BODIES = {
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
                db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {column} = ?", [after, before])  # noqa: S608
                if table in {"preferences", "notifications", "report_posts"}:
                    db.execute(f"DELETE FROM {table} WHERE {column} = ?", [before])  # noqa: S608 - fixed words


def _in_bodies(db: Database, table: str, column: str, old: str, called: Names) -> None:
    db.conn.create_function("moved", 1, lambda body: _moved(body, called), deterministic=True)
    # An id that stands in bytes within a struct is encoded once more, so approvals are looked at one by one.
    fitting = "" if table == "approvals" else f"WHERE instr({column}, ?) > 0"
    db.execute(
        f"UPDATE {table} SET {column} = moved({column}) {fitting}",  # noqa: S608 - fixed words
        [] if table == "approvals" else [old.encode()],
    )
    db.conn.create_function("moved", 1, None)


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
