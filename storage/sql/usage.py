"""What rollups of samples say, and what was known before them: a part of :class:`storage.port.samples.SampleStore`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from storage.port.samples import Bucket, JobBucket, PoolBucket, PoolEra
from storage.retention import JOB_RESOLUTIONS, RESOLUTIONS
from storage.rollup import MICRO, USES, RollupIncrements, figures, uses
from storage.sql.samples import ADD_ROLLUPS, SqlSamples
from storage.sql.timestamps import from_timestamp, to_timestamp

_SUMS = ", ".join(f"sum({name})" for name in (*USES, "seconds"))
_BUCKET = ":origin + (start - :origin) / :step * :step AS bucket"
_USAGE: Final = f"""
    SELECT {_BUCKET}, {_SUMS}, max(at_most) FROM rollups
    WHERE step = :kept AND start >= :origin AND start < :end
        AND series IN (SELECT id FROM series WHERE account = :account AND pool = :pool COLLATE NOCASE)
    GROUP BY bucket ORDER BY bucket
"""  # noqa: S608 - our own names
_BY_POOL: Final = f"""
    SELECT min(series.pool), {_BUCKET}, {_SUMS}, max(at_most)
    FROM series CROSS JOIN rollups
    WHERE series.account = :account AND series.pool <> ''
        AND rollups.step = :kept AND rollups.series = series.id AND start >= :since AND start < :end
    GROUP BY series.pool COLLATE NOCASE, bucket ORDER BY series.pool COLLATE NOCASE, bucket
"""  # noqa: S608 - our own names
_OF_POOLS: Final = f"""
    SELECT start, {", ".join(f"sum({name})" for name in USES)}, max(seconds), max(at_most) FROM rollups
    WHERE step = :kept AND start >= :origin AND start < :end
        AND series IN (SELECT id FROM series WHERE account = :account AND lower(pool) IN ({{pools}}))
    GROUP BY start ORDER BY start
"""  # noqa: S608 - our own names
_BY_JOB: Final = f"""
    SELECT series.pool, job_series.job, {_BUCKET}, sum(dedicated), sum(spot)
    FROM job_rollups CROSS JOIN job_series CROSS JOIN series
    WHERE job_series.id = job_rollups.job AND series.id = job_series.series
        AND job_rollups.step = :kept AND start >= :since AND start < :end
        AND job_rollups.account = (SELECT id FROM series WHERE account = :account AND pool = '')
        AND (CAST(:job AS TEXT) IS NULL OR job_rollups.job IN (SELECT id FROM job_series WHERE job = :job))
    GROUP BY job_series.id, series.id, bucket
"""  # noqa: S608 - our own names
_SLICE: Final = 14 * 86_400
"""Seconds of jobs that are read at a time."""
_NOISE: Final = 1e-9
"""A smaller share of what was busy is the rounding of sums, and no core-seconds."""


class SqlUsage(SqlSamples):
    """Reading rollups, adding history, and what pools were like."""

    async def usage(self, account: str, pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
        """Buckets of ``step`` seconds in [since, until), empty ones left out; see ``Retention.resolution``."""
        asked = self._asked(account, since, until, step)

        def work() -> list[Bucket]:
            rows = self._db.execute(_USAGE, {**asked, "pool": pool or ""})
            return [_bucket(row, step) for row in rows if row[-2] > 0]

        return await self._run(work)

    async def usage_by_pool(self, account: str, since: datetime, until: datetime, step: int) -> list[PoolBucket]:
        """The same of every pool at once, by pool and start."""
        asked = self._asked(account, since, until, step)

        def work() -> list[PoolBucket]:
            rows = self._db.execute(_BY_POOL, asked)
            return [PoolBucket(row[0], _bucket(row[1:], step)) for row in rows if row[-2] > 0]

        return await self._run(work)

    async def usage_of_pools(
        self, account: str, pools: Collection[str], since: datetime, until: datetime, step: int
    ) -> list[Bucket]:
        """The sum of some pools, in buckets of a kept resolution; pools are sampled together, or not at all."""
        if step not in RESOLUTIONS:
            raise ValueError(f"a step of {step} s is no resolution that is kept")
        asked = {**self._asked(account, since, until, step), "kept": step}
        asked["pools"] = json.dumps([each.lower() for each in pools if each])
        sql = _OF_POOLS.format(pools=self._db.dialect.texts.replace("?", ":pools"))

        def work() -> list[Bucket]:
            return [_bucket(row, step) for row in self._db.execute(sql, asked) if row[-2] > 0]

        return await self._run(work)

    async def usage_by_job(
        self, account: str, since: datetime, until: datetime, step: int, job: str | None = None
    ) -> list[JobBucket]:
        """Busy core-seconds by pool, job and start; what no known job kept busy has an empty name."""
        asked = self._asked(account, since, until, step, self._retention.job_rollups)

        def work(asked: dict[str, Any]) -> list[JobBucket]:
            found = [
                JobBucket(pool, name, from_timestamp(start * MICRO), dedicated, spot)
                for pool, name, start, dedicated, spot in self._db.execute(_BY_JOB, {**asked, "job": job})
                if dedicated or spot
            ]
            if job is None:
                found += self._of_no_job(found, asked)
            return found

        # Jobs are many: a slice of time after the other, so that nothing urgent waits long behind a whole quarter.
        slice_, found = max(1, _SLICE // step) * step, []
        for begin in range(asked["origin"], asked["end"], slice_):
            part = {**asked, "since": begin, "end": min(begin + slice_, asked["end"])}
            found += await self._run(partial(work, part))
        return sorted(found, key=lambda each: (each.pool, each.job, each.start))

    def _of_no_job(self, found: Sequence[JobBucket], asked: dict[str, Any]) -> list[JobBucket]:
        """What pools have been busy with beyond their jobs."""
        shared: dict[tuple[str, datetime], tuple[float, float]] = {}
        for each in found:
            key = each.pool.lower(), each.start
            dedicated, spot = shared.get(key, (0.0, 0.0))
            shared[key] = dedicated + each.dedicated, spot + each.spot
        rest = []
        for row in self._db.execute(_BY_POOL, asked):
            bucket = _bucket(row[1:], asked["step"])
            dedicated, spot = shared.get((row[0].lower(), bucket.start), (0.0, 0.0))
            left = [
                busy - known if busy - known > _NOISE * busy else 0.0
                for busy, known in ((bucket.dedicated.busy, dedicated), (bucket.spot.busy, spot))
            ]
            if any(left):
                rest.append(JobBucket(row[0], "", bucket.start, *left))
        return rest

    def _asked(
        self, account: str, since: datetime, until: datetime, step: int, of: Mapping[int, Any] | None = None
    ) -> dict[str, Any]:
        """The parameters of a query: which rollup to read, and from where."""
        begin, end = to_timestamp(since) // MICRO, -(-to_timestamp(until) // MICRO)
        kept, origin = self._retention.resolution(begin, end, step, of)
        return {"account": account, "origin": origin, "since": origin, "end": end, "step": step, "kept": kept}

    async def add_history(self, account: str, buckets: Sequence[Bucket], step: int) -> int:
        """Add what an account is known to have had, half an hour at a time, where nothing is known yet."""
        piece, six_hours = JOB_RESOLUTIONS[:2]
        if step <= 0 or step % piece:
            raise ValueError(f"a step of {step} s is no multiple of {piece} s")
        share = piece / step

        def work() -> int:
            with self._numbers.atomic():
                series = self._numbers.series(account, "")
                increments, added = RollupIncrements(JOB_RESOLUTIONS), 0
                groups: dict[int, set[int] | None] = {}
                for bucket in buckets:
                    row = [value * share for value in figures(bucket.dedicated, bucket.spot)]
                    begin = to_timestamp(bucket.start) // MICRO
                    for start in range(begin - begin % piece, begin - begin % piece + step, piece):
                        group = start - start % six_hours
                        if group not in groups:
                            groups[group] = self._known_pieces(series, group, piece, six_hours)
                        known = groups[group]
                        if known is None or start in known:
                            continue
                        known.add(start)
                        added += 1
                        increments.add_amount(series, start, bucket.seconds * share, row)
                rows = list(increments.rows())
                self._db.executemany(ADD_ROLLUPS, rows)
                self._db.executemany(
                    "UPDATE rollups SET at_most = 1 WHERE step = ? AND series = ? AND start = ?",
                    [row[:3] for row in rows],
                )
                return added

        return await self._run(work)

    def _known_pieces(self, series: int, start: int, piece: int, length: int) -> set[int] | None:
        """Of which pieces of a longer bucket something is known; None where they were pruned, and nobody can say."""
        pieces = {
            row[0]
            for row in self._db.execute(
                "SELECT start FROM rollups WHERE step = ? AND series = ? AND start >= ? AND start < ? AND seconds > 0",
                (piece, series, start, start + length),
            )
        }
        if pieces:
            return pieces
        whole = self._db.execute(
            "SELECT 1 FROM rollups WHERE step = ? AND series = ? AND start = ? AND seconds > 0",
            (length, series, start),
        ).fetchone()
        return None if whole else pieces

    async def known_range(self, account: str) -> tuple[datetime, datetime] | None:
        """From when until when anything is known: the first day's bucket of all, and the last sample or bucket."""
        sampled = await self.sampled_range(account)

        def work() -> tuple[int | None, int | None]:
            row = self._db.execute(
                "SELECT min(start), max(start) FROM rollups WHERE step = ? AND at_most = 1 "
                "AND series = (SELECT id FROM series WHERE account = ? AND pool = '')",
                (JOB_RESOLUTIONS[1], account),
            ).fetchone()
            return row[0], row[1]

        first, last = await self._run(work)
        if first is None or last is None:
            return sampled
        begin, end = from_timestamp(first * MICRO), from_timestamp((last + JOB_RESOLUTIONS[1]) * MICRO)
        return (begin, end) if sampled is None else (min(begin, sampled[0]), sampled[1])

    async def add_pool_eras(self, account: str, eras: Sequence[PoolEra]) -> None:
        """Note what pools are like, where it is not what their latest era says."""

        def work() -> None:
            with self._numbers.atomic():
                for era in sorted(eras, key=lambda era: era.since):
                    series = self._numbers.series(account, era.pool)
                    latest = self._db.execute(
                        "SELECT since, vm_size, cores, windows, tags, slots FROM pool_eras WHERE series = ? "
                        "ORDER BY since DESC LIMIT 1",
                        (series,),
                    ).fetchone()
                    tags = json.dumps(era.tags, ensure_ascii=False, sort_keys=True)
                    since = to_timestamp(era.since)
                    says = (era.vm_size, era.cores, int(era.windows), tags, era.slots)
                    if latest is None or (latest[0] < since and latest[1:] != says):
                        self._db.execute(
                            "INSERT INTO pool_eras (series, since, vm_size, cores, windows, tags, slots) "
                            "VALUES (?, ?, ?, ?, ?, ?, ?)",
                            (series, since, *says),
                        )

        await self._run(work)

    async def pool_eras(self, account: str) -> list[PoolEra]:
        """What the pools of an account were like, by pool and time."""

        def work() -> list[PoolEra]:
            rows = self._db.execute(
                "SELECT pool, since, vm_size, cores, windows, tags, slots FROM pool_eras JOIN series ON id = series "
                "WHERE account = ? ORDER BY pool, since",
                (account,),
            )
            return [
                PoolEra(pool, from_timestamp(since), size, cores, bool(windows), json.loads(tags), slots)
                for pool, since, size, cores, windows, tags, slots in rows
            ]

        return await self._run(work)


def _bucket(row: Sequence[Any], step: int) -> Bucket:
    """A bucket from its start, figures, seconds and whether it has history."""
    start, *row, seconds, at_most = row
    return Bucket(from_timestamp(start * MICRO), *uses(row), min(seconds, step), bool(at_most))
