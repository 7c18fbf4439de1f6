"""Windows keep to what there is and to their grid, whatever is asked of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.timeline import (
    POINTS,
    PRESETS,
    SHORTEST,
    STRIP,
    Kept,
    Window,
    WindowError,
    between,
    finest_parts,
    latest,
    narrower,
    pan,
    step_of,
    strip_of,
    wider,
    written,
)
from bot.filter.values import Moment

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS = st.integers(0, 500 * 86400)


@st.composite
def kepts(draw: st.DrawFn) -> Kept:
    first = _START + timedelta(seconds=draw(_SECONDS))
    length = timedelta(seconds=draw(st.integers(0, 400 * 86400)))
    return Kept(first, first + length, draw(st.sampled_from([60, 1800])))


@st.composite
def kept_windows(draw: st.DrawFn) -> tuple[Kept, Window]:
    kept = draw(kepts())
    since = kept.first + timedelta(seconds=draw(st.integers(-86400, 400 * 86400)))
    until = since + timedelta(seconds=draw(st.integers(1, 400 * 86400)))
    assume(since <= kept.last and until > kept.first)
    return kept, between(since, until, kept)


def well_formed(window: Window, kept: Kept) -> None:
    for edge in (window.since, window.until):
        assert edge.timestamp() % window.step == 0
    assert window.since < window.until
    assert window.points * window.step == window.span.total_seconds()
    slot = timedelta(seconds=window.step)
    assert kept.first - slot < window.since
    assert window.until <= kept.last + slot
    if window.step < 86400:
        assert window.points <= POINTS + 1


@given(kept_windows())
def test_a_window_lies_on_its_grid_and_in_what_is_kept(found: tuple[Kept, Window]) -> None:
    kept, window = found
    well_formed(window, kept)
    whole = kept.last - kept.first
    assert window.span >= min(SHORTEST, whole)


@given(kept_windows())
def test_what_a_button_carries_is_the_same_window_again(found: tuple[Kept, Window]) -> None:
    kept, window = found
    since, until = (datetime.fromisoformat(written(edge)) for edge in (window.since, window.until))
    again = between(since, until, kept)
    assert (again.since, again.until, again.step) == (window.since, window.until, window.step)


@given(kept_windows())
def test_every_button_leads_to_another_window_that_is_as_good(found: tuple[Kept, Window]) -> None:
    kept, window = found
    for direction in (-1, 1):
        if moved := pan(window, direction, kept):
            well_formed(moved, kept)
            assert (moved.since - window.since) * direction > timedelta(0)
    if inner := narrower(window, kept):
        well_formed(inner, kept)
        assert window.since <= inner.since and inner.until <= window.until
    if outer := wider(window, kept):
        well_formed(outer, kept)
        assert outer.span > window.span


@given(kept_windows())
def test_panning_comes_to_an_end_and_shows_everything(found: tuple[Kept, Window]) -> None:
    kept, window = found
    assume(window.span * 100 > kept.last - kept.first)
    for direction in (-1, 1):
        at: Window | None = window
        for _ in range(500):
            last, at = at, pan(at, direction, kept) if at else None
            if at is None:
                break
        assert last is not None and at is None
        edge = last.since if direction < 0 else last.until
        reached = kept.first if direction < 0 else kept.last
        assert abs(edge - reached) <= timedelta(seconds=last.step)


@given(kept_windows())
def test_widening_comes_to_all_that_is_kept(found: tuple[Kept, Window]) -> None:
    kept, window = found
    at: Window | None = window
    for _ in range(40):
        last, at = at, wider(at, kept) if at else None
        if at is None:
            break
    assert at is None and last is not None
    assert last.since <= kept.first and last.until > kept.last


@given(kepts(), st.sampled_from(list(PRESETS)))
def test_a_preset_has_its_length_and_ends_with_the_last_sample(kept: Kept, name: str) -> None:
    window = latest(PRESETS[name], kept)
    assert window.span == PRESETS[name]
    assert window.since.timestamp() % window.step == window.until.timestamp() % window.step == 0
    assert window.until > kept.last >= window.until - timedelta(seconds=window.step)
    assert window.points <= POINTS


@given(kept_windows())
def test_the_strip_holds_the_window_and_all_that_is_kept(found: tuple[Kept, Window]) -> None:
    kept, window = found
    strip = strip_of(window, kept)
    assert strip.since <= min(kept.first, window.since)
    assert strip.until > kept.last
    if strip.step < 86400:
        assert strip.points <= STRIP + 1


def test_a_window_of_long_ago_has_the_finest_step_that_is_still_kept() -> None:
    last = datetime(2026, 11, 30, 12, tzinfo=UTC)
    kept = Kept(last - timedelta(days=300), last)
    steps = [
        between(last - timedelta(days=days, hours=3), last - timedelta(days=days), kept).step
        for days in (0, 6, 20, 60, 200)
    ]
    assert steps == [60, 60, 300, 1800, 21600]


@pytest.mark.parametrize(
    ("since", "until", "why"),
    [
        (2, 1, "after it ends"),
        (1, 1, "ends as it begins"),
        (50, 60, "in the future"),
        (-60, -50, "before everything"),
        (-60, 0, "before everything"),
    ],
)
def test_a_window_that_cannot_be_says_why(since: int, until: int, why: str) -> None:
    kept = Kept(_START, _START + timedelta(hours=10))
    with pytest.raises(WindowError, match=why):
        between(_START + timedelta(hours=since), _START + timedelta(hours=until), kept)


def test_a_window_wider_than_what_is_kept_is_cut_and_says_so() -> None:
    kept = Kept(_START, _START + timedelta(hours=10))
    window = between(_START - timedelta(days=9), _START + timedelta(days=9), kept)
    assert window.cut
    assert (window.since, window.until) == (_START, _START + timedelta(hours=10, minutes=5))
    inside = between(_START + timedelta(hours=1), _START + timedelta(hours=3), kept)
    assert not inside.cut


def test_a_window_that_ends_where_what_is_kept_ends_is_not_cut() -> None:
    kept = Kept(_START, _START + timedelta(hours=10))
    for since, until, cut in ((0, 605, False), (5, 605, False), (0, 600, False), (-5, 600, True), (0, 610, True)):
        window = between(_START + timedelta(minutes=since), _START + timedelta(minutes=until), kept)
        assert window.step == 300
        assert window.cut is cut, (since, until)


def test_one_sample_is_a_window() -> None:
    kept = Kept(_START, _START)
    window = between(_START - timedelta(hours=1), _START + timedelta(hours=1), kept)
    assert window.points == 1
    assert pan(window, -1, kept) is pan(window, 1, kept) is narrower(window, kept) is wider(window, kept) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_a_local_day_is_as_long_as_its_night_makes_it(zone: str, day: str, hours: int) -> None:
    """Berlin's nights of March and October have 23 and 25 hours; a window over them has as many."""
    at = datetime(2026, 12, 1, tzinfo=UTC)
    read = Moment.read(day)
    assert read
    since, until = read.span_at(at, zone)
    window = between(since, until, Kept(datetime(2026, 1, 1, tzinfo=UTC), at))
    expected = hours if zone == "Europe/Berlin" else 24
    local = timedelta(hours=expected)
    slack = timedelta(seconds=2 * window.step)
    assert local <= window.span <= local + slack
    assert window.since <= since and until <= window.until
    assert since.astimezone(ZoneInfo(zone)).hour == 0


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
YEAR = Kept(NOON - timedelta(days=365), NOON)
"""A year, of which the last moment is noon."""


def at(text: str) -> datetime:
    """A moment of the month: ``23 12:00``."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("preset", "length"),
    [("1h", 3600), ("24h", 86_400), ("7d", 604_800), ("30d", 2_592_000), ("90d", 7_776_000)],
)
def test_a_preset_is_as_long_as_it_says(preset: str, length: int) -> None:
    assert PRESETS[preset].total_seconds() == length  # type: ignore[index]


@pytest.mark.parametrize(
    ("hours", "ago", "step"),
    [
        pytest.param(6, 0, 60, id="360 minutes"),
        pytest.param(6.01, 0, 300, id="a minute more"),
        pytest.param(30, 0, 300, id="360 times five minutes"),
        pytest.param(30.01, 0, 1800, id="five minutes more"),
        pytest.param(180, 0, 1800, id="360 half hours"),
        pytest.param(180.1, 0, 21_600, id="half an hour more"),
        pytest.param(2160, 0, 21_600, id="360 quarters of a day"),
        pytest.param(2161, 0, 86_400, id="more"),
        pytest.param(1, 7 * 24 - 1, 60, id="minutes are kept for a week"),
        pytest.param(1, 7 * 24, 300, id="and no longer"),
        pytest.param(1, 30 * 24 - 1, 300, id="five minutes for a month"),
        pytest.param(1, 30 * 24, 1800, id="half hours"),
        pytest.param(1, 90 * 24, 21_600, id="quarters of a day"),
        pytest.param(1, 366 * 24, 86_400, id="days for ever"),
    ],
)
def test_the_step_of_a_span(hours: float, ago: float, step: int) -> None:
    """Of what begins so long ago and lasts so long, at most 360 buckets, as finely as it is kept."""
    until = NOON - timedelta(hours=ago)
    assert step_of(until - timedelta(hours=hours), until, YEAR) == step


def test_the_finest_step_that_there_is_at_all() -> None:
    coarse = Kept(NOON - timedelta(days=365), NOON, 1800)
    assert step_of(NOON - timedelta(hours=1), NOON, coarse) == 1800
    assert finest_parts(NOON - timedelta(days=2), NOON, coarse) == [((NOON - timedelta(days=2), NOON), 1800)]


def test_a_span_in_its_finest_parts_each_from_a_whole_day_on() -> None:
    """Minutes of a week, five minutes of a month, half hours of a quarter, days before that."""
    week, month = datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
    assert finest_parts(NOON - timedelta(days=40), NOON, YEAR) == [
        ((NOON - timedelta(days=40), month), 1800), ((month, week), 300), ((week, NOON), 60),
    ]  # fmt: skip
    assert finest_parts(week, NOON, YEAR) == [((week, NOON), 60)]
    assert finest_parts(week - timedelta(minutes=7), week, YEAR) == [((at("16 23:50"), week), 300)]


def hour(begin: str, end: str) -> Window:
    """A window in minutes."""
    return Window(at(begin), at(end), 60)


DAY = Kept(at("23 00:00"), at("23 11:59"))
"""Minutes from midnight to noon."""


def test_a_window_is_moved_by_its_length_as_far_as_there_is_anything() -> None:
    assert pan(hour("23 04:00", "23 06:00"), -1, DAY) == hour("23 02:00", "23 04:00")
    assert pan(hour("23 04:00", "23 06:00"), 1, DAY) == hour("23 06:00", "23 08:00")
    assert pan(hour("23 01:00", "23 03:00"), -1, DAY) == hour("23 00:00", "23 02:00")
    assert pan(hour("23 09:00", "23 11:00"), 1, DAY) == hour("23 10:00", "23 12:00")
    assert pan(hour("23 00:00", "23 02:00"), -1, DAY) is None
    assert pan(hour("23 10:00", "23 12:00"), 1, DAY) is None


def test_a_window_is_halved_and_doubled_around_its_middle() -> None:
    assert narrower(hour("23 04:00", "23 06:00"), DAY) == hour("23 04:30", "23 05:30")
    assert narrower(hour("23 04:00", "23 04:30"), DAY) == Window(at("23 04:07"), at("23 04:23"), 60)
    assert narrower(hour("23 04:00", "23 04:29"), DAY) is None, "a quarter of an hour is the shortest"
    assert wider(hour("23 04:00", "23 05:00"), DAY) == hour("23 03:30", "23 05:30")
    assert wider(hour("23 00:10", "23 01:10"), DAY) == hour("23 00:00", "23 02:00")
    assert wider(hour("23 11:00", "23 12:00"), DAY) == hour("23 10:00", "23 12:00")
    assert wider(hour("23 02:00", "23 07:00"), Kept(at("23 02:00"), at("23 06:59"))) is None


def test_a_window_is_a_quarter_of_an_hour_at_least() -> None:
    assert between(at("23 04:00"), at("23 04:15"), DAY) == hour("23 04:00", "23 04:15")
    assert between(at("23 04:00"), at("23 04:14"), DAY) == hour("23 04:00", "23 04:15")
    assert between(at("23 11:50"), at("23 12:00"), DAY) == hour("23 11:45", "23 12:00"), "there is no room to the right"
    short = Kept(at("23 04:00"), at("23 04:09"))
    assert between(at("23 04:02"), at("23 04:04"), short) == hour("23 04:00", "23 04:10"), "no more is kept"


def test_the_first_and_the_last_moment_of_what_is_kept_belong_to_it() -> None:
    assert between(at("23 12:00"), at("23 13:00"), DAY).until == at("23 12:00"), "the last minute ends then"
    with pytest.raises(WindowError, match="in the future"):
        between(at("23 12:01"), at("23 13:00"), DAY)
    assert between(at("22 23:00"), at("23 00:01"), DAY).since == at("23 00:00")
    with pytest.raises(WindowError, match="before everything"):
        between(at("22 23:00"), at("23 00:00"), DAY)
    with pytest.raises(WindowError, match="ends as it begins"):
        between(at("23 04:00"), at("23 04:00"), DAY)


def test_the_latest_window_ends_with_the_minute_of_the_last_moment() -> None:
    assert latest(timedelta(hours=1), DAY) == hour("23 11:00", "23 12:00")
    assert latest(timedelta(hours=24), DAY).since == at("22 12:00"), "before what is kept is a gap"
