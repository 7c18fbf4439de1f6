"""Samples the cores of every pool by what they do, nodes and tasks, once a period, into the store.

Where an account is watched, a sample takes the pools and node counts that the poll has just read. By itself it costs
two list calls. A pool that runs several tasks a node and has running nodes costs one more; in samples from polls, every
other time. Tasks are known of watched accounts alone, from the counts that polls have read; where samples are taken
more often than polls, the tasks of the last poll are good for :data:`LONGEST`. The cores of a sample are the mean of
those that were there, at the sample before where that is no longer ago, and at the polls between the two, which cost
nothing more (:mod:`bot.monitor.looks`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Node, PoolNodeCounts, VmSize
from bot.azure.models.watched import PoolState
from bot.content.clear_rows import clear_page
from bot.monitor.cores_by_size import CoresBySize
from bot.monitor.looks import Look, averaged
from bot.monitor.reading import Reading, sample_of
from bot.monitor.scene import Scene
from storage.port.errors import StoreError
from storage.port.samples import PoolEra, Sample

log = structlog.get_logger()
T = TypeVar("T")

LONGEST = timedelta(minutes=5)
"""The longest time one sample stands for."""
_SELECT = (
    "id,state,creationTime,allocationState,allocationStateTransitionTime,vmSize,taskSlotsPerNode,"
    "virtualMachineConfiguration,metadata"
)
LONGEST_BACKOFF = 900.0
"""Seconds."""


class Source(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        ...

    async def node_counts(self) -> tuple[list[PoolNodeCounts], datetime]:
        """Nodes by pool and state, and the service's time."""
        ...

    async def every(
        self,
        kind: type[T],
        path: str,
        *,
        filter: str = "",  # noqa: A002 - the service's word
        select: str = "",
    ) -> tuple[list[T], datetime]:
        """A whole list, and the service's time."""
        ...

    async def vm_sizes(self) -> Mapping[str, VmSize]:
        """VM sizes by lower-case name."""
        ...


class Samples(Protocol):
    """What is needed of the store."""

    async def add_samples(self, samples: list[Sample]) -> None:
        """Keep them."""
        ...

    async def sampled_range(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account."""
        ...

    async def add_pool_eras(self, account: str, eras: list[PoolEra]) -> None:
        """Note what pools are like."""
        ...


class _Share(Struct, frozen=True):
    """How many nodes of a pool were busy, in parts, dedicated and spot, while so many ran."""

    at: datetime
    running: tuple[int, int]
    busy: tuple[float, float]


class Collector:
    """Takes samples of accounts. ``period`` is seconds between two of one account."""

    def __init__(
        self,
        accounts: Iterable[Source],
        store: Samples,
        period: float = 60.0,
        *,
        heard: Callable[[str, str, list[PoolState]], None] = lambda account, kind, pools: None,
    ) -> None:
        """``heard`` is given the pools of an account whenever they are read: (account, "pool", pools)."""
        self._accounts = list(accounts)
        self._store = store
        self._period = period
        self._heard = heard
        self._cores = {account.name: CoresBySize(account) for account in self._accounts}
        self._last: dict[str, datetime] = {}
        self._looks: dict[str, list[Look]] = {}
        """By account the look of the last sample, and those after it."""
        self._shares: dict[tuple[str, str], _Share] = {}
        self._eras: dict[tuple[str, str], PoolEra] = {}
        self._polled: dict[str, Reading] = {}

    def read_from_names(self, account: str) -> frozenset[str]:
        """VM sizes of an account whose cores were read from their names, because ARM did not give them."""
        table = self._cores.get(account)
        return frozenset(table.from_names if table else ())

    async def sample(self, account: Source, reading: Reading | None = None) -> list[Sample]:
        """One sample of each pool, now or as it was read, by the service's clock; not stored. Raises AzureError.

        An account without any pool gives one sample with an empty pool name. Nothing is returned when the service's
        clock has not moved since the sample before.
        """
        return (await self._taken(account, reading))[0]

    async def collect(self, account: Source, reading: Reading | None = None) -> None:
        """Take one sample and store it. Raises AzureError and StoreError; what was not stored is made up for."""
        before, looks = self._last.get(account.name), self._looks.get(account.name)
        samples, eras = await self._taken(account, reading)
        try:
            await self._store.add_samples(samples)
            if eras:
                await self._store.add_pool_eras(account.name, eras)
        except BaseException:
            if before is not None:
                self._last[account.name] = before
            else:
                self._last.pop(account.name, None)
            if looks is not None:
                self._looks[account.name] = looks
            raise
        self._eras.update({(account.name, era.pool): era for era in eras})

    async def _taken(self, account: Source, reading: Reading | None) -> tuple[list[Sample], list[PoolEra]]:
        """Samples, and the pools that are not what they were."""
        thrifty = reading is not None
        reading = reading or await self._read(account)
        at = reading.at
        last = await self._previous(account.name)
        if last is not None and at <= last:
            return [], []
        # Before the very first sample nothing is known: it stands for one period, like any other.
        since = timedelta(seconds=self._period) if last is None else at - last
        seconds = min(since, LONGEST).total_seconds()
        self._heard(account.name, "pool", reading.pools)
        cores_of = await self._cores_of(account)
        counts = {each.pool_id: each for each in reading.counts}
        samples, eras = [], []
        for pool in reading.pools:
            cores = cores_of(pool.vm_size)
            if cores is None:
                continue
            count = counts.get(pool.id, PoolNodeCounts())
            busy = await self._busy_nodes(account, pool, count, at, thrifty=thrifty)
            samples.append(sample_of(account.name, pool.id, reading, seconds, count, cores, busy))
            eras += self._era(account.name, pool, reading, cores)
        empty = Sample(account.name, "", at, seconds)
        look = Look.of(at, samples, reading.pools)
        known = self._looks.get(account.name)
        self._looks[account.name] = [look]
        self._last[account.name] = at
        if known and known[0].at == last and at - known[0].at <= LONGEST:
            samples = averaged([*known, look], empty)
        return samples if reading.pools else [*samples, empty], eras

    def _era(self, account: str, pool: PoolState, reading: Reading, cores: int) -> list[PoolEra]:
        """What a pool is like, where it is not known to be so."""
        traits = reading.traits.get(pool.id)
        if traits is None:
            return []
        era = PoolEra(
            pool.id, reading.at, pool.vm_size, cores, traits.windows, dict(traits.tags), pool.task_slots_per_node
        )
        known = self._eras.get((account, pool.id))
        return [] if known is not None and replace(known, since=era.since) == era else [era]

    async def after(self, account: str, scene: Scene, now: datetime) -> None:
        """Take a sample from a poll, where a period has passed since the last. What fails is logged, not raised.

        For accounts that are watched often enough; :meth:`run` is for others.
        """
        reading = Reading.of(scene)
        source = next((each for each in self._accounts if each.name == account), None)
        if reading is None or source is None:
            return
        self._polled[account] = reading
        try:
            last = await self._previous(account)
            # Polls do not fall on the beat to the second: a little early is better than one poll too late.
            if last is None or (reading.at - last).total_seconds() >= 0.9 * self._period:
                await self.collect(source, reading)
            else:
                await self._look(source, reading)
        except (AzureError, StoreError) as error:
            _complain(account, error)

    async def _look(self, account: Source, reading: Reading) -> None:
        """Note a poll between two samples. It asks nothing: nodes of several slots are as busy as they last were."""
        known = self._looks.get(account.name)
        if not known or reading.at <= known[-1].at:
            return
        cores_of = await self._cores_of(account)
        counts = {each.pool_id: each for each in reading.counts}
        samples = []
        for pool in reading.pools:
            cores, count = cores_of(pool.vm_size), counts.get(pool.id, PoolNodeCounts())
            if cores is not None:
                busy = self._busy_as_before(account.name, pool, count)
                samples.append(sample_of(account.name, pool.id, reading, 0.0, count, cores, busy))
        self._looks[account.name] = [*known, Look.of(reading.at, samples, reading.pools)]

    def _busy_as_before(self, account: str, pool: PoolState, count: PoolNodeCounts) -> tuple[float, float]:
        running = count.dedicated.running, count.low_priority.running
        known = self._shares.get((account, pool.id))
        if known is None or pool.task_slots_per_node <= 1:
            return float(running[0]), float(running[1])
        parts = [busy / was if was else 1.0 for busy, was in zip(known.busy, known.running, strict=True)]
        return running[0] * parts[0], running[1] * parts[1]

    async def run(self) -> None:
        """Collect from every account until cancelled. One that fails does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for account in self._accounts:
                group.create_task(self._watch(account), name=f"collector {account.name}")

    async def _watch(self, account: Source) -> None:
        """One account's loop: on the beat while it succeeds, ever slower while it does not."""
        loop = asyncio.get_running_loop()
        failures, due = 0, loop.time()
        while True:
            try:
                await self.collect(account)
                failures = 0
            except (AzureError, StoreError) as error:
                failures += 1
                _complain(account.name, error)
            except Exception:
                failures += 1
                log.exception("samples.failed", account=account.name)
            delay = min(self._period * 2**failures, max(LONGEST_BACKOFF, self._period)) if failures else self._period
            due = max(due + delay, loop.time())  # a tick that took too long is not caught up with a burst
            await asyncio.sleep(due - loop.time())

    async def _previous(self, name: str) -> datetime | None:
        """When the account was sampled last: by this process, or before a restart."""
        if name not in self._last:
            span = await self._store.sampled_range(name)
            if span is None:
                return None
            self._last[name] = span[1]
        return self._last[name]

    async def _cores_of(self, account: Source) -> Callable[[str], int | None]:
        if account.name not in self._cores:
            self._cores[account.name] = CoresBySize(account)
        return await self._cores[account.name].by_size()

    async def _read(self, account: Source) -> Reading:
        counts, at = await account.node_counts()
        found, _ = await account.every(PoolState, "/pools", select=_SELECT)
        pools = await clear_page(found)
        polled = self._polled.get(account.name)
        known = polled is not None and at - polled.at <= LONGEST
        return Reading.of_lists(pools, counts, at, polled.tasks if polled and known else {})

    async def _busy_nodes(
        self, account: Source, pool: PoolState, count: PoolNodeCounts, at: datetime, *, thrifty: bool
    ) -> tuple[float, float]:
        """Busy nodes, dedicated and spot; in parts where a node runs several tasks: the share of its slots in use.

        Where it is to be thrifty, those parts are good for the next sample too, while as many nodes run.
        """
        running = count.dedicated.running, count.low_priority.running
        key = account.name, pool.id
        if pool.task_slots_per_node <= 1 or not any(running):
            self._shares.pop(key, None)
            return float(running[0]), float(running[1])
        known = self._shares.get(key)
        if thrifty and known and known.running == running and (at - known.at).total_seconds() < 1.5 * self._period:
            return known.busy
        nodes, _ = await account.every(
            Node,
            Account.nodes(pool.id),
            filter="state eq 'running'",
            select="id,state,isDedicated,runningTaskSlotsCount",
        )
        busy = [0.0, 0.0]
        for node in nodes:
            busy[not node.is_dedicated] += min(1.0, node.running_task_slots_count / pool.task_slots_per_node)
        self._shares[key] = _Share(at, running, (busy[0], busy[1]))
        return busy[0], busy[1]


def _complain(account: str, error: AzureError | StoreError) -> None:
    if isinstance(error, StoreError):
        log.error("samples.not_stored", account=account, message=str(error))
        return
    log.warning(
        "samples.refused",
        account=account,
        code=error.code,
        status=error.status,
        message=error.message,
        request_id=error.request_id,
    )
