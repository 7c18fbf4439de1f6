"""Adding 10,000 tasks: the workflow of `task add` beside the SDK's own ``create_tasks``, in one run.

    python -m bench.task_add

The service is in a process of its own and answers every collection at once, so that what is measured is the client: the
wall's time and the processor's, from the rows of a table to the last result. Ours reads the CSV, checks and encodes
each task, and runs as an operation with its durable steps in a database (synchronous=FULL); the SDK's makes its models
of the same rows and calls ``create_tasks``, one request after another as it does by default, and with as many at once
as we send. The sandbox is left out of it because it keeps a whole task for each one, which takes it longer than either.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from azure.batch.aio import BatchClient
from azure.batch.models import BatchTaskConstraints, BatchTaskCreateOptions, EnvironmentSetting
from azure.core.credentials import AzureNamedKeyCredential

from bot.azure.accounts import Accounts
from bot.domain.task_input.collections import MOST
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.ops import logs
from bot.requests.registry import Registry
from bot.settings import AccountSettings
from cards.card import Card, plain
from handlers.task import adding
from handlers.task.adding import AT_ONCE, AddTasks
from storage.port.uploads import Upload
from storage.sqlite.store import SqliteStore

TASKS = 10_000
ROUNDS = 3
KEY = "a2V5" * 22
FASTER, CHEAPER = 2.0, 2.0
ROWS = [(f"frame-{n:05}", f"render --frame {n} --scene lobby --samples 256", n % 7) for n in range(TASKS)]
TABLE = "id,commandLine,env:SHOT,maxTaskRetryCount\n" + "".join(f"{i},{c},shot-{s},3\n" for i, c, s in ROWS)

Timed = tuple[float, float, int]
"""Seconds by the wall and by the processor, and how many were added."""


class _Given(msgspec.Struct):
    id: str


class _Collection(msgspec.Struct):
    value: list[_Given]


def serve(port: Any) -> None:
    """The service's side: every task of a collection is taken. Sends its port through the connection."""

    decoder = msgspec.json.Decoder(_Collection)

    async def take(request: web.Request) -> web.Response:
        given = decoder.decode(await request.read()).value
        results = [
            {
                "status": "Success",
                "taskId": task.id,
                "eTag": "0x8DE2B0F1A2B3C4D",
                "lastModified": "2026-11-23T06:00:00.0000000Z",
                "location": f"https://a.westeurope.batch.azure.com/jobs/j/tasks/{task.id}",
            }
            for task in given
        ]
        body = msgspec.json.encode({"odata.metadata": "https://a/$metadata#taskaddresult", "value": results})
        return web.Response(body=body, content_type="application/json")

    async def main() -> None:
        app = web.Application(client_max_size=1 << 21)
        app.router.add_post("/jobs/{job}/addtaskcollection", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def timed(work: Callable[[], Awaitable[int]]) -> Timed:
    """What a piece of work took."""
    begun, worked = time.perf_counter(), time.process_time()
    added = await work()
    return time.perf_counter() - begun, time.process_time() - worked, added


async def sdk(endpoint: str, at_once: int) -> int:
    """As a script does it."""
    async with BatchClient(endpoint, AzureNamedKeyCredential("bench", KEY)) as client:
        tasks = [
            BatchTaskCreateOptions(
                id=task_id,
                command_line=command,
                environment_settings=[EnvironmentSetting(name="SHOT", value=f"shot-{shot}")],
                constraints=BatchTaskConstraints(max_task_retry_count=3),
            )
            for task_id, command, shot in ROWS
        ]
        result = await client.create_tasks("j", tasks, max_concurrency=at_once)
        return len(result.result_values or ())


async def ours(endpoint: str, folder: Path) -> int:
    """As the bot does it, from the upload to the operation's last card."""
    settings = AccountSettings(
        endpoint=endpoint,
        subscription="s",
        resource_group="r",
        account="bench",
        credential="shared_key",
        key_env="KEY",
        write_credential="shared_key",
        write_key_env="KEY",
    )
    store, accounts = SqliteStore.open(folder / "bench.db"), Accounts({"bench": settings}, {"KEY": KEY})
    registry = Registry()
    registry.collect(adding)
    operations = Operations(store, accounts, registry.workflows, Audit(store))
    upload = Upload("u1", "slack:U1", "slack:C1", "frames.csv", TABLE.encode(), datetime.max.replace(tzinfo=UTC))
    await store.put_upload(upload)
    asked = AddTasks("j", upload.id, "", None, skip=False, job_command="", list_command="", again="")
    last: Card | None = None
    async for card in operations.follow(await operations.begin("task add", "bench", "j", asked, request="k", act=None)):
        last = card
    await operations.drain()
    await accounts.close()
    await store.close()
    if last is None or plain(last.title) != f"{TASKS:,} tasks were added to job j":
        raise SystemExit(f"they were not added: {last}")
    return TASKS


def _best(found: list[Timed]) -> Timed:
    return min(found)


async def measured(endpoint: str) -> int:
    """Every way in turns, the best round of each; 1 where a goal is missed."""
    ways: dict[str, list[Timed]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as scratch:
            ways.setdefault("batchbot", []).append(await timed(lambda folder=Path(scratch): ours(endpoint, folder)))  # type: ignore[misc]
        ways.setdefault("azure-batch aio, as it is", []).append(await timed(lambda: sdk(endpoint, 0)))
        ways.setdefault(f"azure-batch aio, {AT_ONCE} at once", []).append(await timed(lambda: sdk(endpoint, AT_ONCE)))
    best = {name: _best(found) for name, found in ways.items()}
    print(f"{TASKS:,} tasks from a table to the last result, {TASKS // MOST} requests; best of {ROUNDS} rounds")
    for name, (wall, cpu, added) in best.items():
        print(f"  {name:28} {added:6,} added  {wall:6.2f} s  {cpu:6.2f} s of CPU")
    mine, theirs = best.pop("batchbot"), list(best.values())
    faster, cheaper = theirs[0][0] / mine[0], theirs[0][1] / mine[1]
    reached = faster >= FASTER and cheaper >= CHEAPER
    print(
        f"  {faster:.1f}x faster, {cheaper:.1f}x less CPU than create_tasks; "
        f"goal {FASTER:.0f}x and {CHEAPER:.0f}x: {'reached' if reached else 'MISSED'}"
    )
    return 0 if reached else 1


def main() -> int:
    """Serve in another process, measure here."""
    logs.configure("error")
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    service = context.Process(target=serve, args=(far,), daemon=True)
    service.start()
    try:
        if not near.poll(30):
            raise SystemExit("the service did not come up")
        return asyncio.run(measured(f"http://127.0.0.1:{near.recv()}"))
    finally:
        service.terminate()
        service.join()


if __name__ == "__main__":
    sys.exit(main())
