"""One replica of the program has the duties: a row that says who, until when by the database's own clock, and which
epoch it is.

The holder renews it; whoever finds it run out takes it with the next epoch. Every transaction of the duties asks for
its epoch, so one that was thought dead stores nothing once another has taken over; and the next one takes over between
two transactions, never within one. By its own clock a holder knows for how long nobody else can have taken over, and
posts nothing after that (:meth:`Holding.sure`). No session's lock: those do not go through a PgBouncer in transaction
mode. All of it goes over a connection of its own, so that no other work keeps the lease from being renewed. The same
thread gives this replica's signs of life, by which it has its accounts (:mod:`storage.postgresql.shares`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import structlog

from storage.port.condition import StoreCondition
from storage.port.errors import StoreHeld
from storage.port.replicas import Replica
from storage.postgresql.address import Address
from storage.postgresql.clock import now as clock
from storage.postgresql.database import SHORTLY, Fence, PostgresDatabase, advised
from storage.postgresql.replicas import MARGIN, UNTIL, WANTED, Replicas
from storage.postgresql.replicas import TABLE as REPLICAS
from storage.postgresql.shares import TABLE as SHARES
from storage.postgresql.shares import Shares

log = structlog.get_logger()

LEASE: Final = 12.0
"""Seconds for which a holder has the duties without renewing: so long after its death the next one waits.

With what a start of the duties takes, they are done elsewhere within twenty seconds."""
RENEWALS: Final = 3
"""How often it is renewed while it lasts once: two renewals may come late."""
_EVERY: Final = 0.5
"""Seconds between two attempts to take it."""
_SHARED: Final = 1.0
"""Seconds between two looks at which accounts are this replica's."""
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS holding (
        id BIGINT PRIMARY KEY CHECK (id = 1), epoch BIGINT NOT NULL, holder TEXT NOT NULL,
        since TIMESTAMPTZ NOT NULL, until TIMESTAMPTZ NOT NULL
    )
"""
_LOOKS: Final = "ALTER TABLE holding ADD COLUMN IF NOT EXISTS looks BIGINT"
"""The epoch of whoever decides on the looks of others: of a version that knows of them, and watches nothing itself."""
_TAKE: Final = """
    INSERT INTO holding (id, epoch, holder, since, until, looks)
    VALUES (1, 1, :holder, clock_timestamp(), clock_timestamp() + make_interval(secs => :lease), :decides)
    ON CONFLICT (id) DO UPDATE SET
        epoch = holding.epoch + 1, holder = excluded.holder, since = excluded.since, until = excluded.until,
        looks = (holding.epoch + 1) * excluded.looks
    WHERE holding.until <= clock_timestamp()
    RETURNING epoch
"""


class Holding:
    """The duties of one database: held, or waited for, until :meth:`release` or until another has taken over.

    Implements :class:`storage.port.replicas.Lease`.
    """

    def __init__(self, address: Address, lease: float, version: str) -> None:
        self.epoch = 0
        self.lost = ""
        self.condition = StoreCondition()
        """That of the store, which learns when another has taken over."""
        self._lease = lease
        self._db = PostgresDatabase(address, patience=min(2.0, lease / RENEWALS), idle=SHORTLY)
        self._replicas = Replicas(self._db, version, lease)
        self.shares = Shares(self._db, self._replicas)
        """The accounts of this replica, as :class:`storage.port.replicas.Shares`."""
        self._decides = 0
        self._until = 0.0
        self._alive: float | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def take(cls, address: Address, patience: float, lease: float = LEASE) -> Holding:
        """Hold a database. Blocks for as long as another program holds it, ``patience`` seconds at most.

        Raises StoreHeld, which says who holds it, and StoreError.
        """
        made = cls(address, lease, "")
        until, told = time.monotonic() + patience, False
        try:
            with advised(address):
                made._prepare()
                while not made._attempt() and time.monotonic() < until:
                    if not told:
                        who = _holder(made._db)
                        log.info("storage.held_by_another", database=str(address), holder=who, wait=patience)
                        told = True
                    time.sleep(_EVERY)
                holder = "" if made.epoch else _holder(made._db)
        except BaseException:
            made._db.close()
            raise
        if not made.epoch:
            made._db.close()
            raise StoreHeld(f"{address}: another batchbot holds it ({holder}): stop that one, and all its replicas")
        made._go_on()
        return made

    @classmethod
    def stand_by(cls, address: Address, version: str, lease: float | None = None) -> Holding:
        """Be one of any number of replicas: take the duties now or as soon as nobody has them. Raises StoreError."""
        made = cls(address, LEASE if lease is None else lease, version)
        made._decides = 1
        try:
            with advised(address):
                made._prepare()
                made._attempt()
                made._replicas.beat()
        except BaseException:
            made._db.close()
            raise
        made._go_on()
        return made

    @property
    def held(self) -> bool:
        """See :class:`storage.port.replicas.Lease`."""
        return bool(self.epoch) and not self.lost

    def fence(self) -> Fence:
        """What has to be so for whatever is stored by its duties."""
        why = "another batchbot has taken over: this one stores nothing any more"
        return Fence(
            f"SELECT 1 FROM holding WHERE epoch = {self.epoch}",  # noqa: S608 - a number
            why if self.epoch else "this replica does not have the duties",
        )

    def sure(self) -> bool:
        """See :class:`storage.port.replicas.Lease`."""
        return self.held and clock() < self._until

    def alive(self) -> None:
        """See :class:`storage.port.replicas.Lease`."""
        self._alive = clock()

    def replicas(self) -> Sequence[Replica]:
        """See :class:`storage.port.replicas.Lease`."""
        return self._replicas.now()

    def release(self) -> None:
        """Let it go: the next one need not wait."""
        self._over.set()
        if self._thread:
            self._thread.join()
        with _quietly():
            self._replicas.leave()
            if self.epoch:
                self._db.execute("UPDATE holding SET until = now() WHERE epoch = ?", [self.epoch])
        self._until = 0.0
        self._db.close()

    def _prepare(self) -> None:
        for name, table in (("holding", _TABLE), ("replicas", REPLICAS), ("watching", SHARES)):
            if name not in self._db.table_names():
                with self._db.atomic():
                    self._db.execute(table)
        for name, column, added in (
            ("holding", "looks", _LOOKS),
            ("replicas", "until", UNTIL),
            ("replicas", "wanted", WANTED),
        ):
            if column not in self._db.columns(name):
                with self._db.atomic():
                    self._db.execute(added)

    def _go_on(self) -> None:
        self._thread = threading.Thread(target=self._keep, name="store-holding", daemon=True)
        self._thread.start()

    def _attempt(self) -> bool:
        """Take it if nobody has it: between the transactions of whoever had it, for those have the writer's lock."""
        free = self._db.execute("SELECT 1 FROM holding WHERE until > now()").fetchone() is None
        if not free:
            return False
        begun = clock()
        with self._db.atomic():
            asked = {"holder": self._replicas.name, "lease": self._lease, "decides": self._decides}
            row: Any = self._db.execute(_TAKE, asked).fetchone()
        if row is None:
            return False
        self._until = begun + self._lease * (1 - MARGIN)
        self.epoch = int(row[0])
        return True

    def _keep(self) -> None:
        """Take it, renew it, give signs of life; until it is let go or lost. Not for a program that hangs.

        While the database is away nobody else can take it either.
        """
        every = self._lease / RENEWALS
        renewed, looked = clock(), 0.0
        while not self._over.wait(min(_EVERY, every)):
            if self._alive is not None and clock() - self._alive > self._lease:
                log.error("storage.hangs", seconds=round(clock() - self._alive))
                continue
            with _quietly():
                taken = not self.epoch and self._attempt()
                if taken or clock() - renewed >= every:
                    renewed = clock()
                    if self.epoch and not taken and not self._renewed():
                        return
                    self._replicas.beat()
                if self._decides and clock() - looked >= min(_SHARED, every):
                    looked = clock()
                    self.shares.look()

    def _renewed(self) -> bool:
        begun = clock()
        kept = self._db.execute(
            "UPDATE holding SET until = clock_timestamp() + make_interval(secs => ?) WHERE epoch = ?",
            [self._lease, self.epoch],
        )
        if kept.rowcount:
            self._until = begun + self._lease * (1 - MARGIN)
            return True
        who = _holder(self._db)
        log.error("storage.lost", database=str(self._db.address), holder=who)
        self.lost = self.condition.lost = f"{self._db.address}: another batchbot has taken over ({who})"
        return False


@contextmanager
def _quietly() -> Iterator[None]:
    """An error of the database is told in the log alone: it is tried again."""
    try:
        yield
    except psycopg.Error as error:
        log.warning("storage.not_renewed", message=" ".join(str(error).split()))


def holder_now(db: PostgresDatabase) -> str:
    """Who holds it at this moment, by its own clock; empty where nobody does."""
    return _who(db, "WHERE until > now()") if "holding" in db.table_names() else ""


def _holder(db: PostgresDatabase) -> str:
    return _who(db) or "it does not say which"


def _who(db: PostgresDatabase, which: str = "") -> str:
    when = "to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
    row = db.execute(f"SELECT holder, {when} FROM holding {which}").fetchone()  # noqa: S608 - fixed words
    return f"{row[0]}, since {row[1]} UTC" if row else ""
