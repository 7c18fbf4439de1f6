"""Samples busy and all cores of every pool, once a period, into the store.

Two list calls an account and tick, plus one for each pool that runs several tasks a node and has running nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Node, NodeCounts, Pool, PoolNodeCounts, VmSize
from bot.watch.cores import CoreTable
from storage.port import Sample, StoreError

log = structlog.get_logger()
T = TypeVar("T")

LONGEST = timedelta(minutes=5)
"""The longest time one sample stands for."""
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

    async def sampled(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account."""
        ...


class Collector:
    """Takes samples of accounts. ``period`` is seconds between two of one account."""

    def __init__(
        self,
        accounts: Iterable[Source],
        store: Samples,
        period: float = 60.0,
        *,
        heard: Callable[[str, str, list[Pool]], None] = lambda account, kind, pools: None,
    ) -> None:
        """``heard`` is told the pools of an account whenever they are read: (account, "pool", pools)."""
        self._accounts = list(accounts)
        self._store = store
        self._period = period
        self._heard = heard
        self._cores = {account.name: CoreTable(account) for account in self._accounts}
        self._last: dict[str, datetime] = {}

    def read_from_names(self, account: str) -> frozenset[str]:
        """VM sizes of an account whose cores were read from their names, because ARM did not tell them."""
        table = self._cores.get(account)
        return frozenset(table.from_names if table else ())

    async def sample(self, account: Source) -> list[Sample]:
        """One sample of each pool now, by the service's clock; not stored. Raises AzureError.

        An account without any pool gives one sample with an empty pool name. Nothing is returned when the service's
        clock has not moved since the sample before.
        """
        counted, at = await account.node_counts()
        last = await self._previous(account.name)
        if last is not None and at <= last:
            return []
        # Before the very first sample nothing is known: it stands for one period, like any other.
        since = timedelta(seconds=self._period) if last is None else at - last
        seconds = min(since, LONGEST).total_seconds()
        pools, _ = await account.every(Pool, "/pools", select="id,state,creationTime,vmSize,taskSlotsPerNode")
        self._heard(account.name, "pool", pools)
        cores_of = await self._cores_of(account)
        counts = {each.pool_id: each for each in counted}
        samples = []
        for pool in pools:
            cores = cores_of(pool.vm_size)
            if cores is None:
                continue
            count = counts.get(pool.id, PoolNodeCounts())
            nodes = _allocated(count.dedicated) + _allocated(count.low_priority)
            busy = await _busy_nodes(account, pool, count)
            total = float(nodes * cores)
            samples.append(Sample(account.name, pool.id, at, seconds, min(busy * cores, total), total, nodes))
        if not pools:
            samples.append(Sample(account.name, "", at, seconds, 0.0, 0.0, 0))
        self._last[account.name] = at
        return samples

    async def collect(self, account: Source) -> None:
        """Take one sample and store it. Raises AzureError and StoreError; what was not stored is made up for."""
        before = self._last.get(account.name)
        samples = await self.sample(account)
        try:
            await self._store.add_samples(samples)
        except BaseException:
            if before is not None:
                self._last[account.name] = before
            else:
                self._last.pop(account.name, None)
            raise

    async def run(self) -> None:
        """Collect from every account until cancelled. One that fails does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for account in self._accounts:
                group.create_task(self._watch(account), name=f"collector {account.name}")

    async def _watch(self, account: Source) -> None:
        """One account's loop: on the beat while it goes well, ever slower while it does not."""
        loop = asyncio.get_running_loop()
        failures, due = 0, loop.time()
        while True:
            try:
                await self.collect(account)
                failures = 0
            except AzureError as error:
                failures += 1
                log.warning(
                    "sample_failed",
                    account=account.name,
                    code=error.code,
                    status=error.status,
                    message=error.message,
                    request_id=error.request_id,
                )
            except StoreError as error:
                failures += 1
                log.error("sample_not_stored", account=account.name, message=str(error))  # noqa: TRY400 - it says all
            except Exception:
                failures += 1
                log.exception("sample_broke", account=account.name)
            delay = min(self._period * 2**failures, max(LONGEST_BACKOFF, self._period)) if failures else self._period
            due = max(due + delay, loop.time())  # a tick that took too long is not caught up with a burst
            await asyncio.sleep(due - loop.time())

    async def _previous(self, name: str) -> datetime | None:
        """When the account was sampled last: by this process, or before a restart."""
        if name not in self._last:
            span = await self._store.sampled(name)
            if span is None:
                return None
            self._last[name] = span[1]
        return self._last[name]

    async def _cores_of(self, account: Source) -> Callable[[str], int | None]:
        if account.name not in self._cores:
            self._cores[account.name] = CoreTable(account)
        return await self._cores[account.name].by_size()


def _allocated(counts: NodeCounts) -> int:
    """Nodes that have a machine, and so are billed: all but those that lost it (preempted) or gave it back."""
    return max(0, counts.total - counts.preempted - counts.deallocated)


async def _busy_nodes(account: Source, pool: Pool, count: PoolNodeCounts) -> float:
    """Busy nodes, in parts where a node runs several tasks: the share of its task slots that is taken."""
    running = count.dedicated.running + count.low_priority.running
    if pool.task_slots_per_node <= 1 or running == 0:
        return float(running)
    nodes, _ = await account.every(
        Node,
        Account.nodes(pool.id),
        filter="state eq 'running'",
        select="id,state,runningTaskSlotsCount",
    )
    return sum(min(1.0, node.running_task_slots_count / pool.task_slots_per_node) for node in nodes)
