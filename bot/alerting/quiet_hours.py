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


def _ends(hours: Hours, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the one stretch of quiet that ``now`` lies in: a free day, or a night."""
    local = now.astimezone(zone)
    today = local.date()
    if hours.days and today.weekday() not in hours.days:
        return _moment(today + timedelta(days=1), 0, zone)
    if hours.begin is None or hours.end is None or hours.begin == hours.end:
        return None
    for day in (today - timedelta(days=1), today):
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
