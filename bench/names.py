"""Completion: how long somebody who types waits, with many names in memory.

    python -m bench.names [--jobs 10000]

Prints the median and the slowest answer of :meth:`bot.monitor.names.Names.find` in milliseconds for several kinds of
typed text, and how long a list of names takes to be taken in. The goal is half a second from keystroke to list; the
rest of it belongs to the network.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bot.monitor.names import Names

GOAL = 50.0
ROUNDS = 50
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


class Row(NamedTuple):
    """A job as a list tells it."""

    id: str
    state: str
    creation_time: datetime | None


class Nothing:
    """An account that is never asked."""

    name = "render"

    def pages(self, *_: object, **__: object) -> None:
        """There is nothing to read."""
        raise AssertionError("everything is in memory")


async def measure(jobs: int) -> float:
    """Print the table; returns the slowest answer in milliseconds."""
    rows = [
        Row(f"nightly-render-{n % 7}:job-{n}", "completed" if n % 3 else "active", NOON + timedelta(seconds=n % 999))
        for n in range(jobs)
    ]
    names = Names([Nothing()], most=jobs)  # type: ignore[list-item]
    began = time.perf_counter()
    names.heard("render", "job", rows)
    print(f"{jobs:,} names taken in: {(time.perf_counter() - began) * 1000:.1f} ms")
    slowest = 0.0
    print(f"{'typed':<28} {'found':>5} {'median ms':>10} {'slowest ms':>11}")
    for typed in ("", "job-99", "nightly-render-3:job-9", "render 9999", "nihgtly-rendr", "no such name", "x" * 10_000):
        taken = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found = await names.find("job", typed, {}, "render")
            taken.append((time.perf_counter() - began) * 1000)
        slowest = max(slowest, *taken)
        print(f"{typed[:24]!r:<28} {len(found):>5} {statistics.median(taken):>10.2f} {max(taken):>11.2f}")
    print(f"goal: every answer within {GOAL:.0f} ms: {'met' if slowest <= GOAL else 'MISSED'}")
    return slowest


def main() -> int:
    """Measure; 1 where the goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=10_000)
    return int(asyncio.run(measure(parser.parse_args().jobs)) > GOAL)


if __name__ == "__main__":
    sys.exit(main())
