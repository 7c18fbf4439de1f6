"""The journal: acknowledge, work, answer; and after a crash, nothing is lost, run twice or left without a word.

A platform hands a request in and is acknowledged as soon as its row is on disk; the work goes on in a task. A row is
``received``; ``started`` once a change of it has begun; and ``done`` or ``failed`` once its answer was delivered or
cannot be. Each row is held by the instance that works on it, for a short while that is renewed: a row that nobody
holds any longer is what a crash interrupted, and whoever checks next takes it over:

- what was received and changed nothing is worked off as if it had just come, within fifteen minutes of its arrival, and
  refused as too old to run after that;
- a change that is an operation (:mod:`bot.operations.engine`) goes on by itself, and its cards are shown;
- a change that has ended and was not answered is answered with what it came to;
- a change that was begun and has not ended is never run again: how far it came is checked and reported.

Of several replicas one works off: the others write down what they are asked and hold none of it, and the
one that has the duties takes it up within a moment. So what a message shows, what lives, and what a person may still
ask is known to one.

Each person has a share (:mod:`bot.requests.shares`): what is beyond it waits, and what is far beyond it is left undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.budget import unfenced
from bot.chat.port import Chat, Match, Undelivered
from bot.chat.request import CommandRequest
from bot.clock import Clock, end_tasks
from bot.operations.lease import HELD, RENEWALS, holder
from bot.operations.run_once import RunOnce, Unnoted
from bot.requests.answer_delivery import AnswerDelivery, Unshown
from bot.requests.dispatcher import Dispatcher
from bot.requests.forms import OPENING
from bot.requests.shares import Shares, Turn, used_up_card
from cards.build import actions, blocks, bold, code, note, stamped, text
from cards.card import Button, Card, Form, Mark, Option, Time, Words
from storage.port.decoding import decoded
from storage.port.errors import CannotStore, StoreError
from storage.port.requests import TAKEN_IN, JournalRow, RequestStore
from storage.port.store import Store

log = structlog.get_logger()

_AT_ONCE = Turn()
_STALE = timedelta(minutes=15)
"""After which nobody expects an answer any more, and what was asked may no longer be wanted."""
_GLANCE = 0.25
"""Seconds between two looks for what other replicas took in."""


async def _nothing() -> None:
    """What is to be read anew where there is one copy."""


class RequestJournal:
    """Implements :class:`bot.chat.port.RequestIntake` for every platform at once.

    What answers, delivers, takes in and holds people's shares is public, for what asks in people's names besides them.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: Store,
        chats: Mapping[str, Chat],
        delivery: AnswerDelivery | None = None,
        *,
        held: timedelta = HELD,
        clock: Clock | None = None,
        front: RequestStore | None = None,
        refresh: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        """``held`` is for how long a row is held before it has to be renewed; people's shares refill by ``clock``.

        ``front`` is the store that takes in what is asked, where that is another one; ``refresh`` reads anew what forms
        and what is answered at once are made from, where this replica does not have the duties.
        """
        self.working = True
        """Whether this replica works off what is asked; if not it takes it in for the one that does."""
        self.front = front or store
        self.refresh = refresh
        self.dispatcher = dispatcher
        self._store = store
        self.chats = chats
        self._held = held
        self._holder = holder()
        self.delivery = delivery or AnswerDelivery(chats, store)
        self._clock = clock or Clock()
        self.shares = Shares(self._clock)
        self._work: dict[str, asyncio.Task[Card]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        """Journal a request and start on it; None for a repeated delivery."""
        return await self._accept(request, counted=True)

    async def accept_own(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        """The same for what the program goes on with in a person's name: it is no part of their share."""
        return await self._accept(request, counted=False)

    async def _accept(self, request: CommandRequest, *, counted: bool) -> asyncio.Task[Card] | None:
        now = datetime.now(UTC)
        request = _storable(request)
        body = msgspec.json.encode(request)
        noted = True
        if not self.working:
            if not await self.front.accept(request.key, body, now, holder=TAKEN_IN):
                log.info("request.repeated", key=request.key)
            return None
        try:
            fresh = await self.front.accept(request.key, body, now, holder=self._holder, until=now + self._held)
        except CannotStore:  # what only reads is answered all the same
            noted, fresh = False, request.key not in self._work
        if not fresh:
            log.info("request.repeated", key=request.key)
            return None
        turn = self.shares.take(request.person.key) if counted else _AT_ONCE
        return self._start(request, turn=turn, noted=noted)

    async def form(
        self,
        command: str,
        request: CommandRequest,
        *,
        values: Mapping[str, str] | None = None,
        seconds: float = OPENING,
    ) -> Form | Card:
        """The form of a command; nothing is journalled, because nothing is done yet."""
        await self._anew()
        return await self.dispatcher.form(command, request, values=values, seconds=seconds)

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """Names for what was typed; nothing is journalled, because nothing is asked yet."""
        return await self.dispatcher.suggest(request, what, typed, within)

    def reads(self, command: str) -> bool:
        """Whether a command changes nothing."""
        return self.dispatcher.reads(command)

    async def read(self, request: CommandRequest) -> Card | None:
        """The answer to what only reads, which whoever asks shows; nothing is journalled, because nothing is done."""
        if self.shares.take(request.person.key).refused:
            return used_up_card()
        async with self.shares.place(request.person.key):
            await self._anew()
            return await self.dispatcher.read(request)

    async def link_cards(self, request: CommandRequest, urls: Sequence[str]) -> dict[str, Card]:
        """Cards for links; none where the person's share is used up, for nobody waits for them."""
        turn = self.shares.take(request.person.key)
        if turn.refused or turn.waits:
            return {}
        async with self.shares.place(request.person.key):
            await self._anew()
            return await self.dispatcher.link_cards(request, urls)

    async def find(self, request: CommandRequest, typed: str, most: int) -> list[Match]:
        """What is called like what was typed; nothing is journalled, because nothing is asked yet."""
        return await self.dispatcher.find(request, typed, most)

    async def _anew(self) -> None:
        """What another replica with the duties has stored of alerts and watched jobs is known here too."""
        if not self.working:
            await self.refresh()

    async def run(self) -> None:
        """Hold what is worked on, and take over what nobody holds, until cancelled."""
        while True:
            await asyncio.sleep(self._held.total_seconds() / RENEWALS)
            try:
                if self._work:
                    await self._store.hold_requests(self._holder, list(self._work), datetime.now(UTC) + self._held)
                await self.resume()
            except Exception:  # a store that is out for a moment must not end this
                log.exception("journal.not_renewed")

    async def watch(self) -> None:
        """Take up within a moment what other replicas take in, until cancelled."""
        while True:
            await asyncio.sleep(_GLANCE)
            try:
                if await self._store.waiting(datetime.now(UTC)):
                    await self.resume()
            except StoreError as error:
                log.warning("journal.not_looked", message=str(error))
                await asyncio.sleep(_GLANCE)

    async def resume(self) -> int:
        """Take over what an earlier run, or another instance, acknowledged and did not finish; returns how many."""
        now = datetime.now(UTC)
        resumed = 0
        for row in await self._store.claim_requests(self._holder, now, now + self._held):
            if row.key in self._work:  # ours, and renewed late
                continue
            request = decoded(row.body, CommandRequest)
            if request is None or request.conversation.platform not in self.chats:
                await self._store.finish(row.key, "failed")
                log.warning("request.abandoned", key=row.key, accepted=row.accepted.isoformat(), state=row.state)
                continue
            if row.fresh and now - row.accepted < _STALE:
                self._start(request, turn=self.shares.take(request.person.key))
                continue
            log.info("request.resumed", key=row.key, accepted=row.accepted.isoformat(), state=row.state)
            self._start(request, row)
            resumed += 1
        return resumed

    async def drain(self, seconds: float) -> None:
        """Wait for work under way, for so long at most; the journal keeps what is left for whoever checks next."""
        stop_all = self.dispatcher.lives.stop_all
        stop_all("the bot was shut down")
        if self._work:
            await asyncio.wait(self._work.values(), timeout=seconds / 2)
        await end_tasks([*self._work.values(), *self._telling])
        stop_all("the bot was shut down")
        await self.delivery.drain(seconds / 2)
        await self._store.release_requests(self._holder)

    def _start(
        self, request: CommandRequest, row: JournalRow | None = None, turn: Turn = _AT_ONCE, *, noted: bool = True
    ) -> asyncio.Task[Card]:
        if turn.tell:
            telling = asyncio.create_task(self._tell_used_up(request), name=f"share of {request.person.key}")
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)
        task = asyncio.create_task(self._in_turn(request, row, turn, noted=noted), name=f"request {request.key}")
        self._work[request.key] = task
        task.add_done_callback(lambda done: self._ended(request.key, done))
        return task

    def _ended(self, key: str, task: asyncio.Task[Card]) -> None:
        """It is worked off; or it failed, and is taken over once it is held no longer."""
        del self._work[key]
        if not task.cancelled() and (error := task.exception()):
            log.error("request.failed", key=key, exc_info=error)

    async def _in_turn(self, request: CommandRequest, row: JournalRow | None, turn: Turn, *, noted: bool) -> Card:
        """Work a request off when its time in the person's share has come; one that is beyond it is left undone."""
        if turn.refused:
            log.info("request.beyond_share", key=request.key, person=request.person.key)
            if noted:
                await self._store.finish(request.key, "failed")
            return used_up_card()
        if turn.waits:
            await self._clock.sleep(turn.waits)
        async with self.shares.place(request.person.key):
            return await (self._answer(request, row) if noted else self._answer_unnoted(request))

    async def _tell_used_up(self, request: CommandRequest) -> None:
        """Tell a person alone that their share is used up; that word may be lost."""
        try:
            alone = await self.chats[request.conversation.platform].direct(request.person, request.conversation)
        except Undelivered as error:
            log.info("request.share_untold", person=request.person.key, why=error.why, code=error.code)
            return
        key = f"{request.key} share"
        word = replace(request, key=key, conversation=alone, how="post", message=None, reply_url="")
        await self.delivery.answer(word, used_up_card())

    async def _answer(self, request: CommandRequest, row: JournalRow | None) -> Card:
        """Work a request off: its answer, which is delivered. ``row`` is what an earlier run left of it."""
        request = await self.delivery.with_zone(request)
        once = RunOnce(self._store, request.key, self._holder)
        cards = self._cards(request, row, once)
        card = await anext(cards)
        spare = row is None and not once.begun
        message = await self.delivery.answer(request, card, doubtful=row is not None, spare=spare)
        if message is None or isinstance(message, Unshown):
            await cards.aclose()
        else:
            await self.delivery.follow(request, message, card, cards)
        await self._store.finish(request.key, "failed" if message is None else "done")
        return card

    async def _answer_unnoted(self, request: CommandRequest) -> Card:
        """Answer where nothing can be stored: what only reads, once; a change is refused, since it could be lost or run
        twice.
        """
        unfenced.set(True)
        request = await self.delivery.with_zone(request)
        card = await self.dispatcher.card(request, Unnoted())
        card = replace(card, blocks=(*card.blocks, note("The bot cannot store anything now: this was not noted.")))
        await self.delivery.answer(request, card)
        return card

    async def _cards(self, request: CommandRequest, row: JournalRow | None, once: RunOnce) -> AsyncGenerator[Card]:
        """The answer and what follows it; of a request that was left, what the module's docstring says."""
        if row and (cards := await self.dispatcher.followed(request)) is not None:
            async for card in cards:
                yield card
        elif row and row.outcome and (outcome := decoded(row.outcome, Card)):
            yield outcome
        elif row and row.state == "started":
            yield await self.dispatcher.reconciled(request, row.command, row.started or row.accepted)
        elif row and abs(datetime.now(UTC) - row.accepted) > _STALE:  # accepted later than now: the clock was wrong
            log.warning("request.stale", key=row.key, accepted=row.accepted.isoformat())
            zone = self.dispatcher.zone(request)
            yield stamped(_stale_card(request, row.accepted), zone=zone, as_of=datetime.now(UTC))
        else:
            async for card in self.dispatcher.cards(request, once):
                yield card


def _stale_card(request: CommandRequest, accepted: datetime) -> Card:
    """It was asked too long ago to be run now: nothing was done."""
    typed = request.text or "home"
    return Card(
        title=text(bold("I was away when you asked, and have not done it.")),
        mark=Mark.WARNING,
        blocks=blocks(
            Words(text("You asked ", code(typed), " ", Time(accepted), ", which is too long ago to run it unasked.")),
            actions(
                Button("Ask again", typed, style="primary") if not request.values else None, Button("Home", "home")
            ),
        ),
        refused=True,
    )


def _storable(request: CommandRequest) -> CommandRequest:
    """The request without lone surrogates, which JSON lets through and UTF-8 cannot hold: each becomes ``?``."""

    def clean(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    values = {clean(name): clean(value) for name, value in request.values.items()}
    person = replace(request.person, name=clean(request.person.name))
    conversation = replace(request.conversation, name=clean(request.conversation.name))
    return replace(request, text=clean(request.text), values=values, person=person, conversation=conversation)
