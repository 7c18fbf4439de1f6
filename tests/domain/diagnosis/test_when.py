"""What shows a cause, word for word, and from when: of what happened its own time, of what is so the reading's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.azure.models import Counts, Execution, FailureInfo, Job, NameValue, Node, Pool, Task
from bot.azure.models.job import JobConstraints, JobExecution
from bot.azure.models.node import StartTaskInfo
from bot.azure.models.status import OwnTaskRun, PreparationStatus
from bot.azure.models.task import Dependencies, MultiInstance, NodeInfo, TaskConstraints
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Clue, Evidence
from bot.domain.diagnosis.nodes import NodeCase, of_node
from bot.domain.diagnosis.pools import Holder, PoolCase, Room, of_pool
from bot.domain.diagnosis.tasks import TaskCase, of_task
from tests.domain.diagnosis.jobs import HOUR, MINUTE, NOW, WAITING, case, failed, job, retried, task
from tests.domain.diagnosis.test_pools import error, formula, pool

ENDED = NOW - 10 * MINUTE
STARTED = NOW - 40 * MINUTE


def dated(clue: Clue) -> list[str]:
    """Since when it is so and each piece of evidence, with minutes before the reading; – for no time."""
    return [f"{clue.id} {ago(clue.since)}", *(f"{each.words} @{ago(each.at)}" for each in clue.evidence)]


def ago(at: datetime | None) -> str:
    return "–" if at is None else f"{(NOW - at) / MINUTE:g}"


def ran(code: str = "", message: str = "", category: str = "UserError", **run: Any) -> Task:
    """A task that failed ten minutes ago after half an hour."""
    info = FailureInfo(category, code, message, run.pop("details", ())) if code else None
    limit = run.pop("limit", "")
    known: dict[str, Any] = {"start_time": STARTED, "end_time": ENDED, "result": "failure", "failure_info": info}
    return Task(
        id="frame-1",
        state="completed",
        state_transition_time=ENDED,
        execution_info=Execution(**(known | run)),
        constraints=TaskConstraints(max_wall_clock_time=limit) if limit else None,
        node_info=NodeInfo(pool_id="gpu-a", node_id="tvm-1"),
    )


def booted(seconds: float) -> Node:
    """Its node, which started anew so long after the task's end."""
    return Node(id="tvm-1", state="idle", last_boot_time=ENDED + timedelta(seconds=seconds))


def left(state: str, seconds: float) -> Node:
    """Its node, which came into a state so long after the task's end."""
    return Node(id="tvm-1", state=state, state_transition_time=ENDED + timedelta(seconds=seconds))


def of_ended_job(seconds: float) -> Job:
    """Its job, which ended so long after the task's end."""
    run = JobExecution(end_time=ENDED + timedelta(seconds=seconds), terminate_reason="UserTerminate")
    return Job(id="nightly", state="completed", execution_info=run)


SERVER = {"code": "TaskEnded", "category": "ServerError"}
SAID = "TaskEnded (ServerError) @10"
TOOK = "it ran for 30 min, it has no time limit @10"
GUESS = ["task.ended 10", SAID, TOOK]


@pytest.mark.parametrize(
    ("found", "more", "told"),
    [
        (ran("FailureExitCode", exit_code=42), {}, ["task.exit_code 10", "exit code 42 @10"]),
        (ran("FailureExitCode", exit_code=42, end_time=None), {}, ["task.exit_code –", "exit code 42 @0"]),
        (ran("Odd", "in words", exit_code=42, details=(NameValue("Path", "/a"), NameValue("Empty", ""))), {},
         ["task.exit_code 10", "exit code 42 · Odd (UserError): in words @10", "Path: /a @10"]),
        (ran("Odd", category="", exit_code=42, end_time=None, details=(NameValue("Path", "/a"),)), {},
         ["task.exit_code –", "exit code 42 · Odd @0", "Path: /a @0"]),
        (ran("FailureExitCode", exit_code=42, details=(NameValue("Path", "/a"),)), {},
         ["task.exit_code 10", "exit code 42 @10"]),
        (ran("SomethingNew", "in words"), {}, ["unknown.task 10", "SomethingNew: in words @0"]),
        (ran(), {}, ["unknown.task 10", "the service gives no reason @0"]),
        # its limit: five seconds are no difference, six are
        (ran(**SERVER, limit="PT30M5S"), {},
         ["task.ran_too_long 10", SAID, "it ran for 30 min of at most 30 min 5 s @10"]),
        (ran(**SERVER, limit="PT30M6S"), {},
         ["task.ended 10", SAID, "it ran for 30 min of at most 30 min 6 s @10"]),
        (ran(**SERVER, limit="P3650D"), {}, GUESS),
        (ran(**SERVER, limit="P3649D"), {},
         ["task.ended 10", SAID, "it ran for 30 min of at most 3649 d @10"]),
        (ran(**SERVER, start_time=None), {}, ["task.ended 10", SAID]),
        # its job and its node: what was within two minutes was at once
        (ran(**SERVER), {"job": of_ended_job(120)},
         ["task.ended_with_job 10", SAID, TOOK, "its job ended then, because somebody terminated it @8"]),
        (ran(**SERVER), {"job": of_ended_job(-120)},
         ["task.ended_with_job 10", SAID, TOOK, "its job ended then, because somebody terminated it @12"]),
        (ran(**SERVER), {"job": of_ended_job(121)}, GUESS),
        (ran(**SERVER), {"node": booted(120)},
         ["task.ended_with_node 10", SAID, "the node started anew 2 min from the task's end @8"]),
        (ran(**SERVER), {"node": booted(-120)},
         ["task.ended_with_node 10", SAID, "the node started anew 2 min from the task's end @12"]),
        (ran(**SERVER), {"node": booted(121)}, GUESS),
        (ran(**SERVER), {"node": booted(-121)}, GUESS),
        (ran(**SERVER), {"node": left("preempted", 120)},
         ["task.ended_with_node 10", SAID, "the node became preempted then @8"]),
        (ran(**SERVER), {"node": left("LeavingPool", -120)},
         ["task.ended_with_node 10", SAID, "the node became leaving pool then @12"]),
        (ran(**SERVER), {"node": left("preempted", 121)}, GUESS),
        (ran(**SERVER), {"node": left("offline", 0)}, GUESS),
        (ran(**SERVER), {"gone": True}, ["task.ended_with_node 10", SAID, "node tvm-1 is not there any more @0"]),
        (ran(**SERVER, end_time=None), {"node": booted(0)}, ["task.ended –", "TaskEnded (ServerError) @0"]),
        # what it wrote went nowhere
        (ran("FileUploadMiscError", "in words", exit_code=0), {},
         ["task.upload_failed 10", "exit code 0 · FileUploadMiscError (UserError): in words @10",
          "what was tried stands in fileuploadout.txt and fileuploaderr.txt of the task's directory @–"]),
        # it fails and is run again
        (Task(id="a", state="active", state_transition_time=ENDED,
              execution_info=Execution(start_time=STARTED, retry_count=5, exit_code=3, last_retry_time=ENDED)), {},
         ["task.retried_endlessly 40", "run again 5 times, at most 0 @10", "it last failed with exit code 3 @10"]),
        (Task(id="a", state="active", constraints=TaskConstraints(max_task_retry_count=-1),
              execution_info=Execution(start_time=STARTED, retry_count=5)), {},
         ["task.retried_endlessly 40", "run again 5 times, without a limit @0"]),
        (Task(id="a", state="active", execution_info=Execution(start_time=STARTED, retry_count=5)),
         {"job": Job(id="nightly", constraints=JobConstraints(max_task_retry_count=9))},
         ["task.retried_endlessly 40", "run again 5 times, at most 9 @0"]),
        # it waits
        (Task(id="a", state="active", state_transition_time=ENDED, depends_on=Dependencies(("b", "c"))),
         {"parents": [Task(id="b", state="running")]},
         ["task.waits_for_others 10", "it depends on 1 task that is not over: b @0"]),
        (Task(id="a", state="active", creation_time=STARTED, depends_on=Dependencies(("b", "c"))),
         {"parents": [Task(id=each, state="active") for each in "bcde"]},
         ["task.waits_for_others 40", "it depends on 4 tasks that are not over: b, c, d @0"]),
        (Task(id="a", state="active", required_slots=5), {"pool": Pool(id="cpu", task_slots_per_node=4)},
         ["task.slots –", "a needs 5 slots, a node of cpu has 4 @0"]),
        (Task(id="a", state="active", multi_instance_settings=MultiInstance(number_of_instances=2)),
         {"pool": Pool(id="cpu", task_slots_per_node=4)},
         ["task.slots –", "a runs on several nodes, and those of cpu may not talk to each other @0"]),
        # it is on its way
        (Task(id="a", state="preparing", state_transition_time=NOW - 15 * MINUTE), {},
         ["task.prepares 15", "preparing for 15 min; the counts call it running @0"]),
        (Task(id="a", state="preparing", state_transition_time=NOW - 16 * MINUTE), {},
         ["task.preparing_long 16", "preparing for 16 min; the counts call it running @0"]),
        (Task(id="a", state="running", execution_info=Execution(start_time=STARTED)), {},
         ["task.runs 40", "running for 40 min @0"]),
        (Task(id="a", state="running", execution_info=Execution(start_time=STARTED),
              constraints=TaskConstraints(max_wall_clock_time="PT2H")), {},
         ["task.runs 40", "running for 40 min of at most 2 h @0"]),
    ],
)  # fmt: skip
def test_what_shows_the_cause_of_a_task(found: Task, more: dict[str, Any], told: list[str]) -> None:
    clue = of_task(TaskCase(task=found, at=NOW, **{"job": Job(id="nightly", state="active"), **more}))[0]
    assert dated(clue) == told


@pytest.mark.parametrize(
    "found",
    [
        Task(id="a", state="active", required_slots=4),
        Task(id="a", state="active", multi_instance_settings=MultiInstance(number_of_instances=1)),
        Task(id="a", state="active", execution_info=Execution(retry_count=4)),
        Task(id="a", state="completed", execution_info=Execution(result="success")),
        Task(id="a", state="running", execution_info=Execution()),
    ],
)
def test_a_task_that_is_well_has_no_cause(found: Task) -> None:
    pool_ = Pool(id="cpu", task_slots_per_node=4)
    assert of_task(TaskCase(task=found, at=NOW, job=Job(id="nightly"), pool=pool_)) == []


def test_a_signature_that_ended_before_its_task_is_shown() -> None:
    def told(minutes: int, **more: Any) -> list[str]:
        until = (NOW - minutes * MINUTE).strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ")
        found = ran("BlobAccessDenied", details=(NameValue("Source", f"https://x/y?se={until}&sig=x"),), **more)
        (clue,) = of_task(TaskCase(task=found, at=NOW, job=Job(id="nightly")))
        return [each for each in dated(clue) if "signature" in each]

    assert told(11) == ["the signature in the address expired before that @11"]
    assert told(10) == [], "it ended with the task"
    assert told(9) == []
    assert told(9, end_time=None) == ["the signature in the address expired before that @9"]


# Jobs


def prepared(node: str, minutes: int | None, **more: Any) -> PreparationStatus:
    """A node on which the preparation of the job failed then."""
    end = None if minutes is None else NOW - minutes * MINUTE
    run = OwnTaskRun(result="failure", end_time=end, exit_code=3, **more)
    return PreparationStatus(node_id=node, job_preparation_task_execution_info=run)


WORDS = FailureInfo("UserError", "FailureExitCode", "in words")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"preparations": [prepared("n1", 20, failure_info=WORDS), prepared("n2", 30)]},
         ["job.preparation_failed 30", "preparation failed on 2 of 2 nodes, such as n1: exit code 3 @20",
          "FailureExitCode: in words @20", "3 tasks waiting, 0 running @0"]),
        ({"preparations": [prepared("n1", None)]},
         ["job.preparation_failed –", "preparation failed on 1 of 1 node, such as n1: exit code 3 @0",
          "3 tasks waiting, 0 running @0"]),
        ({"counts": Counts(running=2), "unfinished": [retried("a", 6)]},
         ["task.retried_endlessly 10", "6 retries of 1 task, a 6 times @10", "they last failed with exit code 3 @10"]),
        ({"counts": Counts(running=2), "unfinished": [task("a", "preparing", NOW - 20 * MINUTE)] * 2},
         ["task.preparing_long 20", "2 tasks preparing, a for 20 min; the counts call them running @0"]),
        ({"counts": Counts(running=1, failed=2, completed=3),
          "failures": [failed("a", 3, at=NOW - HOUR), failed("b", 3, at=NOW - 2 * HOUR)]},
         ["task.exit_code 120", "2 of 4 tasks failed: exit code 3 ×2 @0", "exit code 3 @60"]),
        ({"job": job("disabled")}, ["job.disabled 180", "state disabled @180", "3 tasks waiting @0"]),
        ({"job": job("completed", reason="UserTerminate")},
         ["job.terminated 1", "ended because somebody terminated it @1", "3 tasks waiting, 0 running @0"]),
        ({"job": job("completed", reason="MaxWallClockTimeExpiry", constraints=JobConstraints("PT2H"))},
         ["job.ran_too_long 1", "ended because it reached its time limit (maxWallClockTime) @1",
          "its maxWallClockTime is PT2H, counted from its creation @180", "0 of 3 tasks succeeded @0"]),
        ({"job": job("terminating")}, ["job.ending_long 180", "terminating for 3 h @0"]),
        ({"pool": None, "pool_gone": True},
         ["job.pool_gone 180", "pool cpu does not exist @0", "3 tasks waiting, 0 running @0"]),
    ],
)  # fmt: skip
def test_what_shows_the_cause_of_a_job(more: dict[str, Any], told: list[str]) -> None:
    found = case(**({"found": more.pop("job", None), "counts": WAITING} | more))
    assert dated(of_job(found).clues[0]) == told


# Pools and nodes


def resized_ago(minutes: float, **more: Any) -> dict[str, Any]:
    return {"allocation_state_transition_time": NOW - minutes * MINUTE, **more}


RESIZED = Evidence("pool resize gpu-a 12, asked of me by", NOW - HOUR)
SPOT = {"current_low_priority_nodes": 1, "target_low_priority_nodes": 10}


@pytest.mark.parametrize(
    ("found", "more", "told"),
    [
        (pool(0, 12, allocation_state="resizing", **resized_ago(21)), {"resized": RESIZED},
         ["pool.resize.too_long 21", "resizing for 21 min, its timeout is 15 min @0", "0 of 12 nodes @0",
          "pool resize gpu-a 12, asked of me by @60"]),
        (pool(2, 2, allocation_state="resizing", **resized_ago(2), **SPOT), {},
         ["pool.resizing 2", "2 of 2 dedicated and 1 of 10 spot nodes @0"]),
        (pool(0, 0, allocation_state="stopping", **resized_ago(2), **SPOT), {},
         ["pool.resizing 2", "1 of 10 spot nodes @0"]),
        (pool(0, 12, resize_errors=error("ResizeStopped"), **resized_ago(2)), {"stopped": RESIZED},
         ["pool.resize.stopped 2", "0 of 12 nodes @0", "pool resize gpu-a 12, asked of me by @60"]),
        (pool(0, 12, resize_errors=error("NeverHeardOf", "in words"), **resized_ago(9)), {},
         ["unknown.resize 9", "NeverHeardOf: in words @0"]),
        (pool(0, 12, **resized_ago(4)), {}, ["pool.no_nodes_yet 4", "0 of 12 nodes @0"]),
        (pool(0, 12, **resized_ago(5)), {}, ["pool.no_reason 5", "0 of 12 nodes, steady and without an error @0"]),
        (pool(0, 0, **resized_ago(5)), {"waiting": 3, "resized": RESIZED},
         ["pool.scaled_to_zero 5", "3 tasks waiting for its nodes @0", "pool resize gpu-a 12, asked of me by @60"]),
        (pool(0, 0, **formula(ago=60, results=" $TargetDedicatedNodes=0 ")), {"waiting": 1},
         ["autoscale.wants_none 1", "1 task waiting for its nodes @0", "the formula gave $TargetDedicatedNodes=0 @1"]),
        (pool(**formula(ago=7200)), {},
         ["autoscale.dead 120", "last evaluated 2 h ago, its interval is 5 min @0"]),
        (pool(**formula("AutoScalingFormulaEvaluationError", ago=60)), {},
         ["autoscale.formula_fails 1", "AutoScalingFormulaEvaluationError: in words @1"]),
        (pool(**formula("NeverHeardOf", ago=60)), {}, ["unknown.autoscale 1", "NeverHeardOf: in words @0"]),
        (pool(state="deleting", state_transition_time=NOW - 4 * MINUTE), {},
         ["pool.deleting 4", "state deleting for 4 min @0", "2 nodes left @0"]),
        (pool(state="deleting", state_transition_time=None), {},
         ["pool.deleting –", "state deleting @0", "2 nodes left @0"]),
    ],
)  # fmt: skip
def test_what_shows_the_cause_of_a_pool(found: Pool, more: dict[str, Any], told: list[str]) -> None:
    assert dated(of_pool(PoolCase(pool=found, at=NOW, **more))[0]) == told


def test_who_holds_a_quota_is_told_as_of_when_it_was_read() -> None:
    found = pool(2, 12, resize_errors=error("AccountCoreQuotaReached", "in words"), **resized_ago(9))
    held = (Holder("gpu-a", 1200), Holder("cpu", 8))
    room = Room("dedicated cores", 1208, 1300, held, NOW - MINUTE, "AccountCoreQuotaReached", nodes=1)
    (clue,) = of_pool(PoolCase(pool=found, at=NOW, room=room))
    assert dated(clue) == [
        "pool.quota.cores 9",
        "AccountCoreQuotaReached: in words @9",
        "1,208 of 1,300 dedicated cores in use, held by gpu-a 1,200 · cpu 8 @1",
        "there is room for 1 more node of this size by now @1",
        "2 of 12 nodes @0",
    ]


@pytest.mark.parametrize(
    ("state", "minutes", "more", "told"),
    [
        ("unusable", 45, {}, ["node.unusable_silent 45", "state unusable @45"]),
        ("unusable", 46, {},
         ["node.unusable_silent 46", "state unusable @46",
          "for 46 min: what recovers by itself does so within 45 minutes @0"]),
        ("unusable", None, {}, ["node.unusable_silent –", "state unusable @–"]),
        ("starttaskfailed", 9, {"exit_code": 3, "retry_count": 1, "end_time": ENDED},
         ["start_task.exit_code 9", "state start task failed @9", "start task: exit code 3, 1 retry @10"]),
        ("starttaskfailed", 9, {"exit_code": 3, "retry_count": 2},
         ["start_task.exit_code 9", "state start task failed @9", "start task: exit code 3, 2 retries @0"]),
        ("idle", 9, {"exit_code": 3, "end_time": ENDED},
         ["node.start_task_failed 10", "start task: exit code 3 @10",
          "the node takes tasks: the start task's success is not waited for @0"]),
    ],
)  # fmt: skip
def test_what_shows_the_cause_of_a_node(state: str, minutes: int | None, more: dict[str, Any], told: list[str]) -> None:
    since = None if minutes is None else NOW - minutes * MINUTE
    info = StartTaskInfo(state="completed", result="failure", **more) if more else None
    found = Node(id="tvm-1", state=state, state_transition_time=since, start_task_info=info)
    (clue,) = of_node(NodeCase(node=found, pool=Pool(id="cpu"), at=NOW))
    assert dated(clue) == told
