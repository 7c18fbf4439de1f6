"""What is told of a job schedule."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.findings import Entity
from bot.domain.knowledge import row
from tests.alerting.rules.scenes import ago, found, job, only, schedule, turned, worth


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, False),
        ({"due": None}, False),
        ({"due": ago(5)}, False),
        ({"due": ago(6)}, False),
        ({"due": ago(6.1)}, True),
        ({"due": ago(5.1), "interval": 600.0}, True),
        ({"due": ago(4.9), "interval": 60.0}, False),
        ({"due": ago(5.1), "interval": None}, True),
        ({"due": ago(100), "interval": 86400.0}, False),
        ({"due": ago(150), "interval": 86400.0}, True),
        ({"missed": ago(30)}, True),
        ({"missed": ago(30), "state": "disabled"}, False),
        ({"missed": ago(30), "state": "completed"}, False),
    ],
)
def test_a_schedule_that_makes_no_job(more: dict[str, Any], told: bool) -> None:
    assert bool(found("schedule.barren", schedule(**more))) is told


def test_the_words_of_a_barren_schedule() -> None:
    view = schedule(missed=ago(72), job="nightly:job-12")
    told = only("schedule.barren", view, job(state="active"))
    assert told.headline == "schedule nightly makes no job, 1 h overdue"
    assert told.cause == "its last job has not ended, and a schedule makes no new job before"
    assert told.figures == (("Every", "1 h"), ("Last job", "nightly:job-12"))
    assert told.related == (Entity("job", "nightly:job-12"),)
    assert (told.since, worth("schedule.barren", told)) == (ago(72), "warning")
    full = only("schedule.barren", view, job(state="completed"), quota=[("active jobs and schedules", 100, 100)])
    assert full.cause == "the quota of active jobs and schedules is used up: 100 of 100"
    assert only("schedule.barren", view).cause == row("schedule.window_missed").cause
    late = schedule(due=ago(72), job="nightly:job-12")
    assert only("schedule.barren", late).cause == "the service makes none and gives no reason"


@pytest.mark.parametrize(
    ("after", "words"), [("disabled", "was disabled"), ("completed", "has come to its end"), ("deleted", "was deleted")]
)
def test_news_of_a_schedule(after: str, words: str) -> None:
    told = only(f"schedule.{after}", news=[turned("schedule", "nightly", after, "active")])
    assert (told.headline, told.state, told.since) == (f"schedule nightly {words}", "event", ago(1))
    assert found(f"schedule.{after}", news=[turned("schedule", "nightly", "terminating", "active")]) == []
    assert found(f"schedule.{after}", news=[turned("job", "nightly", after, "active")]) == []


def test_a_schedule_was_created_or_enabled() -> None:
    made, again = turned("schedule", "new", "active"), turned("schedule", "nightly", "active", "disabled")
    assert only("schedule.created", news=[made, again]).headline == "schedule new was created"
    assert only("schedule.enabled", news=[made, again]).headline == "schedule nightly was enabled"
    assert found("schedule.enabled", news=[turned("schedule", "nightly", "active", "terminating")]) == []
