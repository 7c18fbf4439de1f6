"""The demo's accounts as they live day after day, watched by the program, each alert held against what ``why`` says.

One clock, moved by hand, for the accounts and the program alike: what comes out depends on the seed and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from bot.alerting.model import Incident
from bot.app import App
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from bot.domain.diagnosis.model import Verdict
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import World
from bot.settings_file import check
from cards.card import Card, plain
from cards.command_line import command
from handlers.why import ask
from handlers.why.answers import Answer
from tests.worlds import lived

START = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
"""A Monday."""
POLL = timedelta(seconds=30)
"""Between two looks of the program."""
_WARM = 2.0
"""Hours that have been lived before the program is started: a program that starts finds an account in its course."""
_WHY = frozenset(("pool", "job", "schedule", "task", "node"))
"""Entities that ``why`` is asked about."""
_RUNS = ("task.", "exit.", "line.")
_NODES = ("node.", "start_task.", "exit.", "line.")
EXPLAINS: dict[str, tuple[str, ...]] = {
    "task.failed": _RUNS,
    "task.retries_exhausted": _RUNS,
    "task.retrying": _RUNS,
    "job.failure_rate": _RUNS,
    "job.stuck": ("task.", "job.", "pool.", "autoscale.", "provider.", *_NODES),
    "node.unusable": _NODES,
    "node.unknown": _NODES,
    "node.offline": _NODES,
    "node.start_task_failed": _NODES,
    "node.preempted": ("pool.preempted", "pool.start_task_runs", "pool.nodes_start", "pool.resizing"),
    "pool.start_task_failing": _NODES,
    "pool.down": ("pool.", "provider.", *_NODES),
    "pool.idle": ("pool.idle",),
    "pool.resize_failed": ("pool.", "provider."),
    "pool.resize_stuck": ("pool.resize.",),
    "pool.autoscale_failed": ("autoscale.",),
    "pool.autoscale_stale": ("autoscale.",),
    "schedule.barren": ("schedule.", "job.", "task."),
}
"""With which rows ``why`` explains an alert of a rule: by the beginnings of their ids."""


class SetClock(Clock):
    """A clock that is moved by hand; whoever waits on it waits for nothing."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = self._began = at

    def now(self) -> datetime:
        return self.at

    def wall(self) -> datetime:
        return self.at

    def elapsed(self) -> float:
        return (self.at - self._began).total_seconds()


@dataclass
class Opened:
    """An alert: what it was when it opened, what ``why`` said of it at that look, and for how many looks it was open.

    ``row`` is the id of what ``why`` told as the cause (empty: it found nothing wrong), ``harm`` whether that is wrong.
    """

    incident: Incident
    rule: str
    headline: str
    at: datetime
    said: str
    row: str
    harm: bool
    also: tuple[str, ...]
    looks: int = 0
    over: datetime | None = None

    @property
    def lasted(self) -> timedelta | None:
        """From the look that opened it to the one that found it over; None while it is open."""
        return self.over - self.at if self.over else None

    @property
    def explained(self) -> bool:
        """Whether ``why`` knows what the alert is about: as the cause that it tells, or as one seen as well."""
        return any(each.startswith(EXPLAINS[self.rule]) for each in (self.row, *self.also) if each)

    @property
    def unknown(self) -> bool:
        """Whether ``why`` says that it does not know the cause."""
        return self.row.startswith("unknown.")

    @property
    def brief(self) -> bool:
        """Whether it was well again at the very next look, by itself: nobody could have done anything about it.

        A job that ends after its failures has not mended them, and is no false alarm.
        """
        return self.over is not None and self.over - self.at <= POLL and self.incident.mended

    def __str__(self) -> str:
        lasted = f"{self.lasted}" if self.over else "open"
        seen = f", also {', '.join(self.also)}" if self.also else ""
        why = f"{self.row or 'well'}{seen}"
        return f"{self.at:%a %H:%M} · {lasted} · {self.rule} · {self.incident.account} · {self.headline} · why: {why}"


@dataclass
class Life:
    """The accounts, the program that watches them, and the alerts so far."""

    app: App
    world: World
    clock: SetClock
    alerts: dict[str, Opened] = field(default_factory=dict)
    """The newest of each incident that is or was open."""
    over: list[Opened] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def every(self) -> list[Opened]:
        """All alerts, in the order of their opening."""
        return sorted([*self.over, *self.alerts.values()], key=lambda each: each.at)

    async def live(self, span: timedelta, interval: timedelta) -> None:
        """Let time pass, with a look at each account after every interval; where it opened an alert, one more after
        :data:`POLL`, which shows whether that was over at once."""
        end = self.clock.at + span
        while self.clock.at < end:
            opened = await self._look(interval)
            while opened and interval > POLL:
                opened = await self._look(POLL)

    async def _look(self, after: timedelta) -> bool:
        """One look at each account; True where it opened an alert."""
        self.world.clock.advance(after)
        self.world.settle()
        self.clock.at += after
        for observer in self.app.observers.values():
            await self.app.watcher.once(observer)
        await self.app.alerts.tick()
        return await self._note()

    async def ask(self, text: str) -> tuple[Card, Verdict | None]:
        """Type a command; the verdict where it is one of ``why``."""
        person = Person("text", "admin", zone="UTC")
        request = CommandRequest("k", text, person, Conversation("text", "here"), self.clock.at)
        self.answers.clear()
        card = await self.app.dispatcher.card(request)
        return card, self.answers[0].verdict if self.answers else None

    async def why(self, account: str, incident: Incident) -> tuple[Card, Verdict | None]:
        """What the button of an alert's card says."""
        entity = incident.entity
        names = (entity.parent, entity.id) if entity.parent else (entity.id,)
        return await self.ask(command(f"why {entity.kind}", *names, account=account))

    async def _note(self) -> bool:
        """Keep what opened and what is over; True where something opened."""
        before = len(self.alerts) + len(self.over)
        for account in self.app.observers:
            now = {each.id: each for each in self.app.alerts.incidents.open(account)}
            for name, incident in now.items():
                if name not in self.alerts and incident.entity.kind in _WHY:
                    self.alerts[name] = await self._opened(account, incident)
                elif name in self.alerts:
                    self.alerts[name].looks += 1
            gone = [name for name, each in self.alerts.items() if each.incident.account == account and name not in now]
            for name in gone:
                ended = self.alerts.pop(name)
                ended.over = self.clock.at
                self.over.append(ended)
        return len(self.alerts) + len(self.over) > before

    async def _opened(self, account: str, incident: Incident) -> Opened:
        card, verdict = await self.why(account, incident)
        clue = verdict.clue if verdict else None
        return Opened(
            incident,
            incident.kind,
            incident.headline,
            self.clock.at,
            plain(card.title),
            clue.id if clue else "",
            clue.harm if clue else False,
            tuple(each.id for each in verdict.also) if verdict else (),
            looks=1,
        )


@asynccontextmanager
async def ordinary_life(folder: Path, *, scenario: str = "demo", seed: int = 1) -> AsyncIterator[Life]:
    """The accounts, watched from now on; nothing was seen yet."""
    world = lived(scenario, seed=seed, start=START, hours=_WARM)
    sandbox = AzureSandbox(world, seed=seed)
    await sandbox.start()
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    with mock.patch.dict(os.environ, identity), _overheard() as answers:
        clock = SetClock(START + timedelta(hours=_WARM))
        app = await App.open(check(_settings(sandbox, folder)), clock=clock)
        try:
            await app.alerts.load()
            for observer in app.observers.values():
                await observer.load()
            yield Life(app, world, clock, answers=answers)
        finally:
            await app.stop()
            await sandbox.close()


@contextmanager
def _overheard() -> Iterator[list[Answer]]:
    """Every answer of ``why``, before it becomes a card."""
    heard: list[Answer] = []
    made = ask.answer_card

    def answer_card(ctx: object, source: object, answer: Answer, *rest: object, **more: object) -> Card:
        heard.append(answer)
        return made(ctx, source, answer, *rest, **more)  # type: ignore[arg-type]

    with mock.patch.object(ask, "answer_card", answer_card):
        yield heard


def _settings(sandbox: AzureSandbox, folder: Path) -> dict[str, object]:
    return {
        "bot": {"listen": "127.0.0.1:0", "database": str(folder / "week.db"), "zone": "UTC", "prices_url": ""},
        "accounts": {
            name: {
                "endpoint": sandbox.endpoints[name],
                "account": name,
                "subscription": account.facts.subscription,
                "resource_group": account.facts.resource_group,
                "region": account.facts.location,
                "arm_endpoint": sandbox.arm_url,
                "credential": "managed_identity",
                "write_credential": "managed_identity",
            }
            for name, account in sandbox.world.accounts.items()
        },
        "watch": {"poll_seconds": 30, "believe_clock": True},
        "access": {"everyone": "viewer", "admins": ["text:admin"]},
    }
