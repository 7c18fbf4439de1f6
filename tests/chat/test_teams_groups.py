"""Who is in the Entra groups that the settings name: asked of the stand-in of Microsoft Graph."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import aiohttp
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from bot.chat.request import Conversation, Person
from bot.chat.teams.activity import Account
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.groups import BELIEVED_SECONDS, EntraGroups
from bot.chat.teams.people import TeamsPeople
from bot.chat.teams.settings import TeamsSettings
from bot.sandbox.teams import TeamsStandIn
from bot.sandbox.wire.tokens import Tokens

APP = "5b0f3a52-6f0c-4d7c-9d55-0c1f2f5a7b10"
SCOPE = TeamsSettings("app", "tenant").graph_scope
WHERE = Conversation("teams", "19:a", team="t")


class Directory:
    """The stand-in, and the groups as a bot knows them; ``now`` is the bot's clock."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.tokens = Tokens()
        self.teams = TeamsStandIn(app_id=APP, verify=self.tokens.verify)
        self.session = session
        self.now = 1000.0
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(self.tokens.issue(scopes[0].removesuffix("/.default"), appid=APP), int(time.time()) + 3600)

    @property
    def group(self) -> str:
        return f"group:{self.teams.groups['Batch operators']}"

    def person(self, role: str) -> str:
        return str(self.teams.people[role]["aadObjectId"])

    def groups(self, *named: str, scope: str = SCOPE) -> EntraGroups:
        groups = EntraGroups(self, self.teams.graph_url, scope, lambda: self.now)  # type: ignore[arg-type]
        groups.open(self.session)
        groups.name(frozenset(named))
        return groups


@pytest.fixture
async def directory() -> AsyncIterator[Directory]:
    async with aiohttp.ClientSession() as session:
        made = Directory(session)
        await made.teams.start()
        yield made
        await made.teams.close()


async def test_graph_says_who_is_in_a_group_once_in_five_minutes(directory: Directory) -> None:
    groups = directory.groups(directory.group, directory.group.upper().replace("GROUP:", "group:"))
    operator, viewer = directory.person("operator"), directory.person("viewer")
    assert not groups.of(operator)[0]
    assert len(groups.of(operator)[1]) == 2, "nothing is known before it is asked"
    await groups.known(operator)
    await groups.known(viewer)
    assert len(groups.of(operator)[0]) == 2, "however the settings write it"
    assert groups.of(viewer) == ((), ())
    directory.now += BELIEVED_SECONDS - 1
    await groups.known(operator)
    assert directory.teams.graph.calls == 2
    assert set(directory.scopes) == {"https://graph.microsoft.com/.default"}


async def test_who_left_is_out_after_five_minutes(directory: Directory) -> None:
    groups, operator = directory.groups(directory.group), directory.person("operator")
    await groups.known(operator)
    directory.teams.leave_group("Batch operators", "operator")
    directory.now += BELIEVED_SECONDS
    assert groups.of(operator) == ((), (directory.group,)), "an old answer does not count"
    await groups.known(operator)
    assert groups.of(operator) == ((), ())
    directory.teams.join_group(directory.group.removeprefix("group:"), "operator")
    directory.now += BELIEVED_SECONDS
    await groups.known(operator)
    assert groups.of(operator) == ((directory.group,), ())


async def test_nothing_is_asked_where_no_group_is_named(directory: Directory) -> None:
    groups = directory.groups()
    await groups.known(directory.person("operator"))
    assert (directory.teams.graph.calls, directory.scopes) == (0, [])
    assert groups.of(directory.person("operator")) == ((), ())


async def test_many_groups_are_asked_about_twenty_at_a_time(directory: Directory) -> None:
    others = [f"group:{uuid.uuid4()}" for _ in range(44)]
    groups, operator = directory.groups(directory.group, *others), directory.person("operator")
    await groups.known(operator)
    assert groups.of(operator) == ((directory.group,), ())
    assert directory.teams.graph.calls == 3


@pytest.mark.parametrize("why", ["consent", "audience", "nobody", "credential", "down"])
async def test_what_cannot_be_read_is_unread(directory: Directory, why: str) -> None:
    groups, operator = directory.groups(directory.group), directory.person("operator")
    match why:
        case "consent":
            directory.teams.graph.consented = False
        case "audience":
            groups = directory.groups(directory.group, scope="https://api.botframework.com/.default")
        case "nobody":
            operator = str(uuid.uuid4())
        case "credential":
            directory.get_token = mock.AsyncMock(side_effect=ClientAuthenticationError("no"))  # type: ignore[method-assign]
        case "down":
            await directory.teams.close()
    await groups.known(operator)
    assert groups.of(operator) == ((), (directory.group,))


async def test_graph_is_left_alone_for_as_long_as_it_says(directory: Directory) -> None:
    groups, operator = directory.groups(directory.group), directory.person("operator")
    directory.teams.graph.busy = 1
    await groups.known(operator)
    await groups.known(operator)
    assert directory.teams.graph.calls == 1
    directory.now += 1
    await groups.known(operator)
    assert groups.of(operator) == ((directory.group,), ())


async def test_a_malformed_request_is_refused_as_by_graph(directory: Directory) -> None:
    url = f"{directory.teams.graph_url}/users/{directory.person('viewer')}/checkMemberGroups"
    token = directory.tokens.issue("https://graph.microsoft.com", appid=APP)
    for body in ({}, {"groupIds": []}, {"groupIds": ["x"]}, {"groupIds": [str(uuid.uuid4()) for _ in range(21)]}):
        async with directory.session.post(url, json=body, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "Request_BadRequest")
    async with directory.session.post(url, json={"groupIds": []}) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (401, "InvalidAuthenticationToken")


async def test_people_of_other_tenants_are_in_no_group_and_not_asked_about(directory: Directory) -> None:
    people, outbound = TeamsPeople(directory.groups(directory.group)), mock.Mock()
    stranger = Person("teams", directory.person("operator"), kind="foreign")
    assert await people.known(outbound, stranger, WHERE) == stranger
    assert directory.teams.graph.calls == 0


async def test_a_person_comes_with_groups_and_what_could_not_be_read(directory: Directory) -> None:
    people, outbound = TeamsPeople(directory.groups(directory.group)), mock.Mock()
    person = Person("teams", directory.person("operator"), home="t")
    outbound.once = mock.AsyncMock(side_effect=TeamsError(503, "ServiceUnavailable", ""))
    known = await people.known(outbound, person, WHERE)
    assert (known.kind, known.kind_read, known.groups, known.unread) == ("member", False, (directory.group,), ())
    outbound.once = mock.AsyncMock(return_value=Account("29:1", aad_object_id="o", tenant_id="t", user_role="guest"))
    known = await people.known(outbound, person, WHERE)
    assert (known.kind, known.kind_read, known.groups) == ("guest", True, (directory.group,))
