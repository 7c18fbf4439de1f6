"""Who speaks next in one conversation: people's answers before letters, each kind in the order it came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Turns:
    """One call at a time. A letter holds nothing while it waits, so that a person who comes meanwhile goes first."""

    def __init__(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._speaking = asyncio.Lock()
        self._letters = asyncio.Lock()
        self._people = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @asynccontextmanager
    async def person(self) -> AsyncIterator[None]:
        """Speak to somebody who waits for it; no letter begins from now on until this is over."""
        self._people += 1
        self._quiet.clear()
        try:
            async with self._speaking:
                yield
        finally:
            self._people -= 1
            if not self._people:
                self._quiet.set()

    @asynccontextmanager
    async def entry(self, delay: Callable[[], float]) -> AsyncIterator[None]:
        """Speak of the bot's own accord, when nobody waits and ``delay()`` (seconds until it is allowed) is over."""
        async with self._letters:
            while True:
                await self._quiet.wait()
                if (seconds := delay()) <= 0:
                    break
                await self._sleep(seconds)
            # Free: only a person, who would have ended the quiet, or a letter, which is us, ever holds it.
            async with self._speaking:
                yield


class Pace:
    """At most one call in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def delay(self) -> float:
        """Seconds until the next call is allowed; 0 or less when it is now."""
        return self._next - time.monotonic()

    def count(self) -> None:
        """Note that a call was made."""
        self._next = time.monotonic() + self._seconds
