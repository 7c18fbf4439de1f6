"""What accounts cost, and how that grows with them and with the replicas that share them.

The sandbox plays so many accounts at once, each of 300 active jobs and 104 nodes, of which four in five work; the case
``nodes`` is a single account of 5,000. Tasks are there as far as they run or wait to: the program reads what its nodes
tell of them, however many exist. ``batchbot run`` watches with its settings file, in so many processes, on a PostgreSQL
that waits for the disk, behind a PgBouncer in transaction mode. People start jobs, end them and add tasks that fail, in
every account, by the wall's clock. Twenty channels are told, each of a team's jobs in all accounts.

Told are, of each replica: CPU-seconds a minute, by thread and by kind of work of the main thread; memory; calls. Then
what PostgreSQL and the sandbox took, which is no part of the program, and the seconds from what happened to the post.

    python -m bench.replicas [--accounts 1 10 50] [--replicas 1 2 3] [--minutes 3] [--share 0.1]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bench.alerts import spent
from bench.crowd import FARM, Crowd, Event
from bench.databases import server_cpu
from bench.memory import resident
from bench.scale import GOAL_P50, GOAL_P99, WHATS, latencies, subscribed
from bench.told import Record, Version, begun, shown, told_after
from bot.clock import Clock
from bot.sandbox.slack import SlackStandIn
from bot.tools.demo import Stage, demo_file, free_port
from storage.opening import open_store
from storage.sql.store import SqlStore
from tests.bouncer import bouncer
from tests.postgresql import Server, programs
from tests.soak.program import toml

POLL = 30
SETTLED = 100.0
"""Seconds that it watches before it is measured: the first looks read everything once."""
AFTER = 100.0
"""Seconds after the last thing happened in which it may still be told."""
HOUR = 3600.0
POOL = 12
"""Connections of the PgBouncer to the server."""


@dataclass
class Replica:
    """A process of the program."""

    process: asyncio.subprocess.Process
    port: int
    told: Path

    async def figures(self, http: aiohttp.ClientSession) -> Figures:
        """What it took since its start."""
        self.told.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        async with http.get(f"http://127.0.0.1:{self.port}/metrics") as answer:
            metrics = await answer.text()
        while not self.told.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
        said = json.loads(self.told.read_text(encoding="utf-8"))
        pid = self.process.pid
        return Figures(
            spent(pid),
            resident(pid),
            Counter(said["threads"]),
            Counter(said["kinds"]),
            _sum(metrics, "batchbot_azure_calls_total"),
            _sum(metrics, "batchbot_polls_total"),
            _sum(metrics, "batchbot_azure_received_bytes_total"),
            said["turns"],
        )


@dataclass
class Figures:
    """Of a process, since its start: CPU-seconds, MiB, CPU by thread, samples by kind of work, its calls, and the
    longest turns of its event loop.
    """

    cpu: float
    memory: float
    threads: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    calls: float = 0.0
    polls: float = 0.0
    received: float = 0.0
    turns: dict[str, float] = field(default_factory=dict)

    def describe(self, before: Figures, minutes: float) -> list[str]:
        """Lines, a minute's figures each."""
        cpu = (self.cpu - before.cpu) / minutes
        lines = [
            f"{cpu:6.2f} CPU-s a minute ({cpu / 0.6:.1f} % of a core), {self.memory:.0f} MiB, "
            f"{(self.calls - before.calls) / minutes:.0f} calls, {(self.polls - before.polls) / minutes:.0f} polls, "
            f"{(self.received - before.received) / 1e6 / minutes:.1f} MB"
        ]
        threads = {name: (took - before.threads[name]) / minutes for name, took in self.threads.items()}
        told = sorted(threads.items(), key=lambda each: -each[1])
        lines.append("threads: " + ", ".join(f"{name} {took:.2f}" for name, took in told if took >= 0.005))
        kinds = {name: (times - before.kinds[name]) for name, times in self.kinds.items() if name}
        whole, main = sum(kinds.values()), threads.get("MainThread", 0.0)
        shares = sorted(kinds.items(), key=lambda each: -each[1])
        words = (f"{name} {main * times / whole:.2f} ({times / whole:.0%})" for name, times in shares if times)
        lines.append("the main thread: " + ", ".join(words))
        turns = sorted(self.turns.items(), key=lambda each: -each[1])[:4]
        if turns:
            lines.append("longest turns: " + "; ".join(f"{took:.2f} CPU-s {place}" for place, took in turns))
        return lines


def _sum(metrics: str, name: str) -> float:
    return sum(float(each) for each in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", metrics, re.MULTILINE))


class Fleet:
    """The accounts, the database, Slack, and the replicas."""

    def __init__(self, stage: Stage, port: int, url: str, folder: Path) -> None:
        self.stage, self._port = stage, port
        self.replicas: list[Replica] = []
        self.store: SqlStore
        self._url = url
        self._folder = folder

    @property
    def accounts(self) -> list[dict[str, str]]:
        """What the sandbox said of each, by the names of the first one."""
        printed, found = self.stage.printed, [self.stage.printed]
        while f"ACCOUNT_{len(found) + 1}" in printed:
            tail = f"_{len(found) + 1}"
            found.append(printed | {key[: -len(tail)]: value for key, value in printed.items() if key.endswith(tail)})
        return found

    async def run(self, number: int) -> None:
        """Begin so many replicas; returns when all answer."""
        for each in range(number):
            port = self._port if each == 0 else free_port()  # Slack knows the first one's
            raw = demo_file(self.stage, listen=f"127.0.0.1:{port}", database=self._url)
            raw["watch"]["poll_seconds"] = POLL
            raw["alerts"] |= {"group_wait": 0, "group_interval": 0}
            raw["bot"] |= {"log_level": "warning"}
            raw.pop("budgets", None)
            file = self._folder / f"replica-{each}.toml"
            file.write_text(toml(_plain(raw)), encoding="utf-8")
            told = self._folder / f"replica-{each}.json"
            with (self._folder / f"replica-{each}.log").open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bench.sampling", str(told), "run", "--settings", str(file)),
                    stdout=log,
                    stderr=log,
                    env=os.environ | self.stage.environment,
                )
            self.replicas.append(Replica(process, port, told))
        async with aiohttp.ClientSession() as http:
            for replica in self.replicas:
                await _answers(replica, http)

    async def end(self) -> None:
        """End them in good order."""
        for replica in self.replicas:
            if replica.process.returncode is None:
                replica.process.terminate()
        for replica in self.replicas:
            await replica.process.wait()


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """Without what TOML cannot say."""
    return {key: _plain(value) if isinstance(value, dict) else value for key, value in raw.items() if value is not None}


async def _answers(replica: Replica, http: aiohttp.ClientSession) -> None:
    while True:
        if replica.process.returncode is not None:
            raise RuntimeError("a replica did not come up: " + replica.told.with_suffix(".log").read_text()[-2000:])
        try:
            async with http.get(f"http://127.0.0.1:{replica.port}/health"):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)


@asynccontextmanager
async def fleet(scenario: str, server: Server, folder: Path) -> AsyncIterator[tuple[Fleet, SlackStandIn]]:
    """All but the replicas, at work."""
    url = server.url(server.create("made"))
    port, opened = free_port(), time.time()
    async with Stage.azure_only(scenario=scenario, history=1.0) as stage:
        slack = await begun(stage, f"127.0.0.1:{port}")
        await stage.clock(advance=HOUR + time.time() - opened, pause=False)
        with bouncer(url, POOL, server) as between:
            made = Fleet(stage, port, between, folder)
            made.store, _ = await asyncio.to_thread(open_store, url)
            await subscribed(made.store, slack, datetime.now(UTC))
            try:
                yield made, slack
            finally:
                await made.end()
                await made.store.close()
                await slack.close()


async def measured(title: str, scenario: str, number: int, minutes: float, share: float, server: Server) -> bool:
    """One case; printed. Whether it was told soon enough."""
    clock, folder = Clock(), Path(tempfile.mkdtemp(prefix="batchbot-fleet-"))
    postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as http:
        made, slack = await stack.enter_async_context(fleet(scenario, server, folder))
        record = Record(slack, clock)
        recording = asyncio.create_task(record.run())
        stack.callback(recording.cancel)
        crowds = [
            await stack.enter_async_context(Crowd(told, seed, pool=FARM, own=True))
            for seed, told in enumerate(made.accounts)
        ]
        for crowd in crowds:
            await crowd.meet()
        await made.run(number)
        await asyncio.sleep(SETTLED)
        before = [await replica.figures(http) for replica in made.replicas]
        beside = server_cpu(postmaster), spent(made.stage.pid)
        since, begun = clock.now(), time.monotonic()
        late = await _live(crowds, clock, minutes, share)
        until, took = clock.now(), (time.monotonic() - begun) / 60
        after = [await replica.figures(http) for replica in made.replicas]
        others = [
            (now - was) / took for now, was in zip((server_cpu(postmaster), spent(made.stage.pid)), beside, strict=True)
        ]
        await asyncio.sleep(AFTER)
        versions = record.complete()
        events, seconds = await _told(made, crowds, versions, since, until)
    print(f"replicas  {title}, {number} replica{'s' if number > 1 else ''}; a minute of {took:.1f}:")
    for place, (one, other) in enumerate(zip(before, after, strict=True), start=1):
        for line in other.describe(one, took):
            print(f"replicas    {place}: {line}")
    whole = sum(now.cpu - was.cpu for was, now in zip(before, after, strict=True)) / took
    print(
        f"replicas    together {whole:.2f} CPU-s, {whole / len(crowds):.3f} an account; PostgreSQL {others[0]:.2f}, "
        f"the sandbox {others[1]:.2f}; people late by {late:.1f} s at most"
    )
    good = True
    for what, latency in latencies(events, seconds).items():
        good = good and latency.good(GOAL_P50, GOAL_P99)
        missed = "" if latency.good(GOAL_P50, GOAL_P99) else "  MISSED"
        print(f"replicas    {WHATS[what]:14} {latency.describe(GOAL_P50, GOAL_P99)}{missed}")
    print(f"replicas    {_said(versions)}")
    print(f"replicas    logs: {_words(folder) or 'no warnings'}", flush=True)
    if good:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    (folder / "late.txt").write_text("\n".join(_late(seconds, versions)), encoding="utf-8")
    print(f"replicas    kept, with what was late: {folder}", flush=True)
    return False


def _said(versions: Mapping[str, Sequence[Version]]) -> str:
    """How much was said: what Slack allows of edits may be what limits."""
    edits = sorted(each.at for of in versions.values() for each in of[1:])
    most = max((bisect_right(edits, at + timedelta(minutes=1)) - place for place, at in enumerate(edits)), default=0)
    return f"messages {len(versions)}, edits {len(edits)}, within a minute {most} of them at most"


def _late(seconds: Mapping[Event, float], versions: Mapping[str, Sequence[Version]]) -> Iterator[str]:
    """What was told late or never, the latest first, and all that was ever said of it."""
    for event, took in sorted(seconds.items(), key=lambda each: -each[1]):
        if took <= GOAL_P99:
            return
        yield f"{event.at:%H:%M:%S} {event.what} {event.number} of {event.job}: {took:.1f} s"
        name = event.job.partition("/")[2]
        said = ((each.at, key, each.text) for key, of in versions.items() for each in of if name in each.text)
        yield from (f"    {at:%H:%M:%S} {key} {text[:300]!r}" for at, key, text in sorted(said))


async def _live(crowds: list[Crowd], clock: Clock, minutes: float, share: float) -> float:
    """People act, in every account; how late they were at most, because this process or the sandbox was busy."""
    late, chance = 0.0, random.Random(1)

    async def one(crowd: Crowd) -> None:
        nonlocal late
        for _ in range(round(minutes * 60 / POLL)):
            begun = clock.now()
            if chance.random() < share:
                crowd.plan(begun, POLL, 1)
            while (left := (begun + timedelta(seconds=POLL) - clock.now()).total_seconds()) > 0:
                due = crowd.next_due()
                await asyncio.sleep(max(0.0, min(left, (due - clock.now()).total_seconds()) if due else left))
                due = crowd.next_due()
                if due:
                    late = max(late, (clock.now() - due).total_seconds())
                await crowd.act(clock.now())

    await asyncio.gather(*(one(crowd) for crowd in crowds))
    return late


async def _told(
    made: Fleet, crowds: list[Crowd], versions: dict[str, list[Any]], since: datetime, until: datetime
) -> tuple[list[Event], dict[Event, float]]:
    """What happened, and how soon each thing was told."""
    seconds: dict[Event, float] = {}
    for crowd, account in zip(crowds, made.accounts, strict=True):
        decided = await shown(made.store, account["ACCOUNT"], since - timedelta(hours=12))
        for event in await crowd.what_happened(since, until):
            if "-n" not in event.job:
                continue  # the sandbox's own
            mine = event._replace(job=f"{account['ACCOUNT']}/{event.job}")
            seconds[mine] = told_after(event, decided.get(event.job, ()), versions)
    return list(seconds), seconds


def _words(folder: Path) -> str:
    """What the replicas said in their logs, and how often."""
    said: Counter[str] = Counter()
    for log in folder.glob("*.log"):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                said[json.loads(line)["event"]] += 1
            except (ValueError, KeyError, TypeError):
                said[line[:120]] += 1
    return ", ".join(f"{word} {times}" for word, times in said.most_common(6))


async def main(accounts: list[str], replicas: list[int], minutes: float, share: float) -> bool:
    """All cases; whether everything was told soon enough."""
    there = programs()
    if there is None:
        print("replicas  no PostgreSQL here: left out")
        return True
    server, good = Server(there, durable=True), True
    try:
        for number in replicas:
            for size in accounts:
                title = "one account of 5,000 nodes" if size == "nodes" else f"{size} accounts"
                good = await measured(title, f"fleet-{size}", number, minutes, share, server) and good
    finally:
        server.end()
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", nargs="+", default=["1", "nodes", "10", "50"], help="1, 10, 50 or nodes")
    parser.add_argument("--replicas", nargs="+", type=int, default=[1], help="how many processes share them")
    parser.add_argument("--minutes", type=float, default=3.0, help="in which things happen")
    parser.add_argument(
        "--share", type=float, default=0.1, help="of the half minutes in which people of an account act"
    )
    given = parser.parse_args()
    sys.exit(not asyncio.run(main(given.accounts, given.replicas, given.minutes, given.share)))
