"""The program is killed with -9 at random points while trouble goes on: ``make soak``, ``KILLS=1000 make soak``.

    python -m tests.soak [--kills 50] [--speed 20] [--seed 1] [--operations]

It prints what was seen, and exits 1 where a transition was lost, an outbox message was not delivered, a message stands
twice in Slack, or twice in Teams without saying that it may be a repeat, or more often than the program was killed.
With ``--operations`` somebody resizes a pool all the while, and each of these has to come to an end, and to Azure once.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.entity_specs import PoolSpecification
from bot.sandbox.world.account import AccountState
from tests.acceptance.environment import CHANNEL, Environment, empty, environment
from tests.soak.trouble import Happened, Trouble, truth

_TALKATIVE = {"alerts": {"group_wait": 1, "group_interval": 2, "repeat": 600}}
"""Grouping is all but off, so that there are many messages to lose or to double."""
_REPEAT = "This may be a repeat"
_OFTEN = 0.9
"""How likely it is that somebody resizes a pool between two kills."""
_RESIZED = ("resized-1", "resized-2", "resized-3", "resized-4")
"""Pools that nothing else resizes, in turn: one alone is mostly still resizing when it is asked again."""


@dataclass
class Outcome:
    """What a soak found."""

    kills: int = 0
    struck: int = 0
    transitions: int = 0
    lost: list[str] = field(default_factory=list)
    entries: int = 0
    undelivered: list[str] = field(default_factory=list)
    slack: int = 0
    slack_twice: list[str] = field(default_factory=list)
    teams: int = 0
    teams_repeats: int = 0
    teams_twice: list[str] = field(default_factory=list)
    operations: int = 0
    resizes: int = 0
    unfinished: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether nothing was lost or visibly doubled."""
        failures = (self.lost, self.undelivered, self.slack_twice, self.teams_twice, self.unfinished)
        return not any(failures) and self.teams_repeats <= self.kills and self.resizes <= self.operations

    def __str__(self) -> str:
        lines = [
            f"{self.kills} kills in {self.seconds:.0f} s, {self.struck} strokes of trouble",
            f"transitions: {self.transitions} happened, {len(self.lost)} lost",
            f"outbox messages: {self.entries}, {len(self.undelivered)} undelivered",
            f"Slack: {self.slack} messages, {len(self.slack_twice)} doubles",
            f"Teams: {self.teams} messages, {self.teams_repeats} marked repeats, {len(self.teams_twice)} doubles",
            f"operations: {self.operations}, {self.resizes} writes for them, {len(self.unfinished)} unfinished",
        ]
        for what in ("lost", "undelivered", "slack_twice", "teams_twice", "unfinished"):
            lines += [f"  {what}: {each}" for each in getattr(self, what)[:10]]
        return "\n".join(lines)


async def soak(folder: Path, *, kills: int, speed: float = 20.0, seed: int = 1, operations: bool = False) -> Outcome:
    """Run it; see :class:`Outcome`. With ``operations`` pools are resized all the while."""
    chance = random.Random(seed)
    outcome, begun = Outcome(), time.monotonic()
    resizes = itertools.cycle((pool, nodes) for nodes in (1, 0) for pool in _RESIZED)
    prepare = _with_pools if operations else empty
    async with environment(folder, speed=speed, seed=seed, prepare=prepare, settings=_TALKATIVE) as stage:
        if operations:
            _allow(stage, outcome)
        await stage.program.start()
        await stage.install()
        await stage.until(lambda: stage.rows("SELECT 1 FROM cursors WHERE stream = 'jobs'"), 300, "a first look")
        for platform in ("slack", "teams"):
            await _subscribe(stage, platform)
        since = stage.account.world.clock.now()
        said = {each["id"] for each in stage.teams.history_of(stage.room, "bot")}  # greetings and answers
        trouble = Trouble(stage.account, seed)
        while outcome.kills < kills:
            if operations and chance.random() < _OFTEN:
                await _resize(stage, *next(resizes))
            await _live(stage, trouble, outcome, chance.uniform(0.15, 1.2), chance)
            await stage.program.kill()
            outcome.kills += 1
            _weather(stage, chance)
            stage.program.begin()
            if chance.random() < 0.7:  # else it is killed again while it starts
                await stage.program.listening()
        _clear(stage)
        trouble.calm()
        if not (stage.program.process and stage.program.process.is_alive()):
            stage.program.begin()
        await stage.program.listening()
        if operations:
            await _end_operations(stage, outcome)
        await _rest(stage, since)
        _judge(stage, outcome, since, said)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _with_pools(account: AccountState) -> None:
    """Nothing to do, and pools that can be resized without a thought for the first."""
    empty(account)
    for pool in _RESIZED:
        account.commands.add_pool(pool, PoolSpecification(vm_size="Standard_D2s_v3", target_dedicated_nodes=0))


def _allow(stage: Environment, outcome: Outcome) -> None:
    """Give the program an identity that may write, and count the resizes that Azure accepts."""
    [(name, settings)] = stage.program.raw["accounts"].items()
    settings["write_credential"] = "managed_identity"
    plane = stage.azure.accounts[name]
    serve = plane.serve

    async def counted(request: Any, *args: Any) -> Any:
        response = await serve(request, *args)
        if request.method == "POST" and request.path.endswith("/resize") and response.status < 300:
            outcome.resizes += 1
        return response

    plane.serve = counted  # type: ignore[method-assign]


async def _resize(stage: Environment, pool: str, nodes: int) -> None:
    """Somebody resizes a pool; while the program is down nobody hears it."""
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        await stage.slack.command("admin", "batch-ops", f"pool resize {pool} {nodes}")


async def _end_operations(stage: Environment, outcome: Outcome) -> None:
    """Every operation comes to an end, and no card claims that it goes on."""
    running = "SELECT workflow || ' ' || id FROM operations WHERE state = 'running'"
    end = stage.time.now() + timedelta(seconds=3600)
    while (stage.rows(running) or stage.rows("SELECT 1 FROM live_cards")) and stage.time.now() < end:
        await stage.wait(10)
    outcome.unfinished = [str(row[0]) for row in stage.rows(running)]
    outcome.unfinished += [f"a card of {row[0]}" for row in stage.rows("SELECT key FROM live_cards")]
    [(outcome.operations,)] = stage.rows("SELECT count(*) FROM operations")


async def _subscribe(stage: Environment, platform: str) -> None:
    """Have the channel told of news too."""
    words = "alert subscribe job.* pool.* node.* task.* severity:info"
    if platform == "slack":
        await stage.slack.command("admin", "batch-ops", words)
    else:
        await stage.teams.say("admin", stage.room, f"@Batch Bot {words}")
    await stage.until(
        lambda: stage.rows(
            "SELECT 1 FROM preferences WHERE namespace = 'subscription' AND owner LIKE ?", f"{platform}:%"
        ),
        300,
        f"a subscription on {platform}",
    )


async def _live(stage: Environment, trouble: Trouble, outcome: Outcome, seconds: float, chance: random.Random) -> None:
    """Trouble for so many seconds of the wall's clock."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        trouble.strike()
        outcome.struck += 1
        await asyncio.sleep(chance.uniform(0.05, 0.3))


def _weather(stage: Environment, chance: random.Random) -> None:
    """The chats lose answers now and then, are throttled, or are out for a while."""
    _clear(stage)
    roll = chance.random()
    if roll < 0.35:
        stage.slack.faults.lose_answers = {"chat.postMessage": 1}
    elif roll < 0.5:
        stage.slack.faults.outage = True
    elif roll < 0.6:
        stage.slack.faults.limited = {CHANNEL: 1}
    if chance.random() < 0.15:
        stage.teams.faults.outage = True


def _clear(stage: Environment) -> None:
    stage.slack.faults.lose_answers = {}
    stage.slack.faults.outage = False
    stage.slack.faults.limited = {}
    stage.teams.faults.clear()


async def _rest(stage: Environment, since: datetime) -> None:
    """Until all has been seen and told, and was still for a while. What is not by then is lost."""

    def settled() -> bool:
        return not stage.rows("SELECT 1 FROM outbox WHERE (sent < version OR state = 'claimed') AND state != 'dead'")

    # A job that ran nothing when it was counted last is counted again within five minutes, and read then.
    end = stage.time.now() + timedelta(seconds=900)
    await stage.wait(120)
    while _missing(stage, since) and stage.time.now() < end:
        await stage.wait(30)
    await stage.wait(90)
    await stage.until(settled, 1800, "all outbox messages delivered")


def _missing(stage: Environment, since: datetime) -> list[Happened]:
    """What truly happened and is not stored; what happened just now may still be on its way."""
    epoch, cut = datetime(1970, 1, 1, tzinfo=UTC), stage.time.now() - timedelta(seconds=120)
    known = {
        (entity, parent, name, after, epoch + timedelta(microseconds=at))
        for entity, parent, name, after, at in stage.rows("SELECT entity, parent, id, after, at FROM transitions")
    }
    return [each for each in sorted(truth(stage.account, since) - known) if each[4] < cut]


def _judge(stage: Environment, outcome: Outcome, since: datetime, said_before: set[str]) -> None:
    outcome.transitions = len(truth(stage.account, since))
    outcome.lost = [" ".join(map(str, each)) for each in _missing(stage, since)]

    entries = _entries(stage)
    outcome.entries = len(entries)
    outcome.undelivered = [
        f"{name} {state} {sent}/{version}" for name, _, _, state, sent, version in entries if sent < version
    ]

    said = [each for each in stage.slack.history_of(CHANNEL) if each["metadata"] and not each["deleted"]]
    outcome.slack = len(said)
    keys = Counter(each["metadata"]["event_payload"]["key"] for each in said)
    outcome.slack_twice = [f"{key} × {times}" for key, times in keys.items() if times > 1]

    written = {message for _, where, message, *_ in entries if where.startswith("teams:")}
    alone = [
        each
        for each in stage.teams.history_of(stage.room, "bot")
        if not each["deleted"] and (each["id"] in written or each["id"] not in said_before)
    ]
    outcome.teams = len(alone)
    orphans = [each for each in alone if each["id"] not in written]
    repeats = [each for each in alone if each["id"] in written and _marked(stage, each["id"])]
    # A message whose answer was lost stays behind, and the one that repeats it says so.
    outcome.teams_repeats = len(repeats)
    outcome.teams_twice = [each["summary"] for each in orphans[len(repeats) :]]


def _entries(stage: Environment) -> list[tuple[str, str, str, str, int, int]]:
    return [tuple(row) for row in stage.rows("SELECT id, destination, message, state, sent, version FROM outbox")]  # type: ignore[misc]


def _marked(stage: Environment, message: str) -> bool:
    return _REPEAT in str(stage.teams.message(stage.room, message))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        outcome = asyncio.run(
            soak(
                Path(folder),
                kills=options.kills,
                speed=options.speed,
                seed=options.seed,
                operations=options.operations,
            )
        )
    print(outcome)
    return 0 if outcome.sound else 1


if __name__ == "__main__":
    sys.exit(main())
