"""Small things that people keep by name: saved queries, defaults, subscriptions.

The SQL of one table, run in the store's thread.
"""

from __future__ import annotations

from sqlite_utils import Database


def keep(db: Database, space: str, owner: str, name: str, value: bytes, at: int) -> None:
    """Insert or replace; ``at`` in microseconds."""
    with db.atomic():
        db.execute(
            "INSERT INTO prefs VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (space, owner, name) DO UPDATE SET value = excluded.value, at = excluded.at",
            [space, owner, name, value, at],
        )


def kept(db: Database, space: str, owner: str) -> list[tuple[str, bytes, int]]:
    """Names, values and moments, by name."""
    sql = "SELECT name, value, at FROM prefs WHERE space = ? AND owner = ? ORDER BY name"
    return list(db.execute(sql, [space, owner]))


def kept_all(db: Database, space: str) -> list[tuple[str, str, bytes, int]]:
    """Owners, names, values and moments, by owner and name."""
    return list(db.execute("SELECT owner, name, value, at FROM prefs WHERE space = ? ORDER BY owner, name", [space]))


def drop(db: Database, space: str, owner: str, name: str) -> bool:
    """Delete one; False where there is none."""
    with db.atomic():
        sql = "DELETE FROM prefs WHERE space = ? AND owner = ? AND name = ?"
        return bool(db.execute(sql, [space, owner, name]).rowcount)
