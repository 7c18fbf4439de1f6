"""Which changes others must agree to first, and who they are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.chat.request import Conversation, Person
from bot.policy.approvals import ApprovalRules, Size, may_approve
from bot.policy.question import Needs, Question, Target
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import ApprovalSettings, BreakGlassSettings
from bot.settings import AccessSettings

CHANNEL = Conversation("slack", "C1")
ACCESS = Access(AccessSettings(everyone="viewer", operators=["slack:UOP", "slack:S0OPS"], admins=["slack:UAD"]))


def asked(**more: Any) -> Question:
    """Somebody resizes a pool."""
    given = {"command": "pool resize", "effect": "change", "needs": Needs(azure=True), "account": "prod-1",
             "target": Target("pool", "gpu-a")}  # fmt: skip
    return Question(person=Person("slack", "U1"), conversation=CHANNEL, **given | more)


def reasons(size: Size, *, question: Question | None = None, **rule: Any) -> list[str]:
    """Why a rule wants an approval; nothing where it wants none."""
    return [each.why for each in ApprovalRules([ApprovalSettings(**rule)]).needed(question or asked(), size)]


COST = "It would cost $12.50/h, which is more than $10.00/h."
UNKNOWN = "It adds nodes whose price is not known."
MORE, GONE = "There would be 11 nodes, which is more than 10.", "11 nodes would go, which is more than 10."


@pytest.mark.parametrize(
    ("rule", "size", "why"),
    [
        ({"price_per_hour": 10}, Size(2.0, 12.5, 1, 5, "USD"), [COST]),
        ({"price_per_hour": 10}, Size(None, 12.5, None, 5, "USD"), [COST]),
        ({"price_per_hour": 12.5}, Size(2.0, 12.5, 1, 5, "USD"), []),
        ({"price_per_hour": 10}, Size(12.5, 12.5, 5, 5, "USD"), []),
        ({"price_per_hour": 10}, Size(13.0, 12.5, 6, 5, "USD"), []),
        # a price that is not known: more nodes count as too dear
        ({"price_per_hour": 10}, Size(None, None, 1, 2), [UNKNOWN]),
        ({"price_per_hour": 10}, Size(None, None, None, 1), [UNKNOWN]),
        ({"price_per_hour": 10}, Size(None, None, 2, 2), []),
        ({"price_per_hour": 10}, Size(None, None, 2, None), []),
        ({"nodes": 10}, Size(nodes_before=5, nodes_after=11), [MORE]),
        ({"nodes": 10}, Size(nodes_before=5, nodes_after=10), []),
        ({"nodes": 10}, Size(nodes_before=11, nodes_after=11), []),
        ({"nodes": 10}, Size(nodes_before=20, nodes_after=11), []),
        ({"nodes": 10}, Size(nodes_before=11, nodes_after=0), [GONE]),
        ({"nodes": 10}, Size(nodes_before=10, nodes_after=0), []),
        ({"nodes": 10}, Size(nodes_before=5), []),
        ({"nodes": 0}, Size(nodes_before=1, nodes_after=0), ["1 node would go, which is more than 0."]),
        ({"nodes": 10, "price_per_hour": 10}, Size(2.0, 12.5, 1, 11, "USD"), [f"{COST} {MORE}"]),
        ({}, Size(), ["It is a change that others agree to first."]),
    ],
)  # fmt: skip
def test_what_exceeds_a_threshold(rule: dict[str, Any], size: Size, why: list[str]) -> None:
    assert reasons(size, **rule) == why


@pytest.mark.parametrize(
    ("rule", "question", "fits"),
    [
        ({"verbs": ["pool *"]}, asked(), True),
        ({"verbs": ["job *"]}, asked(), False),
        ({"accounts": ["prod-*"]}, asked(), True),
        ({"accounts": ["prod-*"]}, asked(account="test"), False),
        ({"entities": ["pool:gpu-*"]}, asked(), True),
        ({"entities": ["pool:cpu-*"]}, asked(), False),
        ({"effect": "destroy"}, asked(), False),
        ({"effect": "destroy"}, asked(effect="destroy"), True),
        ({"effect": "change"}, asked(effect="destroy"), False),
        ({}, asked(needs=Needs()), False),
        ({}, asked(effect="read"), False),
    ],
)
def test_what_a_rule_is_for(rule: dict[str, Any], question: Question, fits: bool) -> None:
    assert bool(reasons(Size(), question=question, **rule)) is fits


def test_every_rule_that_fits_has_to_be_satisfied_by_its_name_or_its_number() -> None:
    rules = ApprovalRules([ApprovalSettings(nodes=9), ApprovalSettings(name="dear", count=2), ApprovalSettings()])
    found = rules.needed(asked(), Size(nodes_before=1, nodes_after=2))
    assert [(each.rule, each.count) for each in found] == [("approvals.dear", 2), ("approvals.3", 1)]
    assert [each.rule for each in rules.all()] == ["approvals.1", "approvals.dear", "approvals.3"]
    assert found[0].lasts.total_seconds() == 4 * 3600


@pytest.mark.parametrize(
    ("approvers", "person", "may"),
    [
        ([], Person("slack", "U1"), None),
        (["slack:U1"], Person("slack", "U1"), True),
        (["slack:S0X"], Person("slack", "U1", groups=("S0X",)), True),
        (["slack:U2"], Person("slack", "U1"), False),
        (["operators"], Person("slack", "U1"), False),
        (["operators"], Person("slack", "UOP"), True),
        (["operators"], Person("slack", "UAD"), True),
        (["admins"], Person("slack", "UOP"), False),
        (["admins"], Person("slack", "UAD"), True),
    ],
)
def test_who_may_approve(approvers: list[str], person: Person, may: bool | None) -> None:
    [need] = ApprovalRules([ApprovalSettings(approvers=approvers)]).all()
    for could_run in (True, False):
        assert may_approve(ACCESS, need, person, could_run=could_run) is (could_run if may is None else may)


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({"expires_minutes": 5}, True),
        ({"expires_minutes": 4}, False),
        ({"expires_minutes": 10_080}, True),
        ({"expires_minutes": 10_081}, False),
        ({"count": 1}, True),
        ({"count": 0}, False),
        ({"count": 10}, True),
        ({"count": 11}, False),
        ({"nodes": 0}, True),
        ({"nodes": -1}, False),
        ({"node": 1}, False),
    ],
)
def test_what_the_settings_may_say(given: dict[str, int], fits: bool) -> None:
    if fits:
        assert msgspec.convert(given, ApprovalSettings)
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(given, ApprovalSettings)


def test_what_the_settings_say_of_a_person() -> None:
    rules = [ApprovalSettings(approvers=["operators"]), ApprovalSettings(approvers=["admins"]), ApprovalSettings()]
    policy = Policy(ACCESS, approvals=ApprovalRules(rules))
    for person, role, approves in (
        (Person("slack", "U1"), "viewer", ()),
        (Person("slack", "UOP"), "operator", ("approvals.1",)),
        (Person("slack", "UAD"), "admin", ("approvals.1", "approvals.2")),
        (Person("slack", "U1", kind="guest"), "none", ()),
        (Person("slack", "UOP", kind="guest"), "operator", ("approvals.1",)),
    ):
        standing = policy.standing(person, CHANNEL)
        assert (standing.role.role, standing.approves, standing.break_glass) == (role, approves, False)


def test_who_may_go_ahead_without_approvals() -> None:
    policy = Policy(ACCESS, break_glass=BreakGlassSettings(people=["slack:UAD", "slack:S0OPS"]))
    people = (Person("slack", "UAD"), Person("slack", "U1", groups=("S0OPS",)), Person("slack", "UOP"))
    assert [policy.may_break_glass(each) for each in people] == [True, True, False]
    assert policy.standing(people[0], CHANNEL).break_glass


def test_who_is_asked_is_everybody_that_the_settings_name_but_the_asker() -> None:
    policy = Policy(ACCESS)
    for more, ids in (
        ({"approvers": ["slack:U2", "slack:U1"]}, ["slack:U2"]),
        ({"approvers": ["slack:U2", "slack:U1"], "self_approval": True}, ["slack:U1", "slack:U2"]),
        ({"approvers": ["admins"]}, ["slack:UAD"]),
        ({"approvers": ["operators"]}, ["slack:S0OPS", "slack:UAD", "slack:UOP"]),
        ({}, ["slack:S0OPS", "slack:UAD", "slack:UOP"]),
    ):
        [need] = ApprovalRules([ApprovalSettings(**more)]).all()  # type: ignore[arg-type]
        assert policy.approvers(need, asked()) == ids
