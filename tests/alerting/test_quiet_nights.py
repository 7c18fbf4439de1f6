"""Quiet hours on some days: the night that begins on one of them, and the next one said back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.alerting.model import Hours
from bot.alerting.quiet_hours import next_quiet, quiet_until

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NIGHTS = Hours(begin=22 * 60, end=7 * 60, nights=(0, 1, 2, 3, 4))


def at(days: int, hour: int) -> datetime:
    return MONDAY.replace(hour=hour) + timedelta(days=days)


def test_the_night_belongs_to_the_day_on_which_it_begins() -> None:
    assert quiet_until(NIGHTS, at(4, 23)) == at(5, 7), "Friday's night goes on into Saturday"
    assert quiet_until(NIGHTS, at(5, 12)) is None, "Saturday is not a day that is quiet as a whole"
    assert quiet_until(NIGHTS, at(5, 23)) is None
    assert quiet_until(NIGHTS, at(7, 6)) is None, "nor is the night from Sunday"


def test_the_next_span_is_the_next_that_begins() -> None:
    assert next_quiet(NIGHTS, MONDAY) == (at(0, 22), at(1, 7))
    assert next_quiet(NIGHTS, at(5, 8)) == (at(7, 22), at(8, 7)), "after Friday's night comes Monday's"
    assert next_quiet(Hours(days=(0, 1, 2, 3, 4)), MONDAY) == (at(5, 0), at(7, 0))
    assert next_quiet(Hours(), MONDAY) is None
