"""Brings the answer of a request to the person who asked: as reliably as an alert, for as long as they may wait.

What passes by itself (an outage, a limit, a lost connection) is tried again. Where it is not known whether the answer
arrived, it is searched for by its key before it is posted again; where the platform cannot be read it is posted with
a word that it may be a repeat. An answer whose layout the platform refuses goes out as plain text, and where that is
refused too the person gets one sentence that says so.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from enum import Enum

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.chat.fallback import UNSENDABLE, as_text, marked
from bot.chat.port import Chat, KnowsPeople, Undelivered, UnreadableError
from bot.chat.request import CommandRequest
from bot.clock import Clock, backoff
from bot.requests.edit_order import EditOrder
from bot.requests.live_cards import Following, LiveCards, Takeover
from bot.requests.live_wording import unclaimed
from cards.card import Attachment, Card, Picture
from storage.port.live import LiveStore

log = structlog.get_logger()

PATIENCE = 600.0
"""Seconds after which an answer is given up: whoever asked has long asked again, or gone."""
_ZONE_SECONDS = 2.0
"""Seconds that a person's time zone is waited for; without it the answer is in the bot's own."""
_SETTLE = 2.0
"""Seconds after which a message whose answer was lost is expected to be readable."""
_SAY_SECONDS = 10.0
_FOLLOWING = Picture | Attachment
"""What a platform may bring after the message: where its answer was lost, nobody knew what it should follow."""


class Unshown(Enum):
    """Why an answer that could be delivered was not."""

    OVERTAKEN = "overtaken"
    """Its message shows the answer to a newer click, or is about to."""


class _OvertakenError(Exception):
    """A newer answer has the message."""


class _Attempt(Struct, eq=False):
    """What is known between two attempts at one answer.

    ``doubtful``: a message with the answer may be there. ``earlier``: if it is, an earlier run of the program posted
    it, so that it shows what was true then. ``alone``: the thread is gone. ``text``: the layout was refused.
    """

    request: CommandRequest
    card: Card
    doubtful: bool = False
    earlier: bool = False
    alone: bool = False
    text: bool = False
    tries: int = 0


class AnswerDelivery:
    """Answers on every platform, and the live cards among them."""

    def __init__(
        self,
        chats: Mapping[str, Chat],
        store: LiveStore,
        clock: Clock | None = None,
        following: Following | None = None,
    ) -> None:
        """``following`` finds what goes on by itself, so that its cards are shown after a crash."""
        self._chats = chats
        self._clock = clock or Clock()
        self._live = LiveCards(chats, store, self._clock, self.answer, following)
        self._order = EditOrder()

    async def with_zone(self, request: CommandRequest) -> CommandRequest:
        """The request with the person's time zone, their groups, and whether they are a guest, as far as the platform
        says so in time; the groups that a stored request came with do not count any more. Never raises.
        """
        chat = self._chats[request.conversation.platform]
        if request.person.zone is not None and not isinstance(chat, KnowsPeople):
            return request
        try:
            async with asyncio.timeout(_ZONE_SECONDS):
                if isinstance(chat, KnowsPeople):
                    return replace(request, person=await chat.known(request.person, request.conversation))
                zone = await chat.zone(request.person)
        except Exception as error:  # whatever a look-up does, the answer does not depend on it
            log.warning("answer.zone_unknown", key=request.key, error=type(error).__name__)
            return replace(request, person=chat.marked(request.person)) if isinstance(chat, KnowsPeople) else request
        return replace(request, person=replace(request.person, zone=zone))

    async def answer(
        self, request: CommandRequest, card: Card, *, doubtful: bool = False, spare: bool = False
    ) -> str | Unshown | None:
        """Deliver the card, which may take as long as :data:`PATIENCE`. Never raises.

        What is true of the card only while it lives is left out: :meth:`follow` adds it, where there is more to come.

        Returns the id of the message that shows it (empty where it cannot be edited), None where it was given up and
        the log says why. ``doubtful`` says that an earlier run of the program may have delivered an answer already.

        Where a newer click has the message that it would replace, it is left out if it can be spared (``spare``: it
        says what was read, and nothing was done), and posted as a message of its own otherwise.
        """
        async with self._live.takeover() as takeover:
            shown = await self._delivered(request, card, takeover, doubtful=doubtful, spare=spare)
            takeover.done = shown is not None
            return shown

    async def follow(self, request: CommandRequest, message: str, card: Card, cards: AsyncGenerator[Card]) -> None:
        """Edit what follows the first card into its message; returns when it is noted that there is more to come."""
        await self._live.follow(request, message, card, cards)

    async def resume(self, began: datetime) -> int:
        """Say on every live card that is left behind that it has stopped; returns how many there are."""
        return await self._live.resume(began)

    async def drain(self, seconds: float) -> None:
        """End all live answers, and wait so long at most until their cards say so."""
        await self._live.drain(seconds)

    async def _delivered(
        self, request: CommandRequest, card: Card, takeover: Takeover, *, doubtful: bool, spare: bool
    ) -> str | Unshown | None:
        chat = self._chats[request.conversation.platform]
        attempt = _Attempt(request, unclaimed(card), doubtful=doubtful, earlier=doubtful)
        key, since = key_of(request), min(request.at, datetime.now(UTC))
        give_up = self._clock.elapsed() + PATIENCE
        while True:
            try:
                return await self._once(chat, attempt, key, since, takeover)
            except _OvertakenError:
                log.info("answer.overtaken", key=request.key, spared=spare)
                if spare:
                    return Unshown.OVERTAKEN
                attempt.request = replace(attempt.request, how="post")
                continue
            except Undelivered as error:
                failure = error
            except Exception as error:  # the card cannot be rendered, or the adapter breaks its word
                log.exception("answer.chat_failed", key=request.key)
                failure = Undelivered("refused", type(error).__name__)
            wait = self._after(attempt, failure)
            if wait is None or self._clock.elapsed() + wait > give_up:
                await self._give_up(chat, request, failure, attempt.tries)
                return None
            log.info("answer.retried", key=request.key, why=failure.why, code=failure.code, seconds=round(wait, 1))
            await self._clock.sleep(wait)

    async def _once(self, chat: Chat, attempt: _Attempt, key: str, since: datetime, takeover: Takeover) -> str:
        """One attempt; where the answer may be there already it is searched for first.

        Raises Undelivered, and _OvertakenError where a newer answer has the message.
        """
        if attempt.doubtful:
            found = await self._found(chat, attempt, key, since)
            if found and not attempt.earlier and not any(isinstance(each, _FOLLOWING) for each in attempt.card.blocks):
                return found
            if found:
                attempt.request = replace(attempt.request, how="edit", message=found)
            attempt.doubtful = attempt.earlier = False
        request = attempt.request
        aside = attempt.card.private and request.conversation.kind != "personal"
        if request.how == "edit" and request.message and not aside:
            async with self._order.turn(request) as wanted:
                if not wanted:
                    raise _OvertakenError
                await takeover.of(request.conversation, request.message)
                return await chat.answer(request, attempt.card, key)
        return await chat.answer(request, attempt.card, key)

    async def _found(self, chat: Chat, attempt: _Attempt, key: str, since: datetime) -> str | None:
        """The message with the answer, where there is one; where nobody can say, the card is marked as a repeat."""
        if not attempt.card.private:  # which is hidden from whoever reads the conversation
            try:
                return await chat.find_by_key(attempt.request.conversation, key, since)
            except UnreadableError:
                pass
            except Undelivered as error:
                if error.why in {"later", "doubt"}:
                    raise error.repeatable() from error
        attempt.card = marked(attempt.card)
        return None

    def _after(self, attempt: _Attempt, failure: Undelivered) -> float | None:
        """How it goes on after a failure: seconds until the next attempt, None where there is none."""
        match failure.why:
            case "later" | "doubt":
                wait = max(failure.wait or 0.0, backoff(attempt.tries))
                if failure.why == "doubt":
                    attempt.doubtful, wait = True, max(wait, _SETTLE)
                attempt.tries += 1
                return wait
            case "missing" if not attempt.alone:
                attempt.alone = True
                conversation = replace(attempt.request.conversation, thread=None)
                attempt.request = replace(attempt.request, conversation=conversation)
                return 0.0
            case "refused" | "missing" if not attempt.text:
                attempt.text = True
                attempt.card = as_text(attempt.card)
                return 0.0
        return None

    async def _give_up(self, chat: Chat, request: CommandRequest, failure: Undelivered, tries: int) -> None:
        where = request.conversation.id
        log.error(
            "answer.undelivered", key=request.key, conversation=where, why=failure.why, code=failure.code, tries=tries
        )
        try:
            async with asyncio.timeout(_SAY_SECONDS):
                await chat.say(request, UNSENDABLE)
        except (Undelivered, TimeoutError) as error:
            log.warning("answer.unsent", key=request.key, error=str(error))


def key_of(request: CommandRequest) -> str:
    """What is hidden in the message of an answer. The request's own key may be an id that opens something."""
    return f"answer:{hashlib.sha256(request.key.encode()).hexdigest()[:32]}"
