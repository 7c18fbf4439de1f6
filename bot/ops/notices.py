"""What whoever runs the bot is told in a chat without having asked: a webhook is parked, settings have mistakes.

Where to is ``bot.operators`` of the settings, else the conversation of the audit trail, else nowhere: the log, the
command ``status`` and ``/health`` say it in any case.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import msgspec
import structlog

from bot.chat.named import named
from bot.clock import Clock
from cards.build import bold, stamped, text
from cards.card import Bullets, Card, Mark
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError, StoreHeld
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

log = structlog.get_logger()

AGAIN = timedelta(hours=24)
"""The same is told once in so long."""


class Notices:
    """Posts them through the outbox, each once a day."""

    def __init__(self, store: Store, clock: Clock, *, where: str, zone: str) -> None:
        """``where`` is the conversation's key; empty for nowhere."""
        self.where = where
        self.put: Callable[[Iterable[OutboxEntry]], None] | None = None
        """The delivery, which hears of entries that are stored; without it they go out with its next look."""
        self._store = store
        self._clock = clock
        self._zone = zone
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, about: str, words: str) -> None:
        """Say something, beside what goes on; ``about`` is what makes it the same as before."""
        task = asyncio.create_task(self.post(about, words), name="notice")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, about: str, title: str, lines: Sequence[str] = ()) -> None:
        """Say it now. Where it cannot be stored it is only in the log."""
        if not self.where:
            return
        try:
            if (to := await named(self._store, self.where)) is None:
                return
            now = self._clock.now()
            part = int(now.timestamp() // AGAIN.total_seconds())
            key = hashlib.sha256("\0".join((about, title, *lines)).encode()).hexdigest()[:16]
            card = Card(title=text(bold(title)), mark=Mark.WARNING, blocks=_bullets(lines))
            encoded = msgspec.json.encode(stamped(card, zone=self._zone, as_of=now))
            entry = OutboxEntry(f"notice-{key}-{part}", to.key, msgspec.json.encode(to), encoded, 1, now)
            if await self._store.deliveries([entry.id]):
                return
            await self._store.record(ChangeSet(entries=[entry]))
        except StoreHeld:  # another replica has the duties: it reads the same settings, and tells it
            log.info("notice.left_to_another_replica", about=about)
            return
        except StoreError as error:
            log.error("notice.not_stored", message=str(error))  # noqa: TRY400 - it says all
            return
        if self.put is not None:
            self.put([entry])


def _bullets(lines: Sequence[str]) -> tuple[Bullets, ...]:
    return (Bullets(tuple(text(each) for each in lines)),) if lines else ()
