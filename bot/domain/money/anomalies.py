"""Days on which something cost far more than it does, for those series alone of which that can be said.

Daily costs of Batch are mostly noise: bursty pools would raise seven false alarms a month. So a day counts as unusual
only where it stands out among the same weekdays of eight weeks *and* among all of the last 28 days, by a sum that
matters, in a series that would have raised one alarm at most over its own last 60 days. It is told only where what
drove it can be named, on its first day, and stays open for a week in which somebody may say that it was planned or does
not matter. The numbers are from trials on six kinds of series; ``bench/forecast.py`` makes them again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from statistics import median
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.entity import same_id
from bot.domain.money.movers import Cause

WEEKS = 8
"""Weeks whose same weekday a day is held against."""
BY_WEEKDAY = 4.0
"""Robust standard deviations above the same weekdays, and …"""
DAYS = 28
BY_DAYS = 2.5
"""… above the last 28 days."""
CALIBRATED = 60
"""Days over which a series shows whether it is calm."""
FALSE_ALARMS = 1
"""Alarms in those days that a calm series may have raised."""
FLOOR = 25.0
"""Money, in the currency of the series, that a day has to be above the usual."""
ACTIVE = timedelta(days=7)
"""How long one may be answered; then it is over."""
_LEAST_WEEKDAYS = 4
_LEAST_DAYS = 14
_LEAST_JUDGED = 28
"""Days of the :data:`CALIBRATED` ones that could be judged at least."""
_SIGMA = 1.4826
"""Median absolute deviations of a normal distribution in one standard deviation."""

Calmness: TypeAlias = Literal["calm", "irregular", "too few days"]
Verdict: TypeAlias = Literal["planned", "ignore"]


class Unusual(Struct, frozen=True):
    """A day that cost ``amount`` where ``usual`` (the median of the same weekdays) was to be expected."""

    day: date
    amount: float
    usual: float

    @property
    def excess(self) -> float:
        """How much more that is."""
        return self.amount - self.usual


class Anomaly(Struct, frozen=True):
    """An unusual day of a pool, with what drove it."""

    pool: str
    unusual: Unusual
    cause: Cause


class Answer(Struct, frozen=True):
    """What somebody said of an anomaly of a pool on ``day``.

    ``planned``: it was meant, so the day says nothing of what is usual. ``ignore``: the same cause is not told again.
    """

    pool: str
    day: date
    verdict: Verdict
    cause: str
    because: str = ""


def unusual(daily: Mapping[date, float], day: date, *, floor: float = FLOOR) -> Unusual | None:
    """Whether a day stands out; None where it does not, is unknown, or has too few days before it to say."""
    if day not in daily:
        return None
    amount = daily[day]
    weekdays = [daily[each] for n in range(1, WEEKS + 1) if (each := day - timedelta(weeks=n)) in daily]
    days = [daily[each] for n in range(1, DAYS + 1) if (each := day - timedelta(days=n)) in daily]
    if len(weekdays) < _LEAST_WEEKDAYS or len(days) < _LEAST_DAYS:
        return None
    usual = median(weekdays)
    if amount - usual < floor or _score(amount, weekdays) <= BY_WEEKDAY or _score(amount, days) <= BY_DAYS:
        return None
    return Unusual(day, amount, usual)


def calmness(daily: Mapping[date, float], before: date, *, floor: float = FLOOR) -> Calmness:
    """Whether alarms about a series would mean anything, by the alarms its last days would have raised.

    Days in a row are one alarm, as they would be told once.
    """
    judged = alarms = 0
    standing = False
    for n in range(CALIBRATED, 0, -1):
        day = before - timedelta(days=n)
        if day not in daily or sum(day - timedelta(weeks=w) in daily for w in range(1, WEEKS + 1)) < _LEAST_WEEKDAYS:
            continue
        judged += 1
        stands_out = unusual(daily, day, floor=floor) is not None
        alarms += stands_out and not standing
        standing = stands_out
    if judged < _LEAST_JUDGED:
        return "too few days"
    return "calm" if alarms <= FALSE_ALARMS else "irregular"


def first_unusual(
    daily: Mapping[date, float], day: date, *, planned: Collection[date] = (), floor: float = FLOOR
) -> Unusual | None:
    """An alarm about a day, if there is one to be raised: of a calm series, and not of a day that goes on with another.

    ``planned`` are days that somebody said were meant: they are left out of what is usual.
    """
    known = {each: cost for each, cost in daily.items() if each not in planned}
    found = unusual(known, day, floor=floor)
    if found is None or calmness(known, day, floor=floor) != "calm":
        return None
    yesterday = {**known, day - timedelta(days=1): daily.get(day - timedelta(days=1), 0.0)}
    return None if unusual(yesterday, day - timedelta(days=1), floor=floor) else found


def anomaly_id(found: Anomaly) -> str:
    """What an anomaly is called in commands: ``gpu-a@2026-11-18``."""
    return f"{found.pool}@{found.unusual.day}"


def told(found: Anomaly, answers: Collection[Answer]) -> bool:
    """Whether an anomaly is told: not where somebody said that its cause does not matter."""
    return not any(
        answer.verdict == "ignore" and same_id(answer.pool, found.pool) and answer.cause == _what(found.cause)
        for answer in answers
    )


def answered(found: Anomaly, verdict: Verdict, because: str = "") -> Answer:
    """The answer to an anomaly, so that it fits the next one of its cause."""
    return Answer(found.pool, found.unusual.day, verdict, _what(found.cause), because)


def _what(cause: Cause) -> str:
    """What makes two causes the same: their kind and what it was, never a number."""
    return f"{cause.kind}:{cause.target}"


def _score(amount: float, others: list[float]) -> float:
    """Robust standard deviations above the median; without end where the others are all alike and it is not."""
    usual = median(others)
    spread = _SIGMA * median([abs(each - usual) for each in others])
    if spread:
        return (amount - usual) / spread
    return float("inf") if amount > usual else 0.0
