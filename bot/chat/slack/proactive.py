"""What the bot says on Slack of its own accord: each message once, findable by its key, and honest about failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.port import Undelivered, UnreadableError
from bot.chat.slack.channels import Rooms
from bot.chat.slack.following import Following
from bot.chat.slack.outbound import Channels, code_of
from bot.requests.request import Conversation, Person
from cards.card import Card
from cards.slack.message import render

T = TypeVar("T")

EVENT_TYPE = "batchbot_letter"
"""The metadata's type; its payload is ``{"key": …}``. Slack keeps it through edits that do not name it."""
_MARGIN = timedelta(minutes=10)
"""How far Slack's clock may be behind ours: it refuses signatures that are half as far off."""
_PAGE = 200
_PICTURE_SECONDS = 20.0

_OUT = {
    *("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "org_login_required"),
    *("missing_scope", "not_allowed_token_type", "no_permission", "ekm_access_denied", "access_denied"),
    *("two_factor_setup_required", "enterprise_is_restricted", "accesslimited", "team_access_not_granted"),
}
"""The bot is put out of the workspace, or must be installed anew."""
_GONE = {
    *("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "messages_tab_disabled"),
    *("restricted_action_read_only_channel", "restricted_action_thread_only_channel", "channel_type_not_supported"),
    *("user_not_found", "user_disabled", "cannot_dm_bot", "slack_connect_canvas_sharing_blocked", "team_not_found"),
}
_MISSING = {
    *("message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"),
    *("cannot_reply_to_message", "restricted_action_non_threadable_channel"),
}
_LATER = {
    *("ratelimited", "rate_limited", "message_limit_exceeded", "request_timeout", "external_channel_migrating"),
    "service_unavailable",
}
_DOUBT = {"fatal_error", "internal_error"}
"""Slack: "it's possible some aspect of the operation succeeded before the error was raised"."""
_EVERYWHERE = {"service_unavailable", "fatal_error", "internal_error", "team_added_to_org"}


class Proactive:
    """The second half of :class:`bot.chat.port.Chat` for Slack; every method raises Undelivered."""

    def __init__(self, client: AsyncWebClient, channels: Channels, following: Following, rooms: Rooms) -> None:
        self._client = client
        self._channels = channels
        self._following = following
        self._rooms = rooms

    async def post_once(self, conversation: Conversation, card: Card, key: str, *, loud: bool) -> tuple[str, str]:
        """Post a card with its key in the metadata; pictures and files follow."""
        rendered = render(card)
        call: dict[str, Any] = {
            "channel": conversation.id,
            "unfurl_links": False,
            "unfurl_media": False,
            **rendered.payload,
        }
        call["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        if conversation.thread:
            call |= {"thread_ts": conversation.thread, "reply_broadcast": loud}
        answer = await self._once(
            conversation, lambda: self._channels.entry(conversation.id, lambda: self._client.chat_postMessage(**call))
        )
        stamp, channel = str(answer["ts"]), str(answer["channel"])
        self._following.posted(channel, stamp, conversation.thread, card, rendered)
        await self._rooms.heard(conversation)
        return stamp, channel

    async def update_posted(self, conversation: Conversation, message: str, card: Card) -> None:
        """Replace a message, pictures included, so that the picture it has does not vanish until the next is there."""
        self._following.overtake(conversation.id, message)
        payload = await self._following.whole(conversation.id, card, within=_PICTURE_SECONDS)
        await self._once(conversation, lambda: self._client.chat_update(channel=conversation.id, ts=message, **payload))

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        """The message with this key: read from ``since`` to the end, in the thread or else the channel.

        Raises UnreadableError where the app was not granted the scope to read there.
        """
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

    async def _find(
        self, conversation: Conversation, key: str, read: Callable[..., Awaitable[Any]], **window: str
    ) -> str | None:
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = await self._once(
                conversation,
                lambda more=more: read(  # type: ignore[misc]
                    channel=conversation.id, limit=_PAGE, include_all_metadata=True, **window, **more
                ),
            )
            for message in answer["messages"]:
                if _key(message) == key:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The direct messages with a person of the workspace."""
        answer = await self._once(
            conversation, lambda: self._client.conversations_open(users=person.id), of_person=True
        )
        return Conversation("slack", str(answer["channel"]["id"]), "personal", conversation.team, name=person.name)

    async def _once(
        self, conversation: Conversation, call: Callable[[], Awaitable[T]], *, of_person: bool = False
    ) -> T:
        """Make a call, once; what failed is told in the port's words, and a conversation that is shut is noted."""
        try:
            return await call()
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            undelivered = judged(error)
            if undelivered.why == "gone" and not undelivered.everywhere and not of_person:
                await self._rooms.shut(conversation)
            raise undelivered from error


def judged(error: Exception) -> Undelivered:
    """What a failed call means for the message."""
    if isinstance(error, SlackApiError):
        return _refused(error)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Undelivered("later", type(error).__name__, everywhere=True)  # no connection, so nothing was sent
    return Undelivered("doubt", type(error).__name__, everywhere=True)


def _refused(error: SlackApiError) -> Undelivered:
    code = code_of(error)
    # A body that is no JSON comes as aiohttp's bare response, which calls it ``status``.
    status: int = getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0)
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        return Undelivered("later", code or "ratelimited", wait=_seconds(error.response.headers))
    if code in _LATER or status == 503:
        return Undelivered("later", code or str(status), everywhere=code in _EVERYWHERE or status == 503)
    if code in _DOUBT or status >= 500 or (status == 200 and not code):
        return Undelivered("doubt", code or str(status), everywhere=True)
    if code in _OUT or status in {401, 403}:
        return Undelivered("gone", code or str(status), everywhere=True)
    if code in _GONE:
        return Undelivered("gone", code)
    return Undelivered("missing" if code in _MISSING else "refused", code or str(status))


def _seconds(headers: Mapping[str, str]) -> float:
    try:
        return max(1.0, float(headers.get("Retry-After", 1)))
    except ValueError:
        return 1.0


def _key(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("key", "")) if metadata.get("event_type") == EVENT_TYPE else ""
