"""Mistakes in the rules of who may change what: where they begin, and where they are said."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.policy.settings import (
    ApprovalSettings,
    AuditSettings,
    BreakGlassSettings,
    GrantSettings,
    PersonSettings,
    approval_mistakes,
    break_glass_mistakes,
    grant_mistakes,
    person_mistakes,
)

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


@pytest.mark.parametrize(
    ("id_", "told"),
    [
        ("slack:U012AB3CD", ""),
        ("teams:0aa1bb2c-0000-4000-8000-00000000000d", ""),
        ("slack:S012AB3CD", ""),
        ("teams:group:0aa1bb2c-0000-4000-8000-00000000000d", ""),
        ("teams:group:sales", "is not an id"),
        ("discord:U012AB3CD", "is not an id"),
        ("U012AB3CD", "is not an id"),
        ("slack:", "is not an id"),
        ("slack:U012 AB3CD", "is not an id"),
        ("vera@example.com", "is an e-mail address"),
        ("slack:vera@example.com", "is an e-mail address"),
    ],
)
def test_who_is_named_by_an_id(id_: str, told: str) -> None:
    for found in (
        list(grant_mistakes([GrantSettings(to=[id_], verbs=["*"])], ["render"])),
        list(approval_mistakes([ApprovalSettings(approvers=[id_])], ["render"])),
        list(person_mistakes([PersonSettings(ids=[id_, "teams:other"])])),
        list(break_glass_mistakes(BreakGlassSettings(people=[id_], conversation="slack:C012AB3CD"), AuditSettings())),
    ):
        assert [told in each for each in found] == ([True] if told else [])


def test_a_person_has_two_ids_or_more_that_nobody_else_has() -> None:
    mia, vera = PersonSettings(ids=["slack:U1", "teams:a"]), PersonSettings(ids=["slack:U1", "teams:b"])
    assert list(person_mistakes([mia])) == []
    assert [each.partition(":")[0] for each in person_mistakes([mia, vera])] == ["people 2.ids"]
    assert ["people 1: has 1 id(s)" in each for each in person_mistakes([PersonSettings(ids=["slack:U1"])])] == [True]
    assert list(person_mistakes([PersonSettings(ids=["slack:U1", "slack:U1"])])) == [], "twice in one is no harm"


def test_what_is_wrong_with_a_grant_is_said_where_it_stands() -> None:
    nothing = GrantSettings(to=[], verbs=[], accounts=[], entities=[])
    places = [each.partition(":")[0] for each in grant_mistakes([nothing], ["render"])]
    assert places == ["grants 1.to", "grants 1.verbs", "grants 1.accounts", "grants 1.entities"]
    wrong = GrantSettings(
        to=["conversation:slack:C012AB3CD"], verbs=["Pool!"], accounts=["nowhere"], entities=["gpu-*"], name="2nd"
    )
    places = [each.partition(":")[0] for each in grant_mistakes([wrong], ["render"])]
    assert places == ["grants 2nd.name", "grants 2nd.verbs", "grants 2nd.accounts", "grants 2nd.entities"]
    well = GrantSettings(
        to=["conversation:slack:C012AB3CD"], verbs=["pool *"], accounts=["r*"], entities=["pool:gpu-*", "*"], name="ok"
    )
    assert list(grant_mistakes([well, replace(well, name="")], ["render"])) == []
    assert ["two have it" in each for each in grant_mistakes([well, well], ["render"])] == [True]


def test_whoever_goes_ahead_without_approval_is_seen_by_others() -> None:
    people = BreakGlassSettings(people=["slack:U1"])
    [told] = break_glass_mistakes(people, AuditSettings())
    assert told.startswith("break_glass.conversation: is missing")
    assert list(break_glass_mistakes(people, AuditSettings(conversation="slack:C012AB3CD"))) == []
    assert list(break_glass_mistakes(BreakGlassSettings(), AuditSettings())) == []
    wrong = break_glass_mistakes(BreakGlassSettings(conversation="#ops"), AuditSettings(conversation="ops"))
    assert [each.partition(":")[0] for each in wrong] == ["break_glass.conversation", "audit.conversation"]
