"""One message of a live answer: it shows the newest card, and the last one whatever it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from bot.chat.fallback import UNSENDABLE, as_text
from bot.chat.port import Chat, Undelivered
from bot.chat.request import CommandRequest
from bot.clock import Clock, backoff
from bot.requests.live_wording import claims_to_live, ended
from cards.build import text
from cards.card import Card, Text
from storage.port.live import LiveCard, LiveStore

log = structlog.get_logger()

KEPT = timedelta(days=1)
"""How long a last card is tried to be shown."""


class LiveMessage:
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
            log.exception("live.not_stored", key=self.key)

    async def forget(self) -> None:
        """Nothing more is to be shown."""
        try:
            await self._store.delete_live(self.key)
        except Exception:  # it is found after the next start, and shown once more
            log.exception("live.not_deleted", key=self.key)

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
                except Exception as unsent:
                    error = unsent if isinstance(unsent, Undelivered) else _broken(unsent, self.key)
                    expired = over and self._clock.now() - began > KEPT
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


def _broken(error: Exception, key: str) -> Undelivered:
    """The card cannot be rendered, or the adapter breaks its word: as text it may be shown yet."""
    log.error("live.chat_failed", key=key, exc_info=error)
    return Undelivered("refused", type(error).__name__)
