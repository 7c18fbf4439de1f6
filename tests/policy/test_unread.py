"""What the platform could not be asked about a person grants nothing, and denies what it may deny."""

from __future__ import annotations

from typing import Any

import pytest

from bot.chat.request import Conversation, Person
from bot.policy.grants import Grants
from bot.policy.people import People
from bot.policy.roles import Access
from bot.policy.rules import Needs, Policy, Question, Target
from bot.policy.settings import GrantSettings
from bot.settings import AccessSettings, SettingsError
from bot.settings_file import check

HERE = Conversation("slack", "C1")
GROUP_IDS = {"slack": "S0OPS", "teams": "group:6f1c0000-0000-4000-8000-000000000001"}
BY_CHANNEL = GrantSettings(["conversation:slack:C1"], ["pool resize"], name="here")


def policy(*grants: GrantSettings, **access: Any) -> Policy:
    return Policy(Access(AccessSettings(**access), People()), Grants(grants))


def asked(platform: str = "slack", effect: Any = "change", **more: Any) -> Question:
    person = Person(platform, "U1", **more)
    where = Conversation(platform, "C1")
    return Question(person, where, "pool resize", effect, Needs(azure=True), "sim", Target("pool", "gpu-a"))


@pytest.mark.parametrize(("platform", "group"), GROUP_IDS.items())
def test_a_grant_to_a_group_holds_for_its_members_alone(platform: str, group: str) -> None:
    given = policy(GrantSettings([f"{platform}:{group}"], ["pool *"], name="ops"))
    assert given.decide(asked(platform, groups=(group,))).rule == "grants.ops"
    outside = given.decide(asked(platform))
    assert (outside.allowed, outside.rule, outside.able) == (False, "grants.none", (group,))
    assert "membership" not in outside.reason
    unread = given.decide(asked(platform, unread=(group,)))
    assert (unread.allowed, unread.rule) == (False, "grants.none")
    assert "group membership could not be read" in unread.reason


@pytest.mark.parametrize(("platform", "group"), GROUP_IDS.items())
def test_a_role_of_a_group_does_not_count_while_it_is_unread(platform: str, group: str) -> None:
    given = policy(everyone="none", operators=[f"{platform}:{group}"])
    assert given.decide(asked(platform, "read", groups=(group,))).allowed
    refused = given.decide(asked(platform, "read", unread=(group,)))
    assert (refused.allowed, refused.rule) == (False, "access.none")
    assert "group membership could not be read" in refused.reason


def test_what_may_be_denied_to_a_group_is_denied_while_it_is_unread() -> None:
    deny = GrantSettings(["slack:S0FROZEN"], ["*"], deny=True, name="freeze")
    given = policy(deny, admins=["slack:U1"])
    assert given.decide(asked()).allowed
    assert given.decide(asked(groups=("S0FROZEN",))).rule == "grants.freeze"
    unread = given.decide(asked(unread=("S0FROZEN",)))
    assert (unread.allowed, unread.rule) == (False, "access.unread")
    assert "grants.freeze" in unread.reason
    assert given.decide(asked(effect="read", unread=("S0FROZEN",))).allowed, "reading goes on"
    assert given.decide(asked(unread=("S0OTHER",))).allowed, "another group matters nothing to it"


def test_whose_standing_is_not_known_reads_as_a_member_and_changes_nothing_by_the_conversation() -> None:
    given = policy(BY_CHANNEL)
    assert given.decide(asked()).rule == "grants.here"
    assert given.decide(asked(effect="read", kind_read=False)).allowed
    refused = given.decide(asked(kind_read=False))
    assert (refused.allowed, refused.rule) == (False, "access.unread")
    assert "could not be read" in refused.reason
    assert given.decide(asked(kind="guest")).rule == "access.outsiders"


def test_who_is_named_needs_no_standing() -> None:
    by_name = policy(BY_CHANNEL, GrantSettings(["slack:U1"], ["pool resize"], name="me"))
    assert by_name.decide(asked(kind_read=False)).rule == "grants.me"
    assert policy(operators=["slack:U1"]).decide(asked(kind_read=False)).allowed


def test_what_is_denied_to_a_conversation_is_denied_to_named_guests_too() -> None:
    freeze = GrantSettings(["conversation:slack:C1"], ["*"], deny=True, name="freeze")
    given = policy(freeze, operators=["slack:U1"])
    assert given.decide(asked(kind="guest")).rule == "grants.freeze"


def test_settings_say_which_groups_are_named_and_refuse_what_is_none() -> None:
    group = f"teams:{GROUP_IDS['teams']}"
    raw: dict[str, Any] = {
        "accounts": {
            "sim": {"endpoint": "https://sim.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}
        },
        "access": {"viewers": ["slack:S0VIEW", "slack:U1"], "operators": [group]},
        "grants": [{"to": ["slack:S0OPS", "conversation:slack:C1", "teams:o"], "verbs": ["*"]}],
        "approvals": [{"approvers": ["slack:S0BOSS", "admins"], "nodes": 5}],
        "break_glass": {"people": ["slack:S0FIRE"], "conversation": "slack:C1"},
    }
    settings = check(raw)
    assert settings.groups("slack") == {"S0VIEW", "S0OPS", "S0BOSS", "S0FIRE"}
    assert settings.groups("teams") == {GROUP_IDS["teams"]}
    assert settings.groups("text") == frozenset()
    for section in (
        {"access": {"admins": ["teams:group:ops"]}},
        {"grants": [{"to": ["teams:group:ops"], "verbs": ["*"]}]},
    ):
        with pytest.raises(SettingsError, match="is not an id"):
            check({**raw, **section})
