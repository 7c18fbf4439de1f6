"""The Home tab of the app: each person's own home card, which is theirs alone to see.

Opening it shows it anew (``app_home_opened`` with ``tab: home`` → ``views.publish``, see
https://docs.slack.dev/surfaces/app-home). It is a place to look around in: what only reads is answered in the tab
itself, with a way back; what changes something is answered in the direct messages, as everywhere, and the tab is shown
anew afterwards with the outcome in one line.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import structlog
from msgspec.structs import replace
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.port import RequestIntake
from bot.chat.request import CommandRequest
from bot.chat.slack import inbound
from bot.chat.slack.errors import code_of
from bot.chat.slack.following import Following
from bot.chat.slack.inbound import Carried
from bot.chat.slack.people import SlackPeople
from bot.content.outgoing import sent
from cards.as_lines import as_lines
from cards.build import actions, bold, muted, text, without_attachments
from cards.card import Button, Card, Words

log = structlog.get_logger()

HOME = "home"
_BACK = Button("◀ Home", HOME, how="edit")
_READING = Card(title=text(bold("Azure Batch")), blocks=(Words(text(muted("Reading the account…"))),))
_NO_FILES = "Ask for it in Messages."
_PEOPLE = 2_000
"""Whose tab is remembered, so that an older answer does not take a newer one's place."""


class HomeTab:
    """Everybody's Home tab. What cannot be shown is logged: opening the tab again tries anew."""

    def __init__(self, client: AsyncWebClient, people: SlackPeople, following: Following) -> None:
        self._client = client
        self._people = people
        self._following = following
        self._newest: OrderedDict[str, int] = OrderedDict()

    async def opened(self, intake: RequestIntake, body: Mapping[str, Any]) -> None:
        """Somebody looks at their tab."""
        event = body["event"]
        team = str(body.get("team_id") or "")
        request = CommandRequest(
            key=f"slack:{body['event_id']}",
            text=HOME,
            person=inbound.person_of(str(event["user"]), homes=[team]),
            conversation=inbound.place(str(event["channel"]), team, personal=True),
            at=datetime.now(UTC),
        )
        if not event.get("view"):  # nothing is there yet, and reading takes a moment
            await self._publish(request, _READING, self._turn(request))
        await self.show(intake, request)

    async def show(self, intake: RequestIntake, request: CommandRequest, *, news: str = "") -> None:
        """Show the answer to what only reads in the tab, below the ``news``."""
        mine = self._turn(request)
        request = replace(request, person=await self._people.known(request.person))
        card = await intake.read(request)
        if card is None:
            return
        above = [Words(text(news))] if news else []
        back = actions(_BACK) if request.text.strip() != HOME else None
        card = replace(card, private=False, blocks=(*above, *([back] if back else []), *card.blocks))
        await self._publish(request, card, mine)

    async def after(self, intake: RequestIntake, request: CommandRequest, work: asyncio.Task[Card] | None) -> None:
        """Something was changed from the tab: show home anew once it is done, with what came of it."""
        said = ""
        if work is not None:
            await asyncio.wait({work})
            if not work.cancelled() and not work.exception():
                said = inbound.one_line(await sent(replace(work.result(), secrets=())))
        await self.show(intake, replace(request, text=HOME), news=f"{said} · the answer is in Messages" if said else "")

    def _turn(self, request: CommandRequest) -> int:
        mine = self._newest.get(request.person.id, 0) + 1
        self._newest[request.person.id] = mine
        self._newest.move_to_end(request.person.id)
        while len(self._newest) > _PEOPLE:
            self._newest.popitem(last=False)
        return mine

    async def _publish(self, request: CommandRequest, card: Card, turn: int) -> None:
        drawn = await self._following.lent(as_lines(without_attachments(card, _NO_FILES)), modern=False)
        if self._newest.get(request.person.id, turn) != turn:
            return
        view = {
            "type": "home",
            "callback_id": HOME,
            "private_metadata": inbound.carry(replace(request, message=None)),
            "blocks": drawn.payload["blocks"],
        }
        try:
            await self._client.views_publish(user_id=request.person.id, view=view)
        except SlackApiError as error:
            log.warning("slack.home_not_shown", code=code_of(error))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("slack.home_not_shown", error=type(error).__name__)


def is_opened(body: Mapping[str, Any]) -> bool:
    """Whether an event says that somebody looks at their Home tab."""
    event = body["event"]
    return event.get("type") == "app_home_opened" and event.get("tab") == "home" and bool(event.get("user"))


def within(request: CommandRequest, body: Mapping[str, Any]) -> CommandRequest | None:
    """A click on the Home tab as the request of a person in their direct messages; None for a click elsewhere."""
    view = body.get("view") or {}
    if view.get("type") != "home":
        return None
    try:
        carried = msgspec.json.decode(view.get("private_metadata") or "", type=Carried)
    except msgspec.DecodeError:
        return None
    return replace(request, how="post", message=None, conversation=carried.conversation)
