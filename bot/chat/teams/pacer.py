"""Teams' limits on what one bot may send.

Calls into a conversation go out one after the other, which keeps an edit behind the post it edits, answers to people
before letters, and each waits until every window has room. There a call counts from the moment it *ended*: the
service saw it before that, so its own windows are never fuller than ours. Calls of different conversations overlap,
so towards the limit of the whole app a call counts from its start, and some room is left.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from bot.chat.turns import Turns

WINDOWS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""(calls, seconds) for one bot in one conversation."""

APP = ((40, 1.0),)
"""The same for one bot in one tenant, where Teams allows 50."""

_MANY = 512
"""Conversations remembered before idle ones are forgotten."""


class Windows:
    """How many calls there were within some sliding windows."""

    def __init__(self, limits: Sequence[tuple[int, float]], clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._calls: deque[float] = deque(maxlen=max(calls for calls, _ in limits))

    def wait(self) -> float:
        """Seconds until every window has room; 0 or less when all have."""
        now, seen = self._clock(), self._calls
        return max((seen[-calls] + seconds - now for calls, seconds in self._limits if len(seen) >= calls), default=0.0)

    def count(self) -> None:
        """Note a call."""
        self._calls.append(self._clock())

    def empty(self) -> bool:
        """True when the last call has left the longest window."""
        return not self._calls or self._clock() - self._calls[-1] > max(seconds for _, seconds in self._limits)


class Line:
    """One conversation's turn at the counter; get it from :meth:`Pacer.line`."""

    def __init__(self, app: Windows, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]]) -> None:
        self.turns = Turns(sleep)
        self.held = 0
        self._app = app
        self._own = Windows(WINDOWS, clock)
        self._sleep = sleep

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for room in every window; the call is made inside."""
        while (delay := self.wait()) > 0:
            await self._sleep(delay)
        self._app.count()
        try:
            yield
        finally:
            self._own.count()

    def wait(self) -> float:
        """Seconds until every window has room; 0 or less when all have."""
        return max(self._own.wait(), self._app.wait())

    def idle(self) -> bool:
        """True when nothing here is worth keeping."""
        return not self.held and self._own.empty()


class Pacer:
    """Every conversation's line."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._app = Windows(APP, clock)
        self._lines: dict[str, Line] = {}

    @asynccontextmanager
    async def line(self, conversation: str) -> AsyncIterator[Line]:
        """Hold the conversation's line for a person: whoever comes meanwhile waits, first come first served."""
        with self._held(conversation) as line:
            async with line.turns.person():
                yield line

    @asynccontextmanager
    async def entry(self, conversation: str) -> AsyncIterator[None]:
        """The same for a letter, which gives way to people while it waits for room; the call is made inside."""
        with self._held(conversation) as line:
            async with line.turns.entry(line.wait), line.slot():
                yield

    @contextmanager
    def _held(self, conversation: str) -> Iterator[Line]:
        if len(self._lines) >= _MANY:
            self._lines = {name: line for name, line in self._lines.items() if not line.idle()}
        line = self._lines.setdefault(conversation, Line(self._app, self._clock, self._sleep))
        line.held += 1
        try:
            yield line
        finally:
            line.held -= 1
