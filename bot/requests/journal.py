"""The journal of requests: acknowledge, journal, work.

A platform hands a request in and is acknowledged as soon as the journal row is on disk; the work goes on in a task.
What a crash interrupts is found in the journal and worked off after the restart, so no question stays unanswered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import structlog

from bot.chat.port import Chat
from bot.requests.answer_delivery import AnswerDelivery
from bot.requests.dispatcher import Dispatcher
from bot.requests.forms import OPENING
from bot.requests.request import CommandRequest
from cards.card import Card, Form, Option
from storage.port.store import Store

log = structlog.get_logger()

_STALE_MINUTES = 15


class RequestJournal:
    """Implements :class:`bot.chat.port.RequestIntake` for every platform at once."""

    def __init__(
        self, dispatcher: Dispatcher, store: Store, chats: Mapping[str, Chat], delivery: AnswerDelivery | None = None
    ) -> None:
        self._dispatcher = dispatcher
        self._store = store
        self._chats = chats
        self._delivery = delivery or AnswerDelivery(chats, store)
        self._work: set[asyncio.Task[Card]] = set()

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        """Journal a request and start on it; None for a repeated delivery."""
        if not await self._store.accept(request.key, msgspec.json.encode(request), datetime.now(UTC)):
            log.info("ask.repeated", key=request.key)
            return None
        return self._start(request)

    async def form(
        self,
        command: str,
        request: CommandRequest,
        *,
        values: Mapping[str, str] | None = None,
        seconds: float = OPENING,
    ) -> Form | Card:
        """The form of a command; nothing is journalled, because nothing is done yet."""
        return await self._dispatcher.form(command, request, values=values, seconds=seconds)

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """Names for what was typed; nothing is journalled, because nothing is asked yet."""
        return await self._dispatcher.suggest(request, what, typed, within)

    async def resume(self, began: datetime) -> int:
        """Work off what an earlier run acknowledged and did not finish; returns how many requests that are.

        ``began`` is when this run began to receive: what it accepted itself since then is under way already.
        """
        now = datetime.now(UTC)
        resumed = 0
        for row in await self._store.unfinished(began):
            request = msgspec.json.decode(row.body, type=CommandRequest)
            if (
                now - row.accepted
            ).total_seconds() > _STALE_MINUTES * 60 or request.conversation.platform not in self._chats:
                await self._store.finish(row.key, "failed")
                log.warning("ask.abandoned", key=row.key, accepted=row.accepted.isoformat())
                continue
            self._start(request, doubtful=True)
            resumed += 1
        return resumed

    async def drain(self, seconds: float) -> None:
        """Wait for work under way, for so long at most; the journal keeps what is left."""
        stop_all = self._dispatcher.lives.stop_all
        stop_all("the bot was shut down")
        if self._work:
            await asyncio.wait(self._work, timeout=seconds / 2)
        for task in self._work:
            task.cancel()
        stop_all("the bot was shut down")
        await self._delivery.drain(seconds / 2)

    def _start(self, request: CommandRequest, *, doubtful: bool = False) -> asyncio.Task[Card]:
        task = asyncio.create_task(self._answer(request, doubtful=doubtful), name=f"ask {request.key}")
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _answer(self, request: CommandRequest, *, doubtful: bool = False) -> Card:
        request = await self._delivery.with_zone(request)
        cards = self._dispatcher.cards(request)
        card = await anext(cards)
        message = await self._delivery.answer(request, card, doubtful=doubtful)
        if message is None:
            await cards.aclose()
        else:
            await self._delivery.follow(request, message, card, cards)
        await self._store.finish(request.key, "failed" if message is None else "done")
        return card
