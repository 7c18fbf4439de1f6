"""The copies of the program that run on one database: a row each, which each renews by the database's own clock."""

from __future__ import annotations

import os
import secrets
import socket
import time
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from storage.port.replicas import Replica
from storage.postgresql.database import PostgresDatabase

_GONE: Final = 300
"""Seconds after its last sign of life a copy is taken off the list."""
TABLE: Final = """
    CREATE TABLE IF NOT EXISTS replicas (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,
        since TIMESTAMPTZ NOT NULL DEFAULT now(), seen TIMESTAMPTZ NOT NULL DEFAULT now()
    )
"""
_BEAT: Final = """
    INSERT INTO replicas (id, name, version) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET seen = now(), version = excluded.version
"""
_LIST: Final = """
    SELECT replicas.id, replicas.name, version, extract(epoch FROM replicas.since), extract(epoch FROM seen),
        extract(epoch FROM now() - seen), coalesce(holding.holder = replicas.name AND holding.until > now(), FALSE)
    FROM replicas LEFT JOIN holding ON holding.id = 1 ORDER BY replicas.since, replicas.name
"""


class Replicas:
    """The list, and this copy's row of it. Blocks; every method may raise psycopg.Error."""

    def __init__(self, db: PostgresDatabase, version: str) -> None:
        self.name = f"process {os.getpid()} on {socket.gethostname()}"
        self._last: tuple[Replica, ...] = ()
        self._at = time.monotonic()
        self._db = db
        self._id = secrets.token_hex(8)
        self._version = version

    def beat(self) -> None:
        """Give a sign of life, take off the list who gave none for long, and read it."""
        self._db.execute(_BEAT, [self._id, self.name, self._version])
        self._db.execute("DELETE FROM replicas WHERE seen < now() - make_interval(secs => ?)", [_GONE])
        self._at = time.monotonic()
        self._last = tuple(
            Replica(name, version, _moment(since), _moment(seen), max(0.0, float(age)), bool(holds), id_ == self._id)
            for id_, name, version, since, seen, age, holds in self._db.execute(_LIST)
        )

    def now(self) -> list[Replica]:
        """The list as it was read last, as much older as it is by now. Asks nobody."""
        since = time.monotonic() - self._at
        return [replace(each, age=each.age + since) for each in self._last]

    def leave(self) -> None:
        """Off the list: this copy ends."""
        self._db.execute("DELETE FROM replicas WHERE id = ?", [self._id])


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
