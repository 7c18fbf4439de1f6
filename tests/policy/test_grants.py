"""Who may change Azure: every kind of verb, grant, conversation and platform; and what is written wrongly."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, Literal

import pytest

from bot.chat.request import Conversation, Person
from bot.policy.approvals import ApprovalRules, Size
from bot.policy.grants import Grants
from bot.policy.people import People
from bot.policy.question import Needs, Question, Target
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import ApprovalSettings, GrantSettings, PersonSettings, grant_mistakes, person_mistakes
from bot.settings import AccessSettings

VERB = Needs(azure=True)
GPU = Target("pool", "gpu-a")
CHANNELS: dict[str, Conversation] = {
    "slack": Conversation("slack", "C1"),
    "teams": Conversation("teams", "19:ops@thread.tacv2"),
}
PLATFORMS: tuple[str, ...] = ("slack", "teams")
KINDS: tuple[Literal["channel", "group", "personal"], ...] = ("channel", "group", "personal")


def policy(*grants: GrantSettings, **access: Any) -> Policy:
    people = People([PersonSettings(["slack:UBOTH", "teams:both"])])
    return Policy(Access(AccessSettings(**access), people), Grants(grants))


def asked(key: str = "slack:U1", **more: Any) -> Question:
    platform, _, id_ = key.partition(":")
    groups, kind = more.pop("groups", ()), more.pop("kind", "member")
    given = {
        "conversation": CHANNELS[platform],
        "command": "pool resize",
        "effect": "change",
        "needs": VERB,
        "account": "sim",
        "target": GPU,
        **more,
    }
    person = Person(platform, id_, groups=groups, kind=kind)  # type: ignore[arg-type]
    return Question(person=person, **given)


def grant(to: str = "slack:U1", *verbs: str, **more: Any) -> GrantSettings:
    return GrantSettings([to], list(verbs) or ["*"], **more)


@pytest.mark.parametrize(("platform", "kind", "effect"), list(product(PLATFORMS, KINDS, ("read", "change", "destroy"))))
def test_nobody_changes_azure_until_the_settings_say_so(
    platform: str, kind: Literal["channel", "group", "personal"], effect: Any
) -> None:
    conversation = replace_kind(CHANNELS[platform], kind)
    decision = policy().decide(asked(f"{platform}:somebody", conversation=conversation, effect=effect))
    assert decision.allowed is (effect == "read"), "everybody reads"
    assert decision.rule == ("access.everyone" if effect == "read" else "grants.none")


def replace_kind(conversation: Conversation, kind: Literal["channel", "group", "personal"]) -> Conversation:
    return Conversation(conversation.platform, conversation.id, kind)


ALLOWED = {
    "this verb": (grant("slack:U1", "pool resize"), {}),
    "verbs of a noun": (grant("slack:U1", "pool *"), {}),
    "every verb": (grant(), {"effect": "destroy", "command": "job delete", "target": Target("job", "a")}),
    "this account": (grant(accounts=["s*"]), {}),
    "this pool": (grant(entities=["pool:gpu-*"]), {}),
    "ids are compared as the service does": (grant(entities=["pool:GPU-*"]), {"target": Target("pool", "Gpu-A")}),
    "a node of the pool": (grant(entities=["pool:gpu-*"]), {"target": Target("node", "tvm-1", "gpu-a")}),
    "a node by itself": (grant(entities=["node:gpu-a/tvm-*"]), {"target": Target("node", "tvm-1", "gpu-a")}),
    "a task of the job": (
        grant(entities=["job:night*"]),
        {"command": "task delete", "target": Target("task", "t", "nightly:job-1")},
    ),
    "all pools by a pattern": (grant(entities=["pool:*"]), {"target": Target("pool", "gpu-*")}),
    "the same pattern": (grant(entities=["pool:gpu-*"]), {"target": Target("pool", "gpu-*")}),
    "an account itself": (
        grant(entities=["account:sim"]),
        {"command": "account delete", "target": Target("account", "sim")},
    ),
    "what changes": (grant(effect="change"), {}),
    "what destroys": (grant(effect="destroy"), {"effect": "destroy"}),
    "a group": (grant("slack:S0OPS"), {"groups": ("S0OPS",)}),
    "a conversation": (grant("conversation:slack:C1"), {}),
    "the same person elsewhere": (grant("slack:UBOTH"), {"key": "teams:both"}),
    "a guest who is named": (grant(), {"kind": "guest"}),
    "a stranger whose group is named": (grant("slack:S0OPS"), {"kind": "foreign", "groups": ("S0OPS",)}),
    "a bot that is named": (grant(), {"kind": "bot"}),
    "somebody who could not even read": (grant(), {"everyone": "none"}),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_grant_allows_what_it_names(name: str) -> None:
    given, more = ALLOWED[name]
    access = {"everyone": more.pop("everyone")} if "everyone" in (more := dict(more)) else {}
    decision = policy(given, **access).decide(asked(**more))
    assert (decision.allowed, decision.rule) == (True, "grants.1")
    assert f"{given.to[0]} is named in grants.1." == decision.reason


REFUSED = {
    "another verb": (grant("slack:U1", "pool resize"), {"command": "pool delete"}, "grants.none"),
    "another noun": (grant("slack:U1", "pool *"), {"command": "job delete"}, "grants.none"),
    "another account": (grant(accounts=["render*"]), {}, "grants.none"),
    "no account where one is wanted": (grant(accounts=["sim"]), {"account": ""}, "grants.none"),
    "another pool": (grant(entities=["pool:cpu-*"]), {}, "grants.none"),
    "another kind": (grant(entities=["job:gpu-*"]), {}, "grants.none"),
    "more than the pattern": (grant(entities=["pool:gpu-a*"]), {"target": Target("pool", "gpu-*")}, "grants.none"),
    "all pools": (grant(entities=["pool:gpu-*"]), {"target": Target()}, "grants.none"),
    "what destroys": (grant(effect="change"), {"effect": "destroy"}, "grants.none"),
    "what changes": (grant(effect="destroy"), {}, "grants.none"),
    "another person": (grant("slack:U2"), {}, "grants.none"),
    "the same id elsewhere": (grant("slack:U1"), {"key": "teams:U1"}, "grants.none"),
    "another group": (grant("slack:S0OPS"), {"groups": ("S0OTHERS",)}, "grants.none"),
    "another conversation": (grant("conversation:slack:C2"), {}, "grants.none"),
    "a guest in the conversation": (grant("conversation:slack:C1"), {"kind": "guest"}, "access.outsiders"),
    "a stranger in the conversation": (grant("conversation:slack:C1"), {"kind": "foreign"}, "access.outsiders"),
    "a stranger who reads": (grant("slack:U2"), {"kind": "foreign", "effect": "read"}, "access.outsiders"),
    "a bot that reads": (grant("slack:U2"), {"kind": "bot", "effect": "read"}, "access.outsiders"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_grant_allows_nothing_else(name: str) -> None:
    given, more, rule = REFUSED[name]
    decision = policy(given).decide(asked(**more))
    assert (decision.allowed, decision.rule) == (False, rule)


DENIED = {
    "the person": (grant(deny=True, name="no"), {}, True),
    "their id elsewhere": (grant("teams:both", deny=True, name="no"), {"key": "slack:UBOTH"}, True),
    "a group of theirs": (grant("slack:S0NEW", deny=True, name="no"), {"groups": ("S0NEW",)}, True),
    "everybody here": (grant("conversation:slack:C1", deny=True, name="no"), {}, True),
    "the pool": (grant(entities=["pool:gpu-*"], deny=True, name="no"), {}, True),
    "one of the pools": (
        grant(entities=["pool:gpu-a"], deny=True, name="no"),
        {"target": Target("pool", "g*")},
        True,
    ),
    "one of all pools": (grant(entities=["pool:x"], deny=True, name="no"), {"target": Target()}, True),
    "a node of the pool": (
        grant(entities=["pool:gpu-*"], deny=True, name="no"),
        {"target": Target("node", "tvm-1", "gpu-a")},
        True,
    ),
    "another pool": (grant(entities=["pool:cpu-*"], deny=True, name="no"), {}, False),
    "another kind": (grant(entities=["job:gpu-*"], deny=True, name="no"), {}, False),
    "another verb": (grant("slack:U1", "pool delete", deny=True, name="no"), {}, False),
    "another account": (grant(accounts=["prod"], deny=True, name="no"), {}, False),
    "what destroys": (grant(effect="destroy", deny=True, name="no"), {}, False),
    "reading": (grant(deny=True, name="no"), {"effect": "read"}, False),
}


@pytest.mark.parametrize("name", DENIED)
@pytest.mark.parametrize("first", [True, False])
def test_a_deny_wins_wherever_it_stands(name: str, first: bool) -> None:
    given, more, wins = DENIED[name]
    key = more.get("key", "slack:U1")
    allow = grant(key, name="yes")
    decision = policy(*([given, allow] if first else [allow, given]), admins=[key]).decide(asked(**more))
    assert decision.allowed is not wins
    assert (decision.rule == "grants.no") is wins


@pytest.mark.parametrize(
    ("role", "effect", "allowed"),
    [
        ("viewers", "change", False),
        ("operators", "change", True),
        ("operators", "destroy", False),
        ("admins", "change", True),
        ("admins", "destroy", True),
    ],
)
def test_what_a_role_may_change(role: str, effect: Any, allowed: bool) -> None:
    decision = policy(**{role: ["slack:U1"]}).decide(asked(effect=effect))
    assert (decision.allowed, decision.rule) == (allowed, f"access.{role}" if allowed else "grants.none")


def test_a_refusal_knows_who_could() -> None:
    given = policy(
        grant("slack:U7", "pool *"),
        grant("slack:S0OPS", "pool resize"),
        grant("slack:U8", "job *"),
        grant("teams:t", "*"),
        operators=["slack:UOP"],
        admins=["slack:UAD"],
    )
    decision = given.decide(asked())
    assert decision.able == ("S0OPS", "U7", "UAD", "UOP")
    assert decision.reason == (
        "“pool resize” of pool gpu-a in sim needs a grant, and no grant of the settings gives you one."
    )
    assert given.decide(asked(effect="destroy")).able == ("S0OPS", "U7", "UAD")
    assert given.decide(asked("teams:x")).able == ("t",)


def test_what_holds_for_a_channel_needs_its_role_besides() -> None:
    needs = replace(VERB, shared="operator")
    assert policy(grant()).decide(asked(needs=needs)).rule == "command.shared"


def test_one_person_is_the_owner_on_both_platforms() -> None:
    needs = Needs(others="operator")
    mine = Target(owner="slack:UBOTH")
    assert policy().decide(asked("teams:both", needs=needs, target=mine)).allowed
    assert not policy().decide(asked("teams:other", needs=needs, target=mine)).allowed


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (grant("olga"), "grants 1.to: 'olga' is not an id: write slack:U012AB3CD or teams:OBJECT-ID, or conversation:"),
        (grant("conversation:C1"), "grants 1.to: 'conversation:C1' is not an id"),
        (GrantSettings([], ["*"]), "grants 1.to: is empty"),
        (GrantSettings(["slack:U1"], []), "grants 1.verbs: is empty"),
        (grant("slack:U1", "Pool-Resize"), "grants 1.verbs: 'Pool-Resize' is not a command"),
        (grant(accounts=["nowhere"]), "grants 1.accounts: there is no account 'nowhere': there are sim, render"),
        (grant(accounts=[]), "grants 1.accounts: is empty"),
        (grant(entities=["gpu-*"], name="ops"), "grants ops.entities: 'gpu-*' has no kind: write pool:gpu-*"),
        (grant(entities=[]), "grants 1.entities: is empty"),
        (grant(name="night shift"), "grants night shift.name: a name begins with a letter"),
    ],
)
def test_a_mistake_is_one_line(given: GrantSettings, line: str) -> None:
    (mistake,) = grant_mistakes([given], ["sim", "render"])
    assert mistake.startswith(line)


def test_names_of_grants_and_ids_of_people_are_their_own() -> None:
    assert list(grant_mistakes([grant(name="a"), grant(name="a")], ["sim"])) == [
        "grants a.name: two have it: give each a name of its own"
    ]
    people = [PersonSettings(["slack:U1", "teams:1"]), PersonSettings(["slack:U1", "teams:2"]), PersonSettings(["U"])]
    assert list(person_mistakes(people)) == [
        "people 2.ids: slack:U1 is in people 1 too: one id is of one person",
        "people 3: has 1 id(s): name two or more, such as slack:U012AB3CD and teams:OBJECT-ID",
        "people 3.ids: 'U' is not an id: write slack:U012AB3CD or teams:OBJECT-ID (names can be changed, ids not)",
    ]
    assert not list(grant_mistakes([grant("conversation:teams:19:a@thread.tacv2", "pool *", entities=["*"])], ["sim"]))


NIGHTLY = Target("job", "nightly")
MOVE = {"command": "job move", "target": NIGHTLY, "also": (GPU,)}
CLONE = {"command": "pool clone", "target": Target("pool", "new"), "uses": (GPU,)}


@pytest.mark.parametrize(
    ("given", "more", "rule"),
    [
        ([grant(entities=["job:nightly"])], MOVE, "grants.none"),
        ([grant(entities=["pool:gpu-a"])], MOVE, "grants.none"),
        ([grant(entities=["job:nightly", "pool:gpu-*"])], MOVE, ""),
        ([grant(entities=["job:nightly"]), grant(entities=["pool:gpu-*"])], MOVE, ""),
        ([grant(), grant(entities=["pool:gpu-*"], deny=True, name="no")], MOVE, "grants.no"),
        ([grant(), grant(entities=["job:nightly"], deny=True, name="no")], MOVE, "grants.no"),
        ([grant(entities=["pool:new"])], CLONE, ""),
        ([grant(entities=["pool:gpu-a"])], CLONE, "grants.none"),
        ([grant(), grant(entities=["pool:gpu-a"], deny=True, name="no")], CLONE, "grants.no"),
        ([grant(), grant(entities=["pool:new"], deny=True, name="no")], CLONE, "grants.no"),
        ([grant(), grant(entities=["pool:other"], deny=True, name="no")], CLONE, ""),
    ],
)
def test_each_entity_that_a_change_is_about_is_judged(
    given: list[GrantSettings], more: dict[str, Any], rule: str
) -> None:
    decision = policy(*given).decide(asked(**more))
    assert ("" if decision.allowed else decision.rule) == rule


@pytest.mark.parametrize("denied", [["job:nightly"], ["pool:gpu-a"]])
def test_a_deny_of_an_entity_holds_for_admins_too(denied: list[str]) -> None:
    judge = policy(grant(entities=denied, deny=True, name="no"), admins=["slack:U1"])
    assert judge.decide(asked(**MOVE)).rule == "grants.no"


@pytest.mark.parametrize(
    ("entities", "more", "allowed"),
    [
        (["task:nightly/t1"], {"command": "task delete", "target": NIGHTLY}, False),
        (["task:other/*"], {"command": "task delete", "target": NIGHTLY}, True),
        (["task:*"], {"command": "task delete", "target": NIGHTLY}, False),
        (["node:gpu-a/tvm-1"], {"command": "node reboot"}, False),
        (["node:gpu-b/*"], {"command": "node reboot"}, True),
        (["package:render/*"], {"command": "package activate", "target": Target("package", "4.2", "render")}, False),
        (["application:render"], {"command": "package activate", "target": Target("package", "4.2", "render")}, False),
    ],
)
def test_what_is_within_is_denied_too(entities: list[str], more: dict[str, Any], *, allowed: bool) -> None:
    judge = policy(grant(), grant(entities=entities, deny=True, name="no"))
    assert judge.decide(asked(**more)).allowed is allowed


def test_a_rule_for_approvals_holds_for_any_entity_of_a_change() -> None:
    rules = ApprovalRules([ApprovalSettings(entities=["pool:gpu-*"])])
    assert rules.needed(asked(**MOVE), Size())
    assert rules.needed(asked(**CLONE), Size())
    assert not rules.needed(asked(**{**CLONE, "uses": ()}), Size())


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ([grant()], True),
        ([grant(accounts=["prod-*"])], True),
        ([grant(entities=["pool:cpu-*"])], True),
        ([grant(entities=["job:*"])], False),
        # a deny holds where it does whatever is filled in
        ([grant(), grant(deny=True)], False),
        ([grant(), grant(deny=True, accounts=["prod-*"])], True),
        ([grant(), grant(deny=True, entities=["pool:cpu-*"])], True),
        ([], True),  # without any grants the role decides
    ],
)
def test_before_all_is_filled_in_it_is_whether_anything_would_be_allowed(
    given: list[GrantSettings], allowed: bool
) -> None:
    question = asked(partial=True, account="", target=Target("pool"))
    assert policy(*given, everyone="operator").decide(question).allowed is allowed


def test_an_account_that_is_filled_in_already_is_judged() -> None:
    for account, allowed in (("prod-1", True), ("sim", False)):
        question = asked(partial=True, account=account, target=Target("pool"))
        assert policy(grant(accounts=["prod-*"]), everyone="operator").decide(question).allowed is allowed
