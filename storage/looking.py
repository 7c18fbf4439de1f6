"""A look at a database from outside, for whoever examines an installation; the bot itself opens it otherwise."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from storage.port.look import StoreLook
from storage.sqlite import look as sqlite

FILES_BESIDE = ("-wal", "-shm")
"""What SQLite puts beside a database: their names end so."""


def look_at(database: Path, namespaces: Collection[str]) -> StoreLook:
    """A database that there is, without changing it. Blocks. Raises StoreError, which says what to do.

    ``namespaces`` are those of the preferences whose owners are told as ``channels``.
    """
    return sqlite.look_at(database, namespaces)


def damage_of(database: Path, seconds: float) -> str:
    """What is wrong with a database; empty where nothing is found within so many seconds. Blocks. Raises StoreError."""
    return sqlite.damage_of(database, seconds)


def holder_of(database: Path) -> str:
    """Who holds a database now, in words; empty where nobody does."""
    return sqlite.holder_of(database)
