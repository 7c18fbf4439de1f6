"""Samples and what they add to their rollups: a part of :class:`storage.port.samples.SampleStore`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from storage.port.samples import JobCores, Sample, Work
from storage.retention import Retention
from storage.rollup import MICRO, USES, JobIncrements, RollupIncrements, figures, uses
from storage.sql.connection import SLICE, Connection
from storage.sql.database import Database
from storage.sql.meta import meta, put_meta
from storage.sql.series import SeriesNumbers
from storage.sql.timestamps import from_timestamp, to_timestamp

_PRUNED = "pruned"
_USES = ", ".join(USES)
_COLUMNS = f"series, at, seconds, nodes, spot_nodes, waiting, running, succeeded, failed, jobs, {_USES}"
_ADDED = ", ".join(f"{name} = rollups.{name} + excluded.{name}" for name in (*USES, "seconds"))
_INSERT: Final = f"INSERT INTO samples ({_COLUMNS}) VALUES ({', '.join('?' * (10 + len(USES)))})"  # noqa: S608 - our own names
ADD_ROLLUPS: Final = f"""
    INSERT INTO rollups (step, series, start, {_USES}, seconds) VALUES ({", ".join("?" * (len(USES) + 4))})
    ON CONFLICT (step, series, start) DO UPDATE SET {_ADDED}
"""  # noqa: S608 - our own names
_ADD_JOBS: Final = """
    INSERT INTO job_rollups (step, account, start, job, dedicated, spot) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (step, account, start, job) DO UPDATE SET
        dedicated = job_rollups.dedicated + excluded.dedicated, spot = job_rollups.spot + excluded.spot
"""


class _Fresh(NamedTuple):
    """A sample that is new, with the numbers of its series and account, and its jobs by number."""

    series: int
    account: int
    at: int
    sample: Sample
    jobs: list[tuple[int, float]]


class SqlSamples(Connection):
    """A series is one pool, or with an empty pool name the whole account.

    Of an account's own series the samples have but the moment and the seconds; its cores are in the rollups.
    """

    def __init__(self, db: Database, worker: ThreadPoolExecutor, retention: Retention) -> None:
        super().__init__(db, worker, retention)
        self._numbers = SeriesNumbers(db)

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """Store samples and add them to every rollup in the same transaction; a sample seen before is ignored.

        So is one older than what was pruned, because nobody knows any more whether it was seen. Large imports
        belong in calls of about a thousand samples, so that nothing urgent waits long behind one.
        """

        def work() -> None:
            with self._numbers.atomic():
                self._roll_up(self._fresh(samples))

        await self._run(work)

    def _fresh(self, samples: Sequence[Sample]) -> list[_Fresh]:
        """Insert samples of pools; returns those that were new."""
        horizon = self._samples_horizon()
        number = self._numbers.series
        by_series: defaultdict[tuple[int, int], dict[int, Sample]] = defaultdict(dict)
        for sample in samples:
            if (at := to_timestamp(sample.at)) >= horizon:
                key = number(sample.account, sample.pool), number(sample.account, "")
                by_series[key].setdefault(at, sample)
        fresh = [
            _Fresh(series, account, at, sample, self._shares(series, sample))
            for (series, account), moments in by_series.items()
            for known in [{} if series == account else self._known(series, moments)]
            for at, sample in moments.items()
            if at not in known
        ]
        self._db.executemany(_INSERT, [_row(each) for each in fresh if each.series != each.account])
        return fresh

    def _shares(self, series: int, sample: Sample) -> list[tuple[int, float]]:
        """The jobs of a sample by number, with their cores; none where nothing was busy."""
        if not sample.busy:
            return []
        return [(self._numbers.job(series, each.job), each.cores) for each in sample.jobs if each.job]

    def _known(self, series: int, moments: Collection[int]) -> dict[int, float]:
        """The samples of a series that are stored already, around some moments: their moments and seconds."""
        return dict(
            self._db.execute(
                "SELECT at, seconds FROM samples WHERE series = ? AND at BETWEEN ? AND ?",
                (series, min(moments), max(moments)),
            )
        )

    def _roll_up(self, fresh: list[_Fresh]) -> None:
        """Add new samples to the rollups, and to their account's own row, which all pools of a moment share."""
        increments, jobs = RollupIncrements(), JobIncrements()
        polls: dict[int, dict[int, float]] = {}  # seconds by account and moment
        for each in fresh:
            sample, at = each.sample, each.at
            moments = polls.setdefault(each.account, {})
            moments[at] = max(moments.get(at, 0.0), sample.seconds)
            if each.series != each.account:
                begin = at - round(sample.seconds * MICRO)
                increments.add_cores(each.series, each.account, begin, at, figures(sample.dedicated, sample.spot))
                jobs.add(each.account, each.jobs, begin, at, sample)
        for account, moments in polls.items():
            known = self._known(account, moments)
            for at, seconds in moments.items():
                increments.add_observed(account, at - round(seconds * MICRO), at - round(known.get(at, 0.0) * MICRO))
            self._db.executemany(
                """
                INSERT INTO samples (series, at, seconds, nodes) VALUES (?, ?, ?, 0)
                ON CONFLICT (series, at) DO UPDATE SET seconds = excluded.seconds
                WHERE excluded.seconds > samples.seconds
                """,
                [(account, at, seconds) for at, seconds in moments.items()],
            )
            self._db.execute(
                """
                UPDATE series SET
                    first = CASE WHEN first IS NULL OR first > :first THEN :first ELSE first END,
                    last = CASE WHEN last IS NULL OR last < :last THEN :last ELSE last END
                WHERE id = :account
                """,
                {"first": min(moments), "last": max(moments), "account": account},
            )
        self._db.executemany(ADD_ROLLUPS, increments.rows())
        self._db.executemany(_ADD_JOBS, jobs.rows())

    async def samples(self, account: str, pool: str, since: datetime, until: datetime) -> list[Sample]:
        """The samples of a pool in [since, until), the oldest first, as long as they are kept."""

        def work() -> list[Sample]:
            rows = self._db.execute(
                f"""
                SELECT {_COLUMNS} FROM samples
                WHERE series IN (SELECT id FROM series WHERE account = ? AND pool = ? COLLATE NOCASE)
                AND at >= ? AND at < ?
                ORDER BY at
                """,  # noqa: S608 - our own names
                [account, pool, to_timestamp(since), to_timestamp(until)],
            ).fetchall()
            shared = [_jobs.decode(row[9]) if row[9] else [] for row in rows]
            names = self._numbers.jobs(number for jobs in shared for number, _ in jobs)
            return [
                _sample(account, pool, row, tuple(JobCores(names[number], cores) for number, cores in jobs))
                for row, jobs in zip(rows, shared, strict=True)
            ]

        return await self._run(work)

    async def sampled_range(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account, or None."""

        def work() -> tuple[datetime, datetime] | None:
            row = self._db.execute(
                "SELECT first, last FROM series WHERE account = ? AND pool = '' AND first IS NOT NULL", [account]
            ).fetchone()
            return None if row is None else (from_timestamp(row[0]), from_timestamp(row[1]))

        return await self._run(work)

    def _samples_horizon(self) -> int:
        """Samples before this moment (microseconds) were pruned."""
        return int(meta(self._db, _PRUNED) or 0)

    async def _prune_samples(self, now: datetime) -> int:
        """Delete old samples and buckets, a slice at a time; returns how many rows."""
        horizon = to_timestamp(now - self._retention.samples)

        def mark() -> list[tuple[int, str]]:
            with self._db.atomic():
                if horizon > self._samples_horizon():
                    put_meta(self._db, _PRUNED, str(horizon).encode())
            return list(self._db.execute("SELECT id, pool FROM series"))

        def until(step: int, kept: timedelta) -> int:
            return to_timestamp(now - kept) // MICRO - step

        gone = 0
        for number, pool in await self._run(mark):
            gone += await self._delete("samples", "series, at", "series = ? AND at < ?", [number, horizon])
            for step, kept in self._retention.rollups.items():
                if kept is not None:
                    gone += await self._delete(
                        "rollups",
                        "step, series, start",
                        "step = ? AND series = ? AND start < ?",
                        [step, number, until(step, kept)],
                    )
            for step, kept in self._retention.job_rollups.items() if not pool else ():
                if kept is not None:
                    gone += await self._delete(
                        "job_rollups",
                        "step, account, start, job",
                        "step = ? AND account = ? AND start < ?",
                        [step, number, until(step, kept)],
                    )
        return gone + await self._prune_jobs()

    async def _prune_jobs(self) -> int:
        """Forget the numbers of jobs of which no rollup is left: the coarsest is kept the longest."""
        coarsest = max(self._retention.job_rollups)
        unused = "SELECT id FROM job_series WHERE id NOT IN (SELECT job FROM job_rollups WHERE step = ?) LIMIT ?"

        def work() -> int:
            with self._db.atomic():
                sql = f"DELETE FROM job_series WHERE id IN ({unused})"  # noqa: S608 - fixed words
                gone = int(self._db.execute(sql, [coarsest, SLICE]).rowcount)
                if gone:
                    self._numbers.take_away()
                return gone

        return await self._sliced(work)


_jobs = msgspec.json.Decoder(list[tuple[int, float]])


def _row(fresh: _Fresh) -> tuple[float | int | bytes | None, ...]:
    """A sample's columns; tasks that were not counted are NULL, and so is what no job keeps busy."""
    sample, work = fresh.sample, fresh.sample.work
    tasks = (work.waiting, work.running, work.succeeded, work.failed) if work else (None,) * 4
    return (
        fresh.series,
        fresh.at,
        sample.seconds,
        sample.nodes,
        sample.spot_nodes,
        *tasks,
        msgspec.json.encode(fresh.jobs) if fresh.jobs else None,
        *figures(sample.dedicated, sample.spot),
    )


def _sample(account: str, pool: str, row: tuple[Any, ...], jobs: tuple[JobCores, ...]) -> Sample:
    _, at, seconds, nodes, spot_nodes, waiting, *tasks = row[:9]
    work = None if waiting is None else Work(waiting, *tasks)
    return Sample(account, pool, from_timestamp(at), seconds, *uses(row[10:]), nodes, spot_nodes or 0, work, jobs)
