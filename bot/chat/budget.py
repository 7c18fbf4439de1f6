"""How much may be sent, and who goes first: one budget for a workspace and for each of its conversations.

Every post and every edit asks for a turn before its call. Calls into one conversation go out one after the other.
Where the platform's limits leave no room, answers to people go first, then alerts, then edits of live cards; but of
three calls into a conversation one is an alert's where one waits (:data:`ANSWERS_AHEAD`). The answers to several people
go out in turn, a person each, however many one of them waits for; else the order is first come, first served. A turn
that waits holds nothing, so whoever comes later with a higher priority still goes first.

Nobody may use a limit up (:data:`SHARES`): a part of each is kept for alerts, so that one gets through at once however
many people ask, and a part for people, so that nobody waits because of alerts or of cards that are live.
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
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from bot.chat.port import Undelivered

Rates: TypeAlias = Sequence[tuple[int, float]]
"""(calls, seconds): at most so many calls in any span of so many seconds. Empty for no limit."""

LONGEST_HOLD = 300.0
"""Seconds that a conversation is left alone at most, however long the platform asked for."""
_SHORTEST = 0.001
"""Seconds of the shortest sleep: less could be lost in rounding, and the same moment tried for ever."""
_MANY = 512
"""Conversations remembered before idle ones are forgotten."""
_NOT_OURS = "another replica may have taken over"

unfenced: ContextVar[bool] = ContextVar("unfenced", default=False)
"""True where nobody else can send the same: what is sent was noted nowhere."""


class Priority(enum.IntEnum):
    """Who waits for a call; the lowest number goes first."""

    ANSWER = 0
    """A person who asked."""
    ALERT = 1
    """An entry of the outbox."""
    LIVE = 2
    """An edit of a card that goes on changing."""


SHARES: Mapping[Priority, float] = {Priority.ANSWER: 0.8, Priority.ALERT: 0.8, Priority.LIVE: 0.6}
"""The part of every limit that a priority may use: answers and alerts each together with live edits, which have what
nobody else uses of their part. Answers use limits of up to :data:`_SOON` seconds whole."""
ANSWERS_AHEAD = 2
"""Calls that answers may make in a conversation while an alert waits there, until it is the alert's turn."""
_SOON = 5.0
"""Seconds after which there is room again soon enough for whoever waits."""


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


class _Counted:
    """The calls of one kind in one place, of all and of those who share a part of the limits."""

    def __init__(self, rates: Rates, clock: Callable[[], float]) -> None:
        part = SHARES[Priority.ANSWER]
        self._all = Windows(rates, clock)
        self._but_alerts = Windows(
            [(calls if seconds <= _SOON else max(1, int(calls * part)), seconds) for calls, seconds in rates], clock
        )
        self._but_answers = Windows(rates, clock)

    def wait(self, priority: Priority) -> float:
        """Seconds until there is room; 0 or less when there is."""
        share = SHARES[priority]
        match priority:
            case Priority.ANSWER:
                return max(self._all.wait(), self._but_alerts.wait())
            case Priority.ALERT:
                return max(self._all.wait(), self._but_answers.wait(share))
            case Priority.LIVE:
                return self._all.wait(share)

    def count(self, priority: Priority) -> None:
        """Note a call."""
        self._all.count()
        if priority is not Priority.ALERT:
            self._but_alerts.count()
        if priority is not Priority.ANSWER:
            self._but_answers.count()

    def empty(self) -> bool:
        """True when the last call has left the longest window."""
        return self._all.empty()


@dataclass(order=True)
class _Waiter:
    """A call that waits for its turn. ``round`` is the round of a conversation in which its person has one."""

    priority: Priority
    round: int
    order: int
    conversation: str = field(compare=False)
    kind: str = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class _Conversation:
    """What is known of one conversation: whether a call is under way, and by kind of call its windows and its hold."""

    def __init__(self, limits: Mapping[str, Limits], clock: Callable[[], float]) -> None:
        self.busy = False
        self.windows = {kind: _Counted(limit.conversation, clock) for kind, limit in limits.items()}
        self.held_until = dict.fromkeys(limits, 0.0)
        self.ahead = 0
        """Answers that went before an alert which waits here."""
        self._round = 0
        self._rounds: dict[str, int] = {}

    def joins(self, person: str) -> int:
        """The round in which a person's next answer has its turn: the next one that has none of theirs yet."""
        self._rounds[person] = found = max(self._round, self._rounds.get(person, 0)) + 1
        return found

    def serves(self, waiter: _Waiter, *, alerts: bool) -> None:
        """A call has its turn; ``alerts`` says that an alert waits here."""
        if waiter.priority is Priority.ANSWER:
            self._round = max(self._round, waiter.round)
            self.ahead = self.ahead + 1 if alerts else 0
        elif waiter.priority is Priority.ALERT:
            self.ahead = 0

    def rests(self) -> None:
        """Nobody waits here any more: whoever comes next begins anew."""
        self._round, self.ahead = 0, 0
        self._rounds.clear()

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
        self._workspace = {kind: _Counted(limit.workspace, clock) for kind, limit in limits.items()}
        self._conversations: dict[str, _Conversation] = {}
        self._waiting: list[_Waiter] = []
        self._order = itertools.count()
        self._alarm: tuple[float, asyncio.Task[None]] | None = None
        self.may: Callable[[], bool] = lambda: True
        """Whether anything may be sent just now, asked when a turn has come; see :class:`bot.chat.port.Shared`."""

    @asynccontextmanager
    async def turn(self, conversation: str, priority: Priority, kind: str, person: str = "") -> AsyncIterator[None]:
        """Wait until a call of this kind may be made; it is made inside, and counts whether or not it succeeds.

        ``person`` is who waits for an answer: people have their turns one after the other.

        In the conversation it counts from the moment it ended: the platform saw it before that, so the platform's own
        windows are never fuller than these. In the workspace, where calls overlap, it counts from its start.

        Raises Undelivered where nothing may be sent by this program now.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        round_ = self._conversation(conversation).joins(person) if priority is Priority.ANSWER else 0
        waiter = _Waiter(priority, round_, next(self._order), conversation, kind, turn)
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
            self.check()
            yield
        finally:
            self._end(waiter)

    def check(self) -> None:
        """Raises Undelivered where nothing may be sent by this program now; to be called just before each call."""
        if not (self.may() or unfenced.get()):
            raise Undelivered("later", _NOT_OURS, everywhere=True)

    def delay(self, conversation: str, priority: Priority, kind: str) -> float:
        """Seconds until the limits have room for such a call; 0 or less when they have. Promises nothing."""
        return self._wait(self._conversation(conversation), priority, kind)

    def hold(self, conversation: str, kind: str, seconds: float) -> None:
        """The platform asked to be left alone there with calls of this kind for a while."""
        known = self._conversation(conversation)
        until = self._clock() + min(seconds, LONGEST_HOLD)
        known.held_until[kind] = max(known.held_until[kind], until)

    def _conversation(self, conversation: str) -> _Conversation:
        if (known := self._conversations.get(conversation)) is not None:
            return known
        if len(self._conversations) >= _MANY:
            now, wanted = self._clock(), {waiter.conversation for waiter in self._waiting}
            self._conversations = {
                name: known for name, known in self._conversations.items() if name in wanted or not known.idle(now)
            }
        made = self._conversations[conversation] = _Conversation(self._limits, self._clock)
        return made

    def _dispatch(self) -> None:
        """Give a turn to everybody who may have one, in their order; check again when the next one may."""
        soonest = float("inf")
        for waiter in self._in_order():
            known = self._conversation(waiter.conversation)
            if known.busy or waiter.turn.cancelled():
                continue  # considered again as soon as that call has ended
            wait = self._wait(known, waiter.priority, waiter.kind)
            if wait > 0:
                soonest = min(soonest, wait)
                continue
            known.busy = True
            self._workspace[waiter.kind].count(waiter.priority)
            self._waiting.remove(waiter)
            known.serves(waiter, alerts=self._alert_waits(waiter.conversation))
            waiter.turn.set_result(None)
        if soonest < float("inf"):
            self._wake_in(soonest)

    def _in_order(self) -> list[_Waiter]:
        """The highest priority first; and before it alerts whose turn it is in their conversation."""
        return sorted(self._waiting, key=lambda each: not (each.priority is Priority.ALERT and self._is_due(each)))

    def _is_due(self, alert: _Waiter) -> bool:
        return self._conversation(alert.conversation).ahead >= ANSWERS_AHEAD

    def _alert_waits(self, conversation: str) -> bool:
        return any(
            each.priority is Priority.ALERT and each.conversation == conversation and not each.turn.cancelled()
            for each in self._waiting
        )

    def _wait(self, known: _Conversation, priority: Priority, kind: str) -> float:
        held = known.held_until[kind] - self._clock()
        return max(held, known.windows[kind].wait(priority), self._workspace[kind].wait(priority))

    def _end(self, waiter: _Waiter) -> None:
        known = self._conversation(waiter.conversation)
        known.busy = False
        known.windows[waiter.kind].count(waiter.priority)
        if not any(each.conversation == waiter.conversation for each in self._waiting):
            known.rests()
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
