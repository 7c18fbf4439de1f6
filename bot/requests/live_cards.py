"""The messages of live answers: each shows its newest card, and at last a card that does not claim to live.

Every such message is noted in the store until its last card is shown, and claims nothing before it is noted: an answer
is posted without the words and the Stop button that are true only while it lives, and gets them by an edit. So whatever
ends an answer (its handler, a stop, an error, the end of the program, a crash, an outage of the platform), its card
comes to say so, at the latest after the next start of the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.fallback import UNSENDABLE, as_text
from bot.chat.port import Chat, Undelivered
from bot.clock import Clock, backoff
from bot.requests.request import CommandRequest, Conversation
from cards.build import chip, text
from cards.card import Action, Actions, Block, Button, Card, Footer, Mark, Text, Time, Words
from storage.port.live import LiveCard, LiveStore

log = structlog.get_logger()

_AT_ONCE = 0.05
"""Seconds within which an answer that is not live is over."""
_KEPT = timedelta(days=1)
"""How long a last card is tried to be shown."""
_HANDLERS = 0.6
"""The part of the time to drain that handlers have for a last card of their own."""

Answer: TypeAlias = Callable[[CommandRequest, Card], Awaitable[object]]


class Takeover:
    """Another answer that is about to replace messages; ``done`` says that it did."""

    def __init__(self, live: LiveCards) -> None:
        self.done = False
        self.taken: list[_LiveMessage] = []
        self._live = live

    async def of(self, conversation: Conversation, message: str) -> None:
        """What is live on this message ends, and edits it no more."""
        self.taken += await self._live.release(conversation, message)


class LiveCards:
    """Every message of a live answer at the moment."""

    def __init__(self, chats: Mapping[str, Chat], store: LiveStore, clock: Clock, answer: Answer) -> None:
        """``answer`` delivers the last card of an answer whose message cannot be edited."""
        self._chats = chats
        self._store = store
        self._clock = clock
        self._answer = answer
        self._running: dict[str, tuple[_LiveMessage, asyncio.Task[None]]] = {}
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
        live = _LiveMessage(
            self._chats[request.conversation.platform], self._store, self._clock, request, message, card
        )
        if not claims_to_live(card):
            live.shown = card
        await live.note()
        self._start(live, _following(first, cards))

    async def resume(self, began: datetime) -> int:
        """Say on the cards that a run before ``began`` left behind that they have stopped; returns how many.

        So too on those that could not be edited then, because the bot was put out of their conversation.
        """
        why = text("the bot was restarted at ", Time(self._clock.now(), "clock"))
        resumed = 0
        for row in await self._store.live_cards():
            if row.at >= began or row.key in self._running:
                continue
            try:
                request = msgspec.json.decode(row.request, type=CommandRequest)
                card = msgspec.json.decode(row.card, type=Card)
            except msgspec.DecodeError as error:
                log.warning("live.unreadable", key=row.key, error=str(error)[:200])
                await self._store.delete_live(row.key)
                continue
            chat = self._chats.get(request.conversation.platform)
            if request.conversation.platform == "text" or (chat is None and began - row.at > _KEPT):
                await self._store.delete_live(row.key)  # a terminal is gone with its program
            elif chat:
                last = card if row.over else ended(card, why, request, row.at)
                self._start(_LiveMessage(chat, self._store, self._clock, request, row.message, last), _nothing())
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

    async def release(self, conversation: Conversation, message: str) -> list[_LiveMessage]:
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
        for live, _ in self._running.values():
            live.end(why)
        left = {task for task in tasks if not task.done()}
        if left:
            await asyncio.wait(left, timeout=max(0.0, end - clock()))
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _start(self, live: _LiveMessage, cards: AsyncGenerator[Card]) -> None:
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


class _LiveMessage:
    """One message. ``newest`` is the card it should show, ``shown`` the one it shows (None: not known)."""

    def __init__(
        self, chat: Chat, store: LiveStore, clock: Clock, request: CommandRequest, message: str, newest: Card
    ) -> None:
        self.request = request
        self.key = f"{request.key} {message}"
        self.where = request.conversation.platform, request.conversation.id, message
        self.newest = newest
        self.shown: Card | None = None
        self._chat = chat
        self._store = store
        self._clock = clock
        self._message = message
        self._why: Text = text("it has ended")
        self._as_text = False
        self._taken = newest
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def run(self, cards: AsyncGenerator[Card]) -> None:
        """Show every card that is not overtaken, and the last one whatever it takes; then forget the message."""
        if self.newest is not self.shown:
            self._news.set()
        self._reader = asyncio.create_task(self._read(cards))
        self._reader.add_done_callback(lambda _: self._news.set())
        try:
            await self._show()
        finally:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            await cards.aclose()

    def end(self, why: Text) -> None:
        """End the handler where it goes on; the card says why."""
        if self._reader and not self._reader.done():
            self._why = why
            self._reader.cancel()

    async def note(self, *, over: bool = False) -> None:
        """Note in the store what the message shows, or with ``over`` its last card; what fails is logged."""
        card = self.newest if over else self.shown or self.newest
        body = msgspec.json.encode(card)
        row = LiveCard(self.key, msgspec.json.encode(self.request), self._message, body, datetime.now(UTC), over)
        try:
            await self._store.put_live(row)
        except Exception:  # the answer goes on; a crash now would leave an older card
            log.exception("live.not_noted", key=self.key)

    async def forget(self) -> None:
        """Nothing more is to be shown."""
        try:
            await self._store.delete_live(self.key)
        except Exception:  # it is found after the next start, and shown once more
            log.exception("live.not_forgotten", key=self.key)

    async def _read(self, cards: AsyncGenerator[Card]) -> None:
        try:
            async for card in cards:
                self.newest = card
                self._news.set()
        except Exception:  # the dispatcher turns what goes wrong into a card; this is for what it does not see
            log.exception("live.failed", key=self.key)
            self._why = text("something went wrong inside the bot")

    async def _show(self) -> None:
        tries, over = 0, False
        began = self._clock.now()
        while True:
            await self._news.wait()
            self._news.clear()
            if not over and self._reader and self._reader.done():
                over, began = True, self._clock.now()
                if claims_to_live(self.newest):
                    self.newest = ended(self.newest, self._why, self.request)
                await self.note(over=True)
            if self.newest is not self.shown:
                try:
                    await self._chat.update_live(self.request.conversation, self._message, self._take)
                except Undelivered as error:
                    expired = over and self._clock.now() - began > _KEPT
                    if await self._hopeless(Undelivered("missing", error.code) if expired else error):
                        return
                    await self._clock.sleep(error.wait or (0.0 if error.why == "refused" else backoff(tries)))
                    tries += 1
                    self._news.set()
                    continue
                tries, self.shown = 0, self._taken
                if self.newest is not self.shown:
                    self._news.set()
                elif not over:
                    await self.note()
            if over and self.newest is self.shown:
                await self.forget()
                return

    def _take(self) -> Card:
        self._taken = self.newest
        return as_text(self._taken) if self._as_text else self._taken

    async def _hopeless(self, error: Undelivered) -> bool:
        """Whether the message will not be edited any more; what is to be done then is done."""
        log.info("live.edit_failed", key=self.key, why=error.why, code=error.code)
        match error.why:
            case "missing":  # somebody deleted it: nobody sees it
                await self.forget()
                return True
            case "gone" if not error.everywhere:  # the store keeps it for when the bot is let in again
                if not (self._reader and self._reader.done()):
                    self.newest = ended(self.newest, text("the bot could not write here any more"), self.request)
                await self.note(over=True)
                return True
            case "refused" if not self._as_text:
                self._as_text = True
            case "refused":
                log.error("live.given_up", key=self.key, code=error.code)
                with suppress(Undelivered):
                    await self._chat.say(self.request, UNSENDABLE)
                await self.forget()
                return True
        return False


def claims_to_live(card: Card) -> bool:
    """Whether a card says that it goes on: by a word that is true only then, or by a Stop button."""
    return any(
        _while_live(block) or (isinstance(block, Actions) and any(map(_stops, block.items))) for block in card.blocks
    )


def unclaimed(card: Card) -> Card:
    """The card without what is true only while it lives."""
    blocks: list[Block] = []
    for block in card.blocks:
        if isinstance(block, Actions):
            if items := tuple(item for item in block.items if not _stops(item)):
                blocks.append(Actions(items))
        elif not _while_live(block):
            blocks.append(block)
    return replace(card, blocks=tuple(blocks))


def ended(card: Card, why: Text, request: CommandRequest, at: datetime | None = None) -> Card:
    """The card as the last one of an answer that did not end by itself: why, as of when, and a button to go on.

    ``at`` is when it was shown, for a card that does not say when it was last true.
    """
    as_of = card.as_of or at
    when = text("; as of ", Time(as_of, "clock"), ".") if as_of else "."
    note = Words(text(chip(Mark.STOPPED, "stopped"), ": ", why, when))
    # A submitted form's values are no part of the text: the form asks for them again.
    again = Button("Go on", request.text, how="form" if request.values else "edit")
    blocks: list[Block] = [note]
    placed = False
    for block in unclaimed(card).blocks:
        if isinstance(block, Actions) and not placed:
            blocks.append(Actions((again, *block.items)))
            placed = True
        else:
            blocks.append(block)
    if not placed:
        blocks.append(Actions((again,)))
    return replace(card, blocks=tuple(blocks), mark=Mark.STOPPED)


def _while_live(block: Block) -> bool:
    return isinstance(block, Words | Footer) and block.while_live


def _stops(item: Action) -> bool:
    return isinstance(item, Button) and item.command.startswith("stop ")


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
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await cards.aclose()


async def _nothing() -> AsyncGenerator[Card]:
    none: tuple[Card, ...] = ()
    for card in none:
        yield card
