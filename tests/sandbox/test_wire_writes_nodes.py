"""Writes of nodes: power, scheduling, users, logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from bot.sandbox.entity_specs import JobSpecification
from bot.sandbox.world import LiveNode, node_users
from bot.sandbox.world.scenarios.parts import on
from tests.sandbox.writable_sandbox import Stage, opened


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with opened() as stage:
        yield stage


def first(stage: Stage) -> LiveNode:
    return stage.account.pools["busy"].ordered()[0]


def load(stage: Stage, seconds: int) -> None:
    """A task on every node."""
    stage.account.commands.add_job("job", JobSpecification(pool_info=on("busy")))
    for number in range(4):
        stage.account.commands.add_task("job", f"t{number}", f"sleep {seconds}")
    stage.wait(20)


async def test_reboot_requeues_and_boots(stage: Stage) -> None:
    load(stage, 5000)
    node = first(stage)
    options: Any = {"nodeRebootOption": "requeue"}
    await stage.client.begin_reboot_node("busy", node.id, options)
    assert (await stage.client.get_node("busy", node.id)).state == "rebooting"
    assert (await stage.client.get_job_task_counts("job")).task_counts.active == 1
    with pytest.raises(HttpResponseError, match="NodeBeingRebooted"):
        await stage.client.begin_reboot_node("busy", node.id, options)
    stage.wait(300)
    again = await stage.client.get_node("busy", node.id)
    assert again.state == "running"
    assert again.last_boot_time > stage.now - timedelta(minutes=5)


async def test_a_patient_reboot_waits_for_the_tasks(stage: Stage) -> None:
    load(stage, 100)
    node = first(stage)
    stage.account.commands.add_task("job", "later", "sleep 50")
    answer = await stage.send("POST", f"/pools/busy/nodes/{node.id}/reboot", {"nodeRebootOption": "TaskCompletion"})
    assert answer.status == 202
    assert (await stage.client.get_node("busy", node.id)).state == "running"
    stage.wait(100)
    assert (await stage.client.get_node("busy", node.id)).state == "rebooting"
    task = await stage.client.get_task("job", "later")
    assert task.node_info.node_id != node.id, "it takes no new task meanwhile"
    assert task.execution_info.requeue_count == 0


async def test_no_body_is_needed(stage: Stage) -> None:
    where = f"/pools/busy/nodes/{first(stage).id}"
    assert (await stage.send("POST", f"{where}/disablescheduling")).status == 200
    assert (await stage.send("POST", f"{where}/enablescheduling")).status == 200
    answer = await stage.send("POST", f"{where}/reboot", "{}")
    assert (answer.status, answer.body) == (202, None)
    assert answer.headers["DataServiceId"] == f"{stage.sandbox.endpoints['render']}{where}/reboot"
    assert "ETag" not in answer.headers


async def test_reimage_is_refused_as_recorded(stage: Stage) -> None:
    options: Any = {"nodeReimageOption": "terminate"}
    answer = await stage.send("POST", f"/pools/busy/nodes/{first(stage).id}/reimage", options)
    assert (answer.status, answer.code) == (409, "OperationNotValidOnNode")
    reason = "Operation reimage can be invoked only on pools created with cloudServiceConfiguration "
    assert answer.values == {"Reason": reason}
    assert first(stage).state == "idle"


async def test_deallocate_and_start(stage: Stage) -> None:
    node = first(stage)
    options: Any = {"nodeDeallocateOption": "terminate"}
    with pytest.raises(HttpResponseError, match="OperationInvalidForCurrentState"):
        await stage.client.begin_start_node("busy", node.id)
    poller = await stage.client.begin_deallocate_node("busy", node.id, options, polling_interval=0)
    assert (await stage.client.get_node("busy", node.id)).state == "deallocating"
    stage.wait(300)
    await poller.result()
    assert (await stage.client.get_node("busy", node.id)).state == "deallocated"
    await stage.client.begin_start_node("busy", node.id)
    with pytest.raises(HttpResponseError, match="NodeBeingStarted"):
        await stage.client.begin_start_node("busy", node.id)
    stage.wait(300)
    assert (await stage.client.get_node("busy", node.id)).state == "idle"


async def test_scheduling_off_and_on(stage: Stage) -> None:
    load(stage, 100)
    node, client = first(stage), stage.client
    options = models.BatchNodeDisableSchedulingOptions(node_disable_scheduling_option="taskcompletion")
    await client.disable_node_scheduling("busy", node.id, options)
    seen = await client.get_node("busy", node.id)
    assert (seen.state, seen.scheduling_state) == ("running", "disabled")
    with pytest.raises(HttpResponseError, match="NodeAlreadyInTargetSchedulingState"):
        await client.disable_node_scheduling("busy", node.id, options)
    stage.wait(120)
    assert (await client.get_node("busy", node.id)).state == "offline"
    await client.enable_node_scheduling("busy", node.id)
    assert (await client.get_node("busy", node.id)).state == "idle"
    with pytest.raises(HttpResponseError, match="NodeAlreadyInTargetSchedulingState"):
        await client.enable_node_scheduling("busy", node.id)
    stage.account.inject.break_nodes("busy")
    broken = next(node for node in stage.account.pools["busy"].ordered() if node.state == "unusable")
    with pytest.raises(HttpResponseError, match="NodeStateUnusable"):
        await client.disable_node_scheduling("busy", broken.id, options)


async def test_users_come_last_a_day_and_go(stage: Stage) -> None:
    node, client = first(stage), stage.client
    made = models.BatchNodeUserCreateOptions(name="joe", password="not-a-true-secret", is_admin=True)
    await client.create_node_user("busy", node.id, made)
    [user] = node_users.users(node, stage.now)
    assert (user.name, user.is_admin, user.expires) == ("joe", True, stage.now + timedelta(days=1))
    with pytest.raises(HttpResponseError, match="NodeUserExists"):
        await client.create_node_user("busy", node.id, made)
    later = stage.now + timedelta(days=3)
    changed = models.BatchNodeUserReplaceOptions(ssh_public_key="ssh-rsa AAAA", expiry_time=later)
    await client.replace_node_user("busy", node.id, "JOE", changed)
    assert node_users.users(node, stage.now)[0].expires == later
    with pytest.raises(ResourceNotFoundError, match="NodeUserNotFound"):
        await client.replace_node_user("busy", node.id, "ann", changed)
    await client.delete_node_user("busy", node.id, "joe")
    with pytest.raises(ResourceNotFoundError, match="NodeUserNotFound"):
        await client.delete_node_user("busy", node.id, "joe")
    await client.create_node_user("busy", node.id, made)
    stage.wait(86_401)
    assert node_users.users(node, stage.now) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "joe"}, "MissingRequiredProperty"),
        ({"password": "x"}, "MissingRequiredProperty"),
        ({"name": "x" * 21, "password": "x"}, "InvalidPropertyValue"),
        ({"name": "joe", "password": "x", "expiryTime": "2020-01-01T00:00:00Z"}, "InvalidPropertyValue"),
        ({"name": "joe", "password": "x", "sshPublicKey": "y"}, "InvalidPropertyValue"),
        ({"name": "joe", "password": "x", "expiryTime": "soon"}, "InvalidRequestBody"),
    ],
)
async def test_what_a_user_may_not_be(stage: Stage, body: dict[str, Any], code: str) -> None:
    answer = await stage.send("POST", f"/pools/busy/nodes/{first(stage).id}/users", body)
    assert (answer.status, answer.code) == (400, code)


async def test_logs_are_uploaded(stage: Stage) -> None:
    node = first(stage)
    options = models.UploadBatchServiceLogsOptions(
        container_url="https://logs.blob.core.windows.net/logs?sig=x", start_time=stage.now - timedelta(hours=2)
    )
    result = await stage.client.upload_node_logs("busy", node.id, options)
    assert result.number_of_files_uploaded >= 4
    assert result.virtual_directory_name.startswith("render-")
    assert f"/busy/{node.id}/" in result.virtual_directory_name
    stage.account.inject.break_nodes("busy", 4)
    with pytest.raises(HttpResponseError, match="TVMCurrentOperationUnsupported") as caught:
        await stage.client.upload_node_logs("busy", node.id, options)
    assert caught.value.status_code == 403


async def test_strangers_are_not_found(stage: Stage) -> None:
    assert (await stage.send("POST", "/pools/busy/nodes/nope/reboot")).code == "NodeNotFound"
    assert (await stage.send("POST", "/pools/nope/nodes/nope/reboot")).code == "PoolNotFound"
    answer = await stage.send("PUT", "/pools/busy")
    assert (answer.status, answer.code) == (405, "UnsupportedHttpVerb")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH"
