"""The SQLite schema, as migrations that run in order, each in a transaction of its own.

Moments are whole microseconds since 1970 (UTC), so that a datetime comes back as it went in; the starts of rollup
buckets are whole seconds. A migration that was released is never edited: add another one.

One module for each era, whose import registers its migrations: imported in the order in which they run, which is that
of their names. The next migration goes to the end of the last one.
"""

from __future__ import annotations

from typing import Protocol

from sqlite_utils import Database

from storage.sqlite.migrations import m1_watching, m2_operating, m3_money, m4_holding
from storage.sqlite.migrations.registry import migrations

__all__ = ["m1_watching", "m2_operating", "m3_money", "m4_holding", "migrations", "unknown"]


class _Named(Protocol):
    name: str


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
