"""Cards on their way out: to allowed hosts only, paced, retried where that helps, with their pictures."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog

import cards.teams.message
from bot.chat.port import Pictures
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.framework import Connector
from bot.chat.teams.pacer import Pacer
from bot.chat.teams.references import References
from bot.requests.request import Conversation
from bot.settings import is_loopback
from cards.card import Attachment, Card, Picture, Rendered

log = structlog.get_logger()

T = TypeVar("T")

CARD = "application/vnd.microsoft.card.adaptive"
_RETRIED = frozenset({412, 429, 502, 504})
_ATTEMPTS = 5
_LONGEST_WAIT = 300.0
"""Seconds of ``Retry-After`` that are waited for; told to wait longer, the call fails."""
_WIDEST = 1024
_LARGEST = 1_000_000
_PICTURE_SECONDS = 20.0


def allowed(service_url: str, hosts: Sequence[str]) -> bool:
    """True where the bot's token may be sent: https to a listed host, or http to a listed loopback host.

    A host is listed as ``host`` (any port) or ``host:port``.
    """
    try:
        parts = urlsplit(service_url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        return False
    if not host or parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return False
    listed = {name.strip().lower() for name in hosts}
    return host in listed or (port is not None and f"{host}:{port}" in listed)


def activity(payload: dict[str, object], summary: str) -> dict[str, object]:
    """A message of one card and nothing else: text beside a card is split off and cannot be edited."""
    return {"type": "message", "summary": summary, "attachments": [{"contentType": CARD, "content": payload}]}


class Outbound:
    """Posts and edits messages. Every method that sends raises TeamsError."""

    def __init__(
        self,
        connector: Connector,
        references: References,
        pictures: Pictures,
        hosts: Sequence[str],
        *,
        pacer: Pacer | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._connector = connector
        self._references = references
        self._pictures = pictures
        self._hosts = tuple(hosts)
        self._pacer = pacer or Pacer()
        self._sleep = sleep

    async def render(self, card: Card) -> Rendered:
        """The card with links to its pictures and files; one that fails leaves its words."""
        rendered = cards.teams.message.render(card)
        if not rendered.pictures and not rendered.attachments:
            return rendered
        links = await asyncio.gather(*(self._link(picture) for picture in rendered.pictures))
        found = {picture.key: link for picture, link in zip(rendered.pictures, links, strict=True) if link}
        lent = await asyncio.gather(*(self._lend(file) for file in rendered.attachments))
        files = {file.name: link for file, link in zip(rendered.attachments, lent, strict=True) if link}
        return cards.teams.message.render(card, found, files) if found or files else rendered

    async def post(self, conversation: Conversation, payload: dict[str, object], summary: str) -> str:
        """Send a card as a new message (in the conversation's thread, where it has one); returns the message's id."""
        return await self._send(
            conversation,
            lambda: self._connector.post(conversation.service_url, wire_id(conversation), activity(payload, summary)),
        )

    async def update(self, conversation: Conversation, message: str, payload: dict[str, object], summary: str) -> None:
        """Replace a message."""
        written = activity(payload, summary)
        await self._send(
            conversation,
            lambda: self._connector.update(conversation.service_url, wire_id(conversation), message, written),
            again=True,
        )

    async def personal(self, conversation: Conversation, person: str) -> Conversation:
        """The chat with one person of the conversation's tenant."""
        chat = await self._send(
            conversation,
            lambda: self._connector.personal(conversation.service_url, person, conversation.team),
            again=True,
        )
        return Conversation("teams", chat, "personal", conversation.team, service_url=conversation.service_url)

    async def once(
        self, conversation: Conversation, call: Callable[[Connector, Conversation], Awaitable[T]], *, there: bool = True
    ) -> T:
        """Make one call of the bot's own accord, when nobody waits for an answer there; failures are not repeated.

        ``there`` says that it is about the conversation itself, so that its outcome tells whether the bot can write
        there.
        """
        conversation = self._references.current(conversation)
        self._check(conversation)
        try:
            async with self._pacer.entry(conversation.id):
                answer = await call(self._connector, conversation)
        except TeamsError as error:
            if there:
                await self._failed(conversation, error)
            raise
        if there:
            await self._references.heard(conversation, datetime.now(UTC))
        return answer

    async def _send(self, conversation: Conversation, call: Callable[[], Awaitable[T]], *, again: bool = False) -> T:
        """Make a call when it is its turn. ``again`` says that a call whose answer was lost may be repeated."""
        self._check(conversation)
        async with self._pacer.line(conversation.id) as line:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    async with line.slot():
                        return await call()
                except TeamsError as error:
                    delay = _delay(error, attempt, again=again)
                    if delay is None:
                        await self._failed(conversation, error)
                        raise
                    log.info(
                        "teams.retry",
                        conversation=conversation.id,
                        status=error.status,
                        code=error.code,
                        seconds=round(delay, 1),
                    )
                await self._sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    def _check(self, conversation: Conversation) -> None:
        if not allowed(conversation.service_url, self._hosts):
            log.warning(
                "teams.service_url_refused",
                host=urlsplit(conversation.service_url).hostname,
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
        chart = picture.chart
        if chart.width > _WIDEST:
            height = round(chart.height * _WIDEST / chart.width)
            chart = msgspec.structs.replace(chart, width=_WIDEST, height=height)
        try:
            async with asyncio.timeout(_PICTURE_SECONDS):
                png = await self._pictures.png(chart)
                if len(png) <= _LARGEST:
                    return await self._pictures.link(png)
        except Exception as error:  # whatever a picture does, the card goes out
            log.warning("teams.picture_failed", key=picture.key, error=f"{type(error).__name__}: {error}"[:200])
        else:
            log.warning("teams.picture_too_large", key=picture.key, bytes=len(png))
        return None

    async def _lend(self, attachment: Attachment) -> str | None:
        try:
            return await self._pictures.file_link(attachment)
        except Exception as error:  # whatever a file does, the card goes out
            log.warning("teams.file_failed", error=f"{type(error).__name__}: {error}"[:200])
        return None


def wire_id(conversation: Conversation) -> str:
    """The conversation's id on the wire; only channels have threads."""
    return (
        f"{conversation.id};messageid={conversation.thread}"
        if conversation.thread and conversation.kind == "channel"
        else conversation.id
    )


def _delay(error: TeamsError, attempt: int, *, again: bool) -> float | None:
    """Seconds until the next attempt; None when there is none."""
    lost = error.status == 0 and (not error.sent or (again and error.code == "NoAnswer"))
    if attempt >= _ATTEMPTS or not (error.status in _RETRIED or lost):
        return None
    jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
    if error.retry_after is None:
        return jitter * float(1 << (attempt - 1))
    return error.retry_after + jitter if error.retry_after <= _LONGEST_WAIT else None
