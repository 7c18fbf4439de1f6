"""The outbox entries of one conversation, one after the other.

What is to be sent is read from the store just before, so an entry that changed three times is sent once, as it is now.
What is critical goes first, so that it is told within seconds however much else is to be told; then the order is that
of the times from which they may be sent, then that in which they came. A reply waits for what it replies to, and one
that makes no sound (a history, the names of a digest) lets go first what may be sent soon after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from msgspec import Struct

from bot.chat.port import Undelivered
from bot.clock import Clock, backoff
from bot.outbox.circuit_breaker import CircuitBreaker
from bot.outbox.sender import Attempts
from storage.port.outbox import DeliveryState, OutboxEntry, OutboxStore

log = structlog.get_logger()

_SETTLE = 2.0
"""Seconds after which a message whose answer was lost is expected to be readable."""
_GONE_SECONDS = 3600.0
"""Between two attempts at a conversation that cannot be reached and about which nothing is known."""
_BEHIND_SECONDS = 2.0
_LETS_PASS = timedelta(seconds=30)
"""How much later than a reply without a sound something may come and still goes before it."""
_AFTER_FAILURE = 5.0
_AT_ONCE = 50
_IDLE = 3600.0


class DestinationStatus(Struct, frozen=True):
    """How delivery to a conversation stands.

    ``gone_since`` is when it was first found unreachable, ``error`` the last one since a success, in the platform's
    word; ``in_doubt`` counts entries of which it is not known whether they arrived. ``late`` is for how many seconds
    the one that waits for longest could have been sent.
    """

    where: str
    waiting: int = 0
    in_doubt: int = 0
    gone_since: datetime | None = None
    error: str = ""
    late: float = 0.0


class _Waiting(Struct, eq=False):
    """An entry in the queue. ``after`` is when it may be tried again, in the clock's seconds.

    ``posted``: it stands there already, and what waits is an edit.
    """

    id: str
    due: datetime
    order: int
    version: int
    so_far: Attempts
    after: float = 0.0
    behind: str = ""
    doubtful: bool = False
    urgent: bool = False
    posted: bool = False
    patience: timedelta = timedelta()


class Sends(Protocol):
    """What is needed of :class:`bot.outbox.sender.Sender`, or of whoever sends something else than messages."""

    async def send(self, row: DeliveryState, root: str, so_far: Attempts) -> int:
        """Bring an entry one step on; the version that is done with, or 0. Raises Undelivered where it is to wait."""
        ...

    def update_delay(self, row: DeliveryState) -> float:
        """Seconds until there is room for an edit."""
        ...


class DestinationQueue:
    """One conversation's queue, and the loop that works it off."""

    def __init__(
        self,
        where: str,
        sender: Sends,
        store: OutboxStore,
        breaker: CircuitBreaker,
        clock: Clock,
        *,
        most: int = 0,
        refill: Callable[[], None] = lambda: None,
    ) -> None:
        """``most`` entries are in memory, where that is not 0: ``refill`` is called when others may come up."""
        self._where = where
        self._sender = sender
        self._store = store
        self._breaker = breaker
        self._clock = clock
        self._most = most
        self._refill = refill
        self._left = 0
        """Entries that are stored and not here; none that comes overtakes them."""
        self._left_lately = False
        self._counted = not most
        """Whether it is known what is stored: before that, what comes could overtake what a program before left."""
        self._waiting: dict[str, _Waiting] = {}
        self._came = 0
        self._wake = asyncio.Event()
        self._hold = 0.0
        self._next_edit = 0.0
        self._gone_since: datetime | None = None
        self._error = ""
        self._returns = 0
        self._closing = False

    def add(
        self, entry: OutboxEntry, *, doubtful: bool = False, posted: bool | None = None, stored: bool = False
    ) -> None:
        """Put an entry into the queue, or note that it has changed.

        ``posted`` says whether it stands there already; None: a later version of one that is not in the queue does.
        One that is ``stored`` was among the first that the store has; any other is left there while these are too many.
        """
        if known := self._waiting.get(entry.id):
            known.due, known.version = entry.not_before, max(known.version, entry.version)
            known.urgent = entry.urgent
        elif not stored and self._most and (self._left or not self._counted or len(self._waiting) >= self._most):
            self._left, self._left_lately = self._left + 1, True
            if not self._waiting:
                self._refill()
            return
        else:
            self._came += 1
            waiting = _Waiting(entry.id, entry.not_before, self._came, entry.version, Attempts(), doubtful=doubtful)
            waiting.urgent = entry.urgent
            waiting.patience = _LETS_PASS if entry.reply_to and not entry.broadcast else timedelta()
            waiting.posted = entry.version > 1 if posted is None else posted
            waiting.after = self._clock.elapsed() + _SETTLE if doubtful else 0.0
            self._waiting[entry.id] = waiting
        self._wake.set()

    def counting(self) -> None:
        """What is stored is about to be read and counted."""
        self._left_lately = False

    def counted(self, stored: int) -> None:
        """So many entries are stored; what came while they were counted may not be among them."""
        self._left, self._counted = max(stored - len(self._waiting), int(self._left_lately)), True
        if self._left and not self._waiting:
            self._refill()

    def lost(self, code: str) -> None:
        """The conversation cannot be reached; its entries are kept."""
        if self._gone_since is None:
            log.warning("outbox.destination_lost", where=self._where, code=code, waiting=len(self._waiting))
            self._gone_since = self._clock.now()
        self._error = code
        self._hold = self._clock.elapsed() + _GONE_SECONDS

    def back(self) -> None:
        """The conversation can be reached again: its entries are sent at once."""
        self._returns += 1
        if self._gone_since is not None:
            self._hold = 0.0
            self._wake.set()

    def close(self) -> None:
        """End when nothing more can be sent now."""
        self._closing = True
        self._wake.set()

    def backlog(self) -> int:
        """How many entries were never posted yet."""
        return sum(not waiting.posted for waiting in self._waiting.values())

    def status(self) -> DestinationStatus:
        """How it stands."""
        doubtful = sum(waiting.doubtful for waiting in self._waiting.values())
        now = self._clock.now()
        late = max(((now - each.due).total_seconds() for each in self._waiting.values()), default=0.0)
        return DestinationStatus(
            self._where, len(self._waiting) + self._left, doubtful, self._gone_since, self._error, max(late, 0.0)
        )

    async def run(self) -> None:
        """Send what is due until cancelled, or until closed and done."""
        while True:
            self._wake.clear()
            try:
                pause = await self._step()
            except Exception:  # the store fails, or we are wrong: the entries are safe, the queue goes on
                log.exception("outbox.queue_failed", where=self._where)
                pause = _AFTER_FAILURE
            if pause > 0:
                if self._closing:
                    return
                await self._clock.until(self._wake, pause)

    async def _step(self) -> float:
        """Send one entry if one can be sent; returns the seconds until the next may be, 0 or less for now."""
        if (pause := self._hold - self._clock.elapsed()) > 0:
            return pause
        ready, pause = self._ready()
        if not ready:
            return pause
        async with self._breaker.passage():
            await self._send_first(ready)
        return 0.0

    def _ready(self) -> tuple[list[_Waiting], float]:
        """Those whose time has come, in their order, and the seconds until the next one's has."""
        now, elapsed = self._clock.now(), self._clock.elapsed()
        ready, pause = [], _IDLE
        for each in self._waiting.values():
            wait = max((each.due - now).total_seconds(), each.after - elapsed)
            if wait <= 0:
                ready.append(each)
            pause = min(pause, wait)
        ready.sort(key=lambda each: (not each.urgent, each.due + each.patience, each.order))
        return ready[:_AT_ONCE], pause

    async def _send_first(self, ready: list[_Waiting]) -> None:
        """Send the first that can be sent; those that cannot are put off, those that are done leave the queue."""
        rows = {row.entry.id: row for row in await self._store.deliveries([each.id for each in ready])}
        for waiting in ready:
            row = rows.get(waiting.id)
            if row is None or row.state == "dead":
                self._leave(waiting, waiting.version)
                continue
            if row.state != "claimed" and row.sent >= row.entry.version:
                self._leave(waiting, row.entry.version)
                waiting.after = self._clock.elapsed() + _BEHIND_SECONDS  # where a newer one is still to be stored
                continue
            waiting.due, waiting.doubtful = row.entry.not_before, row.state == "claimed"
            if waiting.due > self._clock.now():
                continue
            if _is_edit(row) and (delay := self._edit_delay(row)) > 0:
                waiting.after = self._clock.elapsed() + delay  # new messages do not wait for the limits of edits
                continue
            root = await self._root(waiting, row)
            if root is None:
                waiting.after = self._clock.elapsed() + _BEHIND_SECONDS
                continue
            await self._send(waiting, row, root)
            return

    def _edit_delay(self, row: DeliveryState) -> float:
        return max(self._next_edit - self._clock.elapsed(), self._sender.update_delay(row))

    async def _root(self, waiting: _Waiting, row: DeliveryState) -> str | None:
        """The message in whose thread the entry belongs; empty for none, None while that one is not posted itself.

        An entry whose root is dead, deleted or forgotten is posted by itself: better out of place than not at
        all.
        """
        root = row.entry.reply_to
        if not root or waiting.so_far.alone or _is_edit(row):
            return ""
        found = await self._store.deliveries([root])
        if not found or found[0].state == "dead":
            return ""
        if found[0].message and found[0].state != "claimed":
            return found[0].message
        waiting.behind = root
        self.add(found[0].entry, posted=bool(found[0].message))
        self._waiting[root].urgent |= waiting.urgent  # or what is urgent would wait as long as what it replies to
        return None

    async def _send(self, waiting: _Waiting, row: DeliveryState, root: str) -> None:
        if row.state == "gone":  # its time has come again, or it may have been let in while nobody listened
            await self._store.destination_restored(self._where)
        returns = self._returns
        try:
            version = await self._sender.send(row, root, waiting.so_far)
        except Undelivered as error:
            self._failed(waiting, row, error)
            if returns != self._returns:  # it was let in again while it was being noted that it is not
                self.back()
            return
        self._breaker.answered()
        if version:
            self._leave(waiting, version)
            if self._gone_since is not None:
                log.info("outbox.destination_restored", where=self._where)
            self._gone_since, self._error = None, ""

    def _failed(self, waiting: _Waiting, row: DeliveryState, error: Undelivered) -> None:
        """Decide when it goes on."""
        log.info("outbox.attempt_failed", where=self._where, entry=waiting.id, why=error.why, code=error.code)
        self._error = error.code
        waiting.doubtful = row.state == "claimed" or (error.why == "doubt" and not _is_edit(row))
        if error.everywhere:
            self._breaker.failed(error.code, error.wait)
        else:
            self._breaker.answered()
        elapsed, wait = self._clock.elapsed(), error.wait or backoff(waiting.so_far.tries)
        waiting.so_far.tries += 1
        if error.why == "gone" and not error.everywhere:
            self.lost(error.code)
        elif error.why == "doubt":
            waiting.after = elapsed + (_SETTLE if error.everywhere else max(_SETTLE, wait))  # or it waits twice
        elif not error.everywhere and _is_edit(row):
            self._next_edit = elapsed + wait  # only edits are held back, new messages are not
        elif not error.everywhere:
            self._hold = elapsed + wait

    def _leave(self, waiting: _Waiting, version: int) -> None:
        """A version is done with: the entry leaves the queue, unless a newer one came meanwhile."""
        if waiting.version <= version:
            self._waiting.pop(waiting.id, None)
        waiting.after, waiting.doubtful, waiting.so_far = 0.0, False, Attempts(alone=waiting.so_far.alone)
        waiting.posted = True
        for each in self._waiting.values():
            if each.behind == waiting.id:
                each.behind, each.after = "", 0.0
        if self._left and not self._waiting:
            self._refill()


def _is_edit(row: DeliveryState) -> bool:
    return bool(row.message) and row.state != "claimed"
