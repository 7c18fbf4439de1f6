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
    latest,
    narrower,
    pan,
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
