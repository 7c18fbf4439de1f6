"""Several things at once, within some seconds: what is late or fails is gone without."""

from __future__ import annotations

import asyncio

from bot.clock import in_time


async def test_what_is_there_in_time_comes_in_its_order() -> None:
    async def give(value: int) -> int:
        await asyncio.sleep(0)
        return value

    assert await in_time(map(give, range(5)), 60.0) == [0, 1, 2, 3, 4]
    assert await in_time([], 60.0) == []


async def test_what_is_late_is_cancelled_and_what_fails_is_none() -> None:
    cancelled = []

    async def late() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)
        return 1

    async def fails() -> int:
        raise ValueError("no such frame")

    async def well() -> int:
        return 7

    assert await in_time([late(), fails(), well()], 0.05) == [None, None, 7]
    assert cancelled == [True]


async def test_no_more_than_so_many_run_at_once() -> None:
    running, most = 0, 0

    async def work(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await in_time(map(work, range(20)), 60.0, 3)
    assert most == 3


async def test_whose_turn_never_comes_is_closed() -> None:
    async def stuck() -> None:
        await asyncio.Event().wait()

    assert await in_time([stuck() for _ in range(4)], 0.01, 1) == [None] * 4
    assert await in_time([stuck()], 0.0) == [None]
