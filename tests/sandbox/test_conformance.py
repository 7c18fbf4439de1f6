"""Everything the sandbox says is in Microsoft's documents, and Microsoft's own clients read all of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.batch.aio import BatchManagementClient

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import BATCH, MANAGEMENT
from bot.sandbox.wire.versions import DATA_PLANE, RESOURCE_MANAGER
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from tests.sandbox import still_world
from tests.sandbox.conformance import ARM, complaints, conformance
from tests.sandbox.conformance import DATA_PLANE as DOCUMENT
from tests.shared import shared

READS = [
    "/pools", "/pools?$expand=stats&maxresults=3", "/pools?$filter=state eq 'active'", "/pools/linux",
    "/pools/linux?$select=id,state", "/pools/nope", "/pools/linux/nodes", "/pools/linux/nodes/{node}",
    "/pools/linux/nodes/nope", "/pools/nope/nodes", "/nodecounts", "/jobs", "/jobs/night", "/jobs/nope",
    "/jobs/night/taskcounts", "/jobs/nope/taskcounts", "/jobs/night/tasks", "/jobs/night/tasks?maxresults=7",
    "/jobs/night/tasks/task-000000", "/jobs/night/tasks/task-000039", "/jobs/night/tasks/nope", "/jobschedules",
    "/jobschedules/hourly", "/jobschedules/nope", "/jobschedules/hourly/jobs", "/poolusagemetrics", "/nothing",
    "/applications", "/applications/renderer", "/applications/unborn", "/supportedimages?$filter=osType eq 'linux'",
    "/supportedimages?$filter=osType eq 'beos'", "/certificates",
    "/certificates?$filter=state eq 'active'&$select=state",
    "/certificates(thumbprintAlgorithm=sha1,thumbprint={thumbprint})",
    "/certificates(thumbprintAlgorithm=sha1,thumbprint=00)", "/jobs/night/jobpreparationandreleasetaskstatus",
    "/jobs/night/jobpreparationandreleasetaskstatus?$filter=jobPreparationTaskExecutionInfo/exitCode ne 0",
    "/jobs/Empty/jobpreparationandreleasetaskstatus", "/jobs/night/tasks/task-000004/subtasksinfo",
    "/jobs/night/tasks/task-000000/subtasksinfo?$select=id", "/pools/linux/nodes/{node}/remoteloginsettings",
    "/jobs/night/tasks/task-000000/files", "/jobs/night/tasks/task-000000/files?recursive=true&maxresults=2",
    "/jobs/night/tasks/task-000039/files", "/jobs/night/tasks/task-000000/files/stdout.txt",
    "/jobs/night/tasks/task-000000/files/wd%2Fnope", "/jobs/night/tasks/task-000000/files/wd",
    "/pools/linux/nodes/{node}/files?$filter=startswith(name,'work')", "/pools/linux/nodes/{node}/files?recursive=true",
    "/pools/linux/nodes/{node}/files?$filter=name eq 'x'", "/pools/linux/nodes/{node}/files?recursive=perhaps",
    "/pools?$filter=nonsense", "/pools?maxresults=0", "/jobs/night/tasks?$select=nope",
]  # fmt: skip

SUBSCRIPTION = f"/subscriptions/{still_world.SUBSCRIPTION}"
PROVIDER = "providers/Microsoft.Batch"
ARM_READS = [
    f"{SUBSCRIPTION}/{PROVIDER}/batchAccounts",
    f"{SUBSCRIPTION}/resourceGroups/BATCH-RG/{PROVIDER}/batchaccounts",
    f"{SUBSCRIPTION}/resourceGroups/batch-rg/{PROVIDER}/batchAccounts/render",
    f"{SUBSCRIPTION}/resourceGroups/other-rg/{PROVIDER}/batchAccounts/own",
    f"{SUBSCRIPTION}/resourceGroups/other-rg/{PROVIDER}/batchAccounts/nope",
    f"{SUBSCRIPTION}/resourceGroups/nope/{PROVIDER}/batchAccounts",
    f"{SUBSCRIPTION}/{PROVIDER}/locations/westeurope/quotas",
    f"{SUBSCRIPTION}/{PROVIDER}/locations/westeurope/virtualMachineSkus",
    f"{SUBSCRIPTION}/{PROVIDER}/locations/atlantis/quotas",
    "/subscriptions/nope/providers/Microsoft.Batch/batchAccounts",
    *(
        f"{SUBSCRIPTION}/resourceGroups/batch-rg/{PROVIDER}/batchAccounts/{rest}"
        for rest in (
            "render/applications",
            "render/applications?maxresults=1",
            "render/applications/Renderer",
            "render/applications/nope",
            "render/applications/renderer/versions",
            "render/applications/renderer/versions/1.0",
            "render/applications/renderer/versions/2.0",
            "render/applications/renderer/versions/9",
            "render/certificates",
            "render/certificates?$filter=properties/provisioningState eq 'Failed'",
            "render/certificates?$select=properties/provisioningState",
            "render/certificates/sha1-00",
            "render/pools",
            "render/pools?$filter=startswith(name,'LI')&$select=properties/vmSize",
            "render/pools/linux",
            "render/pools?$filter=nonsense",
            "render/pools/nope",
            "nope/pools",
        )
    ),
]


class AllowHttp(SansIOHTTPPolicy):
    """Lets a token travel over http; the sandbox is on loopback."""

    def on_request(self, request) -> None:  # type: ignore[no-untyped-def]
        request.context.options.setdefault("enforce_https", False)


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    sandbox = AzureSandbox(still_world.still_world())
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.mark.parametrize("version", DATA_PLANE)
async def test_every_answer_of_the_data_plane_conforms(sandbox: AzureSandbox, version: str) -> None:
    account = sandbox.world.accounts["render"]
    node, thumbprint = next(iter(account.pools["linux"].nodes)), next(iter(account.certificates))
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    with conformance(sandbox) as seen:
        async with ClientSession(sandbox.endpoints["render"], headers=headers) as session:
            for path in READS:
                where = path.replace("{node}", node).replace("{thumbprint}", thumbprint)
                async with session.get(where + ("&" if "?" in where else "?") + f"api-version={version}") as answer:
                    assert answer.status in {200, 400, 403, 404, 409}, where
            async with session.get("/pools") as answer:
                assert answer.status == 400
            async with session.get("/pools", headers={"Authorization": "Bearer x"}) as answer:
                assert answer.status == 401
    assert seen.answers == len(READS) + 2


@pytest.mark.parametrize("version", RESOURCE_MANAGER)
async def test_every_answer_of_resource_manager_conforms(sandbox: AzureSandbox, version: str) -> None:
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
    with conformance(sandbox) as seen:
        async with ClientSession(sandbox.arm_url, headers=headers) as session:
            for path in ARM_READS:
                where = path + ("&" if "?" in path else "?") + f"api-version={version}"
                async with session.get(where) as answer:
                    assert answer.status in {200, 400, 404}
            async with session.get(ARM_READS[0]) as answer:
                assert answer.status == 400
            async with session.get(ARM_READS[0], headers={"Authorization": "Bearer x"}) as answer:
                assert answer.status == 401
    assert seen.answers == len(ARM_READS) + 2


@pytest.mark.parametrize(
    ("document", "path", "status", "body", "complaint"),
    [
        (DOCUMENT, "/pools/x", 200, {"id": 3}, "3 is not of type 'string'"),
        (DOCUMENT, "/pools/x", 200, {"allocationState": "Gone"}, "is not one of"),
        (DOCUMENT, "/pools/x", 200, {"allocationState": "STEADY"}, ""),
        (DOCUMENT, "/pools/x", 200, {"lastModified": "yesterday"}, "date-time"),
        (DOCUMENT, "/pools/x", 200, {"resizeTimeout": "15m"}, "duration"),
        (DOCUMENT, "/pools/x", 200, {"nonsense": 1}, "not in the document"),
        (DOCUMENT, "/pools/x", 404, {"code": 7}, "7 is not of type"),
        (DOCUMENT, "/pools/x", 201, {}, "does not know the status"),
        (DOCUMENT, "/nothing", 200, {}, "no such route"),
        (
            DOCUMENT,
            "/nodecounts",
            200,
            {"value": [{"poolId": "x", "dedicated": {"idle": 1}}]},
            "'running' is required",
        ),
        (ARM, ARM_READS[2], 200, {"properties": {"poolQuota": "x"}}, "'x' is not of type 'integer'"),
        (ARM, ARM_READS[2], 404, {"error": {"code": 5}}, "5 is not of type 'string'"),
    ],
)
def test_the_helper_sees_what_is_wrong(document: str, path: str, status: int, body: object, complaint: str) -> None:
    found = complaints(document, "GET", path, status, json.dumps(body).encode())
    assert any(complaint in one for one in found) if complaint else not found


async def read_all(client: BatchClient) -> dict[str, int]:
    """Everything there is, through the client's own paging and models."""
    pools = [pool async for pool in client.list_pools(max_results=5, expand=["stats"])]
    nodes = [node for pool in pools async for node in client.list_nodes(pool.id, max_results=4)]
    jobs = [job async for job in client.list_jobs(max_results=2)]
    tasks = [task for job in jobs async for task in client.list_tasks(job.id, max_results=9)]
    schedules = [schedule async for schedule in client.list_job_schedules()]
    made = [job for schedule in schedules async for job in client.list_jobs_from_schedule(schedule.id)]
    counts = [counts async for counts in client.list_pool_node_counts()]
    for pool in pools:
        assert (await client.get_pool(pool.id)).etag == pool.etag
    for node in nodes:
        assert (await client.get_node("linux", node.id)).state == node.state
    for job in jobs:
        assert (await client.get_job(job.id)).state == job.state
        assert (await client.get_job_task_counts(job.id)).task_counts.completed >= 0
    assert (await client.get_task("night", "task-000004")).execution_info.exit_code == 137
    assert await client.pool_exists("LINUX")
    assert await client.job_schedule_exists("hourly")
    found = {"pools": pools, "nodes": nodes, "jobs": jobs, "tasks": tasks, "schedules": schedules}
    return {name: len({one.id for one in things}) for name, things in found.items()} | {
        "made": len(made),
        "counts": len(counts),
    }


async def test_a_living_world_conforms() -> None:
    clock = Clock(still_world.NOW, paused=True)
    world = build("demo", 3, clock)
    clock.advance(timedelta(hours=9))
    sandbox = AzureSandbox(world)
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    shared("azure/specs")
    await sandbox.start()
    with conformance(sandbox) as seen:
        for name, url in sandbox.endpoints.items():
            account = world.accounts[name]
            paths = ["/pools?$expand=stats", "/jobs?$expand=stats", "/jobschedules", "/nodecounts"]
            paths += [f"/pools/{pool}/nodes" for pool in account.pools]
            paths += [f"/jobs/{job}/{part}" for job in account.jobs for part in ("tasks", "taskcounts")]
            paths += [f"/jobschedules/{schedule}/jobs" for schedule in account.schedules]
            async with ClientSession(url, headers=headers) as session:
                for path in paths:
                    async with session.get(path, params={"api-version": "2025-06-01"}) as answer:
                        assert answer.status == 200
    await sandbox.close()
    assert seen.answers > 30


EVERYTHING = {"pools": 13, "nodes": 6, "jobs": 3, "tasks": 40, "schedules": 1, "made": 1, "counts": 13}


async def test_the_batch_client_reads_everything_with_a_shared_key(sandbox: AzureSandbox) -> None:
    with conformance(sandbox) as seen:
        for key in (still_world.KEY, still_world.SECOND_KEY):
            async with BatchClient(sandbox.endpoints["render"], AzureNamedKeyCredential("render", key)) as client:
                assert await read_all(client) == EVERYTHING
                with pytest.raises(ResourceNotFoundError, match="TaskNotFound"):
                    await client.get_task("night", "nope", service_timeout=20)
        wrong = AzureNamedKeyCredential("render", "d3Jvbmc=")
        async with BatchClient(sandbox.endpoints["render"], wrong) as client:
            with pytest.raises(HttpResponseError, match="MAC signature") as caught:
                await client.get_pool("linux")
            assert caught.value.status_code == 403
        async with BatchClient(sandbox.endpoints["own"], AzureNamedKeyCredential("own", still_world.KEY)) as client:
            with pytest.raises(HttpResponseError, match="SharedKey is not allowed"):
                await client.get_pool("linux")
    assert seen.answers > 60


async def test_both_clients_read_everything_with_a_managed_identity(
    sandbox: AzureSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", sandbox.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", sandbox.identity_header)
    with conformance(sandbox) as seen:
        async with ManagedIdentityCredential() as credential:
            batch = BatchClient(sandbox.endpoints["render"], credential, per_call_policies=[AllowHttp()])
            manager = BatchManagementClient(
                credential, still_world.SUBSCRIPTION, base_url=sandbox.arm_url, per_call_policies=[AllowHttp()]
            )
            async with batch, manager:
                assert await read_all(batch) == EVERYTHING
                accounts = [account async for account in manager.batch_account.list()]
                assert [account.name for account in accounts] == ["render", "own"]
                account = await manager.batch_account.get("batch-rg", "render")
                assert account.account_endpoint == sandbox.endpoints["render"].removeprefix("http://")
                assert account.dedicated_core_quota_per_vm_family[0].core_quota == 100
                sizes = [s async for s in manager.location.list_supported_virtual_machine_skus("westeurope")]
                cores = {size.name: {c.name: c.value for c in size.capabilities}["vCPUs"] for size in sizes}
                assert cores["Standard_D4s_v3"] == "4"
                assert len(cores) == len(sizes) > 50
                assert (await manager.location.get_quotas("westeurope")).account_quota == 3
                with pytest.raises(ResourceNotFoundError, match="AccountNotFound"):
                    await manager.batch_account.get("batch-rg", "nope")
        async with ManagedIdentityCredential(client_id="somebody-else") as stranger:
            with pytest.raises(ClientAuthenticationError):
                await stranger.get_token("https://batch.core.windows.net//.default")
    assert seen.answers > 60
