"""What is told of an account."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.domain.findings import Entity
from bot.monitor.scene import Blindness
from tests.alerting.rules.scenes import ago, found, job, only, pool, worth


@pytest.mark.parametrize(
    ("blind", "told"),
    [
        (Blindness(ago(1), "NoConnection", "refused", 2), False),
        (Blindness(ago(2), "NoConnection", "refused", 2), False),
        (Blindness(ago(2.1), "NoConnection", "refused", 2), True),
        (Blindness(ago(1), "NoConnection", "refused", 3), True),
        (Blindness(ago(60), "TooManyRequests", "slower", 30), False),
        (Blindness(ago(60), "ServerBusy", "slower", 30), False),
        (Blindness(ago(-60), "Timeout", "the clocks differ", 1), False),
    ],
)
def test_an_account_that_cannot_be_read(blind: Blindness, told: bool) -> None:
    assert bool(found("account.unreachable", blind=blind)) is told


def test_an_account_that_can_be_read_is_not_told() -> None:
    assert found("account.unreachable") == []
    assert found("account.throttled") == []


def test_the_words_of_an_unreachable_account() -> None:
    key = "https://x.blob.core.windows.net/c?sv=1&sig=abcdefghijklmnopqrstuvwxyz0123456789"
    told = only("account.unreachable", blind=Blindness(ago(5), "AuthenticationFailed", f"no {key}", 9))
    assert told.headline == "account render-prod cannot be read: AuthenticationFailed"
    assert told.cause == "the service does not know the bot: its key or identity has changed"
    assert told.entity == Entity("account", "render-prod")
    assert told.since == ago(5)
    assert "abcdefghijkl" not in told.evidence
    assert worth("account.unreachable", told) == "critical"


@pytest.mark.parametrize(
    ("blind", "told"),
    [
        (Blindness(ago(4), "TooManyRequests", "", 9), False),
        (Blindness(ago(6), "TooManyRequests", "", 9), True),
        (Blindness(ago(6), "ServerBusy", "", 9), True),
        (Blindness(ago(6), "Timeout", "", 9), False),
    ],
)
def test_a_throttled_account(blind: Blindness, told: bool) -> None:
    headlines = [each.headline for each in found("account.throttled", blind=blind)]
    assert headlines == (["account render-prod is throttled: what is shown of it is old"] if told else [])


@pytest.mark.parametrize(
    ("behind", "headline"),
    [
        ({}, None),
        ({"tasks": ago(1.9)}, None),
        ({"tasks": ago(2)}, "account render-prod: failed tasks are reported late"),
        (
            {"nodes": ago(9), "tasks": ago(1)},
            "account render-prod: failed tasks and nodes in trouble are reported late",
        ),
        ({"counts": ago(90)}, None),  # how a job ended was told
    ],
)
def test_an_account_that_is_read_late(behind: dict[str, datetime], headline: str | None) -> None:
    assert [each.headline for each in found("account.behind", behind=behind)] == ([headline] if headline else [])
    blind = Blindness(ago(60), "Timeout", "", 9)
    assert found("account.behind", behind=behind, blind=blind) == [], "that is another trouble"


@pytest.mark.parametrize(
    ("used", "limit", "severity"),
    [
        (79, 100, None),
        (80, 100, "info"),
        (89, 100, "info"),
        (90, 100, "warning"),
        (99, 100, "warning"),
        (100, 100, "critical"),
        (120, 100, "critical"),
        (0, 0, None),
        (8, 0, "critical"),
        (279, 350, None),
        (280, 350, "info"),
    ],
)
def test_a_quota_by_how_much_of_it_is_used(used: int, limit: int, severity: str | None) -> None:
    full = ("dedicated cores", used, limit)
    for wanted, expected in ((["dedicated cores"], severity), ([], "warning" if severity == "critical" else severity)):
        told = [worth("account.quota", each) for each in found("account.quota", quota=[full], wanted=wanted)]
        assert told == ([expected] if expected else [])


def test_every_quota_is_an_incident_of_its_own() -> None:
    rows = [("dedicated cores", 320, 350), ("spot cores", 10, 100), ("active jobs and schedules", 100, 100)]
    cores, jobs = found("account.quota", pool(allocation_since=ago(9)), job(created=ago(3)), quota=rows)
    assert cores.headline == "render-prod: dedicated cores at 91 %, 320 of 350"
    assert jobs.headline == "render-prod: active jobs and schedules at 100 %, 100 of 100"
    assert cores.entity == Entity("account", "render-prod", "dedicated cores")
    assert cores.entity != jobs.entity
    assert ("Left", "30") in cores.figures
    assert (cores.since, jobs.since) == (ago(9), ago(3))
    assert "job list state:active" in [action.command for action in jobs.actions]


def test_since_when_a_quota_is_used_does_not_move_with_every_look() -> None:
    assert only("account.quota", quota=[("pools", 20, 20)]).since == ago(0)
