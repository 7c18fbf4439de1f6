"""Teams' limits on what one bot may send into one conversation.

Calls into a conversation go out one after the other, which keeps an edit behind the post it edits, and each waits
until every window has room. A call counts from the moment it *ended*: the service saw it before that, so its own
windows are never fuller than ours.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

WINDOWS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""(calls, seconds) for one bot in one conversation."""

_LONGEST = WINDOWS[-1][1]
_MANY = 512


class Line:
    """One conversation's turn at the counter."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]]) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
        self._clock = clock
        self._sleep = sleep
        self._ended: deque[float] = deque(maxlen=WINDOWS[-1][0])

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for room in every window; the call is made inside."""
        while (delay := self._delay()) > 0:
            await self._sleep(delay)
        try:
            yield
        finally:
            self._ended.append(self._clock())

    def idle(self) -> bool:
        """True when nothing here is worth keeping."""
        return not self.waiting and (not self._ended or self._clock() - self._ended[-1] > _LONGEST)

    def _delay(self) -> float:
        now = self._clock()
        return max(
            (self._ended[-calls] + seconds - now for calls, seconds in WINDOWS if len(self._ended) >= calls),
            default=0.0,
        )


class Pacer:
    """Every conversation's line."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lines: dict[str, Line] = {}

    @asynccontextmanager
    async def line(self, conversation: str) -> AsyncIterator[Line]:
        """Hold the conversation's line: whoever comes meanwhile waits, first come first served."""
        if len(self._lines) >= _MANY:
            self._lines = {name: line for name, line in self._lines.items() if not line.idle()}
        line = self._lines.setdefault(conversation, Line(self._clock, self._sleep))
        line.waiting += 1
        try:
            async with line.lock:
                yield line
        finally:
            line.waiting -= 1
