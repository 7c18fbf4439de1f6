"""One attempt at one entry: posted once, edited as often as it takes, and the outcome stored.

A first post is claimed, posted, noted. A crash or a lost answer in between leaves the claim, and a claimed entry is
searched for in its conversation before it is posted again; where a conversation cannot be read back, it is posted again
with a word that it may be a repeat. Edits are idempotent and need no claim.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, TypeVar

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.chat.fallback import marked, shortened
from bot.chat.port import Chat, Undelivered, UnreadableError
from bot.chat.request import Conversation
from bot.clock import Clock, backoff
from cards.card import Card, Picture
from storage.port.outbox import DeliveryState, OutboxStore

log = structlog.get_logger()

T = TypeVar("T")

_ANEW = timedelta(days=1)
"""A message that somebody deleted is posted anew while it is younger than this."""


class Totals(Struct):
    """What was done since the start.

    ``repeated`` carry a word that they may be repeats, ``shortened`` went out without details, ``refused`` never will.
    """

    sent: int = 0
    edited: int = 0
    repeated: int = 0
    shortened: int = 0
    refused: int = 0


class Attempts(Struct, eq=False):
    """What is remembered of an entry between attempts; a crash may forget it.

    ``plain``: the details were refused. ``alone``: its thread is not there. ``anew``: its message was deleted.
    """

    tries: int = 0
    plain: bool = False
    alone: bool = False
    anew: bool = False


Shown: TypeAlias = Callable[[Card, Conversation], Card]
"""What is shown of a card in a conversation, such as without buttons that nobody there may press."""


def as_it_is(card: Card, _: Conversation) -> Card:
    """All of it."""
    return card


class Sender:
    """Sends the entries of one conversation."""

    def __init__(self, chat: Chat, store: OutboxStore, clock: Clock, totals: Totals, shown: Shown = as_it_is) -> None:
        self._shown = shown
        self._chat = chat
        self._store = store
        self._clock = clock
        self._totals = totals

    async def send(self, row: DeliveryState, root: str, so_far: Attempts) -> int:
        """Bring an entry one step on, into the thread of ``root`` where that is not empty.

        Returns the version that is done with (shown, or never will be), or 0 where the entry is to be read and tried
        again at once. Raises Undelivered when it is to wait; the store knows by then.
        """
        try:
            card = msgspec.json.decode(row.entry.card, type=Card)
            conversation = msgspec.json.decode(row.entry.address, type=Conversation)
        except msgspec.DecodeError as error:
            return await self._give_up(row, f"unreadable: {error}"[:200])
        card = self._shown(card, conversation)
        if so_far.plain:
            card = shortened(card)
        if root or so_far.alone:
            conversation = replace(conversation, thread=root or None)
        if row.state == "claimed":
            return await self._settle(row, conversation, card, so_far)
        if row.message:
            return await self._edit(row, replace(conversation, id=row.channel or conversation.id), card, so_far)
        if row.sent:  # posted, but the platform gave it no id by which it could be edited
            so_far.anew = True
            await self._store.attempt_failed(row.entry.id, "claimed", "no id")
            return 0
        if not await self._store.claim(row.entry.id, self._moment()):
            raise Undelivered("later", "claimed by another")
        return await self._post(row, conversation, card, so_far)

    def update_delay(self, row: DeliveryState) -> float:
        """Seconds until the platform's limits have room for an edit in the entry's conversation."""
        try:
            conversation = msgspec.json.decode(row.entry.address, type=Conversation)
        except msgspec.DecodeError:
            return 0.0
        return self._chat.update_delay(replace(conversation, id=row.channel or conversation.id))

    async def _post(
        self, row: DeliveryState, conversation: Conversation, card: Card, so_far: Attempts, *, repeat: bool = False
    ) -> int:
        """Post what is claimed. With ``repeat`` an earlier post may be there, so the claim outlives a failure."""
        entry = row.entry
        unposted: Literal["open", "claimed"] = "claimed" if repeat else "open"
        shown = marked(card) if repeat else card
        try:
            message, channel = await self._call(
                so_far, lambda: self._chat.post_once(conversation, shown, entry.id, loud=entry.broadcast)
            )
        except Undelivered as error:
            match error.why:
                case "missing" if not so_far.alone:
                    so_far.alone = True
                case "missing" | "refused":
                    if so_far.plain:
                        return await self._give_up(row, error.code)
                    so_far.plain = True
                case "doubt":
                    await self._attempt_failed(row, "claimed", error)
                    raise
                case "gone" if not repeat and not error.everywhere:
                    await self._attempt_failed(row, "gone", error)
                    raise
                case _:
                    await self._attempt_failed(row, unposted, error)
                    raise
            log.info("outbox.changed", entry=entry.id, why=error.why, code=error.code)
            await self._attempt_failed(row, unposted, error)
            return 0
        await self._note(lambda: self._store.delivered(entry.id, entry.version, message, channel, repeated=repeat))
        self._totals.sent += 1
        self._totals.repeated += repeat
        self._totals.shortened += so_far.plain
        return entry.version

    async def _edit(self, row: DeliveryState, conversation: Conversation, card: Card, so_far: Attempts) -> int:
        entry, shown = row.entry, marked(card) if row.repeated else card
        try:
            await self._call(so_far, lambda: self._chat.update(conversation, row.message, shown))
        except Undelivered as error:
            match error.why:
                case "missing" if self._moment() - (row.first_attempt or self._moment()) > _ANEW:
                    return await self._give_up(row, error.code)
                case "missing":
                    so_far.anew = True
                    await self._attempt_failed(row, "claimed", error)
                    return 0
                case "refused" if so_far.plain:
                    return await self._give_up(row, error.code)
                case "refused":
                    so_far.plain = True
                    return 0
                case "gone" if not error.everywhere:
                    await self._attempt_failed(row, "gone", error)
            raise
        await self._note(lambda: self._store.delivered(entry.id, entry.version, row.message, row.channel))
        self._totals.edited += 1
        self._totals.shortened += so_far.plain
        return entry.version

    async def _settle(self, row: DeliveryState, conversation: Conversation, card: Card, so_far: Attempts) -> int:
        """It may have been posted: search for it, and post it where it is not. ``row.message`` is a deleted one."""
        entry = row.entry
        try:
            found = await self._call(
                so_far, lambda: self._chat.find_by_key(conversation, entry.id, row.first_attempt or self._moment())
            )
        except UnreadableError:
            return await self._post(row, conversation, card, so_far, repeat=not so_far.anew)
        except Undelivered as error:
            if error.why in {"refused", "missing"}:  # it cannot be read back either
                return await self._post(row, conversation, card, so_far, repeat=not so_far.anew)
            await self._attempt_failed(row, "claimed", error)
            raise
        if not found or found == row.message:
            return await self._post(row, conversation, card, so_far)
        # Which version was posted is not known: unless there is only one, the newest follows by an edit. So do
        # pictures: a platform may have them follow the post, and it is not known whether they did.
        pictured = any(isinstance(block, Picture) for block in card.blocks)
        version = max(entry.version - 1, 0 if pictured else 1)
        await self._note(lambda: self._store.delivered(entry.id, version, found, conversation.id))
        log.info("outbox.found", entry=entry.id)
        return version

    async def _attempt_failed(
        self, row: DeliveryState, state: Literal["open", "claimed", "gone"], error: Undelivered
    ) -> None:
        code = error.code
        await self._note(lambda: self._store.attempt_failed(row.entry.id, state, code))

    async def _give_up(self, row: DeliveryState, code: str) -> int:
        log.error("outbox.refused", entry=row.entry.id, where=row.entry.destination, code=code)
        await self._note(lambda: self._store.attempt_failed(row.entry.id, "dead", code))
        self._totals.refused += 1
        return row.entry.version

    async def _call(self, so_far: Attempts, call: Callable[[], Awaitable[T]]) -> T:
        """What the chat says. One that breaks its word is not trusted to have done nothing; twice, it never will."""
        try:
            return await call()
        except (Undelivered, UnreadableError):
            raise
        except Exception as error:
            log.exception("outbox.chat_failed")
            raise Undelivered("refused" if so_far.tries else "doubt", type(error).__name__) from error

    async def _note(self, call: Callable[[], Awaitable[None]]) -> None:
        """Note in the store what has happened, however long it does not take it."""
        tries = 0
        while True:
            try:
                return await call()
            except Exception:  # whatever the store has: what was done is known nowhere else
                log.exception("outbox.not_stored")
            await self._clock.sleep(backoff(tries))
            tries += 1

    def _moment(self) -> datetime:
        """When a first attempt is made: never later than the platform's own time, however fast the clock runs."""
        return min(datetime.now(UTC), self._clock.now())
