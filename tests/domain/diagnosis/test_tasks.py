"""Why a task failed or hangs: one code has several causes, told apart by what else is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.azure.models import Execution, FailureInfo, Job, NameValue, Node, Pool, Task
from bot.azure.models.base import ContainerSettings, PackageReference, ResourceFile
from bot.azure.models.job import JobExecution
from bot.azure.models.task import Dependencies, MultiInstance, NodeInfo, TaskConstraints
from bot.domain.diagnosis.model import Clue, Evidence, choose
from bot.domain.diagnosis.tasks import TaskCase, of_task

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ENDED = NOW - timedelta(minutes=10)
STARTED = ENDED - timedelta(minutes=30)
NODE = NodeInfo(pool_id="gpu-a", node_id="tvm-1")


def task(code: str = "", message: str = "", category: str = "UserError", **run: Any) -> Task:
    """A task that ended ten minutes ago after half an hour; without a code it has no failure."""
    info = FailureInfo(category=category, code=code, message=message, details=run.pop("details", ()))
    limit = run.pop("limit", "")
    ran: dict[str, Any] = {"start_time": STARTED, "end_time": ENDED, "result": "failure", **run}
    return Task(
        id="frame-1",
        state="completed",
        state_transition_time=ENDED,
        execution_info=Execution(failure_info=info if code else None, **ran),
        constraints=TaskConstraints(max_wall_clock_time=limit),
        node_info=NODE,
    )


def case(found: Task, **more: Any) -> TaskCase:
    """The task as it was read."""
    return TaskCase(task=found, at=NOW, **{"job": Job(id="nightly", state="active"), **more})


def told(found: Task, **more: Any) -> Clue:
    """The cause that is told."""
    clue = choose(of_task(case(found, **more))).clue
    assert clue is not None
    return clue


BOOTED = Node(id="tvm-1", state="idle", last_boot_time=ENDED + timedelta(seconds=40))
STEADY = Node(id="tvm-1", state="idle", last_boot_time=NOW - timedelta(days=2))
PREEMPTED = Node(id="tvm-1", state="preempted", state_transition_time=ENDED)
OVER = Job(
    id="nightly", state="completed", execution_info=JobExecution(end_time=ENDED, terminate_reason="UserTerminate")
)
BY_US = Evidence("task terminate nightly frame-1, asked of me by", ENDED, person="slack:U1")
CLOCK = -1073741510


@pytest.mark.parametrize(
    ("found", "more", "row", "sure"),
    [
        # somebody: our own audit knows, or the service says so
        (task("TaskEnded", "Task Was Ended by User Request"), {}, "task.ended_by_person", "likely"),
        (task("TaskEnded", "Task Was Ended by User Request"), {"ended": BY_US}, "task.ended_by_person", "certain"),
        (task("TaskEnded", category="ServerError", limit="PT30M"), {"ended": BY_US}, "task.ended_by_person", "certain"),
        # the wall clock: it ran as long as it may, and the service, not a person, ended it
        (task("TaskEnded", category="ServerError", limit="PT30M", exit_code=CLOCK), {}, "task.ran_too_long", None),
        (task("TaskEnded", category="ServerError", limit="PT30M"), {}, "task.ran_too_long", None),
        (task("TaskEnded", limit="PT30M", exit_code=CLOCK + 2**32), {}, "task.ran_too_long", None),
        (task("TaskEnded", "it ran longer than its maximum wall clock time"), {}, "task.ran_too_long", None),
        # short of its limit it was no clock
        (task("TaskEnded", "Ended by User Request", limit="PT9H"), {}, "task.ended_by_person", "likely"),
        # its job ended then
        (task("TaskEnded", category="ServerError"), {"job": OVER}, "task.ended_with_job", None),
        (task("TaskEnded"), {"job": OVER}, "task.ended_with_job", None),
        # its node went
        (task("TaskEnded", category="ServerError"), {"node": BOOTED}, "task.ended_with_node", "likely"),
        (task("TaskEnded", category="ServerError"), {"node": PREEMPTED}, "task.ended_with_node", "likely"),
        (task("TaskEnded", category="ServerError"), {"node": STEADY}, "task.ended", "guess"),
        # exit codes: killed, by whom
        (task("FailureExitCode", exit_code=137), {"node": BOOTED}, "task.ended_with_node", "likely"),
        (task("FailureExitCode", exit_code=137), {"node": STEADY}, "exit.killed", None),
        (task("FailureExitCode", exit_code=127), {}, "exit.not_found", None),
        (task("FailureExitCode", exit_code=42), {}, "task.exit_code", None),
        # the program ended well, its output went nowhere
        (task("FileUploadAccessDenied", exit_code=0), {}, "task.upload_denied", None),
        (task("FileUploadMiscError", exit_code=0), {}, "task.upload_failed", None),
        (task(exit_code=0), {}, "task.upload_failed", None),
        (task("BlobNotFound"), {}, "task.blob_not_found", None),
        (task("SomethingNew", "in other words"), {}, "unknown.task", "guess"),
    ],
)
def test_a_failure_is_told_by_its_inner_cause(found: Task, more: dict[str, Any], row: str, sure: str | None) -> None:
    clue = told(found, **more)
    assert clue.id == row
    assert sure in (None, clue.sure)
    assert clue.evidence
    assert clue.harm


def test_what_no_row_knows_is_shown_as_the_service_says_it() -> None:
    clue = told(task("SomethingNew", "in other words"))
    assert clue.id == "unknown.task"
    assert "SomethingNew" in clue.cause
    assert clue.evidence[0].words == "SomethingNew: in other words"


def test_evidence_has_the_code_the_time_it_took_and_who_asked() -> None:
    words = [each.words for each in told(task("TaskEnded", "Ended", limit="PT9H"), ended=BY_US).evidence]
    assert words == [
        "TaskEnded (UserError): Ended",
        "it ran for 30 min of at most 9 h",
        "task terminate nightly frame-1, asked of me by",
    ]


def test_a_signature_that_was_over_is_said() -> None:
    details = (NameValue(name="BlobSource", value="https://x/y?se=2026-11-01T06%3A00%3A00Z&sig=x"),)
    said = [each for each in told(task("BlobAccessDenied", details=details)).evidence if "signature" in each.words]
    assert [each.at for each in said] == [datetime(2026, 11, 1, 6, 0, tzinfo=UTC)]


def test_a_task_that_is_not_over_says_what_it_waits_for() -> None:
    waiting = Task(id="frame-1", state="active", state_transition_time=STARTED)
    parent = replace(task("FailureExitCode", exit_code=3), id="mesh")
    after = replace(waiting, depends_on=Dependencies(task_ids=("mesh",)))
    assert told(after, parents=[parent]).id == "task.parent_failed"
    assert told(after, parents=[parent]).names["task"] == "mesh"
    open_ = told(after, parents=[replace(waiting, id="mesh")])
    assert (open_.id, open_.harm) == ("task.waits_for_others", False)
    pool = Pool(id="gpu-a", task_slots_per_node=4)
    assert told(replace(waiting, required_slots=8), pool=pool).id == "task.slots"
    two = replace(waiting, multi_instance_settings=MultiInstance(number_of_instances=2))
    assert told(two, pool=pool).id == "task.slots"
    assert not of_task(case(waiting, pool=pool))


def test_a_task_that_hangs_or_is_run_again_without_end_is_in_trouble_though_it_never_fails() -> None:
    preparing = Task(id="frame-1", state="preparing", state_transition_time=NOW - timedelta(hours=2))
    assert told(preparing).id == "task.preparing_long"
    young = told(replace(preparing, state_transition_time=NOW - timedelta(minutes=1)))
    assert (young.id, young.harm) == ("task.prepares", False)
    running = Task(id="frame-1", state="running", execution_info=Execution(start_time=STARTED, retry_count=620))
    assert told(running).id == "task.retried_endlessly"
    assert told(replace(running, state="preparing", state_transition_time=NOW)).id == "task.retried_endlessly"
    once = told(replace(running, execution_info=Execution(start_time=STARTED, retry_count=1)))
    assert (once.id, once.harm) == ("task.runs", False)
    assert not of_task(case(Task(id="frame-1", state="completed", execution_info=Execution(result="success"))))


@pytest.mark.parametrize(
    ("fetches", "words"),
    [
        ({}, ""),
        ({"resource_files": (ResourceFile(), ResourceFile())}, "2 resource files"),
        ({"application_package_references": (PackageReference(),)}, "1 package"),
        (
            {"container_settings": ContainerSettings(image_name="render:9"), "resource_files": (ResourceFile(),)},
            "image render:9 and 1 resource file",
        ),
    ],
)
def test_what_a_task_that_is_prepared_waits_for(fetches: dict[str, Any], words: str) -> None:
    preparing = Task(id="frame-1", state="preparing", state_transition_time=NOW - timedelta(minutes=2), **fetches)
    said = " ".join(each.words for each in told(preparing).evidence if each)
    assert words in said
    assert ("resource" in said, "package" in said, "image" in said) == (
        "resource" in words, "package" in words, "image" in words
    )  # fmt: skip
