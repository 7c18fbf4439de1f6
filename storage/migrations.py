"""The SQLite schema, as migrations that run in order, each in a transaction of its own.

Moments are whole microseconds since 1970 (UTC), so that a datetime comes back as it went in; the starts of rollup
buckets are whole seconds. A migration that was released is never edited: add another one.
"""

from __future__ import annotations

from typing import Protocol

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("batchbot")


class _Named(Protocol):
    name: str


@migrations()
def requests_and_conversations(db: Database) -> None:
    """The journal, the conversations and the store's own odds and ends."""
    db.table("meta").create({"name": str, "value": bytes}, pk="name", not_null={"value"}, strict=True)
    journal = db.table("journal").create(
        {"key": str, "body": bytes, "accepted": int, "state": str},
        pk="key",
        not_null={"body", "accepted", "state"},
        strict=True,
    )
    journal.create_index(["accepted"])
    db.table("conversations").create(
        {"platform": str, "id": str, "body": bytes, "seen": int, "reachable": int},
        pk=("platform", "id"),
        not_null={"body", "seen", "reachable"},
        strict=True,
    )
    pictures = db.table("pictures").create(
        {"key": str, "png": bytes, "expires": int}, pk="key", not_null={"png", "expires"}, strict=True
    )
    pictures.create_index(["expires"])


@migrations()
def samples_and_rollups(db: Database) -> None:
    """Cores over time.

    A series is one pool, or with an empty pool name the whole account, whose ``first`` and ``last`` sample are noted.
    Rows lie on disk in the order they are read (WITHOUT ROWID): 90 days are a matter of a millisecond.
    """
    series = db.table("series").create(
        {"id": int, "account": str, "pool": str, "first": int, "last": int},
        pk="id",
        not_null={"account", "pool"},
        strict=True,
    )
    series.create_index(["account", "pool"], unique=True)
    db.execute(
        """
        CREATE TABLE samples (
            series INTEGER NOT NULL REFERENCES series(id), at INTEGER NOT NULL, seconds REAL NOT NULL,
            busy REAL NOT NULL, total REAL NOT NULL, nodes INTEGER NOT NULL,
            PRIMARY KEY (series, at)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE rollups (
            step INTEGER NOT NULL, series INTEGER NOT NULL REFERENCES series(id), start INTEGER NOT NULL,
            busy REAL NOT NULL, total REAL NOT NULL, seconds REAL NOT NULL,
            PRIMARY KEY (step, series, start)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def prefs(db: Database) -> None:
    """What people keep by name, for a place or for themselves."""
    db.execute(
        """
        CREATE TABLE prefs (
            space TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (space, owner, name)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def lent_files(db: Database) -> None:
    """What is lent out by links is not only pictures: each has a media type and a name."""
    db.execute("ALTER TABLE pictures RENAME TO files")
    db.execute("ALTER TABLE files RENAME COLUMN png TO body")
    db.execute("ALTER TABLE files ADD COLUMN kind TEXT NOT NULL DEFAULT 'image/png'")
    db.execute("ALTER TABLE files ADD COLUMN name TEXT NOT NULL DEFAULT ''")


def unknown(db: Database) -> list[str]:
    """Migrations the file has seen and this program has not: it was written by a newer one."""
    known = {migration.name for migration in _registered()}
    return [migration.name for migration in migrations.applied(db) if migration.name not in known]


def _registered() -> list[_Named]:
    """Every migration there is: the ones that an empty database has pending."""
    empty = Database(memory=True)
    try:
        return list(migrations.pending(empty))
    finally:
        empty.close()
