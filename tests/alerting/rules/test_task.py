"""What is told of tasks."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.failures import by_line
from bot.domain.findings import CauseCount, Entity
from bot.domain.retries import Retried
from bot.monitor.scene import Example, JobView
from tests.alerting.rules.scenes import ago, failing, found, job, only, turned, worth

MEMORY = CauseCount("exit code 137", 198, "frame-0021", "MemoryError: unable to allocate 3.1 GiB")
BLOB = CauseCount("BlobNotFound", 16, "frame-0100", "")
ONE = CauseCount("exit code 1", 1, "t-1", "")


def test_a_failing_job_is_one_incident_with_its_causes() -> None:
    told = only("task.failed", failing(BLOB, MEMORY, active=300, running=101, succeeded=1388, exhausted=4))
    assert told.headline == "job nightly:job-12: 214 of 2,003 tasks failed"
    assert told.entity == Entity("job", "nightly:job-12")
    assert told.related == (Entity("pool", "gpu-a"), Entity("schedule", "nightly"))
    assert told.cause == "exit code 137 ×198 · BlobNotFound ×16; most often the program has no memory left"
    assert told.evidence == "MemoryError: unable to allocate 3.1 GiB (frame-0021)"
    assert [each.count for each in told.causes] == [198, 16]
    assert told.figures == (("Pool", "gpu-a"), ("Succeeded", "1,388"), ("After all retries", "4"))
    assert [action.command for action in told.actions] == [
        "log nightly:job-12 frame-0021 stderr.txt",
        "task list nightly:job-12 state:failed",
        "job reactivate-failed nightly:job-12",
        "job show nightly:job-12",
    ]
    assert (told.state, told.since, told.count) == ("open", ago(12), 214)
    assert worth("task.failed", told) == "warning"


@pytest.mark.parametrize(
    ("view", "severity"),
    [
        (failing(ONE, running=3), "warning"),
        (failing(ONE, active=None), "warning"),
        (failing(ONE), "critical"),
        (failing(ONE, succeeded=1), "warning"),
        (failing(CauseCount("exit code 1", 9), running=1), "warning"),
        (failing(CauseCount("exit code 1", 10), running=1), "critical"),
        (failing(CauseCount("exit code 1", 10), running=1, succeeded=9), "critical"),
        (failing(CauseCount("exit code 1", 10), running=1, succeeded=10), "warning"),
    ],
)
def test_how_bad_failures_are(view: JobView, severity: str) -> None:
    assert worth("task.failed", only("task.failed", view)) == severity


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"failed_at": ago(29)}, "open"),
        ({"failed_at": ago(30)}, "resolved"),
        ({"failed_at": ago(29), "state": "terminating"}, "open"),
        ({"failed_at": ago(29), "state": "completed"}, "resolved"),
    ],
)
def test_failures_are_over_after_half_an_hour_or_with_the_job(more: dict[str, Any], state: str) -> None:
    assert only("task.failed", failing(ONE, running=3, **more)).state == state


def test_failures_that_were_never_seen_are_not_told() -> None:
    assert found("task.failed", job(failed=214, succeeded=9)) == []
    assert found("task.failed", failing(ONE, failures=0)) == []


def test_the_words_of_failures_before_tasks_are_counted() -> None:
    assert only("task.failed", failing(ONE, active=None, failed=0)).headline == "job nightly:job-12: 1 task failed"
    assert only("task.failed", failing(MEMORY, failed=0, running=3)).headline == "job nightly:job-12: 198 tasks failed"


@pytest.mark.parametrize(("counted", "state"), [(4, "open"), (2.9, "resolved")])
def test_failures_that_were_all_run_again_are_over(counted: float, state: str) -> None:
    told = only("task.failed", failing(MEMORY, failed=0, running=3, active=195, failed_at=ago(5), counted=ago(counted)))
    assert told.state == state
    assert told.headline.endswith("198 tasks failed" if state == "open" else "198 re-run, none failed any more")


def test_failures_of_tasks_that_are_gone_go_on_as_others_do_and_were_not_run_again() -> None:
    gone = {"vanished": 198, "failed": 0, "succeeded": 9, "active": 0}
    told = only("task.failed", failing(MEMORY, **gone, failed_at=ago(5), counted=ago(1)))
    assert (told.state, told.headline) == ("open", "job nightly:job-12: 198 tasks failed")
    told = only("task.failed", failing(MEMORY, **gone, failed_at=ago(45), counted=ago(1)))
    assert (told.state, told.mended, told.headline) == (
        "resolved",
        False,
        "job nightly:job-12: 198 of 198 tasks failed",
    )
    some = only("task.failed", failing(MEMORY, **gone | {"vanished": 8}, failed_at=ago(5), counted=ago(1)))
    assert some.headline == "job nightly:job-12: 190 re-run, 8 still failed"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"failed": 214, "succeeded": 1789}, "214 of 2,003 tasks failed"),
        ({"failed": 16, "succeeded": 1987}, "198 re-run, 16 still failed"),
        ({"failed": 0, "succeeded": 2003}, "214 re-run, none failed any more"),
    ],
)
def test_the_words_of_the_end(more: dict[str, Any], words: str) -> None:
    view = failing(MEMORY, BLOB, failed_at=ago(45), **more)
    told = only("task.failed", view)
    assert told.headline == f"job nightly:job-12: {words}"
    assert ("It is over because", "no task has failed for half an hour") in told.figures


def test_a_job_that_is_gone_ends_its_failures() -> None:
    over = failing(ONE, state="completed")
    (told,) = found("task.failed", over, ended=(over,))
    assert (told.state, told.figures[-1]) == ("resolved", ("It is over because", "the job has ended"))
    told = only("task.failed", ended=(failing(ONE),))
    assert (told.state, told.figures[-1]) == ("resolved", ("It is over because", "the job was deleted"))


def test_what_a_program_printed_is_told_without_secrets() -> None:
    said = (
        "upload failed: https://x.blob.core.windows.net/c?sv=1&sig=abcdefghijklmnopqrstuvwxyz0123456789\n" + "x" * 900
    )
    told = only("task.failed", failing(CauseCount("exit code 1", 3, "t", said)))
    assert "abcdefghij" not in told.evidence + told.causes[0].said
    assert len(told.evidence) <= 300
    assert "\n" not in told.evidence


def looked(*lines: str, file: str = "stderr.txt") -> tuple[Example, ...]:
    return tuple(
        Example(f"frame-{conversation}", line, file if line else "", 2) for conversation, line in enumerate(lines, 1)
    )


def test_of_a_task_that_was_never_started_there_is_no_log_to_open() -> None:
    blob = CauseCount("BlobNotFound: the blob <path> does not exist", 16, "frame-0100")
    first = [each.command.partition(" nightly")[0] for each in only("task.failed", failing(blob)).actions]
    assert first[0] == "task show"
    ended = CauseCount("TaskEnded: it ran longer than its maximum wall clock time", 2, "frame-0007")
    told = only("task.failed", failing(ended))
    assert told.actions[0].command.startswith("log "), "this one ran"
    assert told.cause.startswith("TaskEnded: it ran longer than it may")
    upload = CauseCount("FileUploadAccessDenied: refused", 1, "frame-0001")
    assert only("task.failed", failing(upload)).actions[0].command.startswith(("task show", "log "))


def test_what_examples_of_the_two_greatest_causes_printed_is_told() -> None:
    view = failing(
        CauseCount("exit code 137", 198, "frame-0021"),
        CauseCount("exit code 2", 16, "frame-0100"),
        CauseCount("exit code 3", 8, "frame-0200"),
        examples={
            "exit code 137": looked("MemoryError: unable to allocate 3.1 GiB", "MemoryError: unable to allocate 2 GiB"),
            "exit code 2": looked("", "usage: render [-h]", file="stdout.txt"),
            "exit code 3": looked("Error: never told"),
        },
    )
    told = only("task.failed", view)
    assert told.evidence == (
        "MemoryError: unable to allocate 3.1 GiB (stderr of frame-1)\nusage: render [-h] (stdout of frame-2)"
    )
    assert [(each.count, each.cause) for each in told.causes] == [
        (198, "exit code 137"),
        (16, "exit code 2"),
        (8, "exit code 3"),
    ]
    assert told.cause.endswith("; most often the program has no memory left"), "what it printed says more than its code"
    assert told.actions[0].command == "log nightly:job-12 frame-1 stderr.txt"
    assert dict(told.figures).keys() == {"Pool", "Succeeded"}


def test_an_exit_code_of_two_errors_is_told_apart_for_what_was_looked_at_alone() -> None:
    examples = {"exit code 1": looked("ValueError: frame 12", "ValueError: frame 9", "OSError: [Errno 28] no space")}
    told = only("task.failed", failing(CauseCount("exit code 1", 1000, "t"), examples=examples, running=3))
    assert [(each.count, each.cause, each.example) for each in told.causes] == [
        (997, "exit code 1", "t"),
        (2, "exit code 1: ValueError: frame <n>", "frame-1"),
        (1, "exit code 1: OSError: [Errno 28] no space", "frame-3"),
    ]
    assert sum(each.count for each in told.causes) == 1000
    assert ("Output read", "3 of 1,000 with exit code 1") in told.figures
    assert told.evidence == "ValueError: frame 12 (stderr of frame-1)\nOSError: [Errno 28] no space (stderr of frame-3)"


def test_where_all_were_looked_at_nothing_stays_under_the_plain_exit_code() -> None:
    examples = {"exit code 1": looked("ValueError: a", "OSError: b")}
    told = only("task.failed", failing(CauseCount("exit code 1", 2, "t"), examples=examples, running=3))
    assert [(each.count, each.cause) for each in told.causes] == [
        (1, "exit code 1: OSError: b"),
        (1, "exit code 1: ValueError: a"),
    ]
    assert told.cause == "exit code 1: OSError: b ×1 · exit code 1: ValueError: a ×1"
    assert "Looked at" not in dict(told.figures)


def test_jobs_that_fail_of_different_things_with_one_exit_code_are_told_apart() -> None:
    value = CauseCount("exit code 1", 90, "a", "ValueError: frame 12", "stderr.txt")
    other = CauseCount("exit code 1", 9, "b", "ValueError: frame 3", "stderr.txt")
    lost = CauseCount("exit code 1", 5, "c", "ConnectionError: lost", "stderr.txt")
    unseen = CauseCount("exit code 1", 2, "d")
    assert [each.cause for each in by_line([value, other, unseen])] == ["exit code 1"] * 3
    assert [each.cause for each in by_line([value, lost, other, unseen])] == [
        "exit code 1: ValueError: frame <n>",
        "exit code 1: ConnectionError: lost",
        "exit code 1: ValueError: frame <n>",
        "exit code 1",
    ]


def test_names_are_quoted_in_commands() -> None:
    told = only("task.failed", failing(CauseCount("exit code 1", 1, "it's one", ""), name="my job"))
    assert told.actions[0].command == """log 'my job' 'it'"'"'s one' stderr.txt"""


def test_retries_that_are_used_up() -> None:
    told = only("task.retries_exhausted", failing(MEMORY, exhausted=16))
    assert told.headline == "job nightly:job-12: 16 tasks failed after all retries"
    assert (told.count, told.entity) == (16, Entity("job", "nightly:job-12"))
    assert found("task.retries_exhausted", failing(MEMORY)) == []
    for more, mended in (({"failed_at": ago(31)}, False), ({"state": "completed"}, False), ({"failed": 0}, True)):
        over = only(
            "task.retries_exhausted", failing(MEMORY, **{"exhausted": 16, "counted": ago(1), **more, "active": 0})
        )
        assert (over.state, over.mended) == ("resolved", mended)


def test_single_tasks() -> None:
    news = [
        turned("task", "frame-1", "running", "active", "nightly:job-12"),
        turned("task", "frame-2", "completed", "running", "nightly:job-12"),
        turned("task", "frame-3", "failed", "running", "nightly:job-12"),
    ]
    begun, done = only("task.started", job(), news=news), only("task.completed", news=news)
    assert begun.headline == "task frame-1 of nightly:job-12 has started"
    assert done.headline == "task frame-2 of nightly:job-12 has completed"
    assert begun.entity == Entity("task", "frame-1", "nightly:job-12")
    assert begun.related == (Entity("job", "nightly:job-12"), Entity("pool", "gpu-a"), Entity("schedule", "nightly"))
    assert done.related == (Entity("job", "nightly:job-12"), Entity("schedule", "nightly"))


def test_the_task_that_is_run_again_most_often_is_named() -> None:
    some = {each.task: each for each in (Retried("seldom", 2, ago(1)), Retried("often", 9, ago(2)))}
    told = only("task.retrying", job(retried=some))
    assert told.headline == "job nightly:job-12: 2 tasks fail again and again, 11 retries"
    assert ("Most often", "often, 9 retries") in told.figures
