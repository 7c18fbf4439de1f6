"""Samples of cores, nodes and tasks, and the buckets of cores that rollups make of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Work(Struct, frozen=True):
    """Tasks of a pool's jobs at one moment: those that wait or run, and those of living jobs that ended."""

    waiting: int
    running: int
    succeeded: int
    failed: int


class Sample(Struct, frozen=True):
    """Cores, nodes and tasks of one pool at one moment.

    ``seconds`` is the time this sample stands for (since the one before, at most five minutes: a longer silence
    is a gap, not a guess). ``busy`` and ``total`` are cores. The samples of one poll of an account share ``at``;
    one with an empty ``pool`` says that the account was polled and had no pool. ``spot`` of the ``nodes`` are spot
    nodes; ``work`` is None where tasks were not counted.
    """

    account: str
    pool: str
    at: datetime
    seconds: float
    busy: float
    total: float
    nodes: int
    spot: int = 0
    work: Work | None = None


class Bucket(Struct, frozen=True):
    """Core-seconds of a span of time that starts at ``start``; ``seconds`` is how much of it was sampled."""

    start: datetime
    busy: float
    total: float
    seconds: float


class SampleStore(Protocol):
    """Samples and their rollups. Every method may raise StoreError."""

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """Store samples and add them to every rollup in the same transaction; a sample seen before is ignored."""
        ...

    async def usage(self, account: str, pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
        """Buckets of ``step`` seconds (a multiple of a kept resolution) in [since, until), empty ones left out.

        ``pool`` None is the whole account. Buckets count from ``since`` where a kept resolution allows it,
        otherwise from the grid point before it (multiples of a resolution since 1970, UTC).
        """
        ...

    async def samples(self, account: str, pool: str, since: datetime, until: datetime) -> list[Sample]:
        """The samples of a pool in [since, until), the oldest first, as long as they are kept."""
        ...

    async def sampled_range(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account, or None."""
        ...
