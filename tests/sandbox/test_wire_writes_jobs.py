"""Writes of jobs and job schedules with the real client: states, conflicts, limits, side effects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.batch import models
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.sandbox.writable_sandbox import Stage, opened

ON_BUSY = models.BatchPoolInfo(pool_id="busy")
JOB: dict[str, Any] = {"id": "made", "poolInfo": {"poolId": "busy"}}
HOURLY: dict[str, Any] = {
    "id": "hourly",
    "schedule": {"recurrenceInterval": "PT01H00M00S"},
    "jobSpecification": {"poolInfo": {"poolId": "busy"}},
}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with opened() as stage:
        yield stage


def because(reason: str) -> Any:
    """The client does not export its own type."""
    return {"terminateReason": reason}


async def make(stage: Stage, tasks: int = 0, seconds: int = 5000, **more: Any) -> None:
    await stage.client.create_job(models.BatchJobCreateOptions(id="made", pool_info=ON_BUSY, **more))
    for number in range(tasks):
        stage.account.commands.add_task("made", f"t{number}", f"sleep {seconds}")
    stage.wait(20)


async def test_a_job_is_made_as_recorded(stage: Stage) -> None:
    answer = await stage.send(
        "POST", "/jobs", JOB | {"priority": "5", "constraints": {"maxWallClockTime": "P3Y6M4DT12H30M5S"}}
    )
    home = stage.sandbox.endpoints["render"]
    assert (answer.status, answer.body) == (201, None)
    assert answer.headers["Location"] == answer.headers["DataServiceId"] == f"{home}/jobs/job-1"
    told = (await stage.send("GET", "/jobs/made")).body
    assert told["eTag"] == answer.headers["ETag"]
    assert (told["priority"], told["state"], told["onAllTasksComplete"]) == (5, "active", "noaction")
    assert told["constraints"] == {"maxWallClockTime": "P1279DT12H30M5S", "maxTaskRetryCount": 0}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"poolInfo": None}, 400, "MissingRequiredProperty"),
        ({"poolInfo": {}}, 400, "MissingRequiredProperty"),
        ({"priority": 1001}, 400, "OutOfRangePriority"),
        ({"maxParallelTasks": 0}, 400, "InvalidPropertyValue"),
        ({"constraints": {"maxTaskRetryCount": 101}}, 400, "InvalidPropertyValue"),
        ({"onAllTasksComplete": "explode"}, 400, "InvalidPropertyValue"),
        ({"jobReleaseTask": {"commandLine": "x"}}, 400, "InvalidPropertyValue"),
        ({"jobManagerTask": {"id": "m", "commandLine": " "}}, 400, "MissingRequiredProperty"),
        ({"metadata": [{"name": "x"}]}, 400, "InvalidMetadata"),
        ({"id": "taken"}, 409, "JobExists"),
        ({"id": "TAKEN"}, 409, "JobExists"),
        ({"id": "planned"}, 409, "JobScheduleWithSameIdExists"),
        (
            {"poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "job", "pool": {"vmSize": "x"}}}},
            400,
            "InvalidPropertyValue",
        ),
    ],
)
async def test_what_a_new_job_may_not_be(stage: Stage, change: dict[str, Any], status: int, code: str) -> None:
    await stage.send("POST", "/jobs", JOB | {"id": "taken"})
    assert (await stage.send("POST", "/jobschedules", HOURLY | {"id": "planned"})).status == 201
    body = {name: value for name, value in (JOB | change).items() if value is not None}
    answer = await stage.send("POST", "/jobs", body)
    assert (answer.status, answer.code) == (status, code)
    assert "made" not in stage.account.jobs


async def test_patch_keeps_and_put_resets(stage: Stage) -> None:
    await make(stage, priority=7, constraints=models.BatchJobConstraints(max_task_retry_count=5))
    patched = await stage.send(
        "PATCH", "/jobs/made", {"constraints": {"maxWallClockTime": "P1D"}, "metadata": [{"name": "a", "value": "b"}]}
    )
    assert (patched.status, patched.body) == (200, None)
    job = await stage.client.get_job("made")
    assert (job.priority, job.constraints.max_task_retry_count) == (7, 0), "constraints change as a whole"
    assert job.metadata[0].value == "b"
    assert patched.headers["ETag"] == job.etag
    await stage.client.replace_job("made", job)
    same = await stage.client.get_job("made")
    assert (same.priority, same.constraints.max_wall_clock_time) == (7, timedelta(days=1))
    assert (await stage.send("PUT", "/jobs/made", {"poolInfo": {"poolId": "BUSY"}})).status == 200
    job = await stage.client.get_job("made")
    assert (job.priority, job.metadata, job.state) == (0, None, "active")


async def test_automatic_ends_cannot_be_called_off(stage: Stage) -> None:
    await make(stage, 1, all_tasks_complete_mode="terminatejob")
    answer = await stage.send("PATCH", "/jobs/made", {"onAllTasksComplete": "noaction"})
    assert (answer.status, answer.code, answer.values["PropertyName"]) == (
        400,
        "InvalidPropertyValue",
        "onAllTasksComplete",
    )
    assert (await stage.send("PUT", "/jobs/made", {"poolInfo": {"poolId": "busy"}})).status == 400


async def test_moving_a_job_is_for_disabled_ones(stage: Stage) -> None:
    stage.account.commands.resize("empty", 2)
    await make(stage, 6)
    move = models.BatchJobUpdateOptions(pool_info=models.BatchPoolInfo(pool_id="empty"))
    with pytest.raises(HttpResponseError, match="OperationInvalidForCurrentState"):
        await stage.client.update_job("made", move)
    await stage.client.begin_disable_job("made", models.BatchJobDisableOptions(disable_tasks="requeue"))
    stage.wait(300)
    await stage.client.update_job("made", move)
    await stage.client.begin_enable_job("made")
    stage.wait(30)
    job = await stage.client.get_job("made")
    assert (job.state, job.execution_info.pool_id) == ("active", "empty")
    counts = (await stage.client.get_job_task_counts("made")).task_counts
    assert (counts.running, counts.active) == (2, 4)
    assert all(not node.running for node in stage.account.pools["busy"].nodes.values())


@pytest.mark.parametrize(
    ("option", "active", "running", "failed"), [("requeue", 4, 0, 0), ("terminate", 0, 0, 4), ("wait", 0, 4, 0)]
)
async def test_disabling_with_each_option(stage: Stage, option: str, active: int, running: int, failed: int) -> None:
    await make(stage, 4, seconds=100)
    poller = await stage.client.begin_disable_job(
        "made", models.BatchJobDisableOptions(disable_tasks=option), polling_interval=0
    )
    assert (await stage.client.get_job("made")).state == "disabling"
    stage.wait(10)
    counts = (await stage.client.get_job_task_counts("made")).task_counts
    assert (counts.active, counts.running, counts.failed) == (active, running, failed)
    assert (await stage.client.get_job("made")).state == ("disabling" if running else "disabled")
    stage.wait(100)
    await poller.result()
    assert (await stage.client.get_job("made")).state == "disabled"
    again = await stage.send("POST", "/jobs/made/disable", {"disableTasks": option})
    assert again.status == 202
    assert (await stage.client.get_job("made")).state == "disabled"


async def test_terminate_and_delete(stage: Stage) -> None:
    await make(stage, 2)
    await stage.client.begin_terminate_job("made", because("enough"))
    with pytest.raises(HttpResponseError, match="JobBeingTerminated"):
        await stage.client.update_job("made", models.BatchJobUpdateOptions(priority=3))
    stage.wait(10)
    job = await stage.client.get_job("made")
    assert (job.state, job.execution_info.termination_reason) == ("completed", "enough")
    for verb, body in (("terminate", None), ("enable", None), ("disable", {"disableTasks": "wait"})):
        answer = await stage.send("POST", f"/jobs/made/{verb}", body)
        assert (answer.status, answer.code) == (409, "JobCompleted")
    poller = await stage.client.begin_delete_job("made", polling_interval=0)
    assert (await stage.client.get_job("made")).state == "deleting"
    for method, path, body in (("DELETE", "/jobs/made", None), ("POST", "/jobs", JOB)):
        answer = await stage.send(method, path, body)
        assert (answer.status, answer.code) == (409, "JobBeingDeleted")
    stage.wait(20)
    await poller.result()
    with pytest.raises(ResourceNotFoundError, match="JobNotFound"):
        await stage.client.get_job("made")


async def test_a_later_limit_counts(stage: Stage) -> None:
    await make(stage, 1, constraints=models.BatchJobConstraints(max_wall_clock_time=timedelta(minutes=10)))
    longer = models.BatchJobConstraints(max_wall_clock_time=timedelta(minutes=30))
    await stage.client.update_job("made", models.BatchJobUpdateOptions(constraints=longer))
    stage.wait(900)
    assert (await stage.client.get_job("made")).state == "active"
    stage.wait(900)
    job = await stage.client.get_job("made")
    assert (job.state, job.execution_info.termination_reason) == ("completed", "MaxWallClockTimeExpiry")


GUARDED = [
    ("DELETE", "/jobs/made", None),
    ("PATCH", "/jobs/made", {}),
    ("PUT", "/jobs/made", {"poolInfo": {"poolId": "busy"}}),
    ("POST", "/jobs/made/disable", {"disableTasks": "wait"}),
    ("POST", "/jobs/made/enable", None),
    ("POST", "/jobs/made/terminate", None),
    ("DELETE", "/jobschedules/hourly", None),
    ("PATCH", "/jobschedules/hourly", {}),
    ("PUT", "/jobschedules/hourly", {"schedule": {}, "jobSpecification": {"poolInfo": {"poolId": "busy"}}}),
    ("POST", "/jobschedules/hourly/disable", None),
    ("POST", "/jobschedules/hourly/enable", None),
    ("POST", "/jobschedules/hourly/terminate", None),
    ("DELETE", "/jobs/made/tasks/t0", None),
    ("PUT", "/jobs/made/tasks/t0", {}),
    ("POST", "/jobs/made/tasks/t0/terminate", None),
    ("POST", "/jobs/made/tasks/t0/reactivate", None),
]


@pytest.mark.parametrize(("method", "path", "body"), GUARDED, ids=[f"{m} {p}" for m, p, _ in GUARDED])
async def test_writes_that_take_conditions(stage: Stage, method: str, path: str, body: dict[str, Any] | None) -> None:
    await make(stage, 1)
    assert (await stage.send("POST", "/jobschedules", HOURLY)).status == 201
    for condition in (
        {"If_Match": "0x8D0000000000000"},
        {"If_None_Match": "*"},
        {"If_Unmodified_Since": "Mon, 02 Nov 2020 12:00:00 GMT"},
    ):
        answer = await stage.send(method, path, body, **condition)
        assert (answer.status, answer.code) == (412, "ConditionNotMet")
    if not path.endswith("reactivate"):
        assert (await stage.send(method, path, body, If_Match="*")).status < 300


async def test_the_quota_counts_schedules_too(stage: Stage) -> None:
    stage.account.facts.job_quota = 1
    assert (await stage.send("POST", "/jobschedules", HOURLY)).status == 201
    with pytest.raises(HttpResponseError, match="ActiveJobAndScheduleQuotaReached"):
        await make(stage)


async def test_a_job_whose_pool_cannot_be_made(stage: Stage) -> None:
    stage.account.facts.pool_quota = 2
    auto = models.BatchAutoPoolSpecification(pool_lifetime_option="job")
    await stage.client.create_job(
        models.BatchJobCreateOptions(id="made", pool_info=models.BatchPoolInfo(auto_pool_specification=auto))
    )
    stage.wait(30)
    job = await stage.client.get_job("made")
    assert job.state == "completed"
    assert job.execution_info.scheduling_error.code == "AutoPoolCreationFailedWithQuotaReached"


# --- schedules --------------------------------------------------------------------------------------------------------


async def test_a_schedule_lives(stage: Stage) -> None:
    client = stage.client
    schedule = models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(hours=1))
    spec = models.BatchJobSpecification(pool_info=ON_BUSY, all_tasks_complete_mode="terminatejob")
    await client.create_job_schedule(
        models.BatchJobScheduleCreateOptions(id="hourly", schedule=schedule, job_specification=spec)
    )
    stage.wait(1)
    seen = await client.get_job_schedule("hourly")
    assert (seen.state, seen.execution_info.recent_job.id) == ("active", "hourly:job-1")
    assert seen.execution_info.next_run_time == stage.now - timedelta(seconds=1) + timedelta(hours=1)
    await client.disable_job_schedule("hourly")
    stage.wait(7200)
    assert len([job async for job in client.list_jobs_from_schedule("hourly")]) == 1
    assert (await client.get_job_schedule("hourly")).state == "disabled"
    job = await client.get_job("hourly:job-1")
    assert (job.state, job.execution_info.termination_reason) == ("completed", "AllTasksComplete")
    assert (await stage.send("POST", "/jobschedules/hourly/disable")).code == "JobScheduleDisabled"
    await client.enable_job_schedule("hourly")
    stage.wait(60)
    assert len([job async for job in client.list_jobs_from_schedule("hourly")]) == 2
    stage.account.commands.add_job("other", stage.account.schedules["hourly"].body.job_specification)
    poller = await client.begin_delete_job_schedule("hourly", polling_interval=0)
    assert (await client.get_job_schedule("hourly")).state == "deleting"
    stage.wait(30)
    await poller.result()
    assert [job.id async for job in client.list_jobs()] == ["other"], "its jobs go with it"


async def test_changes_of_a_schedule_reach_later_jobs(stage: Stage) -> None:
    assert (await stage.send("POST", "/jobschedules", HOURLY)).status == 201
    stage.wait(1)
    client = stage.client
    guard = {"etag": (await client.get_job_schedule("hourly")).etag, "match_condition": MatchConditions.IfNotModified}
    quicker = models.BatchJobScheduleConfiguration(recurrence_interval=timedelta(minutes=10))
    await client.update_job_schedule("hourly", models.BatchJobScheduleUpdateOptions(schedule=quicker), **guard)
    with pytest.raises(HttpResponseError, match="ConditionNotMet"):
        await client.update_job_schedule("hourly", models.BatchJobScheduleUpdateOptions(schedule=quicker), **guard)
    assert (await client.get_job_schedule("hourly")).execution_info.next_run_time == stage.now + timedelta(minutes=10)
    spec = HOURLY["jobSpecification"] | {"priority": 9}
    assert (await stage.send("PATCH", "/jobschedules/hourly", {"jobSpecification": spec})).status == 200
    await client.begin_terminate_job("hourly:job-1", because("x"))
    stage.wait(660)
    assert (await client.get_job("hourly:job-1")).priority == 0
    assert (await client.get_job("hourly:job-2")).priority == 9
    ends = {
        "schedule": {"recurrenceInterval": "PT10M", "doNotRunAfter": (stage.now + timedelta(minutes=5)).isoformat()}
    }
    assert (await stage.send("PATCH", "/jobschedules/hourly", ends)).status == 200
    await client.begin_terminate_job("hourly:job-2", because("x"))
    stage.wait(1200)
    seen = await client.get_job_schedule("hourly")
    assert (seen.state, seen.execution_info.recent_job.id) == ("completed", "hourly:job-2")
    assert (await stage.send("PATCH", "/jobschedules/hourly", ends)).code == "JobScheduleCompleted"


async def test_terminating_a_schedule_ends_its_job(stage: Stage) -> None:
    assert (await stage.send("POST", "/jobschedules", HOURLY)).status == 201
    stage.wait(1)
    await stage.client.begin_terminate_job_schedule("hourly")
    assert (await stage.send("POST", "/jobschedules/hourly/enable")).code == "JobScheduleBeingTerminated"
    stage.wait(20)
    assert (await stage.client.get_job_schedule("hourly")).state == "completed"
    assert (await stage.client.get_job("hourly:job-1")).execution_info.termination_reason == "TerminateJobSchedule"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"schedule": None}, 400, "MissingRequiredProperty"),
        ({"jobSpecification": {}}, 400, "MissingRequiredProperty"),
        ({"schedule": {"recurrenceInterval": "PT30S"}}, 400, "InvalidPropertyValue"),
        ({"schedule": {"doNotRunUntil": "tomorrow"}}, 400, "InvalidRequestBody"),
        ({"jobSpecification": {"priority": 5000, "poolInfo": {"poolId": "x"}}}, 400, "OutOfRangePriority"),
        ({"id": "taken"}, 409, "JobScheduleExists"),
        ({"id": "made"}, 409, "JobWithSameIdExists"),
    ],
)
async def test_what_a_schedule_may_not_be(stage: Stage, change: dict[str, Any], status: int, code: str) -> None:
    await make(stage)
    await stage.send("POST", "/jobschedules", HOURLY | {"id": "taken"})
    body = {name: value for name, value in (HOURLY | change).items() if value is not None}
    answer = await stage.send("POST", "/jobschedules", body)
    assert (answer.status, answer.code) == (status, code)
