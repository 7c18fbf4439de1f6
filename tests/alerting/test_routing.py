"""Which subscriptions and mutes a matter concerns, how one is said, and where two of them meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Of
from typing import Any

import pytest

from bot.alerting.model import Mute, Subscription
from bot.alerting.routing import Router, concerns, muted, overlaps, wanted
from bot.alerting.rules import discover
from bot.alerting.sample_incident import made_up
from bot.chat.request import Conversation
from bot.domain.findings import Entity, Severity

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KINDS = discover()
LOUD = next(each for each in KINDS.values() if not each.quiet)
QUIET = next(each for each in KINDS.values() if each.quiet)


def subscription(name: str = "a", where: str = "C1", **more: Any) -> Subscription:
    return Subscription(id=name, conversation=Conversation("slack", where), **{"severity": Severity.INFO} | more)


def matter(**more: Any) -> Any:
    """A node of pool gpu-a in trouble."""
    known = {"account": "render", "kind": LOUD.name, "severity": Severity.WARNING,
             "entity": Entity("node", "tvm-1", "gpu-a"), "related": (Entity("pool", "gpu-a"),)}  # fmt: skip
    return Of(**known | more)


@pytest.mark.parametrize(
    ("accounts", "entity", "kinds", "fits"),
    [
        ("*", "*", (), True),
        ("RENDER", "*", (), True),
        ("ren*", "", (), True),
        ("sim", "*", (), False),
        ("*", "tvm-*", (), True),
        ("*", "GPU-A", (), True),
        ("*", "pool:gpu-*", (), True),
        ("*", "Pool:gpu-a", (), True),
        ("*", "job:gpu-a", (), False),
        ("*", "node:gpu-a", (), False),
        ("*", "other:gpu-a", (), False),
        ("*", "*", (LOUD.name,), True),
        ("*", "*", ("no.*", f"{LOUD.name[:3]}*"), True),
        ("*", "*", ("no.*",), False),
    ],
)
def test_what_patterns_fit(accounts: str, entity: str, kinds: tuple[str, ...], fits: bool) -> None:
    assert concerns(matter(), accounts, entity, kinds) is fits
    given = subscription(accounts=accounts, entity=entity, kinds=kinds)
    assert wanted(given, matter(), KINDS) is fits
    router = Router([given, subscription("b", "C2", accounts="nowhere")], KINDS)
    assert list(router.route(matter())) == list(router.route(matter())) == (["slack:C1"] if fits else [])


def test_how_bad_and_how_quiet() -> None:
    for least, fits in ((Severity.INFO, True), (Severity.WARNING, True), (Severity.CRITICAL, False)):
        assert wanted(subscription(severity=least), matter(), KINDS) is fits
    hushed = matter(kind=QUIET.name)
    assert not wanted(subscription(), hushed, KINDS), "a quiet rule is asked for by name"
    assert wanted(subscription(kinds=(QUIET.name,)), hushed, KINDS)
    assert wanted(subscription(), matter(kind="of another version"), KINDS)


def test_of_mutes_the_one_that_lasts_longest_counts() -> None:
    soon, late = (Mute(id=name, until=NOON + hours * HOUR) for name, hours in (("soon", 1), ("late", 2)))
    ever, other = Mute(id="ever"), Mute(id="other", accounts="sim")
    assert muted(matter(), [soon, late, other]) is late
    assert muted(matter(), [ever, late]) is ever
    assert muted(matter(), [other]) is None


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ({}, {}, True),
        ({"kinds": ("job.*",)}, {}, True),
        ({"kinds": ("job.*",)}, {"kinds": ("node.*", "job.failed")}, True),
        ({"kinds": ("job.*",)}, {"kinds": ("node.*",)}, False),
        ({"accounts": "render"}, {"accounts": "ren*"}, True),
        ({"accounts": "render"}, {"accounts": "sim"}, False),
        ({"accounts": "re*r"}, {"accounts": "r*der"}, True),
        ({"accounts": "s*"}, {"accounts": "r*"}, False),
        ({"entity": "pool:a"}, {"entity": "pool:*"}, True),
        ({"entity": "pool:a"}, {"entity": "pool:b"}, False),
        ({}, {"where": "C2"}, False),
        ({}, {"name": "a"}, False),
    ],
)
def test_where_two_may_bring_the_same(one: dict[str, Any], other: dict[str, Any], meet: bool) -> None:
    given, known = subscription("a", **one), subscription(**{"name": "b"} | other)
    assert list(overlaps(given, [known])) == ([known] if meet else [])
    assert list(overlaps(given, [subscription("z", "C9"), known])) == ([known] if meet else [])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "everything in every account"),
        ({"severity": Severity.WARNING}, "warning or worse: everything in every account"),
        ({"severity": Severity.CRITICAL, "accounts": "render"}, "critical: everything in render"),
        ({"kinds": ("job.*", "task.failed"), "entity": "job:n*"}, "job.*, task.failed about job:n* in every account"),
    ],
)
def test_a_subscription_in_words(given: dict[str, Any], words: str) -> None:
    assert subscription(**given).describe() == words


@pytest.mark.parametrize(
    ("entity", "fits"),
    [("nightly:job-12", True), ("Nightly:*", True), ("job:nightly:*", True), ("pool:nightly:*", False), ("*-12", True)],
)
def test_a_name_that_holds_a_colon_is_no_kind(entity: str, fits: bool) -> None:
    assert concerns(matter(entity=Entity("job", "nightly:job-12"), related=()), "*", entity, ()) is fits


def test_a_test_alert_is_news_of_an_entity_of_its_kind() -> None:
    for rule in KINDS.values():
        made = made_up(rule, "render", NOON, name="parent/own")
        assert (made.kind, made.state, made.open) == (rule.name, "event", False)
        assert made.severity is rule.severity
        known = {
            "account": (Entity("account", "render"), ()),
            "node": (Entity("node", "own", "parent"), (Entity("pool", "parent"),)),
            "task": (Entity("task", "own", "parent"), (Entity("job", "parent"),)),
        }.get(rule.entity, (Entity(rule.entity, "parent/own"), ()))
        assert (made.entity, made.related) == known
    assert made_up(LOUD, "render", NOON, severity=Severity.CRITICAL).severity is Severity.CRITICAL
    alone = made_up(next(each for each in KINDS.values() if each.entity == "node"), "render", NOON, name="own")
    assert (alone.entity, alone.related) == (Entity("node", "own"), ())
