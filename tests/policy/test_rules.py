"""Every rule of the policy, in its order; and the page that tells it to people."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bot.chat.request import Conversation, Person
from bot.policy import rules
from bot.policy.roles import Access
from bot.policy.rules import Needs, Policy, Question, Target
from bot.settings import AccessSettings
from cards.card import plain
from tests.handlers.conftest import Scene, scene

__all__ = ["scene"]

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
POLICY = Policy(
    Access(
        AccessSettings(
            everyone="viewer",
            viewers=["slack:S0READERS"],
            operators=["slack:UOP", "slack:S0OPS", "teams:op"],
            admins=["slack:UAD"],
        )
    )
)
CLOSED = Policy(Access(AccessSettings(everyone="none", viewers=["slack:S0READERS"])))
CHANNEL, GROUP, CHAT = (
    Conversation("slack", "C1"),
    Conversation("slack", "G1", kind="group"),
    Conversation("slack", "D1", kind="personal"),
)
SHARED = Needs("viewer", shared="operator")
OTHERS = Needs("viewer", others="operator")


def asked(person: str, **more: Any) -> Question:
    groups = more.pop("groups", ())
    given = {"command": "do it", "effect": "change", "needs": Needs(), "conversation": CHANNEL, **more}
    return Question(person=Person("slack", person, groups=groups), **given)


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (asked("U1", effect="read"), "access.everyone"),
        (asked("UOP", effect="read"), "access.operators"),
        (asked("UAD", needs=Needs("operator")), "access.admins"),
        (asked("U1", groups=("S0OPS",), needs=Needs("operator")), "access.operators"),
        (asked("U1", groups=("S0READERS", "S0OPS")), "access.operators"),
        (asked("UOP", groups=("S0READERS",)), "access.operators"),
        (asked("UOP", needs=SHARED), "access.operators"),
        (asked("U1", needs=SHARED, conversation=CHAT), "access.everyone"),
        (asked("U1", needs=SHARED, alone=True), "access.everyone"),
        (asked("U1", needs=SHARED, effect="read"), "access.everyone"),
        (asked("U1", needs=OTHERS, target=Target(owner="slack:U1")), "access.everyone"),
        (asked("U1", needs=OTHERS), "access.everyone"),
        (asked("U1", needs=OTHERS, target=Target(owner="slack:U2"), conversation=CHAT), "access.everyone"),
        (asked("UOP", needs=OTHERS, target=Target(owner="slack:U2")), "access.operators"),
    ],
)
def test_what_is_allowed_says_by_which_setting(question: Question, rule: str) -> None:
    decision = POLICY.decide(question)
    assert (decision.allowed, decision.rule) == (True, rule)
    assert rule in decision.reason


@pytest.mark.parametrize(
    ("policy", "question", "rule", "needed"),
    [
        (CLOSED, asked("U1", effect="read"), "access.none", "viewer"),
        (CLOSED, asked("U1", needs=SHARED), "access.none", "viewer"),
        (POLICY, asked("U1", needs=Needs("operator"), effect="read"), "command.role", "operator"),
        (POLICY, asked("UOP", needs=Needs("admin"), conversation=CHAT), "command.role", "admin"),
        (POLICY, asked("op", needs=Needs("operator")), "command.role", "operator"),
        (POLICY, asked("U1", needs=Needs("operator", shared="admin")), "command.role", "operator"),
        (POLICY, asked("UOP", needs=Needs("operator", shared="admin")), "command.shared", "admin"),
        (POLICY, asked("U1", needs=SHARED), "command.shared", "operator"),
        (POLICY, asked("U1", needs=SHARED, conversation=GROUP), "command.shared", "operator"),
        (POLICY, asked("U1", needs=SHARED, effect="destroy"), "command.shared", "operator"),
        (POLICY, asked("U1", needs=OTHERS, target=Target(owner="slack:U2")), "command.others", "operator"),
        (POLICY, asked("U1", needs=OTHERS, target=Target(owner="teams:U1")), "command.others", "operator"),
    ],
)
def test_what_is_refused_says_by_which_rule(policy: Policy, question: Question, rule: str, needed: str) -> None:
    decision = policy.decide(question)
    assert (decision.allowed, decision.rule, decision.needed) == (False, rule, needed)
    assert f"needs the role {needed}; yours is {decision.role}." in decision.reason


def test_a_refusal_knows_who_can_on_the_same_platform() -> None:
    assert POLICY.decide(asked("U1", needs=SHARED)).able == ("S0OPS", "UAD", "UOP")
    assert CLOSED.decide(asked("U1", needs=Needs("admin"))).able == ()


async def test_a_refusal_tells_the_rule_and_who_can(scene: Scene) -> None:
    scene.permit(operators=["text:olga", "text:otto"])
    card = await scene.ask("alert mute render-*")
    assert plain(card.title) == "“alert mute” for a whole channel needs the role operator; yours is viewer."
    told = str(card.blocks)
    assert "Your role is too low for a whole channel" in told
    assert "command.shared" in told
    assert "Those who can: olga, otto." in told
    assert "Mention" not in told, "which would notify them"
    assert "text:viewer" in told, "the id to be added"


def numbered(text: str) -> list[str]:
    """The numbered sentences of the order, however their lines are wrapped."""
    found = re.findall(r"^(\d\. .*?)(?=^\d\. |^$)", text.replace("``", "`"), re.DOTALL | re.MULTILINE)
    return [" ".join(each.split()) for each in found]


def test_the_page_tells_the_order_of_the_docstring() -> None:
    order = numbered(rules.__doc__ or "")
    assert len(order) == 9
    assert numbered(PAGE.read_text(encoding="utf-8"))[: len(order)] == order
