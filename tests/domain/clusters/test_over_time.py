"""Failures over time: nothing is lost between buckets, and there are no more than can be told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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


def test_without_times_there_is_nothing_to_draw() -> None:
    found = clusters([Failed(job="j", task="t", code="DiskFull")], {})
    assert over_time(found, None, AT) is None
