"""What migrations are made of: columns, and keys of stored JSON, under other names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlite_utils import Database


def rename_columns(db: Database, table: str, **names: str) -> None:
    """Old column names to new ones; indexes follow by themselves."""
    for old, new in names.items():
        db.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def rename_keys(db: Database, table: str, column: str, *, where: str = "true", **names: str) -> None:
    """Rename keys at the top of the JSON objects in a column: old to new.

    The values stay as they are, byte for byte, and so does what is no JSON object or has the new key already.
    """

    def renamed(body: bytes) -> bytes:
        try:
            found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return body
        if not any(old in found and new not in found for old, new in names.items()):
            return body
        return msgspec.json.encode(
            {new if (new := names.get(key)) and new not in found else key: value for key, value in found.items()}
        )

    db.conn.create_function("renamed", 1, renamed, deterministic=True)
    db.execute(f"UPDATE {table} SET {column} = renamed({column}) WHERE {where}")  # noqa: S608 - fixed words
    db.conn.create_function("renamed", 1, None)


def rewrite(db: Database, table: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the JSON objects in the bodies of a table; what is none, or is built otherwise, stays as it is."""

    def rewritten(body: bytes) -> bytes:
        try:
            found = msgspec.json.decode(body, type=dict[str, Any])
            before = msgspec.json.encode(found)
            change(found)
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
            return body
        after = msgspec.json.encode(found)
        return after if after != before else body

    db.conn.create_function("rewritten", 1, rewritten, deterministic=True)
    db.execute(f"UPDATE {table} SET body = rewritten(body)")  # noqa: S608 - fixed words
    db.conn.create_function("rewritten", 1, None)
