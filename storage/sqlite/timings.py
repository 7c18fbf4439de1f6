"""How long things took: :class:`storage.port.timings.TimingStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from storage.port.spread import Spread
from storage.port.timings import JobTimes, NodeBoot
from storage.sqlite.connection import Connection
from storage.sqlite.timestamps import from_timestamp, to_timestamp

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Spread).decode


class SqliteTimings(Connection):
    """Jobs that ended, and nodes that booted; written by :mod:`storage.sqlite.changes`."""

    async def job_times(
        self,
        account: str,
        since: datetime,
        until: datetime,
        *,
        schedule: str | None = None,
        limit: int = 10_000,
    ) -> list[JobTimes]:
        """Jobs that ended in [since, until), newest first."""
        wanted = "AND schedule = ?" if schedule is not None else ""
        values: list[Any] = [account, to_timestamp(since), to_timestamp(until)]
        values += [schedule, limit] if schedule is not None else [limit]

        def work() -> list[JobTimes]:
            rows = self._db.execute(
                "SELECT job, started, ended, schedule, pool, tasks, failed, waits, runs, read FROM job_times "  # noqa: S608 - fixed words
                f"WHERE account = ? AND ended >= ? AND ended < ? {wanted} ORDER BY ended DESC, job DESC LIMIT ?",
                values,
            )
            return [_job(account, row) for row in rows]

        return await self._run(work)

    async def node_boots(
        self, account: str, since: datetime, until: datetime, *, pool: str | None = None
    ) -> list[NodeBoot]:
        """Boots of nodes that were allocated in [since, until), oldest first."""
        wanted = "AND pool = ?" if pool is not None else ""
        values: list[Any] = [account, to_timestamp(since), to_timestamp(until)]
        values += [pool] if pool is not None else []

        def work() -> list[NodeBoot]:
            rows = self._db.execute(
                "SELECT pool, node, vm_size, spot, allocated, seconds FROM node_boots "  # noqa: S608 - fixed words
                f"WHERE account = ? AND allocated >= ? AND allocated < ? {wanted} ORDER BY allocated, node",
                values,
            )
            return [
                NodeBoot(account, pool_, node, size, bool(spot), from_timestamp(at), seconds)
                for pool_, node, size, spot, at, seconds in rows
            ]

        return await self._run(work)

    async def _prune_timings(self, now: datetime) -> int:
        """Delete what is older than is kept; returns how many rows."""
        oldest = to_timestamp(now - self._retention.timings)
        gone = await self._delete("job_times", "account, job, started", "ended < ?", [oldest])
        return gone + await self._delete("node_boots", "account, pool, node, allocated", "allocated < ?", [oldest])


def put_job_times(db: Database, jobs: Sequence[JobTimes]) -> None:
    """Put jobs in the place of what is kept of them; within the caller's transaction."""
    db.conn.executemany(
        "INSERT OR REPLACE INTO job_times "
        "(account, job, started, ended, schedule, pool, tasks, failed, waits, runs, read) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(each.account, each.job, to_timestamp(each.started), to_timestamp(each.ended), each.schedule),
                *(each.pool, each.tasks, each.failed, _encode(each.waits), _encode(each.runs), each.read),
            )
            for each in jobs
        ],
    )


def put_node_boots(db: Database, boots: Sequence[NodeBoot]) -> None:
    """Add boots. One that is known is left alone: a node that is rebooted says later when it booted last."""
    db.conn.executemany(
        "INSERT INTO node_boots (account, pool, node, vm_size, spot, allocated, seconds) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        [
            (each.account, each.pool, each.node, each.vm_size, each.spot, to_timestamp(each.allocated), each.seconds)
            for each in boots
        ],
    )


def _job(account: str, row: Sequence[Any]) -> JobTimes:
    job, started, ended, schedule, pool, tasks, failed, waits, runs, read = row
    return JobTimes(
        account=account,
        job=job,
        started=from_timestamp(started),
        ended=from_timestamp(ended),
        schedule=schedule,
        pool=pool,
        tasks=tasks,
        failed=failed,
        waits=_decode(waits),
        runs=_decode(runs),
        read=read,
    )
