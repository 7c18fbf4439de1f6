"""Writes of tasks with the real client: one and many, limits, states, conflicts, what a new start forgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from bot.sandbox.entity_specs import JobSpecification
from bot.sandbox.world.scenarios.parts import on
from tests.sandbox.writable_sandbox import Stage, opened

TASKS = "/jobs/job/tasks"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with opened() as stage:
        stage.account.commands.add_job("job", JobSpecification(pool_info=on("busy")))
        yield stage


def task(task_id: str, command: str = "sleep 30", **more: Any) -> models.BatchTaskCreateOptions:
    return models.BatchTaskCreateOptions(id=task_id, command_line=command, **more)


async def test_a_task_is_added_and_runs(stage: Stage) -> None:
    body = {
        "id": "one",
        "commandLine": "sleep 30",
        "constraints": {"maxTaskRetryCount": "2", "maxWallClockTime": "P4DT12H30M05S"},
    }
    answer = await stage.send("POST", TASKS, body, content="application/json; odata=minimalmetadata")
    where = f"{stage.sandbox.endpoints['render']}{TASKS}/one"
    assert (answer.status, answer.body) == (201, None)
    assert answer.headers["Location"] == answer.headers["DataServiceId"] == where
    told = (await stage.send("GET", f"{TASKS}/ONE")).body
    assert told["constraints"] == {"maxWallClockTime": "P4DT12H30M5S", "retentionTime": "P7D", "maxTaskRetryCount": 2}
    assert told["eTag"] == answer.headers["ETag"]
    stage.wait(60)
    seen = await stage.client.get_task("job", "one")
    assert (seen.state, seen.execution_info.exit_code) == ("completed", 0)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"commandLine": None}, 400, "MissingRequiredProperty"),
        ({"commandLine": " "}, 400, "MissingRequiredProperty"),
        ({"id": "a.b"}, 400, "InvalidPropertyValue"),
        ({"id": "TAKEN"}, 409, "TaskExists"),
        ({"requiredSlots": 0}, 400, "InvalidPropertyValue"),
        ({"constraints": {"maxTaskRetryCount": -2}}, 400, "InvalidPropertyValue"),
        ({"dependsOn": {"taskIds": ["taken"]}}, 400, "TaskDependenciesNotSpecifiedOnJob"),
        ({"userIdentity": {"autoUser": {"scope": "galaxy"}}}, 400, "InvalidPropertyValue"),
        ({"applicationPackageReferences": [{"applicationId": "x"}]}, 409, "InvalidApplicationPackageReferences"),
        (
            {"multiInstanceSettings": {"numberOfInstances": 2, "coordinationCommandLine": "x"}, "requiredSlots": 2},
            400,
            "InvalidPropertyValue",
        ),
    ],
)
async def test_what_a_task_may_not_be(stage: Stage, change: dict[str, Any], status: int, code: str) -> None:
    await stage.client.create_task("job", task("taken"))
    body = {"id": "made", "commandLine": "x"} | change
    answer = await stage.send("POST", TASKS, {name: value for name, value in body.items() if value is not None})
    assert (answer.status, answer.code) == (status, code)
    assert list(stage.account.jobs["job"].tasks) == ["taken"]
    many = await stage.send(
        "POST",
        "/jobs/job/addtaskcollection",
        {"value": [{name: value for name, value in body.items() if value is not None}]},
    )
    assert many.status == 200
    assert many.body["value"][0]["status"] == "ClientError"
    assert many.body["value"][0]["error"]["code"] == code


async def test_a_collection_is_answered_task_by_task(stage: Stage) -> None:
    value = [{"id": f"t{number}", "commandLine": "sleep 1"} for number in range(3)]
    value[2]["id"] = "T0"
    answer = await stage.send("POST", "/jobs/job/addtaskcollection", {"value": value})
    first, second, third = answer.body["value"]
    home = stage.sandbox.endpoints["render"]
    assert answer.body["odata.metadata"] == f"{home}/$metadata#taskaddresult"
    assert first == {
        "status": "Success",
        "taskId": "t0",
        "eTag": first["eTag"],
        "lastModified": "2026-11-24T09:00:00.0000000Z",
        "location": f"{home}{TASKS}/t0",
    }
    assert second["status"] == "Success"
    assert (third["status"], third["taskId"], third["error"]["code"]) == ("ClientError", "T0", "TaskExists")
    assert third["error"]["message"]["value"].startswith("The specified task already exists.\nRequestId:")
    for number in (0, 101):
        many = {"value": [{"id": f"n{place}", "commandLine": "x"} for place in range(number)]}
        refused = await stage.send("POST", "/jobs/job/addtaskcollection", many)
        assert (refused.status, refused.code) == (400, "OutOfRangeInput")


@pytest.mark.slow
async def test_ten_thousand_tasks_of_the_client(stage: Stage) -> None:
    tasks = [task(f"Task-{number:05}", "sleep 1000") for number in range(10_000)]
    results = await stage.client.create_tasks("job", task_collection=tasks)
    assert len(results.result_values) == 10_000
    counts = (await stage.client.get_job_task_counts("job")).task_counts
    assert counts.active + counts.running == 10_000


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_too_large_a_collection_is_cut_by_the_client(stage: Stage) -> None:
    environment = [models.EnvironmentSetting(name="BLOB", value="x" * 30_000)]
    tasks = [task(f"t{number}", environment_settings=environment) for number in range(100)]
    results = await stage.client.create_tasks("job", task_collection=tasks)
    assert len(results.result_values) == len(stage.account.jobs["job"].tasks) == 100


async def test_terminate_and_delete(stage: Stage) -> None:
    await stage.client.create_task("job", task("one", "sleep 5000"))
    stage.wait(20)
    await stage.client.terminate_task("job", "one")
    seen = await stage.client.get_task("job", "one")
    assert (seen.state, seen.execution_info.failure_info.code) == ("completed", "TaskEnded")
    with pytest.raises(HttpResponseError, match="TaskCompleted"):
        await stage.client.terminate_task("job", "one")
    answer = await stage.send("DELETE", f"{TASKS}/one")
    assert (answer.status, answer.body) == (200, None)
    with pytest.raises(ResourceNotFoundError, match="TaskNotFound"):
        await stage.client.delete_task("job", "one")


async def test_a_new_start_forgets_the_old_end(stage: Stage) -> None:
    client = stage.client
    await client.create_task("job", task("bad", "sleep 5; exit 3"))
    await client.create_task("job", task("good", "sleep 5"))
    with pytest.raises(HttpResponseError, match="TaskNotCompleted"):
        await client.reactivate_task("job", "bad")
    stage.wait(60)
    seen = await client.get_task("job", "bad")
    assert (seen.execution_info.exit_code, seen.execution_info.failure_info.code) == (3, "FailureExitCode")
    assert [file.name async for file in client.list_task_files("job", "bad")]
    with pytest.raises(HttpResponseError, match="TaskSucceeded"):
        await client.reactivate_task("job", "good")
    stage.account.commands.disable_job("job")
    answer = await stage.send("POST", f"{TASKS}/bad/reactivate")
    assert (answer.status, answer.body) == (204, None)
    again = await client.get_task("job", "bad")
    assert (again.state, again.execution_info.exit_code, again.execution_info.failure_info) == ("active", None, None)
    assert again.etag != seen.etag
    with pytest.raises(HttpResponseError, match="OperationInvalidForCurrentState"):
        assert [file async for file in client.list_task_files("job", "bad")]
    stage.account.commands.terminate_job("job")
    stage.wait(30)
    with pytest.raises(HttpResponseError, match="JobCompleted"):
        await client.reactivate_task("job", "bad")
    with pytest.raises(HttpResponseError, match="JobCompleted"):
        await client.create_task("job", task("late"))
    assert (
        await stage.send("POST", "/jobs/job/addtaskcollection", {"value": [{"id": "l", "commandLine": "x"}]})
    ).code == "JobCompleted"


async def test_limits_are_replaced(stage: Stage) -> None:
    stage.account.commands.disable_job("job")
    for name in ("one", "two"):
        limits = models.BatchTaskConstraints(max_task_retry_count=3)
        await stage.client.create_task("job", task(name, constraints=limits))
    seen = await stage.client.get_task("job", "one")
    seen.constraints = models.BatchTaskConstraints(max_wall_clock_time=timedelta(minutes=5))
    await stage.client.replace_task("job", "one", seen)
    one, two = [(await stage.client.get_task("job", name)).constraints for name in ("one", "two")]
    assert (one.max_wall_clock_time, one.max_task_retry_count) == (timedelta(minutes=5), 0)
    assert two.max_task_retry_count == 3


async def test_dependencies_and_hooks(stage: Stage) -> None:
    job = {
        "id": "chain",
        "poolInfo": {"poolId": "busy"},
        "usesTaskDependencies": True,
        "jobPreparationTask": {"commandLine": "x"},
        "jobReleaseTask": {"id": "Clean", "commandLine": "x"},
    }
    assert (await stage.send("POST", "/jobs", job)).status == 201
    await stage.client.create_task("chain", task("a", "sleep 5"))
    await stage.client.create_task(
        "chain", task("b", "sleep 5", depends_on=models.BatchTaskDependencies(task_ids=["a"]))
    )
    stage.wait(5)
    assert (await stage.client.get_task("chain", "b")).state == "active"
    stage.wait(120)
    assert (await stage.client.get_task("chain", "b")).state == "completed"
    for task_id, code in (
        ("jobpreparation", "TaskIdSameAsJobPreparationTask"),
        ("clean", "TaskIdSameAsJobReleaseTask"),
    ):
        answer = await stage.send("POST", "/jobs/chain/tasks", {"id": task_id, "commandLine": "x"})
        assert (answer.status, answer.code) == (409, code)
    wrong = {"id": "c", "commandLine": "x", "dependsOn": {"taskIds": ["x" * 64] * 1001}}
    assert (await stage.send("POST", "/jobs/chain/tasks", wrong)).code == "TaskDependencyListTooLong"
