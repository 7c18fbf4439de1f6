"""Conversations that the bot is let into or put out of, or that have another id, and who has to know.

What is posted in a conversation follows it to another id by itself. What the settings grant to people there does not: a
channel gets another id when it is shared with another company, who must not be given anything by that. So the new id
has to be written there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.chat.request import Conversation
from bot.monitor.monitor_status import MonitorStatus
from bot.outbox import OutboxWorker
from bot.requests.answer_delivery import AnswerDelivery
from storage.port.conversations import ConversationReference
from storage.port.decoding import decoded
from storage.port.store import Store

log = structlog.get_logger()


class Conversations:
    """Tells the parts of the program, in their order, what became of a conversation. All may raise StoreError."""

    def __init__(
        self,
        store: Store,
        settings: Callable[[], object],
        alerts: AlertService,
        jobs: WatchedJobs,
        outbox: OutboxWorker,
        delivery: AnswerDelivery,
        status: MonitorStatus,
    ) -> None:
        """``settings`` gives those in force; ``status`` is told of what they name by an old id."""
        self._store, self._settings = store, settings
        self._alerts, self._jobs, self._outbox, self._delivery, self._status = alerts, jobs, outbox, delivery, status

    async def reached(self, conversation: Conversation, yes: bool) -> None:
        """The bot was let into a conversation, or put out of it."""
        await self._outbox.reachable(conversation, yes)
        if yes:
            await self._delivery.resume(datetime.now(UTC))
            await self._alerts.conversations_changed()

    async def moved(self, reference: ConversationReference, old: str) -> None:
        """A conversation has another id: everything that is kept for it goes with it, while nobody changes it."""
        platform = reference.platform
        async with self._alerts.moving(), self._jobs.moving():
            await self._store.move_conversation(reference, old)
        await self._outbox.moved(f"{platform}:{old}", f"{platform}:{reference.id}")
        await self.check_names()

    async def check_names(self) -> None:
        """Whoever runs the bot is told what the settings name by an id that it has no longer."""
        self._status.moved = named_by_old_ids(self._settings(), await self._store.conversations())
        for each in self._status.moved:
            log.warning("settings.conversation_moved", message=each)


def named_by_old_ids(settings: object, references: Iterable[ConversationReference]) -> list[str]:
    """A line for each such conversation."""
    named = set(_texts(msgspec.to_builtins(settings, enc_hook=repr)))
    found = []
    for each in references:
        now = decoded(each.body, Conversation)
        if now is None or now.id == each.id:
            continue
        key = f"{each.platform}:{each.id}"
        if not named.isdisjoint({key, f"conversation:{key}"}):
            found.append(
                f"the settings name {key}, which is {now.key} now: write that; what they grant there holds for nobody"
            )
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
