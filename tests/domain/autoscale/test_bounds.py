"""Between which numbers an expression lies, whatever the metrics say."""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.autoscale.bounds import ANY, Bounds, bounds
from bot.domain.autoscale.syntax import read
from bot.domain.autoscale.vocabulary import MEMBERS


def of(text: str) -> tuple[float, float]:
    [statement] = read(f"$TargetDedicatedNodes = {text};").statements
    found = bounds(statement.value, {})
    return found.low, found.high


_PARTS = {  # every minute of a leap day, every second of a minute, and every day of that year
    "month": range(1, 13),
    "day": {day for month in range(1, 13) for day in range(1, calendar.monthrange(2024, month)[1] + 1)},
    "weekday": {(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)).isoweekday() % 7 for day in range(366)},
    "hour": range(24),
    "minute": range(60),
    "second": range(60),
}


@pytest.mark.parametrize("member", [each for each in MEMBERS if each != "year"])
def test_a_part_of_a_time_lies_where_the_calendar_has_it(member: str) -> None:
    assert of(f"time().{member}") == (min(_PARTS[member]), max(_PARTS[member]))


ANYTHING = (-math.inf, math.inf)
COUNT = (0.0, math.inf)
TRUTH = (0.0, 1.0)
PER_CENT = (0.0, 100.0)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        # what is sampled, and what the pool has
        ("$PendingTasks.GetSample(1)", *COUNT),
        ("$PendingTasks.Count()", *COUNT),
        ("$PendingTasks.GetSample(3)[1]", *COUNT),
        ("$CPUPercent.GetSample(1)", *PER_CENT),
        ("$PendingTasks.GetSamplePercent(TimeInterval_Minute)", *PER_CENT),
        ("$TargetDedicatedNodes", *COUNT),
        ("$TargetDedicated", *COUNT),
        ("$TargetLowPriorityNodes", *COUNT),
        ("$TaskSlotsPerNode", 1.0, math.inf),
        ("$NodeDeallocationOption", *ANYTHING),
        ("time().year", *ANYTHING),
        ("time()", *ANYTHING),
        # signs
        ("-3", -3.0, -3.0),
        ("-$TaskSlotsPerNode", -math.inf, -1.0),
        ("!$PendingTasks.GetSample(1)", *TRUTH),
        ("1 < 2", *TRUTH),
        ("3 && 4", *TRUTH),
        # two bounds together
        ("time().month + time().hour", 1.0, 35.0),
        ("time().month - time().hour", -22.0, 12.0),
        ("time().month * time().hour", 0.0, 276.0),
        ("(time().hour - 3) * (time().month - 2)", -30.0, 200.0),
        ("0 * $PendingTasks.GetSample(1)", 0.0, 0.0),
        ("time().hour / time().month", 0.0, 23.0),
        ("time().hour / (0 - time().month)", -23.0, 0.0),
        ("time().month / 2", 0.5, 6.0),
        ("12 / $TaskSlotsPerNode", 0.0, 12.0),
        ("time().month / time().hour", *COUNT),
        ("(time().month - 2) / time().hour", *ANYTHING),
        ("time().month / (time().hour - 1)", *ANYTHING),
        ("time().month / (time().hour - 23)", *ANYTHING),
        ("5 % 3", *ANYTHING),
        ("time().hour > 8 ? 20 : 10", 10.0, 20.0),
        ("time().hour > 8 ? 10 : 20", 10.0, 20.0),
        # functions
        ("max(time().month, time().hour)", 1.0, 23.0),
        ("min(time().month, time().hour)", 0.0, 12.0),
        ("max(3, $PendingTasks.GetSample(1))", 3.0, math.inf),
        ("min(3, $PendingTasks.GetSample(1))", 0.0, 3.0),
        ("avg(time().month, time().hour, 30)", 0.0, 30.0),
        ("vec(2, 5)", 2.0, 5.0),
        ("percentile(vec(2, 5), 90)", 2.0, 5.0),
        ("val(vec(2, 5), 1)", 2.0, 5.0),
        ("sum(2, $PendingTasks.GetSample(1))", *COUNT),
        ("sum(0, 3)", *COUNT),
        ("sum(2, -1)", *ANYTHING),
        ("len(vec(2, 5))", *COUNT),
        ("norm(3, 4)", *COUNT),
        ("range(3, 4)", *COUNT),
        ("std(3, 4)", *COUNT),
        ("rand()", *TRUTH),
        ("ln(3)", *ANYTHING),
        ("ceil(time().month / 5)", 1.0, 3.0),
        ("floor(time().month / 5)", 0.0, 2.0),
        ("ceil($PendingTasks.GetSample(1) / 4)", *COUNT),
        ("floor(-$PendingTasks.GetSample(1))", -math.inf, 0.0),
        # halves go away from zero, as in the evaluation
        ("round(2.5)", 3.0, 3.0),
        ("round(0.5)", 1.0, 1.0),
        ("round(-2.5)", -3.0, -3.0),
        ("round(2.4)", 2.0, 2.0),
    ],
)
def test_between_which_numbers_an_expression_lies(text: str, low: float, high: float) -> None:
    assert of(text) == (pytest.approx(low), pytest.approx(high))


def test_what_was_set_before_is_known_by_either_name_of_a_target() -> None:
    [first] = read("x = $TargetDedicated;").statements
    [second] = read("x = a;").statements
    known = {"$TargetDedicatedNodes": Bounds(2, 3), "a": Bounds(4, 5)}
    assert bounds(first.value, known) == Bounds(2, 3)
    assert bounds(second.value, known) == Bounds(4, 5)
    assert bounds(second.value, {}) == ANY


@pytest.mark.parametrize(("high", "capped"), [(2_147_483_647, True), (2_147_483_648, False), (math.inf, False)])
def test_a_cap_is_one_that_a_pool_could_have(high: float, capped: bool) -> None:
    assert Bounds(0, high).capped is capped
