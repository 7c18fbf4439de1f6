"""The SQLite store: inserts with their rollups, reading 90 days out of ten million rows, and what a commit costs.

    python -m bench.store [--pools 77] [--file FILE]

Writes a day of samples as the collector would, one a minute and pool; the other 89 days are made by SQL (77 pools are
10 million rows in all), and the 90 days are read back for the whole account: through the rollups, and for comparison
summed up from the raw rows. What watching keeps in the same file is measured by ``bench.transitions``.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.port.core_use import CoreUse
from storage.port.samples import JobCores, Sample, Work
from storage.retention import Retention
from storage.sqlite.store import SqliteStore

DAYS = 90
STEP = 21600
UNTIL = datetime(2026, 11, 22, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=DAYS)
BATCH = 1000
GOAL_MS = 10.0
GOAL_ROWS = 20_000
FILLED = 1
"""Days that are written a sample at a time; those before are made by SQL."""
ACCOUNT = "render"


def sampled(pool: str, at: datetime, minute: int) -> Sample:
    """A pool with both kinds of nodes, three jobs, and cores that idle for several reasons."""
    busy = float(minute % 49)
    dedicated = CoreUse(busy, starting=4.0, waiting=max(0.0, 44.0 - busy))
    jobs = tuple(JobCores(f"job-{minute // 480}-{n}", busy / 4) for n in range(3))
    return Sample(ACCOUNT, pool, at, 60.0, dedicated, CoreUse(busy / 4, broken=4.0), 16, 4, Work(7, 12, 99, 1), jobs)


async def fill(store: SqliteStore, pools: int) -> tuple[float, float]:
    """Write the last days' samples in batches, as an import would; returns rows a second by the wall and of CPU."""
    batch: list[Sample] = []
    minutes = FILLED * 1440
    begun, worked = time.perf_counter(), time.process_time()
    for minute in range(1, minutes + 1):
        at = UNTIL - timedelta(minutes=minutes - minute)
        batch += [sampled(f"pool-{n}", at, minute) for n in range(pools)]
        if len(batch) >= BATCH:
            await store.add_samples(batch)
            batch = []
    await store.add_samples(batch)
    rows = pools * minutes
    return rows / (time.perf_counter() - begun), rows / (time.process_time() - worked)


def build(db: sqlite3.Connection, pools: int) -> int:
    """The days before those, by SQL: raw samples, and their rollups as long as they are kept; returns the raw rows.

    What it makes is what :func:`fill` would have made, many times faster.
    """
    begin, end = int(SINCE.timestamp()), int((UNTIL - timedelta(days=FILLED)).timestamp())
    (account,) = db.execute("SELECT id FROM series WHERE account = ? AND pool = ''", (ACCOUNT,)).fetchone()
    db.executemany(
        "INSERT OR IGNORE INTO series (account, pool) VALUES (?, ?)", [(ACCOUNT, f"pool-{n}") for n in range(pools)]
    )
    db.execute("CREATE TEMP TABLE minutes (at INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO minutes VALUES (?)", ((at,) for at in range(begin + 60, end + 1, 60)))
    used = "dedicated_busy, dedicated_starting, dedicated_waiting, spot_busy, spot_broken"
    values = "at / 60 % 49, 4.0, max(0.0, 44.0 - at / 60 % 49), at / 60 % 49 / 4.0, 4.0"
    raw = db.execute(
        f"INSERT INTO samples (series, at, seconds, nodes, spot_nodes, waiting, running, succeeded, failed, {used}) "
        f"SELECT id, at * 1000000, 60, 16, 4, 7, 12, 99, 1, {values} "
        "FROM series CROSS JOIN minutes WHERE account = ? AND pool <> '' ORDER BY id, at",
        (ACCOUNT,),
    ).rowcount
    sums = ", ".join(f"sum({name}) * 60" for name in used.split(", "))
    for step, kept in Retention().rollups.items():
        since = end - int(kept.total_seconds()) if kept else begin
        for whose, share in (("series", "sum(seconds)"), (str(account), f"sum(seconds) / {pools}")):
            db.execute(
                f"INSERT INTO rollups (step, series, start, {used}, seconds) "
                f"SELECT {step}, {whose} AS whose, (at / 1000000 - 60) / {step} * {step} AS bucket, {sums}, {share} "
                f"FROM samples WHERE series <> {account} AND at > {since * 1_000_000} AND at <= {end * 1_000_000} "
                "GROUP BY whose, bucket ORDER BY whose, bucket"
            )
    _jobs(db, account, begin, end)
    db.commit()
    return int(raw)


def _jobs(db: sqlite3.Connection, account: int, begin: int, end: int) -> None:
    """Three jobs a pool that change every eight hours."""
    spans = range((end - begin) // 28_800)
    pools = [row[0] for row in db.execute("SELECT id FROM series WHERE account = ? AND pool <> ''", (ACCOUNT,))]
    db.executemany(
        "INSERT INTO job_series (series, job) VALUES (?, ?)",
        ((pool, f"old-{span}-{n}") for pool in pools for span in spans for n in range(3)),
    )
    for step in Retention().job_rollups:
        db.execute(
            f"""
            INSERT INTO job_rollups (step, account, start, job, dedicated, spot)
            SELECT {step}, {account}, bucket, id, 60.0 * {min(step, 28_800)}, 10.0 FROM (
                SELECT id, ({begin} + CAST(substr(job, 5) AS INTEGER) * 28800) / {step} * {step} AS bucket
                FROM job_series WHERE job LIKE 'old-%'
            ) ORDER BY bucket, id
            """
        )


async def timed(times: int, work: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        took.append((time.perf_counter() - begun) * 1e3)
    return took


async def measure(path: Path, pools: int) -> None:
    """Fill, build, read, commit; print."""
    store = SqliteStore.open(path)
    wall, cpu = await fill(store, pools)
    print(f"{pools * FILLED * 1440:,} samples of {pools} pools, each with three jobs, with their rollups")
    print(
        f"  inserted in batches of {BATCH}: {wall:,.0f} rows/s, {cpu:,.0f} a second of CPU; {_goal(wall >= GOAL_ROWS)}"
    )
    print(f"    (goal {GOAL_ROWS:,} rows/s)")
    begun = time.perf_counter()
    rows = await store._run(lambda: build(store._db.conn, pools))
    took = time.perf_counter() - begun
    size = await asyncio.to_thread(lambda: path.stat().st_size)
    print(f"{rows:,} more by SQL in {took:.0f} s, {size / 1e6:,.0f} MB, {DAYS} days in all")

    read = await timed(50, lambda: store.usage(ACCOUNT, None, SINCE, UNTIL, STEP))
    buckets = await store.usage(ACCOUNT, None, SINCE, UNTIL, STEP)
    raw = await timed(1, lambda: store._run(lambda: _raw(store)))
    median = statistics.median(read)
    spread = f"best {min(read):.1f}, worst {max(read):.1f}"
    print(f"  90 days of the account, {len(buckets)} buckets: {median:.1f} ms ({spread})")
    print(f"    (goal {GOAL_MS:.0f} ms: {_goal(median <= GOAL_MS)}; the same from the raw rows {min(raw):,.0f} ms)")
    for words, ask in (
        ("90 days of a pool", lambda: store.usage(ACCOUNT, "pool-3", SINCE, UNTIL, STEP)),
        ("90 days of every pool, by day", lambda: store.usage_by_pool(ACCOUNT, SINCE, UNTIL, 86400)),
        ("a week of every job, by day", lambda: store.usage_by_job(ACCOUNT, UNTIL - timedelta(days=7), UNTIL, 86400)),
        ("90 days of every job, by day", lambda: store.usage_by_job(ACCOUNT, SINCE, UNTIL, 86400)),
    ):
        found = len(await ask())  # type: ignore[arg-type]
        print(f"  {words}, {found:,} buckets: {statistics.median(await timed(5, ask)):.1f} ms")

    numbers = iter(range(10**9))
    commits = sorted(await timed(1000, lambda: store.accept(f"key-{next(numbers)}", b"x" * 500, UNTIL)))
    print(
        f"  accept (de-duplicate and journal, synchronous=FULL): p50 {commits[500]:.2f} ms, p99 {commits[990]:.2f} ms"
    )

    def tick() -> Awaitable[object]:
        at = UNTIL + timedelta(minutes=next(numbers))
        return store.add_samples([sampled(f"pool-{n}", at, 1) for n in range(20)])

    ticks = await timed(200, tick)
    print(f"  one minute of 20 pools: p50 {statistics.median(ticks):.2f} ms")
    begun = time.perf_counter()
    gone = await store.prune(UNTIL)
    print(f"  pruned {gone:,} rows in {time.perf_counter() - begun:.1f} s, in slices")
    await store.close()


def _goal(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _raw(store: SqliteStore) -> list[tuple[float, ...]]:
    """The same figures by the index on the raw rows."""
    return list(
        store._db.execute(
            "SELECT at / 21600000000 AS bucket, sum((dedicated_busy + spot_busy) * seconds), "
            "sum(dedicated_waiting * seconds), sum(spot_broken * seconds) FROM samples "
            "WHERE series IN (SELECT id FROM series WHERE account = 'render' AND pool <> '') GROUP BY bucket"
        )
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description="The SQLite store.")
    parser.add_argument("--pools", type=int, default=77)
    parser.add_argument("--file", type=Path, help="database to write (default: a temporary one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(given.file or Path(folder) / "bench.db", given.pools))


if __name__ == "__main__":
    main()
