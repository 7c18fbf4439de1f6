"""When reports are due: by local time, over daylight-saving changes, ends of years, and in zones far from UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports.calendar import KINDS, Cadence, before, days_differ, following, latest, period_of

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe")
CADENCES = st.builds(
    Cadence,
    st.sampled_from(KINDS),
    st.sampled_from(ZONES),
    st.integers(0, 24 * 60 - 1),
    st.integers(0, 6),
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def test_a_week_is_monday_to_sunday_and_comes_on_monday_at_nine() -> None:
    period = latest(Cadence(zone="Europe/Berlin"), datetime(2026, 11, 23, 8, tzinfo=UTC))
    assert (period.first, period.last, period.key) == (date(2026, 11, 16), date(2026, 11, 22), "2026-W47")
    assert period.due == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert period.since == datetime(2026, 11, 16, tzinfo=UTC)
    assert period.until == datetime(2026, 11, 23, tzinfo=UTC)
    earlier = latest(Cadence(zone="Europe/Berlin"), datetime(2026, 11, 23, 7, 59, tzinfo=UTC))
    assert earlier.key == "2026-W46"


def test_a_month_comes_on_the_second_and_the_year_turns() -> None:
    cadence = Cadence("monthly")
    assert latest(cadence, datetime(2027, 1, 2, 9, tzinfo=UTC)).key == "2026-12"
    assert latest(cadence, datetime(2027, 1, 2, 8, tzinfo=UTC)).key == "2026-11"
    leap = latest(cadence, datetime(2028, 3, 5, tzinfo=UTC))
    assert (leap.last, leap.days) == (date(2028, 2, 29), 29)


def test_the_first_week_of_a_year_has_its_own_key() -> None:
    keys = [period_of(Cadence(), date(2027, 1, 4) + timedelta(weeks=n)).key for n in (-1, 0, 1)]
    assert keys == ["2026-W52", "2026-W53", "2027-W01"]


@pytest.mark.parametrize(
    ("minutes", "due"),
    [
        pytest.param(150, datetime(2026, 3, 29, 1, 30, tzinfo=UTC), id="02:30 is skipped: 03:30"),
        pytest.param(240, datetime(2026, 3, 29, 2, tzinfo=UTC), id="04:00 is an hour earlier than the day before"),
    ],
)
def test_the_night_that_loses_an_hour(minutes: int, due: datetime) -> None:
    assert period_of(Cadence("daily", "Europe/Berlin", minutes), date(2026, 3, 29)).due == due


def test_the_night_that_has_an_hour_twice_posts_at_the_first() -> None:
    cadence = Cadence("daily", "Europe/Berlin", 150)
    due = period_of(cadence, date(2026, 10, 25)).due
    assert due == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert latest(cadence, due + timedelta(hours=1)).key == latest(cadence, due).key


def test_after_a_week_of_silence_one_daily_is_due() -> None:
    cadence = Cadence("daily", minutes=540)
    down, up = datetime(2026, 11, 16, 12, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert latest(cadence, down).key == "2026-11-15"
    assert latest(cadence, up).key == "2026-11-22"


@given(CADENCES, MOMENTS)
def test_every_moment_has_one_period_before_and_one_after_it(cadence: Cadence, now: datetime) -> None:
    last, coming = latest(cadence, now), following(cadence, now)
    assert last.due <= now < coming.due
    assert last.key != coming.key
    assert before(coming).key == last.key
    assert latest(cadence, coming.due).key == coming.key
    assert coming.first == last.last + timedelta(days=1)


@given(CADENCES, MOMENTS)
def test_it_comes_at_its_local_time(cadence: Cadence, now: datetime) -> None:
    local = following(cadence, now).due.astimezone(ZoneInfo(cadence.zone))
    late = (local.hour * 60 + local.minute - cadence.minutes) % (24 * 60)
    assert late in (0, 30, 60)  # half an hour or an hour later only where the clock skips


def test_days_that_are_not_utc_days_are_said() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert [days_differ(zone, noon) for zone in ("UTC", "Europe/Berlin", "Asia/Tokyo", "America/New_York")] == [
        False, False, True, True,
    ]  # fmt: skip
