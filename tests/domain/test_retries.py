"""Tasks that fail and are run again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.domain.retries import Retried, retrying

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def test_those_that_were_run_again_come_the_most_often_first() -> None:
    found = retrying(
        [Retried("b", 2, NOW), Retried("never", 0), Retried("c", 4, NOW - timedelta(hours=1)), Retried("a", 2)]
    )
    assert [each.task for each in found.tasks] == ["c", "a", "b"]
    assert (found.times, found.last, found.endless) == (8, NOW, False)
    assert retrying([Retried("a", 5)]).endless
    assert retrying([Retried("once", 1)]).tasks
    assert (retrying([]).times, retrying([]).last, retrying([Retried("a", 9)]).last) == (0, None, None)
