"""Applications, images, certificates, subtasks, preparations and logins, read with Microsoft's clients and without."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.batch.aio import BatchManagementClient
from cryptography import x509

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import BATCH, MANAGEMENT
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from tests.sandbox import still_world
from tests.sandbox.conformance import conformance
from tests.sandbox.test_conformance import AllowHttp

OLD, MIDDLE, NEW = "2024-02-01.19.0", "2024-07-01.20.0", "2025-06-01"
HOME = (
    f"/subscriptions/{still_world.SUBSCRIPTION}/resourceGroups/batch-rg/providers/Microsoft.Batch/batchAccounts/render"
)


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    sandbox = AzureSandbox(still_world.still_world())
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def batch(sandbox: AzureSandbox) -> AsyncIterator[BatchClient]:
    async with BatchClient(sandbox.endpoints["render"], AzureNamedKeyCredential("render", still_world.KEY)) as client:
        yield client


@pytest.fixture
async def manager(sandbox: AzureSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BatchManagementClient]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", sandbox.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", sandbox.identity_header)
    async with ManagedIdentityCredential() as credential:
        client = BatchManagementClient(
            credential, still_world.SUBSCRIPTION, base_url=sandbox.arm_url, per_call_policies=[AllowHttp()]
        )
        async with client:
            yield client


async def get(sandbox: AzureSandbox, path: str, version: str, **query: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    asked = {name.replace("_", "$"): value for name, value in query.items()} | {"api-version": version}
    home = sandbox.endpoints["render"]
    async with ClientSession(home, headers=headers) as session, session.get(path, params=asked) as answer:
        return answer.status, await answer.json(content_type=None)


async def get_arm(sandbox: AzureSandbox, path: str, version: str, **query: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
    asked = {name.replace("_", "$"): value for name, value in query.items()} | {"api-version": version}
    async with ClientSession(sandbox.arm_url, headers=headers) as session, session.get(path, params=asked) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_applications_that_nodes_may_be_given(batch: BatchClient) -> None:
    found = {one.id: one async for one in batch.list_applications(max_results=1)}
    assert {name: one.versions for name, one in found.items()} == {"renderer": ["1.0"], "tools": ["7"]}
    assert (await batch.get_application("RENDERER")).display_name == "Renderer"
    for unknown in ("unborn", "nope"):
        with pytest.raises(ResourceNotFoundError, match="ApplicationNotFound"):
            await batch.get_application(unknown)


async def test_applications_with_all_their_packages(sandbox: AzureSandbox, manager: BatchManagementClient) -> None:
    found = [one async for one in manager.application.list("batch-rg", "render", maxresults=2)]
    assert [one.name for one in found] == ["renderer", "tools", "unborn"]
    assert (await manager.application.get("batch-rg", "render", "renderer")).default_version == "1.0"
    packages = [one async for one in manager.application_package.list("batch-rg", "render", "renderer")]
    assert [(one.name, one.state, one.format) for one in packages] == [
        ("1.0", "Active", "zip"),
        ("2.0", "Pending", None),
    ]
    assert all(one.storage_url is None for one in packages)
    one = await manager.application_package.get("batch-rg", "render", "renderer", "1.0")
    assert one.storage_url_expiry == still_world.NOW + timedelta(hours=4)
    assert one.last_activation_time == still_world.NOW
    assert "&sig=" in one.storage_url
    assert one.storage_url.startswith("https://")
    for path, code in (
        ("applications/nope", "ApplicationNotFound"),
        ("applications/nope/versions", "ApplicationNotFound"),
        ("applications/renderer/versions/9", "ApplicationPackageNotFound"),
    ):
        status, body = await get_arm(sandbox, f"{HOME}/{path}", NEW)
        assert (status, body["error"]["code"], body["error"]["target"]) == (404, code, "BatchAccount")


async def test_images(batch: BatchClient) -> None:
    found = [image async for image in batch.list_supported_images(max_results=7)]
    assert len(found) == len({str(image.image_reference) for image in found}) > 30
    ends = {image.image_reference.sku: image.batch_support_end_of_life for image in found}
    assert ends["20_04-lts"] < still_world.NOW < ends["22_04-lts"]
    windows = [i async for i in batch.list_supported_images(filter="osType eq 'windows'")]
    agents = [i async for i in batch.list_supported_images(filter="nodeAgentSKUId eq 'batch.node.ubuntu 22.04'")]
    doubtful = [i async for i in batch.list_supported_images(filter="verificationType ne 'verified'")]
    assert {image.os_type for image in windows} == {"windows"}
    assert {image.node_agent_sku_id for image in agents} == {"batch.node.ubuntu 22.04"}
    assert 0 < len(doubtful) < len(found)


@pytest.mark.parametrize("name", ["demo", "tiny", "performance", "long"])
def test_every_pool_of_a_scene_has_an_image_that_is_known(name: str) -> None:
    from bot.sandbox.world.images import IMAGES  # noqa: PLC0415

    known = {(image.id, image.body.node_agent_sku_id) for image in IMAGES}
    for account in build(name, 1, Clock(still_world.NOW, paused=True)).accounts.values():
        for pool in account.pools.values():
            config = pool.body.virtual_machine_configuration
            assert config is not None
            image = config.image_reference
            assert (f"{image.publisher}:{image.offer}:{image.sku}", config.node_agent_sku_id) in known


async def test_certificates_of_the_data_plane(sandbox: AzureSandbox, batch: BatchClient) -> None:
    for version in (OLD, MIDDLE):
        status, body = await get(sandbox, "/certificates", version)
        assert status == 200
        by_state = {one["state"]: one for one in body["value"]}
        assert by_state.keys() == {"active", "deleting", "deletefailed"}
        failed = by_state["deletefailed"]
        assert failed["previousState"] == "deleting"
        assert failed["deleteCertificateError"]["values"] == [{"name": "Pools", "value": "linux"}]
        for one in body["value"]:
            public = base64.b64decode(one["publicData"])
            assert hashlib.sha1(public, usedforsecurity=False).hexdigest() == one["thumbprint"]
            assert x509.load_der_x509_certificate(public).subject.rfc4514_string().startswith("CN=")
            path = one["url"].removeprefix(sandbox.endpoints["render"])
            status, same = await get(sandbox, path, version)
            assert (status, same["thumbprint"]) == (200, one["thumbprint"])
    request = HttpRequest("GET", f"/certificates?api-version={MIDDLE}&$filter=state eq 'active'")
    answer = await batch.send_request(request)
    assert [one["state"] for one in answer.json()["value"]] == ["active"]
    unknown = "/certificates(thumbprintAlgorithm=sha1,thumbprint=ff)"
    assert (await get(sandbox, unknown, MIDDLE))[1]["code"] == "CertificateNotFound"


async def test_certificates_that_are_not_there(sandbox: AzureSandbox) -> None:
    status, body = await get(sandbox, "/certificates", NEW)
    assert (status, body["code"]) == (404, "ResourceNotFound")
    sandbox.world.accounts["render"].certificates.clear()
    assert (await get(sandbox, "/certificates", MIDDLE))[1]["value"] == []
    sandbox.world.accounts["render"].certificates_served = False
    for path in ("/certificates", "/certificates(thumbprintAlgorithm=sha1,thumbprint=ff)"):
        status, body = await get(sandbox, path, MIDDLE)
        assert (status, body["code"]) == (400, "CertificateAPIRetired")
    status, body = await get_arm(sandbox, f"{HOME}/certificates", "2024-07-01")
    assert (status, body["error"]["code"]) == (400, "NoRegisteredProviderFound")


async def test_certificates_of_resource_manager(sandbox: AzureSandbox) -> None:
    status, body = await get_arm(sandbox, f"{HOME}/certificates", "2024-07-01")
    assert status == 200
    told = {one["properties"]["provisioningState"]: one for one in body["value"]}
    assert told.keys() == {"Succeeded", "Deleting", "Failed"}
    failed = told["Failed"]
    assert failed["name"] == f"SHA1-{failed['properties']['thumbprint']}"
    assert failed["name"].isupper()
    assert failed["properties"]["deleteCertificateError"]["details"] == [{"code": "Pools", "message": "linux"}]
    status, same = await get_arm(sandbox, f"{HOME}/certificates/{failed['name'].lower()}", "2024-07-01")
    assert (status, same) == (200, failed)
    status, body = await get_arm(
        sandbox,
        f"{HOME}/certificates",
        "2024-07-01",
        _filter="properties/provisioningState eq 'Deleting'",
        _select="properties/format",
    )
    assert [one["properties"] for one in body["value"]] == [{"format": "Pfx"}]
    status, body = await get_arm(sandbox, f"{HOME}/certificates", NEW)
    assert (status, body["error"]["code"]) == (400, "NoRegisteredProviderFound")


async def test_pools_of_resource_manager(sandbox: AzureSandbox, manager: BatchManagementClient) -> None:
    pools = [pool async for pool in manager.pool.list_by_batch_account("batch-rg", "render", maxresults=5)]
    assert [pool.name for pool in pools] == ["linux", *(f"pool-{number:02d}" for number in range(12))]
    linux = await manager.pool.get("batch-rg", "render", "LINUX")
    assert linux.vm_size == "STANDARD_D4S_V3"
    assert (linux.allocation_state, linux.provisioning_state) == ("Steady", "Succeeded")
    assert linux.scale_settings.fixed_scale.target_dedicated_nodes == 8
    assert linux.resize_operation_status.errors[0].code == "AccountCoreQuotaReached"
    assert linux.deployment_configuration.virtual_machine_configuration.node_agent_sku_id == "batch.node.ubuntu 24.04"
    assert linux.start_task.command_line
    chosen = manager.pool.list_by_batch_account("batch-rg", "render", filter="startswith(name,'pool-0')")
    assert len([pool async for pool in chosen]) == 10
    with pytest.raises(ResourceNotFoundError, match="PoolNotFound"):
        await manager.pool.get("batch-rg", "render", "nope")


async def test_subtasks(batch: BatchClient) -> None:
    (one,) = [subtask async for subtask in batch.list_subtasks("night", "task-000004")]
    primary = await batch.get_task("night", "task-000004")
    assert one.node_info.node_id != primary.node_info.node_id
    assert (one.id, one.state, one.exit_code, one.result) == (1, "completed", 137, "failure")
    assert primary.execution_info.start_time <= one.start_time < one.end_time <= primary.execution_info.end_time
    assert one.node_info.task_root_directory == f"{primary.node_info.task_root_directory}/1"
    assert [s async for s in batch.list_subtasks("night", "task-000000")] == []


async def test_preparation_and_release(sandbox: AzureSandbox, batch: BatchClient) -> None:
    found = [one async for one in batch.list_job_preparation_and_release_task_status("night", max_results=1)]
    assert [one.job_preparation_task_execution_info.exit_code for one in found] == [0, 3]
    well, ill = found
    assert well.job_release_task_execution_info.state == "running"
    assert ill.job_release_task_execution_info is None
    assert ill.job_preparation_task_execution_info.result.lower() == "failure"
    assert ill.job_preparation_task_execution_info.failure_info.code == "FailureExitCode"
    assert ill.job_preparation_task_execution_info.task_root_directory == "workitems/night/job-1/prep"
    failed = batch.list_job_preparation_and_release_task_status(
        "night", filter="jobPreparationTaskExecutionInfo/result eq 'failure'", select=["nodeId"]
    )
    assert [one.node_id async for one in failed] == [ill.node_id]
    status, body = await get(sandbox, "/jobs/Empty/jobpreparationandreleasetaskstatus", NEW)
    assert (status, body["code"]) == (409, "JobPreparationTaskOrReleaseTaskNotSpecified")


async def test_login(sandbox: AzureSandbox, batch: BatchClient) -> None:
    first, second = list(sandbox.world.accounts["render"].pools["linux"].nodes)[:2]
    told = await batch.get_node_remote_login_settings("linux", first)
    assert (told.remote_login_ip_address, told.remote_login_port) == ("203.0.113.7", 50_000)
    with pytest.raises(HttpResponseError, match="OperationNotValidOnNode"):
        await batch.get_node_remote_login_settings("linux", second)


@asynccontextmanager
async def demo(hours: float) -> AsyncIterator[AzureSandbox]:
    clock = Clock(datetime.fromisoformat("2026-11-24T09:30:00Z"), paused=True)
    world = build("demo", 1, clock)
    clock.advance(timedelta(hours=hours))
    world.settle()
    sandbox = AzureSandbox(world)
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.close()


async def test_the_demo_has_something_of_each_and_all_of_it_conforms() -> None:
    async with demo(3) as sandbox:
        world = sandbox.world
        studio, engineers = world.accounts["render-prod"], world.accounts["sim-dev"]
        pools = studio.ordered_pools()
        assert len(pools) >= 24
        parked = [pool for pool in pools if not pool.nodes and pool.body.allocation_state == "steady"]
        assert len(parked) >= 20
        assert len({pool.body.creation_time for pool in parked}) == len(parked)
        assert not any(pool.jobs for pool in parked)
        assert sorted(live.body.state for live in studio.certificates.values()) == [
            "active",
            "deletefailed",
            "deleting",
        ]
        assert not engineers.certificates
        assert len(studio.applications) >= 4
        calibration = next(job for job in engineers.jobs.values() if job.id.startswith("calibrate"))
        codes = [done.exit_code for done in calibration.preparations.values()]
        assert sum(code != 0 for code in codes) == 1 < len(codes)
        assert any(nodes for job in engineers.jobs.values() for nodes in job.instances.values())
        headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
        with conformance(sandbox) as seen:
            for name, url in sandbox.endpoints.items():
                account = world.accounts[name]
                paths = [
                    "/applications",
                    "/supportedimages",
                    "/certificates",
                    "/certificates?$filter=state ne 'active'",
                ]
                for pool in account.pools.values():
                    for node in pool.nodes:
                        paths.append(f"/pools/{pool.id}/nodes/{node}/remoteloginsettings")
                        paths.append(f"/pools/{pool.id}/nodes/{node}/files?recursive=true")
                for job in account.jobs.values():
                    paths.append(f"/jobs/{job.id}/jobpreparationandreleasetaskstatus")
                    for task in list(job.tasks)[:2]:
                        paths += [f"/jobs/{job.id}/tasks/{task}/{part}" for part in ("files", "subtasksinfo")]
                async with ClientSession(url, headers=headers) as session:
                    for path in paths:
                        mark = "&" if "?" in path else "?"
                        async with session.get(f"{path}{mark}api-version={MIDDLE}") as answer:
                            assert answer.status in {200, 404, 409}, path
                facts = account.facts
                group = f"/subscriptions/{facts.subscription}/resourceGroups/{facts.resource_group}"
                home = f"{group}/providers/Microsoft.Batch/batchAccounts/{name}"
                for path in ("pools", "applications", "certificates"):
                    assert (await get_arm(sandbox, f"{home}/{path}", "2024-02-01"))[0] == 200
        assert seen.answers > 200
