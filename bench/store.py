"""The SQLite store: inserts with their rollups, reading 90 days, and what a commit costs.

    python -m bench.store [--pools 8] [--file FILE]

Writes 90 days of samples, one a minute and pool (8 pools are 1,036,800 rows, 77 are 10 million), then reads the 90 days
back for the whole account: through the rollups, and for comparison summed up from the raw rows. What watching keeps in
the same file is measured by ``bench.transitions``.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.port.core_use import CoreUse
from storage.port.samples import JobCores, Sample, Work
from storage.sqlite.store import SqliteStore

DAYS = 90
STEP = 21600
UNTIL = datetime(2026, 11, 22, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=DAYS)
MINUTES = DAYS * 1440
BATCH = 1000
GOAL_MS = 10.0


def sampled(pool: str, at: datetime, minute: int) -> Sample:
    """A pool with both kinds of nodes, three jobs, and cores that idle for several reasons."""
    busy = float(minute % 49)
    dedicated = CoreUse(busy, starting=4.0, waiting=max(0.0, 44.0 - busy))
    jobs = tuple(JobCores(f"job-{minute // 480}-{n}", busy / 4) for n in range(3))
    return Sample("render", pool, at, 60.0, dedicated, CoreUse(busy / 4, broken=4.0), 16, 4, Work(7, 12, 99, 1), jobs)


async def fill(store: SqliteStore, pools: int) -> tuple[float, float]:
    """Write all samples in batches; returns rows a second by the wall and by the processor."""
    batch: list[Sample] = []
    begun, worked = time.perf_counter(), time.process_time()
    for minute in range(1, MINUTES + 1):
        at = SINCE + timedelta(minutes=minute)
        batch += [sampled(f"pool-{n}", at, minute) for n in range(pools)]
        if len(batch) >= BATCH:
            await store.add_samples(batch)
            batch = []
    await store.add_samples(batch)
    rows = pools * MINUTES
    return rows / (time.perf_counter() - begun), rows / (time.process_time() - worked)


async def timed(times: int, work: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        took.append((time.perf_counter() - begun) * 1e3)
    return took


async def measure(path: Path, pools: int) -> None:
    """Fill, read, commit; print."""
    store = SqliteStore.open(path)
    rows = pools * MINUTES
    print(f"{rows:,} samples of {pools} pools over {DAYS} days")
    wall, cpu = await fill(store, pools)
    print(f"  inserted with their rollups in batches of {BATCH}: {wall:,.0f} rows/s, {cpu:,.0f} a second of CPU")

    read = await timed(50, lambda: store.usage("render", None, SINCE, UNTIL, STEP))
    buckets = await store.usage("render", None, SINCE, UNTIL, STEP)
    raw = await timed(3, lambda: store._run(lambda: _raw(store)))
    median = statistics.median(read)
    print(f"  read 90 days of the account, {len(buckets)} buckets: {median:.1f} ms (worst {max(read):.1f})")
    print(f"  the same from the raw rows: {min(raw):,.0f} ms")
    print(f"  goal {GOAL_MS:.0f} ms: {'reached' if median <= GOAL_MS else 'MISSED'}")

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
    parser.add_argument("--pools", type=int, default=8)
    parser.add_argument("--file", type=Path, help="database to write (default: a temporary one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(given.file or Path(folder) / "bench.db", given.pools))


if __name__ == "__main__":
    main()
