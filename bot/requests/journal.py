"""The desk: acknowledge, journal, work.

A platform hands a request in and is acknowledged as soon as the journal row is on disk; the work goes on in a task.
What a crash interrupts is found in the journal and worked off after the restart, so no question stays unanswered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.port import Chat
from bot.requests.dispatcher import Dispatcher
from bot.requests.request import CommandRequest
from cards.card import Card, Form, Option
from storage.port.store import Store

log = structlog.get_logger()

_STALE_MINUTES = 15


class RequestJournal:
    """Implements :class:`bot.chat.port.RequestIntake` for every platform at once."""

    def __init__(self, dispatcher: Dispatcher, store: Store, chats: Mapping[str, Chat]) -> None:
        self._dispatcher = dispatcher
        self._store = store
        self._chats = chats
        self._work: set[asyncio.Task[Card]] = set()
        self._live: set[asyncio.Task[None]] = set()

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        """Journal a request and start on it; None for a repeated delivery."""
        if not await self._store.accept(request.key, msgspec.json.encode(request), datetime.now(UTC)):
            log.info("ask.repeated", key=request.key)
            return None
        return self._start(request)

    async def form(self, command: str, request: CommandRequest) -> Form | Card:
        """The form of a command; nothing is journalled, because nothing is done yet."""
        return self._dispatcher.form(command, request)

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
            self._start(request)
            resumed += 1
        return resumed

    async def drain(self, seconds: float) -> None:
        """Wait for work under way, for so long at most; the journal keeps what is left."""
        self._dispatcher.lives.stop_all()
        if under_way := self._work | self._live:
            await asyncio.wait(under_way, timeout=seconds)
        for task in self._work | self._live:
            task.cancel()

    def _start(self, request: CommandRequest) -> asyncio.Task[Card]:
        task = asyncio.create_task(self._answer(request), name=f"ask {request.key}")
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _answer(self, request: CommandRequest) -> Card:
        chat = self._chats[request.conversation.platform]
        if request.person.zone is None:
            request = replace(request, person=replace(request.person, zone=await chat.zone(request.person)))
        cards = self._dispatcher.cards(request)
        card = await anext(cards)
        message = ""
        try:
            message = await chat.answer(request, card)
        except Exception:  # whatever a platform does, the journal must learn of it
            log.exception("answer.undelivered", key=request.key, conversation=request.conversation.id)
            await self._store.finish(request.key, "failed")
        else:
            await self._store.finish(request.key, "done")
        following = asyncio.create_task(self._follow(chat, request, message, cards), name=f"live {request.key}")
        self._live.add(following)
        following.add_done_callback(self._live.discard)
        return card

    async def _follow(self, chat: Chat, request: CommandRequest, message: str, cards: AsyncGenerator[Card]) -> None:
        """Edit in what follows the first card, until there is nothing more or nobody can see it."""
        try:
            async for card in cards:
                if not message:
                    break
                await chat.edit(request.conversation, message, card)
        except Exception:  # a live answer that cannot be shown any more ends, and the log says why
            log.exception("answer.live_ended", key=request.key, conversation=request.conversation.id)
        finally:
            await cards.aclose()
