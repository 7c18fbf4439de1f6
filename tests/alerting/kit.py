"""Alerting on a real store with a clock that is moved by hand, and what it would send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.alerting.model import Subscription
from bot.alerting.rules import Kind
from bot.alerting.service import Alerts
from bot.clock import Clock
from bot.domain.findings import Entity, EntityKind, Finding, Severity, Tally
from bot.monitor.scene import Area, Scene
from bot.requests.request import Place
from bot.settings import AlertSettings
from cards.card import Card, plain
from cards.text import render
from storage.port.watching import Letter
from storage.sqlite.store import SqliteStore

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
OPS = Place("slack", "C0OPS")
EVERYTHING: frozenset[Area] = frozenset({"pools", "nodes", "jobs", "tasks", "schedules", "quota"})


class Still(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass
class Letters:
    """Takes the delivery's place: every letter by its id, as it was written last."""

    written: dict[str, Letter] = field(default_factory=dict)
    writes: list[Letter] = field(default_factory=list)
    waiting: int = 0

    def put(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            self.written[letter.id] = letter
            self.writes.append(letter)

    def backlog(self, where: str) -> int:
        return self.waiting

    def on_top(self, where: str = "slack:C0OPS") -> list[Letter]:
        """Messages in the channel itself, in the order of their first writing."""
        return [letter for letter in self.written.values() if letter.where == where and not letter.under]

    def below(self, letter: Letter) -> list[Letter]:
        return [each for each in self.written.values() if each.under == letter.id]

    def titles(self, where: str = "slack:C0OPS") -> list[str]:
        return [title(letter) for letter in self.on_top(where)]


def card(letter: Letter) -> Card:
    return msgspec.json.decode(letter.card, type=Card)


def title(letter: Letter) -> str:
    return f"{card(letter).mark.symbol} {plain(card(letter).title)}".strip()


def words(letter: Letter) -> str:
    return str(render(card(letter)).payload["text"])


def finding(
    name: str, *, kind: EntityKind = "pool", headline: str = "", count: int = 1, state: Any = "open", **more: Any
) -> Finding:
    return Finding(
        entity=Entity(kind, name),
        headline=headline or f"{kind} {name} has {count} unusable nodes",
        since=NOON,
        count=count,
        state=state,
        **more,
    )


def kinds() -> tuple[dict[str, Kind], dict[str, list[Finding]]]:
    """Kinds for tests: each finds what its list holds at the moment, which a test changes."""
    found: dict[str, list[Finding]] = {}
    warning, critical, info = Severity.WARNING, Severity.CRITICAL, Severity.INFO
    table = (
        ("node.unusable", "node", warning, ("nodes",), (), False),
        ("pool.down", "pool", critical, ("pools",), ("task.failed", "job.stuck"), False),
        ("task.failed", "task", warning, ("tasks",), (), False),
        ("job.completed", "job", info, ("jobs",), (), True),
        ("job.failed", "job", warning, ("jobs",), (), False),
        ("account.unreachable", "account", critical, (), ("*",), False),
    )
    made = [Kind(each[0], each[1], each[2], "Says.", each[3], _judge(found, each[0]), *each[4:]) for each in table]
    return {kind.name: kind for kind in made}, found


def _judge(found: dict[str, list[Finding]], name: str) -> Any:
    def judge(scene: Scene) -> Iterator[Finding]:
        yield from found.get(name, [])

    return judge


@dataclass
class Room:
    """All that a test of alerting needs."""

    alerts: Alerts
    letters: Letters
    clock: Still
    store: SqliteStore
    found: dict[str, list[Finding]]

    async def look(self, after: float = 0.0, read: frozenset[Area] = EVERYTHING, account: str = "render") -> None:
        """So many seconds later, a look; what is due meanwhile is done when it is due, to the second."""
        await self.wait(after)
        await self.alerts.saw(scene(self.clock.at, read, account))

    async def wait(self, seconds: float) -> None:
        end = self.clock.at + timedelta(seconds=seconds)
        while self.clock.at < end:
            self.clock.at = min(end, self.clock.at + timedelta(seconds=1 if seconds < 4000 else 30))
            await self.alerts.tick()

    async def restart(self) -> None:
        """Another desk on the same store, as after a crash."""
        old = self.alerts
        self.alerts = Alerts(self.store, old.kinds, old.settings, self.letters, self.clock, zone="UTC", several=False)
        await self.alerts.load()


def scene(at: datetime, read: frozenset[Area] = EVERYTHING, account: str = "render") -> Scene:
    return Scene(account=account, at=at, read=read, pools={}, jobs={}, schedules={})


@asynccontextmanager
async def room(path: Path, *, subscribed: bool = True, settings: AlertSettings | None = None) -> Any:
    """A desk in which the ops channel is subscribed to warnings and worse."""
    table, found = kinds()
    store = SqliteStore.open(path / "alerts.db")
    letters, clock = Letters(), Still()
    alerts = Alerts(store, table, settings or AlertSettings(), letters, clock, zone="UTC", several=False)
    await alerts.load()
    if subscribed:
        await alerts.subscribe(Subscription(id="s1", place=OPS))
    try:
        yield Room(alerts, letters, clock, store, found)
    finally:
        await store.close()


def tally(cause: str, count: int) -> Tally:
    return Tally(cause, count, f"task of {cause}")
