"""Watching an account: the observer with the collector beside a poller that lists everything, in one run.

    python -m bench.watch [--minutes 10] [--rounds 1]

The performance sandbox (20 pools, 2,000 nodes, 50 jobs, 100,000 tasks) runs in a process of its own, its clock moved
on by half a minute for each look. Ours looks, stores what it saw in SQLite and takes its samples. The poller reads
pools, nodes of each pool, jobs and tasks of each job through azure-batch aio every 30 seconds, as a script does. Told
are calls, megabytes of the bodies and CPU-seconds of this process, all for a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.clock import Clock
from bot.monitor.collector import Collector
from bot.monitor.observer import Observer
from bot.ops import logs
from bot.settings import WatchSettings
from bot.tools.demo import Stage, demo_settings
from storage.sqlite.store import SqliteStore

POLL = 30.0
WARM = 12
"""Looks before it is measured: the first ones read everything once."""
LIVED = 6 * 3600.0
"""Seconds that the account lives before the first look: until jobs have come and gone, and tasks end as they will."""
GOALS = (6, 500, 200)
"""Times fewer calls, fewer bytes, less CPU."""
MOST = (41, 0.7, 0.46)
"""Calls, megabytes and CPU-seconds a minute at most."""


class Cost(NamedTuple):
    """What a minute of watching takes."""

    calls: float
    megabytes: float
    cpu: float


class Watch:
    """The observer and the collector of one account, on a store."""

    def __init__(self, account: Account, store: SqliteStore) -> None:
        self.account = account
        self.observer = Observer(account, store, Clock(), WatchSettings())
        self._store = store
        self._collector = Collector([account], store)
        self._clock = Clock()

    async def look(self) -> int:
        """One look, stored, and a sample where one is due; returns how many transitions it saw."""
        look = await self.observer.poll()
        if look.scene.blind:
            raise SystemExit(f"the account could not be read: {look.scene.blind}")
        await self._store.record(look.batch)
        self.observer.stored()
        await self._collector.after(self.account.name, look.scene, self._clock.now())
        return len(look.batch.transitions)


async def ours(stage: Stage, account: Account, store: SqliteStore, minutes: int) -> tuple[Cost, int]:
    """A minute of ours, and the transitions that were seen in all of them."""
    watch = Watch(account, store)
    await watch.observer.load()
    await stage.clock(advance=LIVED)
    for _ in range(WARM):
        await watch.look()
        await stage.clock(advance=POLL)
    before, cpu, seen = (account.traffic.calls, account.traffic.bytes), 0.0, 0
    for _ in range(int(minutes * 60 / POLL)):
        begun = time.process_time()
        seen += await watch.look()
        cpu += time.process_time() - begun
        await stage.clock(advance=POLL)
    calls, size = account.traffic.calls - before[0], account.traffic.bytes - before[1]
    return Cost(calls / minutes, size / 1e6 / minutes, cpu / minutes), seen


async def theirs(told: dict[str, str], rounds: int) -> Cost:
    """A minute of the poller."""
    seen = [0, 0]

    def heard(response: Any) -> None:
        seen[0] += 1
        seen[1] += len(response.http_response.content)

    async with BatchClient(told["ENDPOINT"], AzureNamedKeyCredential(told["ACCOUNT"], told["KEY"])) as client:
        begun = time.process_time()
        for _ in range(rounds):
            async for pool in client.list_pools(raw_response_hook=heard):
                async for _node in client.list_nodes(pool.id, raw_response_hook=heard):
                    pass
            async for job in client.list_jobs(raw_response_hook=heard):
                async for _task in client.list_tasks(job.id, raw_response_hook=heard):
                    pass
        cpu = time.process_time() - begun
    scale = 60 / POLL / rounds
    return Cost(seen[0] * scale, seen[1] / 1e6 * scale, cpu * scale)


async def main(minutes: int, rounds: int) -> bool:
    """Both; whether every goal was reached."""
    logs.configure("error")
    with tempfile.TemporaryDirectory() as scratch:
        async with Stage.azure_only(scenario="performance", history=2.0) as stage:
            database = Path(scratch) / "bench.db"
            settings = demo_settings(stage, listen="127.0.0.1:0", database=str(database))
            accounts, store = Accounts(settings.accounts), SqliteStore.open(database)
            try:
                mine, seen = await ours(stage, accounts.get(), store, minutes)
                sdk = await theirs(stage.printed, rounds)
            finally:
                await accounts.close()
                await store.close()
    print(f"watch  {minutes} minutes, {seen} transitions seen; a minute of it:")
    for name, cost in (("batchbot", mine), ("azure-batch aio", sdk)):
        print(
            f"watch    {name:16} {cost.calls:6.0f} calls {cost.megabytes:8.2f} MB {cost.cpu:8.2f} CPU-s"
            + (f"  (goals {MOST[0]}, {MOST[1]} MB, {MOST[2]} CPU-s)" if cost is mine else "")
        )
    ratios = [theirs / ours for theirs, ours in zip(sdk, mine, strict=True)]
    print(
        f"watch  {ratios[0]:.1f}x fewer calls (goal {GOALS[0]}x), {ratios[1]:.0f}x fewer bytes (goal {GOALS[1]}x), "
        f"{ratios[2]:.0f}x less CPU (goal {GOALS[2]}x)"
    )
    return all(ratio >= goal for ratio, goal in zip(ratios, GOALS, strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    sys.exit(not asyncio.run(main(options.minutes, options.rounds)))
