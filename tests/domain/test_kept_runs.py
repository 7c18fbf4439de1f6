"""When tasks ran that Batch has forgotten, as far as both ends of a run were kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.domain.task_timeline.kept import last_life, runs_of
from storage.port.black_box import KeptTask
from storage.port.monitoring import Transition

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def change(after: str, minutes: int, before: str = "", task: str = "t") -> Transition:
    return Transition("a", "task", "j", task, before, after, AT + minutes * MINUTE)


def box(began: int | None, over: int, *, retried: bool = False, task: str = "t") -> KeptTask:
    started = None if began is None else AT + began * MINUTE
    return KeptTask("a", "j", task, AT + over * MINUTE, AT, retried=retried, node="n", started=started)


def told(boxes: list[KeptTask], changes: list[Transition], since: datetime | None = None) -> list[tuple[str, int, int]]:
    start = AT.timestamp()
    return [
        (each.span.kind, round((each.span.begin - start) / 60), round((each.span.end - start) / 60))
        for each in runs_of(boxes, changes, since)
    ]


def test_a_run_is_one_whose_both_ends_were_kept_and_is_told_once() -> None:
    assert told([box(1, 5), box(None, 7), box(8, 9, retried=True)], []) == [("failed", 1, 5)]
    seen = [change("running", 1), change("failed", 5, "running"), change("active", 6, "completed")]
    assert told([box(1, 5)], seen) == [("failed", 1, 5)], "seen and kept it is one run"
    again = [*seen, change("running", 7), change("completed", 9, "running"), change("completed", 20, task="other")]
    assert told([box(1, 5, task="T")], again) == [("failed", 1, 5), ("run", 7, 9)]
    assert told([box(1, 5)], again, AT + 6 * MINUTE) == [("run", 7, 9)]


def test_the_last_life_of_an_id_that_was_used_again() -> None:
    first, gone, second = change("active", 0), change("deleted", 5, "active"), change("active", 9)
    end = change("completed", 12, "active")
    assert last_life([end, second, gone, first]) == [second, end]
    assert last_life([end, gone]) == [gone, end], "where it was made was never seen"
    assert last_life([]) == []
