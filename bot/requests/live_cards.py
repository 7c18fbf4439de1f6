"""The messages of live answers: each shows its newest card, and at last a card that does not claim to live.

Every such message is noted in the store until its last card is shown, and claims nothing before it is noted: an answer
is posted without the words and the Stop button that are true only while it lives, and gets them by an edit. So whatever
ends an answer (its handler, a stop, an error, the end of the program, a crash, an outage of the platform), its card
comes to say so, at the latest after the next start of the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeAlias

import structlog

from bot.chat.port import Chat
from bot.chat.request import CommandRequest, Conversation
from bot.clock import Clock, end_tasks
from bot.requests.live_message import KEPT, LiveMessage
from bot.requests.live_wording import claims_to_live, ended
from cards.build import text
from cards.card import Card, Time
from storage.port.decoding import decoded
from storage.port.live import LiveStore

log = structlog.get_logger()

_AT_ONCE = 0.05
"""Seconds within which an answer that is not live is over."""
_HANDLERS = 0.6
"""The part of the time to drain that handlers have for a last card of their own."""

Following: TypeAlias = Callable[[CommandRequest], Awaitable[AsyncGenerator[Card] | None]]
"""The cards of what a request began and goes on by itself; None where it began nothing of the kind."""
Answer: TypeAlias = Callable[[CommandRequest, Card], Awaitable[object]]


class Takeover:
    """Another answer that is about to replace messages; ``done`` says that it did."""

    def __init__(self, live: LiveCards) -> None:
        self.done = False
        self.taken: list[LiveMessage] = []
        self._live = live

    async def of(self, conversation: Conversation, message: str) -> None:
        """What is live on this message ends, and edits it no more."""
        self.taken += await self._live.release(conversation, message)


class LiveCards:
    """Every message of a live answer at the moment."""

    def __init__(
        self,
        chats: Mapping[str, Chat],
        store: LiveStore,
        clock: Clock,
        answer: Answer,
        following: Following | None = None,
    ) -> None:
        """``answer`` delivers the last card of an answer whose message cannot be edited."""
        self._following = following
        self._chats = chats
        self._store = store
        self._clock = clock
        self._answer = answer
        self._running: dict[str, tuple[LiveMessage, asyncio.Task[None]]] = {}
        self._unseen: set[asyncio.Task[None]] = set()

    async def follow(self, request: CommandRequest, message: str, card: Card, cards: AsyncGenerator[Card]) -> None:
        """Show what follows the first card of an answer, in the background.

        Returns when it is noted in the store that the message is live, or known that nothing follows.
        """
        first = asyncio.create_task(_next(cards), name=f"live {request.key}")
        await asyncio.wait({first}, timeout=_AT_ONCE)
        if first.done() and not first.exception() and first.result() is None and not claims_to_live(card):
            return
        if not message:
            task = asyncio.create_task(self._last_of(request, first, cards), name=f"live {request.key}")
            self._unseen.add(task)
            task.add_done_callback(self._unseen.discard)
            return
        live = LiveMessage(self._chats[request.conversation.platform], self._store, self._clock, request, message, card)
        if not claims_to_live(card):
            live.shown = card
        await live.note()
        self._start(live, _following(first, cards))

    async def resume(self, began: datetime) -> int:
        """Say on the cards that a run before ``began`` left behind that they have stopped; returns how many.

        A card of an operation goes on, as the operation does.
        So too on those that could not be edited then, because the bot was put out of their conversation.
        """
        why = text("the bot was restarted at ", Time(self._clock.now(), "clock"))
        resumed = 0
        for row in await self._store.live_cards():
            if row.at >= began or row.key in self._running:
                continue
            request, card = decoded(row.request, CommandRequest), decoded(row.card, Card)
            if request is None or card is None:
                log.warning("live.unreadable", key=row.key)
                await self._store.delete_live(row.key)
                continue
            chat = self._chats.get(request.conversation.platform)
            if request.conversation.platform == "text" or (chat is None and began - row.at > KEPT):
                await self._store.delete_live(row.key)  # a terminal is gone with its program
            elif chat:
                cards = await self._following(request) if self._following and not row.over else None
                last = card if row.over or cards else ended(card, why, request, row.at)
                live = LiveMessage(chat, self._store, self._clock, request, row.message, last)
                self._start(live, cards or _nothing())
                resumed += 1
        return resumed

    @asynccontextmanager
    async def takeover(self) -> AsyncIterator[Takeover]:
        """For an answer that may replace live messages; where it fails, they say that they have stopped."""
        takeover = Takeover(self)
        try:
            yield takeover
        finally:
            for live in takeover.taken:
                if takeover.done:
                    await live.forget()
                else:
                    live.newest = ended(live.newest, text("another answer could not take its place"), live.request)
                    live.shown = None
                    self._start(live, _nothing())

    async def release(self, conversation: Conversation, message: str) -> list[LiveMessage]:
        """End what is live on a message without a last card; returns what that was."""
        here = conversation.platform, conversation.id, message
        found = [key for key, (live, _) in self._running.items() if live.where == here]
        released = []
        for key in found:
            live, task = self._running.pop(key)
            task.cancel()
            await asyncio.wait({task})
            released.append(live)
        return released

    async def drain(self, seconds: float) -> None:
        """Wait until handlers that were asked to stop have ended, end the others, and wait for the last cards.

        The store keeps what could not be shown in so many seconds.
        """
        clock = asyncio.get_running_loop().time  # of the wall: somebody waits for the program to end
        end = clock() + seconds
        tasks = {task for _, task in self._running.values()} | self._unseen
        if tasks:
            await asyncio.wait(tasks, timeout=seconds * _HANDLERS)
        why = text("the bot was shut down at ", Time(self._clock.now(), "clock"))
        for live, task in self._running.values():
            if await self._goes_on(live.request):
                task.cancel()  # the store keeps the message: its operation goes on, and so does its card
            else:
                live.end(why)
        left = {task for task in tasks if not task.done()}
        if left:
            await asyncio.wait(left, timeout=max(0.0, end - clock()))
        await end_tasks(left)

    async def _goes_on(self, request: CommandRequest) -> bool:
        """Whether what a request began goes on after this program."""
        cards = await self._following(request) if self._following else None
        if cards is not None:
            await cards.aclose()
        return cards is not None

    def _start(self, live: LiveMessage, cards: AsyncGenerator[Card]) -> None:
        task = asyncio.create_task(live.run(cards), name=f"live {live.request.key}")
        entry = self._running[live.key] = live, task

        def over(_: asyncio.Task[None]) -> None:
            if self._running.get(live.key) is entry:
                del self._running[live.key]

        task.add_done_callback(over)

    async def _last_of(
        self, request: CommandRequest, first: asyncio.Task[Card | None], cards: AsyncGenerator[Card]
    ) -> None:
        """Deliver the last card alone, as an answer of its own."""
        last: Card | None = None
        async for card in _following(first, cards):
            last = card
        if last:
            await self._answer(request, last)


async def _next(cards: AsyncGenerator[Card]) -> Card | None:
    return await anext(cards, None)


async def _following(first: asyncio.Task[Card | None], cards: AsyncGenerator[Card]) -> AsyncGenerator[Card]:
    """The card that is being waited for, and those after it."""
    try:
        card = await first
        while card is not None:
            yield card
            card = await anext(cards, None)
    finally:
        await end_tasks([first])
        await cards.aclose()


async def _nothing() -> AsyncGenerator[Card]:
    none: tuple[Card, ...] = ()
    for card in none:
        yield card
