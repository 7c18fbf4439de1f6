"""Messages on Slack: each call once and in its turn, findable by its key, and honest about failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.chat.budget import Budget, Priority
from bot.chat.hosts import host_of
from bot.chat.port import Newest, Undelivered, UnreadableError
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.slack.channels import Channels
from bot.chat.slack.errors import judged, judged_response
from bot.chat.slack.following import Following
from bot.chat.slack.hosts import answers
from bot.chat.slack.modern import ModernBlocks
from cards.build import in_words, without_attachments
from cards.card import Card, Rendered
from cards.slack.message import render

log = structlog.get_logger()

T = TypeVar("T")

EVENT_TYPE = "batchbot_letter"
"""The metadata's type; its payload is ``{"key": …}``. Slack keeps it through edits that do not name it. The word is an
old one: messages that are already in channels carry it."""
_MARGIN = timedelta(minutes=10)
"""How far Slack's clock may be behind ours: it refuses signatures that are half as far off."""
_PAGE = 200
_PICTURE_SECONDS = 20.0
_RESPOND = aiohttp.ClientTimeout(total=30)


class Messages:
    """The half of :class:`bot.chat.port.Chat` that sends to Slack; every method raises Undelivered."""

    def __init__(
        self,
        client: AsyncWebClient,
        budget: Budget,
        following: Following,
        channels: Channels,
        modern: ModernBlocks,
    ) -> None:
        self._client = client
        self._modern = modern
        self._budget = budget
        self._following = following
        self._channels = channels

    async def load(self) -> None:
        """Learn what was noted of workspaces before; call it before the first message."""
        await self._modern.load()

    async def post_once(
        self,
        conversation: Conversation,
        card: Card,
        key: str,
        *,
        loud: bool = False,
        asker: Person | None = None,
    ) -> tuple[str, str]:
        """Post a card with its key in the metadata; pictures and files follow. Returns its timestamp and channel.

        ``asker`` is who waits for it; None for an alert.
        """
        conversation = self._channels.current(conversation)
        more: dict[str, Any] = {}
        if key:
            more["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        if conversation.thread:
            more["reply_broadcast"] = loud

        async def send(drawn: Rendered) -> AsyncSlackResponse:
            return await self._client.chat_postMessage(**_call(conversation, drawn.payload), **more)

        rendered, answer = await self._once(
            conversation, "post", lambda: self._sent(conversation, card, send), asker=asker
        )
        stamp, channel = str(answer["ts"]), str(answer["channel"])
        await self._following.posted(channel, stamp, conversation.thread, card, rendered)
        return stamp, channel

    async def post_aside(self, request: CommandRequest, card: Card) -> bool:
        """Post a card that the asker alone sees. False where they are not in the channel and nothing else reaches them:
        a refusal tells nothing that others may not see. Raises Undelivered.
        """
        try:
            await self.post_private(request.conversation, request.person, card)
        except Undelivered as error:
            if error.code != "user_not_in_channel" or request.reply_url or not card.refused:
                raise
            return False
        return True

    async def post_private(self, conversation: Conversation, person: Person, card: Card) -> None:
        """Post a card that one person sees, until they reload; without files, which cannot be private.

        Such a message cannot be edited, so its pictures are there from the beginning, or are told in words.
        """
        card = without_attachments(card, "This answer is for you alone: ask me in a direct message.")
        conversation = self._channels.current(conversation)

        async def send(drawn: Rendered) -> AsyncSlackResponse:
            return await self._client.chat_postEphemeral(**_call(conversation, drawn.payload), user=person.id)

        async def call() -> None:
            await self._modern.sent(conversation.team, drawn, lambda: self._following.lent(card, modern=False), send)

        drawn = await self._following.lent(card, modern=self._modern.has(conversation.team))
        try:
            await self._once(conversation, "ephemeral", call, asker=person)
        except Undelivered as error:
            if error.code != "invalid_blocks" or not _linked(drawn):
                raise
            log.warning("slack.picture_unfetched")  # Slack could not fetch it, so nothing was posted
            card, drawn = in_words(card), render(in_words(card))
            await self._once(conversation, "ephemeral", call, asker=person)

    async def say(self, conversation: Conversation, person: Person, words: str) -> None:
        """Send one person something without any blocks."""
        conversation = self._channels.current(conversation)
        call = _call(conversation, {"text": words}) | {"user": person.id}
        await self._once(conversation, "ephemeral", lambda: self._client.chat_postEphemeral(**call), asker=person)

    async def respond(self, url: str, payload: Mapping[str, Any], *, private: bool, replace: bool) -> None:
        """Answer by response_url, which reaches conversations that the bot is not in (five times in half an hour)."""
        kind = "ephemeral" if private else "in_channel"
        body = {"response_type": kind, "replace_original": replace, **payload}
        if not answers(url, self._client.base_url):
            log.warning("slack.response_url_elsewhere", host=host_of(url))
            raise Undelivered("gone", "response_url_elsewhere")
        self._budget.check()
        try:
            async with (
                aiohttp.ClientSession(timeout=_RESPOND) as session,
                session.post(url, json=body, allow_redirects=False) as answer,
            ):
                status, headers, said = answer.status, answer.headers, await answer.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise judged(error) from error
        if status != 200:
            raise judged_response(status, said, headers)

    async def update(
        self, conversation: Conversation, message: str, card: Card, *, asker: Person | None = None
    ) -> None:
        """Replace a message, pictures included, so that the picture it has does not vanish until the next is there."""
        conversation = self._channels.current(conversation)
        await self._following.overtake(conversation.id, message)

        def whole(*, modern: bool) -> Awaitable[Rendered]:
            return self._following.whole(conversation.id, card, modern=modern, within=_PICTURE_SECONDS)

        async def send(drawn: Rendered) -> None:
            await self._replace(conversation.id, message, drawn.payload)

        team = conversation.team
        drawn = await whole(modern=self._modern.has(team))
        await self._once(
            conversation,
            "update",
            lambda: self._modern.sent(team, drawn, lambda: whole(modern=False), send),
            asker=asker,
        )

    async def update_live(self, conversation: Conversation, message: str, newest: Newest) -> None:
        """Replace a message by the card that is the newest when the turn has come; its pictures and files follow."""

        conversation = self._channels.current(conversation)

        async def send(drawn: Rendered) -> None:
            await self._replace(conversation.id, message, drawn.payload)

        async def call() -> tuple[Card, Rendered]:
            card = await newest()
            await self._following.overtake(conversation.id, message)
            rendered, _ = await self._sent(conversation, card, send)
            return card, rendered

        card, rendered = await self._once(conversation, "update", call, live=True)
        await self._following.posted(conversation.id, message, conversation.thread, card, rendered)

    def update_delay(self, conversation: Conversation) -> float:
        """Seconds until an alert may be edited there."""
        return self._budget.delay(self._channels.id_of(conversation.id), Priority.ALERT, "update")

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        """The message with this key: read from ``since`` to the end, in the thread or else the channel.

        Raises UnreadableError where the app was not granted the scope to read there.
        """
        conversation = self._channels.current(conversation)
        oldest = str((since - _MARGIN).timestamp())
        try:
            if conversation.thread:
                try:
                    return await self._find(
                        conversation, key, self._client.conversations_replies, oldest=oldest, ts=conversation.thread
                    )
                except Undelivered as error:
                    if error.why != "missing":
                        raise
            return await self._find(conversation, key, self._client.conversations_history, oldest=oldest)
        except Undelivered as error:
            if error.code == "missing_scope":
                raise UnreadableError("the app may not read this channel's history") from error
            raise

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The direct messages with a person of the workspace."""
        try:
            answer = await self._client.conversations_open(users=person.id)
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise judged(error) from error
        return Conversation("slack", str(answer["channel"]["id"]), "personal", conversation.team, name=person.name)

    async def _sent(
        self, conversation: Conversation, card: Card, send: Callable[[Rendered], Awaitable[T]]
    ) -> tuple[Rendered, T]:
        """Send a card as its workspace draws it, its pictures still to follow."""

        async def plain() -> Rendered:
            return render(card)

        drawn = render(card, modern=self._modern.has(conversation.team))
        return await self._modern.sent(conversation.team, drawn, plain, send)

    async def _replace(self, channel: str, message: str, payload: Mapping[str, Any]) -> None:
        await self._client.chat_update(channel=channel, ts=message, **payload)

    async def _find(
        self, conversation: Conversation, key: str, read: Callable[..., Awaitable[Any]], **window: str
    ) -> str | None:
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            try:
                answer = await read(channel=conversation.id, limit=_PAGE, include_all_metadata=True, **window, **more)
            except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                raise await self._judged(error, conversation, note=True) from error
            for message in answer["messages"]:
                if _key(message) == key:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None

    async def _once(
        self,
        conversation: Conversation,
        kind: str,
        call: Callable[[], Awaitable[T]],
        *,
        asker: Person | None = None,
        live: bool = False,
    ) -> T:
        """Make a call in its turn, once. What happens to an alert says whether the bot can write there, and is noted.

        No answer reveals it: people ask in channels too that the bot was never in.
        """
        priority = Priority.LIVE if live else Priority.ANSWER if asker else Priority.ALERT
        try:
            async with self._budget.turn(conversation.id, priority, kind, asker.key if asker else ""):
                answer = await call()
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            undelivered = await self._judged(error, conversation, note=priority is Priority.ALERT)
            if undelivered.wait:
                self._budget.hold(conversation.id, kind, undelivered.wait)
            raise undelivered from error
        if priority is Priority.ALERT:
            await self._channels.seen(conversation)
        return answer

    async def _judged(self, error: Exception, conversation: Conversation, *, note: bool) -> Undelivered:
        """What a failed call means; with ``note`` a conversation that is shut is noted."""
        undelivered = judged(error)
        if note and undelivered.why == "gone" and not undelivered.everywhere:
            await self._channels.shut(conversation)
        return undelivered


def _call(conversation: Conversation, payload: Mapping[str, Any]) -> dict[str, Any]:
    call = {"channel": conversation.id, "unfurl_links": False, "unfurl_media": False, **payload}
    if conversation.thread:
        call["thread_ts"] = conversation.thread
    return call


def _linked(drawn: Rendered) -> bool:
    blocks: Any = drawn.payload["blocks"]
    return any("image_url" in block for block in blocks)


def _key(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("key", "")) if metadata.get("event_type") == EVENT_TYPE else ""
