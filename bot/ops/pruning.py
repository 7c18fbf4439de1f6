"""Forgets what retention no longer wants, now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from storage.port.errors import StoreError

log = structlog.get_logger()


class Prunable(Protocol):
    """What is needed of the store."""

    async def prune(self, now: datetime) -> int:
        """Delete what retention no longer wants; returns the number of rows."""
        ...


async def prune(
    store: Prunable, period: float = 3600.0, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Prune at once and then every ``period`` seconds, until cancelled. A failure is logged and tried again."""
    while True:
        try:
            log.info("storage.pruned", rows=await store.prune(clock()))
        except StoreError as error:
            log.warning("storage.prune_failed", message=str(error))
        await asyncio.sleep(period)
