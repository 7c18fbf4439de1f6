"""What monitoring writes to the SQLite store and reads from it: 10,000 transitions, histories, outbox.

    python -m bench.transitions [--rows 1000000] [--file FILE]

Writes transitions of tasks, nodes and jobs over a month as a busy account has them, in batches of 10,000 with their
hours, and reads histories back from among them.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.store import timed
from storage.port.changes import ChangeSet
from storage.port.monitoring import Cursor, Transition
from storage.port.outbox import OutboxEntry
from storage.sqlite.store import SqliteStore

UNTIL = datetime(2026, 11, 22, tzinfo=UTC)
SPAN = timedelta(days=29)
BATCH = 10_000
TASKS = 1000
"""Of a job, each with the states active, running and completed."""
GOAL_ROWS = 20_000
"""A second, in the last batches."""
GOAL_MS = 10.0
"""For a history of at most 1000 rows."""


def seen(number: int, rows: int) -> Transition:
    """The transition of a number: of a task, and now and then of a node or a job."""
    at = UNTIL - SPAN + SPAN * number / rows
    if number % 50 == 0:
        return Transition("render", "node", f"pool-{number % 20}", f"tvm-{number % 977}", "idle", "running", at)
    if number % 1003 == 0:
        return Transition("render", "job", "", f"job-{number}", "active", "completed", at)
    job, task = divmod(number, 3 * TASKS)
    after = ("active", "running", "completed")[task // TASKS]
    return Transition("render", "task", f"job-{job}", f"frame-{task % TASKS}", "", after, at, '{"exit_code":0}')


async def fill(store: SqliteStore, rows: int) -> list[float]:
    """Write all; the milliseconds of each batch."""
    took: list[float] = []
    for first in range(0, rows, BATCH):
        batch = ChangeSet([seen(n, rows) for n in range(first, min(first + BATCH, rows))])
        batch.cursors.append(Cursor("render", "tasks", batch.transitions[-1].at))
        begun = time.perf_counter()
        await store.record(batch)
        took.append((time.perf_counter() - begun) * 1e3)
    return took


async def measure(path: Path, rows: int) -> None:
    """Fill, read, post; print."""
    store = SqliteStore.open(path)
    took = await fill(store, rows)
    first, last = took[0], statistics.median(took[-10:])
    print(f"{rows:,} transitions over {SPAN.days} days, in batches of {BATCH:,} with their hours")
    print(f"  the first batch {first:.0f} ms ({BATCH / first * 1e3:,.0f} rows/s), the last {last:.0f} ms", end=" ")
    print(f"({BATCH / last * 1e3:,.0f} rows/s)")
    print(f"  goal {GOAL_ROWS:,} rows/s: {'reached' if BATCH / last * 1e3 >= GOAL_ROWS else 'MISSED'}")
    again = ChangeSet([seen(n, rows) for n in range(rows - BATCH, rows)])
    print(f"  the last batch once more, nothing new: {min(await timed(3, lambda: store.record(again))):.0f} ms")

    day = UNTIL - timedelta(days=1)
    questions: dict[str, Callable[[], Awaitable[Sequence[object]]]] = {
        "one task": lambda: store.transitions("render", entity="task", parent="job-7", id="frame-7"),
        "a job's tasks": lambda: store.transitions("render", entity="task", parent="job-7"),
        "a name, whatever it is": lambda: store.transitions("render", id="tvm-50"),
        "the newest nodes": lambda: store.transitions("render", entity="node"),
        "the newest of a day": lambda: store.transitions("render", since=day),
        "hours of a month": lambda: store.transition_counts("render", UNTIL - SPAN, UNTIL),
    }
    worst = 0.0
    for what, ask in questions.items():
        times = await timed(20, ask)
        worst = max(worst, statistics.median(times))
        print(f"  {what}, {len(await ask()):,} rows: p50 {statistics.median(times):.2f} ms, worst {max(times):.2f}")
    print(f"  goal {GOAL_MS:.0f} ms: {'reached' if worst <= GOAL_MS else 'MISSED'}")

    entries = [OutboxEntry(f"entry-{n}", "slack:C1", b"x" * 100, b"x" * 3000, 1, UNTIL) for n in range(200)]
    await store.record(ChangeSet(entries=entries))

    async def post(numbers: list[int]) -> None:
        entry = f"entry-{numbers.pop()}"
        if await store.claim(entry, UNTIL):
            await store.delivered(entry, 1, "1700000000.000100", "C1")

    left = list(range(200))
    times = await timed(200, lambda: post(left))
    print(f"  claim and send an outbox entry, two commits: p50 {statistics.median(times):.2f} ms")
    begun = time.perf_counter()
    gone = await store.prune(UNTIL + timedelta(days=2))
    print(f"  pruned {gone:,} rows in {time.perf_counter() - begun:.1f} s, in slices")
    await store.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.transitions", description="What watching keeps.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, help="database to write (default: a temporary one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(given.file or Path(folder) / "bench.db", given.rows))


if __name__ == "__main__":
    main()
