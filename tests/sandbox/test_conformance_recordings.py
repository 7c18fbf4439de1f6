"""For every recorded read of Azure on a route the sandbox serves, the sandbox says the same in the same shape.

The recorded things are put into a world, the recorded request is made again, and status, headers and the shape of the
body (names and JSON types, all the way down) are compared with what Azure answered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from aiohttp import ClientSession
from yarl import URL

from bot.sandbox.entities import (
    Job,
    JobSchedule,
    Node,
    Pool,
    TaskExecutionInformation,
    VirtualMachineFamilyCoreQuota,
)
from bot.sandbox.entity_specs import TaskSpecification
from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.arm import ResourceManager
from bot.sandbox.wire.tokens import BATCH, MANAGEMENT, Tokens
from bot.sandbox.wire.versions import DATA_PLANE, RESOURCE_MANAGER
from bot.sandbox.world import Clock, LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask, World
from bot.sandbox.world.account import AccountState
from tests.sandbox import still_world
from tests.shared import shared

RECORDINGS = shared("azure/recordings.jsonl")

VERSION = "2024-02-01.19.0"
"""The newest api-version that was recorded; older recordings are asked again in it."""

MODERN = "2021-06"
"""Recordings of api-versions from here on are asked again in their own: nothing may be new, nothing missing."""

CHANGED = "2022-06-01"
"""An api-version of Resource Manager under which the service added properties while it was recorded."""


RETIRED = {
    "applicationLicenses", "blobSource", "certificateReferences", "cloudServiceConfiguration", "coreQuota",
    "currentDedicated", "maxTasksPerNode", "networkProfile", "resizeError", "runElevated", "schedulingError",
    "targetDedicated", "validationStatus",
}  # fmt: skip
"""Names of older api-versions that the newest recorded one does not have, and rules of the network."""

POOL, NODE, JOB, TASK, SCHEDULE = "pools", "nodes", "jobs", "tasks", "jobschedules"


@cache
def recordings() -> list[dict[str, Any]]:
    with RECORDINGS.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def reads(*routes: str) -> Iterator[dict[str, Any]]:
    for recording in recordings():
        if recording["route"] in routes and recording["method"] in {"GET", "HEAD"}:
            yield recording


# --- a world like the recorded one ------------------------------------------------------------------------------------


def filled(kind: Any, recorded: dict[str, Any], template: Any) -> Any:
    """The recorded thing as an entity; what its api-version or its `$select` lacked is the template's."""
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    base = msgspec.to_builtins(template)
    required = {f.encode_name for f in msgspec.structs.fields(kind) if f.required}
    merged = {name: base[name] for name in required if name in base}
    return msgspec.convert(merged | {k: v for k, v in recorded.items() if k in names}, kind)


def add_pool(account: AccountState, recorded: dict[str, Any], default: str) -> LivePool:
    live = still_world.pool(recorded.get("id", default))
    live.body = filled(Pool, {"id": live.id, **recorded}, live.body)
    live.counts[True]["idle"] = live.body.current_dedicated_nodes
    live.counts[False]["idle"] = live.body.current_low_priority_nodes
    account.pools[live.id] = live
    return live


def add_node(home: LivePool, recorded: dict[str, Any], default: str) -> LiveNode:
    live = still_world.node(home, 0)
    del home.nodes[live.id]
    live.body = filled(Node, {"id": default, **recorded}, live.body)
    for told in live.body.recent_tasks or []:
        job = still_world.job(told.job_id or "any")
        task = still_world.task(job, 0, told.task_state, told.execution_info)
        job.drop(task)
        task.id = told.task_id or "any"
        job.hold(task)
        live.recent.append((job, task, told.subtask_id))
    if live.body.recent_tasks == []:  # what ran was deleted
        job = still_world.job("any")
        task = still_world.task(job, 0, "completed")
        live.recent.append((job, task, None))
        job.drop(task)
    home.nodes[live.id] = live
    home.reordered()
    return live


def add_job(account: AccountState, recorded: dict[str, Any], default: str) -> LiveJob:
    live = still_world.job(recorded.get("id", default))
    live.body = filled(Job, {"id": live.id, **recorded}, live.body)
    account.jobs[live.id] = live
    return live


def add_task(home: LiveJob, recorded: dict[str, Any], default: str) -> LiveTask:
    info = msgspec.convert(
        recorded.get("executionInfo", {"retryCount": 0, "requeueCount": 0}), TaskExecutionInformation
    )
    live = still_world.task(home, len(home.tasks), recorded.get("state", "active"), info)
    del home.tasks[live.id]
    live.id = recorded.get("id", default)
    live.spec = msgspec.convert(recorded, TaskSpecification)
    live.slots = recorded.get("requiredSlots", 1)
    for name in ("state_transition_time", "previous_state", "previous_state_transition_time"):
        value = recorded.get(camel(name))
        if value is not None:
            setattr(live, name, value if name == "previous_state" else datetime.fromisoformat(value))
    node = recorded.get("nodeInfo", {})
    live.pool_id, live.node_id = node.get("poolId"), node.get("nodeId")
    home.tasks[live.id] = live
    home.reordered()
    return live


def add_schedule(account: AccountState, recorded: dict[str, Any], default: str) -> LiveSchedule:
    live = still_world.schedule(recorded.get("id", default))
    live.body = filled(JobSchedule, {"id": live.id, **recorded}, live.body)
    account.schedules[live.id] = live
    return live


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def populate(account: AccountState, recording: dict[str, Any]) -> None:
    """Puts what was answered (and what it lay in) into the account."""
    steps = [unquote(step) for step in URL(recording["uri"], encoded=True).raw_path.strip("/").split("/")]
    body = recording["response_body"] or {}
    things = body.get("value", [body]) if recording["status"] == 200 else []
    first, home, inner, name = [*steps, "", "", "", ""][:4]
    if first == "pools" and inner == "nodes":
        pool = add_pool(account, {}, home)
        for thing in things:
            add_node(pool, thing, name)
    elif first == "jobs" and inner:
        job = add_job(account, {}, home)
        for thing in things if inner == "tasks" else []:
            add_task(job, thing, name)
    elif first == "jobschedules" and inner:
        schedule = add_schedule(account, {}, home)
        for thing in things:
            add_job(account, thing, "").schedule = schedule
    elif first != "poolusagemetrics":
        add = {"pools": add_pool, "nodecounts": add_pool, "jobs": add_job, "jobschedules": add_schedule}[first]
        more = [{"id": "~ one more"}] if "odata.nextLink" in body else []
        for thing in [*things, *more]:
            add(account, {"id": thing["poolId"]} if first == "nodecounts" else thing, home)


# --- comparing --------------------------------------------------------------------------------------------------------


def differences(recorded: Any, answered: Any, *, modern: bool, where: str = "") -> Iterator[str]:
    """Where the answer has other names or other types than the recording."""
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for name in recorded.keys() - RETIRED:
            if name not in answered and recorded[name] in (None, [], {}):
                continue  # the service says "none" either way, for the same property of two things of one list
            if name not in answered:
                yield f"{where}/{name} is missing"
            else:
                yield from differences(recorded[name], answered[name], modern=modern, where=f"{where}/{name}")
        if modern:
            yield from (
                f"{where}/{name} is new" for name in answered.keys() - recorded.keys() - RETIRED - {"upgradingOS"}
            )
    elif isinstance(recorded, list) and isinstance(answered, list):
        if len(recorded) != len(answered):
            yield f"{where} has {len(answered)} items instead of {len(recorded)}"
        for one, other in zip(sorted(recorded, key=identity), sorted(answered, key=identity), strict=False):
            yield from differences(one, other, modern=modern, where=f"{where}[]")
    elif kind(recorded) != kind(answered):
        yield f"{where} is a {kind(answered)} instead of a {kind(recorded)}"


def identity(item: Any) -> str:
    """What pairs the items of two lists; items without an id keep their order."""
    return str(item.get("id") or item.get("poolId") or "") if isinstance(item, dict) else ""


def kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


ROUTES = [
    ("DP /pools",),
    ("DP /pools/{poolId}",),
    ("DP /pools/{poolId}/nodes", "DP /pools/{poolId}/nodes/{nodeId}"),
    ("DP /nodecounts", "DP /jobs/{jobId}/taskcounts", "DP /poolusagemetrics"),
    ("DP /jobs", "DP /jobs/{jobId}"),
    ("DP /jobs/{jobId}/tasks",),
    ("DP /jobs/{jobId}/tasks/{taskId}",),
    ("DP /jobschedules", "DP /jobschedules/{jobScheduleId}", "DP /jobschedules/{jobScheduleId}/jobs"),
]


@pytest.mark.parametrize("routes", ROUTES, ids=[routes[-1] for routes in ROUTES])
async def test_recorded_reads_of_the_data_plane(routes: tuple[str, ...]) -> None:
    world = World(clock=Clock(still_world.NOW, paused=True))
    account = world.add_account(still_world.account())
    sandbox = AzureSandbox(world)
    await sandbox.start()
    wrong: Counter[str] = Counter()
    asked = 0
    async with ClientSession(headers={"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}) as session:
        for recording in reads(*routes):
            if skipped(recording):
                continue
            for things in (account.pools, account.jobs, account.schedules):
                things.clear()
            populate(account, recording)
            asked += 1
            wrong.update(await replay(session, sandbox.endpoints["render"], recording))
    await sandbox.close()
    assert asked
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(40))


def skipped(recording: dict[str, Any]) -> bool:
    """Recordings nothing of today can repeat: the first api-versions' names in a query, and their flat task counts."""
    flat = "active" in (recording["response_body"] or {})
    selected = URL(recording["uri"], encoded=True).query.get("$select", "").split(",")
    retired = recording["route"] == "DP /poolusagemetrics" and recording["status"] == 200
    return retired or flat or "skiptoken" in recording["uri"] or "targetDedicated" in map(str.strip, selected)


def served(recording: dict[str, Any]) -> str:
    """The recorded api-version, or the newest recorded one where that is served no more."""
    version: str = recording["api_version"]
    return version if version in DATA_PLANE else VERSION


async def replay(session: ClientSession, endpoint: str, recording: dict[str, Any]) -> list[str]:
    recorded_url = URL(recording["uri"], encoded=True)
    query = {**recorded_url.query, "api-version": served(recording)}
    url = URL(endpoint + recorded_url.raw_path, encoded=True).with_query(query)
    async with session.request(recording["method"], url) as answer:
        body = await answer.read()
    answered = json.loads(body) if body else None
    wrong = list(compare(recording, answer.status, answer.headers, answered))
    if not wrong and answered is not None:
        fragment = recording["response_body"]["odata.metadata"].partition("$metadata")[2]
        if answered["odata.metadata"] != f"{endpoint}/$metadata{fragment}":
            wrong.append(f"metadata {answered['odata.metadata']} instead of {fragment}")
        if answer.status >= 400:
            wrong += refusals(recording["response_body"], answered)
    return wrong


def exact(recording: dict[str, Any]) -> bool:
    """Whether the answer may have nothing that the recording has not."""
    version: str = recording["api_version"]
    return version >= MODERN and version != CHANGED


def compare(recording: dict[str, Any], status: int, headers: Mapping[str, str], answered: Any) -> Iterator[str]:
    """Status, the headers that carry meaning, and the shape of the body."""
    if status != recording["status"]:
        yield f"status {status} instead of {recording['status']}: {str(answered)[:200]}"
        return
    told = {name.lower(): value for name, value in recording["response_headers"].items()}
    for name in told.keys() & {"request-id", "etag", "last-modified", "content-type"}:
        if name not in headers:
            yield f"header {name} is missing"
    if "content-type" in told and headers.get("content-type") != told["content-type"]:
        yield f"content type {headers.get('content-type')} instead of {told['content-type']}"
    if recording["method"] == "GET" and recording["response_body"] is not None:
        yield from differences(recording["response_body"], answered, modern=exact(recording))


def refusals(recorded: Any, answered: Any) -> Iterator[str]:
    """The code, the words and the lines that sign them."""
    told, said = (body["message"]["value"].split("\n") for body in (recorded, answered))
    if (answered["code"], said[0]) != (recorded["code"], told[0]):
        yield f"{answered['code']}: {said[0]} instead of {recorded['code']}: {told[0]}"
    if [line.partition(":")[0] for line in said] != [line.partition(":")[0] for line in told]:
        yield f"message {said}"


# --- Resource Manager -------------------------------------------------------------------------------------------------

ACCOUNTS = "ARM /subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts"
ARM_ROUTES = (
    "ARM /subscriptions/{sub}/providers/Microsoft.Batch/batchAccounts",
    ACCOUNTS,
    f"{ACCOUNTS}/{{batchAccounts}}",
    "ARM /subscriptions/{sub}/providers/Microsoft.Batch/locations/{locations}/quotas",
)


def add_account(world: World, recorded: dict[str, Any], *, group: str) -> None:
    """The recorded account's facts."""
    subscription = recorded["id"].split("/")[2]
    told = recorded["properties"]
    storage = told.get("autoStorage")
    facts = still_world.account(
        recorded["name"],
        subscription=subscription,
        resource_group=group,
        location=recorded["location"],
        pool_allocation_mode=told.get("poolAllocationMode", "BatchService"),
        families=msgspec.convert(told.get("dedicatedCoreQuotaPerVMFamily", []), list[VirtualMachineFamilyCoreQuota]),
        auto_storage_account_id=storage["storageAccountId"] if storage else None,
        identity=recorded.get("identity"),
        tags=recorded.get("tags") or None,
    )
    world.add_account(facts)


async def test_recorded_reads_of_resource_manager() -> None:
    wrong: Counter[str] = Counter()
    asked = 0
    for recording in reads(*ARM_ROUTES):
        body = recording["response_body"]
        if body in (None, {"value": []}):
            continue  # the sandbox knows subscriptions and groups by the accounts in them: none of them is empty
        if recording["api_version"] < "2019" and "UserSubscription" in str(body):
            continue  # quotas that are not the account's were answered as 2147483647; now they are left out
        steps = URL(recording["uri"]).path.strip("/").split("/")
        world = World(clock=Clock(still_world.NOW, paused=True))
        for number, thing in enumerate(sorted(body.get("value", [body] if "id" in body else []), key=identity)):
            one_of_many = {"name": f"account{number}"} if "value" in body else {}
            add_account(world, thing | one_of_many, group=steps[3] if steps[2] == "resourceGroups" else "any")
        if not world.accounts:
            # A quota or a refusal: the region and the group are there all the same.
            region = steps[5] if "locations" in steps else "westeurope"
            world.add_account(still_world.account(subscription=steps[1], location=region, resource_group=steps[3]))
        manager = ResourceManager(world, Tokens())
        await manager.start()
        headers = {"Authorization": f"Bearer {Tokens().issue(MANAGEMENT)}"}
        version = recording["api_version"] if recording["api_version"] in RESOURCE_MANAGER else "2024-02-01"
        url = URL(manager.url + URL(recording["uri"]).path).with_query({"api-version": version})
        async with ClientSession(headers=headers) as session, session.get(url) as answer:
            answered = await answer.json()
        await manager.close()
        asked += 1
        wrong.update(compare(recording, answer.status, answer.headers, answered))
    assert asked
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(40))
