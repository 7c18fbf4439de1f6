"""What follows a message on Slack: its pictures by an edit, its files in its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.budget import Budget, Priority
from bot.chat.port import Pictures
from bot.chat.request import Conversation
from bot.chat.slack.errors import code_of
from bot.chat.slack.outbound import patiently, share, upload
from cards.build import refusal, without_pictures
from cards.card import Attachment, Card, Rendered
from cards.slack.message import render
from cards.text_fit import file_name

log = structlog.get_logger()

_SHARED = 500
"""Files of which is remembered that they are in their thread."""


class Following:
    """Work behind the messages. ``post`` says something in a thread; it is used where a file cannot be shared."""

    def __init__(
        self,
        client: AsyncWebClient,
        pictures: Pictures,
        budget: Budget,
        post: Callable[[Conversation, Card], Awaitable[object]],
    ) -> None:
        self._client = client
        self._pictures = pictures
        self._budget = budget
        self._post = post
        self._background: set[asyncio.Task[None]] = set()
        self._pending: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._shared: dict[tuple[str, str, int], None] = {}

    def close(self) -> None:
        """Drop what is under way."""
        for task in list(self._background):
            task.cancel()

    def later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that nobody waits for; what it raises is logged."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)
        return task

    def posted(self, channel: str, stamp: str, thread: str | None, card: Card, rendered: Rendered) -> None:
        """A card was posted without its pictures and files: let them follow."""
        if rendered.pictures:
            task = self.later(self.replace(channel, stamp, card, modern=rendered.modern))
            self._pending[channel, stamp] = task
            task.add_done_callback(lambda done: self._overtaken(channel, stamp, done))
        if rendered.attachments:
            self.later(self.share(channel, thread or stamp, rendered.attachments))

    def overtake(self, channel: str, stamp: str) -> None:
        """A newer card replaces this message: pictures still on their way to it must not bring the old one back."""
        if task := self._pending.pop((channel, stamp), None):
            task.cancel()

    async def replace(self, channel: str, stamp: str, card: Card, *, modern: bool) -> None:
        """Update a message once its pictures are ready; one that fails is described in words instead."""
        payload: Mapping[str, Any] = (await self.whole(channel, card, modern=modern)).payload

        async def call() -> None:
            async with self._budget.turn(channel, Priority.ALERT, "update"):
                await self._client.chat_update(channel=channel, ts=stamp, **payload)

        await patiently(call)

    async def whole(self, channel: str, card: Card, *, modern: bool, within: float | None = None) -> Rendered:
        """The message with its pictures uploaded, or described in words where they fail or take over ``within``.

        ``modern``: its small charts are Slack's own (:mod:`bot.chat.slack.modern`).
        """
        files: dict[str, str] = {}
        try:
            async with asyncio.timeout(within):
                for picture in render(card, modern=modern).pictures:
                    files[picture.key] = await upload(self._client, self._pictures, picture)
        except Exception:  # a chart never fails its card, whatever happened to it
            log.exception("slack.picture_failed", channel=channel)
            card = without_pictures(card)
        return render(card, files, modern=modern)

    async def share(self, channel: str, thread: str, attachments: Sequence[Attachment]) -> None:
        """Put files into a thread, each once however often its card is edited; one that fails is reported there."""
        for attachment in attachments:
            key = channel, thread, hash(attachment)
            if key in self._shared:
                continue
            self._shared[key] = None
            while len(self._shared) > _SHARED:
                self._shared.pop(next(iter(self._shared)))
            try:
                await share(self._client, attachment, channel, thread)
            except Exception as error:  # a file never fails its card, whatever happened to it
                del self._shared[key]
                code = code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
                log.exception("slack.file_failed", channel=channel)
                what = f"{file_name(attachment.name)} could not be uploaded."
                card = refusal(what, f"Slack says: {code}. Try again.")
                await self._post(Conversation("slack", channel, thread=thread), card)

    def _overtaken(self, channel: str, stamp: str, task: asyncio.Task[None]) -> None:
        if self._pending.get((channel, stamp)) is task:
            del self._pending[channel, stamp]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("slack.background_failed", error=type(error).__name__, code=getattr(error, "args", [""])[0])
