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
from bot.alerting.publishing import Publisher
from bot.alerting.rules import AlertRule
from bot.alerting.service import AlertService
from bot.chat.request import Conversation
from bot.clock import Clock
from bot.domain.findings import CauseCount, Entity, EntityKind, Finding, Severity
from bot.monitor.scene import Area, Scene
from bot.settings import AlertSettings
from bot.webhooks.settings import WebhookSettings
from cards.card import Card, plain
from cards.text import render
from storage.port.outbox import OutboxEntry
from storage.sqlite.store import SqliteStore

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
OPS = Conversation("slack", "C0OPS")
EVERYTHING: frozenset[Area] = frozenset({"pools", "nodes", "jobs", "tasks", "schedules", "quota"})


class StillClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass
class RecordedEntries:
    """Takes the place of the outbox: every entry by its id, as it was written last."""

    written: dict[str, OutboxEntry] = field(default_factory=dict)
    writes: list[OutboxEntry] = field(default_factory=list)
    waiting: int = 0

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        for entry in entries:
            self.written[entry.id] = entry
            self.writes.append(entry)

    def backlog(self, where: str) -> int:
        return self.waiting

    def on_top(self, where: str = "slack:C0OPS") -> list[OutboxEntry]:
        """Messages in the channel itself, in the order of their first writing."""
        return [entry for entry in self.written.values() if entry.destination == where and not entry.reply_to]

    def below(self, entry: OutboxEntry) -> list[OutboxEntry]:
        return [each for each in self.written.values() if each.reply_to == entry.id]

    def titles(self, where: str = "slack:C0OPS") -> list[str]:
        return [title(entry) for entry in self.on_top(where)]


def card(entry: OutboxEntry) -> Card:
    return msgspec.json.decode(entry.card, type=Card)


def title(entry: OutboxEntry) -> str:
    return f"{card(entry).mark.symbol} {plain(card(entry).title)}".strip()


def words(entry: OutboxEntry) -> str:
    return str(render(card(entry)).payload["text"])


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


def kinds() -> tuple[dict[str, AlertRule], dict[str, list[Finding]]]:
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
    made = [AlertRule(each[0], each[1], each[2], "Says.", each[3], _judge(found, each[0]), *each[4:]) for each in table]
    return {kind.name: kind for kind in made}, found


def _judge(found: dict[str, list[Finding]], name: str) -> Any:
    def judge(scene: Scene) -> Iterator[Finding]:
        yield from found.get(name, [])

    return judge


@dataclass
class Room:
    """All that a test of alerting needs."""

    alerts: AlertService
    entries: RecordedEntries
    clock: StillClock
    store: SqliteStore
    found: dict[str, list[Finding]]
    webhooks: list[WebhookSettings] = field(default_factory=list)

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
        """Another service on the same store, as after a crash."""
        old = self.alerts
        self.alerts = AlertService(
            self.store,
            old.kinds,
            old.settings,
            self.entries,
            self.clock,
            zone="UTC",
            several=False,
            publisher=Publisher(lambda: self.webhooks, old.kinds),
        )
        await self.alerts.load()


def scene(at: datetime, read: frozenset[Area] = EVERYTHING, account: str = "render") -> Scene:
    return Scene(account=account, at=at, read=read, pools={}, jobs={}, schedules={})


@asynccontextmanager
async def room(
    path: Path,
    *,
    subscribed: bool = True,
    settings: AlertSettings | None = None,
    webhooks: Iterable[WebhookSettings] = (),
) -> Any:
    """A service in which the ops channel is subscribed to warnings and worse."""
    table, found = kinds()
    store = SqliteStore.open(path / "alerts.db")
    entries, clock = RecordedEntries(), StillClock()
    told = [*webhooks]
    publisher = Publisher(lambda: told, table)
    alerts = AlertService(
        store, table, settings or AlertSettings(), entries, clock, zone="UTC", several=False, publisher=publisher
    )
    await alerts.load()
    if subscribed:
        await alerts.subscribe(Subscription(id="s1", conversation=OPS))
    try:
        yield Room(alerts, entries, clock, store, found, told)
    finally:
        await store.close()


def tally(cause: str, count: int) -> CauseCount:
    return CauseCount(cause, count, f"task of {cause}")
