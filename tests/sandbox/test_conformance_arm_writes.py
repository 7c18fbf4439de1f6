"""For every recorded write over Resource Manager that can be made today, the sandbox answers as Azure did."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from aiohttp import ClientSession
from yarl import URL

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import MANAGEMENT
from bot.sandbox.wire.versions import RESOURCE_MANAGER
from bot.sandbox.world import AccountState, Clock, World
from bot.sandbox.world.applications import Package, application
from bot.sandbox.world.certificates import certificate
from tests.sandbox import still_world
from tests.sandbox.test_conformance_recordings import differences, exact, recordings
from tests.sandbox.test_conformance_writes import modern
from tests.sandbox.writable_sandbox import START, add_pool

OLD = "2024-02-01"
TOLD = {"etag", "location", "content-type"}
BEFORE_NAMES = {"allowUpdates", "packages"}
"""Names at the top of an application's body in the first api-versions."""

MADE_UP = {
    "autoStorage", "dedicatedCoreQuotaPerVMFamily", "displayName", "identity", "keyVaultReference",
    "lastActivationTime", "networkProfile", "privateEndpointConnections", "tags",
}  # fmt: skip
"""What depends on the account that was recorded, not on the write."""


def writes() -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Recorded writes with the steps of their path below the account's kind."""
    for recording in recordings():
        if not recording["route"].startswith("ARM ") or recording["method"] == "GET":
            continue
        path = unquote(URL(recording["uri"], encoded=True).path)
        found = re.search(r"/providers/Microsoft\.Batch/(batchAccounts|locations)/(.*)", path, re.IGNORECASE)
        if found and possible(recording):
            yield recording, found[2].split("/")


def possible(recording: dict[str, Any]) -> bool:
    body, status, told = recording["request_body"], recording["status"], recording["response_body"]
    if status in {429, 504} or isinstance(body, str) or "privateEndpointConnections" in recording["uri"]:
        return False
    if "cloudServiceConfiguration" in json.dumps(told) or "maxTasksPerNode" in json.dumps([body, told]):
        return False  # of the first api-versions
    if isinstance(told, dict) and told.get("error", {}).get("code") == "InsufficientPermissions":
        return False
    needs = recording["method"] in {"PUT", "PATCH"} and recording["route"].endswith(("batchAccounts}", "pools}"))
    if body is None and (needs or recording["route"].endswith(("regenerateKeys", "checkNameAvailability", "activate"))):
        return False
    if status in {201, 204} and "applications" in recording["route"]:
        return False  # of the first api-versions, which had other statuses
    return "certificates}" not in recording["route"] or recording["method"] == "DELETE" or "cancel" in recording["uri"]


def place_for(world: World, recording: dict[str, Any], steps: list[str]) -> None:
    """The account the write is about, or for a new one only its neighbour, with what lies below it."""
    path = URL(recording["uri"], encoded=True).path.split("/")
    group = path[path.index("resourceGroups") + 1] if "resourceGroups" in path else "any"
    location = (recording["request_body"] or {}).get("location", "eastus")
    new = recording["method"] == "PUT" and len(steps) == 1 and recording["status"] != 200
    name = "neighbour" if new or "locations" in path else steps[0]
    known = world.add_account(
        still_world.account(
            name, subscription=path[2], resource_group=group, location=location.replace(" ", "").lower()
        )
    )
    if recording["route"].endswith("checkNameAvailability"):
        known.facts.location = steps[0]
        if recording["response_body"].get("reason") == "AlreadyExists":
            wanted = recording["request_body"]["name"]
            world.add_account(still_world.account(wanted, subscription=path[2], location=steps[0]))
    below(known, recording, steps[1:])


def below(account: AccountState, recording: dict[str, Any], steps: list[str]) -> None:
    told = recording["response_body"] if isinstance(recording["response_body"], dict) else {}
    code = told.get("error", {}).get("code", "")
    match steps:
        case ["applications", app_id, *rest] if recording["method"] != "PUT" or rest:
            wanted = ((recording["request_body"] or {}).get("properties") or {}).get("defaultVersion") or "1.0"
            package = Package(version=wanted, modified=START, uploaded=code != "ApplicationPackageBlobNotFound")
            packages = [] if not rest and recording["method"] == "DELETE" and not code else [package]
            for version in rest[1:2]:
                packages = [Package(version=version, modified=START, uploaded=package.uploaded)]
            if recording["method"] == "PUT":
                packages = []
            told = told.get("properties", {})
            made = application(app_id, START, *packages, default=told.get("defaultVersion"))
            account.applications[app_id] = made
        case ["certificates", name, *_]:
            state = "active" if recording["method"] == "DELETE" else "deletefailed"
            live = certificate("seed", "name", START, state=state)
            live.body.thumbprint = name.rpartition("-")[2].lower()
            account.certificates = {live.id: live}
        case ["pools", pool_id, *_] if recording["method"] != "PUT":
            pool = add_pool(account, pool_id, 0)
            if steps[-1] in {"disableAutoScale", "stopResize"}:
                account.autoscale.enable(pool, "$TargetDedicatedNodes=0")


async def test_recorded_writes_of_resource_manager() -> None:
    wrong: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for recording, steps in writes():
        world = World(seed=1, clock=Clock(START, paused=True))
        place_for(world, recording, steps)
        sandbox = AzureSandbox(world)
        await sandbox.start()
        route = f"{recording['method']} {recording['route'].rpartition('Microsoft.Batch/')[2]} {recording['status']}"
        asked[route] += 1
        headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
        async with ClientSession(headers=headers) as session:
            found = [what async for what in replay(session, sandbox, recording)]
        await sandbox.close()
        wrong.update(f"{route}: {what}" for what in found)
    assert not wrong, "\n".join(f"{number} x {what}" for what, number in wrong.most_common(40))
    assert len(asked) >= 18, asked
    assert asked.total() > 200


async def replay(session: ClientSession, sandbox: AzureSandbox, recording: dict[str, Any]) -> Any:
    path = URL(recording["uri"], encoded=True).raw_path
    version = recording["api_version"] if recording["api_version"] in RESOURCE_MANAGER else OLD
    url = URL(sandbox.arm_url + path, encoded=True).with_query({"api-version": version})
    body = modern(recording["request_body"], image=True)
    async with session.request(recording["method"], url, json=body) as answer:
        data = await answer.read()
        answered = json.loads(data) if data else None
        names = {name.lower() for name in answer.headers}
    if answer.status != recording["status"]:
        yield f"status {answer.status}: {str(answered)[:200]}"
        return
    told = recording["response_body"]
    recorded = {name.lower() for name in recording["response_headers"]} & TOLD
    if recorded != names & TOLD:
        yield f"headers {sorted(names & TOLD)} instead of {sorted(recorded)}"
    if answer.status >= 400:
        for what in refused(told["error"], answered["error"]):
            yield what
    elif isinstance(told, dict) and not BEFORE_NAMES & set(told):
        for what in differences(told, answered, modern=exact(recording)):
            if not MADE_UP & set(re.split(r"[/ \[\]]", what)):
                yield what
    if "location" in recorded:
        address = answer.headers["Location"].removeprefix(sandbox.arm_url)
        async with session.get(sandbox.arm_url + address) as poll:
            if poll.status != 202:
                yield f"poll {poll.status}"
        sandbox.world.clock.advance(timedelta(minutes=5))
        async with session.get(sandbox.arm_url + address) as poll:
            if poll.status != 200:
                yield f"last poll {poll.status}"


def refused(recorded: dict[str, Any], answered: dict[str, Any]) -> Iterator[str]:
    """The code, the first line of the message, the target and the details."""
    for name in ("code", "target", "details"):
        if recorded.get(name) != answered.get(name):
            yield f"{name} {answered.get(name)} instead of {recorded.get(name)}"
    if recorded["message"].split("\n")[0] != answered["message"].split("\n")[0]:
        yield f"message {answered['message']}"
