"""The store's own odds and ends: values by name."""

from __future__ import annotations

from storage.sql.database import Database


def meta(db: Database, name: str) -> bytes | None:
    """The value of a name; None where there is none."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchone()
    return bytes(row[0]) if row else None


def put_meta(db: Database, name: str, value: bytes) -> None:
    """Set a value, in a transaction."""
    db.execute(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [name, value],
    )
