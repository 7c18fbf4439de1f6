"""Who is in the Slack user groups that the settings name, and what counts while that cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from unittest import mock

import pytest
from msgspec.structs import replace
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.request import Conversation, Person
from bot.chat.slack.groups import BELIEVED_SECONDS, REFRESH_SECONDS, RETRY_SECONDS, SlackGroups
from bot.chat.slack.people import SlackPeople
from bot.requests.answer_delivery import AnswerDelivery
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.sandbox.slack.people import TEAM
from cards.render_text import Run
from cards.slack.text import mrkdwn, rich
from tests.chat.fakes import LiveRows, asked
from tests.sandbox.slack.workspace import client_of

GROUP, OPERATOR, VIEWER = "S0OPERATORS", "U0OPERATOR", "U0VIEWER1"


class Seconds:
    """A monotonic clock that stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    stand_in = SlackStandIn()
    await stand_in.start()
    yield stand_in
    await stand_in.close()


def groups_of(stand_in: SlackStandIn, clock: Seconds, *named: str) -> tuple[SlackGroups, mock.AsyncMock]:
    """What a bot knows of groups, and its calls of Slack."""
    client = client_of(stand_in)
    spy = mock.AsyncMock(wraps=client.usergroups_users_list)
    client.usergroups_users_list = spy  # type: ignore[method-assign]
    groups = SlackGroups(client, clock)
    groups.name(frozenset(named))
    return groups, spy


async def test_only_members_of_a_named_group_are_in_it(slack: SlackStandIn) -> None:
    groups, calls = groups_of(slack, Seconds(), GROUP)
    assert groups.of(OPERATOR) == ((), (GROUP,)), "nothing is known before it is read"
    await groups.known()
    assert groups.of(OPERATOR) == ((GROUP,), ())
    assert groups.of(VIEWER) == ((), ())
    await groups.known()
    assert calls.call_count == 1


async def test_nothing_is_asked_where_no_group_is_named(slack: SlackStandIn) -> None:
    groups, calls = groups_of(slack, Seconds())
    await groups.known()
    await groups.refresh()
    await groups.keep()
    assert calls.call_count == 0
    assert groups.of(OPERATOR) == ((), ())


async def test_who_leaves_a_group_or_joins_it_is_known_at_the_next_reading(slack: SlackStandIn) -> None:
    clock = Seconds()
    groups, calls = groups_of(slack, clock, GROUP)
    await groups.refresh()
    slack.leave_group("batch-operators", "operator")
    slack.join_group(GROUP, "viewer")
    clock.now += REFRESH_SECONDS - 1
    await groups.refresh()
    assert groups.of(OPERATOR) == ((GROUP,), ())
    clock.now += 1
    await groups.refresh()
    assert groups.of(OPERATOR) == ((), ())
    assert groups.of(VIEWER) == ((GROUP,), ())
    assert calls.call_count == 2


async def test_what_cannot_be_read_grants_nothing_once_it_is_old(slack: SlackStandIn) -> None:
    clock = Seconds()
    groups, calls = groups_of(slack, clock, GROUP)
    await groups.refresh()
    slack.faults.errors["usergroups.users.list"] = ["internal_error"] * 3
    clock.now += REFRESH_SECONDS
    await groups.refresh()
    await groups.refresh()
    assert calls.call_count == 2, "a failure is not tried again at once"
    assert groups.of(OPERATOR) == ((GROUP,), ())
    clock.now += BELIEVED_SECONDS - REFRESH_SECONDS + 1
    assert groups.of(OPERATOR) == ((), (GROUP,))
    for _ in range(2):
        await groups.known()
        clock.now += RETRY_SECONDS
    assert groups.of(OPERATOR) == ((), (GROUP,))
    await groups.known()
    assert groups.of(OPERATOR) == ((GROUP,), ())


async def test_a_group_that_is_not_there_has_nobody(slack: SlackStandIn) -> None:
    groups, _ = groups_of(slack, Seconds(), GROUP, "S0GONE")
    slack.disable_group(GROUP)
    await groups.refresh()
    assert groups.of(OPERATOR) == ((), ())


async def test_without_the_scope_nothing_is_known() -> None:
    scopes = SlackSettings().scopes - {"usergroups:read"}
    stand_in = SlackStandIn(SlackSettings(scopes=scopes))
    await stand_in.start()
    try:
        groups, _ = groups_of(stand_in, Seconds(), GROUP)
        await groups.refresh()
        assert groups.of(OPERATOR) == ((), (GROUP,))
    finally:
        await stand_in.close()


async def test_a_limit_is_waited_for_as_long_as_slack_says(slack: SlackStandIn) -> None:
    clock = Seconds()
    groups, calls = groups_of(slack, clock, GROUP)
    response = mock.Mock(status_code=429, headers={"Retry-After": "120"}, get=lambda _name, default=None: default)
    response.__getitem__ = lambda _self, _name: "ratelimited"
    calls.side_effect = SlackApiError("no", response)
    await groups.refresh()
    clock.now += 119
    await groups.refresh()
    assert calls.call_count == 1
    clock.now += 1
    await groups.refresh()
    assert calls.call_count == 2


async def test_a_person_comes_with_groups_and_what_could_not_be_read(slack: SlackStandIn) -> None:
    people = SlackPeople(client_of(slack))
    people.installed({"team_id": TEAM})
    people.groups.name(frozenset({GROUP}))
    stored = Person("slack", VIEWER, groups=(GROUP,))
    marked = people.person(stored)
    assert (marked.groups, marked.unread, marked.kind_read) == ((), (GROUP,), False), "what was stored does not count"
    known = await people.known(Person("slack", OPERATOR))
    assert (known.groups, known.unread, known.kind_read) == ((GROUP,), (), True)
    slack.faults.errors["users.info"] = ["internal_error"]
    unsure = await people.known(stored)
    assert (unsure.groups, unsure.unread, unsure.kind, unsure.kind_read) == ((), (), "member", False)


class Late:
    """A platform whose look-ups do not come back."""

    name = "slack"

    def __init__(self, people: SlackPeople) -> None:
        self.marked = people.person
        self.name_groups = people.groups.name
        self.zone = mock.AsyncMock()
        self.known = mock.AsyncMock(side_effect=TimeoutError)


async def test_a_request_from_before_does_not_keep_its_groups() -> None:
    people = SlackPeople(AsyncWebClient())
    people.installed({"team_id": TEAM})
    people.groups.name(frozenset({GROUP}))
    delivery = AnswerDelivery({"slack": Late(people)}, LiveRows())  # type: ignore[dict-item, arg-type]
    request = asked(Conversation("slack", "C1"), person=Person("slack", VIEWER, groups=(GROUP,)))
    person = (await delivery.with_zone(request)).person
    assert person == replace(request.person, groups=(), unread=(GROUP,), kind_read=False)


def test_a_group_is_mentioned_as_one() -> None:
    words = [Run("Those who can: "), Run("@x", "bold", who="slack:S0OPERATORS"), Run(", @y", who="slack:U0ADMIN01")]
    assert mrkdwn(words) == "Those who can: <!subteam^S0OPERATORS><@U0ADMIN01>"
    assert rich(words)[1:] == [
        {"type": "usergroup", "usergroup_id": "S0OPERATORS"},
        {"type": "user", "user_id": "U0ADMIN01"},
    ]
