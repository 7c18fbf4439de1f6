"""The days that a window has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from bot.domain.money.spans import LONGEST, days_of

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "first", "last", "words"),
    [
        ("month", date(2026, 3, 1), date(2026, 3, 1), "this month"),
        ("last-month", date(2026, 2, 1), date(2026, 2, 28), "in February 2026"),
        ("7d", date(2026, 2, 23), date(2026, 3, 1), "in the last 7 days"),
        ("2d", date(2026, 2, 28), date(2026, 3, 1), "in the last 2 days"),
        ("1d", date(2026, 3, 1), date(2026, 3, 1), "today"),
        ("400d", date(2025, 1, 26), date(2026, 3, 1), "in the last 400 days"),
    ],
)
def test_a_window_has_whole_days(window: str, first: date, last: date, words: str) -> None:
    days = days_of(window, NOW)
    assert (days.first, days.last, days.words) == (first, last, words)
    assert days.since == datetime(first.year, first.month, first.day, tzinfo=UTC)
    assert days.until == datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    assert days.count == (last - first).days + 1


def test_days_are_those_of_utc_where_azure_bills() -> None:
    evening = datetime(2026, 2, 28, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert days_of("month", evening).first == date(2026, 3, 1)


@pytest.mark.parametrize("window", ["0d", f"{LONGEST + 1}d", "7", "d", "-1d", "1.5d", "week", "²d"])
def test_what_is_no_window_is_said(window: str) -> None:
    with pytest.raises(ValueError, match="is not a window: say month"):
        days_of(window, NOW)
