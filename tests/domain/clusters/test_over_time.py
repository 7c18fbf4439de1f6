"""Failures over time: nothing is lost between buckets, and there are no more than can be told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.clusters.grouping import clusters
from bot.domain.clusters.model import Failed
from bot.domain.clusters.over_time import APART, BARS, over_time

AT = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)


def failed(number: int, second: float, exit_code: int = 1) -> Failed:
    return Failed(
        job="j", task=str(number), ended=AT + timedelta(seconds=second), code="FailureExitCode", exit_code=exit_code
    )


@given(st.lists(st.tuples(st.floats(0, 3e6), st.integers(1, 7)), min_size=1, max_size=40))
def test_every_failure_is_in_one_bucket(ended: list[tuple[float, int]]) -> None:
    found = clusters([failed(number, second, code) for number, (second, code) in enumerate(ended)], {})
    drawn = over_time(found, None, AT)
    assert drawn is not None
    assert 1 <= drawn.buckets <= BARS + 1
    assert len(drawn.rows) == min(APART, len(found))
    assert sum(map(sum, drawn.rows)) + sum(drawn.rest) == len(ended)
    assert bool(drawn.rest) == (len(found) > APART)


def test_a_window_begins_where_it_was_said_to() -> None:
    found = clusters([failed(1, 82_800)], {})
    drawn = over_time(found, AT, AT + timedelta(days=1))
    assert drawn is not None
    assert (drawn.since, drawn.step, drawn.buckets) == (AT, 3600, 25)
    assert drawn.rows[0][23] == 1


def test_a_window_that_begins_after_everything_is_one_empty_bucket() -> None:
    drawn = over_time(clusters([failed(1, 0)], {}), AT + timedelta(hours=1), AT)
    assert drawn is not None
    assert drawn.rows == ((0,),)


def test_what_failed_before_a_window_is_none_of_its_buckets() -> None:
    drawn = over_time(clusters([failed(1, -1), failed(2, 0), failed(3, 59)], {}), AT, AT + timedelta(minutes=1))
    assert drawn is not None
    assert drawn.rows == ((2, 0),)


def test_without_times_there_is_nothing_to_draw() -> None:
    found = clusters([Failed(job="j", task="t", code="DiskFull")], {})
    assert over_time(found, None, AT) is None


@pytest.mark.parametrize(
    ("minutes", "step"),
    [
        (35, 60), (35.1, 300), (175, 300), (175.1, 600), (350, 600), (351, 900), (525, 900), (526, 1800), (1050, 1800),
        (1051, 3600), (2100, 3600), (2101, 7200), (4200, 7200), (4201, 10_800), (6300, 10_800), (6301, 21_600),
        (12_600, 21_600), (12_601, 43_200), (25_200, 43_200), (25_201, 86_400), (50_400, 86_400), (50_401, 172_800),
        (100_800, 172_800), (100_801, 604_800), (10_000_000, 604_800),
    ],
)  # fmt: skip
def test_thirty_five_steps_are_the_most(minutes: float, step: int) -> None:
    drawn = over_time(clusters([failed(1, 0)], {}), AT, AT + timedelta(minutes=minutes))
    assert drawn
    assert drawn.step == step


def test_each_failure_is_in_the_bucket_in_which_it_ended() -> None:
    """The four greatest have a row of their own, the others one; what ended before the window is in none."""
    ended = [(code, second) for code in range(1, 7) for second in [0, 59, 60, 119, -1, 300][: 7 - code]]
    found = clusters([failed(number, second, code) for number, (code, second) in enumerate(ended)], {})
    drawn = over_time(found, AT, AT + timedelta(minutes=2))
    assert drawn
    assert (drawn.since, drawn.step, drawn.buckets) == (AT, 60, 6)
    assert drawn.rows == ((2, 2, 0, 0, 0, 1), (2, 2, 0, 0, 0, 0), (2, 2, 0, 0, 0, 0), (2, 1, 0, 0, 0, 0))
    assert drawn.rest == (3, 0, 0, 0, 0, 0)
    first = over_time(found, None, AT)
    assert first
    assert first.since == AT - timedelta(minutes=1), "the minute of the first failure"
