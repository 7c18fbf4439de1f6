"""The PostgreSQL schema, as files of SQL that run in the order of their numbers, each in a transaction of its own.

A file that was released is never edited: add another one, which leaves to the version of the program before what that
needs, since both run side by side while the one takes the other's place. A change that cannot is made in two: the first
adds, a later one takes away.
"""

from __future__ import annotations

from importlib.resources import files

from msgspec import Struct

from storage.port.errors import StoreError
from storage.sql.database import Database

_OVERLAP = 1
"""So many migrations of newer versions may a database have seen that this one still works on."""


class Migration(Struct, frozen=True):
    """One file: ``0001_all_tables.sql`` is number 1."""

    number: int
    name: str
    sql: str


def known() -> list[Migration]:
    """Every migration of this version, in order."""
    found = sorted((each.name, each.read_text()) for each in files(__package__).iterdir() if each.name.endswith(".sql"))
    return [Migration(int(name[:4]), name.removesuffix(".sql"), sql) for name, sql in found]


def pending(db: Database) -> list[Migration]:
    """What this version has and the database has not seen. Raises StoreError where a newer version changed it."""
    seen: set[int] = set()
    if "schema_version" in db.table_names():
        seen = {int(number) for (number,) in db.execute("SELECT number FROM schema_version")}
    newest = known()[-1].number
    if seen and max(seen) > newest + _OVERLAP:
        raise StoreError(
            f"a newer batchbot wrote it (migration {max(seen)}, this version knows {newest}): "
            "install that version again, or restore a backup from before it"
        )
    return [each for each in known() if each.number not in seen]


def migrate(db: Database) -> list[Migration]:
    """Do what is pending; whoever else begins to do it waits, and finds it done. Returns what was done."""
    done: list[Migration] = []
    while pending(db):
        with db.atomic():  # which one has at a time
            db.execute(
                "CREATE TABLE IF NOT EXISTS schema_version "
                "(number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied TIMESTAMPTZ NOT NULL DEFAULT now())"
            )
            if not (left := pending(db)):
                break
            db.execute(left[0].sql)
            db.execute("INSERT INTO schema_version (number, name) VALUES (?, ?)", [left[0].number, left[0].name])
            done.append(left[0])
    return done
