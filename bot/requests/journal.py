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
from bot.requests.request import Ask
from cards.card import Card, Form, Option
from storage.port.store import Store

log = structlog.get_logger()

_STALE_MINUTES = 15


class FrontDesk:
    """Implements :class:`bot.chat.port.Desk` for every platform at once."""

    def __init__(self, dispatcher: Dispatcher, store: Store, chats: Mapping[str, Chat]) -> None:
        self._dispatcher = dispatcher
        self._store = store
        self._chats = chats
        self._work: set[asyncio.Task[Card]] = set()
        self._live: set[asyncio.Task[None]] = set()

    async def accept(self, ask: Ask) -> asyncio.Task[Card] | None:
        """Journal a request and start on it; None for a repeated delivery."""
        if not await self._store.accept(ask.key, msgspec.json.encode(ask), datetime.now(UTC)):
            log.info("ask.repeated", key=ask.key)
            return None
        return self._start(ask)

    async def form(self, command: str, ask: Ask) -> Form | Card:
        """The form of a command; nothing is journalled, because nothing is done yet."""
        return self._dispatcher.form(command, ask)

    async def suggest(self, ask: Ask, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """Names for what was typed; nothing is journalled, because nothing is asked yet."""
        return await self._dispatcher.suggest(ask, what, typed, within)

    async def resume(self, began: datetime) -> int:
        """Work off what an earlier run acknowledged and did not finish; returns how many requests that are.

        ``began`` is when this run began to receive: what it accepted itself since then is under way already.
        """
        now = datetime.now(UTC)
        resumed = 0
        for row in await self._store.unfinished(began):
            ask = msgspec.json.decode(row.body, type=Ask)
            if (now - row.accepted).total_seconds() > _STALE_MINUTES * 60 or ask.place.platform not in self._chats:
                await self._store.finish(row.key, "failed")
                log.warning("ask.abandoned", key=row.key, accepted=row.accepted.isoformat())
                continue
            self._start(ask)
            resumed += 1
        return resumed

    async def drain(self, seconds: float) -> None:
        """Wait for work under way, for so long at most; the journal keeps what is left."""
        self._dispatcher.lives.stop_all()
        if under_way := self._work | self._live:
            await asyncio.wait(under_way, timeout=seconds)
        for task in self._work | self._live:
            task.cancel()

    def _start(self, ask: Ask) -> asyncio.Task[Card]:
        task = asyncio.create_task(self._answer(ask), name=f"ask {ask.key}")
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _answer(self, ask: Ask) -> Card:
        chat = self._chats[ask.place.platform]
        if ask.person.zone is None:
            ask = replace(ask, person=replace(ask.person, zone=await chat.zone(ask.person)))
        cards = self._dispatcher.cards(ask)
        card = await anext(cards)
        message = ""
        try:
            message = await chat.answer(ask, card)
        except Exception:  # whatever a platform does, the journal must learn of it
            log.exception("answer.undelivered", key=ask.key, place=ask.place.id)
            await self._store.finish(ask.key, "failed")
        else:
            await self._store.finish(ask.key, "done")
        following = asyncio.create_task(self._follow(chat, ask, message, cards), name=f"live {ask.key}")
        self._live.add(following)
        following.add_done_callback(self._live.discard)
        return card

    async def _follow(self, chat: Chat, ask: Ask, message: str, cards: AsyncGenerator[Card]) -> None:
        """Edit in what follows the first card, until there is nothing more or nobody can see it."""
        try:
            async for card in cards:
                if not message:
                    break
                await chat.edit(ask.place, message, card)
        except Exception:  # a live answer that cannot be shown any more ends, and the log says why
            log.exception("answer.live_ended", key=ask.key, place=ask.place.id)
        finally:
            await cards.aclose()
