"""Runs of jobs: :class:`storage.port.runs.RunStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict

from storage.port.runs import JobRun
from storage.port.spread import Spread
from storage.sql.connection import Connection
from storage.sql.database import Database
from storage.sql.timestamps import from_timestamp, to_timestamp

_COLUMNS = tuple(JobRun.__struct_fields__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Spread).decode


def put_runs(db: Database, runs: Sequence[JobRun]) -> None:
    """Put runs in the place of what is kept of them, unless fewer tasks were read; within the caller's transaction."""
    names, marks = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
    better = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
    db.executemany(
        f"INSERT INTO job_runs ({names}) VALUES ({marks}) "  # noqa: S608 - our own names
        f"ON CONFLICT (account, job, started) DO UPDATE SET {better} "
        "WHERE coalesce(excluded.read, -1) >= coalesce(job_runs.read, -1)",
        [_row(run) for run in runs],
    )


class SqlRuns(Connection):
    """One row for each run, by account, job and start."""

    async def job_runs(
        self,
        account: str,
        *,
        schedule: str | None = None,
        job: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> list[JobRun]:
        """The newest that fit, newest end first."""
        conditions: list[tuple[str, Any]] = [("account = ?", account)]
        conditions += [("schedule = ?", schedule)] if schedule is not None else []
        conditions += [("job = ?", job)] if job is not None else []
        conditions += [("ended >= ?", to_timestamp(since))] if since else []
        conditions += [("ended < ?", to_timestamp(until))] if until else []
        where = " AND ".join(condition for condition, _ in conditions)
        values = [value for _, value in conditions]

        def work() -> list[JobRun]:
            rows = self._db.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM job_runs WHERE {where} "  # noqa: S608 - our own names
                "ORDER BY ended DESC, job DESC LIMIT ?",
                [*values, limit],
            )
            return [_run(row) for row in rows]

        return await self._run(work)

    async def _prune_job_runs(self, now: datetime) -> int:
        """Delete what is older than is kept; returns how many rows."""
        return await self._delete(
            "job_runs", "account, job, started", "ended < ?", [to_timestamp(now - self._retention.job_runs)]
        )


def _row(run: JobRun) -> list[Any]:
    return [_stored(value) for value in asdict(run).values()]


def _stored(value: Any) -> Any:
    match value:
        case datetime():
            return to_timestamp(value)
        case Spread():
            return _encode(value)
    return value


def _run(row: Sequence[Any]) -> JobRun:
    values = dict(zip(_COLUMNS, row, strict=True))
    for moment in ("started", "ended"):
        values[moment] = from_timestamp(values[moment])
    for spread in ("waits", "runtimes"):
        values[spread] = _decode(values[spread])
    return JobRun(**{**values, "at_least": bool(values["at_least"])})
