"""What the bot posts by itself offers what somebody who sees it may do, and nothing that is refused to everybody."""

from __future__ import annotations

import pytest

from bot.chat.request import Conversation
from bot.policy.grants import Grants
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import GrantSettings
from bot.requests.offered import offered_to_all
from bot.settings import AccessSettings
from cards.build import actions, blocks, text
from cards.card import Actions, Button, Card
from tests.commands import every_command

OPS, OTHERS, TEAMS = Conversation("slack", "C1"), Conversation("slack", "C2"), Conversation("teams", "19:x")
CARD = Card(
    title=text("pool gpu-a is idle"),
    blocks=blocks(
        actions(
            Button("Resize to 0", "pool resize gpu-a 0 account:a"),
            Button("Open", "pool show gpu-a"),
            Button("Delete…", "pool delete gpu-a account:a"),
        )
    ),
)


def shown(policy: Policy, where: Conversation, *, writes: bool = True) -> list[str]:
    card = offered_to_all(CARD, every_command(), policy, where, "a", lambda _: writes)
    return [
        item.text for block in card.blocks if isinstance(block, Actions) for item in block.items
        if isinstance(item, Button)
    ]  # fmt: skip


def policy(*grants: GrantSettings, **access: list[str]) -> Policy:
    return Policy(Access(AccessSettings(**access)), Grants(list(grants)))  # type: ignore[arg-type]


RESIZES = ["pool resize"]


@pytest.mark.parametrize(
    ("rules", "where", "offered"),
    [
        (policy(), OPS, ["Open"]),
        (policy(GrantSettings(["conversation:slack:C1"], RESIZES)), OPS, ["Resize to 0", "Open"]),
        (policy(GrantSettings(["conversation:slack:C1"], RESIZES)), OTHERS, ["Open"]),
        (policy(GrantSettings(["slack:U1"], RESIZES)), OTHERS, ["Resize to 0", "Open"]),
        (policy(GrantSettings(["slack:U1"], RESIZES)), TEAMS, ["Open"]),
        (policy(GrantSettings(["slack:S1"], RESIZES)), OPS, ["Resize to 0", "Open"]),
        (policy(GrantSettings(["slack:U1"], RESIZES, entities=["pool:cpu-*"])), OPS, ["Open"]),
        (policy(operators=["slack:U1"]), OPS, ["Resize to 0", "Open"]),
        (policy(admins=["slack:U1"]), OPS, ["Resize to 0", "Open", "Delete…"]),
        (
            policy(GrantSettings(["conversation:slack:C1"], ["*"], deny=True), admins=["slack:U1"]),
            OPS,
            ["Open"],
        ),
    ],
)
def test_a_button_stays_where_somebody_who_sees_it_may_press_it(
    rules: Policy, where: Conversation, offered: list[str]
) -> None:
    assert shown(rules, where) == offered


def test_what_the_bot_has_no_identity_for_is_offered_to_nobody() -> None:
    assert shown(policy(admins=["slack:U1"]), OPS, writes=False) == ["Open"]
