"""What a node tells of its recent tasks, as recorded and as documented: it is what a watcher may go by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.entities import Node, TaskInformation
from bot.sandbox.entity_parts import TaskConstraints
from bot.sandbox.entity_specs import (
    JobPreparationTask,
    JobSpecification,
    MultiInstanceSettings,
    PoolSpecification,
    TaskSpecification,
)
from bot.sandbox.wire.listing import ReadOptions
from bot.sandbox.wire.tables import NODES
from bot.sandbox.wire.versions import DATA_PLANE
from bot.sandbox.world import Clock, LiveJob, LiveNode, World
from bot.sandbox.world.behaviour import BLOB_NOT_FOUND, Cause, Work, exited
from bot.sandbox.world.list_lag import body_of
from bot.sandbox.world.scenarios.parts import add_account, on
from tests.sandbox.still_world import NOW
from tests.sandbox.test_conformance_recordings import reads

SHORT = Work(median=5.0, spread=0.01, prepare=0.5)


class Place:
    """An account with a pool of three nodes and a job on it."""

    def __init__(self, slots: int = 1, nodes: int = 3, preparation: Work | None = None) -> None:
        self.world = World(3, Clock(NOW, paused=True))
        self.account = add_account(
            self.world, "place", "westeurope", dedicated=100, spot=0, families={"standardDSv3Family": 100}
        )
        spec = PoolSpecification(vm_size="Standard_D4s_v3", target_dedicated_nodes=nodes, task_slots_per_node=slots)
        self.pool = self.account.allocator.add("pool", spec, since=NOW - timedelta(days=1))
        prepares = JobPreparationTask(command_line="prepare", wait_for_success=True) if preparation else None
        self.job = self.add_job("job", job_preparation_task=prepares, preparation=preparation)

    def add_job(self, job_id: str, *, preparation: Work | None = None, **spec: Any) -> LiveJob:
        wanted = JobSpecification(pool_info=on("pool"), **spec)
        return self.account.job_lifecycle.add(job_id, wanted, preparation=preparation)

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))
        self.world.settle()

    def run(self, name: str, cause: Cause | None = None, job: LiveJob | None = None, **spec: Any) -> None:
        failures = ((1.0, cause),) if cause else ()
        work = Work(median=5.0, spread=0.01, prepare=0.5, failures=failures)
        self.account.runner.add(job or self.job, name, "work", TaskSpecification(**spec), work=work)

    @property
    def nodes(self) -> list[LiveNode]:
        return self.pool.ordered()

    def body(self, node: LiveNode | None = None) -> Node:
        return self.account.node_body(node or self.nodes[0])

    def told(self, node: LiveNode | None = None) -> list[TaskInformation]:
        return self.body(node).recent_tasks or []

    def listed(self) -> list[TaskInformation]:
        """What a list of the nodes shows of the only one, which may be late."""
        [seen] = self.account.list_lag.seen(self.nodes)
        body = body_of(self.account.node_body)(seen)
        assert isinstance(body, Node)
        return body.recent_tasks or []


def recorded() -> list[dict[str, Any]]:
    """Every recorded node that tells of recent tasks."""
    found = []
    for recording in reads("DP /pools/{poolId}/nodes", "DP /pools/{poolId}/nodes/{nodeId}"):
        body = recording["response_body"]
        found += [node for node in body.get("value", [body]) if "recentTasks" in node]
    return found


def test_recorded_nodes_tell_of_runs_as_the_sandbox_does() -> None:
    """The oldest first; what ran on the node counts every try; the failure and the tries are told with the task."""
    nodes = recorded()
    assert len(nodes) > 40
    both = [each["recentTasks"] for each in nodes if len(each["recentTasks"]) > 1]
    assert both
    for tasks in both:
        assert tasks == sorted(tasks, key=lambda task: task["executionInfo"]["startTime"])
    [retried] = [each for each in nodes for task in each["recentTasks"] if task["executionInfo"]["retryCount"]]
    [info] = [task["executionInfo"] for task in retried["recentTasks"]]
    assert retried["totalTasksRun"] == 1 + info["retryCount"] == 4
    assert (info["exitCode"], info["result"], info["failureInfo"]["code"]) == (2, "failure", "FailureExitCode")
    assert any(each["recentTasks"] == [] and each["totalTasksRun"] for each in nodes)


def test_a_node_that_ran_nothing_has_no_list_and_one_whose_tasks_were_deleted_an_empty_one() -> None:
    place = Place(nodes=1)
    assert place.body().recent_tasks is None
    place.run("a")
    place.run("b")
    place.wait(30)
    assert [task.task_id for task in place.told()] == ["a", "b"]
    place.account.runner.delete(place.job, place.job.tasks["a"])
    assert [task.task_id for task in place.told()] == ["b"]
    place.account.job_lifecycle.delete(place.job)
    place.wait(30)
    assert place.body().recent_tasks == []
    assert place.body().total_tasks_run == 2


def test_the_last_ten_are_told_and_the_newest_is_the_last() -> None:
    place = Place(nodes=1)
    for number in range(13):
        place.run(f"t{number:02}")
    place.wait(60)
    told = place.told()
    assert len(told) == 10
    started = [task.execution_info.start_time for task in told if task.execution_info]
    assert started == sorted(started, key=str)
    assert told[-1].task_state in {"preparing", "running"}
    assert {task.task_state for task in told[:-1]} == {"completed"}
    place.wait(60)
    assert [task.task_id for task in place.told()] == [f"t{number:02}" for number in range(3, 13)]


def test_a_task_that_is_retried_is_told_once_and_counted_every_time() -> None:
    place = Place(nodes=1)
    place.run("bad", exited(2), constraints=TaskConstraints(max_task_retry_count=3))
    place.wait(8)
    [going] = place.told()
    assert going.task_state in {"preparing", "running"}
    assert going.execution_info
    assert going.execution_info.retry_count == 1
    assert going.execution_info.failure_info is None
    place.wait(60)
    [told] = place.told()
    info = told.execution_info
    assert info
    assert (told.task_state, info.exit_code, info.result, info.retry_count) == ("completed", 2, "failure", 3)
    assert info.failure_info
    assert info.failure_info.code == "FailureExitCode"
    assert info.last_retry_time
    assert (place.body().total_tasks_run, place.body().total_tasks_succeeded) == (4, 0)


def test_a_task_whose_files_are_missing_is_told_without_an_exit_code() -> None:
    place = Place(nodes=1)
    place.run("bad", BLOB_NOT_FOUND, constraints=TaskConstraints(max_task_retry_count=3))
    place.wait(10)
    [told] = place.told()
    assert told.task_state == "completed"
    info = told.execution_info
    assert info
    assert (info.exit_code, info.result, info.retry_count) == (None, "failure", 0)
    assert info.start_time
    assert info.failure_info
    assert info.failure_info.code == "BlobNotFound"


def test_a_task_that_was_ended_while_it_waited_is_told_by_no_node() -> None:
    """It has no start either, as recorded."""
    place = Place(nodes=1)
    place.run("first")
    place.run("waits")
    place.account.runner.terminate(place.job, place.job.tasks["waits"])
    info = place.job.tasks["waits"].execution_info
    assert (info.start_time, info.result) == (None, "failure")
    assert info.end_time
    assert info.failure_info
    assert info.failure_info.code == "TaskEnded"
    place.wait(30)
    assert [task.task_id for task in place.told()] == ["first"]


def test_where_the_preparation_fails_the_task_waits_again() -> None:
    place = Place(nodes=1, preparation=Work(median=2.0, failures=((1.0, exited(5)),)))
    place.run("held")
    place.wait(60)
    [told] = place.told()
    info = told.execution_info
    assert info
    assert (told.task_state, info.start_time, info.result, info.requeue_count) == ("active", None, None, 1)
    assert place.job.state == "active"


def test_a_task_that_lost_its_node_is_told_by_both_in_its_state_of_now() -> None:
    place = Place(nodes=2)
    place.run("moved")
    place.wait(2)
    [first] = [node for node in place.nodes if node.running]
    place.account.fleet.break_down(first, recovers=False)
    place.wait(1)
    [second] = [node for node in place.nodes if node.running]
    assert second is not first
    for node in (first, second):
        [told] = place.told(node)
        assert told.task_state in {"preparing", "running"}
        assert told.execution_info
        assert told.execution_info.requeue_count == 1


def test_each_node_tells_of_its_own_subtask() -> None:
    place = Place()
    many = MultiInstanceSettings(number_of_instances=3, coordination_command_line="start")
    place.run("mpi", exited(9), multi_instance_settings=many)
    place.wait(30)
    told = {task.subtask_id: task for node in place.nodes for task in place.told(node)}
    assert set(told) == {None, 1, 2}
    assert {task.task_id for task in told.values()} == {"mpi"}
    codes = {name: task.execution_info.exit_code for name, task in told.items() if task.execution_info}
    assert codes == {None: 9, 1: 9, 2: 0}


def test_tasks_from_before_the_world_began_are_among_them_in_their_order() -> None:
    place = Place(nodes=1)
    [node] = place.nodes
    for number in (3, 12, 1, 5, 2, 11, 4, 8, 6, 10, 7, 9):
        ended = NOW - timedelta(minutes=20 - number)
        place.account.runner.remember(
            place.job, f"t{number:02}", "work", work=SHORT, node=node, began=ended - timedelta(seconds=5), ended=ended,
            cause=exited(1) if number == 9 else None,
        )  # fmt: skip
    assert [task.task_id for task in place.told()] == [f"t{number:02}" for number in range(3, 13)]
    [failed] = [task for task in place.told() if task.execution_info and task.execution_info.result == "failure"]
    assert failed.task_id == "t09"


def test_a_late_list_shows_the_tasks_of_before() -> None:
    place = Place(nodes=1)
    place.run("old")
    place.wait(30)
    place.account.list_lag.seconds = 20.0
    place.run("bad", exited(1))
    place.wait(10)
    assert [task.task_state for task in place.told()] == ["completed", "completed"]
    assert [task.task_id for task in place.listed()] == ["old"]
    place.wait(12)
    assert [task.task_id for task in place.listed()] == ["old", "bad"]
    assert place.listed()[-1].task_state in {"preparing", "running"}
    place.wait(20)
    assert [task.task_state for task in place.listed()] == ["completed", "completed"]


@pytest.mark.parametrize(
    ("filter_", "number"),
    [
        ("state eq 'idle'", 2),
        ("state eq 'idle' or state eq 'running'", 3),
        (f"stateTransitionTime ge DateTime'{NOW.isoformat()}'", 1),
    ],
)
def test_nodes_are_found_by_state_and_time(filter_: str, number: int) -> None:
    place = Place()
    place.run("a")
    place.wait(2)
    options = ReadOptions.read({"$filter": filter_, "maxresults": "1000"}, NODES, DATA_PLANE[-1])
    assert options.scan
    assert len(options.scan(place.nodes)) == number
    assert options.size == 1000


def test_what_is_not_selected_is_not_sent() -> None:
    place = Place(nodes=1)
    place.run("a")
    place.wait(2)
    options = ReadOptions.read({"$select": "id,state,runningTasksCount,recentTasks"}, NODES, DATA_PLANE[-1])
    sent = options.write(place.body()).decode()
    assert '"recentTasks":[{"taskUrl"' in sent
    assert "ipAddress" not in sent
