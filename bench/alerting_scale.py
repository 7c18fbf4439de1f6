"""What deciding costs when very much goes wrong at once, how long it holds the event loop, and how that grows.

Ten channels are subscribed to everything. In one look 100, 1,000 or 3,000 jobs and nodes are found in trouble; then a
look finds the same again, something falls due, half a minute later every headline says something else, and at the end
all of it is over. One incident in a hundred is a pool that is down and inhibits the alerts of its jobs. Once more with
quiet hours, in which everything is held back, and once more where every incident has a message of its own in every
channel, as they have who came one after the other: there every card has to be written for what changed.

Deciding means all that the alert service does with a look but for SQLite's part: judging, grouping, writing cards, and
encoding what is stored. It and the longest hold of the loop are CPU time of the loop's thread, so that a machine that
does other things does not count, and the best of some rounds. The last column is the whole of it by the wall's clock,
stored by SQLite.

    python -m bench.alerting_scale [--rounds 3] [--most 3000]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bot.alerting.model import Hours, Notification, Subscription
from bot.alerting.rules import AlertRule, discover
from bot.alerting.service import AlertService
from bot.chat.request import Conversation
from bot.clock import Clock
from bot.domain.findings import CauseCount, Entity, Finding
from bot.monitor.scene import Area, Scene
from bot.settings import AlertSettings
from cards.build import text
from cards.card import Card
from storage.port.changes import ChangeSet
from storage.port.outbox import OutboxEntry
from storage.sqlite.store import SqliteStore

SIZES = (100, 1_000, 3_000)
CHANNELS = 10
GOAL_MS, GOAL_HOLD_MS = 300.0, 20.0
"""For one decision about 3,000 incidents in ten channels."""
BEGIN = datetime(2026, 11, 18, 12, tzinfo=UTC)
EVERYTHING: frozenset[Area] = frozenset({"pools", "nodes", "jobs", "tasks", "schedules", "quota"})
RULES = ("task.failed", "node.unusable", "pool.resize_failed", "job.stuck")
QUIET = Hours(begin=11 * 60, end=14 * 60)


class Still(Clock):
    """A clock that is moved by hand."""

    at = BEGIN

    def now(self) -> datetime:
        """Where it was put."""
        return self.at


class Nowhere:
    """Takes the place of the outbox."""

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        """Nothing is sent."""

    def backlog(self, where: str) -> int:
        """Everything has arrived."""
        return 0


class Unstored(SqliteStore):
    """A store that loses what it is given, so that only what it is given costs."""

    async def record(self, batch: ChangeSet) -> int:
        """Nothing is written."""
        return 0


class Heart:
    """Beats beside the work: the most that the loop's thread computed between two beats, in seconds."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def beat(self) -> None:
        """Until cancelled."""
        begun = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            self.worst = max(self.worst, time.thread_time() - begun)
            begun = time.thread_time()


async def timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float, float]:
    """Milliseconds that work computed in the loop's thread, the most in one piece, and how long it took in all."""
    gc.collect()
    heart = Heart()
    beating = asyncio.create_task(heart.beat())
    await asyncio.sleep(0.005)
    heart.worst = 0.0
    wall, computed = time.perf_counter(), time.thread_time()
    await work()
    wall, computed = time.perf_counter() - wall, time.thread_time() - computed
    await asyncio.sleep(0.002)
    beating.cancel()
    return computed * 1e3, heart.worst * 1e3, wall * 1e3


def findings(number: int, version: int) -> dict[str, list[Finding]]:
    """What is wrong, by rule; ``version`` changes what each says."""
    found: dict[str, list[Finding]] = {name: [] for name in RULES}
    for each in range(number):
        pool = Entity("pool", f"pool-{each % max(1, number // 100)}")
        if each % 100 == 0:
            found["pool.resize_failed"].append(
                Finding(entity=Entity("pool", f"pool-{each // 100}"), headline=f"pool-{each // 100}: {version} errors",
                        since=BEGIN, count=version)
            )  # fmt: skip
        elif each % 100 < 5:
            job = Entity("job", f"stuck-{each}")
            found["job.stuck"].append(
                Finding(entity=job, headline=f"job {job.id}: {version} tasks wait", since=BEGIN, related=(pool,))
            )
        elif each % 5 == 0:
            node = Entity("node", f"tvm-{each}", pool.id)
            found["node.unusable"].append(
                Finding(entity=node, headline=f"node {node.id} unusable {version}", since=BEGIN, related=(pool,))
            )
        else:
            job = Entity("job", f"job-{each}")
            found["task.failed"].append(
                Finding(
                    entity=job,
                    headline=f"job {job.id}: {version + 3} tasks failed",
                    since=BEGIN,
                    figures=(("Pool", pool.id),),
                    cause="exit code 137 ×2 · exit code 2 ×1",
                    evidence="MemoryError: unable to allocate 3.1 GiB",
                    related=(pool,),
                    count=version,
                    causes=(CauseCount("exit code 137", version + 2, "a", "MemoryError"), CauseCount("exit code 2", 1)),
                )
            )
    return found


def rules(found: dict[str, list[Finding]]) -> dict[str, AlertRule]:
    """Real rules, which find what they are told."""

    def judge(name: str) -> Callable[[Scene], Iterator[Finding]]:
        return lambda scene: iter(found[name])

    return {name: replace(each, judge=judge(name)) for name, each in discover().items() if name in RULES}


class Bench:
    """An alert service for ten channels, and what its rules find."""

    def __init__(self, store: SqliteStore, number: int) -> None:
        self.number = number
        self.clock = Still()
        self.found: dict[str, list[Finding]] = {name: [] for name in RULES}
        self.alerts = AlertService(
            store, rules(self.found), AlertSettings(), Nowhere(), self.clock, zone="UTC", several=True
        )

    async def open(self, *, quiet: bool) -> None:
        """Ten channels are subscribed."""
        await self.alerts.load()
        for number in range(CHANNELS):
            conversation = Conversation("slack", f"C{number}", name=f"ops-{number}")
            await self.alerts.subscribe(Subscription(id=f"s{number}", conversation=conversation))
            if quiet:
                await self.alerts.set_hours(f"slack:{conversation.id}", QUIET)

    async def look(self, version: int | None, after: float = 30.0) -> tuple[float, float, float]:
        """A look that finds them all in that version, or none of them; what it took."""
        self.clock.at += timedelta(seconds=after)
        self.found.update(findings(self.number, version) if version else {name: [] for name in RULES})
        return await timed(self._look)

    async def _look(self) -> None:
        at = self.clock.at
        await self.alerts.saw(Scene(account="render", at=at, read=EVERYTHING, pools={}, jobs={}, schedules={}))

    async def tick(self) -> tuple[float, float, float]:
        """What falls due a minute later; what it took."""
        self.clock.at += timedelta(seconds=60)
        return await timed(self.alerts.tick)

    async def told_alone(self) -> None:
        """What is open is told by a message of its own in each channel."""
        names = [each.id for each in self.alerts.incidents.open()]
        rows = await self.alerts._store.notifications(names)
        empty = msgspec.json.encode(Card(text("told")))
        batch = ChangeSet()
        for row in rows:
            known = msgspec.json.decode(row.body, type=Notification)
            name = f"{known.incident}-{known.conversation}"
            told = msgspec.structs.replace(known, entry=name, gathered=False, held="", due=None, shown=self.clock.at)
            batch.notifications.append(told.row())
            conversation = Conversation("slack", known.conversation.partition(":")[2])
            batch.entries.append(
                OutboxEntry(name, known.conversation, msgspec.json.encode(conversation), empty, 1, self.clock.at)
            )
        await self.alerts._store.record(batch)
        await self.alerts.load()


@asynccontextmanager
async def bench(path: Path, number: int, store: type[SqliteStore], *, quiet: bool = False) -> AsyncIterator[Bench]:
    """An alert service on a store of its own."""
    kept = store.open(path)
    made = Bench(kept, number)
    await made.open(quiet=quiet)
    yield made
    await kept.close()


async def storm(made: Bench) -> dict[str, tuple[float, float, float]]:
    """A look that finds all of it, and what follows."""
    return {
        "new": await made.look(1),
        "the same again": await made.look(1),
        "nothing but time": await made.tick(),
        "changed": await made.look(2),
        "resolved": await made.look(None),
        "an hour later": await made.look(None, 3700.0),
        "forgotten": await made.tick(),
    }


async def held(made: Bench) -> dict[str, tuple[float, float, float]]:
    """The same in quiet hours."""
    return {
        "new, held back": await made.look(1),
        "held, the same again": await made.look(1),
        "held, nothing but time": await made.tick(),
        "held, changed": await made.look(2),
    }


async def alone(made: Bench) -> dict[str, tuple[float, float, float]]:
    """With a message for each."""
    await made.look(1)
    await made.told_alone()
    return {
        "own messages, the same again": await made.look(1),
        "own messages, changed": await made.look(2),
        "own messages, resolved": await made.look(None),
    }


async def measure(number: int, rounds: int, folder: Path) -> dict[str, tuple[float, float, float]]:
    """By what is done: milliseconds, the longest hold, and the whole with SQLite; the best of some rounds."""
    found: dict[str, tuple[float, float, float]] = {}
    best = float("inf")
    for turn in range(rounds):
        for name, work, quiet in (("storm", storm, False), ("held", held, True), ("alone", alone, False)):
            taken: dict[str, tuple[float, float, float]] = {}
            if name != "alone":
                async with bench(folder / f"{name}-{number}-{turn}.db", number, Unstored, quiet=quiet) as made:
                    taken = await work(made)
            async with bench(folder / f"{name}-{number}-{turn}-stored.db", number, SqliteStore, quiet=quiet) as made:
                stored = await work(made)
            for what, (computed, hold, whole) in stored.items():
                took, longest, _ = taken.get(what, (computed, hold, whole))
                known = found.get(what, (best, best, best))
                found[what] = min(known[0], took), min(known[1], longest), min(known[2], whole)
    return found


async def main(rounds: int, most: int) -> bool:
    """All of it; whether the goals are reached."""
    gc.freeze()  # as the program does when it has started
    sizes = [size for size in SIZES if size <= most]
    results: dict[int, dict[str, tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            results[size] = await measure(size, rounds, Path(folder))
    print(f"alerting  {CHANNELS} channels; CPU milliseconds in all and in one piece; by the wall's clock with SQLite")
    print(f"  {'incidents':32}" + "".join(f"{size:>24,}" for size in sizes) + "   growth, of what the number grew by")
    good = True
    first, last = sizes[0], sizes[-1]
    for what in results[last]:
        cells = "".join("{:8.1f}{:8.1f}{:8.1f}".format(*results[size][what]) for size in sizes)
        grew = results[last][what][0] / max(results[first][what][0], 0.05) / (last / first)
        counted = not what.startswith("own")
        reached = results[last][what][0] <= GOAL_MS and results[last][what][1] <= GOAL_HOLD_MS
        good = good and (reached or not counted)
        print(f"  {what:32}{cells}   {grew:5.2f}{'' if reached else '  MISSED' if counted else '  (no goal)'}")
    print(f"  goal for {last:,}: {GOAL_MS:.0f} ms in all, {GOAL_HOLD_MS:.0f} ms in one piece: ", end="")
    print("reached" if good else "MISSED")
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    given = parser.parse_args()
    sys.exit(not asyncio.run(main(given.rounds, given.most)))
