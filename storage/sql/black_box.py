"""The black box: :class:`storage.port.black_box.BlackBoxStore`. One table; bodies are compressed JSON."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec import Struct

from storage.port.black_box import KeptNode, KeptTask
from storage.port.decoding import decoded
from storage.sql.connection import Connection
from storage.sql.database import Database
from storage.sql.timestamps import to_timestamp

log = structlog.get_logger()
T = TypeVar("T", bound=Struct)

_PUT = """
    INSERT INTO black_box (account, kind, parent, name, at, kept, files, owed, size, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (account, kind, parent, name, at) DO UPDATE SET
        kept = excluded.kept, files = excluded.files, owed = excluded.owed, size = excluded.size, body = excluded.body
    WHERE excluded.files > black_box.files OR (black_box.owed = 1 AND excluded.owed = 0)
"""
_OVERHEAD = 150
"""Bytes of a row besides its body: names, times and its places in two indexes."""
_AT_ONCE = 200
"""Rows that make room for others in one statement."""


class SqlBlackBox(Connection):
    """One row per run of a task, or state of a node; a poll's are written by :mod:`storage.sql.changes`."""

    async def keep(self, tasks: Sequence[KeptTask], nodes: Sequence[KeptNode] = ()) -> None:
        """Keep what is about to be lost."""

        def work() -> None:
            with self._db.atomic():
                put_kept(self._db, tasks, nodes, self._retention.black_box_bytes)

        await self._run(work)

    async def kept_tasks(
        self, account: str, job: str, task: str | None = None, *, since: datetime | None = None, limit: int = 100
    ) -> list[KeptTask]:
        """What is kept of a job's tasks, newest first."""
        return await self._kept(KeptTask, "task", (account, job, task), since, limit)

    async def kept_nodes(
        self, account: str, pool: str, node: str | None = None, *, since: datetime | None = None, limit: int = 100
    ) -> list[KeptNode]:
        """What is kept of a pool's nodes, newest first."""
        return await self._kept(KeptNode, "node", (account, pool, node), since, limit)

    async def owed(self, account: str, since: datetime) -> tuple[list[KeptTask], list[KeptNode]]:
        """What was kept since then without its files."""

        def work() -> tuple[list[KeptTask], list[KeptNode]]:
            rows = self._db.execute(
                "SELECT kind, body FROM black_box WHERE owed = 1 AND account = ? AND kept >= ? ORDER BY kept",
                [account, to_timestamp(since)],
            ).fetchall()
            tasks = [_unpacked(body, KeptTask) for kind, body in rows if kind == "task"]
            nodes = [_unpacked(body, KeptNode) for kind, body in rows if kind == "node"]
            return [each for each in tasks if each], [each for each in nodes if each]

        return await self._run(work)

    async def _kept(
        self, kind: type[T], word: str, of: tuple[str, str, str | None], since: datetime | None, limit: int
    ) -> list[T]:
        account, parent, name = of
        wanted = ("AND name = ? " if name is not None else "") + ("AND at >= ? " if since else "")
        values: list[Any] = [account, word, parent]
        values += ([name] if name is not None else []) + ([to_timestamp(since)] if since else [])

        def work() -> list[T]:
            rows = self._db.execute(
                "SELECT body FROM black_box WHERE account = ? AND kind = ? AND parent = ? "  # noqa: S608 - fixed words
                f"{wanted}ORDER BY at DESC, name LIMIT ?",
                [*values, limit],
            )
            return [found for (body,) in rows if (found := _unpacked(body, kind))]

        return await self._run(work)

    async def _prune_black_box(self, now: datetime) -> int:
        """Delete what is older than is kept, and the oldest where it is too much; returns how many rows."""
        oldest = to_timestamp(now - self._retention.black_box)
        gone = await self._delete("black_box", "account, kind, parent, name, at", "kept < ?", [oldest])

        def work() -> int:
            with self._db.atomic():
                return make_room(self._db, self._retention.black_box_bytes)

        return gone + await self._run(work)


def put_kept(db: Database, tasks: Iterable[KeptTask], nodes: Iterable[KeptNode], most: int) -> None:
    """Put what is kept where it belongs, in ``most`` bytes in all; nothing where these are none."""
    rows = [("task", each.job, each.task, each) for each in tasks]
    rows += [("node", each.pool, each.node, each) for each in nodes]  # type: ignore[misc]  # either kind
    if not rows or not most:
        return
    values = []
    for kind, parent, name, each in rows:
        body = zlib.compress(msgspec.json.encode(each))
        size = len(body) + _OVERHEAD
        times = to_timestamp(each.at), to_timestamp(each.kept)
        values.append((each.account, kind, parent, name, *times, len(each.files), each.owed, size, body))
    db.executemany(_PUT, values)
    make_room(db, most)


def make_room(db: Database, most: int) -> int:
    """Delete the oldest rows until the rest takes no more than so many bytes; returns how many."""
    (held,) = db.execute("SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM black_box").fetchone()
    gone = 0
    while held > most:
        oldest = db.execute("SELECT rowid, size FROM black_box ORDER BY kept, rowid LIMIT ?", [_AT_ONCE]).fetchall()
        going = []
        for row, size in oldest:
            if held <= most:
                break
            held -= size
            going.append((row,))
        db.executemany("DELETE FROM black_box WHERE rowid = ?", going)
        gone += len(going)
    return gone


def _unpacked(body: bytes, kind: type[T]) -> T | None:
    """What a row holds; None, which the log says, where nobody can read it."""
    try:
        plain = zlib.decompress(body)
    except zlib.error as error:
        log.warning("storage.unreadable", kind=kind.__name__, error=str(error))
        return None
    return decoded(plain, kind)
