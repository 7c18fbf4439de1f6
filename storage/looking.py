"""A look at a database from outside, for whoever examines an installation; the bot itself opens it otherwise."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from storage.opening import address_of
from storage.port.look import StoreLook
from storage.sqlite import look as sqlite
from storage.sqlite.filesystem import refuse_network, type_of
from storage.url import is_url

__all__ = ["FILES_BESIDE", "damage_of", "look_at", "refuse_network", "type_of"]

FILES_BESIDE = ("-wal", "-shm")
"""What SQLite puts beside a database: their names end so."""
Password = Callable[[], str] | None
"""What a PostgreSQL database asks for at each connection."""


def look_at(database: str, namespaces: Collection[str], password: Password = None) -> StoreLook | None:
    """A database as it is, without changing it; None where a file is not there yet. Blocks.

    ``namespaces`` are those of the preferences whose owners are told as ``channels``. Raises StoreError, which says
    what to do.
    """
    if not is_url(database):
        path = Path(database)
        return sqlite.look_at(path, namespaces) if path.exists() else None
    address = address_of(database, password)
    from storage.postgresql import look as postgresql  # noqa: PLC0415 - psycopg is there where it is needed alone

    return postgresql.look_at(address, namespaces)


def damage_of(database: Path, seconds: float) -> str:
    """What is wrong with a file; empty where nothing is found within so many seconds. Blocks. Raises StoreError."""
    return sqlite.damage_of(database, seconds)
