"""One SQLite file and its connection: ``synchronous=FULL`` in WAL mode, so that what is stored survives a power cut."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from sqlite_utils import Database

from storage.port.condition import StoreCondition
from storage.port.errors import CannotStore, StoreError
from storage.sql.database import Dialect
from storage.sql.soundness import sifted
from storage.sqlite.filesystem import refuse_network
from storage.sqlite.migrations import migrations, unknown

log = structlog.get_logger()

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


class SqliteDatabase(Database):
    """The connection, as the parts of a store use it: :class:`storage.sql.database.Database`."""

    dialect = Dialect(
        texts="SELECT value FROM json_each(?)",
        numbers="SELECT value FROM json_each(?)",
        by_index="INDEXED BY {}".format,
        holds="instr({}, ?) > 0".format,
        # Bytes are read as text for this: SQLite would take a blob for its own binary JSON.
        json="json_valid(CAST({} AS TEXT))".format,
        day="(date({0}) IS {0})".format,
        row=lambda _, columns: f"json_object({', '.join(map(_readable, columns))})",
    )

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.path = path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        """One statement for many rows."""
        return self.conn.executemany(sql, rows)

    def advised(self) -> AbstractContextManager[None]:
        """Turns SQLite's errors into ones that say what to do."""
        return _advised(self.path)

    def stream(self, sql: str) -> Iterator[Sequence[Any]]:
        """The rows of a question, as they are read."""
        return iter(self.conn.execute(sql))

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Put rows into a table, in a transaction."""
        marks = ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    def written(self) -> int:
        """Rows that were changed so far."""
        return int(self.conn.total_changes)

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns, in their order."""
        return [column.name for column in self[table].columns]


def _readable(column: str) -> str:
    """A column of a JSON object; blobs as hexadecimal digits, so that every byte is kept."""
    blob = f"'x''' || hex({column}) || ''''"
    return f"'{column}', CASE typeof({column}) WHEN 'blob' THEN {blob} ELSE {column} END"


def opened(path: Path, patience: float, *, held: bool) -> tuple[ThreadPoolExecutor, SqliteDatabase, StoreCondition]:
    """Open the file in the thread that is to use it. Blocks. Raises StoreError, which says what to do."""
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
    try:
        db, condition = worker.submit(_connect, path, patience, held=held).result()
    except BaseException:
        worker.shutdown()
        raise
    return worker, db, condition


def connected(path: Path, *, held: bool) -> tuple[SqliteDatabase, StoreCondition]:
    """The same in the thread that asks."""
    return _connect(path, 5.0, held=held)


def _connect(path: Path, patience: float, *, held: bool) -> tuple[SqliteDatabase, StoreCondition]:
    """Open, configure and migrate, in the thread that will own the connection."""
    refuse_network(path)
    _private(path)
    with _advised(path):
        db = SqliteDatabase(path, sqlite3.connect(path, timeout=patience, cached_statements=64))
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
