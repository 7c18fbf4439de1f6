"""The store in one SQLite file: :class:`storage.port.store.Store` by sqlite-utils."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

from storage.retention import Retention
from storage.sql.store import SqlStore
from storage.sqlite.connection import SqliteDatabase, opened
from storage.sqlite.holding import Holding

PAGES = 1000
"""Pages of 4 kB that are given back at a time: an acknowledgement waits some 10 ms behind it."""


class SqliteStore(SqlStore):
    """All of the port, on one connection. Every method may raise StoreError."""

    def __init__(self, db: SqliteDatabase, worker: ThreadPoolExecutor, retention: Retention) -> None:
        super().__init__(db, worker, retention)
        self._db: SqliteDatabase = db

    @classmethod
    def open(
        cls, path: Path | str, *, patience: float = 5.0, retention: Retention | None = None, held: bool = False
    ) -> Self:
        """Open or create the file and bring its schema up to date.

        ``patience`` is seconds to wait for a lock, ``retention`` how long things are kept. With ``held`` nobody else
        has the file (:mod:`storage.sqlite.holding`): rows that cannot be read are put aside, and a file of an earlier
        version is written anew; others leave both alone, since a running bot may be at work on it. Blocks, so call it
        before anything runs. Raises StoreError, which says what to do, when the file is damaged, locked, out of reach,
        or was written by a newer version.
        """
        worker, db, condition = opened(Path(path), patience, held=held)
        store = cls(db, worker, retention or Retention())
        store.condition = condition
        return store

    @staticmethod
    def hold(path: Path | str, patience: float) -> Callable[[], None]:
        """Keep other programs from a database, until what is returned is called or the process ends.

        Blocks for ``patience`` seconds at most while another has it. Raises StoreHeld, which says who, and StoreError.
        """
        return Holding.take(Path(path), patience).release

    async def close(self) -> None:
        """Finish what is queued and release the file."""

        def work() -> None:
            with suppress(sqlite3.DatabaseError):  # it only helps, and a full disk keeps nobody from ending
                self._db.execute("PRAGMA optimize")

        await asyncio.get_running_loop().run_in_executor(self._worker, work)
        await super().close()

    async def _give_back(self) -> None:
        """Shorten the file by what is free in it, a slice at a time."""

        def work() -> int:
            free = int(self._db.execute("PRAGMA freelist_count").fetchone()[0])
            self._db.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
            return free - int(self._db.execute("PRAGMA freelist_count").fetchone()[0])

        while await self._run(work) > 0:
            pass
        await self._run(self._shorten_log)

    def _shorten_log(self) -> None:
        """Bring what was written into the file itself, and shorten the log beside it where nobody reads just then.

        Without waiting for whoever does, such as a backup: all else that is stored would wait behind it.
        """
        (patience,) = self._db.execute("PRAGMA busy_timeout").fetchone()
        self._db.execute("PRAGMA busy_timeout = 0")
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {patience}")
