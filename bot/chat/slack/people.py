"""Who writes on Slack: of the bot's own workspace, a guest of it, of another one, or a program; their time zone, and
which of the user groups that the settings name they are in.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal

import aiohttp
import structlog
from msgspec import Struct
from msgspec.structs import replace
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.request import CommandRequest, Person
from bot.chat.slack.errors import code_of
from bot.chat.slack.groups import SlackGroups
from bot.chat.slack.inbound import SLACKBOT

log = structlog.get_logger()

_SECONDS = 3600.0
"""For how long a profile is believed."""
_MOST = 10_000
_NOBODY = {"user_not_found", "user_not_visible"}
"""How Slack calls people of other workspaces whom the bot's own does not know."""
Kind = Literal["member", "guest", "foreign", "bot"]


class Profile(Struct, frozen=True):
    """What Slack says of somebody, when it was asked (monotonic seconds)."""

    at: float
    kind: Kind
    zone: str | None
    home: str
    name: str


class SlackPeople:
    """Profiles of those who wrote, each asked for once an hour.

    In a channel that is shared with other workspaces (Slack Connect) an event names the person's workspace; that of a
    guest is the bot's own, and only their profile (``users.info``) says so.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._profiles: OrderedDict[str, Profile] = OrderedDict()
        self._own: frozenset[str] = frozenset()
        self.groups = SlackGroups(client)
        """The user groups that the settings name."""

    def installed(self, answer: Mapping[str, Any]) -> None:
        """The answer of ``auth.test``: the bot's own workspace, and the organisation that it belongs to."""
        self._own = frozenset(str(answer[key]) for key in ("team_id", "enterprise_id") if answer.get(key))

    def marked(self, request: CommandRequest) -> CommandRequest:
        """A request with what is known of its person by now, without asking."""
        return replace(request, person=self.person(request.person))

    async def known(self, person: Person) -> Person:
        """The person with their zone, standing and groups. Never raises: what cannot be read is marked as unread."""
        await asyncio.gather(self._ask(person.id), self.groups.known())
        return self.person(person)

    def person(self, person: Person) -> Person:
        """The person with what is known by now. What an old profile said is better than nothing, but is not sure."""
        profile = self._profiles.get(person.id)
        homes = person.homes or tuple(filter(None, [person.home or (profile.home if profile else "")]))
        away = next(filter(self._elsewhere, homes), "")
        groups, unread = self.groups.of(person.id)
        return replace(
            person,
            name=person.name or (profile.name if profile else ""),
            groups=groups,
            unread=unread,
            home=away or (homes[0] if homes else ""),
            kind="foreign" if away else self._kind_by(profile, person.kind),
            kind_read=bool(away) or self._is_fresh(profile),
            zone=person.zone or (profile.zone if profile else None),
        )

    async def soon(self, request: CommandRequest, seconds: float) -> CommandRequest:
        """A request with what is known of its person within so many seconds. Never raises."""
        try:
            async with asyncio.timeout(seconds):
                return replace(request, person=await self.known(request.person))
        except TimeoutError:
            log.info("slack.person_late")
            return self.marked(request)

    def _kind_by(self, profile: Profile | None, kind: Kind) -> Kind:
        """What somebody is whom the payload gives no other workspace. Before the bot knows its own, nobody is of it."""
        if profile:
            return profile.kind
        return kind if self._own or kind == "bot" else "foreign"

    async def _ask(self, id_: str) -> None:
        if not self._own or self._is_fresh(self._profiles.get(id_)):
            return
        try:
            user: Mapping[str, Any] = (await self._client.users_info(user=id_))["user"]
        except SlackApiError as error:
            log.warning("slack.person_unread", code=code_of(error))
            if code_of(error) not in _NOBODY:
                return
            user = {"is_stranger": True}
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("slack.person_unread", error=type(error).__name__)
            return
        home, name = str(user.get("team_id") or ""), str(user.get("real_name") or "")
        self._profiles[id_] = Profile(time.monotonic(), self._kind(user), user.get("tz"), home, name)
        self._profiles.move_to_end(id_)
        while len(self._profiles) > _MOST:
            self._profiles.popitem(last=False)

    @staticmethod
    def _is_fresh(profile: Profile | None) -> bool:
        return profile is not None and time.monotonic() - profile.at < _SECONDS

    def _kind(self, user: Mapping[str, Any]) -> Kind:
        if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == SLACKBOT:
            return "bot"
        if user.get("is_stranger") or user.get("deleted") or self._elsewhere(str(user.get("team_id") or "")):
            return "foreign"
        return "guest" if user.get("is_restricted") or user.get("is_ultra_restricted") else "member"

    def _elsewhere(self, home: str) -> bool:
        """Whether a workspace is another one than the bot's; not where either is unknown."""
        return bool(home and self._own) and home not in self._own
