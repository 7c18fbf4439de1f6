"""Writes of pools, with the real client and with plain requests where the client cannot send what has to be refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.batch import models
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from bot.sandbox.entity_specs import JobSpecification
from bot.sandbox.world.applications import Package, application
from bot.sandbox.world.scenarios.parts import on
from tests.sandbox.writable_sandbox import MACHINES, POOL, Stage, opened

QUARTER = "$TargetDedicatedNodes = 2;"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with opened() as stage:
        yield stage


def asked(**more: Any) -> models.BatchPoolCreateOptions:
    image = models.BatchVmImageReference(**MACHINES["imageReference"])
    machines = models.VirtualMachineConfiguration(image_reference=image, node_agent_sku_id=MACHINES["nodeAgentSKUId"])
    return models.BatchPoolCreateOptions(
        id="made", vm_size="STANDARD_D2S_V3", virtual_machine_configuration=machines, **more
    )


async def test_a_pool_is_made_sized_and_deleted(stage: Stage) -> None:
    start = models.BatchStartTask(command_line="/bin/true", max_task_retry_count=1)
    await stage.client.create_pool(
        asked(target_dedicated_nodes=2, start_task=start, resize_timeout=timedelta(minutes=20))
    )
    pool = await stage.client.get_pool("MADE")
    assert (pool.allocation_state, pool.vm_size, pool.target_dedicated_nodes) == ("resizing", "standard_d2s_v3", 2)
    assert pool.resize_timeout == timedelta(minutes=20)
    assert pool.start_task.wait_for_success is True
    assert pool.task_scheduling_policy.node_fill_type == "Spread"
    stage.wait(600)
    nodes = [node async for node in stage.client.list_nodes("made")]
    assert [node.state for node in nodes] == ["idle", "idle"]
    poller = await stage.client.begin_delete_pool("made", polling_interval=0)
    assert (await stage.client.get_pool("made")).state == "deleting"
    with pytest.raises(HttpResponseError, match="PoolBeingDeleted"):
        await stage.client.create_pool(asked())
    stage.wait(600)
    await poller.result()
    with pytest.raises(ResourceNotFoundError, match="PoolNotFound"):
        await stage.client.get_pool("made")


async def test_creation_answers_as_recorded(stage: Stage) -> None:
    answer = await stage.send(
        "POST",
        "/pools",
        POOL | {"targetDedicatedNodes": "2"},
        content="application/json; odata=minimalmetadata; charset=utf-8",
    )
    home = stage.sandbox.endpoints["render"]
    pool = stage.account.pools["made"].body
    assert (answer.status, answer.body, pool.target_dedicated_nodes) == (201, None, 2)
    assert answer.headers["Location"] == answer.headers["DataServiceId"] == f"{home}/pools/made"
    assert answer.headers["ETag"] == pool.etag
    assert answer.headers["Last-Modified"] == "Tue, 24 Nov 2026 09:00:00 GMT"
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    ("change", "status", "code", "values"),
    [
        ({"id": None}, 400, "MissingRequiredProperty", {"PropertyName": "id"}),
        ({"vmSize": None}, 400, "MissingRequiredProperty", {"PropertyName": "vmSize"}),
        ({"virtualMachineConfiguration": None}, 400, "MissingRequiredProperty", {}),
        ({"id": "a b"}, 400, "InvalidPropertyValue", {"PropertyName": "id", "PropertyValue": "a b"}),
        ({"id": "x" * 65}, 400, "InvalidPropertyValue", {"PropertyName": "id"}),
        ({"vmSize": "thisisinvalid"}, 400, "InvalidPropertyValue", {"PropertyValue": "thisisinvalid"}),
        ({"targetDedicatedNodes": -1}, 400, "InvalidPropertyValue", {"PropertyName": "targetDedicatedNodes"}),
        ({"targetDedicatedNodes": "many"}, 400, "InvalidRequestBody", {}),
        ({"resizeTimeout": "PT4M"}, 400, "InvalidPropertyValue", {"PropertyName": "resizeTimeout"}),
        ({"resizeTimeout": "15m"}, 400, "InvalidRequestBody", {}),
        ({"taskSlotsPerNode": 9}, 400, "InvalidPropertyValue", {"PropertyName": "taskSlotsPerNode"}),
        (
            {"taskSchedulingPolicy": {"nodeFillType": "heap"}},
            400,
            "InvalidPropertyValue",
            {"PropertyName": "nodeFillType"},
        ),
        ({"colour": "red"}, 400, "InvalidRequestBody", {}),
        ({"startTask": {"commandLine": "x", "speed": 1}}, 400, "InvalidRequestBody", {}),
        ({"startTask": {}}, 400, "MissingRequiredProperty", {"PropertyName": "commandLine"}),
        ({"metadata": [{"name": "", "value": "x"}]}, 400, "EmptyMetadataKey", {}),
        ({"enableAutoScale": True}, 400, "MissingRequiredProperty", {"PropertyName": "autoScaleFormula"}),
        ({"autoScaleFormula": "x"}, 400, "InvalidAutoScalingSettings", {"PropertyName": "autoScaleFormula"}),
        (
            {"enableAutoScale": True, "autoScaleFormula": QUARTER, "targetDedicatedNodes": 1},
            400,
            "InvalidAutoScalingSettings",
            {"PropertyName": "targetDedicatedNodes"},
        ),
        ({"id": "BUSY"}, 409, "PoolExists", {}),
        (
            {"applicationPackageReferences": [{"applicationId": "does-not-exist"}]},
            409,
            "InvalidApplicationPackageReferences",
            {"does-not-exist": "The specified application package does not exist."},
        ),
        (
            {"networkConfiguration": {"subnetId": "/subscriptions/other/x"}},
            400,
            "InvalidPropertyValue",
            {"PropertyName": "subnetId"},
        ),
    ],
)
async def test_what_a_new_pool_may_not_be(
    stage: Stage, change: dict[str, Any], status: int, code: str, values: dict[str, str]
) -> None:
    body = {name: value for name, value in (POOL | change).items() if value is not None}
    answer = await stage.send("POST", "/pools", body)
    assert (answer.status, answer.code) == (status, code)
    assert values.items() <= answer.values.items()
    assert list(stage.account.pools) == ["busy", "empty"]


async def test_an_unknown_image_is_refused_as_recorded(stage: Stage) -> None:
    machines = {
        "imageReference": {"publisher": "a", "offer": "b", "sku": "c"},
        "nodeAgentSKUId": "batch.node.windows amd64",
    }
    answer = await stage.send("POST", "/pools", POOL | {"virtualMachineConfiguration": machines})
    assert answer.code == "InvalidPropertyValue"
    assert answer.values == {
        "PropertyName": "imageReference",
        "Reason": "The specified imageReference with publisher a offer b sku c is not supported.",
    }


async def test_secrets_are_taken_and_never_answered(stage: Stage) -> None:
    secret = "not-a-true-secret"
    share = {"accountName": "a", "accountKey": secret, "azureFileUrl": "https://a/b", "relativeMountPath": "b"}
    body = POOL | {
        "userAccounts": [
            {"name": "joe", "password": secret, "linuxUserConfiguration": {"sshPrivateKey": secret, "uid": 7}}
        ],
        "mountConfiguration": [{"azureFileShareConfiguration": share}],
    }
    assert (await stage.send("POST", "/pools", body)).status == 201
    told = (await stage.send("GET", "/pools/made")).body
    assert told["userAccounts"] == [{"name": "joe", "linuxUserConfiguration": {"uid": 7}}]
    assert secret not in repr(told)


async def test_the_quota_of_pools_holds(stage: Stage) -> None:
    stage.account.facts.pool_quota = 2
    with pytest.raises(HttpResponseError, match="PoolQuotaReached"):
        await stage.client.create_pool(asked())


async def test_two_at_once_the_second_is_told(stage: Stage) -> None:
    before = await stage.client.get_pool("busy")
    guard = {"etag": before.etag, "match_condition": MatchConditions.IfNotModified}
    changes = models.BatchPoolUpdateOptions(metadata=[models.BatchMetadataItem(name="a", value="b")])
    await stage.client.update_pool("busy", changes, **guard)
    with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
        await stage.client.update_pool("busy", changes, **guard)
    assert (await stage.client.get_pool("busy")).etag != before.etag


GUARDED = [
    ("DELETE", "/pools/busy", None, True),
    ("PATCH", "/pools/busy", {}, True),
    ("POST", "/pools/busy/resize", {"targetDedicatedNodes": 1}, True),
    ("POST", "/pools/busy/stopresize", None, True),
    ("POST", "/pools/busy/removenodes", {"nodeList": ["{node}"]}, True),
    ("POST", "/pools/busy/enableautoscale", {"autoScaleFormula": QUARTER}, True),
    ("POST", "/pools/busy/disableautoscale", None, False),
    ("POST", "/pools/busy/updateproperties", {"metadata": [], "applicationPackageReferences": []}, False),
]


@pytest.mark.parametrize(("method", "path", "body", "guarded"), GUARDED, ids=[f"{m} {p}" for m, p, *_ in GUARDED])
async def test_which_writes_take_conditions(
    stage: Stage, method: str, path: str, body: dict[str, Any] | None, guarded: bool
) -> None:
    if body and "nodeList" in body:
        body = {"nodeList": [next(iter(stage.account.pools["busy"].nodes))]}
    answer = await stage.send(method, path, body, If_Match="0x8D0000000000000")
    assert (answer.status == 412) is guarded
    if guarded:
        assert answer.code == "ConditionNotMet"
    assert (await stage.send(method, path, body, If_Match="*")).status != 412


async def test_patch_keeps_and_updateproperties_removes(stage: Stage) -> None:
    client = stage.client
    start = models.BatchStartTask(command_line="/bin/true")
    await client.update_pool("busy", models.BatchPoolUpdateOptions(start_task=start))
    item = models.BatchMetadataItem(name="a", value="b")
    await client.update_pool("busy", models.BatchPoolUpdateOptions(metadata=[item]))
    pool = await client.get_pool("busy")
    assert (pool.start_task.command_line, pool.metadata[0].name) == ("/bin/true", "a")
    await client.replace_pool_properties(
        "busy", models.BatchPoolReplaceOptions(application_package_references=[], metadata=[])
    )
    pool = await client.get_pool("busy")
    assert (pool.start_task, pool.metadata) == (None, None)
    older = await stage.send(
        "POST",
        "/pools/busy/updateproperties",
        {"metadata": [], "applicationPackageReferences": [], "certificateReferences": []},
        version="2024-07-01.20.0",
    )
    assert (older.status, older.body) == (204, None)
    assert (
        await stage.send("POST", "/pools/busy/updateproperties", {"metadata": []})
    ).code == "MissingRequiredProperty"


async def test_what_only_an_empty_pool_may_change(stage: Stage) -> None:
    bigger = models.BatchPoolUpdateOptions(vm_size="Standard_D4s_v3", task_slots_per_node=8)
    with pytest.raises(HttpResponseError, match="OperationInvalidForCurrentState") as caught:
        await stage.client.update_pool("busy", bigger)
    assert caught.value.status_code == 409
    await stage.client.update_pool("empty", bigger)
    await stage.client.begin_resize_pool("empty", models.BatchPoolResizeOptions(target_dedicated_nodes=1))
    stage.wait(600)
    [node] = [node async for node in stage.client.list_nodes("empty")]
    assert node.vm_size == "standard_d4s_v3"
    assert stage.account.cores[True] == 4 * 2 + 4
    for number in range(9):
        stage.account.commands.add_job(f"job{number}", JobSpecification(pool_info=on("empty")))
        stage.account.commands.add_task(f"job{number}", "t", "sleep 1000")
    stage.wait(20)
    [node] = [node async for node in stage.client.list_nodes("empty")]
    assert node.running_task_slots_count == 8


async def test_resize_stop_and_their_conflicts(stage: Stage) -> None:
    resize = models.BatchPoolResizeOptions(target_dedicated_nodes=9)
    poller = await stage.client.begin_resize_pool("busy", resize, polling_interval=0)
    with pytest.raises(HttpResponseError, match="PoolBeingResized"):
        await stage.client.begin_resize_pool("busy", resize)
    node = next(iter(stage.account.pools["busy"].nodes))
    with pytest.raises(HttpResponseError, match="PoolBeingResized"):
        await stage.client.begin_remove_nodes("busy", models.BatchNodeRemoveOptions(node_ids=[node]))
    stage.wait(14)
    await stage.client.begin_stop_pool_resize("busy")
    assert (await stage.client.get_pool("busy")).allocation_state == "stopping"
    stage.wait(15)
    pool = await stage.client.get_pool("busy")
    assert (pool.allocation_state, pool.resize_errors[0].code) == ("steady", "ResizeStopped")
    assert 4 <= pool.current_dedicated_nodes < 9
    await poller.result()
    with pytest.raises(HttpResponseError, match="OperationInvalidForCurrentState"):
        await stage.client.begin_stop_pool_resize("busy")
    for body, code in (
        ({}, "MissingRequiredProperty"),
        ({"targetDedicatedNodes": 1, "resizeTimeout": "PT1M"}, "InvalidPropertyValue"),
    ):
        assert (await stage.send("POST", "/pools/busy/resize", body)).code == code


async def test_nodes_are_removed_and_their_tasks_requeued(stage: Stage) -> None:
    stage.account.commands.add_job("job", JobSpecification(pool_info=on("busy")))
    for number in range(4):
        stage.account.commands.add_task("job", f"t{number}", "sleep 5000")
    stage.wait(30)
    [first, second, *_] = stage.account.pools["busy"].ordered()
    await stage.client.begin_remove_nodes("busy", models.BatchNodeRemoveOptions(node_ids=[first.id, second.id]))
    pool = await stage.client.get_pool("busy")
    assert (pool.allocation_state, pool.target_dedicated_nodes) == ("resizing", 2)
    counts = (await stage.client.get_job_task_counts("job")).task_counts
    assert (counts.active, counts.running) == (2, 2)
    stage.wait(300)
    pool = await stage.client.get_pool("busy")
    assert (pool.allocation_state, pool.current_dedicated_nodes) == ("steady", 2)
    many = {"nodeList": [f"n{number}" for number in range(101)]}
    assert (await stage.send("POST", "/pools/busy/removenodes", many)).code == "InvalidPropertyValue"
    assert (await stage.send("POST", "/pools/busy/removenodes", {"nodeList": ["nope"]})).code == "NodeNotFound"


def tried(formula: str) -> models.BatchPoolEvaluateAutoScaleOptions:
    return models.BatchPoolEvaluateAutoScaleOptions(auto_scale_formula=formula)


def scaled(formula: str, minutes: int | None = None) -> models.BatchPoolEnableAutoScaleOptions:
    interval = timedelta(minutes=minutes) if minutes else None
    return models.BatchPoolEnableAutoScaleOptions(auto_scale_formula=formula, auto_scale_evaluation_interval=interval)


async def test_autoscale_on_and_off(stage: Stage) -> None:
    client = stage.client
    with pytest.raises(HttpResponseError, match="AutoScalingFormulaSyntaxError"):
        await client.enable_pool_auto_scale("busy", scaled("$Oops ="))
    await client.enable_pool_auto_scale("busy", scaled(QUARTER, 6))
    pool = await client.get_pool("busy")
    assert (pool.enable_auto_scale, pool.target_dedicated_nodes) == (True, 2)
    results = "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue"
    assert pool.auto_scale_run.results == results
    longer = {"autoScaleEvaluationInterval": "PT01H00M00S"}
    again = await stage.send("POST", "/pools/busy/enableautoscale", longer)
    assert (again.status, again.code) == (503, "TooManyEnableAutoScaleRequests")
    with pytest.raises(HttpResponseError, match="AutoScale enabled"):
        await client.begin_resize_pool("busy", models.BatchPoolResizeOptions(target_dedicated_nodes=3))
    with pytest.raises(HttpResponseError, match="AutoScale resize cannot be stopped"):
        await client.begin_stop_pool_resize("busy")
    stage.wait(31)
    assert (await stage.send("POST", "/pools/busy/enableautoscale", longer)).status == 200
    assert (await client.get_pool("busy")).auto_scale_evaluation_interval == timedelta(hours=1)
    await client.disable_pool_auto_scale("busy")
    pool = await client.get_pool("busy")
    assert (pool.enable_auto_scale, pool.auto_scale_formula, pool.target_dedicated_nodes) == (False, None, 2)


async def test_formulas_are_tried_out(stage: Stage) -> None:
    client = stage.client
    with pytest.raises(HttpResponseError, match="OperationInvalidForCurrentState"):
        await client.evaluate_pool_auto_scale("busy", tried(QUARTER))
    await client.enable_pool_auto_scale("busy", scaled(QUARTER))
    run = await client.evaluate_pool_auto_scale("busy", tried("$TargetLowPriorityNodes=3"))
    assert run.timestamp == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert run.results == "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=3;$NodeDeallocationOption=requeue"
    assert run.error is None
    wrong = await client.evaluate_pool_auto_scale("busy", tried("$X = nope(1)"))
    assert wrong.error.code == "AutoScalingFormulaEvaluationError"
    assert (await client.get_pool("busy")).target_low_priority_nodes == 0
    with pytest.raises(HttpResponseError, match="AutoScalingFormulaTooLong"):
        await client.evaluate_pool_auto_scale("busy", tried("x" * 9000))


async def test_packages_are_named_by_their_id_or_resource(stage: Stage) -> None:
    now = stage.now
    packages = Package(version="1.0", modified=now, activated=now), Package(version="2.0", modified=now)
    stage.account.applications["renderer"] = application("renderer", now, *packages)
    group = f"/subscriptions/{stage.account.facts.subscription}/resourceGroups/batch-rg"
    whole = f"{group}/providers/Microsoft.Batch/batchAccounts/render/applications/renderer"
    for name in ("Renderer", whole):
        body = {"applicationPackageReferences": [{"applicationId": name, "version": "1.0"}]}
        assert (await stage.send("PATCH", "/pools/busy", body)).status == 200
    pending = {"applicationPackageReferences": [{"applicationId": "renderer", "version": "2.0"}]}
    answer = await stage.send("PATCH", "/pools/busy", pending)
    assert (answer.status, answer.code) == (409, "InvalidApplicationPackageReferences")


@pytest.mark.parametrize(
    ("body", "content", "status", "code"),
    [
        ("{", "application/json", 400, "InvalidRequestBody"),
        ("[]", "application/json", 400, "InvalidRequestBody"),
        ("{}", "text/plain", 400, "InvalidHeaderValue"),
        ('{"id": "' + "x" * 1_048_570 + '"}', "application/json", 413, "RequestBodyTooLarge"),
        ("", "application/json", 400, "InvalidRequestBody"),
    ],
)
async def test_bodies_that_cannot_be_read(stage: Stage, body: str, content: str, status: int, code: str) -> None:
    answer = await stage.send("POST", "/pools", body, content=content)
    assert (answer.status, answer.code) == (status, code)


async def test_a_taken_name_is_an_error_of_its_own(stage: Stage) -> None:
    await stage.client.create_pool(asked())
    with pytest.raises(ResourceExistsError, match="PoolExists"):
        await stage.client.create_pool(asked())
