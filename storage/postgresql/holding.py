"""One program holds a database: a row that says who, until when by the database's own clock, and which epoch it is.

The holder renews it; whoever finds it run out takes it with the next epoch. Every transaction of the holder asks for
its epoch, so one that was thought dead stores nothing once another has taken over. No session's lock: those do not go
through a PgBouncer in transaction mode.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import structlog

from storage.port.condition import StoreCondition
from storage.port.errors import StoreHeld
from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase, advised

log = structlog.get_logger()

LEASE: Final = 15
"""Seconds for which a holder has the database without renewing: so long after its death the next one waits."""
_EVERY: Final = 0.5
"""Seconds between two attempts to take it."""
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS holding (
        id BIGINT PRIMARY KEY CHECK (id = 1), epoch BIGINT NOT NULL, holder TEXT NOT NULL,
        since TIMESTAMPTZ NOT NULL, until TIMESTAMPTZ NOT NULL
    )
"""
_TAKE: Final = """
    INSERT INTO holding (id, epoch, holder, since, until) VALUES (1, 1, ?, now(), now() + make_interval(secs => ?))
    ON CONFLICT (id) DO UPDATE SET
        epoch = holding.epoch + 1, holder = excluded.holder, since = excluded.since, until = excluded.until
    WHERE holding.until <= now()
    RETURNING epoch
"""


class Holding:
    """A held database, until :meth:`release`, or until another has taken over."""

    def __init__(self, db: PostgresDatabase, epoch: int, lease: float) -> None:
        self.epoch = epoch
        self.condition = StoreCondition()
        """That of the store, which learns when another has taken over."""
        self._db = db
        self._lease = lease
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="store-holding", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls, address: Address, patience: float, lease: float = LEASE) -> Holding:
        """Hold a database. Blocks for as long as another program holds it, ``patience`` seconds at most.

        Raises StoreHeld, which says who holds it, and StoreError.
        """
        db = PostgresDatabase(address)
        who = f"process {os.getpid()} on {socket.gethostname()}"
        until, told = time.monotonic() + patience, False
        try:
            with advised(address):
                if "holding" not in db.table_names():
                    with db.atomic():
                        db.execute(_TABLE)
                while (row := _taken(db, who, lease)) is None:
                    if time.monotonic() >= until:
                        break
                    if not told:
                        log.info("storage.held_by_another", database=str(address), holder=_holder(db), wait=patience)
                        told = True
                    time.sleep(_EVERY)
                holder = "" if row else _holder(db)
        except BaseException:
            db.close()
            raise
        if row is None:
            db.close()
            raise StoreHeld(
                f"{address}: another batchbot holds it ({holder}): stop that one; one bot per database. "
                "bot.database_wait_seconds is how long a second one waits"
            )
        return cls(db, int(row[0]), lease)

    def release(self) -> None:
        """Let it go: the next one need not wait."""
        self._over.set()
        self._thread.join()
        with _quietly():
            self._db.execute("UPDATE holding SET until = now() WHERE epoch = ?", [self.epoch])
        self._db.close()

    def _keep(self) -> None:
        """Renew, until it is let go or lost. While the database is away nobody else can take it either."""
        while not self._over.wait(self._lease / 3):
            with _quietly():
                kept = self._db.execute(
                    "UPDATE holding SET until = now() + make_interval(secs => ?) WHERE epoch = ?",
                    [self._lease, self.epoch],
                )
                if not kept.rowcount:
                    log.error("storage.lost", database=str(self._db.address), holder=_holder(self._db))
                    self.condition.lost = f"{self._db.address}: another batchbot has taken over ({_holder(self._db)})"
                    return


@contextmanager
def _quietly() -> Iterator[None]:
    """An error of the database is told in the log alone: it is tried again."""
    try:
        yield
    except psycopg.Error as error:
        log.warning("storage.not_renewed", message=" ".join(str(error).split()))


def _taken(db: PostgresDatabase, who: str, lease: float) -> Any:
    return db.execute(_TAKE, [who, lease]).fetchone()


def holder_now(db: PostgresDatabase) -> str:
    """Who holds it at this moment, by its own clock; empty where nobody does."""
    return _who(db, "WHERE until > now()") if "holding" in db.table_names() else ""


def _holder(db: PostgresDatabase) -> str:
    return _who(db) or "it does not say which"


def _who(db: PostgresDatabase, which: str = "") -> str:
    when = "to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
    row = db.execute(f"SELECT holder, {when} FROM holding {which}").fetchone()  # noqa: S608 - fixed words
    return f"{row[0]}, since {row[1]} UTC" if row else ""
