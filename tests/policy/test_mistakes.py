"""Mistakes in the rules of approval: where they begin."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.policy.settings import ApprovalSettings, approval_mistakes

RULE = ApprovalSettings(verbs=["pool resize"], approvers=["operators"])


@pytest.mark.parametrize(("price", "told"), [(0.0, []), (0.01, []), (-0.01, ["is less than nothing"])])
def test_a_price_may_be_nothing_but_not_less(price: float, told: list[str]) -> None:
    found = list(approval_mistakes([replace(RULE, approvers=["slack:U0OLGA"], price_per_hour=price)], ["render"]))
    assert [each.partition(": ")[2] for each in found] == told


@pytest.mark.parametrize(
    ("approvers", "count", "told"),
    [
        (["slack:U0OLGA", "slack:U0OTTO"], 2, []),
        (["slack:U0OLGA", "slack:U0OTTO"], 1, []),
        (["slack:U0OLGA"], 2, ["approvals 1.count: 2 must agree, and approvers has 1: name more"]),
        (["slack:S0GROUP"], 2, []),
        (["operators"], 2, []),
        ([], 2, []),
    ],
)
def test_as_many_are_named_as_must_agree(approvers: list[str], count: int, told: list[str]) -> None:
    """A group or a role may have more."""
    assert list(approval_mistakes([replace(RULE, approvers=approvers, count=count)], ["render"])) == told
