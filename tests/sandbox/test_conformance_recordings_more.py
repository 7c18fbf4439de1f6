"""The recorded reads of files, applications, images, certificates, subtasks, preparations, logins and ARM resources.

As in `test_conformance_recordings`; files are not put into the world as they were recorded, because a world writes its
own: there each recorded file is compared with one of its kind.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from aiohttp import ClientSession
from yarl import URL

from bot.sandbox.entities import InboundEndpoint, NodeEndpointConfiguration, StartTaskInformation
from bot.sandbox.entity_inventory import Certificate
from bot.sandbox.entity_parts import ImageReference, StartTask, VirtualMachineConfiguration
from bot.sandbox.entity_specs import JobPreparationTask, MultiInstanceSettings
from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.arm import ResourceManager
from bot.sandbox.wire.tokens import BATCH, MANAGEMENT, Tokens
from bot.sandbox.world import Clock, World
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.applications import Package, application
from bot.sandbox.world.certificates import LiveCertificate
from bot.sandbox.world.live import Preparation
from tests.sandbox import still_world
from tests.sandbox.test_conformance_recordings import ACCOUNTS, compare, identity, kind, reads, replay

ACCOUNT = f"{ACCOUNTS}/{{batchAccounts}}"
FILES = (
    "DP /jobs/{jobId}/tasks/{taskId}/files",
    "DP /jobs/{jobId}/tasks/{taskId}/files/{filePath}",
    "DP /pools/{poolId}/nodes/{nodeId}/files",
    "DP /pools/{poolId}/nodes/{nodeId}/files/{filePath}",
)


def steps(recording: dict[str, Any]) -> list[str]:
    path = URL(recording["uri"], encoded=True).raw_path.strip("/")
    return [unquote(step) for step in path.split("/")]


def add_certificate(account: AccountState, told: dict[str, Any]) -> None:
    body = msgspec.convert(told, Certificate)
    account.certificates[body.thumbprint] = LiveCertificate(body=body)


def add_application(account: AccountState, told: dict[str, Any]) -> None:
    packages = [
        Package(version=version, modified=still_world.NOW, activated=still_world.NOW) for version in told["versions"]
    ]
    account.applications[told["id"]] = application(
        told["id"], still_world.NOW, *packages, display_name=told.get("displayName")
    )


def populate(account: AccountState, recording: dict[str, Any]) -> None:
    way, body = steps(recording), recording["response_body"]
    things = body.get("value", [body]) if recording["status"] == 200 else []
    if way[0].startswith("certificates"):
        for thing in things:
            add_certificate(account, thing)
    elif way[0] == "applications":
        for thing in things:
            add_application(account, thing)
    elif way[-1] == "subtasksinfo":
        account.jobs[way[1]] = job = still_world.job(way[1])
        task = still_world.task(job, 0)
        task.spec = msgspec.structs.replace(
            task.spec, multi_instance_settings=MultiInstanceSettings(coordination_command_line="x")
        )
        job.tasks[way[3]] = task
    elif way[-1] == "jobpreparationandreleasetaskstatus":
        account.jobs[way[1]] = job = still_world.job(way[1])
        if recording["status"] == 200:
            job.body.job_preparation_task = JobPreparationTask(id="jobprep", command_line="x")
        for thing in things:
            node_id, began = thing["nodeId"], still_world.NOW - timedelta(seconds=9)
            job.preparations[node_id] = Preparation(
                node_id=node_id, start_time=began, end_time=still_world.NOW + timedelta(seconds=9), exit_code=0
            )
    elif way[-1] == "remoteloginsettings":
        account.pools[way[1]] = pool = still_world.pool(way[1])
        node = still_world.node(pool, 0)
        node.body.endpoint_configuration = NodeEndpointConfiguration(
            inbound_endpoints=[
                InboundEndpoint(
                    name="x", protocol="tcp", public_ip_address="203.0.113.1", frontend_port=50_000, backend_port=22
                )
            ]
        )
        pool.nodes[way[3]] = node


async def played(routes: tuple[str, ...]) -> tuple[int, Counter[str]]:
    world = World(clock=Clock(still_world.NOW, paused=True))
    account = world.add_account(still_world.account())
    sandbox = AzureSandbox(world)
    await sandbox.start()
    wrong: Counter[str] = Counter()
    asked = 0
    async with ClientSession(headers={"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}) as session:
        for recording in reads(*routes):
            for things in (account.pools, account.jobs, account.certificates, account.applications):
                things.clear()
            populate(account, recording)
            asked += 1
            wrong.update(await replay(session, sandbox.endpoints["render"], recording))
    await sandbox.close()
    return asked, wrong


@pytest.mark.parametrize(
    "routes",
    [
        ("DP /applications", "DP /applications/{applicationId}"),
        ("DP /certificates", "DP /certificates(thumbprintAlgorithm=,thumbprint=)"),
        ("DP /jobs/{jobId}/tasks/{taskId}/subtasksinfo",),
        ("DP /jobs/{jobId}/jobpreparationandreleasetaskstatus",),
        ("DP /pools/{poolId}/nodes/{nodeId}/remoteloginsettings",),
    ],
    ids=["applications", "certificates", "subtasks", "preparations", "logins"],
)
async def test_recorded_reads(routes: tuple[str, ...]) -> None:
    asked, wrong = await played(routes)
    assert asked
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(40))


async def test_recorded_images() -> None:
    """Images come and go: those that both know are compared, the others only by their shape."""
    sandbox = AzureSandbox(still_world.still_world())
    await sandbox.start()
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    url = f"{sandbox.endpoints['render']}/supportedimages?api-version=2024-02-01.19.0"
    async with ClientSession(headers=headers) as session, session.get(url) as answer:
        ours = {
            str(image["imageReference"]).lower(): image for image in (await answer.json(content_type=None))["value"]
        }
    await sandbox.close()
    names = {name: kind(value) for image in ours.values() for name, value in image.items()}
    both = 0
    for recording in reads("DP /supportedimages"):
        assert recording["response_body"]["odata.metadata"].endswith("$metadata#supportedimages")
        for image in recording["response_body"]["value"]:
            assert {name: kind(value) for name, value in image.items()}.items() <= names.items()
            same = ours.get(str(image["imageReference"]).lower())
            if same is not None and recording["api_version"] >= "2024":
                both += 1
                assert same["nodeAgentSKUId"] == image["nodeAgentSKUId"]
                assert same["osType"] == image["osType"]
                assert set(same.get("capabilities", [])) == set(image.get("capabilities", []))
    assert both > 20


# --- files ------------------------------------------------------------------------------------------------------------


def windows(recording: dict[str, Any]) -> bool:
    return "creationTime" in str(recording["response_body"]) or "ocp-creation-time" in recording["response_headers"]


def place_files(account: AccountState, recording: dict[str, Any]) -> str:
    """A node and a completed task where the recording had them; the path of the file that stands for its file."""
    agent = "batch.node.windows amd64" if windows(recording) else "batch.node.ubuntu 22.04"
    machine = VirtualMachineConfiguration(image_reference=ImageReference(), node_agent_sku_id=agent)
    way = steps(recording)
    pool_id, node_id = (way[1], way[3]) if way[0] == "pools" else ("linux", "")
    job_id, task_id = (way[1], way[3]) if way[0] == "jobs" else ("job", "task")
    account.pools[pool_id] = pool = still_world.pool(
        pool_id, start_task=StartTask(command_line="x"), virtual_machine_configuration=machine
    )
    node = still_world.node(pool, 0)
    pool.nodes[node_id or node.id] = node
    node.body.start_task = StartTask(command_line="x")
    node.body.start_task_info = StartTaskInformation(
        state="completed",
        start_time=still_world.NOW,
        end_time=still_world.NOW,
        exit_code=0,
        retry_count=0,
        result="success",
    )
    account.jobs[job_id] = job = still_world.job(job_id, pool_id)
    task = still_world.task(job, 0, "completed", still_world.done(0))
    task.pool_id, task.node_id = pool_id, node.id
    job.tasks[task_id] = task
    if recording["status"] != 200:
        return "wd/nope"
    return "startup/stdout.txt" if way[0] == "pools" else "stdout.txt"


def like(recorded: list[dict[str, Any]], answered: list[dict[str, Any]]) -> Iterator[str]:
    """Each recorded file and directory has names and types that one of ours of its kind has, and no others."""
    for directory in (True, False):
        shapes = {_shape(one) for one in answered if one["isDirectory"] is directory}
        for one in recorded:
            if one["isDirectory"] is directory and _shape(one) not in shapes:
                yield f"{_shape(one)} is not among {shapes}"


def _shape(file: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    flat = file | {f"properties/{name}": value for name, value in file.get("properties", {}).items()}
    return tuple(sorted((name, kind(value)) for name, value in flat.items()))


async def test_recorded_files() -> None:
    world = World(clock=Clock(still_world.NOW, paused=True))
    account = world.add_account(still_world.account())
    sandbox = AzureSandbox(world)
    await sandbox.start()
    wrong: Counter[str] = Counter()
    asked = 0
    async with ClientSession(headers={"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}) as session:
        for recording in reads(*FILES):
            if recording["status"] == 400:
                continue  # an address that never reached the service
            account.pools.clear(), account.jobs.clear()
            path = place_files(account, recording)
            recorded = URL(recording["uri"], encoded=True)
            listed = recorded.raw_path.endswith("/files")
            raw = recorded.raw_path if listed else recorded.raw_path.partition("/files/")[0] + f"/files/{path}"
            query = {**recorded.query, "api-version": "2024-02-01.19.0"}
            url = URL(sandbox.endpoints["render"] + raw, encoded=True).with_query(query)
            async with session.request(recording["method"], url) as answer:
                body = await answer.json(content_type=None) if listed else await answer.read()
            asked += 1
            told = recording["response_headers"]
            ignored = {"content-type"} if "octet-stream" in told.get("content-type", "") else set()
            plain = recording | {
                "response_body": None,
                "response_headers": {name: value for name, value in told.items() if name not in ignored},
            }
            wrong.update(compare(plain, answer.status, answer.headers, None))
            names = {name for name in told if name.startswith("ocp-")}
            wrong.update(f"header {name} is missing" for name in names if name not in answer.headers)
            if listed:
                wrong.update(like(recording["response_body"]["value"], body["value"]))
                assert body["odata.metadata"].endswith("$metadata#files")
    await sandbox.close()
    assert asked > 40
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(20))


# --- Resource Manager -------------------------------------------------------------------------------------------------

BELOW = tuple(
    f"{ACCOUNT}/{rest}"
    for rest in (
        "applications", "applications/{applications}", "applications/{applications}/versions",
        "applications/{applications}/versions/{versions}", "certificates", "certificates/{certificates}",
    )
)  # fmt: skip


def file_below(account: AccountState, recording: dict[str, Any]) -> None:
    """Puts the recorded resources into the account."""
    body = recording["response_body"]
    way = steps(recording)[8:]
    things = body.get("value", [body]) if recording["status"] == 200 else []
    if way[0] == "certificates":
        for thing in things:
            told = thing["properties"]
            plain = {name: told[name].lower() for name in ("thumbprint", "thumbprintAlgorithm")}
            public = base64.b64encode(told["publicData"].encode()).decode()
            state = {"state": "active", "stateTransitionTime": told["provisioningStateTransitionTime"]}
            add_certificate(account, plain | state | {"publicData": public})
        return
    if recording["status"] != 200:
        return
    packages = []
    for thing in things if "versions" in way else []:
        active = thing["properties"]["state"] == "Active"
        packages.append(
            Package(version=thing["name"], modified=still_world.NOW, activated=still_world.NOW if active else None)
        )
    for thing in things if "versions" not in way else [{"name": way[1], "properties": {}}]:
        told = thing["properties"]
        account.applications[thing["name"]] = application(
            thing["name"],
            still_world.NOW,
            *packages,
            display_name=told.get("displayName"),
            default=told.get("defaultVersion"),
        )


async def test_recorded_reads_below_an_account() -> None:
    wrong: Counter[str] = Counter()
    asked = 0
    for recording in reads(*BELOW):
        if recording["api_version"] < "2019":
            continue  # resources had no etag then, and a version the name of its application
        body, way = recording["response_body"], steps(recording)
        if body.get("error", {}).get("code") == "ResourceGroupNotFound":
            continue
        if recording["status"] == 200 and "storageUrl" not in str(body) and len(way) == 12:
            continue  # a pending package, told without its address before anything was uploaded
        world = World(clock=Clock(still_world.NOW, paused=True))
        account = world.add_account(still_world.account(way[7], subscription=way[1], resource_group=way[3]))
        file_below(account, recording)
        manager = ResourceManager(world, Tokens())
        await manager.start()
        headers = {"Authorization": f"Bearer {Tokens().issue(MANAGEMENT)}"}
        url = URL(manager.url + URL(recording["uri"]).path).with_query({"api-version": "2024-02-01"})
        async with ClientSession(headers=headers) as session, session.get(url) as answer:
            answered = await answer.json()
        await manager.close()
        asked += 1
        wrong.update(compare(recording, answer.status, answer.headers, answered))
        if recording["status"] == 404:
            assert answered["error"]["code"] == body["error"]["code"]
            assert answered["error"]["message"].split("\n")[0] == body["error"]["message"].split("\n")[0]
            assert answered["error"]["target"] == body["error"]["target"]
    assert asked > 40
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(40))


RETIRED_POOL = {
    "certificates", "cloudServiceConfiguration", "maxTasksPerNode", "applicationLicenses", "windowsConfiguration",
    "targetLowPriorityNodes",
}  # fmt: skip
"""Names that a pool has no more, or has only where somebody asked for them."""


def names_of(value: Any, where: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in RETIRED_POOL:
                yield f"{where}/{name}:{kind(inner)}"
                yield from names_of(inner, f"{where}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from names_of(inner, f"{where}[]")


async def test_recorded_pools_of_resource_manager_have_no_other_names() -> None:
    """Pools of virtual machines: what Azure told of them, the sandbox tells too."""
    world = World(clock=Clock(still_world.NOW, paused=True))
    account = world.add_account(still_world.account())
    plain = still_world.pool("plain", display_name="x")
    scaled = still_world.pool(
        "scaled", enable_auto_scale=True, auto_scale_formula="$TargetDedicatedNodes=0",
        auto_scale_evaluation_interval="PT15M",
        auto_scale_run={"timestamp": still_world.NOW.isoformat(), "results": "$TargetDedicatedNodes=0"},
    )  # fmt: skip
    scaled.body = msgspec.convert(msgspec.to_builtins(scaled.body), type(scaled.body))
    account.pools |= {"plain": plain, "scaled": scaled}
    manager = ResourceManager(world, Tokens())
    await manager.start()
    headers = {"Authorization": f"Bearer {Tokens().issue(MANAGEMENT)}"}
    subscription = f"/subscriptions/{still_world.SUBSCRIPTION}"
    home = f"{subscription}/resourceGroups/batch-rg/providers/Microsoft.Batch/batchAccounts/render"
    url = URL(f"{manager.url}{home}/pools").with_query({"api-version": "2024-02-01"})
    async with ClientSession(headers=headers) as session, session.get(url) as answer:
        ours = set(names_of(sorted((await answer.json())["value"], key=identity)))
    await manager.close()
    compared = 0
    for recording in reads(f"{ACCOUNT}/pools", f"{ACCOUNT}/pools/{{pools}}"):
        body = recording["response_body"]
        for pool in body.get("value", [body] if "properties" in body else []):
            machines = pool["properties"].get("deploymentConfiguration", {}).get("virtualMachineConfiguration")
            if recording["api_version"] >= "2018" and machines and "startTask" not in pool["properties"]:
                compared += 1
                assert set(names_of([pool])) <= ours
    assert compared > 5
