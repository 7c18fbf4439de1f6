"""How soon an alert is in the channel, and what the program takes while little happens.

The program runs whole (Slack adapter, store, watcher, collector, alerts, delivery) in a process of its own, by the
wall's clock; the sandbox is another. First it watches the performance case (20 pools, 2,000 nodes, 50 jobs, 100,000
tasks) for a minute in which nobody asks anything: CPU seconds and resident memory. Then, in an account small enough for
every job to be read in every look, a task of one new job after the other fails, at random moments, and the time from
there to the post in a Slack stand-in is taken. There are twenty channels, each subscribed to jobs of its own, so that
no alert waits for the group of another.

    python -m bench.alerts [--rounds 3] [--poll 30] [--minutes 1] [--scenario tiny]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec

from bench.memory import resident
from bot.alerting.model import Subscription
from bot.alerting.stored_state import SUBSCRIPTIONS
from bot.app import App
from bot.chat.request import Conversation
from bot.ops import logs
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.tools.demo import Stage, demo_settings, free_port
from storage.sqlite.store import SqliteStore

GOAL_P50, GOAL_P99 = 17.0, 35.0
"""Seconds at a poll of 30."""
GOAL_IDLE, GOAL_MEMORY = 1.0, 160.0
"""Percent of a core, MiB."""
CHANNELS = 20
ROUND = 100.0
"""Seconds between two rounds of one event for each channel, at a moment within the first poll: the pause is longer
than a poll and the gathering that follows an alert, so that each is the first after a calm."""
SETTLED = 120.0
"""Seconds that the program watches before it is measured: the first looks read everything once."""
HOUR = 3600.0
POOLS = {"tiny": "pool1", "performance": "pool-01"}
"""Where the tasks run that fail, by account."""


async def serve(listen: str, poll: int, database: str, told: dict[str, str]) -> None:
    """The program, until it is told to stop."""
    logs.configure("error")
    stage = Stage()
    stage.printed.update(told)
    os.environ.update(stage.environment)
    settings = demo_settings(stage, listen=listen, database=database)
    watch = msgspec.structs.replace(settings.watch, poll_seconds=poll)
    app = await App.open(msgspec.structs.replace(settings, watch=watch))
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


async def idle(pid: int, minutes: float) -> None:
    """What the program takes while it watches and nobody asks anything; printed."""
    await asyncio.sleep(SETTLED)
    before = spent(pid)
    await asyncio.sleep(60 * minutes)
    cpu = (spent(pid) - before) / minutes
    print(
        f"alerts  watching: {cpu:.2f} CPU-s a minute, {cpu / 0.6:.1f} % of a core (goal {GOAL_IDLE:.0f} %), "
        f"{resident(pid):.0f} MiB resident (goal {GOAL_MEMORY:.0f} MiB)",
        flush=True,
    )


async def event(http: aiohttp.ClientSession, stage: Stage, slack: SlackStandIn, lane: str, number: int) -> float:
    """One task of a new job fails; the seconds until the lane's channel is told, infinite for never."""
    job, begun = f"{lane}-{number}", time.time()
    deed = {"kind": "storm", "job": job, "pool": POOLS[stage.printed["ACCOUNT"]], "causes": ["exit-1"], "number": 1}
    async with http.post(f"{stage.printed['ENDPOINT']}/_sandbox/inject", json=deed) as answer:
        answer.raise_for_status()
    while time.time() - begun < ROUND:
        await asyncio.sleep(0.1)
        for each in slack.history_of(lane):
            if f"job {job}:" in each["text"]:
                return float(each["posted"]) - begun
    return float("inf")


async def soon(stage: Stage, slack: SlackStandIn, rounds: int, poll: int) -> bool:
    """How soon alerts are told; printed. Whether that is soon enough."""
    chance, took = random.Random(1), list[float]()
    async with aiohttp.ClientSession() as http:

        async def one(lane: int, number: int) -> None:
            await asyncio.sleep(chance.uniform(0, poll))
            took.append(await event(http, stage, slack, f"lane-{lane}", number))

        for number in range(rounds):
            rest = asyncio.create_task(asyncio.sleep(ROUND))
            await asyncio.gather(*(one(lane, number) for lane in range(CHANNELS)))
            await rest
    took.sort()
    p50, p99 = statistics.median(took), took[min(len(took) - 1, int(len(took) * 0.99))]
    print(
        f"alerts  {len(took)} failures, each told alone at a poll of {poll} s: p50 {p50:.1f} s (goal {GOAL_P50:.0f}), "
        f"p99 {p99:.1f} s (goal {GOAL_P99:.0f}), longest {took[-1]:.1f} s"
    )
    return p50 <= GOAL_P50 and p99 <= GOAL_P99


async def subscribed(database: Path, slack: SlackStandIn) -> None:
    """A channel for each lane, subscribed to the jobs of that lane."""
    store = SqliteStore.open(database)
    for lane in range(CHANNELS):
        conversation = Conversation("slack", slack.create_channel(f"lane-{lane}"))
        wanted = Subscription(id=f"s{lane}", conversation=conversation, entity=f"job:lane-{lane}-*")
        now = datetime.now(UTC)
        await store.put_preference(
            SUBSCRIPTIONS, f"slack:{conversation.id}", wanted.id, msgspec.json.encode(wanted), now
        )
    await store.close()


@asynccontextmanager
async def watched(scenario: str, poll: int) -> AsyncIterator[tuple[Stage, SlackStandIn, int]]:
    """A sandbox whose clock is the wall's, Slack, and the id of the program's process that watches for the channels."""
    listen, opened = f"127.0.0.1:{free_port()}", time.time()
    async with Stage.azure_only(scenario=scenario, history=1.0) as stage:
        slack = SlackStandIn(SlackSettings(app_url=f"http://{listen}/slack/events", tiers=False))
        await slack.start()
        stage.printed |= {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.settings.bot_token,
            "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
        }
        await stage.clock(advance=HOUR + time.time() - opened, pause=False)
        with tempfile.TemporaryDirectory() as scratch:
            database = Path(scratch) / "bench.db"
            await subscribed(database, slack)
            async with program(stage, listen, poll, database) as pid:
                yield stage, slack, pid
        await slack.close()


async def main(rounds: int, poll: int, minutes: float, scenario: str) -> bool:
    """All of it; whether alerts were soon enough."""
    async with watched("performance", poll) as (_, _, pid):
        await idle(pid, minutes)
    async with watched(scenario, poll) as (stage, slack, _):
        await asyncio.sleep(poll)
        return await soon(stage, slack, rounds, poll)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--poll", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--scenario", default="tiny", help="the account whose failures are timed")
    parser.add_argument("--serve", default="")
    parser.add_argument("--file", default="")
    given = parser.parse_args()
    if given.serve:
        passed = {name.removeprefix("TOLD_"): value for name, value in os.environ.items() if name.startswith("TOLD_")}
        asyncio.run(serve(given.serve, given.poll, given.file, passed))
    else:
        sys.exit(not asyncio.run(main(given.rounds, given.poll, given.minutes, given.scenario)))
