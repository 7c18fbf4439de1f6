"""Links to Azure in people's messages: Slack tells of them (``link_shared``), and shows a card below (``chat.unfurl``).

See https://docs.slack.dev/messaging/unfurling-links-in-messages. Slack tells twice: while a message is written, where
nobody knows in which channel it will be, and once it is posted; only the second is answered, for what may be shown
depends on the channel. A message in a channel that the bot is not in, or that other companies share, is left alone:
nobody let the bot speak there, or the card would be read by people whom the settings do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import structlog
from msgspec.structs import replace
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.port import RequestIntake
from bot.chat.request import CommandRequest, Conversation
from bot.chat.slack import inbound
from bot.chat.slack.errors import code_of
from bot.chat.slack.people import SlackPeople
from bot.chat.typed import unescaped
from cards.slack.message import render

log = structlog.get_logger()

_MOST = 20
"""Links of an event that are looked at."""


class Unfurling:
    """Shows cards below messages with links. What cannot be shown is logged: nobody waits for it."""

    def __init__(self, client: AsyncWebClient, people: SlackPeople) -> None:
        self._client = client
        self._people = people

    async def unfurl(self, intake: RequestIntake, body: Mapping[str, Any], conversation: Conversation) -> None:
        """Show what the links of a ``link_shared`` event lead to, as far as there is something to show."""
        event = body["event"]
        request = CommandRequest(
            key=f"slack:{body['event_id']}",
            text="",
            person=await self._people.known(
                inbound.person_of(str(event.get("user") or ""), homes=[body.get("team_id")])
            ),
            conversation=conversation,
            at=datetime.now(UTC),
        )
        urls = {unescaped(str(link.get("url", ""))): str(link.get("url", "")) for link in event["links"][:_MOST]}
        found = await intake.link_cards(request, list(urls))
        shown = {urls[url]: {"blocks": render(card).payload["blocks"]} for url, card in found.items() if url in urls}
        if not shown:
            return
        try:
            await self._client.chat_unfurl(channel=conversation.id, ts=event["message_ts"], unfurls=shown)
        except SlackApiError as error:
            log.info("slack.link_not_shown", code=code_of(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("slack.link_not_shown", error=type(error).__name__)


def posted_in(body: Mapping[str, Any]) -> Conversation | None:
    """Where a message with links was posted; None where its links are left alone, or for another event."""
    event = body["event"]
    if event.get("type") != "link_shared" or event.get("source") == "composer":
        return None
    if not event.get("is_bot_user_member") or body.get("is_ext_shared_channel"):
        return None
    channel = str(event["channel"])
    thread = event.get("thread_ts") or event["message_ts"]
    return inbound.place(channel, str(body.get("team_id") or ""), thread=thread)


def below(request: CommandRequest, body: Mapping[str, Any]) -> CommandRequest:
    """A click on a card below a link: what comes of it belongs into the thread of that message, which is a person's."""
    container = body.get("container") or {}
    if not container.get("is_app_unfurl"):
        return request
    where = request.conversation
    thread = where.thread or container.get("message_ts")
    return replace(request, how="post", message=None, conversation=replace(where, thread=thread))
