"""How much may be sent, and who goes first: one budget for a workspace and for each of its conversations.

Every post and every edit asks for a turn before its call. Calls into one conversation go out one after the other.
Where the platform's limits leave no room, answers to people go first, then alerts, then edits of live cards; within one
priority the order is first come, first served. A turn that waits holds nothing, so whoever comes later with a higher
priority still goes first.

The lower priorities may use only a part of each limit (:data:`SHARES`): what is left is there at once for a person,
also while many cards are live.
"""

from __future__ import annotations

import asyncio
import bisect
import enum
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

Rates: TypeAlias = Sequence[tuple[int, float]]
"""(calls, seconds): at most so many calls in any span of so many seconds. Empty for no limit."""

LONGEST_HOLD = 300.0
"""Seconds that a conversation is left alone at most, however long the platform asked for."""
_SHORTEST = 0.001
"""Seconds of the shortest sleep: less could be lost in rounding, and the same moment tried for ever."""
_MANY = 512
"""Conversations remembered before idle ones are forgotten."""


class Priority(enum.IntEnum):
    """Who waits for a call; the lowest number goes first."""

    ANSWER = 0
    """A person who asked."""
    ALERT = 1
    """An entry of the outbox."""
    LIVE = 2
    """An edit of a card that goes on changing."""


SHARES: Mapping[Priority, float] = {Priority.ANSWER: 1.0, Priority.ALERT: 0.8, Priority.LIVE: 0.6}
"""The part of every limit that a priority may use, together with those above it."""


class Limits(NamedTuple):
    """What a platform allows for one kind of call."""

    conversation: Rates
    workspace: Rates


class Windows:
    """How many calls there were within some sliding windows."""

    def __init__(self, rates: Rates, clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._calls: deque[float] = deque(maxlen=max((calls for calls, _ in rates), default=1))

    def wait(self, share: float = 1.0) -> float:
        """Seconds until there is room in this share of every window; 0 or less when there is."""
        now, seen = self._clock(), self._calls
        parts = ((max(1, int(calls * share)), seconds) for calls, seconds in self._rates)
        return max((seen[-calls] + seconds - now for calls, seconds in parts if len(seen) >= calls), default=0.0)

    def count(self) -> None:
        """Note a call."""
        self._calls.append(self._clock())

    def empty(self) -> bool:
        """True when the last call has left the longest window."""
        longest = max((seconds for _, seconds in self._rates), default=0.0)
        return not self._calls or self._clock() - self._calls[-1] > longest


@dataclass(order=True)
class _Waiter:
    """A call that waits for its turn."""

    priority: Priority
    order: int
    conversation: str = field(compare=False)
    kind: str = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class _Conversation:
    """What is known of one conversation: whether a call is under way, and by kind of call its windows and its hold."""

    def __init__(self, limits: Mapping[str, Limits], clock: Callable[[], float]) -> None:
        self.busy = False
        self.windows = {kind: Windows(limit.conversation, clock) for kind, limit in limits.items()}
        self.held_until = dict.fromkeys(limits, 0.0)

    def idle(self, now: float) -> bool:
        """True when nothing here is worth keeping."""
        free = all(windows.empty() for windows in self.windows.values())
        return not self.busy and free and all(until <= now for until in self.held_until.values())


class Budget:
    """The budget of one bot in one workspace (Slack) or tenant (Teams)."""

    def __init__(
        self,
        limits: Mapping[str, Limits],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """``limits`` by kind of call: kinds are counted apart, as Slack does for its methods."""
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._workspace = {kind: Windows(limit.workspace, clock) for kind, limit in limits.items()}
        self._conversations: dict[str, _Conversation] = {}
        self._waiting: list[_Waiter] = []
        self._order = itertools.count()
        self._alarm: tuple[float, asyncio.Task[None]] | None = None

    @asynccontextmanager
    async def turn(self, conversation: str, priority: Priority, kind: str) -> AsyncIterator[None]:
        """Wait until a call of this kind may be made; it is made inside, and counts whether or not it succeeds.

        In the conversation it counts from the moment it ended: the platform saw it before that, so the platform's own
        windows are never fuller than these. In the workspace, where calls overlap, it counts from its start.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(priority, next(self._order), conversation, kind, turn)
        bisect.insort(self._waiting, waiter)
        self._dispatch()
        try:
            await turn
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self._end(waiter)  # its turn had come in the same moment
            raise
        try:
            yield
        finally:
            self._end(waiter)

    def delay(self, conversation: str, priority: Priority, kind: str) -> float:
        """Seconds until the limits have room for such a call; 0 or less when they have. Promises nothing."""
        return self._wait(self._conversation(conversation), priority, kind)

    def hold(self, conversation: str, kind: str, seconds: float) -> None:
        """The platform asked to be left alone there with calls of this kind for a while."""
        known = self._conversation(conversation)
        until = self._clock() + min(seconds, LONGEST_HOLD)
        known.held_until[kind] = max(known.held_until[kind], until)

    def _conversation(self, conversation: str) -> _Conversation:
        if conversation not in self._conversations and len(self._conversations) >= _MANY:
            now, wanted = self._clock(), {waiter.conversation for waiter in self._waiting}
            self._conversations = {
                name: known for name, known in self._conversations.items() if name in wanted or not known.idle(now)
            }
        return self._conversations.setdefault(conversation, _Conversation(self._limits, self._clock))

    def _dispatch(self) -> None:
        """Give a turn to everybody who may have one, the highest priority first; check again when the next one may."""
        soonest = float("inf")
        for waiter in list(self._waiting):
            known = self._conversation(waiter.conversation)
            if known.busy or waiter.turn.cancelled():
                continue  # considered again as soon as that call has ended
            wait = self._wait(known, waiter.priority, waiter.kind)
            if wait > 0:
                soonest = min(soonest, wait)
                continue
            known.busy = True
            self._workspace[waiter.kind].count()
            self._waiting.remove(waiter)
            waiter.turn.set_result(None)
        if soonest < float("inf"):
            self._wake_in(soonest)

    def _wait(self, known: _Conversation, priority: Priority, kind: str) -> float:
        share = SHARES[priority]
        held = known.held_until[kind] - self._clock()
        return max(held, known.windows[kind].wait(share), self._workspace[kind].wait(share))

    def _end(self, waiter: _Waiter) -> None:
        known = self._conversation(waiter.conversation)
        known.busy = False
        known.windows[waiter.kind].count()
        self._dispatch()

    def _wake_in(self, seconds: float) -> None:
        at = self._clock() + seconds
        if self._alarm:
            due, task = self._alarm
            if due <= at and not task.done():
                return
            task.cancel()
        self._alarm = at, asyncio.create_task(self._wake(seconds), name="message budget")

    async def _wake(self, seconds: float) -> None:
        await self._sleep(max(seconds, _SHORTEST))
        self._alarm = None
        self._dispatch()
