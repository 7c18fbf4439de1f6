"""How soon things are told at the size that accounts have, and what that costs, beside a poller that lists everything.

Each case runs in a process of its own: the sandbox is another, the program runs whole in this one (observer, alerting,
SQLite, outbox, the real Slack adapter over HTTP to a stand-in). People start jobs, end them and add tasks that fail at
moments of chance within the looks, the same for the same ``--seed``. From the moment that the sandbox knows of each to
the message that says it are the seconds told here, in twenty channels that each are subscribed to a team's jobs;
gathering alerts of a channel for half a minute is a setting, and is off. A p99 is one of a hundred figures or more.

Nobody waits by the wall: while the program has nothing to do, its clock and the sandbox's jump to when something is
due. Whatever the program takes by the wall is part of the figures. CPU is the program's with the Slack stand-in.

The poller lists pools, nodes of each, jobs and tasks of each every 30 s through azure-batch aio, as a script does; the
same people go on beside it. It is timed to when it has read what happened, and posts nothing.

    python -m bench.scale [--case NAME ...] [--looks N] [--seed 1]

The same with the program as a process by the wall's clock is `bench.alerts`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import msgspec
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceNotFoundError

from bench.crowd import FARM, Crowd, Event
from bench.jumping_clock import JumpingClock
from bench.told import Latency, Record, begun, shown, told_after
from bot.alerting.model import Subscription
from bot.alerting.stored_state import SUBSCRIPTIONS
from bot.app import App
from bot.chat.budget import Budget
from bot.chat.request import Conversation
from bot.domain.findings import Severity
from bot.ops import logs
from bot.sandbox.slack import SlackStandIn
from bot.tools.demo import Stage, demo_settings, free_port
from storage.sql.store import SqlStore
from storage.sqlite.store import SqliteStore

POLL = 30.0
GOAL_P50, GOAL_P99, GOAL_CALLS = 16.0, 32.0, 120.0
TEAMS = 20
KINDS = ("job.started", "job.completed", "job.failed", "task.failed")
WARM = 12
"""Looks before it is measured."""
AFTER = 24
"""Looks after the last thing happened in which it may still be told: what takes longer counts as never told."""
WHATS = {"end": "ends", "failure": "task failures", "start": "starts"}


class Case(msgspec.Struct, frozen=True):
    """An account, and what happens in it: in each of so many ``looks`` ``each`` jobs end, start and fail; or together
    so many end, ``ends`` times over. ``lived`` are hours before it is watched; ``sdk`` are rounds of the poller.
    """

    title: str
    scenario: str
    looks: int = 0
    each: int = 0
    ends: int = 0
    rounds: int = 1
    lived: float = 0.25
    calls: float = GOAL_CALLS
    calm: int = 0
    pool: str = FARM
    own: bool = False
    sdk: int = 3


CASES = {
    "1": Case("1 active job", "crowded-1", looks=100, each=1),
    "10": Case("10 active jobs", "crowded-10", looks=70, each=3),
    "50": Case("50 active jobs", "crowded-50", looks=40, each=5),
    "300": Case("300 active jobs", "crowded-300", looks=40, each=6),
    "1000": Case("1,000 active jobs", "crowded-1000", looks=36, each=6, sdk=2),
    "ends-40": Case("40 of 300 jobs end within one look, five times", "crowded-300", ends=40, rounds=5, sdk=1),
    "ends-200": Case("200 of 300 jobs end within one look", "crowded-300", ends=200, sdk=1),
    "ends-1000": Case("1,000 jobs end within one look", "crowded-1000", ends=990, sdk=1),
    "nodes": Case("2,000 nodes in one pool, 50 jobs", "crowded-nodes", looks=36, each=6, sdk=2),
    "performance": Case(
        "20 pools, 2,000 nodes, 50 jobs, 100,000 tasks", "performance", looks=36, each=6, lived=6.0, calls=41.0,
        calm=20, pool="pool-01", own=True, sdk=1,
    ),
}  # fmt: skip


@dataclass
class Spent:
    """What some looks took: calls of watching in each, calls and bytes of the whole program, CPU, the wall's time."""

    looks: int = 0
    calls: list[int] = field(default_factory=list)
    whole: int = 0
    megabytes: float = 0.0
    cpu: float = 0.0
    wall: float = 0.0

    def describe(self, goal: float) -> str:
        """A line; a minute has two looks."""
        minutes = self.looks * POLL / 60
        mean = sum(self.calls) / minutes
        worst = max((one + two for one, two in zip(self.calls, self.calls[1:], strict=False)), default=0)
        return (
            f"{mean:.0f} calls a minute (goal {goal:.0f}; the busiest {worst}; with receipts, bills and metrics "
            f"{self.whole / minutes:.0f}), {self.megabytes / minutes:.2f} MB, {self.cpu / minutes:.2f} CPU-s; "
            f"busy {self.wall / self.looks:.2f} s a look" + ("" if mean <= goal else "  MISSED")
        )


class Bench:
    """The program, the sandbox and Slack, moved on together."""

    def __init__(self, stage: Stage, app: App, clock: JumpingClock, crowd: Crowd, http: aiohttp.ClientSession) -> None:
        self.stage, self.app, self.clock, self.crowd = stage, app, clock, crowd
        self._http = http
        self.people = 0.0
        """CPU-seconds that the people took."""
        self.acting = 0.0
        """Seconds by the wall in which they acted."""
        self._stopped = False

    async def stop(self) -> None:
        """End the program; the rest goes on."""
        if not self._stopped:
            self._stopped = True
            await self.app.stop()

    @property
    def watched(self) -> int:
        """Calls that watching has made so far."""
        return sum(observer.effort.calls for observer in self.app.observers.values())

    async def forward(self, seconds: float) -> None:
        """Both clocks, the sandbox's first: the service is never behind."""
        url = f"{self.stage.printed['ARM_ENDPOINT']}/_sandbox/clock"
        async with self._http.post(url, json={"advance": seconds}) as answer:
            answer.raise_for_status()
        self.clock.jump(seconds)

    async def until(self, end: datetime) -> None:
        """Live until then: whenever the program is done, go on to the next thing that is due."""
        while self.clock.now() < end:
            await self.clock.settle()
            planned = self.crowd.next_due()
            if planned and planned <= self.clock.now():
                cpu, wall = time.process_time(), time.perf_counter()
                await self.crowd.act(self.clock.now())
                self.people += time.process_time() - cpu
                self.acting += time.perf_counter() - wall
                continue
            wait = min(self.clock.next_due() - self.clock.elapsed(), (end - self.clock.now()).total_seconds())
            if planned:
                wait = min(wait, (planned - self.clock.now()).total_seconds())
            if wait > 0:
                await self.forward(wait + 1e-3)

    async def looks(self, number: int, each: int = 0) -> Spent:
        """So many half minutes, in each of which so much happens; what they took."""
        spent, traffic = Spent(number), self.app.accounts.get().traffic
        cpu, wall, people, acting = time.process_time(), time.perf_counter(), self.people, self.acting
        whole, bytes_ = traffic.calls, traffic.bytes
        for _ in range(number):
            before, begun = self.watched, self.clock.now()
            if each:
                self.crowd.plan(begun, POLL, each)
            await self.until(begun + timedelta(seconds=POLL))
            spent.calls.append(self.watched - before)
        spent.whole = traffic.calls - whole
        spent.cpu = time.process_time() - cpu - (self.people - people)
        spent.wall = time.perf_counter() - wall - (self.acting - acting)
        spent.megabytes = (traffic.bytes - bytes_) / 1e6
        return spent


async def subscribed(store: SqlStore, slack: SlackStandIn, at: datetime, *more: str) -> None:
    """A channel for the jobs of each team, and for ``more`` whose names begin so."""
    for lane in [*(f"team-{number + 1:02}" for number in range(TEAMS)), *more]:
        conversation = Conversation("slack", slack.create_channel(lane))
        wanted = Subscription(
            id=lane, conversation=conversation, entity=f"job:{lane}-*", kinds=KINDS, severity=Severity.INFO
        )
        where = f"slack:{conversation.id}"
        await store.put_preference(SUBSCRIPTIONS, where, wanted.id, msgspec.json.encode(wanted), at)


async def subscribed_in(database: Path, slack: SlackStandIn, at: datetime) -> None:
    """The same in a file, and a channel for jobs that are nobody's."""
    store = SqliteStore.open(database)
    await subscribed(store, slack, at, "job")
    await store.close()


@asynccontextmanager
async def opened(case: Case, seed: int, folder: Path) -> AsyncIterator[tuple[Bench, Record]]:
    """All of it, at work."""
    listen = f"127.0.0.1:{free_port()}"
    async with (
        Stage.azure_only(scenario=case.scenario, history=case.lived, seed=seed) as stage,
        aiohttp.ClientSession() as http,
        Crowd(stage.printed, seed, pool=case.pool, own=case.own) as crowd,
    ):
        await stage.clock(advance=case.lived * 3600, pause=False)
        async with http.get(f"{stage.printed['ARM_ENDPOINT']}/_sandbox/clock") as answer:
            clock = JumpingClock(datetime.fromisoformat((await answer.json())["now"]), workers=("outbox of ",))
        slack = await begun(stage, listen, clock=lambda: clock.now().timestamp())
        os.environ.update(stage.environment)
        database = folder / "bench.db"
        await subscribed_in(database, slack, clock.now())
        settings = demo_settings(stage, listen=listen, database=str(database))
        alerts = msgspec.structs.replace(settings.alerts, group_wait=0, group_interval=0)
        settings = msgspec.structs.replace(settings, alerts=alerts)
        # What Slack allows is counted by the same clock: by the wall's a few minutes' edits would wait for each other.
        with mock.patch.object(Budget.__init__, "__defaults__", (clock.elapsed, clock.sleep)):
            app = await App.open(settings, clock=clock)
        record = Record(slack, clock)
        recording = asyncio.create_task(record.run())
        await crowd.meet()
        await app.start()
        bench = Bench(stage, app, clock, crowd, http)
        try:
            yield bench, record
        finally:
            recording.cancel()
            await bench.stop()
            await slack.close()


async def polled(bench: Bench, case: Case, rounds: int) -> tuple[float, float, float, list[float]]:
    """The poller, after the program is stopped: calls, megabytes, CPU-seconds a minute, and how late it saw things."""
    told, seen = bench.stage.printed, [0, 0]
    cpu, took = 0.0, list[float]()

    def heard(response: Any) -> None:
        seen[0] += 1
        seen[1] += len(response.http_response.content)

    begun = last = bench.clock.now()
    read: dict[str, list[datetime]] = {}
    async with BatchClient(told["ENDPOINT"], AzureNamedKeyCredential(told["ACCOUNT"], told["KEY"])) as client:
        for _ in range(rounds):
            if case.ends:
                bench.crowd.plan_ends(last + timedelta(seconds=10), 5)
            else:
                bench.crowd.plan(last, POLL, case.each)
            while (left := (last + timedelta(seconds=POLL) - bench.clock.now()).total_seconds()) > 0:
                due = bench.crowd.next_due()
                wait = min(left, (due - bench.clock.now()).total_seconds()) if due else left
                await bench.forward(max(0.0, wait) + 1e-3)
                await bench.crowd.act(bench.clock.now())
            last, before = bench.clock.now(), time.process_time()
            async for pool in client.list_pools(raw_response_hook=heard):
                async for _node in client.list_nodes(pool.id, raw_response_hook=heard):
                    pass
            jobs = [job.id async for job in client.list_jobs(raw_response_hook=heard)]
            for job in jobs:
                read.setdefault(f"{job}", []).append(bench.clock.now())  # its state was read before its tasks
                with suppress(ResourceNotFoundError):  # it was deleted since
                    async for _task in client.list_tasks(job, raw_response_hook=heard):
                        pass
                read.setdefault(f"{job} tasks", []).append(bench.clock.now())
            cpu += time.process_time() - before
    for event in await bench.crowd.what_happened(begun, last):
        reads = read.get(f"{event.job} tasks" if event.what == "failure" else event.job, [])
        took.append(min(((at - event.at).total_seconds() for at in reads if at >= event.at), default=float("inf")))
    scale = 60 / POLL / rounds
    return seen[0] * scale, seen[1] / 1e6 * scale, cpu * scale, sorted(took)


def latencies(events: list[Event], took: dict[Event, float]) -> dict[str, Latency]:
    """By what happened."""
    return {what: Latency(sorted(took[each] for each in events if each.what == what)) for what in WHATS}


async def measured(case: Case, seed: int, looks: int) -> bool:
    """One case; printed. Whether its goals were reached."""
    logs.configure("critical")
    begun = time.perf_counter()
    looks = looks or case.looks
    with tempfile.TemporaryDirectory() as folder:
        async with opened(case, seed, Path(folder)) as (bench, record):
            await bench.looks(WARM)
            calm = await bench.looks(case.calm) if case.calm else None
            since = bench.clock.now()
            if case.ends:
                spent = await _together(bench, case)
            else:
                spent = await bench.looks(looks, case.each)
            until = bench.clock.now()
            await bench.looks(AFTER)
            events = await bench.crowd.what_happened(since, until)
            decided = await shown(bench.app.store, bench.app.accounts.get().name, since - timedelta(hours=12))
            versions = record.complete()
            took = {each: told_after(each, decided.get(each.job, ()), versions) for each in events}
            await bench.stop()
            sdk = await polled(bench, case, case.sdk) if case.sdk else None
    print(f"scale  {case.title}")
    good = True
    for what, latency in latencies(events, took).items():
        if case.ends and what != "end":
            continue
        good = good and latency.good(GOAL_P50, GOAL_P99)
        missed = "" if latency.good(GOAL_P50, GOAL_P99) else "  MISSED"
        print(f"scale    {WHATS[what]:14} {latency.describe(GOAL_P50, GOAL_P99)}{missed}")
    if calm:
        print(f"scale    {'calm':14} {calm.describe(case.calls)}")
        good = good and sum(calm.calls) <= case.calls * case.calm * POLL / 60
    print(f"scale    {'watching':14} {spent.describe(GOAL_CALLS)}")
    good = good and sum(spent.calls) <= GOAL_CALLS * spent.looks * POLL / 60
    if sdk:
        calls, megabytes, cpu, late = sdk
        words = Latency(late).describe(GOAL_P50, GOAL_P99).strip()
        print(f"scale    {'azure-batch':14} {calls:.0f} calls a minute, {megabytes:.1f} MB, {cpu:.1f} CPU-s; {words}")
    print(f"scale    took {time.perf_counter() - begun:.0f} s", flush=True)
    return good


async def _together(bench: Bench, case: Case) -> Spent:
    """So many jobs end at a moment of chance within a look, and once more when it is calm again."""
    whole = Spent()
    for number in range(case.rounds):
        moment = (5.0, 11.0, 17.0, 2.0, 14.0)[number % 5]
        bench.crowd.plan_ends(bench.clock.now() + timedelta(seconds=moment), case.ends)
        spent = await bench.looks(6)
        whole.looks += spent.looks
        whole.calls += spent.calls
        whole.whole += spent.whole
        whole.megabytes += spent.megabytes
        whole.cpu += spent.cpu
        whole.wall += spent.wall
    return whole


def main() -> int:
    """Each case in a process of its own; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--looks", type=int, default=0, help="half minutes that are measured, instead of each case's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args()
    if options.here:
        return max(not asyncio.run(measured(CASES[case], options.seed, options.looks)) for case in options.case)
    worst = 0
    for case in options.case:
        words = ["--here", "--case", case, "--looks", str(options.looks), "--seed", str(options.seed)]
        worst = max(worst, subprocess.run([sys.executable, "-m", "bench.scale", *words], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
