"""All of a store into another one, of whichever kind: whole and proven, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from storage.opening import address_of
from storage.port.errors import StoreError
from storage.sql.database import Database
from storage.sqlite import connection
from storage.sqlite.holding import Holding as FileHolding
from storage.url import is_url

Password = Callable[[], str]
_OWN: Final = frozenset({"schema_version", "holding", "replicas", "watching"})
"""What PostgreSQL has beside what is kept; of SQLite it begins with ``sqlite_`` or ``_sqlite``."""
_IN_ORDER: Final = frozenset({"bill", "bill_corrections", "black_box"})
"""Tables whose rows are told apart by when they came."""
_BITS: Final = 1 << 256


class Copied(Struct, frozen=True):
    """A table that is there twice now: its rows, and the sum of their hashes (SHA-256), whatever their order."""

    table: str
    rows: int
    digest: str


class _Sum:
    """Counts and adds up rows as they go by."""

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def of(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        for row in rows:
            self.rows += 1
            self._sum += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode()).digest())
            yield row

    @property
    def digest(self) -> str:
        return f"{self._sum % _BITS:064x}"


def copy(
    source: str,
    target: str,
    password: Password | None = None,
    said: Callable[[Copied], None] = lambda _: None,
) -> list[Copied]:
    """Copy every row of one database into another that is empty; each table is told when it is proven.

    Both are held meanwhile, so that no bot runs on either, and brought up to date first. Everything goes in one
    transaction, in which it is read again and compared. Blocks. Raises StoreError: the target is then as it was.
    """
    if source == target:
        raise StoreError(f"{source}: that is one and the same: name another database to copy into")
    if not is_url(source) and not Path(source).exists():
        raise StoreError(f"{source}: there is no such file: name the database to copy from")
    with _held(source, password) as old, _held(target, password) as new, old.advised(), new.advised():
        tables = kept(old)
        if missing := set(tables) ^ set(kept(new)):
            raise StoreError(f"one of both does not know {', '.join(sorted(missing))}: open it with this version first")
        with old.atomic(), new.atomic():
            if full := [each for each in tables if new.execute(f"SELECT 1 FROM {each} LIMIT 1").fetchone()]:  # noqa: S608
                raise StoreError(f"{new.name}: it is not empty ({', '.join(full)}): name an empty database")
            done = []
            for table in tables:
                done.append(_table(old, new, table))
                said(done[-1])
    return done


def kept(db: Database) -> list[str]:
    """The tables that are copied."""
    return sorted(each for each in db.table_names() if "sqlite_" not in each and each not in _OWN)


def _table(old: Database, new: Database, table: str) -> Copied:
    columns = [each for each in old.columns(table) if each != "rowid"]
    ask = f"SELECT {', '.join(columns)} FROM {table}{' ORDER BY rowid' if table in _IN_ORDER else ''}"  # noqa: S608
    there, here = _Sum(), _Sum()
    new.load(table, columns, there.of(old.stream(ask)))
    for _ in here.of(new.stream(ask)):
        pass
    if (there.rows, there.digest) != (here.rows, here.digest):
        raise StoreError(
            f"{table} is another one after the copy ({there.rows:,} rows, then {here.rows:,}): nothing was copied"
        )
    return Copied(table, here.rows, here.digest)


@contextmanager
def _held(database: str, password: Password | None) -> Iterator[Database]:
    """A database that nobody else has, in this thread."""
    if not is_url(database):
        path = Path(database)
        holding = FileHolding.take(path, 0)
        try:
            file, _ = connection.connected(path, held=False)
            with closing(file):
                yield file
        finally:
            holding.release()
        return
    address = address_of(database, password)
    from storage.postgresql.database import PostgresDatabase  # noqa: PLC0415 - psycopg is there where it is needed alone
    from storage.postgresql.holding import Holding  # noqa: PLC0415
    from storage.postgresql.store import prepared  # noqa: PLC0415

    lease = Holding.take(address, 0)
    try:
        with closing(PostgresDatabase(address, fence=lease.fence)) as db:
            prepared(db, held=False)
            yield db
    finally:
        lease.release()
