"""All conversations' lines: letters go in after they are stored, and come out of the other end as messages.

Nothing here is the truth: the store is. What is in memory says only where to look and when, so a crash loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from bot.chat.port import Chat
from bot.clock import Clock
from bot.outbox.circuit_breaker import CircuitBreaker
from bot.outbox.destination_queue import DestinationQueue, DestinationStatus
from bot.outbox.sender import Sender, Totals
from bot.requests.request import Conversation
from storage.port.outbox import OutboxEntry, OutboxStore

log = structlog.get_logger()

_LOOK_AGAIN = 60.0
"""Seconds between two looks at the store for letters that nobody told of."""


class OutboxWorker:
    """Delivers letters. Places do not wait for each other; those of a platform that does not answer wait together."""

    def __init__(self, store: OutboxStore, chats: Mapping[str, Chat], clock: Clock) -> None:
        self.totals = Totals()
        self._store = store
        self._chats = chats
        self._clock = clock
        self._weather: dict[str, CircuitBreaker] = {}
        self._lines: dict[str, DestinationQueue] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._homeless: set[str] = set()
        self._running = False

    async def load(self) -> int:
        """Take up what is stored and not delivered; returns how many letters that are."""
        rows = await self._store.undelivered()
        for row in rows:
            self._add(row.entry, doubtful=row.state == "claimed")
        return len(rows)

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        """Letters were stored, new or changed: send them when they are due."""
        for entry in entries:
            self._add(entry)

    async def reachable(self, conversation: Conversation, yes: bool) -> None:
        """A conversation can be written to again, or no longer; for :meth:`bot.chat.port.Chat.on_reach`."""
        queue = self._lines.get(f"{conversation.platform}:{conversation.id}")
        if queue and yes:
            queue.back()
        elif queue:
            queue.lost("removed")

    async def run(self) -> None:
        """Deliver until cancelled, or closed."""
        self._running = True
        try:
            for where in self._lines:
                self._begin(where)
            while self._running:
                try:
                    await self.load()
                except Exception:  # the store fails now: what is known goes on, the rest is found the next time
                    log.exception("delivery.load_failed")
                await self._clock.sleep(_LOOK_AGAIN)
        finally:
            self._running = False
            await self._end()

    async def close(self, seconds: float = 5.0) -> None:
        """Send what can be sent now, for so many seconds at most; the store keeps the rest."""
        self._running = False
        for queue in self._lines.values():
            queue.close()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)
        await self._end()

    def backlog(self, where: str) -> int:
        """How many letters of a conversation are on their way."""
        queue = self._lines.get(where)
        return queue.status().waiting if queue else 0

    def status(self) -> list[DestinationStatus]:
        """How every conversation stands that there was a letter for."""
        return [queue.status() for _, queue in sorted(self._lines.items())]

    def down(self) -> dict[str, str]:
        """The platforms that do not answer, and why."""
        return {name: breaker.error for name, breaker in self._weather.items() if breaker.error}

    def _add(self, entry: OutboxEntry, *, doubtful: bool = False) -> None:
        queue = self._line(entry.destination)
        if queue:
            queue.add(entry, doubtful=doubtful)

    def _line(self, where: str) -> DestinationQueue | None:
        if where in self._lines:
            return self._lines[where]
        platform = where.partition(":")[0]
        chat = self._chats.get(platform)
        if chat is None:
            if platform not in self._homeless:
                log.warning("delivery.no_such_chat", platform=platform)
                self._homeless.add(platform)
            return None
        breaker = self._weather.setdefault(platform, CircuitBreaker(platform, self._clock))
        sender = Sender(chat, self._store, self._clock, self.totals)
        self._lines[where] = queue = DestinationQueue(where, sender, self._store, breaker, self._clock)
        if self._running:
            self._begin(where)
        return queue

    def _begin(self, where: str) -> None:
        self._tasks[where] = asyncio.create_task(self._lines[where].run(), name=f"letters to {where}")

    async def _end(self) -> None:
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
