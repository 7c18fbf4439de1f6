"""The quota of Cost Management: one limiter for all that is asked of it.

Its query API counts QPU, query processing units: one for each month of data that a query covers. Allowed are 12 in ten
seconds, 60 in a minute and 600 in an hour, for a tenant and all of its tools ("Automate with Cost Management", rate
limits). The settings name no tenant, so everything the bot asks shares one.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from datetime import date
from typing import Final, Protocol

ALLOWED: Final = ((10.0, 12), (60.0, 60), (3600.0, 600))
"""Seconds, and the QPU that may be spent in them."""
_MONTH = 31
_MARGIN = 0.05
"""Seconds: whose clock is meant is not said."""


class Waiting(Protocol):
    """What is needed of :class:`bot.clock.Clock`."""

    def elapsed(self) -> float:
        """Seconds since it began."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


def qpu(first: date, last: date) -> int:
    """What a query of these days costs, both inclusive."""
    return max(1, math.ceil(((last - first).days + 1) / _MONTH))


class CostLimiter:
    """Lets queries go as the quota allows, one after the other."""

    def __init__(self, clock: Waiting) -> None:
        self._clock = clock
        self._spent: deque[tuple[float, int]] = deque()
        self._held_until = 0.0
        self._turn = asyncio.Lock()

    async def take(self, cost: int) -> None:
        """Wait until so many QPU may be spent, and spend them. Raises ValueError for more than ever may be."""
        if cost > ALLOWED[0][1]:
            raise ValueError(f"a query of {cost} QPU is never allowed: ask for fewer months at once")
        async with self._turn:
            while (wait := self._wait(cost)) > 0:
                await self._clock.sleep(wait)
            self._spent.append((self._clock.elapsed(), cost))

    def hold(self, seconds: float) -> None:
        """The service asked to wait so long: nothing goes before."""
        self._held_until = max(self._held_until, self._clock.elapsed() + seconds)

    def _wait(self, cost: int) -> float:
        now = self._clock.elapsed()
        while self._spent and self._spent[0][0] <= now - ALLOWED[-1][0]:
            self._spent.popleft()
        wait = self._held_until - now
        for seconds, most in ALLOWED:
            left = most - cost
            for at, spent in reversed(self._spent):
                if at <= now - seconds - _MARGIN / 2:
                    break
                left -= spent
                if left < 0:
                    wait = max(wait, at + seconds - now + _MARGIN)
                    break
        return wait
