"""Whether a whole platform answers. While it does not, one conversation at a time knocks, ever more slowly."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.clock import Clock

log = structlog.get_logger()

_LONGEST = 30.0
"""Seconds between two knocks at most, jitter included: the first message leaves within a minute of the return."""


def backoff(tries: int, longest: float = _LONGEST) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, …, up to ``longest``; never more than that."""
    return min(float(1 << min(tries, 16)), longest) * random.uniform(0.7, 1.0)  # noqa: S311 - spreads, guards nothing


class CircuitBreaker:
    """One platform."""

    def __init__(self, platform: str, clock: Clock) -> None:
        self.error = ""
        """Why it is foul; empty while it is fair."""
        self._platform = platform
        self._clock = clock
        self._tries = 0
        self._wait = 0.0
        self._door = asyncio.Lock()
        self._knocking = False

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Make an attempt inside. In foul weather it is made alone, after a wait; the others stand behind it."""
        if self.error:
            async with self._door:
                if self.error:  # it may have cleared up while we stood behind another
                    await self._clock.sleep(self._wait)
                    self._knocking = True
                    try:
                        yield
                    finally:
                        self._knocking = False
                    return
        yield

    def fair(self) -> None:
        """The platform answered, whatever it said."""
        if self.error:
            log.info("delivery.platform_back", platform=self._platform)
        self.error, self._tries = "", 0

    def foul(self, code: str, wait: float | None) -> None:
        """The platform did not answer, or wants to be left alone for ``wait`` seconds."""
        if self.error and not self._knocking:
            return  # one of many that were under way when it began
        if not self.error:
            log.warning("delivery.platform_down", platform=self._platform, code=code)
        self.error = code
        self._wait = min(max(wait or 0.0, backoff(self._tries)), _LONGEST)
        self._tries += 1
