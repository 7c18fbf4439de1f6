"""Whether a whole platform answers. While it does not, one destination at a time probes it, with back-off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.clock import LONGEST_BACKOFF, Clock, backoff

log = structlog.get_logger()


class CircuitBreaker:
    """One platform. While its circuit is open, attempts are made one at a time, each after a wait."""

    def __init__(self, platform: str, clock: Clock) -> None:
        self.error = ""
        """Why the circuit is open, in the platform's word; empty while it is closed."""
        self._platform = platform
        self._clock = clock
        self._tries = 0
        self._wait = 0.0
        self._probe = asyncio.Lock()
        self._probing = False

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Make an attempt inside. While the circuit is open it is a probe, made alone; the others wait behind it."""
        if self.error:
            async with self._probe:
                if self.error:  # it may have been closed while we waited behind another
                    await self._clock.sleep(self._wait)
                    self._probing = True
                    try:
                        yield
                    finally:
                        self._probing = False
                    return
        yield

    def answered(self) -> None:
        """The platform answered, whatever it said: the circuit is closed."""
        if self.error:
            log.info("outbox.platform_restored", platform=self._platform)
        self.error, self._tries = "", 0

    def failed(self, code: str, wait: float | None) -> None:
        """The platform did not answer, or wants to be left alone for ``wait`` seconds: the circuit is open."""
        if self.error and not self._probing:
            return  # one of many that were under way when it began
        if not self.error:
            log.warning("outbox.platform_down", platform=self._platform, code=code)
        self.error = code
        self._wait = min(max(wait or 0.0, backoff(self._tries)), LONGEST_BACKOFF)
        self._tries += 1
