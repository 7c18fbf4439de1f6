"""Samples of cores, nodes and tasks, and the buckets of cores that rollups make of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from storage.port.core_use import NO_USE, CoreUse


class Work(Struct, frozen=True):
    """Tasks of a pool's jobs at one moment: those that wait or run, and those of living jobs that ended."""

    waiting: int
    running: int
    succeeded: int
    failed: int


class JobCores(Struct, frozen=True):
    """Busy cores of one job in a pool at a moment."""

    job: str
    cores: float


class Sample(Struct, frozen=True):
    """Cores, nodes and tasks of one pool at one moment.

    ``seconds`` is the time this sample stands for (since the one before, at most five minutes: a longer silence
    is a gap, not a guess). ``dedicated`` and ``spot`` are cores by what they did, in the mean of that time as far as it
    is known; nodes and tasks are those of the moment. The samples of one poll of an account share ``at``; one with an
    empty ``pool`` says that the account was polled and had no pool. ``spot_nodes`` of the
    ``nodes`` are spot nodes; ``work`` is None where tasks were not counted. ``jobs`` share the busy cores: what they
    leave belongs to no known job, and where they are more than were busy, each has its part of those that were.
    """

    account: str
    pool: str
    at: datetime
    seconds: float
    dedicated: CoreUse = NO_USE
    spot: CoreUse = NO_USE
    nodes: int = 0
    spot_nodes: int = 0
    work: Work | None = None
    jobs: tuple[JobCores, ...] = ()

    @property
    def busy(self) -> float:
        """Busy cores of both kinds."""
        return self.dedicated.busy + self.spot.busy

    @property
    def total(self) -> float:
        """All cores of both kinds."""
        return self.dedicated.total + self.spot.total


class Bucket(Struct, frozen=True):
    """Core-seconds of a span of time that starts at ``start``; ``seconds`` is how much of it was sampled.

    ``at_most``: at least a part of it comes from Azure Monitor, which counts nodes that do something, not cores: what
    is busy may be less.
    """

    start: datetime
    dedicated: CoreUse
    spot: CoreUse
    seconds: float
    at_most: bool = False

    @property
    def busy(self) -> float:
        """Busy core-seconds of both kinds."""
        return self.dedicated.busy + self.spot.busy

    @property
    def total(self) -> float:
        """All core-seconds of both kinds."""
        return self.dedicated.total + self.spot.total


class PoolBucket(Struct, frozen=True):
    """A bucket of one pool."""

    pool: str
    bucket: Bucket


class JobBucket(Struct, frozen=True):
    """Busy core-seconds of a job in a pool, in the bucket that starts at ``start``, by the kind of node.

    An empty ``job`` is what was busy in the pool and no job is known for.
    """

    pool: str
    job: str
    start: datetime
    dedicated: float
    spot: float


class PoolEra(Struct, frozen=True):
    """What a pool was like from ``since`` on, until its next era: what prices and owners go by.

    ``cores`` and ``slots`` (for tasks) are those of one node, ``tags`` the pool's metadata.
    ``since`` is when it was first seen so.
    """

    pool: str
    since: datetime
    vm_size: str
    cores: int
    windows: bool
    tags: dict[str, str]
    slots: int = 1


class SampleStore(Protocol):
    """Samples and their rollups. Every method may raise StoreError."""

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """Store samples and add them to every rollup in the same transaction; a sample seen before is ignored."""
        ...

    async def add_history(self, account: str, buckets: Sequence[Bucket], step: int) -> int:
        """Add what the account is known to have had before it was sampled, in buckets of ``step`` seconds.

        ``step`` is a multiple of 1800, and the buckets begin on a half hour. Of each bucket those half hours are taken
        of which nothing is known yet, so what is added twice, or was sampled, counts once. Returns how many half hours
        were added. Only the account's own series has them, never a pool's. Raises ValueError for another step.
        """
        ...

    async def usage(self, account: str, pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
        """Buckets of ``step`` seconds (a multiple of a kept resolution) in [since, until), empty ones left out.

        ``pool`` None is the whole account. Buckets count from ``since`` where a kept resolution allows it,
        otherwise from the grid point before it (multiples of a resolution since 1970, UTC).
        """
        ...

    async def usage_by_pool(self, account: str, since: datetime, until: datetime, step: int) -> list[PoolBucket]:
        """The same of every pool at once, by pool and start."""
        ...

    async def usage_of_pools(
        self, account: str, pools: Collection[str], since: datetime, until: datetime, step: int
    ) -> list[Bucket]:
        """The sum of some pools, whatever the case of their names, in buckets that had any of them.

        ``step`` is a kept resolution (:data:`storage.retention.RESOLUTIONS`). Raises ValueError for another one.
        """
        ...

    async def usage_by_job(
        self, account: str, since: datetime, until: datetime, step: int, job: str | None = None
    ) -> list[JobBucket]:
        """What each job of each pool kept busy, by pool, job and start; ``step`` is a multiple of 1800.

        The parts of a pool's jobs sum to its busy core-seconds, because those of no known job are there with an empty
        name. With ``job`` only that one.
        """
        ...

    async def add_pool_eras(self, account: str, eras: Sequence[PoolEra]) -> None:
        """Note what pools are like; an era that says what the pool's latest says is ignored, as is an older one."""
        ...

    async def pool_eras(self, account: str) -> list[PoolEra]:
        """What the pools of an account were like, by pool and time; those of pools that are gone too."""
        ...

    async def samples(self, account: str, pool: str, since: datetime, until: datetime) -> list[Sample]:
        """The samples of a pool in [since, until), the oldest first, as long as they are kept."""
        ...

    async def sampled_range(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account, or None."""
        ...

    async def known_range(self, account: str) -> tuple[datetime, datetime] | None:
        """From when until when anything is known of an account, its history from before the first sample included."""
        ...
