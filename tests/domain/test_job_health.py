"""How a job is doing."""

from __future__ import annotations

import pytest

from bot.azure.models import Counts, FailureInfo, Job
from bot.azure.models.job import JobExecution, PoolInfo
from bot.domain.job_health import (
    JobFacts,
    bad_reason,
    cannot_run,
    ended_badly,
    is_in_question,
    pool_of,
    stands_out,
    total,
)

ERROR = FailureInfo(category="UserError", code="PoolNotFound", message="in words")
BROKEN = Job(id="j", state="active", execution_info=JobExecution(scheduling_error=ERROR))
WELL = Job(id="j", state="active")
COUNTS = Counts(active=2, running=3, completed=40, succeeded=38, failed=2)


def test_all_tasks_are_counted_once() -> None:
    assert total(COUNTS) == 45
    assert JobFacts("j", active=2, running=3, succeeded=38, failed=2).total == 45
    assert JobFacts("j", active=None, running=3).total == 3


def test_the_pool_that_it_runs_in_is_said_by_the_run_else_by_the_job() -> None:
    named = Job(id="j", pool_info=PoolInfo("asked"), execution_info=JobExecution(pool_id="Runs"))
    assert [pool_of(each) for each in (named, Job(id="j", pool_info=PoolInfo("asked")), WELL, BROKEN)] == [
        "Runs", "asked", "", ""
    ]  # fmt: skip
    assert (cannot_run(BROKEN), cannot_run(WELL)) == ("PoolNotFound", "")


@pytest.mark.parametrize(
    ("job", "counts", "out"),
    [
        (WELL, None, False),
        (WELL, Counts(completed=39, failed=2), True),
        (WELL, Counts(completed=40, failed=2), False),
        (WELL, Counts(), False),
        (BROKEN, None, True),
    ],
)
def test_a_job_stands_out_when_more_than_one_in_twenty_failed(job: Job, counts: Counts | None, out: bool) -> None:
    assert stands_out(job, counts) is out


@pytest.mark.parametrize(
    ("job", "counts", "asked"),
    [
        (WELL, None, False),
        (WELL, Counts(running=1), False),
        (WELL, Counts(active=1, running=1), False),
        (WELL, Counts(active=1), True),
        (Job(id="j", state="completed"), Counts(active=1), False),
        (WELL, Counts(completed=99, failed=1), True),
        (BROKEN, None, True),
        (Job(id="j", state="Disabled"), None, True),
        (Job(id="j", state="disabling"), None, True),
        (Job(id="j", state="terminating"), None, False),
    ],
)
def test_somebody_may_want_to_know_why(job: Job, counts: Counts | None, asked: bool) -> None:
    assert is_in_question(job, counts) is asked


@pytest.mark.parametrize(
    ("job", "badly"),
    [
        (JobFacts("j"), False),
        (JobFacts("j", failed=1), True),
        (JobFacts("j", scheduling_error=("PoolNotFound", "in words")), True),
        (JobFacts("j", reason="MaxWallClockTimeExpiry"), True),
        (JobFacts("j", reason="taskfailed"), True),
        (JobFacts("j", reason="AllTasksComplete"), False),
        (JobFacts("j", reason="UserTerminate"), False),
    ],
)
def test_a_job_ended_badly(job: JobFacts, badly: bool) -> None:
    assert ended_badly(job) is badly
    assert bool(bad_reason(job)) is bool(badly and job.reason)
