"""Whatever is asked of it, the pacer keeps within Teams' windows, in order, and forgets what is over."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest

from bot.chat.teams.pacer import WINDOWS, Pacer


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


@pytest.mark.parametrize("seed", range(5))
async def test_no_window_is_ever_fuller_than_teams_allows(seed: int) -> None:
    clock, seen = Clock(), list[float]()
    dice = random.Random(seed)
    pacer = Pacer(clock, clock.sleep)
    for _ in range(2500):
        if dice.random() < 0.05:
            clock.now += dice.expovariate(1 / 5)
        async with pacer.line("room") as line, line.slot():
            clock.now += dice.choice([0.0, 0.0, 0.01, 0.2])
            seen.append(clock.now)  # the service sees a call some time before it ends
            clock.now += dice.choice([0.0, 0.0, 0.05])
    for calls, seconds in WINDOWS:
        spans = [later - first for first, later in zip(seen, itertools.islice(seen, calls, None), strict=False)]
        assert min(spans) >= seconds - 1e-6, f"{calls + 1} calls within {min(spans)} s"


async def test_it_is_no_slower_than_teams_allows() -> None:
    clock = Clock()
    pacer = Pacer(clock, clock.sleep)
    for _ in range(60):
        async with pacer.line("room") as line, line.slot():
            pass
    assert clock.now - 1000.0 == pytest.approx(7 * 2.0)  # 60 = 7 x 8 + 4: only 8 in 2 s binds


async def test_conversations_do_not_wait_for_one_another_until_the_app_has_said_enough() -> None:
    clock = Clock()
    pacer = Pacer(clock, clock.sleep)
    times = []
    for room in range(100):
        async with pacer.line(f"room {room}") as line, line.slot():
            times.append(clock.now - 1000.0)
    assert times == [0.0] * 40 + [1.0] * 40 + [2.0] * 20


async def test_first_come_first_served_over_retries() -> None:
    clock, order = Clock(), list[str]()
    pacer = Pacer(clock, clock.sleep)

    async def send(name: str, attempts: int) -> None:
        async with pacer.line("room") as line:
            for _ in range(attempts):
                async with line.slot():
                    order.append(name)
                await clock.sleep(1)

    await asyncio.gather(send("post", 3), send("edit", 1), send("next", 1))
    assert order == ["post", "post", "post", "edit", "next"]


async def test_a_failed_call_counts_too() -> None:
    clock = Clock()
    pacer = Pacer(clock, clock.sleep)
    for _ in range(8):
        async with pacer.line("room") as line:
            with pytest.raises(OSError):
                async with line.slot():
                    raise OSError
    assert clock.now == 1001.0


async def test_idle_conversations_are_forgotten() -> None:
    clock = Clock()
    pacer = Pacer(clock, clock.sleep)
    for room in range(2000):
        async with pacer.line(f"room {room}") as line, line.slot():
            pass
        clock.now += 10
    assert len(pacer._lines) <= 600
