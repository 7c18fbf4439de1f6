"""The store in a PostgreSQL database: :class:`storage.port.store.Store` by psycopg."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self, TypeVar

from storage.port.condition import StoreCondition
from storage.port.errors import StoreError
from storage.postgresql.address import Address
from storage.postgresql.database import SHORTLY, Fence, PostgresDatabase, advised
from storage.postgresql.holding import Holding
from storage.postgresql.migrations import migrate
from storage.retention import Retention
from storage.sql.soundness import sifted
from storage.sql.store import SqlStore

T = TypeVar("T")

_OLDEST = 150_000
"""PostgreSQL 15."""


class PostgresStore(SqlStore):
    """All of the port, on one connection. Every method may raise StoreError."""

    @classmethod
    def open(
        cls,
        address: Address,
        *,
        patience: float = 5.0,
        retention: Retention | None = None,
        holding: Holding | None = None,
    ) -> Self:
        """Connect, and bring the schema up to date.

        ``patience`` is seconds to wait for a lock, ``retention`` how long things are kept. With ``holding`` rows that
        cannot be read are put aside, and nothing is stored any more once another program has taken over. Blocks, so
        call it before anything runs. Raises StoreError, which says what to do.
        """
        db = PostgresDatabase(address, patience, holding.fence if holding else lambda: None, SHORTLY)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            condition = worker.submit(prepared, db, held=holding is not None).result()
        except BaseException:
            worker.submit(db.close).result()
            worker.shutdown()
            raise
        store = cls(db, worker, retention or Retention())
        store.condition = condition
        if holding:
            holding.condition = condition
        return store

    @classmethod
    def of_duties(cls, front: PostgresStore, address: Address, holding: Holding, *, patience: float = 5.0) -> Self:
        """Beside a store that is open: one that stores only while ``holding`` is this program's.

        Both tell of one condition.
        """
        db = PostgresDatabase(address, patience, holding.fence, SHORTLY)
        store = cls(db, ThreadPoolExecutor(max_workers=1, thread_name_prefix="duties"), front._retention)
        store.condition = holding.condition = front.condition
        return store

    async def taken(self) -> None:
        """The duties were taken up: rows that cannot be read are put aside. Raises StoreError."""
        found = StoreCondition(*await self._run(lambda: sifted(self._db, held=True)))
        self.condition.unreadable, self.condition.left = found.unreadable, found.left


class WatchingStore(PostgresStore):
    """The store of an account that this replica watches: it stores only while the account is its own.

    Those of all accounts are on one connection.
    """

    def __init__(
        self, db: PostgresDatabase, worker: ThreadPoolExecutor, retention: Retention, account: str, holding: Holding
    ) -> None:
        super().__init__(db, worker, retention)
        self.condition = holding.condition
        self._postgres = db
        self._fence = partial(holding.shares.fence, account)

    @classmethod
    def of_accounts(cls, front: PostgresStore, address: Address, holding: Holding) -> Callable[[str], Self]:
        """What gives the store of an account, by its name."""
        db = PostgresDatabase(address, fence=lambda: _NOBODYS, idle=SHORTLY)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watching")
        return lambda account: cls(db, worker, front._retention, account, holding)

    async def _run(self, work: Callable[[], T]) -> T:
        def fenced() -> T:
            with self._postgres.fenced(self._fence):
                return work()

        return await super()._run(fenced)


_NOBODYS = Fence("SELECT 1 WHERE FALSE", "it is of no account")


def prepared(db: PostgresDatabase, *, held: bool) -> StoreCondition:
    """Refuse what is too old or too new, migrate, and look for what cannot be read."""
    with advised(db.address):
        (version,) = db.execute("SELECT current_setting('server_version_num')").fetchone() or ("0",)
        (encoding,) = db.execute("SELECT current_setting('server_encoding')").fetchone() or ("",)
        if int(version) < _OLDEST:
            raise StoreError(f"{db.address}: it is PostgreSQL {int(version) // 10_000}: 15 is the oldest that will do")
        if encoding != "UTF8":
            raise StoreError(f"{db.address}: its encoding is {encoding}: create the database with ENCODING 'UTF8'")
        try:
            migrate(db)
        except StoreError as error:
            raise StoreError(f"{db.address}: {error}") from error
        return StoreCondition(*sifted(db, held=held))
