"""Who writes: members of the bot's own workspace or tenant, guests of it, people of another one, and programs."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from bot.chat.request import Conversation, Person
from bot.chat.slack import inbound
from bot.chat.slack.people import SlackPeople
from bot.chat.teams.activity import Account, Activity, ChannelData, Named, standing
from bot.chat.teams.groups import EntraGroups
from bot.chat.teams.people import TeamsPeople

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
        ({}, "member"),
    ],
)
def test_an_event_of_a_shared_channel_names_the_workspace(event: dict[str, Any], kind: str) -> None:
    people, _ = slack()
    request = inbound.from_event({**EVENT, "event": {**EVENT["event"], **event}}, "UBOT")
    assert request
    assert people.marked(request).person.kind == kind


async def test_what_a_profile_said_is_known_where_nothing_can_be_asked() -> None:
    people, _ = slack({"is_restricted": True})
    request = inbound.from_event(EVENT, "UBOT")
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
