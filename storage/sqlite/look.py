"""A look at a SQLite file that changes nothing, while another program may be at work on it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlite_utils import Database

from storage.port.errors import StoreError
from storage.port.look import StoreLook
from storage.sql import look
from storage.sqlite.connection import ADVICE
from storage.sqlite.holding import held_by
from storage.sqlite.migrations import migrations, unknown

_STEPS = 100_000
"""Of SQLite's machine, after which it is asked whether to go on."""


def look_at(path: Path, namespaces: Collection[str]) -> StoreLook:
    """See :func:`storage.looking.look_at`."""
    with _opened(path) as connection:
        db = Database(connection)
        return StoreLook(
            name=str(path),
            holder=held_by(Path(os.path.realpath(path))),
            migrations=len(list(migrations.applied(db))),
            pending=len(list(migrations.pending(db))),
            newer=tuple(unknown(db)),
            bytes=path.stat().st_size,
            conversations=look.conversations(db),
            channels=look.owners(db, namespaces),
        )


def damage_of(path: Path, seconds: float) -> str:
    """See :func:`storage.looking.damage_of`."""
    with _opened(path) as connection:
        return _damage(connection, seconds)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        raise StoreError(f"{path}: {error}: {ADVICE.get(code, 'look at the file and its folder')}") from error


def _damage(connection: sqlite3.Connection, seconds: float) -> str:
    """The first thing that SQLite finds wrong; empty where it finds nothing, or was not done in so many seconds."""
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
    try:
        (first,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return ""
    finally:
        connection.set_progress_handler(None, 0)
    return "" if first == "ok" else str(first)
