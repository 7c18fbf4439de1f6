"""HTTP faults on request, the clock's controls, and the life of the whole server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import ClientSession
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from bot.sandbox.server import AzureSandbox, run
from bot.sandbox.wire.faults import Fault, Faults
from bot.sandbox.wire.tokens import BATCH, MANAGEMENT
from tests.sandbox import still_world

POOLS = "/pools?api-version=2025-06-01"


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    sandbox = AzureSandbox(still_world.still_world())
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def plane(sandbox: AzureSandbox) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    async with ClientSession(sandbox.endpoints["render"], headers=headers) as session:
        yield session


async def test_throttling(sandbox: AzureSandbox, plane: ClientSession) -> None:
    faults = sandbox.faults["render"]
    faults.add("throttle", path="^/pools", retry_after=7, count=1)
    faults.add("throttle", path="^/pools", status=429, count=1)
    async with plane.get(POOLS) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
        assert (await answer.json(content_type=None))["code"] == "ServerBusy"
    async with plane.get(POOLS) as answer:
        assert (answer.status, "Retry-After" in answer.headers) == (429, False)
        assert (await answer.json(content_type=None))["code"] == "TooManyRequests"
    async with plane.get(POOLS) as answer:
        assert answer.status == 200
    assert [fault.struck for fault in faults.all] == [1, 1]


async def test_a_client_retries_through_a_throttle(sandbox: AzureSandbox) -> None:
    sandbox.faults["render"].add("throttle", retry_after=0, count=2)
    async with BatchClient(sandbox.endpoints["render"], AzureNamedKeyCredential("render", still_world.KEY)) as client:
        assert (await client.get_pool("linux")).id == "linux"
    assert sandbox.faults["render"].all[0].struck == 2


async def test_server_errors_and_other_listeners(sandbox: AzureSandbox, plane: ClientSession) -> None:
    sandbox.faults["render"].add("error", count=1, code="OperationTimedOut")
    async with plane.get(POOLS) as answer:
        body = await answer.json(content_type=None)
        assert (answer.status, body["code"]) == (500, "OperationTimedOut")
        assert answer.headers["request-id"] in body["message"]["value"]
    sandbox.faults["arm"].add("throttle", count=1)
    url = f"{sandbox.arm_url}/subscriptions/{still_world.SUBSCRIPTION}/providers/Microsoft.Batch/batchAccounts"
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(MANAGEMENT)}"}
    for status in (429, 200):
        async with plane.get(POOLS) as answer:
            assert answer.status == 200
        async with plane.get(url, params={"api-version": "2025-06-01"}, headers=headers) as answer:
            assert (answer.status, "Retry-After" in answer.headers) == (status, False)


async def test_cut_connections(sandbox: AzureSandbox, plane: ClientSession) -> None:
    faults = sandbox.faults["render"]
    # A client may repeat a read by itself when a kept connection ends before the answer; it does so once.
    faults.add("cut", count=2)
    with pytest.raises(aiohttp.ClientConnectionError):
        await plane.get(POOLS)
    faults.clear()
    faults.add("cut", after=20, count=1)
    async with plane.get(POOLS) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    async with plane.get(POOLS) as answer:
        assert len((await answer.json(content_type=None))["value"]) == 13


async def test_slowness_delays_only_its_own_path(sandbox: AzureSandbox, plane: ClientSession) -> None:
    sandbox.faults["render"].add("slow", path="^/pools", seconds=30)
    slow = asyncio.create_task(plane.get(POOLS))
    async with plane.get("/jobs?api-version=2025-06-01") as answer:
        assert answer.status == 200
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


def test_probability_is_seeded_and_about_right() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("error", probability=0.25)
        return [faults.strike("GET", "/").refusal is not None for _ in range(400)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 60 < sum(strikes(1)) < 140


def test_slowness_adds_to_the_first_refusal() -> None:
    faults = Faults()
    for fault in (
        ("slow", {"seconds": 1}),
        ("slow", {"seconds": 2, "method": "post"}),
        ("error", {}),
        ("throttle", {}),
    ):
        faults.add(fault[0], **fault[1])  # type: ignore[arg-type]
    blow = faults.strike("GET", "/pools")
    assert (blow.seconds, blow.refusal and blow.refusal.kind, blow.cut) == (1, "error", None)
    assert faults.strike("POST", "/pools").seconds == 3


@pytest.mark.parametrize(
    "settings", [{"path": "("}, {"probability": 2}, {"status": 200}, {"seconds": -1}, {"count": -1}, {"after": -5}]
)
def test_faults_that_could_never_be_played(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"is|are"):
        Fault("cut", **settings)  # type: ignore[arg-type]


async def test_faults_over_the_control_route(sandbox: AzureSandbox, plane: ClientSession) -> None:
    async with plane.post("/_sandbox/faults", json=[{"kind": "throttle", "retryAfter": 3}, {"kind": "slow"}]) as answer:
        assert answer.status == 201
    async with plane.get(POOLS) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "3")
    async with plane.get("/_sandbox/faults") as answer:
        assert (await answer.json())["faults"] == [
            {"kind": "throttle", "retryAfter": 3.0, "struck": 1},
            {"kind": "slow"},
        ]
    for wrong in ({"kind": "flood"}, {"kind": "cut", "when": "now"}, {"kind": "slow", "path": "("}, "x"):
        async with plane.post("/_sandbox/faults", json=wrong) as answer:
            assert (answer.status, bool((await answer.json())["error"])) == (400, True)
    async with plane.delete("/_sandbox/faults") as answer:
        assert answer.status == 204
    assert sandbox.faults["render"].all == ()


async def test_the_clock_over_the_control_route(sandbox: AzureSandbox, plane: ClientSession) -> None:
    for url in ("/_sandbox/clock", f"{sandbox.arm_url}/_sandbox/clock"):
        async with plane.get(url) as answer:
            assert await answer.json() == {"now": "2026-11-02T12:00:00Z", "speed": 1.0, "paused": True}
    async with plane.post("/_sandbox/clock", json={"advance": 3600}) as answer:
        assert (await answer.json())["now"] == "2026-11-02T13:00:00Z"
    async with plane.get(POOLS) as answer:
        assert answer.headers["Date"] == "Mon, 02 Nov 2026 13:00:00 GMT"
    async with plane.post("/_sandbox/clock", json={"speed": 60, "pause": False}) as answer:
        assert (await answer.json()).items() >= {"speed": 60.0, "paused": False}.items()
    for wrong in ({"advance": -1}, {"speed": 0}, {"rewind": 1}, {"advance": 1e300}, []):
        async with plane.post("/_sandbox/clock", json=wrong) as answer:
            assert answer.status == 400, wrong


async def test_no_control_where_others_can_reach_it() -> None:
    sandbox = AzureSandbox(still_world.still_world())
    await sandbox.start("0.0.0.0")
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    port = sandbox.endpoints["render"].rpartition(":")[2]
    async with ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        for url in ("/_sandbox/clock", sandbox.arm_url.replace("0.0.0.0", "127.0.0.1") + "/_sandbox/clock"):
            async with session.get(url) as answer:
                assert answer.status in {400, 401, 404}
                assert "now" not in await answer.text()
        async with session.get(POOLS) as answer:
            assert answer.status == 200
    await sandbox.close()


async def test_a_taken_port_leaves_nothing_behind() -> None:
    first, second = AzureSandbox(still_world.still_world()), AzureSandbox(still_world.still_world())
    await first.start()
    with pytest.raises(OSError, match="in use"):
        await second.start(port=int(first.endpoints["render"].rpartition(":")[2]))
    assert not second.accounts
    await first.close()


async def test_there_is_no_such_scenario() -> None:
    with pytest.raises(ValueError, match="no scenario nonsense; there are demo"):
        await run(0, "nonsense", 1, 1.0)


def test_the_command_says_where_it_is_and_ends_when_asked() -> None:
    script = "import asyncio; from bot.sandbox.server import run; asyncio.run(run(0, 'tiny', 7, 60))"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env=os.environ
    )
    assert process.stdout is not None
    told = {}
    with process.stdout as lines:
        for line in lines:
            name, _, value = line.strip().partition("=")
            told[name] = value
            if name == "IDENTITY_HEADER":
                process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert told.keys() >= {"ACCOUNT", "ENDPOINT", "KEY", "ARM_ENDPOINT", "SUBSCRIPTION", "RESOURCE_GROUP", "LOCATION"}
    assert told["IDENTITY_ENDPOINT"] == f"{told['ARM_ENDPOINT']}/msi/token"
