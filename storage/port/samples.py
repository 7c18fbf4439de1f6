"""Samples of cores, and the buckets that rollups make of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Sample(Struct, frozen=True):
    """Cores of one pool at one moment.

    ``seconds`` is the time this sample stands for (since the one before, at most five minutes: a longer silence
    is a gap, not a guess). ``busy`` and ``total`` are cores. The samples of one poll of an account share ``at``;
    one with an empty ``pool`` says that the account was polled and had no pool.
    """

    account: str
    pool: str
    at: datetime
    seconds: float
    busy: float
    total: float
    nodes: int


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

    async def sampled_range(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account, or None."""
        ...
