"""What lists of jobs, tasks and schedules tell: what is news, why tasks fail, since when, and what becomes of a job."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from bot.azure.models import Counts, FailureInfo, Place, Run
from bot.azure.models.job import JobScheduleExecution, RecentJob, Schedule
from bot.azure.models.pool import NameValue
from bot.azure.models.task import TaskConstraints
from bot.azure.models.watched import JobRun, JobState, ScheduleState, TaskState
from bot.domain.retries import Retried
from bot.monitor.account_state import OVERLAP, AccountState
from bot.monitor.job_changes import (
    LAST_WORD,
    close_jobs,
    fold_jobs,
    fold_past,
    fold_retries,
    fold_schedules,
    fold_swept,
    fold_task_counts,
    fold_tasks,
    keep_rate,
    keep_retried,
    lose_schedule,
)
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView, ScheduleView
from storage.port.monitoring import Transition
from tests.monitor.late_account import NOON, POOL, after

STREAMS = ("baseline", "jobs", "tasks", "schedules")


def looking(*views: JobView | ScheduleView, at: float = 600, seen: datetime | None = NOON) -> PendingState:
    """A look so many seconds after noon, at an account that was first seen whole at noon."""
    state = AccountState(cursors=dict.fromkeys(STREAMS, seen) if seen else {})
    for view in views:
        if isinstance(view, JobView):
            state.jobs[view.id] = view
        else:
            state.schedules[view.id] = view
    return PendingState.of(state, "late", after(at))


def told(pending: PendingState) -> list[tuple[str, str, datetime]]:
    return [(each.before, each.after, each.at) for each in pending.news]


def details(change: Transition) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(change.details)
    return found


def job(state: str = "active", at: float = 60, *, made: float = 60, **more: Any) -> JobState:
    return JobState(id="j", creation_time=after(made), state=state, state_transition_time=after(at), **more)


def known(**more: Any) -> JobView:
    given: dict[str, Any] = {"state": "active", "since": after(1), "created": after(1), "pool": POOL}
    return JobView("j", **given | more)


REFUSED = FailureInfo(code="PoolNotFound", message="there is none", details=(NameValue("x", "a"), NameValue("y", "b")))


def test_what_is_told_of_a_job() -> None:
    now = looking()
    run = JobRun(start_time=after(61), pool_id=POOL, terminate_reason="UserTerminate", scheduling_error=REFUSED)
    fold_jobs(now, [job(priority=7, execution_info=run)])
    assert told(now) == [("", "active", after(60))]
    assert details(now.news[0]) == {"pool": POOL, "reason": "UserTerminate", "error": "PoolNotFound"}
    view = now.jobs["j"]
    assert (view.started, view.pool, view.priority, view.reason) == (after(61), POOL, 7, "UserTerminate")
    assert view.scheduling_error == ("PoolNotFound", "there is none (a; b)")
    fold_jobs(now, [JobState(id="j")])
    assert (now.jobs["j"].state, now.jobs["j"].since, now.jobs["j"].started) == ("active", after(60), after(61))
    fold_jobs(now, [JobState(id="of which nothing is told")])
    assert now.jobs.keys() == {"j"}


@pytest.mark.parametrize(
    ("row", "news"),
    [
        (job("active", 60), [("", "active", after(60))]),
        (job("disabled", 90), [("", "active", after(60)), ("active", "disabled", after(90))]),
        (
            job("disabled", 90, previous_state="disabling"),
            [("", "active", after(60)), ("disabling", "disabled", after(90))],
        ),
        (job("disabled", 90, made=-999), [("active", "disabled", after(90))]),
        (job("completed", 90), [("", "active", after(60)), ("active", "completed", after(90))]),
        (job("completed", -5, made=-90), []),
        (job("deleting", 90, previous_state="completed"), []),
        (job("deleting", 90, previous_state="active"), [("", "active", after(60)), ("active", "deleting", after(90))]),
    ],
)  # fmt: skip
def test_a_job_that_was_not_known_began_and_what_became_of_it_since(row: JobState, news: list[Any]) -> None:
    now = looking()
    fold_jobs(now, [row])
    assert told(now) == news
    assert ("j" in now.jobs) is bool(news)


def test_jobs_that_are_known_and_not_among_all_that_are_not_over_are_missing() -> None:
    now = looking(known(), JobView("over", state="completed", since=after(1)), JobView("aside", state="active"))
    assert fold_swept(now, [], ("ASIDE",)) == {"j"}
    assert fold_swept(now, [job()], ()) == {"aside"}


def failed(name: str, at: float = 300, code: int | None = 1, info: FailureInfo | None = None, **more: Any) -> TaskState:
    run = Run(exit_code=code, result="Failure", failure_info=info, retry_count=more.pop("retries", 0))
    return TaskState(name, "completed", after(at), "running", run, Place(POOL, "n1"), **more)


async def test_why_tasks_fail_how_often_and_since_when() -> None:
    now = looking(known())
    rows = [
        failed("a", 300, info=FailureInfo(code="FailureExitCode", message="The task exited with an exit code")),
        failed("b", 200),
        failed("c", 400, None, FailureInfo(code="BlobNotFound", category="UserError", message="no blob", details=())),
        TaskState("well", "completed", after(100), "running", Run(exit_code=0, result="Success")),
        TaskState("goes on", "running", after(100), "preparing"),
        TaskState("waits", "active", after(100)),
        TaskState("of no time", "completed", None, "running", Run(result="Failure")),
    ]
    await fold_tasks(now, "j", rows)
    await fold_tasks(now, "j", rows)
    view = now.jobs["j"]
    assert (view.failures, view.failing_since, view.failed_at, view.progressed) == (
        3,
        after(200),
        after(400),
        after(400),
    )
    assert [(each.cause, each.count, each.example) for each in view.causes.values()] == [
        ("exit code 1", 2, "b"),
        ("BlobNotFound: no blob", 1, "c"),
    ]
    assert [(each.id, each.after) for each in now.news] == [
        ("well", "completed"), ("goes on", "running"), ("b", "failed"), ("a", "failed"), ("c", "failed")
    ]  # fmt: skip
    assert details(now.news[-1]) == {
        "code": "BlobNotFound",
        "category": "UserError",
        "message": "no blob",
        "pool": POOL,
        "node": "n1",
    }
    assert now.failed_in == {"j"}


@pytest.mark.parametrize(
    ("most", "retries", "exhausted"), [(0, 0, 0), (3, 2, 0), (3, 3, 1), (3, 4, 1), (-1, 9, 0), (1, 1, 1)]
)
async def test_retries_are_used_up_when_as_many_were_made_as_may_be(most: int, retries: int, exhausted: int) -> None:
    now = looking(known())
    await fold_tasks(now, "j", [failed("a", retries=retries, constraints=TaskConstraints(max_task_retry_count=most))])
    assert now.jobs["j"].exhausted == exhausted


@pytest.mark.parametrize(("seconds", "since"), [(3600, 0), (3601, 3601)])
async def test_after_an_hour_without_a_failure_the_next_begins_anew(seconds: float, since: float) -> None:
    now = looking(known(failing_since=NOON, failed_at=NOON, boxed={"exit code 1": ("n",)}), at=seconds)
    await fold_tasks(now, "j", [failed("a", seconds)])
    assert now.jobs["j"].failing_since == after(since)


async def test_failures_from_before_the_first_look_are_known_and_no_news() -> None:
    now = looking(known(failed=2, succeeded=3, past=True))
    await fold_past(now, "j", [failed("a", -60), failed("b", 60), failed("c", -30), failed("a", 0)])
    view = now.jobs["j"]
    assert (now.news, view.failures, view.past, view.learned) == ([], 3, False, after(600))
    few = looking(known(failed=1, succeeded=999, past=True))
    await fold_past(few, "j", [failed("a", -60)])
    assert (few.jobs["j"].failures, few.jobs["j"].learned) == (1, None)


def test_tasks_that_are_run_again_are_known_until_that_is_over() -> None:
    now = looking(known())
    again = Run(retry_count=2, last_retry_time=after(50))
    rows = [
        TaskState("a", "running", after(60), execution_info=again),
        TaskState("b", "active", after(70), execution_info=Run(retry_count=1)),
        TaskState("c", "active", after(70)),
        TaskState("d", "completed", after(70), execution_info=again),
    ]
    fold_retries(now, "j", rows)
    assert now.jobs["j"].retried == {"a": Retried("a", 2, after(50)), "b": Retried("b", 1, after(70))}
    fold_retries(now, "j", [TaskState("a", "completed", after(80), execution_info=again)])
    assert now.jobs["j"].retried.keys() == {"b"}
    keep_retried(now, "unknown", [Retried("x", 1)], [])
    many = [Retried(f"t{number:02}", number) for number in range(1, 61)]
    keep_retried(now, "j", many, ["b"])
    assert now.jobs["j"].retried.keys() == {f"t{number:02}" for number in range(11, 61)}, "those most often"
    fold_task_counts(now, "j", Counts(active=1))
    assert now.jobs["j"].retried
    fold_task_counts(now, "j", Counts(succeeded=1))
    assert now.jobs["j"].retried == {}, "nothing of it waits or runs"


@pytest.mark.parametrize(
    ("counts", "progressed"),
    [  # of a job that had 5 waiting, 2 running, 3 succeeded and 1 failed
        (Counts(active=5, running=2, succeeded=3, failed=1), False),
        (Counts(active=6, running=2, succeeded=3, failed=1), False),
        (Counts(active=4, running=2, succeeded=3, failed=1), True),
        (Counts(active=5, running=3, succeeded=3, failed=1), True),
        (Counts(active=5, running=2, succeeded=4, failed=1), True),
        (Counts(active=5, running=2, succeeded=3, failed=2), True),
    ],
)
def test_a_job_goes_on_when_something_began_or_ended(counts: Counts, progressed: bool) -> None:
    now = looking(known(active=5, running=2, succeeded=3, failed=1, failures=1, progressed=after(9)))
    fold_task_counts(now, "j", counts, 7)
    view = now.jobs["j"]
    assert (view.progressed == after(600)) is progressed
    assert (view.active, view.running, view.succeeded, view.failed) == (
        counts.active, counts.running, counts.succeeded, counts.failed
    )  # fmt: skip
    assert (view.counted, view.exact, view.running_slots) == (after(600), after(600), 7)
    assert ("j" in now.owed) is (counts.failed > 1), "a failure that nobody saw is looked for"


def test_what_a_job_has_to_wait_for_begins_with_its_first_tasks() -> None:
    now = looking(known(active=0, progressed=after(9)))
    fold_task_counts(now, "j", Counts(active=3))
    assert now.jobs["j"].progressed == after(600)


def test_rates_reach_back_an_hour() -> None:
    view = known(succeeded=4, failed=1, rate=[(NOON, 1, 0), (after(1), 2, 0)])
    keep_rate(view, after(3600), exact=True)
    assert view.rate == [(after(1), 2, 0), (after(3600), 5, 1)]
    keep_rate(view, after(3719), exact=False)
    assert len(view.rate) == 2, "two minutes apart where they are no counts of the service"
    keep_rate(view, after(3720), exact=False)
    assert view.rate[-1][0] == after(3720)
    keep_rate(view, after(3720), exact=True)
    assert [at for at, _, _ in view.rate].count(after(3720)) == 1


def ended(at: float, **more: Any) -> JobView:
    return JobView("j", state="completed", since=after(at), **more)


LAG = OVERLAP.total_seconds()


@pytest.mark.parametrize(
    ("view", "seconds", "stays"),
    [
        (ended(0, final=True), LAG - 1, True),
        (ended(0, final=True), LAG, False),
        (ended(0, final=False), LAG, True),
    ],
)
def test_a_job_that_is_over_is_told_until_no_more_can_come(view: JobView, seconds: float, stays: bool) -> None:
    now = looking(view, at=seconds)
    close_jobs(now)
    assert [each.id for each in now.ended] == ["j"]
    assert ("j" in now.jobs) is stays


@pytest.mark.parametrize(("seconds", "told_again"), [(-1, True), (0, False)])
def test_the_last_of_a_job_is_waited_for_half_an_hour_at_most(seconds: float, told_again: bool) -> None:
    now = looking(ended(0), at=LAST_WORD.total_seconds() + seconds)
    now.reported["j"] = NOON
    close_jobs(now)
    assert [each.id for each in now.ended] == (["j"] if told_again else [])
    assert ("j" in now.jobs) is told_again


def plan(state: str = "active", at: float = 60, *, made: float = 60, **more: Any) -> ScheduleState:
    due, last = more.pop("due", None), more.pop("last", "")
    run = JobScheduleExecution(next_run_time=due, recent_job=RecentJob(id=last) if last else None)
    return ScheduleState(
        "s", after(made), state, after(at), schedule=Schedule(recurrence_interval="PT1H"), execution_info=run, **more
    )


def made(**more: Any) -> ScheduleView:
    given: dict[str, Any] = {"state": "active", "since": after(1), "created": after(1)}
    return ScheduleView("s", **given | more)


@pytest.mark.parametrize(
    ("before", "row", "news"),
    [
        (None, plan(), [("", "active", after(60))]),
        (None, plan("disabled", 90), [("", "active", after(60)), ("", "disabled", after(90))]),
        (None, plan("disabled", 90, made=-999), [("", "disabled", after(90))]),
        (None, plan(""), []),
        (made(), plan("active", 1, made=1), []),
        (made(), plan("disabled", 90, made=1), [("active", "disabled", after(90))]),
        (made(), plan("disabled", 0, made=1), []),
        (made(), plan("active", 90, made=90), [("active", "deleted", after(90)), ("", "active", after(90))]),
    ],
)
def test_news_of_a_schedule(before: ScheduleView | None, row: ScheduleState, news: list[Any]) -> None:
    now = looking(*([before] if before else []))
    fold_schedules(now, [row])
    assert told(now) == news


@pytest.mark.parametrize(
    ("before", "moved", "created", "since"),
    [
        (None, 90, 60, 90),
        (None, None, 60, 60),
        (None, None, None, 600),  # the look's own time
        (1, None, 1, 1),
        (1, None, None, 1),
    ],
)
def test_since_when_a_schedule_is_as_it_is(
    before: float | None, moved: float | None, created: float | None, since: float
) -> None:
    now = looking(*([] if before is None else [made(since=after(before), created=after(before))]))
    times = [None if at is None else after(at) for at in (created, moved)]
    row = replace(plan(), creation_time=times[0], state_transition_time=times[1])
    fold_schedules(now, [row])
    assert now.schedules["s"].since == after(since)


def test_a_schedule_that_is_no_more_is_gone() -> None:
    now = looking(made(state="disabled"))
    fold_schedules(now, [])
    assert (told(now), list(now.schedules)) == ([], ["s"]), "that a list does not have it says nothing"
    lose_schedule(now, "s")
    assert (told(now), list(now.schedules)) == ([("disabled", "deleted", after(600))], [])


@pytest.mark.parametrize(
    ("state", "due", "last", "missed"),
    [
        ("active", 600 - LAG, "s:job-1", True),
        ("active", 601 - LAG, "s:job-1", False),
        ("active", 0, "s:job-2", False),
        ("disabled", 0, "s:job-1", False),
    ],
)
def test_a_run_is_missed_when_its_time_passed_and_the_last_job_is_the_one_before(
    state: str, due: float, last: str, missed: bool
) -> None:
    now = looking(made(due=after(due), job="s:job-1"))
    fold_schedules(now, [plan(state, 2, made=1, due=after(3600), last=last)])
    view = now.schedules["s"]
    assert view.missed == (after(due) if missed else None)
    assert (view.interval, view.due, view.job) == (3600, after(3600), last)
