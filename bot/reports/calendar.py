"""When a report is due, and of which days it is: by the calendar of its time zone.

An own small calendar, because three kinds are all there are, and because what has to be exact is the *period* with a
key that is the same for everybody who works it out, which libraries of recurrences do not give. A time that a
daylight-saving change skips is taken an hour later, one that comes twice is taken the first time. Days of money are
UTC days, as Azure bills them: a week is Monday to Sunday by the zone's calendar, of UTC days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct

Kind: TypeAlias = Literal["daily", "weekly", "monthly"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MONDAY = 0
SECOND = 2
"""The day of a month on which its report comes: on the first, the last day's cost is not in yet."""
_DAY = timedelta(days=1)
_FAR_APART = timedelta(hours=3)
"""A zone that is further from UTC has other days than the bill: it is said."""


class Cadence(Struct, frozen=True):
    """When a report comes: ``minutes`` after midnight in ``zone``, weekly on ``weekday`` (0 is Monday)."""

    kind: Kind = "weekly"
    zone: str = "UTC"
    minutes: int = 9 * 60
    weekday: int = MONDAY

    def on(self, day: date) -> datetime:
        """The moment of a day at which it comes (UTC)."""
        clock = time(self.minutes // 60, self.minutes % 60, tzinfo=ZoneInfo(self.zone))
        return datetime.combine(day, clock).astimezone(UTC)


class Period(Struct, frozen=True, order=True):
    """What a report is about: days, both inclusive, and when it is ``due``. ``key`` names it in every time zone."""

    first: date
    last: date
    due: datetime
    key: str
    kind: Kind

    @property
    def since(self) -> datetime:
        """Its beginning, as Azure counts days."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """Its end, exclusive."""
        return datetime.combine(self.last + _DAY, time(), UTC)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def dates(self) -> list[date]:
        """Its days."""
        return [self.first + n * _DAY for n in range(self.days)]


def period_of(cadence: Cadence, day: date) -> Period:
    """The period that is reported on a local day. For weekly it is the week before the one of ``day``."""
    match cadence.kind:
        case "daily":
            first = last = day - _DAY
            key = first.isoformat()
        case "weekly":
            first = day - timedelta(days=day.weekday() + 7)
            last = first + 6 * _DAY
            year, week, _ = first.isocalendar()
            key = f"{year}-W{week:02}"
        case "monthly":
            last = day.replace(day=1) - _DAY
            first = last.replace(day=1)
            key = f"{first:%Y-%m}"
    return Period(first, last, cadence.on(day), key, cadence.kind)


def latest(cadence: Cadence, now: datetime) -> Period:
    """The last period whose report is due by ``now``: after a silence it is the only one that is made up for."""
    today = now.astimezone(ZoneInfo(cadence.zone)).date()
    return max(
        period for day in _days(cadence, today - timedelta(days=40), today + _DAY)
        if (period := period_of(cadence, day)).due <= now
    )  # fmt: skip


def following(cadence: Cadence, now: datetime) -> Period:
    """The next period whose report is due after ``now``."""
    today = now.astimezone(ZoneInfo(cadence.zone)).date()
    return min(
        period for day in _days(cadence, today - _DAY, today + timedelta(days=40))
        if (period := period_of(cadence, day)).due > now
    )  # fmt: skip


def before(period: Period) -> Period:
    """The period before one, of the same kind; when it was due is of no matter."""
    last = period.first - _DAY
    match period.kind:
        case "daily":
            return Period(last, last, period.due, last.isoformat(), "daily")
        case "weekly":
            first = period.first - timedelta(days=7)
            year, week, _ = first.isocalendar()
            return Period(first, last, period.due, f"{year}-W{week:02}", "weekly")
        case "monthly":
            return Period(last.replace(day=1), last, period.due, f"{last:%Y-%m}", "monthly")


def compared_with(period: Period) -> Period:
    """What a period is held against: the one before it, a day against the same weekday a week before."""
    if period.kind != "daily":
        return before(period)
    day = period.first - timedelta(days=7)
    return Period(day, day, period.due, day.isoformat(), "daily")


def same_days(period: Period, other: Period) -> list[tuple[date, date]]:
    """The days of a period, each with the same day of the other: the same weekday, or the same day of the month."""
    if period.kind == "monthly":
        days = {day.day: day for day in other.dates()}
        return [(day, days[day.day]) for day in period.dates() if day.day in days]
    return list(zip(period.dates(), other.dates(), strict=True))


def days_differ(zone: str, at: datetime) -> bool:
    """Whether days of a zone are so far from UTC's that it has to be said."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return abs(offset) > _FAR_APART


def _days(cadence: Cadence, first: date, last: date) -> Iterator[date]:
    """The local days from ``first`` to ``last`` on which a report comes."""
    for n in range((last - first).days + 1):
        day = first + n * _DAY
        if cadence.kind == "daily" or (
            day.weekday() == cadence.weekday if cadence.kind == "weekly" else day.day == SECOND
        ):
            yield day
