"""The demo's ordinary life opens no alert that ``why`` cannot explain, and none that ends by itself within one look.

One that ends because its job did, with its failures, is no such: it stays as what came of the job.

Looked at every 30 s, as the program does, by the real client over real HTTP, with nothing waited for. A slow test looks
at some hours; a whole week of both accounts is 40,000 looks, which take half an hour of two cores:

    BATCHBOT_ORDINARY_HOURS=168 .venv/bin/python -m pytest tests/handlers/test_ordinary_week.py -m slow -n 2 --timeout 0
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.alerting.model import Incident
from bot.sandbox.world import World
from cards.card import plain
from cards.command_line import join
from tests.handlers.test_why_alerts import Watch
from tests.handlers.why_world import Ground, asked
from tests.worlds import lived

START = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
LIVED, EVERY = 8.0, 30
"""Hours that the accounts have lived before anybody looks; seconds between two looks."""
HOURS = float(os.environ.get("BATCHBOT_ORDINARY_HOURS", "3"))
_UNEXPLAINED = ("Nothing is wrong", "does not know", "not known")


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("account", ["render-prod", "sim-dev"])
async def test_an_ordinary_life_gives_no_false_alarm(tmp_path: Path, account: str) -> None:
    world = _of(lived("demo", seed=7, start=START, hours=LIVED), account)
    opened: dict[str, tuple[int, Incident]] = {}
    wrong: list[str] = []
    async with asked(tmp_path, world) as ground:
        watch = Watch(ground, world)
        await watch.alerts.load()
        await watch.observer.load()
        before: set[str] = set()
        for number in range(round(HOURS * 3600 / EVERY)):
            there = {each.id: each for each in await watch.look(**({"seconds": EVERY} if number else {}))}
            for name in before - there.keys():
                since, incident = opened[name]
                if (
                    since == number - 1 and incident.mended
                ):  # of a job that ended, what came of it was told: no false alarm
                    wrong.append(f"{world.time}: {incident.kind} of {incident.entity.id} was open for one look")
            for name in there.keys() - opened.keys():
                opened[name] = number, there[name]
                wrong += [f"{world.time}: {each}" for each in await _unexplained(ground, there[name])]
            before = set(there)
            if wrong and len(wrong) > 20:
                break
    print(f"{account}: {len(opened)} incidents")
    assert opened, "nothing was ever wrong, so nothing was shown"
    assert not wrong, "\n".join(wrong)


def _of(world: World, account: str) -> World:
    """The same world with this account first, which is the one that is looked at."""
    first = world.accounts.pop(account)
    rest = dict(world.accounts)
    world.accounts.clear()
    world.accounts.update({account: first, **rest})
    return world


async def _unexplained(ground: Ground, incident: Incident) -> list[str]:
    """What is wrong with the answer of ``why`` about an incident that has just opened."""
    entity = incident.entity
    names = [entity.parent, entity.id] if entity.parent else [entity.id]
    card = await ground.ask(join(["why", entity.kind, *names]), who="operator")
    title = plain(card.title)
    bad = card.refused or any(words in title for words in _UNEXPLAINED)
    return [f"{incident.kind} of {entity.id} ({incident.cause}) is not explained: {title}"] if bad else []
