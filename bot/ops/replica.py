"""One of several replicas of the program on one database: it stands by until the duties are its own, and then has them.

Every replica takes in what people do and opens forms. The one that has the lease (:class:`storage.port.replicas.Lease`)
has the duties: it decides, sends, reports, prunes, and works off what any replica took in. What others learn that it
has to know (a conversation that it was let into, or that has another id) they leave in the database for it.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import structlog
from msgspec import Struct

from bot.chat.port import Shared
from bot.chat.request import Conversation
from bot.ops.moved import Conversations
from storage.port.conversations import ConversationReference
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.replicas import Lease
from storage.port.store import Store

log = structlog.get_logger()

_GLANCE = 0.1
"""Seconds between two looks whether the duties are its own by now, which costs nothing."""
_REFRESH = 5.0
"""Seconds between two times that it learns what the others have found out of conversations."""
_NEWS = 0.5
"""Seconds between two looks for what others left for whoever has the duties."""
_AGAIN = 1.0
"""Seconds before the duties are begun again, where the database failed at it."""
_FRESH = 2.0
"""For so many seconds what forms are made from is good, where others have the duties."""
_NAMESPACE = "replica-news"


class _News(Struct, frozen=True, omit_defaults=True):
    """What another replica learned of a conversation: where it is reached or not, or the id that it had."""

    conversation: Conversation | None = None
    yes: bool = False
    reference: ConversationReference | None = None
    old: str = ""


class Replica:
    """This replica. :meth:`run` beside everything else, from the start to the end."""

    def __init__(
        self,
        lease: Lease,
        front: Store,
        duties: Store,
        platforms: Iterable[object],
        conversations: Conversations,
        take_up: Callable[[], Awaitable[None]],
    ) -> None:
        """``take_up`` begins the duties; it is called again where it raises StoreError."""
        self.lease = lease
        self.on_duty = False
        self._front, self._duties = front, duties
        self._platforms = [each for each in platforms if isinstance(each, Shared)]
        self._conversations = conversations
        self._take_up = take_up
        self._id, self._told = secrets.token_hex(4), itertools.count()
        self._refreshed = 0.0
        for each in self._platforms:
            each.stand_by(self.may)

    def may(self) -> bool:
        """Whoever has, or had, the duties sends only while nobody else can have them; the others answer for forms."""
        return not self.lease.epoch or self.lease.sure()

    async def run(self) -> None:
        """Stand by, take up the duties, and do for the others what those cannot."""
        alive = asyncio.create_task(self._live(), name="alive")
        try:
            await self._run()
        finally:
            alive.cancel()

    async def _live(self) -> None:
        """A program whose event loop hangs is to lose the duties, though the thread that renews them does not."""
        while True:
            self.lease.alive()
            await asyncio.sleep(_AGAIN)

    async def _run(self) -> None:
        while not self.lease.held:
            await asyncio.sleep(_GLANCE)
            await self._refresh()
        log.info("replica.takes_over", epoch=self.lease.epoch)
        while not self.on_duty:
            try:
                for each in self._platforms:
                    await each.refresh()
                    await each.take_over()
                await self._take_up()
                self.on_duty = True
            except StoreError as error:
                log.warning("replica.not_begun", message=str(error))
                await asyncio.sleep(_AGAIN)
        log.info("replica.has_the_duties", epoch=self.lease.epoch)
        while True:
            await self._refresh()
            try:
                await self._hear()
            except StoreError as error:
                log.warning("replica.not_heard", message=str(error))
            await asyncio.sleep(_NEWS)

    async def reached(self, conversation: Conversation, yes: bool) -> None:
        """See :data:`bot.chat.port.Reach`. Raises StoreError."""
        if self.on_duty:
            await self._conversations.reached(conversation, yes)
        else:
            await self._tell(_News(conversation, yes))

    async def moved(self, reference: ConversationReference, old: str) -> None:
        """See :data:`bot.chat.port.Moved`. Raises StoreError."""
        if self.on_duty:
            await self._conversations.moved(reference, old)
        else:
            await self._tell(_News(reference=reference, old=old))

    async def _refresh(self) -> None:
        if time.monotonic() - self._refreshed < _REFRESH:
            return
        self._refreshed = time.monotonic()
        try:
            for each in self._platforms:
                await each.refresh()
        except StoreError as error:
            log.warning("replica.not_refreshed", message=str(error))

    async def _tell(self, news: _News) -> None:
        now = datetime.now(UTC)
        name = f"{now.timestamp():.6f}-{self._id}-{next(self._told)}"
        await self._front.put_preference(_NAMESPACE, "all", name, msgspec.json.encode(news), now)

    async def _hear(self) -> None:
        """Do what others left, the oldest first; what fails is done again."""
        kept = await self._duties.preferences(_NAMESPACE, "all")
        for each in sorted(kept, key=lambda kept: (kept.at, kept.name)):
            try:
                await self._do(decoded(each.value, _News) or _News())
            except StoreError:
                raise
            except Exception:  # it would be so the next time too
                log.exception("replica.news_failed", news=each.name)
            await self._duties.delete_preference(_NAMESPACE, "all", each.name)

    async def _do(self, news: _News) -> None:
        if news.conversation:
            await self._conversations.reached(news.conversation, news.yes)
        elif news.reference:
            await self._conversations.moved(news.reference, news.old)


class _Either:
    """The store of the duties from when this replica has, or had, them; until then that of any replica."""

    def __init__(self, lease: Lease, front: Store, duties: Store) -> None:
        self._lease, self._front, self._duties = lease, front, duties

    def __getattr__(self, name: str) -> Any:
        return getattr(self._duties if self._lease.epoch else self._front, name)


def store_of(lease: Lease | None, front: Store, duties: Store) -> Store:
    """The store for what commands keep, and forms, which any replica opens and checks."""
    return cast(Store, _Either(lease, front, duties)) if lease else duties


def seldom(read: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """What reads, as something that reads every few seconds at most, and goes on with what is known where it fails."""
    last = float("-inf")

    async def reading() -> None:
        nonlocal last
        if time.monotonic() - last < _FRESH:
            return
        last = time.monotonic()
        try:
            await read()
        except StoreError as error:
            log.warning("replica.not_read", message=str(error))

    return reading
