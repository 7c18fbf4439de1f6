"""The replicas of the program that run on one database: a row each, which each renews by the database's own clock."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import structlog
from msgspec.structs import replace

from storage.port.replicas import Replica
from storage.postgresql.clock import now as clock
from storage.postgresql.database import PostgresDatabase

log = structlog.get_logger()

_GONE: Final = 300
"""Seconds after its last sign of life a replica is taken off the list."""
MARGIN: Final = 1 / 12
"""The part of a lease in which nothing is done by it any more: what was sent just before has arrived by its end."""
TABLE: Final = """
    CREATE TABLE IF NOT EXISTS replicas (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,
        since TIMESTAMPTZ NOT NULL DEFAULT now(), seen TIMESTAMPTZ NOT NULL DEFAULT now()
    )
"""
UNTIL: Final = "ALTER TABLE replicas ADD COLUMN IF NOT EXISTS until TIMESTAMPTZ"
"""Until when a replica has its accounts; NULL of one that is told to be gone, or of a version without accounts."""
WANTED: Final = "ALTER TABLE replicas ADD COLUMN IF NOT EXISTS wanted TEXT"
"""The accounts that a replica would watch, a line each: none while it starts. NULL of a version that says none."""
_ENTER: Final = """
    INSERT INTO replicas (id, name, version, wanted, until)
    VALUES (?, ?, ?, ?, clock_timestamp() + make_interval(secs => ?))
"""
_WANT: Final = "UPDATE replicas SET wanted = ? WHERE id = ?"
_BEAT: Final = """
    UPDATE replicas SET seen = now(), until = clock_timestamp() + make_interval(secs => ?)
    WHERE id = ? AND until IS NOT NULL
"""
_LIST: Final = """
    SELECT replicas.id, replicas.name, version, extract(epoch FROM replicas.since), extract(epoch FROM seen),
        extract(epoch FROM now() - seen), coalesce(holding.holder = replicas.name AND holding.until > now(), FALSE),
        (SELECT coalesce(string_agg(account, chr(10) ORDER BY account), '') FROM watching
            WHERE watching.replica = replicas.id AND replicas.until IS NOT NULL)
    FROM replicas LEFT JOIN holding ON holding.id = 1 ORDER BY replicas.since, replicas.name
"""


class Replicas:
    """The list, and this replica's row of it. Blocks; every method may raise psycopg.Error."""

    def __init__(self, db: PostgresDatabase, version: str, lease: float) -> None:
        self.name = f"process {os.getpid()} on {socket.gethostname()}"
        self.id = ""
        """That of its row; another one from each time on that it was thought to be gone."""
        self._last: tuple[Replica, ...] = ()
        self._at = time.monotonic()
        self._db = db
        self._version = version
        self._lease = lease
        self._until = 0.0
        self._wanted = ""

    @property
    def listed(self) -> bool:
        """Whether it stands in the list."""
        return bool(self.id)

    def sure(self) -> bool:
        """Whether nobody can have told it to be gone yet, by this machine's clock."""
        return clock() < self._until

    def beat(self) -> None:
        """Give a sign of life, take off the list who gave none for long, and read it."""
        begun = clock()
        if not self.id or not self._db.execute(_BEAT, [self._lease, self.id]).rowcount:
            if self.id:
                log.warning("replica.was_thought_gone")
            new = secrets.token_hex(8)
            self._db.execute(_ENTER, [new, self.name, self._version, self._wanted, self._lease])
            if self.id:
                self._db.execute("DELETE FROM replicas WHERE id = ?", [self.id])
            self.id = new
        self._until = begun + self._lease * (1 - MARGIN)
        self._db.execute("DELETE FROM replicas WHERE seen < now() - make_interval(secs => ?)", [_GONE])
        self.read()

    def want(self, accounts: Collection[str]) -> None:
        """Tell the others which accounts this one would watch, where that is news."""
        wanted = "\n".join(sorted(accounts))
        if wanted != self._wanted:
            self._db.execute(_WANT, [wanted, self.id])
            self._wanted = wanted

    def read(self) -> None:
        """Read the list."""
        self._at = time.monotonic()
        self._last = tuple(
            Replica(
                name,
                version,
                _moment(since),
                _moment(seen),
                max(0.0, float(age)),
                bool(holds),
                id_ == self.id,
                tuple(accounts.split("\n")) if accounts else (),
            )
            for id_, name, version, since, seen, age, holds, accounts in self._db.execute(_LIST)
        )

    def now(self) -> list[Replica]:
        """The list as it was read last, as much older as it is by now. Asks nobody."""
        since = time.monotonic() - self._at
        return [replace(each, age=each.age + since) for each in self._last]

    def leave(self) -> None:
        """Off the list: this replica ends."""
        self._until = 0.0
        self._db.execute("DELETE FROM replicas WHERE id = ?", [self.id])


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
