from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bot.ops.pruning import prune
from storage.port.errors import StoreError

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


async def test_it_goes_on_after_a_failure() -> None:
    class Store:
        def __init__(self) -> None:
            self.asked: list[datetime] = []
            self.enough = asyncio.Event()

        async def prune(self, now: datetime) -> int:
            self.asked.append(now)
            if len(self.asked) == 3:
                self.enough.set()
            if len(self.asked) == 1:
                raise StoreError("the disk is full")
            return 0

    store = Store()
    task = asyncio.create_task(prune(store, 0.001, lambda: NOON))
    async with asyncio.timeout(10):
        await store.enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(store.asked) == {NOON}
