"""One SQLite file, its connection, and the one thread that uses it.

One connection lives in one thread, so nothing here ever runs on the event loop, and work is done in the order it was
asked for. ``synchronous=FULL`` in WAL mode: what a method has returned from survives a power cut.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog
from sqlite_utils import Database

from storage.port.condition import StoreCondition
from storage.port.errors import CannotStore, StoreError
from storage.retention import Retention
from storage.sqlite.migrations import migrations, unknown
from storage.sqlite.soundness import sifted

log = structlog.get_logger()

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
    sqlite3.SQLITE_FULL: "the disk is full: make room, and it goes on by itself",
    sqlite3.SQLITE_READONLY: "it may not be written: give the bot write access to the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: create its folder, and give the bot write access to it",
    sqlite3.SQLITE_IOERR: "the disk reports an error: check the disk, then restore a backup if need be",
}


_UNWRITABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})
_INCREMENTAL = 2
"""Of auto_vacuum: what is free is kept on a list, and given back when it is asked for."""
PAGES = 1000
"""Pages of 4 kB that are given back at a time: an acknowledgement waits some 10 ms behind it."""


class Connection:
    """What the parts of a store share. Every method of theirs may raise StoreError."""

    def __init__(self, path: Path, db: Database, worker: ThreadPoolExecutor, retention: Retention) -> None:
        self.condition = StoreCondition()
        """How it stands."""
        self._path = path
        self._db = db
        self._worker = worker
        self._retention = retention

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
        path = Path(path)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            db, condition = worker.submit(_connect, path, patience, held=held).result()
        except BaseException:
            worker.shutdown()
            raise
        store = cls(path, db, worker, retention or Retention())
        store.condition = condition
        return store

    async def close(self) -> None:
        """Finish what is queued and release the file."""

        def work() -> None:
            with suppress(sqlite3.DatabaseError):  # it only helps, and a full disk keeps nobody from ending
                self._db.execute("PRAGMA optimize")
            self._db.close()

        try:
            await asyncio.get_running_loop().run_in_executor(self._worker, work)
        finally:
            await asyncio.to_thread(self._worker.shutdown)

    async def _run(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the store's thread. Once begun it is finished, even when the caller is cancelled."""

        def guarded() -> T:
            before = self._db.conn.total_changes
            try:
                with _advised(self._path):
                    done = work()
            except CannotStore as error:
                if not self.condition.failing:
                    log.error("storage.cannot_store", message=str(error))  # noqa: TRY400 - it says all
                self.condition.failing = str(error)
                raise
            if self.condition.failing and self._db.conn.total_changes > before:
                log.info("storage.stores_again")
                self.condition.failing = ""
            return done

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

    async def _give_back(self) -> int:
        """Shorten the file by what is free in it, a slice at a time; returns the number of pages."""

        def work() -> int:
            free = int(self._db.execute("PRAGMA freelist_count").fetchone()[0])
            self._db.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
            return free - int(self._db.execute("PRAGMA freelist_count").fetchone()[0])

        given = 0
        while (pages := await self._run(work)) > 0:
            given += pages
        await self._run(self._shorten_log)
        return given

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

    async def _sliced(self, work: Callable[[], int]) -> int:
        """Do ``work``, which deletes at most ``SLICE`` rows and says how many, until it finds no more."""
        gone = 0
        while (deleted := await self._run(work)) > 0:
            gone += deleted
            if deleted < SLICE:
                break
        return gone


def _connect(path: Path, patience: float, *, held: bool) -> tuple[Database, StoreCondition]:
    """Open, configure and migrate, in the thread that will own the connection."""
    _private(path)
    with _advised(path):
        db = Database(sqlite3.connect(path, timeout=patience, cached_statements=64))
        try:
            _refuse_newer(path, db)
            _shrinkable(path, db, held=held)
            db.enable_wal()
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten: it may have been a secret
            if migrations.pending(db):
                migrations.apply(db)
            condition = StoreCondition(*sifted(db, held=held))
        except BaseException:
            db.close()
            raise
        return db, condition


def _private(path: Path) -> None:
    """Nobody but the bot's own user reads the file, nor what SQLite puts beside it, which takes its mode from it.

    Where the file cannot be made, SQLite says so next, and better.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for each in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))):
        with suppress(OSError):
            each.chmod(0o600)


def _shrinkable(path: Path, db: Database, *, held: bool) -> None:
    """The file gives back what is deleted. One of an earlier version is written anew for that, once.

    Only by whoever holds it. Where there is no room for that, or another program reads it, it is left for the next
    start.
    """
    if db.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL:
        return
    db.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
    if not held or not db.execute("PRAGMA page_count").fetchone()[0]:  # a new file is made like that
        return
    try:
        db.execute("VACUUM")
    except sqlite3.OperationalError as error:
        log.warning("storage.not_rewritten", database=str(path), message=str(error))


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
        kind = CannotStore if code in _UNWRITABLE else StoreError
        raise kind(f"{path}: {ADVICE.get(code, 'SQLite refuses')} ({error})") from error
