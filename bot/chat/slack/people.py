"""Who writes on Slack: of the bot's own workspace, a guest of it, of another one, or a program; and their time zone."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.request import CommandRequest, Person

_SECONDS = 3600.0
"""For how long a profile is believed."""
_MOST = 10_000
Kind = Literal["member", "guest", "foreign", "bot"]


class Profile(Struct, frozen=True):
    """What Slack says of somebody, when it was asked (monotonic seconds)."""

    at: float
    kind: Kind
    zone: str | None
    home: str


class SlackPeople:
    """Profiles of those who wrote, each asked for once an hour.

    In a channel that is shared with other workspaces (Slack Connect) an event names the person's workspace; that of a
    guest is the bot's own, and only their profile (``users.info``) says so.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._profiles: OrderedDict[str, Profile] = OrderedDict()
        self._own: frozenset[str] = frozenset()

    def installed(self, answer: Mapping[str, Any]) -> None:
        """The answer of ``auth.test``: the bot's own workspace, and the organisation that it belongs to."""
        self._own = frozenset(str(answer[key]) for key in ("team_id", "enterprise_id") if answer.get(key))

    def marked(self, request: CommandRequest) -> CommandRequest:
        """A request with what is known of its person by now, without asking."""
        return replace(request, person=self._with(request.person, self._fresh(request.person.id)))

    async def known(self, person: Person) -> Person:
        """The person with their zone and their standing. Raises what the client raises."""
        profile = self._fresh(person.id)
        if profile is None:
            user: Mapping[str, Any] = (await self._client.users_info(user=person.id))["user"]
            profile = Profile(time.monotonic(), self._kind(user), user.get("tz"), str(user.get("team_id") or ""))
            self._profiles[person.id] = profile
            while len(self._profiles) > _MOST:
                self._profiles.popitem(last=False)
        return self._with(person, profile)

    def _fresh(self, id_: str) -> Profile | None:
        found = self._profiles.get(id_)
        return found if found and time.monotonic() - found.at < _SECONDS else None

    def _with(self, person: Person, profile: Profile | None) -> Person:
        home = person.home or (profile.home if profile else "")
        kind: Kind = "foreign" if self._elsewhere(home) else profile.kind if profile else person.kind
        return replace(person, home=home, kind=kind, zone=person.zone or (profile.zone if profile else None))

    def _kind(self, user: Mapping[str, Any]) -> Kind:
        if user.get("is_bot") or user.get("is_workflow_bot"):
            return "bot"
        if user.get("is_stranger") or self._elsewhere(str(user.get("team_id") or "")):
            return "foreign"
        return "guest" if user.get("is_restricted") or user.get("is_ultra_restricted") else "member"

    def _elsewhere(self, home: str) -> bool:
        """Whether a workspace is another one than the bot's; not where either is unknown."""
        return bool(home and self._own) and home not in self._own
