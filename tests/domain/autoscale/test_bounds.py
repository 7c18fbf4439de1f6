"""Between which numbers an expression lies, whatever the metrics say."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.autoscale.bounds import bounds
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
