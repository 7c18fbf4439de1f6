"""What the black box adds to watching an account of a thousand jobs in which a thousand tasks fail, and takes on disk.

    python -m bench.black_box [--scenario crowded-1000] [--failures 1000] [--minutes 10]

Twice the same account, in this process: without the black box, and with it. In its first minutes tasks fail, spread
over the span and over two hundred jobs, of six exit codes. Told are calls and megabytes a minute, of the fullest minute
too (the goal is what a minute may take), how many failures are kept with what they printed, how many looks after they
were told, and what the file takes. Then a thousand failures of the longest and least compressible output there may be.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from bot.azure.accounts import Accounts
from bot.clock import Clock
from bot.monitor.observer import Observer
from bot.ops import logs
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock as WorldClock
from bot.sandbox.world.scenarios import build
from bot.settings import AccountSettings, KeepSettings, WatchSettings
from storage.port.black_box import KeptFile, KeptTask
from storage.port.changes import ChangeSet
from storage.sqlite.store import SqliteStore

POLL = 30
MOST = WatchSettings().requests_per_minute
CAUSES = ["exit-1", "exit-2", "exit-126", "exit-127", "exit-137", "exit-139"]
JOBS = 200
KB = 1024


class Seen(NamedTuple):
    """One account over the span."""

    calls: float
    fullest: int
    megabytes: float
    failed: int
    kept: int
    read: int
    looks: int
    disk: int


async def watched(scenario: str, failures: int, minutes: int, folder: Path, *, boxes: bool) -> Seen:
    """Watch the account, with the black box or without."""
    world = build(scenario, seed=1, clock=WorldClock(paused=True))
    world.clock.advance(timedelta(hours=1))
    world.settle()
    sandbox = AzureSandbox(world, seed=1)
    await sandbox.start()
    os.environ |= {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    name, endpoint = next(iter(sandbox.endpoints.items()))
    state, facts = world.accounts[name], world.accounts[name].facts
    settings = AccountSettings(
        endpoint,
        facts.subscription,
        facts.resource_group,
        account=name,
        region=facts.location,
        credential="managed_identity",
        arm_endpoint=sandbox.arm_url,
    )
    accounts, store = Accounts({name: settings}, {}), SqliteStore.open(folder / f"{boxes}.db")
    account = accounts.get()
    observer = Observer(account, store, Clock(), None, KeepSettings(black_box_mb=100 if boxes else 0))
    await observer.load()
    kept: dict[tuple[str, str, datetime], KeptTask] = {}
    waited: dict[tuple[str, str, datetime], int] = {}
    failed = looks = 0

    async def look() -> int:
        nonlocal failed, looks
        polled = await observer.poll()
        await store.record(polled.batch)
        observer.stored()
        looks += 1
        failed += sum(each.entity == "task" and each.after == "failed" for each in polled.batch.transitions)
        for box in polled.batch.kept_tasks:
            key = (box.job, box.task, box.at)
            waited.setdefault(key, looks)
            if box.files and not (key in kept and kept[key].files):
                waited[key] = looks - waited[key]
            kept[key] = box
        return polled.calls

    try:
        for _ in range(12):  # the first ones read everything once
            await look()
            world.clock.advance(timedelta(seconds=POLL))
            world.settle()
        active = [job.id for job in state.jobs.values() if job.state == "active"][:JOBS]
        told = state.inject.storm(active, CAUSES, failures, minutes * 30.0)
        before, calls = (account.traffic.calls, account.traffic.bytes), []
        failed = 0
        for _ in range(minutes * 60 // POLL):
            world.clock.advance(timedelta(seconds=POLL))
            world.settle()
            calls.append(await look())
        size = account.traffic.bytes - before[1]
        asked = account.traffic.calls - before[0]
        await store.prune(datetime.now(UTC) - timedelta(days=1))
    finally:
        await accounts.close()
        await store.close()
        await sandbox.close()
    read = [key for key, box in kept.items() if box.files]
    print(f"black box  {sum(told.values())} failures set off in {len(told)} jobs", flush=True)
    return Seen(
        asked / minutes,
        max(a + b for a, b in itertools.pairwise(calls)),
        size / 1e6 / minutes,
        failed,
        len(kept),
        len(read),
        max((waited[key] for key in read), default=0),
        (folder / f"{boxes}.db").stat().st_size,
    )


async def thousand(folder: Path, *, noise: bool) -> int:
    """Bytes that a thousand failures of 20 kB each take on disk: random digits, or lines like a program's."""
    path = folder / f"thousand-{noise}.db"
    store = SqliteStore.open(path)
    empty = path.stat().st_size + path.with_name(f"{path.name}-wal").stat().st_size
    at, chance = datetime(2026, 11, 18, 12, tzinfo=UTC), random.Random(1)

    def printed(length: int) -> str:
        if noise:
            return chance.randbytes(length // 2).hex()
        text = ""
        while len(text) < length:
            second, frame, took = len(text) % 60, chance.randrange(10**5), chance.random()
            text += f"2026-11-18 12:00:{second:02d} INFO frame {frame} took {took:.3f} s\n"
        return text[-length:]

    for number in range(1000):
        files = (KeptFile("stderr.txt", printed(16 * KB)), KeptFile("stdout.txt", printed(4 * KB)))
        when = at + timedelta(seconds=number)
        box = KeptTask("render", f"job-{number % 50}", f"frame-{number}", when, when, exit_code=1, files=files)
        await store.record(ChangeSet(kept_tasks=[box]))
    await store.prune(at)
    await store.close()
    return path.stat().st_size - empty


async def main(scenario: str, failures: int, minutes: int) -> bool:
    """All of it; whether no minute took more calls than it may."""
    logs.configure("error")
    fine = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        found = {}
        for boxes in (False, True):
            seen = found[boxes] = await watched(scenario, failures, minutes, folder, boxes=boxes)
            fine = fine and seen.fullest <= MOST
            print(
                f"black box  {'with it' if boxes else 'without'}: {seen.calls:.1f} calls a minute, {seen.fullest} in "
                f"the fullest (goal {MOST}), {seen.megabytes:.2f} MB a minute"
            )
            print(
                f"black box  {seen.failed} failures told, {seen.kept} kept, {seen.read} with what they printed, "
                f"at most {seen.looks} looks later",
                flush=True,
            )
        print(f"black box  {(found[True].disk - found[False].disk) / KB:,.0f} kB more on disk")
        lines, noise = await thousand(folder, noise=False), await thousand(folder, noise=True)
        print(f"black box  1,000 failures of 20 kB: {lines / 1e6:.1f} MB of log lines, {noise / 1e6:.1f} MB of digits")
    return fine


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="crowded-1000")
    parser.add_argument("--failures", type=int, default=1000)
    parser.add_argument("--minutes", type=int, default=10)
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(main(given.scenario, given.failures, given.minutes)) else 1)
