"""Cards on their way out: to allowed hosts only, within Teams' limits, with their pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog

import cards.teams.message
from bot.chat.budget import Budget, Limits, Priority
from bot.chat.hosts import host_of, may_call
from bot.chat.port import Pictures
from bot.chat.request import Conversation
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.picture_size import fits, narrower, within
from bot.chat.teams.references import References
from bot.chat.teams.sdk import Connector
from bot.chat.teams.seals import Place, Seals
from cards.build import without_pictures
from cards.card import Attachment, Card, Chart, Picture, Rendered

log = structlog.get_logger()

T = TypeVar("T")

CARD = "application/vnd.microsoft.card.adaptive"
LIMITS = {"call": Limits(conversation=((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0)), workspace=((40, 1.0),))}
"""Teams' own for one bot in one conversation, and 40 of the 50 a second that it allows one bot in one tenant."""
_PICTURE_SECONDS = 20.0


def allowed(service_url: str, hosts: Sequence[str]) -> bool:
    """True where the bot's token may be sent: see :func:`bot.chat.hosts.may_call`."""
    return may_call(service_url, hosts, query=False)


def activity(payload: dict[str, object], summary: str) -> dict[str, object]:
    """A message of one card and nothing else: text beside a card is split off and cannot be edited."""
    return {"type": "message", "summary": summary, "attachments": [{"contentType": CARD, "content": payload}]}


class Outbound:
    """Renders cards, and makes the calls that send them."""

    def __init__(
        self,
        connector: Connector,
        references: References,
        pictures: Pictures,
        hosts: Sequence[str],
        budget: Budget | None = None,
        *,
        seals: Seals,
        modern: bool = False,
    ) -> None:
        """``seals`` are those of buttons; ``modern`` lets Teams draw small charts itself."""
        self._connector = connector
        self._references = references
        self._pictures = pictures
        self._hosts = tuple(hosts)
        self._modern = modern
        self.seals = seals
        self.budget = budget or Budget(LIMITS)

    async def render(self, card: Card, place: Place | None = None) -> Rendered:
        """The card with links to its pictures and files; one that fails leaves its words.

        ``place`` is where it is to stand, which the answers to its buttons may replace; None for nowhere.
        """
        seal = partial(self.seals.seal, place) if place else None
        rendered = cards.teams.message.render(card, seal=seal)
        if not rendered.pictures and not rendered.attachments:
            return rendered
        links = await asyncio.gather(*(self._link(picture) for picture in rendered.pictures))
        found = {picture.key: link for picture, link in zip(rendered.pictures, links, strict=True) if link}
        lent = await asyncio.gather(*(self._lend(file) for file in rendered.attachments))
        files = {file.name: link for file, link in zip(rendered.attachments, lent, strict=True) if link}
        missing = {picture.key for picture in rendered.pictures} - found.keys()
        if missing:
            card = without_pictures(card, missing)
        elif not found and not files:
            return rendered
        return cards.teams.message.render(card, found, files, modern=self._modern, seal=seal)

    async def once(
        self,
        conversation: Conversation,
        priority: Priority,
        call: Callable[[Connector, Conversation], Awaitable[T]],
        *,
        there: bool = True,
        asker: str = "",
    ) -> T:
        """Make one call in its turn; a failure is not repeated. ``asker`` is who waits for it. Raises TeamsError.

        ``there`` says that it is about the conversation itself, so that its outcome shows whether the bot can write
        there.
        """
        conversation = self._references.current(conversation)
        self._check(conversation)
        try:
            async with self.budget.turn(conversation.id, priority, "call", asker):
                answer = await call(self._connector, conversation)
        except TeamsError as error:
            if error.retry_after:
                self.budget.hold(conversation.id, "call", error.retry_after)
            if there:
                await self._failed(conversation, error)
            raise
        if there:
            await self._references.seen(conversation, datetime.now(UTC))
        return answer

    def _check(self, conversation: Conversation) -> None:
        if not allowed(conversation.service_url, self._hosts):
            log.warning(
                "teams.service_url_refused",
                host=host_of(conversation.service_url),
                conversation=conversation.id,
            )
            raise TeamsError(0, "ServiceUrlRefused", "its host is not in teams.service_hosts", sent=False)

    async def _failed(self, conversation: Conversation, error: TeamsError) -> None:
        log.warning(
            "teams.undelivered",
            conversation=conversation.id,
            status=error.status,
            code=error.code,
            message=error.message,
        )
        if error.gone:
            await self._references.left(conversation)

    async def _link(self, picture: Picture) -> str | None:
        png = b""
        try:
            async with asyncio.timeout(_PICTURE_SECONDS):
                chart: Chart | None = within(picture.chart)
                while chart is not None:
                    png = await self._pictures.png(chart)
                    if fits(png):
                        return await self._pictures.link(png)
                    chart = narrower(chart, png)
        except Exception as error:  # whatever a picture does, the card goes out
            log.warning("teams.picture_failed", key=picture.key, error=f"{type(error).__name__}: {error}")
        else:
            log.warning("teams.picture_too_large", key=picture.key, bytes=len(png))
        return None

    async def _lend(self, attachment: Attachment) -> str | None:
        try:
            return await self._pictures.file_link(attachment)
        except Exception as error:  # whatever a file does, the card goes out
            log.warning("teams.file_failed", error=f"{type(error).__name__}: {error}")
        return None


def wire_id(conversation: Conversation) -> str:
    """The conversation's id on the wire; only channels have threads."""
    return (
        f"{conversation.id};messageid={conversation.thread}"
        if conversation.thread and conversation.kind == "channel"
        else conversation.id
    )
