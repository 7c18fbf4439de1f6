"""The queues of all conversations: entries go in after they are stored, and come out as messages.

Nothing here is the truth: the store is. What is in memory says only what to check and when, so a crash loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from bot.chat.port import Chat
from bot.chat.request import Conversation
from bot.clock import Clock, end_tasks
from bot.outbox.circuit_breaker import CircuitBreaker
from bot.outbox.destination_queue import DestinationQueue, DestinationStatus, Sends
from bot.outbox.sender import Sender, Shown, Totals, as_it_is
from bot.webhooks.delivery import Webhooks
from storage.port.outbox import WEBHOOK, OutboxEntry, OutboxStore

log = structlog.get_logger()

_CHECK_AGAIN = 60.0
"""Seconds between two checks of the store for entries that nobody announced."""
EVENTS = 1000
"""Of a webhook that are in memory; the others lie in the store until those are done with. One that never answers may
have all that happened in 30 days waiting for it."""


class OutboxWorker:
    """Delivers entries. Conversations do not wait for each other; those of a platform that does not answer do."""

    def __init__(
        self,
        store: OutboxStore,
        chats: Mapping[str, Chat],
        clock: Clock,
        shown: Shown = as_it_is,
        webhooks: Webhooks | None = None,
    ) -> None:
        """``shown`` says what a conversation is shown of a card; ``webhooks`` bring out what is no message."""
        self._webhooks = webhooks
        self.totals = Totals()
        self._shown = shown
        self._store = store
        self._chats = chats
        self._clock = clock
        self._breakers: dict[str, CircuitBreaker] = {}
        self._queues: dict[str, DestinationQueue] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unknown_platforms: set[str] = set()
        self._running = False
        self._again = asyncio.Event()

    async def load(self) -> int:
        """Take up what is stored and not delivered, of a webhook its first events; returns how many those are."""
        for queue in self._queues.values():
            queue.counting()
        rows = await self._store.undelivered(EVENTS)
        waiting = await self._store.events_waiting()
        for row in rows:
            self._add(row.entry, doubtful=row.state == "claimed", posted=bool(row.message), stored=True)
        for where, queue in self._queues.items():
            if where.startswith(f"{WEBHOOK}:"):
                queue.counted(waiting.get(where, 0))
        return len(rows)

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        """Entries were stored, new or changed: send them from the time they may be sent."""
        for entry in entries:
            self._add(entry)

    async def reachable(self, conversation: Conversation, yes: bool) -> None:
        """A conversation can be written to again, or no longer; for :meth:`bot.chat.port.Chat.on_reach`."""
        queue = self._queues.get(conversation.key)
        if queue and yes:
            queue.back()
        elif queue:
            queue.lost("removed")

    def try_webhooks(self) -> None:
        """Webhooks may be others now: what waits for one that took nothing is tried at once."""
        for where, queue in self._queues.items():
            if where.startswith(f"{WEBHOOK}:"):
                queue.back()

    async def moved(self, old: str, new: str) -> None:
        """A conversation has another key, and so have its entries in the store: what waited for it is sent there."""
        queue, task = self._queues.pop(old, None), self._tasks.pop(old, None)
        if task:
            task.cancel()
            await asyncio.wait({task})
        await self._store.destination_restored(new)
        if known := self._queues.get(new):
            known.back()
        log.info("outbox.moved", old=old, new=new, waiting=queue.status().waiting if queue else 0)
        await self.load()

    async def run(self) -> None:
        """Deliver until cancelled, or closed."""
        self._running = True
        try:
            for where in self._queues:
                self._begin(where)
            while self._running:
                self._again.clear()
                try:
                    await self.load()
                except Exception:  # the store fails now: what is known goes on, the rest is found the next time
                    log.exception("outbox.load_failed")
                await self._clock.until(self._again, _CHECK_AGAIN)
        finally:
            self._running = False
            await self._end()

    async def close(self, seconds: float = 5.0) -> None:
        """Send what can be sent now, for so many seconds at most; the store keeps the rest."""
        self._running = False
        for queue in self._queues.values():
            queue.close()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)
        await self._end()

    def backlog(self, where: str) -> int:
        """How many entries of a conversation were never posted yet; edits of what stands there are none."""
        queue = self._queues.get(where)
        return queue.backlog() if queue else 0

    def status(self) -> list[DestinationStatus]:
        """How every conversation stands that there was an entry for."""
        return [queue.status() for _, queue in sorted(self._queues.items())]

    def down(self) -> dict[str, str]:
        """The platforms that do not answer, and why."""
        return {name: breaker.error for name, breaker in self._breakers.items() if breaker.error}

    def _add(
        self, entry: OutboxEntry, *, doubtful: bool = False, posted: bool | None = None, stored: bool = False
    ) -> None:
        queue = self._queue(entry.destination)
        if queue:
            queue.add(entry, doubtful=doubtful, posted=posted, stored=stored)

    def _queue(self, where: str) -> DestinationQueue | None:
        if where in self._queues:
            return self._queues[where]
        platform = where.partition(":")[0]
        sender: Sends
        most = EVENTS if platform == WEBHOOK else 0
        chat = self._chats.get(platform)
        if platform == WEBHOOK and self._webhooks:
            sender, breaker = self._webhooks.sender(self._store), CircuitBreaker(where, self._clock)
        elif chat is not None:
            sender = Sender(chat, self._store, self._clock, self.totals, self._shown)
            breaker = self._breakers.setdefault(platform, CircuitBreaker(platform, self._clock))
        else:
            if platform not in self._unknown_platforms:
                log.warning("outbox.unknown_platform", platform=platform)
                self._unknown_platforms.add(platform)
            return None
        self._queues[where] = queue = DestinationQueue(
            where, sender, self._store, breaker, self._clock, most=most, refill=self._again.set
        )
        if self._running:
            self._begin(where)
        return queue

    def _begin(self, where: str) -> None:
        self._tasks[where] = asyncio.create_task(self._queues[where].run(), name=f"outbox of {where}")

    async def _end(self) -> None:
        tasks, self._tasks = list(self._tasks.values()), {}
        await end_tasks(tasks)
