"""Who writes on Teams: of the bot's own tenant, a guest of it, or of another one; and which groups they are in.

An activity names the person, and only a conversation's roster says that they are a guest; it is asked once an hour.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Literal

import structlog
from msgspec.structs import replace

from bot.chat.budget import Priority
from bot.chat.port import Match, RequestIntake
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.teams.activity import Account, standing
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.groups import EntraGroups
from bot.chat.teams.outbound import Outbound
from bot.chat.teams.sdk import Connector
from cards.card import Card, Form, Option

log = structlog.get_logger()

_WAIT = 1.5
"""Seconds that a roster is waited for where a form is to be opened."""
_TYPING = 0.5
"""The same where somebody types: who is not known to be a member gets no names."""
_SECONDS = 3600.0
"""For how long a roster is believed."""
_MOST = 10_000
_NOBODY = {"MemberNotFoundInConversation"}
"""How Teams says that somebody is not in the conversation that they are said to write in."""
Kind = Literal["member", "guest", "foreign"]


class TeamsPeople:
    """What rosters said of those who wrote, and what the directory said of their groups."""

    def __init__(self, groups: EntraGroups) -> None:
        self._kinds: OrderedDict[str, tuple[float, Kind]] = OrderedDict()
        self.groups = groups

    def marked(self, person: Person) -> Person:
        """The person with what is known by now, without asking; whoever is no member by the activity is none.

        What an old roster said is better than nothing, but is not sure. Only the tenant's own members and guests are in
        its directory, so nobody else is in a group of it.
        """
        found = self._kinds.get(person.id)
        kind = found[1] if found and _asked_about(person) else person.kind
        groups, unread = self.groups.of(person.id) if kind in ("member", "guest") else ((), ())
        sure = not _asked_about(person) or self._is_fresh(person.id)
        return replace(person, kind=kind, kind_read=sure, groups=groups, unread=unread)

    async def known(self, outbound: Outbound, person: Person, conversation: Conversation) -> Person:
        """The person with their standing and groups. Never raises: what cannot be read is marked as unread."""
        if person.id and (person.kind == "guest" or _asked_about(person)):
            await asyncio.gather(self._ask(outbound, person, conversation), self.groups.known(person.id))
        return self.marked(person)

    async def _ask(self, outbound: Outbound, person: Person, conversation: Conversation) -> None:
        if not _asked_about(person) or self._is_fresh(person.id):
            return
        try:
            member = await _member(outbound, person, conversation)
        except TeamsError as error:
            log.warning("teams.person_unread", status=error.status, code=error.code)
            if error.code not in _NOBODY:
                return
            member = Account()
        self._kinds[person.id] = (time.monotonic(), standing(member, conversation.team))
        self._kinds.move_to_end(person.id)
        while len(self._kinds) > _MOST:
            self._kinds.popitem(last=False)

    def _is_fresh(self, id_: str) -> bool:
        found = self._kinds.get(id_)
        return found is not None and time.monotonic() - found[0] < _SECONDS


async def _member(outbound: Outbound, person: Person, conversation: Conversation) -> Account:
    """What a roster says of somebody: the conversation's, or where the bot is not in that, as where the message
    extension is used, that of their personal chat with it. Raises TeamsError.
    """

    async def look(connector: Connector, current: Conversation) -> Account:
        return await connector.member(current.service_url, current.id, person.id)

    async def begin(connector: Connector, current: Conversation) -> str:
        return await connector.personal(current.service_url, person.id, current.team)

    try:
        return await outbound.once(conversation, Priority.ANSWER, look, there=False)
    except TeamsError as error:
        if not error.gone or conversation.kind == "personal":
            raise
    chat = await outbound.once(conversation, Priority.ANSWER, begin, there=False)
    own = replace(conversation, id=chat, kind="personal", thread=None)
    return await outbound.once(own, Priority.ANSWER, look, there=False)


def _asked_about(person: Person) -> bool:
    """Whether only a roster says what somebody is: who may be a guest, or is not sure to be of another tenant."""
    return person.kind == "member" or not person.kind_read


class KnowingIntake:
    """The program's intake, to which forms and suggestions come with what is known of their person.

    What is asked otherwise is looked up once it is acknowledged: see :class:`bot.chat.port.KnowsPeople`.
    """

    def __init__(self, intake: RequestIntake, people: TeamsPeople, outbound: Outbound, *, asides: bool = False) -> None:
        """``asides`` says that one person of a conversation can be told what nobody else sees there."""
        self._asides = asides
        self._intake = intake
        self._people = people
        self._outbound = outbound

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        """See RequestIntake."""
        person = self._people.marked(request.person)
        return await self._intake.accept(replace(request, person=person, asides=self._asides))

    async def form(
        self,
        command: str,
        request: CommandRequest,
        *,
        values: Mapping[str, str] | None = None,
        seconds: float = 1.5,
    ) -> Form | Card:
        """See RequestIntake."""
        return await self._intake.form(command, await self._asked(request), values=values, seconds=seconds)

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """See RequestIntake."""
        return await self._intake.suggest(await self._asked(request, _TYPING), what, typed, within)

    def reads(self, command: str) -> bool:
        """See RequestIntake."""
        return self._intake.reads(command)

    async def read(self, request: CommandRequest) -> Card | None:
        """See RequestIntake."""
        return await self._intake.read(await self._asked(request))

    async def link_cards(self, request: CommandRequest, urls: Sequence[str]) -> dict[str, Card]:
        """See RequestIntake."""
        return await self._intake.link_cards(await self._asked(request), urls)

    async def find(self, request: CommandRequest, typed: str, most: int) -> list[Match]:
        """See RequestIntake."""
        return await self._intake.find(await self._asked(request), typed, most)  # Teams waits five seconds for it

    async def _asked(self, request: CommandRequest, seconds: float = _WAIT) -> CommandRequest:
        try:
            async with asyncio.timeout(seconds):
                person = await self._people.known(self._outbound, request.person, request.conversation)
        except TimeoutError:
            log.info("teams.person_late")
            person = self._people.marked(request.person)
        return replace(request, person=person)
