"""Who writes: members of the bot's own workspace or tenant, guests of it, people of another one, and programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from msgspec.structs import replace
from slack_sdk.errors import SlackApiError

from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.slack import inbound
from bot.chat.slack.people import SlackPeople
from bot.chat.teams.activity import Account, Activity, ChannelData, ConversationAccount, Named, standing
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.groups import EntraGroups
from bot.chat.teams.people import TeamsPeople
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.services import Services
from bot.requests.suggestions import suggest
from bot.settings import AccessSettings
from cards.card import Actions, Button, Card, Form
from cards.slack import decode_submission, render, render_form

OWN = {"team_id": "T0OWN", "enterprise_id": "E0OWN"}


def slack(profile: dict[str, Any] | None = None) -> tuple[SlackPeople, mock.AsyncMock]:
    """People of a bot that is installed, and what is asked of Slack."""
    client = mock.AsyncMock()
    client.users_info.return_value = {"user": {"team_id": "T0OWN", "tz": "Europe/Berlin", **(profile or {})}}
    people = SlackPeople(client)
    people.installed(OWN)
    return people, client.users_info


@pytest.mark.parametrize(
    ("profile", "kind"),
    [
        ({}, "member"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True, "is_restricted": True}, "guest"),
        ({"is_stranger": True}, "foreign"),
        ({"team_id": "T0OTHER"}, "foreign"),
        ({"team_id": "E0OWN"}, "member"),
        ({"is_bot": True}, "bot"),
        ({"is_workflow_bot": True}, "bot"),
    ],
)
async def test_a_profile_says_what_somebody_is(profile: dict[str, Any], kind: str) -> None:
    people, asked = slack(profile)
    person = await people.known(Person("slack", "U1"))
    assert (person.kind, person.zone, person.home) == (kind, "Europe/Berlin", profile.get("team_id", "T0OWN"))
    await people.known(Person("slack", "U1"))
    assert asked.call_count == 1, "once an hour"


EVENT: dict[str, Any] = {
    "event_id": "Ev1",
    "team_id": "T0OWN",
    "event": {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.0", "text": "<@UBOT> pool list"},
}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"user_team": "T0OWN"}, "member"),
        ({"user_team": "T0OTHER"}, "foreign"),
        ({"team": "E0OWN"}, "member"),
    ],
)
def test_an_event_of_a_shared_channel_names_the_workspace(event: dict[str, Any], kind: str) -> None:
    people, _ = slack()
    request = inbound.from_event({**EVENT, "event": {**EVENT["event"], **event}}, "UBOT")
    assert request
    assert people.marked(request).person.kind == kind


async def test_what_a_profile_said_is_known_where_nothing_can_be_asked() -> None:
    people, _ = slack({"is_restricted": True})
    request = inbound.from_event({**EVENT, "is_ext_shared_channel": False}, "UBOT")
    assert request
    assert people.marked(request).person.kind == "member"
    await people.known(request.person)
    assert people.marked(request).person.kind == "guest", "forms and suggestions go by it"


def test_bots_and_workflows_ask_nothing_on_slack() -> None:
    for more in ({"bot_id": "B1"}, {"subtype": "bot_message"}):
        assert inbound.from_event({**EVENT, "event": {**EVENT["event"], **more}}, "UBOT") is None


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        (Account("29:1", aad_object_id="o"), "member"),
        (Account("29:1", aad_object_id="o", tenant_id="t"), "member"),
        (Account("29:1", aad_object_id="o", tenant_id="t", user_role="user"), "member"),
        (Account("29:1", aad_object_id="o", tenant_id="t", user_role="guest"), "guest"),
        (Account("29:1", aad_object_id="o", user_role="anonymous"), "guest"),
        (Account("29:1", aad_object_id="o", tenant_id="other"), "foreign"),
        (Account("29:1"), "foreign"),
    ],
)
def test_an_account_says_what_somebody_is_on_teams(account: Account, kind: str) -> None:
    assert standing(account, "t") == kind
    activity = Activity("message", sender=account, channel_data=ChannelData(tenant=Named("t")))
    person = activity.person()
    assert (person.kind, person.home) == (kind, account.tenant_id or "t")


def test_a_bot_is_one_on_teams() -> None:
    assert Activity("message", sender=Account("28:x", aad_object_id="o")).person().kind == "bot"


@pytest.mark.parametrize(("role", "kind"), [("user", "member"), ("guest", "guest"), ("anonymous", "guest")])
async def test_the_roster_says_who_is_a_guest_on_teams(role: str, kind: str) -> None:
    outbound, people = mock.Mock(), TeamsPeople(EntraGroups(mock.AsyncMock(), "http://graph", "scope"))
    outbound.once = mock.AsyncMock(return_value=Account("29:1", aad_object_id="o", tenant_id="t", user_role=role))
    where, person = Conversation("teams", "19:a", team="t"), Person("teams", "o", home="t")
    assert (await people.known(outbound, person, where)).kind == kind
    assert people.marked(person).kind == kind
    await people.known(outbound, person, where)
    assert outbound.once.call_count == 1, "once an hour"
    stranger = Person("teams", "x", kind="foreign")
    assert await people.known(outbound, stranger, where) == stranger
    assert outbound.once.call_count == 1, "who is none by the activity is not looked up"


# What the payload says, on every way in


OURS, THEIRS = "T0OWN", "T0OTHERCOMPANY"


@pytest.mark.parametrize(
    ("fields", "shared", "kind"),
    [
        ({"user_team": THEIRS, "source_team": THEIRS, "team": OURS}, True, "foreign"),
        ({"user_team": THEIRS}, True, "foreign"),
        ({"source_team": THEIRS, "team": OURS}, True, "foreign"),
        ({"user_team": OURS, "source_team": THEIRS}, True, "foreign"),
        ({"user_team": OURS, "user_profile": {"team": THEIRS}}, True, "foreign"),
        ({"team": THEIRS}, None, "foreign"),
        ({"team": THEIRS}, False, "foreign"),
        ({"team": OURS}, True, "foreign"),  # it may be the channel's: the profile says whose they are
        ({}, True, "foreign"),
        ({}, None, "foreign"),
        ({"user_team": OURS, "team": OURS}, True, "member"),
        ({"user_team": OURS, "team": OURS, "user_profile": None}, True, "member"),
        ({"team": OURS}, False, "member"),
        ({"team": OURS}, None, "member"),
        ({"team": "E0OWN"}, False, "member"),
        ({}, False, "member"),
    ],
)
@pytest.mark.parametrize("direct", [False, True])
async def test_what_a_message_says_of_its_author(
    fields: dict[str, Any], shared: bool | None, kind: str, direct: bool
) -> None:
    people, asked = slack()
    body = {**EVENT, "event": {**EVENT["event"], **fields}}
    if direct:
        body["event"] |= {"type": "message", "channel_type": "im"}
    if shared is not None:
        body["is_ext_shared_channel"] = shared
    request = inbound.from_event(body, "UBOT")
    assert request
    assert people.marked(request).person.kind == kind, "before anything is asked"
    asked.side_effect = TimeoutError
    assert (await people.known(request.person)).kind == kind, "where it cannot be asked"
    asked.side_effect = None
    theirs = THEIRS in str(fields)
    assert (await people.known(request.person)).kind == ("foreign" if theirs else "member")
    asked.return_value["user"]["team_id"] = THEIRS
    people._profiles.clear()
    assert (await people.known(request.person)).kind == "foreign"


@pytest.mark.parametrize("user", [{"team_id": THEIRS}, {}, {"team_id": None}, {"team_id": ["x"]}])
async def test_whoever_is_not_of_the_workspace_clicks_fills_in_and_types_as_a_stranger(user: dict[str, Any]) -> None:
    people, asked = slack({"team_id": THEIRS})
    who = {"id": "U1", "name": "somebody", **user}
    form = render_form(Form("T", "pool list", ()), inbound.carry(inbound.from_command(COMMAND)))
    view = {**form, "id": "V1", "hash": "h", "state": {"values": {}}}
    card: Any = render(Card(title=(), blocks=(Actions((Button("List", "pool list", "edit"),)),))).payload
    click = next(each for block in card["blocks"] if block["type"] == "actions" for each in block["elements"])
    clicked = inbound.from_action(
        {"user": who, "actions": [click], "trigger_id": "1", "channel": {"id": "C1"}, "team": {"id": OURS}}
    )
    assert clicked
    requests = [
        clicked[0],
        inbound.from_submission({"user": who, "view": view}),
        inbound.from_suggestion({"user": who, "view": view}, view["private_metadata"] and _carry(view)),
    ]
    asked.side_effect = TimeoutError
    assert [people.marked(each).person.kind for each in requests] == ["foreign"] * 3
    assert [(await people.known(each.person)).kind for each in requests] == ["foreign"] * 3


COMMAND = {"trigger_id": "1", "user_id": "U1", "team_id": OURS, "channel_id": "C1", "text": "pool list"}


def _carry(view: Mapping[str, Any]) -> str:
    return decode_submission(view).carry


async def test_a_command_names_the_workspace() -> None:
    people, _ = slack()
    assert people.marked(inbound.from_command(COMMAND)).person.kind == "member"
    for team in (THEIRS, "", None):
        request = inbound.from_command({**COMMAND, "team_id": team})
        assert people.marked(request).person.kind == "foreign"


@pytest.mark.parametrize("code", ["user_not_found", "user_not_visible"])
async def test_whom_the_workspace_does_not_know_is_none_of_it(code: str) -> None:
    people, asked = slack()
    answer = mock.Mock(data={"error": code}, get={"error": code}.get)
    asked.side_effect = SlackApiError(code, answer)
    person = await people.known(Person("slack", "U1", home=OURS))
    assert (person.kind, person.kind_read) == ("foreign", True)


async def test_what_is_asked_before_the_bot_knows_its_workspace_is_asked_by_a_stranger() -> None:
    client = mock.AsyncMock()
    people = SlackPeople(client)
    person = inbound.from_command(COMMAND).person
    assert (people.person(person).kind, people.person(person).kind_read) == ("foreign", False)
    assert (await people.known(person)).kind == "foreign"
    assert client.users_info.call_count == 0, "what its profile says could not be judged yet"
    people.installed(OWN)
    assert people.person(person).kind == "member"


@pytest.mark.parametrize(
    "more", [{"user": "USLACKBOT"}, {"bot_profile": {"id": "B1"}}, {"app_id": "A1"}, {"bot_id": "B1", "user": "U1"}]
)
def test_no_reminder_and_no_app_asks_by_a_message(more: dict[str, Any]) -> None:
    """Anybody of a shared channel can have Slackbot repeat something."""
    assert inbound.from_event({**EVENT, "event": {**EVENT["event"], **more}}, "UBOT") is None


async def test_slackbot_and_who_left_have_no_role() -> None:
    people, _ = slack({"id": "USLACKBOT"})
    assert (await people.known(Person("slack", "USLACKBOT"))).kind == "bot"
    people, _ = slack({"deleted": True})
    assert (await people.known(Person("slack", "U1"))).kind == "foreign"


TENANT, OTHER = "t", "other"


@pytest.mark.parametrize(
    ("of_data", "of_conversation", "of_sender", "place", "kind"),
    [
        (TENANT, TENANT, None, TENANT, "member"),
        (TENANT, None, None, TENANT, "member"),
        (None, TENANT, None, TENANT, "member"),
        (TENANT, TENANT, TENANT, TENANT, "member"),
        (TENANT, TENANT, OTHER, TENANT, "foreign"),
        (TENANT, OTHER, None, TENANT, "foreign"),
        (TENANT, OTHER, TENANT, TENANT, "foreign"),
        (OTHER, TENANT, None, OTHER, "foreign"),
        (OTHER, None, None, OTHER, "member"),  # of no tenant of ours: turned away before anything is asked
    ],
)
def test_whose_tenant_an_activity_names(
    of_data: str | None, of_conversation: str | None, of_sender: str | None, place: str, kind: str
) -> None:
    activity = Activity(
        "message",
        sender=Account("29:1", aad_object_id="o", tenant_id=of_sender),
        conversation=ConversationAccount("19:a", tenant_id=of_conversation),
        channel_data=ChannelData(tenant=Named(of_data)) if of_data else None,
    )
    assert (activity.tenant, activity.person().kind) == (place, kind)
    if kind == "foreign" and place == TENANT:
        assert activity.person().home == OTHER


def rostered(answer: Account | Exception) -> tuple[TeamsPeople, mock.Mock]:
    outbound, people = mock.Mock(), TeamsPeople(EntraGroups(mock.AsyncMock(), "http://graph", "scope"))
    outbound.once = mock.AsyncMock(side_effect=[answer])
    return people, outbound


@pytest.mark.parametrize(
    ("answer", "kind", "read"),
    [
        (Account("29:1", aad_object_id="o", tenant_id="t", user_principal_name="a@ours.example"), "member", True),
        (
            Account("29:1", aad_object_id="o", tenant_id="t", user_role="user", user_principal_name="a_x#EXT#@o.com"),
            "guest",
            True,
        ),
        (TeamsError(404, "MemberNotFoundInConversation", ""), "foreign", True),
        (TeamsError(503, "ServiceUnavailable", ""), "member", False),
    ],
)
async def test_what_the_roster_says_on_teams(answer: Any, kind: str, read: bool) -> None:
    people, outbound = rostered(answer)
    person = await people.known(outbound, Person("teams", "o", home="t"), Conversation("teams", "19:a", team="t"))
    assert (person.kind, person.kind_read) == (kind, read)


@pytest.mark.parametrize(("role", "kind"), [("user", "member"), ("guest", "guest")])
async def test_where_the_bot_is_not_in_the_chat_the_personal_one_says_who_is_a_guest(role: str, kind: str) -> None:
    """The message extension works in chats that the bot is not in, whose rosters it may not read."""
    wire = mock.Mock()
    wire.member = mock.AsyncMock(
        side_effect=[
            TeamsError(403, "BotNotInConversationRoster", ""),
            Account("29:1", aad_object_id="o", tenant_id="t", user_role=role),
        ]
    )
    wire.personal = mock.AsyncMock(return_value="a:own")

    async def once(where: Conversation, _: Any, call: Any, **__: Any) -> Any:
        return await call(wire, where)

    people = TeamsPeople(EntraGroups(mock.AsyncMock(), "http://graph", "scope"))
    person, where = Person("teams", "o", home="t", kind_read=False), Conversation("teams", "19:a", "group", team="t")
    found = await people.known(mock.Mock(once=once), person, where)
    assert (found.kind, found.kind_read) == (kind, True)
    assert [each.args[1] for each in wire.member.call_args_list] == ["19:a", "a:own"]
    wire.member.side_effect = TeamsError(403, "BotNotInConversationRoster", "")
    wire.personal.side_effect = TeamsError(403, "ForbiddenOperationException", "")
    unknown = await people.known(mock.Mock(once=once), Person("teams", "p", home="t", kind_read=False), where)
    assert not unknown.kind_read


async def test_in_a_shared_channel_the_roster_says_who_is_a_member() -> None:
    data = ChannelData(tenant=Named("t"), channel=Named("19:a", type="shared"))
    asker = Activity("message", sender=Account("29:1", aad_object_id="o"), channel_data=data).person()
    where = Conversation("teams", "19:a", team="t")
    people, outbound = rostered(TeamsError(503, "ServiceUnavailable", ""))
    found = await people.known(outbound, asker, where)
    assert (found.kind, found.kind_read) == ("foreign", False), "not known: nothing is given"
    for tenant, kind in (("t", "member"), ("other", "foreign")):
        people, outbound = rostered(Account("29:1", aad_object_id="o", tenant_id=tenant))
        assert (await people.known(outbound, asker, where)).kind == kind


@pytest.mark.parametrize(("name", "rows"), [("", 0), ("U1", 1)])
async def test_names_are_completed_for_nobody_who_may_be_a_guest(name: str, rows: int) -> None:
    """``name`` is whom the settings name."""
    policy = Policy(Access(AccessSettings(viewers=[f"slack:{name}"] if name else [])))
    services = Services(mock.Mock(), policy, mock.Mock(), mock.Mock())
    services.reading.names.find = mock.AsyncMock(return_value=["gpu-a"])
    person = Person("slack", "U1", kind_read=False)
    request = CommandRequest("k", "", person, Conversation("slack", "C1"), datetime.now(UTC))
    assert len(await suggest(services, request, "pool", "", {"account": "sim"})) == rows
    for kind in ("guest", "foreign", "bot"):
        outside = replace(request, person=Person("slack", "U2", kind=kind))  # type: ignore[arg-type]
        assert await suggest(services, outside, "pool", "", {"account": "sim"}) == []
