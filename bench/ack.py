"""How fast a slash command is acknowledged while the program is busy.

The program (Slack adapter over signed HTTP, journal on disk, dispatcher) runs in a process of its own and does, without
a pause, four listings of 10,000 tasks each and draws charts. From outside the strict Slack stand-in sends commands and
measures until each is acknowledged. The same again with the listings made by azure-batch's own async client.

    python -m bench.ack [--commands 200]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from bench.chart import chart
from bench.ranks import tail
from bot.app import App
from bot.azure.models import TaskRow, select_of
from bot.ops import logs
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.tools.demo import Stage, demo_settings, free_port

GOAL_MS = 100
LISTINGS = 4
TASKS = 10_000


async def serve(listen: str, slack_url: str, told: dict[str, str], library: str) -> None:
    """The program under load: four listings and charts for ever."""
    logs.configure("error")
    stage = Stage()
    stage.printed.update(told | {"SLACK_API_URL": slack_url})
    os.environ.update(stage.environment)
    with tempfile.TemporaryDirectory() as scratch:
        settings = demo_settings(stage, listen=listen, database=str(Path(scratch) / "bench.db"))
        app = await App.open(settings)
        await app.start()
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        listing: Callable[[], Awaitable[int]] = _ours(app) if library == "ours" else _sdk(told)
        listed = [0]
        stall = [0.0]

        async def lists() -> None:
            while True:
                listed[0] += await listing()

        async def draws() -> None:
            while True:
                await app.gallery.png(chart())

        async def watches() -> None:
            while True:
                begun = time.perf_counter()
                await asyncio.sleep(0.01)
                stall[0] = max(stall[0], time.perf_counter() - begun - 0.01)

        work = [asyncio.create_task(each) for each in (*(lists() for _ in range(LISTINGS)), draws(), watches())]
        print("up", flush=True)
        await stopped.wait()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        print(f"{listed[0]} {stall[0] * 1e3:.0f}", flush=True)
        await app.stop()


def _ours(app: App) -> Callable[[], Awaitable[int]]:
    async def listing() -> int:
        account = app.accounts.get()
        count = 0
        async for page in account.pages(TaskRow, account.tasks(os.environ["BENCH_JOB"]), select=select_of(TaskRow)):
            count += len(page.items)
            if count >= TASKS:
                break
        return count

    return listing


def _sdk(told: dict[str, str]) -> Callable[[], Awaitable[int]]:
    async def listing() -> int:
        credential = AzureNamedKeyCredential(told["ACCOUNT"], told["KEY"])
        async with BatchClient(told["ENDPOINT"], credential) as client:
            count = 0
            async for _ in client.list_tasks(os.environ["BENCH_JOB"], select=select_of(TaskRow).split(",")):
                count += 1
                if count >= TASKS:
                    break
            return count

    return listing


@asynccontextmanager
async def program(library: str, slack: SlackStandIn, stage: Stage) -> AsyncIterator[list[str]]:
    """The program as a child; after the block the list holds what it said last."""
    listen = f"127.0.0.1:{free_port()}"
    slack.app_url = f"http://{listen}/slack/events"
    environment = os.environ | {f"TOLD_{name}": value for name, value in stage.printed.items()}
    said: list[str] = []
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.ack", "--serve", library, "--listen", listen, "--slack", slack.api_url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    assert child.stdout
    while (line := (await child.stdout.readline()).decode().strip()) != "up":
        if not line and child.stdout.at_eof():
            raise RuntimeError("the program did not come up")
    try:
        yield said
    finally:
        child.terminate()
        said += (await child.stdout.read()).decode().split()
        await child.wait()


async def measure(commands: int) -> None:
    """Both listings in turn, one run."""
    async with Stage.azure_only(scenario="performance", history=0.0) as stage:
        os.environ["BENCH_JOB"] = await _large_job(stage.printed)
        slack = SlackStandIn(SlackSettings(post_burst=0, tiers=False))
        stage.printed |= {
            "SLACK_BOT_TOKEN": slack.settings.bot_token,
            "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
        }
        await slack.start()
        for library in ("ours", "sdk"):
            async with program(library, slack, stage) as said:
                took = []
                for number in range(commands if library == "ours" else max(20, commands // 5)):
                    begun = time.perf_counter()
                    done = await slack.command("viewer", "batch-ops", f"help {number}")
                    took.append((time.perf_counter() - begun) * 1e3)
                    if not done.ok and library == "ours":
                        raise RuntimeError(done.error)
                    await asyncio.sleep(0.02)
            took.sort()
            name = "batchbot" if library == "ours" else "azure-batch aio"
            p50, (end, most) = statistics.median(took), tail(took)
            goal = f" (goal p99 {GOAL_MS} ms)" if library == "ours" else ""
            print(
                f"acknowledge  beside {LISTINGS} lists by {name:15} and charts: p50 {p50:6.0f} ms  {end} {most:6.0f} ms"
                f"{f'  max {took[-1]:6.0f} ms' if end == 'p99' else ''}{goal}; {said[0]} tasks listed, "
                f"longest stall {said[1]} ms"
            )
        await slack.close()


async def _large_job(told: dict[str, str]) -> str:
    """The first job with 10,000 tasks or more, else the largest."""
    async with BatchClient(told["ENDPOINT"], AzureNamedKeyCredential(told["ACCOUNT"], told["KEY"])) as client:
        best, most = "", -1
        async for job in client.list_jobs(select=["id"]):
            counts = (await client.get_job_task_counts(job.id)).task_counts
            total = counts.active + counts.running + counts.completed
            if total > most:
                best, most = job.id, total
        return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--serve", default="")
    parser.add_argument("--listen", default="")
    parser.add_argument("--slack", default="")
    given = parser.parse_args()
    if given.serve:
        passed = {name.removeprefix("TOLD_"): value for name, value in os.environ.items() if name.startswith("TOLD_")}
        asyncio.run(serve(given.listen, given.slack, passed, given.serve))
    else:
        asyncio.run(measure(given.commands))
