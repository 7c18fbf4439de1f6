"""Unusual days: of calm series alone, on their first day, and not of what somebody said does not matter."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from bot.domain.money.anomalies import (
    Anomaly,
    Unusual,
    answered,
    calmness,
    first_unusual,
    told,
    unusual,
)  # fmt: skip
from bot.domain.money.movers import Cause

TODAY = date(2026, 11, 18)


def series(cost: Callable[[date, random.Random], float], length: int = 120) -> dict[date, float]:
    """Whole days up to today."""
    rng = random.Random(4)
    return {day: cost(day, rng) for n in range(length, -1, -1) if (day := TODAY - timedelta(days=n))}


def steady(day: date, rng: random.Random) -> float:
    return 100 * rng.uniform(0.9, 1.1) * (0.2 if day.weekday() >= 5 else 1)


def bursty(day: date, rng: random.Random) -> float:
    return 30 + (rng.expovariate(1 / 300) if rng.random() < 0.2 else 0)


def test_three_times_the_usual_stands_out() -> None:
    known = {**series(steady), TODAY: 300.0}
    found = first_unusual(known, TODAY)
    assert found
    assert found.amount == 300
    assert found.usual == pytest.approx(100, abs=10)
    assert found.excess == 300 - found.usual


def test_a_usual_day_a_small_one_and_a_cheap_one_do_not() -> None:
    known = series(steady)
    assert first_unusual(known, TODAY) is None
    assert first_unusual({**known, TODAY: 1.0}, TODAY) is None
    assert unusual({day: cost / 100 for day, cost in {**known, TODAY: 300.0}.items()}, TODAY) is None  # under the floor
    assert unusual({**known, TODAY: 300.0}, TODAY - timedelta(days=400)) is None


def test_a_working_day_is_held_against_working_days() -> None:
    sunday = date(2026, 11, 15)
    known = {day: cost for day, cost in series(steady).items() if day <= sunday}
    assert unusual({**known, sunday: 100.0}, sunday) is None  # no more than any day of the last 28
    assert unusual({**known, sunday: 250.0}, sunday)


def test_a_bursty_series_is_too_irregular_to_raise_alarms() -> None:
    known = {**series(bursty), TODAY: 3000.0}
    assert calmness(known, TODAY) == "irregular"
    assert unusual(known, TODAY)
    assert first_unusual(known, TODAY) is None


def test_a_short_history_says_nothing() -> None:
    known = {**series(steady, 40), TODAY: 300.0}
    assert calmness(known, TODAY) == "too few days"
    assert first_unusual(known, TODAY) is None


def test_only_the_first_day_is_told() -> None:
    known = {**series(steady), TODAY - timedelta(days=1): 300.0, TODAY: 300.0}
    assert unusual(known, TODAY)
    assert first_unusual(known, TODAY) is None


def test_a_day_that_was_planned_is_left_out_of_what_is_usual() -> None:
    meant = {TODAY - timedelta(weeks=n) for n in (1, 3, 5)}
    known = {**series(steady), **dict.fromkeys(meant, 300.0), TODAY: 300.0}
    assert first_unusual(known, TODAY) is None
    assert first_unusual(known, TODAY, planned=meant)
    after = {**series(steady), TODAY - timedelta(days=1): 300.0, TODAY: 310.0}
    assert first_unusual(after, TODAY, planned={TODAY - timedelta(days=1)}) is None  # it goes on


def test_a_cause_that_does_not_matter_is_not_told_again_and_others_are() -> None:
    def found(day: date, target: str, pool: str = "gpu-a") -> Anomaly:
        return Anomaly(pool, Unusual(day, 300, 100), Cause("jobs", "schedule ran 3 times", 200, target))

    ignored = answered(found(TODAY, "nightly"), "ignore", "it is the month's end")
    planned = answered(found(TODAY, "weekly"), "planned")
    later = TODAY + timedelta(days=7)
    assert not told(found(later, "nightly"), [ignored, planned])
    assert not told(found(later, "nightly", "GPU-A"), [ignored])  # ids are the same in any case
    assert told(found(later, "weekly"), [ignored, planned])
    assert told(found(later, "nightly", "gpu-b"), [ignored, planned])
    assert ignored.because == "it is the month's end"
