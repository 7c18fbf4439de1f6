"""One soak: trouble, weather and kills, then rest, then the judge."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from tests.acceptance.environment import Environment, environment
from tests.acceptance.replicas import ReplicaSet
from tests.soak.account import prepared
from tests.soak.evidence import keep, verdict_of
from tests.soak.expected import Expected, expected, kinds
from tests.soak.heard import Heard
from tests.soak.operations import Operators
from tests.soak.outcome import Outcome, Seen
from tests.soak.program import InstalledProgram
from tests.soak.record import WorldRecord
from tests.soak.several import dump, several
from tests.soak.times import Times
from tests.soak.trouble import Trouble
from tests.soak.waited import Waited
from tests.soak.weather import Weather

POLL = 30.0
"""Seconds between two looks, as installed."""
GATHER = 2
"""Seconds for which alerts are gathered at most: all but none, so that there are many messages to lose or to double."""
_SETTINGS = {"alerts": {"group_wait": 1, "group_interval": GATHER, "repeat": 60}}
_SUBSCRIBED = "alert subscribe job.* pool.* node.* task.* schedule.* severity:info"
_BETWEEN = (2.0, 12.0)
"""Seconds of the fast clock between two strokes of trouble."""
_BRIEF, _LONG, _OFTEN_LONG = (1.0, 25.0), (35.0, 110.0), 0.65
"""How long a life is, and how likely a long one: in a brief one it is killed while it looks."""
_KILLED_STARTING = 0.3
_REST, _PATIENCE = 240.0, 900.0
"""Seconds that everything has in the end, and at most while something is missing."""
_NEW = 150.0
"""What happened so lately in the end may still be on its way."""


class Options(Struct, frozen=True, kw_only=True):
    """What a soak is asked to be; as text the options that ask for it."""

    kills: int = 50
    speed: float = 20.0
    seed: int = 1
    load: str = "carried"
    operations: bool = False
    pictures: bool = False
    replicas: int = 0
    lease: float = 3.0

    def __str__(self) -> str:
        flags = "".join(f" --{name}" for name in ("operations", "pictures") if getattr(self, name))
        flags += f" --replicas {self.replicas} --lease {self.lease:g}" if self.replicas else ""
        return f"--kills {self.kills} --speed {self.speed:g} --seed {self.seed} --load {self.load}{flags}"


async def soak(folder: Path, options: Options) -> Outcome:
    """Run it; see :class:`Outcome`. All that was seen is written into the folder, beside database and log."""
    outcome, begun = Outcome(), time.monotonic()
    operators = Operators() if options.operations else None
    prepare = prepared(options.load)
    async with (
        several(options.replicas) as (settings, between),
        environment(
            folder,
            speed=options.speed,
            seed=options.seed,
            prepare=operators.prepared(prepare) if operators else prepare,
            settings=_SETTINGS | settings,
        ) as stage,
    ):
        if between:
            number, lease = options.replicas, options.lease
            ReplicaSet.of(stage, folder, number, between=between, lease=lease, pictures=options.pictures)
        else:
            installed(stage, folder, pictures=options.pictures)
        if operators:
            operators.allow(stage)
        async with _watch(stage, options, folder) as watch:
            await watch.kills(outcome, operators)
            if operators:
                await operators.end(stage)
            seen = await watch.rest()
            watch.count(outcome)
            if operators:
                outcome.operations, outcome.resizes = operators.operations(stage), operators.resizes
                outcome.unfinished = operators.unfinished(stage)
            keep(folder, seen)
        outcome.verdict = verdict_of(seen)
        if between and not outcome.sound:
            dump(stage.program.raw["bot"]["database"], folder)
    outcome.seconds = time.monotonic() - begun
    return outcome


def installed(stage: Environment, folder: Path, *, pictures: bool = False) -> None:
    """Have the real command run, with its settings file."""
    bare = stage.program
    stage.program = InstalledProgram(
        bare.raw, bare.environment, bare.time, bare.log, settings=folder / "batchbot.toml", pictures=pictures
    )


@asynccontextmanager
async def _watch(stage: Environment, options: Options, folder: Path) -> AsyncIterator[_Watch]:
    await stage.program.start()
    await stage.install()
    await stage.until(lambda: stage.rows("SELECT 1 FROM cursors WHERE stream = 'jobs'"), 900, "a first look")
    for platform in ("slack", "teams"):
        await _subscribe(stage, platform)
    watch = _Watch(stage, options)
    try:
        yield watch
    except BaseException:
        keep(folder, watch.seen())
        raise
    finally:
        await watch.close()


async def _subscribe(stage: Environment, platform: str) -> None:
    """Have the channel told of news too."""
    if platform == "slack":
        await stage.slack.command("admin", "batch-ops", _SUBSCRIBED)
    else:
        await stage.teams.say("admin", stage.room, f"@Batch Bot {_SUBSCRIBED}")
    stored = "SELECT 1 FROM preferences WHERE namespace = 'subscription' AND owner LIKE ?"
    await stage.until(lambda: stage.rows(stored, f"{platform}:%"), 900, f"a subscription on {platform}")


class _Watch:
    """A program that is let live and killed, and all that is seen of it."""

    def __init__(self, stage: Environment, options: Options) -> None:
        self._stage = stage
        self._options = options
        self._chance = random.Random(options.seed)
        self.trouble = Trouble(stage.account, options.seed)
        self._weather = Weather(stage, self._chance)
        self._record = WorldRecord(stage.account)
        self._heard = Heard(stage, stage.time.stamp)
        self._lives: list[tuple[float, float]] = []
        self._alive: float | None = stage.time.stamp()
        self._copies = stage.program if isinstance(stage.program, ReplicaSet) else None
        self._account = stage.account.facts.name
        self._epoch = self._watched = 0
        self._died = time.monotonic()
        self._takeovers: list[float] = []
        """Seconds of the wall from the death of whoever decided, or watched, until others had begun to."""
        self._until = 0.0
        self._lag = 0.0
        self._starved: list[tuple[float, float]] = []
        self._steady = asyncio.create_task(self._beat())

    async def close(self) -> None:
        """Watch no more."""
        self._steady.cancel()
        await asyncio.gather(self._steady, return_exceptions=True)
        await self._heard.close()

    async def _beat(self) -> None:
        """How late this process is itself, and how long it and the program wait for a processor.

        The fast clock does not wait for them.
        """
        speed, waited, last = self._options.speed, Waited(), self._stage.time.stamp()
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.05)
            self._lag = max(self._lag, time.monotonic() - before - 0.05)
            now, copies = self._stage.time.stamp(), self._copies
            running = [each.process for each in (copies.copies.values() if copies else [self._stage.program])]
            if seconds := waited.since("self", *(each.pid for each in running if each)):
                self._starved.append((now, min(now - last, seconds * speed)))
            last = now

    # --- living and dying ---------------------------------------------------------------------------------------------

    async def kills(self, outcome: Outcome, operators: Operators | None) -> None:
        """Trouble, and as many kills as are asked for; the program lives in the end."""
        chance = self._chance
        while outcome.kills < self._options.kills:
            if operators:
                await operators.ask(self._stage, chance)
            await self._live(chance.uniform(*(_LONG if chance.random() < _OFTEN_LONG else _BRIEF)))
            await self._kill()
            outcome.kills += 1
            self._weather.change()
            self._stage.program.begin()
            if chance.random() < _KILLED_STARTING and outcome.kills < self._options.kills:
                await asyncio.sleep(chance.uniform(0.0, 1.0))
                await self._kill()
                outcome.kills += 1
                self._stage.program.begin()
            await self._listening()
        self._weather.clear()
        self.trouble.calm()
        outcome.struck = self.trouble.seen

    async def _live(self, seconds: float) -> None:
        time_left = self._stage.time.stamp() + seconds
        while (left := time_left - self._stage.time.stamp()) > 0:
            self.trouble.strike()
            await self._stage.wait(min(left, self._chance.uniform(*_BETWEEN)))

    async def _kill(self) -> None:
        if self._copies:
            await self._kill_one(self._copies)
            return
        if self._alive is not None:
            self._lives.append((self._alive, self._stage.time.stamp()))
            self._alive = None
        await self._stage.program.kill()

    async def _kill_one(self, copies: ReplicaSet) -> None:
        """One of several, at random; while none has the duties, or none the account, that is no life."""
        name = self._chance.choice([name for name, each in copies.copies.items() if each.process])
        decides, watches = name == copies.holder(), name == copies.watcher(self._account)
        if decides:
            self._epoch = copies.epoch()
        if watches:
            self._watched = copies.epoch_of(self._account)
        if decides or watches:
            self._died = time.monotonic()
            if self._alive is not None:
                self._lives.append((self._alive, self._stage.time.stamp()))
                self._alive = None
        await copies.kill_one(name)

    async def _listening(self) -> None:
        if self._copies is None:
            await self._stage.program.listening()
            self._alive = self._stage.time.stamp()
            return
        await asyncio.gather(self._taken_over(self._copies), self._copies.listening())

    async def _taken_over(self, copies: ReplicaSet) -> None:
        """Wait until one has begun the duties, and one watches the account, where one that did was killed."""
        if self._alive is None:
            await self._stage.until(lambda: copies.ready(after=self._epoch), 1200, "one has the duties")
            await self._stage.until(
                lambda: copies.watcher(self._account) and copies.epoch_of(self._account) > self._watched,
                1200,
                "one watches the account",
            )
            self._takeovers.append(time.monotonic() - self._died)
            self._alive = self._stage.time.stamp()

    # --- resting ------------------------------------------------------------------------------------------------------

    async def rest(self) -> Seen:
        """Until all that happened has been told, or was given time enough; what is not told by then is lost."""
        stage = self._stage
        begun = stage.time.stamp()
        await stage.wait(_REST)
        while stage.time.stamp() - begun < _PATIENCE:
            seen = self.seen()
            # In a thread: Azure and the chats are served from here, and have to answer meanwhile.
            verdict = await asyncio.to_thread(verdict_of, seen)
            if verdict.lost == [] and not self._undelivered() and not self._not_stored():
                return seen
            await stage.wait(30)
        return self.seen()

    def seen(self) -> Seen:
        """All that was seen so far."""
        self._record.look()
        now = self._stage.time.stamp()
        self._until = now - _NEW
        times = self._times(now)
        return Seen(
            options=str(self._options),
            changes=[*self._record.changes],
            versions=[*self._heard.versions],
            times=times,
            until=self._until,
            end=now,
        )

    def _times(self, now: float) -> Times:
        lives = [*self._lives, (self._alive or now, now)]
        outages, lag = self._weather.outages(), self._lag * self._options.speed
        return Times(poll=POLL, gather=GATHER, lag=lag, lives=lives, outages=outages, starved=self._starved)

    # --- what is stored -----------------------------------------------------------------------------------------------

    def count(self, outcome: Outcome) -> None:
        """What the program's own database says, and what else is counted."""
        outcome.undelivered = self._undelivered()  # at this moment: what follows takes a while
        outcome.not_stored = [str(each) for each in self._not_stored()]
        outcome.stored = len(self._to_store()) - len(outcome.not_stored)
        [(outcome.entries,)] = self._stage.rows("SELECT count(*) FROM outbox")
        outcome.lost_answers = sum(each["outcome"] == "lost" for each in self._stage.teams.writes)
        outcome.takeovers = self._takeovers
        outcome.active = sum(job.state == "active" for job in self._stage.account.jobs.values())
        outcome.lag = self._lag * self._options.speed
        outcome.starved = sum(seconds for _, seconds in self._starved)

    def _to_store(self) -> list[Expected]:
        times = self._times(self._stage.time.stamp())
        happened = expected(self._record.changes, kinds())
        return [each for each in happened if each.stored and each.at <= self._until and times.seen(each.at, each.until)]

    def _not_stored(self) -> list[Expected]:
        known = {
            (entity, parent, name, after, at)
            for entity, parent, name, after, at in self._stage.rows(
                "SELECT entity, parent, id, after, at FROM transitions"
            )
        }
        return [each for each in self._to_store() if each.stored and (*each.stored, _micro(each.at)) not in known]

    def _undelivered(self) -> list[str]:
        behind = "SELECT id, state, sent, version FROM outbox WHERE sent < version OR state = 'claimed'"
        return [f"{name} {state} {sent}/{version}" for name, state, sent, version in self._stage.rows(behind)]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micro(at: float) -> int:
    """As the database has moments."""
    return (datetime.fromtimestamp(at, UTC) - _EPOCH) // timedelta(microseconds=1)
