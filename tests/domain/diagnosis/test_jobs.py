"""Why a job does not do its work: what stops or ended it, and what is wrong with its tasks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.azure.models import Counts, Execution, FailureInfo, NameValue, Task
from bot.azure.models.job import JobConstraints
from bot.domain.diagnosis.job_case import JobCase
from bot.domain.diagnosis.job_runs import of_failures, telling
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Evidence
from bot.domain.diagnosis.tasks import TaskCase, of_failure
from tests.domain.diagnosis.jobs import (
    ERROR,
    HOUR,
    MINUTE,
    NOW,
    SINCE,
    WAITING,
    case,
    failed,
    job,
    pool,
    retried,
    said,
    task,
)

US = Evidence("job terminate render, asked of me by", NOW - MINUTE, person="slack:U1")
PRINTED = Evidence("Error: no licence", SINCE, printed=True)
RUN = Counts(running=2)


def prepares(name: str, ago: timedelta) -> Task:
    """A task whose files are fetched since so long."""
    return task(name, "preparing", NOW - ago)


@pytest.mark.parametrize(
    ("found", "told", "also"),
    [
        (case(job("disabled"), WAITING, ended=US),
         ["job.disabled certain | state disabled | 3 tasks waiting | job terminate render, asked of me by"], []),
        (case(job("disabling"), Counts(running=1)), ["job.disabled certain | state disabling"], []),
        (case(job(error=ERROR), WAITING),
         ["unknown.job guess | PoolNotFound, which the bot does not know | PoolNotFound: in words; Pool: cpu"], []),
        (case(job(error=FailureInfo("UserError", "NeverHeardOf", "in words")), WAITING),
         ["unknown.job guess | NeverHeardOf, which the bot does not know | NeverHeardOf: in words"], []),
        (case(counts=WAITING, pool=None, pool_gone=True),
         ["job.pool_gone certain | pool cpu does not exist | 3 tasks waiting, 0 running"], []),
        (case(counts=Counts(succeeded=3, completed=3), pool=None, pool_gone=True),
         ["job.never_ends certain | all 3 tasks over; when all are done, it stays open"], []),
        (case(counts=None, pool=None, pool_gone=True), ["job.pool_gone certain | pool cpu does not exist"], []),
        (case(counts=WAITING, pool=pool(state="deleting", state_transition_time=NOW - MINUTE)),
         ["job.pool_gone certain | pool cpu is deleting | 3 tasks waiting, 0 running"], ["pool.deleting"]),
        (case(job(pool_info=None, execution_info=None), WAITING, pool=None),
         ["job.no_automatic_pool certain, no harm | its automatic pool is not there yet "
          "| 3 tasks waiting, 0 running"], []),
        (case(job("terminating", state_transition_time=NOW - 29 * MINUTE), WAITING, ended=US),
         ["job.ending certain, no harm | the job is terminating | terminating for 29 min "
          "| job terminate render, asked of me by"], []),
        (case(job("deleting", state_transition_time=NOW - 30 * MINUTE), WAITING),
         ["job.ending_long likely | deleting for 30 min"], []),
        (case(job("deleting", state_transition_time=None), WAITING),
         ["job.ending certain, no harm | the job is deleting | deleting for 0 s"], []),
        (case(job("completed", reason="AllTasksComplete"), Counts(completed=3, succeeded=3)), [], []),
        (case(job("completed", reason="AllTasksComplete"), Counts()),
         ["job.ended_empty likely | ended because all its tasks were completed | 0 of 0 tasks succeeded"], []),
        (case(job("completed", reason="MaxWallClockTimeExpiry", constraints=JobConstraints("PT2H")), Counts(active=1,
         completed=3, succeeded=3)),
         ["job.ran_too_long certain | ended because it reached its time limit (maxWallClockTime) "
          "| its maxWallClockTime is PT2H, counted from its creation | 3 of 4 tasks succeeded"], []),
        (case(job("completed", reason="TaskFailed"), Counts(completed=3, succeeded=2, failed=1),
         failures=[failed("a", 3)]),
         ["task.exit_code certain | 1 of 3 tasks failed: the command ended with an error of its own "
          "| 1 of 3 tasks failed: exit code 3 ×1 | exit code 3",
          "job.ended_by_task certain | ended because a task failed, and its exit conditions end the job then "
          "| 2 of 3 tasks succeeded"], []),
        (case(job("completed", reason="JMComplete"), Counts(active=1, completed=3, succeeded=3)),
         ["job.manager_ended likely | ended because its job manager task was completed | 3 of 4 tasks succeeded"], []),
        (case(job("completed", reason="JMComplete"), Counts(completed=3, succeeded=3)), [], []),
        (case(job("completed", reason="JMComplete"), Counts(completed=3, succeeded=2, failed=1),
         failures=[failed("a", code="TaskEnded")]),
         ["job.manager_ended likely | ended because its job manager task was completed | 2 of 3 tasks succeeded",
          "task.ended_by_person likely | 1 of 3 tasks failed: somebody ended it "
          "| 1 of 3 tasks failed: TaskEnded ×1 | TaskEnded (UserError): in words "
          "| it ran for 1 h, it has no time limit"], []),
        (case(job("completed", reason="UserTerminate"), Counts(running=2, completed=3, succeeded=3), ended=US),
         ["job.terminated certain | ended because somebody terminated it | 0 tasks waiting, 2 running "
          "| job terminate render, asked of me by"], []),
        (case(job("completed", error=ERROR), Counts(completed=3, succeeded=2, failed=1), failures=[failed("a", 3)]),
         ["unknown.job guess | PoolNotFound, which the bot does not know | PoolNotFound: in words; Pool: cpu",
          "task.exit_code certain | 1 of 3 tasks failed: the command ended with an error of its own "
          "| 1 of 3 tasks failed: exit code 3 ×1 | exit code 3"], []),
    ],
)  # fmt: skip
def test_what_stops_a_job_or_ended_it(found: JobCase, told: list[str], also: list[str]) -> None:
    explained = of_job(found)
    assert [said(each) for each in explained.clues] == told
    assert [each.id for each in explained.also] == also
    assert not any(each.nodes for each in explained.clues), "it is no node's trouble"


@pytest.mark.parametrize(
    ("found", "told", "also"),
    [
        (case(counts=RUN), [], []),
        (case(counts=RUN, unfinished=[retried("a", 4), retried("b", 5)], printed={"b": PRINTED}),
         ["task.retried_endlessly certain | 9 retries of 2 tasks, b 5 times | they last failed with exit code 3 "
          "| Error: no licence"], []),
        (case(counts=RUN, unfinished=[retried("a", 5)]),
         ["task.retried_endlessly certain | 5 retries of 1 task, a 5 times | they last failed with exit code 3"], []),
        (case(counts=RUN, unfinished=[retried("a", 4)]), [], []),
        (case(counts=RUN, unfinished=[prepares("a", HOUR), prepares("b", 2 * HOUR)]),
         ["task.preparing_long likely | 2 tasks preparing, b for 2 h; the counts call them running"], []),
        (case(counts=RUN, unfinished=[prepares("a", HOUR)]), [], []),
        (case(counts=None, unfinished=[prepares("a", HOUR)]),
         ["task.preparing_long likely | 1 task preparing, a for 1 h; the counts call them running"], []),
        (case(counts=Counts(running=1), unfinished=[prepares("a", 15 * MINUTE)]), [], []),
        (case(counts=Counts(running=1, failed=2, completed=39), failures=[failed("a", 3, at=NOW - HOUR), failed("b",
         3), failed("c", 4)]),
         ["task.exit_code certain | 2 of 40 tasks failed, 2 of them: the command ended with an error of its own "
          "| 2 of 40 tasks failed: exit code 3 ×2 · exit code 4 ×1 | exit code 3"], []),
        (case(counts=Counts(running=1, failed=2, completed=40), failures=[failed("a", 3), failed("b", 3)],
         pool=pool(1, 0, unusable=1)),
         [], ["task.exit_code", "node.unusable_silent"]),
        (case(counts=None, failures=[failed("a", 3)]), [], ["task.exit_code"]),
        (case(counts=Counts(running=1, failed=2, completed=3), failures=[failed("a", 3), failed("b", 3)],
         printed={"b": PRINTED}),
         ["task.exit_code certain | 2 of 4 tasks failed: the command ended with an error of its own "
          "| 2 of 4 tasks failed: exit code 3 ×2 | exit code 3 | Error: no licence"], []),
        (case(counts=Counts(running=1, failed=9, completed=10, succeeded=1), failures=[failed(str(n), n) for n in (1,
         2, 2, 4, 5)]),
         ["exit.usage guess | 9 of 11 tasks failed, 2 of 5 that were read: the program was called wrongly, "
          "or a file is missing | 9 of 11 tasks failed: exit code 2 ×2 · exit code 1 ×1 · exit code 4 ×1 "
          "(of 5 that were read) | exit code 2"], []),
        (case(counts=Counts(completed=3, succeeded=3)),
         ["job.never_ends certain | all 3 tasks over; when all are done, it stays open"], []),
        (case(job(on_all_tasks_complete="terminateJob"), Counts(completed=3, succeeded=3)), [], []),
        (case(counts=Counts(completed=3, succeeded=2, failed=1), failures=[failed("a", 3)]),
         ["task.exit_code certain | 1 of 3 tasks failed: the command ended with an error of its own "
          "| 1 of 3 tasks failed: exit code 3 ×1 | exit code 3"], ["job.never_ends"]),
        (case(job(creation_time=NOW - HOUR), Counts()),
         ["job.empty certain, no harm | no task was added to it yet"], []),
        (case(job(creation_time=NOW - 61 * MINUTE), Counts()),
         ["job.never_ends certain | no task was added to it yet, and nothing ends it | no tasks for 1 h 1 min"], []),
        (case(job(creation_time=NOW - 61 * MINUTE, on_all_tasks_complete="terminateJob"), Counts()),
         ["job.never_ends certain | no task was added to it yet, and nothing ends it | no tasks for 1 h 1 min"], []),
        (case(job(creation_time=None), Counts()), ["job.empty certain, no harm | no task was added to it yet"], []),
    ],
)  # fmt: skip
def test_what_is_wrong_with_tasks_that_run_or_ran(found: JobCase, told: list[str], also: list[str]) -> None:
    explained = of_job(found)
    assert [said(each) for each in explained.clues] == told
    assert [each.id for each in explained.also] == also


def test_since_when_and_what_steps_are_about() -> None:
    """The first of those that failed alike, and the task that the steps name."""
    ended = Counts(running=1, failed=2, completed=39)
    two = [failed("a", 3, at=NOW - HOUR), failed("b", 3)]
    for found, since, names in (
        (case(counts=ended, failures=two), SINCE, {"job": "render", "pool": "cpu", "task": "a"}),
        (case(counts=ended, failures=two, printed={"b": PRINTED}), SINCE,
         {"job": "render", "pool": "cpu", "task": "b"}),
        (case(counts=RUN, unfinished=[prepares("a", HOUR), prepares("b", 2 * HOUR)]), NOW - 2 * HOUR,
         {"job": "render", "pool": "cpu", "task": "b"}),
        (case(job("disabled"), WAITING), SINCE, {"job": "render", "pool": "cpu"}),
        (case(job("completed", reason="TaskFailed"), Counts(completed=3)), NOW - MINUTE,
         {"job": "render", "pool": "cpu"}),
    ):  # fmt: skip
        [clue] = of_job(found).clues
        assert (clue.since, dict(clue.names)) == (since, names)


def test_whose_output_says_why_its_tasks_fail() -> None:
    failures = [failed("a", 3), failed("b", 3), failed("c", 4), failed("d", code="BlobNotFound")]
    assert telling(case(failures=failures)) == "b"
    assert telling(case(failures=failures, unfinished=[retried("e", 4)])) == "b"
    assert telling(case(failures=failures, unfinished=[retried("e", 6), retried("f", 7)])) == "f"
    assert telling(case(failures=[failed("d", code="BlobNotFound")])) == ""
    assert telling(case()) == ""


DENIED = "Signature not valid in the specified time frame"


@pytest.mark.parametrize(
    ("state", "code", "words", "id_", "buttons"),
    [
        ("active", "BlobAccessDenied", "no right to read", "task.access_denied", "Failures · Task · Run them again"),
        ("active", "BlobAccessDenied", DENIED, "task.signature_expired", "Failures · Task"),
        ("completed", "BlobAccessDenied", "no right to read", "task.access_denied", "Failures · Task"),
        (
            *("active", "ContainerInvalidImage", "manifest unknown: no such tag", "task.container_unknown"),
            "Failures · Task · Run them again",
        ),
    ],
)
def test_what_would_fail_the_same_way_is_not_offered_to_run_again(
    state: str, code: str, words: str, id_: str, buttons: str
) -> None:
    info = FailureInfo("UserError", code, "in words", (NameValue("Message", words),))
    run = Execution(start_time=SINCE - HOUR, end_time=SINCE, result="failure", failure_info=info)
    some = [task(name, "completed", SINCE, run) for name in ("a", "b")]
    (found,) = of_failures(case(job(state), Counts(failed=2, completed=2), failures=some))
    assert (found.id, " · ".join(each.text for each in found.steps)) == (id_, buttons)


@pytest.mark.parametrize(
    ("state", "code", "exit_code", "buttons"),
    [
        ("active", "ContainerInvalidImage", None, "Task · Run it again"),
        ("completed", "ContainerInvalidImage", None, "Task · Clone the job"),
        ("active", "FailureExitCode", 2, "Log"),
    ],
)
def test_one_task_is_run_again_where_that_can_mend_it(
    state: str, code: str, exit_code: int | None, buttons: str
) -> None:
    one = failed("a", exit_code, code)
    printed = Evidence("run.sh: error: argument --part: invalid int value: ''", NOW) if exit_code else None
    (found,) = of_failure(TaskCase(task=one, job=job(state), at=NOW, printed=printed))
    assert " · ".join(each.text for each in found.steps) == buttons
