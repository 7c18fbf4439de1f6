"""What follows a message on Slack: its pictures by an edit, its files in its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.budget import Budget, Priority
from bot.chat.port import Pictures
from bot.chat.request import Conversation
from bot.chat.slack.errors import code_of, is_passing, judged
from bot.chat.slack.outbound import patiently, share, upload
from bot.chat.slack.owed import OwedPictures
from cards.build import in_words, refusal, without_pictures
from cards.card import Attachment, Card, Rendered
from cards.slack.message import render
from cards.text_fit import file_name

log = structlog.get_logger()

_SHARED = 500
"""Files of which is remembered that they are in their thread."""
_OWED = timedelta(days=1)
"""For which it is tried to bring a message its pictures."""
_AGAIN_SECONDS = 60.0
_PRIVATE_SECONDS = 10.0
"""That an answer for one person waits for its pictures: nothing can follow it."""


class Following:
    """Work behind the messages. ``post`` says something in a thread; it is used where a file cannot be shared."""

    def __init__(
        self,
        client: AsyncWebClient,
        pictures: Pictures,
        budget: Budget,
        post: Callable[[Conversation, Card], Awaitable[object]],
        owed: OwedPictures,
        id_of: Callable[[str], str] = lambda channel: channel,
    ) -> None:
        """``id_of`` says what id a channel has now."""
        self._id_of = id_of
        self._owed = owed
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

    async def resume(self) -> None:
        """Bring the pictures that an earlier run of the program owes; call it before anything is sent."""
        for each in await self._owed.left():
            self._bring(each.channel, each.stamp, each.card, modern=each.modern, until=each.since + _OWED)

    async def posted(self, channel: str, stamp: str, thread: str | None, card: Card, rendered: Rendered) -> None:
        """A card was posted without its pictures and files: let them follow. That pictures do is noted by now."""
        if rendered.pictures:
            await self._owed.note(channel, stamp, card, modern=rendered.modern)
            self._bring(channel, stamp, card, modern=rendered.modern, until=datetime.now(UTC) + _OWED)
        if rendered.attachments:
            self.later(self.share(channel, thread or stamp, rendered.attachments))

    async def overtake(self, channel: str, stamp: str) -> None:
        """A newer card replaces this message: pictures still on their way to it must not bring the old one back."""
        if task := self._pending.pop((channel, stamp), None):
            task.cancel()
        await self._owed.settle(channel, stamp)

    def _bring(self, channel: str, stamp: str, card: Card, *, modern: bool, until: datetime) -> None:
        task = self.later(self.replace(channel, stamp, card, modern=modern, until=until))
        self._pending[channel, stamp] = task
        task.add_done_callback(lambda done: self._overtaken(channel, stamp, done))

    async def replace(self, channel: str, stamp: str, card: Card, *, modern: bool, until: datetime) -> None:
        """Update a message once its pictures are ready; one that fails is described in words instead.

        While Slack is out it is tried again, until a moment that is known before.
        """

        while True:
            payload: Mapping[str, Any] = (await self.whole(channel, card, modern=modern)).payload
            try:
                await patiently(partial(self._edit, channel, stamp, payload))
                break
            except SlackApiError as error:
                if not is_passing(error):
                    log.warning("slack.picture_refused", channel=channel, code=code_of(error))
                    described = without_pictures(card)
                    if judged(error).why != "refused" or described == card:
                        break
                    card = described
                    continue
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("slack.picture_waits", channel=channel, error=type(error).__name__)
            if datetime.now(UTC) >= until:
                log.warning("slack.picture_given_up", channel=channel)
                break
            await asyncio.sleep(_AGAIN_SECONDS)
        await self._owed.settle(self._id_of(channel), stamp)

    async def _edit(self, channel: str, stamp: str, payload: Mapping[str, Any]) -> None:
        channel = self._id_of(channel)
        async with self._budget.turn(channel, Priority.ALERT, "update"):
            await self._client.chat_update(channel=channel, ts=stamp, **payload)

    async def lent(self, card: Card, *, modern: bool) -> Rendered:
        """A message that nothing can follow: its pictures by signed links, or their words where there are none.

        Slack fetches a picture itself, from an address on the Internet; so a link is used where it is one by https.
        """
        pictures, links = render(card, modern=modern).pictures, dict[str, str]()
        try:
            async with asyncio.timeout(_PRIVATE_SECONDS):
                for picture in pictures:
                    link = await self._pictures.link(await self._pictures.png(picture.chart))
                    if link.startswith("https://"):
                        links[picture.key] = link
        except Exception as error:  # a picture never fails its card, whatever happened to it
            log.info("slack.picture_in_words", error=type(error).__name__)
        return render(card if len(links) == len(pictures) else in_words(card), links, modern=modern)

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
                await share(self._client, attachment, self._id_of(channel), thread)
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
