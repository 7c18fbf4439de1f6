"""Samples and their rollups: :class:`storage.port.samples.SampleStore`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from storage.port.samples import Bucket, Sample, Work
from storage.retention import Retention
from storage.rollup import MICRO, RollupIncrements
from storage.sqlite.connection import Connection
from storage.sqlite.timestamps import from_timestamp, to_timestamp

_COLUMNS = "series, at, seconds, busy, total, nodes, spot, waiting, running, succeeded, failed"


class SqliteSamples(Connection):
    """A series is one pool, or with an empty pool name the whole account."""

    def __init__(self, path: Path, db: Database, worker: ThreadPoolExecutor, retention: Retention) -> None:
        super().__init__(path, db, worker, retention)
        self._series: dict[tuple[str, str], int] = {}

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """Store samples and add them to every rollup in the same transaction; a sample seen before is ignored.

        So is one older than what was pruned, because nobody knows any more whether it was seen. Large imports
        belong in calls of about a thousand samples, so that nothing urgent waits long behind one.
        """

        def work() -> None:
            try:
                with self._db.atomic():
                    self._roll_up(self._fresh(samples))
            except BaseException:
                self._series.clear()  # numbers given out by a transaction that was rolled back
                raise

        await self._run(work)

    def _fresh(self, samples: Sequence[Sample]) -> list[tuple[int, int, int, Sample]]:
        """Insert samples of pools; returns (series, account's series, moment, sample) of those that were new."""
        horizon = self._samples_horizon()
        by_series: dict[tuple[int, int], dict[int, Sample]] = {}
        for sample in samples:
            if (at := to_timestamp(sample.at)) >= horizon:
                key = self._series_id(sample.account, sample.pool), self._series_id(sample.account, "")
                by_series.setdefault(key, {}).setdefault(at, sample)
        fresh = [
            (series, account, at, sample)
            for (series, account), moments in by_series.items()
            for known in [{} if series == account else self._known(series, moments)]
            for at, sample in moments.items()
            if at not in known
        ]
        self._db.conn.executemany(
            f"INSERT INTO samples ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own names
            [(n, at, *_row(sample)) for n, account, at, sample in fresh if n != account],
        )
        return fresh

    def _known(self, series: int, moments: Collection[int]) -> dict[int, float]:
        """The samples of a series that are stored already, around some moments: their moments and seconds."""
        return dict(
            self._db.conn.execute(
                "SELECT at, seconds FROM samples WHERE series = ? AND at BETWEEN ? AND ?",
                (series, min(moments), max(moments)),
            )
        )

    def _roll_up(self, fresh: list[tuple[int, int, int, Sample]]) -> None:
        """Add new samples to the rollups, and to their account's own row, which all pools of a moment share."""
        increments = RollupIncrements()
        polls: dict[int, dict[int, list[float]]] = {}  # by account and moment: seconds, busy, total, nodes
        for series, account, at, sample in fresh:
            poll = polls.setdefault(account, {}).setdefault(at, [0.0, 0.0, 0.0, 0])
            poll[0] = max(poll[0], sample.seconds)
            if series != account:
                poll[1] += sample.busy
                poll[2] += sample.total
                poll[3] += sample.nodes
                increments.add_cores(series, account, at - round(sample.seconds * MICRO), at, sample.busy, sample.total)
        for account, moments in polls.items():
            known = self._known(account, moments)
            for at, (seconds, *_) in moments.items():
                increments.add_observed(account, at - round(seconds * MICRO), at - round(known.get(at, 0.0) * MICRO))
            self._db.conn.executemany(
                """
                INSERT INTO samples (series, at, seconds, busy, total, nodes) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET seconds = max(seconds, excluded.seconds), busy = busy + excluded.busy,
                    total = total + excluded.total, nodes = nodes + excluded.nodes
                """,
                [(account, at, *poll) for at, poll in moments.items()],
            )
            self._db.conn.execute(
                "UPDATE series SET first = min(ifnull(first, ?1), ?1), last = max(ifnull(last, ?2), ?2) WHERE id = ?3",
                (min(moments), max(moments), account),
            )
        self._db.conn.executemany(
            """
            INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET busy = busy + excluded.busy, total = total + excluded.total,
                seconds = seconds + excluded.seconds
            """,
            increments.rows(),
        )

    def _series_id(self, account: str, pool: str) -> int:
        """The small number of a series, given out on first use."""
        found = self._series.get((account, pool))
        if found is None:
            self._db.conn.execute("INSERT OR IGNORE INTO series (account, pool) VALUES (?, ?)", (account, pool))
            (found,) = self._db.conn.execute(
                "SELECT id FROM series WHERE account = ? AND pool = ?", (account, pool)
            ).fetchone()
            self._series[account, pool] = found
        return found

    async def usage(self, account: str, pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
        """Buckets of ``step`` seconds in [since, until), empty ones left out; see ``Retention.resolution``."""
        begin, end = to_timestamp(since) // MICRO, -(-to_timestamp(until) // MICRO)
        kept, origin = self._retention.resolution(begin, end, step)

        def work() -> list[Bucket]:
            rows = self._db.execute(
                """
                SELECT :origin + (start - :origin) / :step * :step AS bucket, sum(busy), sum(total), sum(seconds)
                FROM rollups
                WHERE step = :kept AND start >= :origin AND start < :end
                  AND series = (SELECT id FROM series WHERE account = :account AND pool = :pool)
                GROUP BY bucket ORDER BY bucket
                """,
                {"origin": origin, "end": end, "step": step, "kept": kept, "account": account, "pool": pool or ""},
            )
            return [
                Bucket(from_timestamp(start * MICRO), busy, total, min(seconds, step))
                for start, busy, total, seconds in rows
                if seconds > 0
            ]

        return await self._run(work)

    async def samples(self, account: str, pool: str, since: datetime, until: datetime) -> list[Sample]:
        """The samples of a pool in [since, until), the oldest first, as long as they are kept."""

        def work() -> list[Sample]:
            rows = self._db.execute(
                f"""
                SELECT {_COLUMNS} FROM samples
                WHERE series = (SELECT id FROM series WHERE account = ? AND pool = ?) AND at >= ? AND at < ?
                ORDER BY at
                """,  # noqa: S608 - our own names
                [account, pool, to_timestamp(since), to_timestamp(until)],
            )
            return [_sample(account, pool, *row) for row in rows]

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
        row = self._db.conn.execute("SELECT value FROM meta WHERE name = 'pruned'").fetchone()
        return int(row[0]) if row else 0

    async def _prune_samples(self, now: datetime) -> int:
        """Delete old samples and buckets, a slice at a time; returns how many rows."""
        horizon = to_timestamp(now - self._retention.samples)

        def mark() -> list[int]:
            with self._db.atomic():
                if horizon > self._samples_horizon():
                    self._db.execute(
                        "INSERT OR REPLACE INTO meta (name, value) VALUES ('pruned', ?)", [str(horizon).encode()]
                    )
            return [row[0] for row in self._db.execute("SELECT id FROM series")]

        gone = 0
        for number in await self._run(mark):
            gone += await self._delete("samples", "series, at", "series = ? AND at < ?", [number, horizon])
            for step, kept in self._retention.rollups.items():
                if kept is not None:
                    where = [step, number, to_timestamp(now - kept) // MICRO - step]
                    gone += await self._delete(
                        "rollups", "step, series, start", "step = ? AND series = ? AND start < ?", where
                    )
        return gone


def _row(sample: Sample) -> tuple[float | int | None, ...]:
    """A sample's columns behind its series and moment; tasks that were not counted are NULL."""
    work = sample.work
    tasks = (work.waiting, work.running, work.succeeded, work.failed) if work else (None,) * 4
    return sample.seconds, sample.busy, sample.total, sample.nodes, sample.spot, *tasks


def _sample(
    account: str, pool: str, series: int, at: int, seconds: float, busy: float, total: float, nodes: int,
    spot: int | None, waiting: int | None, *tasks: int,
) -> Sample:  # fmt: skip
    work = None if waiting is None else Work(waiting, *tasks)
    return Sample(account, pool, from_timestamp(at), seconds, busy, total, nodes, spot or 0, work)
