"""One SQLite file, its connection, and the one thread that uses it.

One connection lives in one thread, so nothing here ever runs on the event loop, and work is done in the order it was
asked for. ``synchronous=FULL`` in WAL mode: what a method has returned from survives a power cut.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlite_utils import Database

from storage.port.errors import StoreError
from storage.retention import Retention
from storage.sqlite.migrations import migrations, unknown

T = TypeVar("T")

SLICE = 2000
"""Rows that one prune transaction deletes at most, so that an acknowledgement never waits long behind it."""
FURTHEST = timedelta(hours=1)
"""No row is held so far ahead: one that seems to be was held by a clock that has been set back since."""

ADVICE = {
    sqlite3.SQLITE_BUSY: "another process holds it: stop that process (one bot per file), or name another file",
    sqlite3.SQLITE_LOCKED: "another process holds it: stop that process (one bot per file), or name another file",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database: restore a backup, or move the file away to start afresh",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup, or move the file away to start afresh",
    sqlite3.SQLITE_FULL: "the disk is full: make room and start again",
    sqlite3.SQLITE_READONLY: "it may not be written: give the bot write access to the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: create its folder, and give the bot write access to it",
    sqlite3.SQLITE_IOERR: "the disk reports an error: check the disk, then restore a backup if need be",
}


class Connection:
    """What the parts of a store share. Every method of theirs may raise StoreError."""

    def __init__(self, path: Path, db: Database, worker: ThreadPoolExecutor, retention: Retention) -> None:
        self._path = path
        self._db = db
        self._worker = worker
        self._retention = retention

    @classmethod
    def open(cls, path: Path | str, *, patience: float = 5.0, retention: Retention | None = None) -> Self:
        """Open or create the file and bring its schema up to date.

        ``patience`` is seconds to wait for a lock, ``retention`` how long things are kept. Blocks, so call it before
        anything runs. Raises StoreError, which says what to do, when the file is damaged, locked, out of reach, or was
        written by a newer version.
        """
        path = Path(path)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            db = worker.submit(_connect, path, patience).result()
        except BaseException:
            worker.shutdown()
            raise
        return cls(path, db, worker, retention or Retention())

    async def close(self) -> None:
        """Finish what is queued and release the file."""

        def work() -> None:
            self._db.execute("PRAGMA optimize")
            self._db.close()

        try:
            await self._run(work)
        finally:
            await asyncio.to_thread(self._worker.shutdown)

    async def _run(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the store's thread. Once begun it is finished, even when the caller is cancelled."""

        def guarded() -> T:
            with _advised(self._path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._worker, guarded)

    async def _write(self, sql: str, values: list[Any]) -> int:
        """One statement in a transaction; returns the number of rows it touched."""

        def work() -> int:
            with self._db.atomic():
                return int(self._db.execute(sql, values).rowcount)

        return await self._run(work)

    async def _delete(self, table: str, key: str, where: str, values: Sequence[int | str]) -> int:
        """Delete rows in transactions of at most ``SLICE`` rows; returns how many."""
        sql = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {where} LIMIT {SLICE})"  # noqa: S608

        def work() -> int:
            with self._db.atomic():
                return int(self._db.execute(sql, values).rowcount)

        return await self._sliced(work)

    async def _sliced(self, work: Callable[[], int]) -> int:
        """Do ``work``, which deletes at most ``SLICE`` rows and says how many, until it finds no more."""
        gone = 0
        while (deleted := await self._run(work)) > 0:
            gone += deleted
            if deleted < SLICE:
                break
        return gone


def _connect(path: Path, patience: float) -> Database:
    """Open, configure and migrate, in the thread that will own the connection."""
    with _advised(path):
        db = Database(sqlite3.connect(path, timeout=patience, cached_statements=64))
        try:
            _refuse_newer(path, db)
            db.enable_wal()
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten: it may have been a secret
            if migrations.pending(db):
                migrations.apply(db)
        except BaseException:
            db.close()
            raise
        return db


def _refuse_newer(path: Path, db: Database) -> None:
    if newer := unknown(db):
        raise StoreError(
            f"{path}: a newer batchbot wrote it (migration {newer[-1]}): "
            "install that version again, or restore a backup from before it"
        )


@contextmanager
def _advised(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ones that say what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary one
        raise StoreError(f"{path}: {ADVICE.get(code, 'SQLite refuses')} ({error})") from error
