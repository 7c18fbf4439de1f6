"""How soon things are told by the wall's clock, and what the program takes while little happens.

The program runs whole (Slack adapter, store, watcher, collector, alerts, delivery) in a process of its own; the sandbox
is another. First it watches the performance case (20 pools, 2,000 nodes, 50 jobs, 100,000 tasks) in which nobody asks
anything: CPU seconds and resident memory, of the program and of the process that draws for it.

Then it watches an account of 300 active jobs, most of which run nothing, and people start jobs, end them and add tasks
that fail, in any of them, at moments of chance. The time from what happened, as the sandbox knows it, to the post in
the channel of the job's team is taken, as `bench.scale` does it for many sizes with a clock that skips what is waited
for: the figures of both belong together.

    python -m bench.alerts [--minutes 6] [--idle 1] [--poll 30] [--scenario crowded-300]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.crowd import Crowd
from bench.memory import drawing, resident
from bench.scale import GOAL_P50, GOAL_P99, WHATS, latencies, subscribed_in
from bench.told import Record, begun, shown, told_after
from bot.app import App
from bot.clock import Clock
from bot.ops import logs
from bot.sandbox.slack import SlackStandIn
from bot.tools.demo import Stage, demo_settings, free_port
from storage.sqlite.store import SqliteStore

GOAL_IDLE, GOAL_MEMORY = 1.0, 160.0
"""Percent of a core, MiB."""
EACH = 5
"""Jobs that end, start and fail in every half minute."""
SETTLED = 120.0
"""Seconds that the program watches before it is measured: the first looks read everything once."""
AFTER = 150.0
"""Seconds after the last thing happened in which it may still be told."""
HOUR = 3600.0


async def serve(listen: str, poll: int, database: str, told: dict[str, str]) -> None:
    """The program, until it is told to stop."""
    logs.configure("error")
    stage = Stage()
    stage.printed.update(told)
    os.environ.update(stage.environment)
    settings = demo_settings(stage, listen=listen, database=database)
    watch = msgspec.structs.replace(settings.watch, poll_seconds=poll)
    alerts = msgspec.structs.replace(settings.alerts, group_wait=0, group_interval=0)
    app = await App.open(msgspec.structs.replace(settings, watch=watch, alerts=alerts))
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await app.start()
    print("up", flush=True)
    await stopped.wait()
    await app.stop()


@asynccontextmanager
async def program(stage: Stage, listen: str, poll: int, database: Path) -> AsyncIterator[int]:
    """The program as a child; its process id."""
    environment = os.environ | {f"TOLD_{name}": value for name, value in stage.printed.items()}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.alerts", "--serve", listen, "--poll", str(poll), "--file", str(database),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    assert child.stdout
    if (await child.stdout.readline()).decode().strip() != "up":
        raise RuntimeError("the program did not come up")
    try:
        yield child.pid
    finally:
        child.terminate()
        await child.wait()


def spent(pid: int) -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def idle(pid: int, minutes: float) -> bool:
    """What the program takes while it watches and nobody asks anything; printed. Whether that is little enough."""
    await asyncio.sleep(SETTLED)
    before = spent(pid)
    await asyncio.sleep(60 * minutes)
    cpu, memory = (spent(pid) - before) / minutes, resident(pid)
    print(
        f"alerts  watching: {cpu:.2f} CPU-s a minute, {cpu / 0.6:.1f} % of a core (goal {GOAL_IDLE:.0f} %), the "
        f"program {memory:.0f} MiB resident (goal {GOAL_MEMORY:.0f} MiB), the process that draws for it "
        f"{drawing(pid):.0f} MiB",
        flush=True,
    )
    return cpu / 0.6 <= GOAL_IDLE and memory <= GOAL_MEMORY


async def soon(stage: Stage, slack: SlackStandIn, database: Path, minutes: float, poll: int) -> bool:
    """How soon things are told; printed. Whether that is soon enough."""
    clock = Clock()
    record = Record(slack, clock)
    recording = asyncio.create_task(record.run())
    async with Crowd(stage.printed, 1) as crowd:
        await crowd.meet()
        await asyncio.sleep(SETTLED)
        since = clock.now()
        for _ in range(int(minutes * 60 / poll)):
            begun = clock.now()
            crowd.plan(begun, poll, EACH)
            while (left := (begun + timedelta(seconds=poll) - clock.now()).total_seconds()) > 0:
                due = crowd.next_due()
                await asyncio.sleep(max(0.0, min(left, (due - clock.now()).total_seconds()) if due else left))
                await crowd.act(clock.now())
        until = clock.now()
        await asyncio.sleep(AFTER)
        events = await crowd.what_happened(since, until)
    recording.cancel()
    versions, store = record.complete(), SqliteStore.open(database)
    decided = await shown(store, stage.printed["ACCOUNT"], since - timedelta(hours=12))
    await store.close()
    took = {each: told_after(each, decided.get(each.job, ()), versions) for each in events}
    found = latencies(events, took)
    for what, latency in found.items():
        missed = "" if latency.good(GOAL_P50, GOAL_P99) else "  MISSED"
        print(f"alerts    {WHATS[what]:14} {latency.describe(GOAL_P50, GOAL_P99)}{missed}")
    return all(latency.good(GOAL_P50, GOAL_P99) for latency in found.values())


@asynccontextmanager
async def watched(scenario: str, poll: int) -> AsyncIterator[tuple[Stage, SlackStandIn, Path, int]]:
    """A sandbox whose clock is the wall's, Slack, the database and the id of the process that watches for channels."""
    listen, opened = f"127.0.0.1:{free_port()}", time.time()
    async with Stage.azure_only(scenario=scenario, history=1.0) as stage:
        slack = await begun(stage, listen)
        await stage.clock(advance=HOUR + time.time() - opened, pause=False)
        with tempfile.TemporaryDirectory() as scratch:
            database = Path(scratch) / "bench.db"
            await subscribed_in(database, slack, datetime.now(UTC))
            async with program(stage, listen, poll, database) as pid:
                yield stage, slack, database, pid
        await slack.close()


async def main(minutes: float, poll: int, idling: float, scenario: str) -> bool:
    """All of it; whether every goal was reached."""
    good = True
    if idling:
        async with watched("performance", poll) as (_, _, _, pid):
            good = await idle(pid, idling)
    async with watched(scenario, poll) as (stage, slack, database, _):
        return await soon(stage, slack, database, minutes, poll) and good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6.0, help="in which things happen")
    parser.add_argument("--idle", type=float, default=1.0, help="minutes of the performance case; 0 leaves it out")
    parser.add_argument("--poll", type=int, default=30)
    parser.add_argument("--scenario", default="crowded-300", help="the account in which things happen")
    parser.add_argument("--serve", default="")
    parser.add_argument("--file", default="")
    given = parser.parse_args()
    if given.serve:
        passed = {name.removeprefix("TOLD_"): value for name, value in os.environ.items() if name.startswith("TOLD_")}
        asyncio.run(serve(given.serve, given.poll, given.file, passed))
    else:
        sys.exit(not asyncio.run(main(given.minutes, given.poll, given.idle, given.scenario)))
