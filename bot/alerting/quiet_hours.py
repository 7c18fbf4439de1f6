"""Quiet hours and working days in a conversation's own zone, daylight saving included."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.alerting.model import Hours

_AHEAD = 15
"""Days that are searched for the end of the quiet: a conversation may have no working day for a week or two."""


def quiet_until(hours: Hours, now: datetime) -> datetime | None:
    """When the quiet that holds at ``now`` ends (UTC); None where it is not quiet.

    Nights follow the clock on the wall: the quiet of a night that has an hour more or less ends at the same time
    of day as always. A time that the wall's clock skips is taken as the moment it jumps to.
    """
    at, start = now, now
    zone = ZoneInfo(hours.zone)
    while True:
        end = _ends(hours, at, zone)
        if end is None or end <= at:
            return at if at > start else None
        at = end
        if at - start > timedelta(days=_AHEAD):
            return at


def next_quiet(hours: Hours, now: datetime) -> tuple[datetime, datetime] | None:
    """The next span of quiet that begins after ``now`` (UTC); None where none does within two weeks."""
    zone = ZoneInfo(hours.zone)
    today = now.astimezone(zone).date()
    begins: list[datetime] = []
    for day in (today + timedelta(days=ahead) for ahead in range(_AHEAD)):
        if hours.days and day.weekday() not in hours.days:
            begins.append(_moment(day, 0, zone))
        if hours.begin is not None and day.weekday() in hours.nights:
            begins.append(_moment(day, hours.begin, zone))
    for begin in sorted(each for each in begins if each > now):
        end = quiet_until(hours, begin)
        if end and quiet_until(hours, begin - timedelta(minutes=1)) is None:
            return begin, end
    return None


def _ends(hours: Hours, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the one stretch of quiet that ``now`` lies in: a free day, or a night."""
    local = now.astimezone(zone)
    today = local.date()
    if hours.days and today.weekday() not in hours.days:
        return _moment(today + timedelta(days=1), 0, zone)
    if hours.begin is None or hours.end is None or hours.begin == hours.end:
        return None
    for day in (today - timedelta(days=1), today):
        if day.weekday() not in hours.nights:
            continue
        over = 1 if hours.end <= hours.begin else 0
        begin, end = _moment(day, hours.begin, zone), _moment(day + timedelta(days=over), hours.end, zone)
        if begin <= now < end:
            return end
    return None


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """When a clock on the wall first shows a time of day; for a time that it skips, when it jumps over it."""
    wanted = datetime.combine(day, time(minutes // 60, minutes % 60))
    late, early = (wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while early < late and _shown(early, zone) < wanted:
        early += timedelta(minutes=1)
    return early if _shown(late, zone) != wanted else late


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
