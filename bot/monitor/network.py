"""What pools take in and send out: the service's own counters of them, read every half hour.

They are part of a pool's statistics, which the service is giving up ("Azure Batch Job/Pool Lifetime Statistics API will
be retired", Azure updates): where it sends none any more, nothing is stored, and nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from bot.azure.errors import AzureError
from bot.azure.models.watched import PoolTraffic
from bot.clock import Clock
from bot.monitor.background import NETWORK, Background
from storage.port.errors import StoreError
from storage.port.network import NetworkCounter

log = structlog.get_logger()

PERIOD: Final = 1800.0
"""Seconds: the service makes the statistics anew about so often."""


class Source(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    @property
    def name(self) -> str:
        """The account's name in the settings."""
        ...

    async def every(
        self, kind: type[Any], path: str, *, select: str = "", expand: str = ""
    ) -> tuple[list[Any], datetime]:
        """A whole list, and the service's time."""
        ...


class Counters(Protocol):
    """What is needed of the store."""

    async def add_network(self, account: str, counters: Sequence[NetworkCounter]) -> None:
        """Keep them."""
        ...


class NetworkSampler:
    """Reads the counters of every pool of some accounts."""

    def __init__(
        self, accounts: Iterable[Source], store: Counters, clock: Clock, background: Background | None = None
    ) -> None:
        self._accounts = list(accounts)
        self._store = store
        self._clock = clock
        self._background = background or Background(clock)

    async def run(self) -> None:
        """Read until cancelled; one account after the other, as nothing here is urgent."""
        told: set[str] = set()
        while True:
            for account in self._accounts:
                try:
                    await self.read(account)
                    told.discard(account.name)
                    self._background.ok(NETWORK, account.name)
                except (AzureError, StoreError) as error:
                    if account.name not in told:
                        log.warning("network.refused", account=account.name, message=str(error))
                    told.add(account.name)
                    self._background.failed(NETWORK, error, account.name)
                except Exception as error:
                    log.exception("network.failed", account=account.name)
                    self._background.failed(NETWORK, error, account.name)
            await self._clock.sleep(PERIOD)

    async def read(self, account: Source) -> int:
        """Read and store the counters of an account; returns of how many pools. Raises AzureError and StoreError."""
        pools, _ = await account.every(PoolTraffic, "/pools", select="id,stats", expand="stats")
        found = [counter for pool in pools if (counter := counter_of(pool))]
        if found:
            await self._store.add_network(account.name, found)
        return len(found)


def counter_of(pool: PoolTraffic) -> NetworkCounter | None:
    """The counter of a pool, where the service gives one."""
    told = pool.stats.resource_stats if pool.stats else None
    if told is None or told.start_time is None or told.last_update_time is None:
        return None
    if told.last_update_time <= told.start_time:
        return None
    return NetworkCounter(
        pool.id, told.start_time, told.last_update_time, told.network_read_gib, told.network_write_gib
    )
