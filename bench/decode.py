"""Reading lists: our pipeline beside azure-batch's own clients, against one loopback server, in one run.

    python -m bench.decode [--tasks 50000] [--sdk-tasks 10000] [--bytes 1700]

A server in a process of its own serves tasks as Batch does, in pages of 1000. Each client lists them, several times,
of which the best counts. Told are objects a second of one core (CPU time of this process alone, so that a busy machine
does not decide), CPU microseconds an object, objects a second by the clock, and the longest time that the event loop
stood still. The ratio is that of the first column.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from aiohttp import web
from azure.batch import BatchClient as SyncBatchClient
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.models import Task, TaskRow
from bot.settings import AccountSettings

PAGE = 1000
GOAL = 60
KEY = "YmVuY2g="
JOB = "bench"
ROUNDS = 3  # of which the best counts, for every client


def task(number: int, size: int) -> dict[str, Any]:
    """A completed task as the service writes it, about ``size`` bytes of JSON; the command line fills it up."""
    name = f"task-{number:07}"
    url = f"https://bench.eastus.batch.azure.com/jobs/{JOB}/tasks/{name}"
    node = "tvmps_0123456789abcdef0123456789abcdef01234567_d"
    node_url = f"https://bench.eastus.batch.azure.com/pools/render/nodes/{node}"
    at = f"2026-11-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.1234567Z"
    made: dict[str, Any] = {
        "url": url,
        "id": name,
        "displayName": f"frame {number}",
        "eTag": "0x8DCFA3F1A2B3C4D",
        "creationTime": at,
        "lastModified": at,
        "state": "completed",
        "stateTransitionTime": at,
        "previousState": "running",
        "previousStateTransitionTime": at,
        "commandLine": f"/bin/bash -c './render --frame={number}'",
        "environmentSettings": [{"name": "SCENE", "value": "/mnt/scene"}, {"name": "QUALITY", "value": "high"}],
        "resourceFiles": [{"httpUrl": f"https://bench.blob.core.windows.net/in/{number}.ass", "filePath": "scene.ass"}],
        "outputFiles": [
            {
                "filePattern": "out/*.exr",
                "destination": {"container": {"containerUrl": "https://bench.blob.core.windows.net/out"}},
                "uploadOptions": {"uploadCondition": "tasksuccess"},
            }
        ],
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}},
        "constraints": {"maxWallClockTime": "PT2H", "retentionTime": "P7D", "maxTaskRetryCount": 3},
        "requiredSlots": 1,
        "executionInfo": {
            "startTime": at,
            "endTime": at,
            "exitCode": number % 2,
            "result": "failure" if number % 2 else "success",
            "retryCount": 0,
            "requeueCount": 0,
        },
        "nodeInfo": {
            "affinityId": f"TVM:{node}",
            "nodeUrl": node_url,
            "poolId": "render",
            "nodeId": node,
            "taskRootDirectory": f"workitems/{JOB}/job-1/{name}",
            "taskRootDirectoryUrl": f"{node_url}/files/workitems/{JOB}/job-1/{name}",
        },
    }
    made["commandLine"] += " " + "x" * max(0, size - len(json.dumps(made, separators=(",", ":"))) - 1)
    return made


def serve(sizes: Mapping[str, int], size: int, told: Connection) -> None:
    """Serve jobs (name: number of tasks) in pages made beforehand; tell the address."""
    pages: dict[tuple[str, int], bytes] = {}

    async def answer(request: web.Request) -> web.Response:
        page = pages[request.match_info["job"], int(request.query.get("$skiptoken", "0"))]
        return web.Response(body=page, content_type="application/json")

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/jobs/{job}/tasks", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        for job, count in sizes.items():
            for first in range(0, count, PAGE):
                last = min(first + PAGE, count)
                sent: dict[str, Any] = {"value": [task(number, size) for number in range(first, last)]}
                if last < count:
                    link = f"{base}/jobs/{job}/tasks?api-version=2025-06-01&$skiptoken={first // PAGE + 1}"
                    sent["odata.nextLink"] = link
                pages[job, first // PAGE] = json.dumps(sent, separators=(",", ":")).encode()
        told.send(base)
        await asyncio.Event().wait()

    asyncio.run(run())


class Measured(NamedTuple):
    """One listing: objects, seconds, CPU seconds, longest stall of the event loop in seconds (0: no loop)."""

    objects: int
    wall: float
    cpu: float
    stall: float

    def speed(self) -> float:
        """Objects a second of one core."""
        return self.objects / self.cpu

    def line(self, name: str) -> str:
        """A row of the table."""
        stall = f"{self.stall * 1000:.0f} ms" if self.stall else "no loop"
        cost = f"{self.cpu / self.objects * 1e6:.1f} us"
        return f"{name:28}{self.speed():18,.0f}{cost:>14}{self.objects / self.wall:16,.0f}{stall:>15}"


@asynccontextmanager
async def heartbeat(gaps: list[float]) -> AsyncIterator[None]:
    """Note by how much each turn of the event loop came late."""

    async def beat() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(time.perf_counter() - before - 0.001)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


async def measure(listing: Callable[[], Awaitable[int]], rounds: int) -> Measured:
    """List ``rounds`` times and keep the best; then once more beside a heartbeat, for the stall."""
    best = Measured(0, 1.0, 1.0, 0.0)
    for _ in range(rounds):
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        count = await listing()
        best = max(
            best, Measured(count, time.perf_counter() - wall, time.process_time() - cpu, 0.0), key=Measured.speed
        )
    gaps: list[float] = []
    async with heartbeat(gaps):
        await asyncio.sleep(0.01)
        gaps.clear()
        await listing()
        await asyncio.sleep(0.01)
    return best._replace(stall=max(gaps))


async def ours(account: Account, kind: type[TaskRow]) -> int:
    """List through our pipeline, page by page, holding one page as a watcher does."""
    count = 0
    async for page in account.pages(kind, Account.tasks("long")):
        count += len(page.items)
    return count


async def sdk_aio(url: str) -> int:
    """List through azure-batch's asynchronous client."""
    count = 0
    async with BatchClient(url, AzureNamedKeyCredential("bench", KEY)) as client:
        async for _ in client.list_tasks("short"):
            count += 1
    return count


def sdk_sync(url: str) -> Measured:
    """List through azure-batch's blocking client."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    with SyncBatchClient(url, AzureNamedKeyCredential("bench", KEY)) as client:
        count = sum(1 for _ in client.list_tasks("short"))
    return Measured(count, time.perf_counter() - wall, time.process_time() - cpu, 0.0)


async def run(url: str) -> float:
    """Print the table. The ratio of our speed, reading rows, to that of the SDK's faster client."""
    settings = AccountSettings(url, "s", "g", account="bench", credential="shared_key", key_env="KEY")
    accounts = Accounts({"bench": settings}, {"KEY": KEY})
    account = accounts.get()
    await ours(account, TaskRow)  # warm
    rows = await measure(lambda: ours(account, TaskRow), ROUNDS)
    whole = await measure(lambda: ours(account, Task), ROUNDS)
    await accounts.close()
    aio = await measure(lambda: sdk_aio(url), ROUNDS)
    blocking = max([await asyncio.to_thread(sdk_sync, url) for _ in range(ROUNDS)], key=Measured.speed)
    print(f"{'client':28}{'objects/s a core':>18}{'CPU/object':>14}{'objects/s wall':>16}{'longest stall':>15}")
    print(rows.line("batchbot, what lists show"))
    print(whole.line("batchbot, whole tasks"))
    print(aio.line("azure-batch aio"))
    print(blocking.line("azure-batch sync"))
    ratio = rows.speed() / aio.speed()
    print(
        f"list decode: {ratio:.0f}x azure-batch aio, {rows.speed() / blocking.speed():.0f}x sync, "
        f"whole tasks {whole.speed() / aio.speed():.0f}x and {whole.speed() / blocking.speed():.0f}x "
        f"(goal {GOAL}x aio: {'reached' if ratio >= GOAL else 'MISSED'})"
    )
    return ratio


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.decode", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=50_000, help="tasks that our pipeline lists")
    parser.add_argument("--sdk-tasks", type=int, default=10_000, help="tasks that each SDK client lists")
    parser.add_argument("--bytes", type=int, default=1700, help="JSON bytes a task")
    given = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    heard, told = spawn.Pipe(duplex=False)
    sizes = {"long": given.tasks, "short": given.sdk_tasks}
    server = spawn.Process(target=serve, args=(sizes, given.bytes, told), daemon=True)
    server.start()
    try:
        asyncio.run(run(heard.recv()))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
