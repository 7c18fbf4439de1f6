"""An alert and ``why`` of what it is about: one trouble has one sentence, one beginning and one thing to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.alerting.model import Incident
from bot.alerting.rules import discover
from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.clock import Clock as Wall
from bot.domain.knowledge import rows
from bot.monitor.observer import Observer
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading, Chatting, Services, Watching
from bot.sandbox.world import Clock, World
from bot.sandbox.world.scenarios.parts import add_account
from bot.settings import AccessSettings, AlertSettings, WatchSettings
from cards.card import Actions, Button, Card, Time, plain
from cards.command_line import join
from cards.text import render
from tests.alerting.alert_room import RecordedEntries, StillClock
from tests.commands import every_command
from tests.handlers.alert_service import Standing
from tests.handlers.why_world import Ground, asked
from tests.knowledge.situations import SITUATIONS
from tests.monitor.observed_sandbox import MemoryStore

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
MOST = 9
KINDS = {
    "job.stuck", "node.offline", "node.preempted", "node.start_task_failed", "node.unknown", "node.unusable",
    "pool.autoscale_failed", "pool.autoscale_stale", "pool.idle", "pool.resize_failed", "pool.resize_stuck",
    "pool.start_task_failing", "schedule.barren", "task.failed", "task.retrying",
}  # fmt: skip


class Watch:
    """The account of the ground, watched: what a look sees is judged, and the commands know of it."""

    def __init__(self, ground: Ground, world: World) -> None:
        self.ground, self.world, self.clock = ground, world, StillClock(START)
        store, kinds = ground.store, discover()
        self.alerts = AlertService(
            store, kinds, AlertSettings(), RecordedEntries(), self.clock, zone="UTC", several=False
        )
        self.observer = Observer(
            ground.accounts.get(), MemoryStore(), Wall(), WatchSettings(requests_per_minute=100_000)
        )
        jobs = WatchedJobs(store, RecordedEntries(), self.clock, zone=self.alerts.zone_of, several=False)
        watching = Watching(self.alerts, Standing(START), jobs)
        policy = Policy(Access(AccessSettings(operators=["text:operator"])))
        reading, chatting = AzureReading(ground.accounts), Chatting(zone="UTC")
        ground.dispatcher = Dispatcher(Services(every_command(), policy, store, reading, chatting, watching))

    async def look(self, **later: float) -> list[Incident]:
        """Look, after some time; the open incidents that ``why`` can be asked about."""
        if later:
            self.world.clock.advance(timedelta(**later))
            self.world.settle()
        self.clock.at = self.world.time
        poll = await self.observer.poll()
        await self.ground.store.record(poll.batch)
        self.observer.stored()
        await self.alerts.saw(poll.scene)
        return [each for each in self.alerts.incidents.open(self.observer.name) if each.entity.kind != "account"]


@pytest.mark.slow
async def test_an_alert_and_why_agree(tmp_path: Path) -> None:
    world = World(7, Clock(START, paused=True))
    families = {"standardDSv3Family": 10_000}
    state = add_account(world, "acc", "westeurope", dedicated=1_200, spot=100, families=families, pools=300, jobs=600)
    seen: dict[tuple[str, str], Incident] = {}
    wrong: list[str] = []
    async with asked(tmp_path, world) as ground:
        watch = Watch(ground, world)
        await watch.alerts.load()
        await watch.observer.load()
        await watch.look()
        for id_, made in SITUATIONS.items():
            if id_.startswith("exit.windows") or made(state).refused:
                continue
            wrong += await _judge(ground, await watch.look(), seen)
        for _ in range(2):
            wrong += await _judge(ground, await watch.look(minutes=20), seen)
    assert not wrong, "\n".join(wrong)
    assert {each.kind for each in seen.values()} >= KINDS


async def _judge(ground: Ground, open_: list[Incident], seen: dict[tuple[str, str], Incident]) -> list[str]:
    """What is wrong with ``why`` of incidents that were not seen before."""
    wrong = []
    for incident in open_:
        key = incident.kind, incident.entity.id
        if key in seen:
            continue
        seen[key] = incident
        entity = incident.entity
        names = [entity.parent, entity.id] if entity.parent else [entity.id]
        card = await ground.ask(join(["why", entity.kind, *names, "also"]), who="operator")
        shown = " ".join(str(render(card, width=400).payload["text"]).split())
        told = f"\n    {incident.cause}\n    {plain(card.title)}"
        wrong += [f"{incident.kind} of {entity.id}: {each}{told}" for each in _complaints(incident, card, shown)]
        assert len(ground.calls) <= MOST, (key, ground.calls)
    return wrong


def _complaints(incident: Incident, card: Card, shown: str) -> Iterator[str]:
    """Where an alert and its ``why`` do not say the same."""
    if card.refused:
        yield "it is refused"
    told = [each for each in _sentences() if each in incident.cause]
    if not told and incident.cause not in shown:
        yield "its alert has no sentence of the table"
    elif told and not any(each in shown for each in told):
        yield "another sentence"
    if incident.since not in _times(card):
        yield f"not since {incident.since}"
    first = incident.actions[0] if incident.actions else None
    there = [_deed(each.command) for each in _buttons(card)]
    if first and first.changes and _told_first(incident, card) and _deed(first.command) not in there:
        yield f"it does not offer {first.command}"


def _told_first(incident: Incident, card: Card) -> bool:
    """Whether the cause of the alert is the one that ``why`` tells, and not one that was seen as well."""
    return any(each in incident.cause and each in plain(card.title) for each in _sentences())


def _deed(command: str) -> list[str]:
    """What a button does and to what: to how many nodes a pool is resized ``why`` knows better, who asks the quotas."""
    return command.split()[:3]


def _sentences() -> list[str]:
    return [each.cause for each in rows()]


def _times(what: Any) -> set[datetime]:
    """All moments that a card shows."""
    if isinstance(what, Time):
        return {what.at}
    if isinstance(what, msgspec.Struct):
        return _times([getattr(what, name) for name in what.__struct_fields__])
    if isinstance(what, list | tuple):
        return {moment for each in what for moment in _times(each)}
    return set()


def _buttons(card: Card) -> list[Button]:
    return [
        each for block in card.blocks if isinstance(block, Actions) for each in block.items if isinstance(each, Button)
    ]
