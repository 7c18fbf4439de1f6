"""What those do who look after a database: a copy of it, and what a new version changes in it."""

from __future__ import annotations

import asyncio
import os
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from sqlite_utils import Database

from storage.opening import address_of, open_store
from storage.port.errors import StoreError
from storage.sqlite.migrations import migrations
from storage.url import is_url

_PAGES = 1000
"""Pages of 4 kB that are copied at a time: whoever writes waits a moment behind each."""


def backup(database: str, file: Path) -> str:
    """Copy a SQLite database into a new file while it is in use, and look whether the copy is sound; says what it did.

    Blocks. Raises StoreError where it cannot be, and for PostgreSQL, whose own command it names.
    """
    if is_url(database):
        dump = shlex.join(["pg_dump", "--format=custom", f"--file={file}", address_of(database).url()])
        raise StoreError(f"PostgreSQL makes its own backups: {dump}")
    if file.exists():
        raise StoreError(f"{file}: it is there already: name a new file")
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # it holds what the database holds
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as source,
            closing(sqlite3.connect(file)) as copy,
        ):
            source.backup(copy, pages=_PAGES)
            (sound,) = copy.execute("PRAGMA quick_check").fetchone()
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            file.unlink()
        raise StoreError(f"{database} cannot be copied to {file}: {error}") from error
    if sound != "ok":
        raise StoreError(f"{database}: it is damaged ({sound}), and so is its copy {file}")
    return f"{file}: {file.stat().st_size:,} bytes, checked"


def migrate(database: str, password: Callable[[], str] | None = None, *, plan: bool = False) -> list[str]:
    """Do what a database lacks of this version, or with ``plan`` only say it: the names of the migrations. Blocks.

    Raises StoreError.
    """
    names = _postgresql(database, password) if is_url(database) else _sqlite(Path(database))
    if names and not plan:
        store, _ = open_store(database, password)
        asyncio.run(store.close())
    return names


def _sqlite(path: Path) -> list[str]:
    if not path.exists():
        return [each.name for each in migrations.pending(Database(memory=True))]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as file:
        return [each.name for each in migrations.pending(Database(file))]


def _postgresql(url: str, password: Callable[[], str] | None) -> list[str]:
    address = address_of(url, password)
    from storage.postgresql.database import PostgresDatabase, advised  # noqa: PLC0415 - where it is needed alone
    from storage.postgresql.migrations import pending  # noqa: PLC0415

    with advised(address), closing(PostgresDatabase(address)) as db:
        return [each.name for each in pending(db)]
