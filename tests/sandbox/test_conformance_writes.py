"""For every recorded write of the data plane that can be made today, the sandbox answers as Azure did.

What the write was about is made in a fresh account, in the state that the recorded answer tells of; then the recorded
request is sent, and status, headers, the shape of the body and the words of refusals are compared. Sizes and images
that are no longer offered are exchanged for those that are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import ClientSession
from yarl import URL

from bot.sandbox.entity_specs import JobSpecification, Schedule
from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import BATCH
from bot.sandbox.world import AccountState, Clock, LivePool, World, node_users
from bot.sandbox.world.applications import Package, application
from bot.sandbox.world.certificates import certificate
from bot.sandbox.world.scenarios.parts import on
from tests.sandbox import still_world
from tests.sandbox.test_conformance_recordings import differences, exact, recordings, refusals, served
from tests.sandbox.writable_sandbox import MACHINES, START, add_pool

NEW = "2024-07-01.20.0"
TOLD = {"content-type", "dataserviceid", "etag", "last-modified", "location"}
RETIRED = {
    "applicationLicenses", "blobSource", "cloudServiceConfiguration", "maxTasksPerNode", "osDisk", "runElevated",
    "subnetId", "targetDedicated", "targetOSVersion",
}  # fmt: skip
"""Names that no api-version of today has, or that are refused for what an account is not enabled for."""

NODE = "POST DP /pools/{poolId}/nodes/{nodeId}"


@dataclass
class Place:
    """A sandbox with one account that is made anew for every recording."""

    sandbox: AzureSandbox
    session: ClientSession

    @property
    def account(self) -> AccountState:
        return self.sandbox.world.accounts["render"]


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    world = World(seed=2, clock=Clock(START, paused=True))
    world.add_account(still_world.account())
    sandbox = AzureSandbox(world)
    await sandbox.start()
    async with ClientSession(headers={"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}) as session:
        yield Place(sandbox, session)
    await sandbox.close()


def writes() -> Iterator[dict[str, Any]]:
    for recording in recordings():
        if recording["route"].startswith("DP ") and recording["method"] not in {"GET", "HEAD"}:
            yield recording


def possible(recording: dict[str, Any]) -> bool:
    """Whether a client of today could send it, and nothing that was not recorded decides about the answer."""
    body, told, status = recording["request_body"], recording["response_body"], recording["status"]
    route = f"{recording['method']} {recording['route']}"
    if status == 500 or told is None or (isinstance(told, str) and told.startswith("<")):
        return False  # a bad day, or refused before it reached the service
    if route == f"{NODE}/reimage" and status == 202:
        return False  # machines of a cloud service
    if RETIRED & set(_names(body)):
        return False
    return isinstance(body, dict) or (body is None and route not in NEEDS_BODY)


NEEDS_BODY = {
    "PATCH DP /jobs/{jobId}", "PATCH DP /jobschedules/{jobScheduleId}", "PATCH DP /pools/{poolId}",
    "POST DP /certificates", "POST DP /jobs", "POST DP /jobs/{jobId}/addtaskcollection",
    "POST DP /jobs/{jobId}/disable", "POST DP /jobs/{jobId}/tasks", "POST DP /jobschedules", "POST DP /pools",
    "POST DP /pools/{poolId}/enableautoscale", "POST DP /pools/{poolId}/evaluateautoscale",
    "POST DP /pools/{poolId}/removenodes", "POST DP /pools/{poolId}/resize",
    "POST DP /pools/{poolId}/updateproperties", f"{NODE}/uploadbatchservicelogs", f"{NODE}/users",
    "PUT DP /jobs/{jobId}", "PUT DP /jobs/{jobId}/tasks/{taskId}", "PUT DP /jobschedules/{jobScheduleId}",
    "PUT DP /pools/{poolId}/nodes/{nodeId}/users/{userName}",
}  # fmt: skip


def _names(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        for name, item in body.items():
            yield name
            yield from _names(item)
    elif isinstance(body, list):
        for item in body:
            yield from _names(item)


def modern(body: Any, *, image: bool) -> Any:
    """The body with a size and, where it is not what was refused, an image that are offered today."""
    if isinstance(body, dict):
        changed = {name: modern(item, image=image) for name, item in body.items()}
        if image and "imageReference" in changed and "publisher" in changed["imageReference"]:
            changed |= MACHINES
        if "vmSize" in changed:
            changed["vmSize"] = "standard_d2s_v3"
        return changed
    return [modern(item, image=image) for item in body] if isinstance(body, list) else body


# --- what the write is about ------------------------------------------------------------------------------------------


def populate(account: AccountState, recording: dict[str, Any], steps: list[str]) -> None:
    code = recording["response_body"].get("code") if isinstance(recording["response_body"], dict) else None
    verb = steps[-1] if recording["method"] == "POST" else recording["method"]
    match steps:
        case ["pools"] if code == "PoolExists":
            add_pool(account, recording["request_body"]["id"], 0)
        case ["pools", pool_id, *rest]:
            pool = add_pool(account, pool_id, 3)
            if rest[:1] == ["nodes"]:
                node(account, pool, rest[1], verb, code)
            else:
                ready_pool(account, pool, verb, recording["request_body"] or {})
        case ["jobs", job_id, *rest]:
            account.facts.job_quota = 10
            add_pool(account, "pool", 1)
            package = Package(version="v1.0", modified=START, activated=START)
            account.applications["application_id"] = application("application_id", START, package)
            job = account.job_lifecycle.add(job_id, JobSpecification(pool_info=on("pool"), uses_task_dependencies=True))
            info = (recording["request_body"] or {}).get("poolInfo", {})
            job.body.pool_info.pool_id = info.get("poolId", "pool")
            if rest[:1] == ["tasks"] and len(rest) > 1:
                account.commands.add_task(job_id, rest[1], "exit 1" if verb == "reactivate" else "sleep 9000")
                wait(account, 120)
            if verb == "enable":
                account.commands.disable_job(job_id)
                wait(account, 30)
        case ["jobschedules", schedule_id, *_]:
            plan = Schedule(do_not_run_until=START + timedelta(days=1))
            account.schedule_lifecycle.add(schedule_id, plan, JobSpecification(pool_info=on("pool")))
            if verb == "enable":
                account.commands.disable_schedule(schedule_id)


def wait(account: AccountState, seconds: float) -> None:
    account.world.clock.advance(timedelta(seconds=seconds))
    account.world.settle()


def ready_pool(account: AccountState, pool: LivePool, verb: str, body: dict[str, Any]) -> None:
    if verb == "stopresize":
        account.commands.resize(pool.id, 5)
    elif verb in {"evaluateautoscale", "disableautoscale"}:
        account.commands.set_autoscale(pool.id, "$TargetDedicatedNodes=0")
        wait(account, 300)
    for old, wanted in zip(list(pool.nodes), body.get("nodeList", ()), strict=False):
        rename(pool, old, wanted)


def rename(pool: LivePool, old: str, wanted: str) -> None:
    found = pool.nodes.pop(old)
    if found.shelf is not None:
        del pool.open[found.shelf][old]
        pool.open[found.shelf][wanted] = found
    found.body.id = wanted
    pool.nodes[wanted] = found
    pool.reordered()


def node(account: AccountState, pool: LivePool, node_id: str, verb: str, code: str | None) -> None:
    rename(pool, next(iter(pool.nodes)), node_id)
    found = pool.nodes[node_id]
    if verb == "enablescheduling":
        account.commands.disable_scheduling(pool.id, node_id)
    elif code == "TVMCurrentOperationUnsupported":
        account.inject.break_nodes(pool.id, 3)
    elif verb in {"PUT", "DELETE"}:
        for name in ("NodeSDKTestUser", "BatchPythonSDKUser", "xplatUser"):
            node_users.add(found, name, account.world.time, is_admin=False, expires=None)


# --- asking again -----------------------------------------------------------------------------------------------------


async def test_recorded_writes_are_answered_as_recorded(place: Place) -> None:
    wrong: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for recording in writes():
        if not possible(recording):
            continue
        steps = [unquote(step) for step in URL(recording["uri"], encoded=True).raw_path.strip("/").split("/")]
        if "certificates" in steps[0] or "files" in steps:
            continue  # see below
        forget(place.account)
        populate(place.account, recording, steps)
        route = f"{recording['method']} {recording['route']}"
        asked[route] += 1
        wrong.update(f"{route} {what}" for what in await replay(place, recording))
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(40))
    assert len(asked) >= 30, asked
    assert asked.total() > 700


def forget(account: AccountState) -> None:
    for things in (account.pools, account.jobs, account.schedules, account.certificates):
        things.clear()  # type: ignore[attr-defined]
    account.active_jobs = account.active_schedules = 0
    account.cores = {True: 0, False: 0}
    account.family_cores.clear()


async def replay(place: Place, recording: dict[str, Any]) -> list[str]:
    recorded = URL(recording["uri"], encoded=True)
    url = URL(place.sandbox.endpoints["render"] + recorded.raw_path, encoded=True)
    body, headers = recording["request_body"], {}
    if recording["status"] != 400 or "vmSize" not in str(recording["response_body"]):
        body = modern(body, image=recording["status"] != 400)
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json; odata=minimalmetadata; charset=utf-8"
    if recording["status"] == 412:  # the header was not recorded
        headers["If-Match"] = "0x8D3DB6493E8AD24"
    async with place.session.request(
        recording["method"], url.with_query({"api-version": served(recording)}), data=data, headers=headers
    ) as answer:
        told = await answer.read()
    answered = json.loads(told) if told else None
    return list(compare(recording, answer.status, {name.lower() for name in answer.headers}, answered))


def compare(recording: dict[str, Any], status: int, headers: set[str], answered: Any) -> Iterator[str]:
    if status != recording["status"]:
        yield f"status {status} instead of {recording['status']}: {str(answered)[:300]}"
        return
    told = {name.lower() for name in recording["response_headers"]}
    if (told & TOLD) != (headers & TOLD):
        yield f"headers {sorted(headers & TOLD)} instead of {sorted(told & TOLD)}"
    body = recording["response_body"]
    if status >= 400:
        yield from refusals(body, answered)
        if "values" in body and {each["key"] for each in body["values"]} != {
            each["key"] for each in answered.get("values", ())
        }:
            yield f"values {answered.get('values')} instead of {body['values']}"
    elif isinstance(body, dict):
        yield from differences(body, answered, modern=exact(recording))
    elif answered is not None:
        yield f"a body: {answered}"


async def test_recorded_writes_of_certificates_and_files(place: Place) -> None:
    """Their names are not taken from the recordings: contents are not in them, and a world writes files of its own."""
    account, endpoint = place.account, place.sandbox.endpoints["render"]
    add_pool(account, "pool", 1)
    account.commands.add_job("job", JobSpecification(pool_info=on("pool")))
    account.commands.add_task("job", "task", "sleep 9000")
    wait(account, 60)
    home = next(iter(account.pools["pool"].nodes))
    seen: Counter[str] = Counter()
    for recording in writes():
        route = recording["route"]
        if route.endswith("files/{filePath}") and recording["status"] == 200:
            account.files = type(account.files)(account)
            path = f"/pools/pool/nodes/{home}/files/workitems%2Fjob%2Fjob-1%2Ftask%2Fstderr.txt"
            if "/jobs/" in route:
                path = "/jobs/job/tasks/task/files/stderr.txt"
        elif "thumbprint=" in route:
            code = recording["response_body"]["code"] if recording["status"] >= 400 else ""
            state = "deleting" if code == "CertificateBeingDeleted" else "active"
            live = certificate("seed", "name", START, state=state)
            account.certificates = {live.id: live}
            verb = "/canceldelete" if route.endswith("canceldelete") else ""
            path = f"/certificates(thumbprintAlgorithm=sha1,thumbprint={live.id}){verb}"
        else:
            continue
        url = URL(f"{endpoint}{path}?api-version={NEW}", encoded=True)
        async with place.session.request(recording["method"], url) as answer:
            told = await answer.read()
        names = {name.lower() for name in answer.headers}
        wrong = list(compare(recording, answer.status, names, json.loads(told) if told else None))
        assert not wrong, (recording["uri"], wrong)
        seen[f"{recording['method']} {route}"] += 1
    assert len(seen) == 4
