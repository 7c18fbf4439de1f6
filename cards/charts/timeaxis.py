"""Where the labels of a time axis stand: on round hours and days of the reader's zone, clock changes included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from cards.formatting import short_day


class Tick(Struct, frozen=True):
    """A moment and what is written under it; ``strong`` where a day or month begins."""

    at: datetime
    label: str
    strong: bool = False


def ticks(since: datetime, until: datetime, zone: str, fits: Callable[[list[Tick]], bool]) -> list[Tick]:
    """The finest set of ticks in [since, until] for which ``fits`` says that the labels do not touch."""
    tz = ZoneInfo(zone)
    length = (until - since).total_seconds()
    found: list[Tick] = []
    for seconds, make in _FINEST_FIRST:
        if length / seconds > 60:  # could never fit
            continue
        every = make(since.astimezone(tz), until.astimezone(tz), tz)
        # By the moment, not by the clock: an hour that comes twice is listed twice before the next.
        found = sorted((tick for tick in every if since <= tick.at <= until), key=lambda tick: tick.at)
        if fits(found):
            return found
    return found[:1]


def _clock(minutes: int) -> Callable[[datetime, datetime, ZoneInfo], Iterator[Tick]]:
    """Ticks every so many minutes of the local clock, midnight named by its day."""

    def make(since: datetime, until: datetime, tz: ZoneInfo) -> Iterator[Tick]:
        for day in _days(since, until):
            for minute in range(0, 1440, minutes):
                wall = datetime.combine(day, time(minute // 60, minute % 60))
                yield from _instants(wall, tz)

    return make


def _instants(wall: datetime, tz: ZoneInfo) -> Iterator[Tick]:
    """The moments when the clock shows ``wall``: one, none when it is skipped, two when the hour comes twice."""
    moments = {wall.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1)}
    real = sorted(at for at in moments if at.astimezone(tz).replace(tzinfo=None) == wall)
    midnight = wall.time() == time(0)
    for at in real:
        label = f"{wall:%a} {wall.day}" if midnight else f"{wall:%H:%M}"
        if len(real) > 1:
            label += f" {at.astimezone(tz):%Z}"
        yield Tick(at, label, midnight)


def _daily(wanted: Callable[[date], bool], form: Callable[[date], str]) -> Callable[..., Iterator[Tick]]:
    """Ticks where wanted days begin."""

    def make(since: datetime, until: datetime, tz: ZoneInfo) -> Iterator[Tick]:
        for day in _days(since, until):
            if wanted(day):
                yield Tick(datetime.combine(day, time(0), tz).astimezone(UTC), form(day), strong=True)

    return make


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day = since.date()
    while day <= until.date():
        yield day
        day += timedelta(days=1)


def _weekday(day: date) -> str:
    return f"{day:%a} {day.day}"


_FINEST_FIRST: tuple[tuple[int, Callable[[datetime, datetime, ZoneInfo], Iterator[Tick]]], ...] = (
    *((minutes * 60, _clock(minutes)) for minutes in (5, 10, 15, 30, 60, 120, 180, 240, 360, 720)),
    (86400, _daily(lambda day: True, _weekday)),
    (2 * 86400, _daily(lambda day: day.toordinal() % 2 == 1, short_day)),
    (7 * 86400, _daily(lambda day: day.weekday() == 0, short_day)),
    (14 * 86400, _daily(lambda day: day.toordinal() % 14 == 1, short_day)),  # ordinal 1 was a Monday
    (30 * 86400, _daily(lambda day: day.day == 1, lambda day: f"{day:%b}")),
    (91 * 86400, _daily(lambda day: day.day == 1 and day.month % 3 == 1, lambda day: f"{day:%b %y}")),
    (365 * 86400, _daily(lambda day: day.day == 1 and day.month == 1, lambda day: f"{day:%Y}")),
)
