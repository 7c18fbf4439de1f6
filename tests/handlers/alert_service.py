"""The commands around alerts on an alert service whose clock stands still, with incidents of fixed ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bot.alerting.model import Event, Incident, Notification, Subscription
from bot.alerting.rules import discover
from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.chat.port import Undelivered
from bot.chat.request import Author, CommandRequest, Conversation, Person
from bot.domain.findings import CauseCount, Entity, Severity, SuggestedAction, fingerprint
from bot.monitor.background import BackgroundStatus
from bot.monitor.monitor_status import AccountStatus, Outbox
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading, Chatting, Services, Watching
from bot.settings import AccessSettings, AlertSettings
from cards.card import Actions, Button, Card, Menu, plain
from cards.text import render
from storage.port.changes import ChangeSet
from storage.port.conversations import ConversationReference
from storage.port.outbox import OutboxEntry
from storage.port.replicas import Replica
from tests.alerting.alert_room import RecordedEntries, StillClock
from tests.commands import every_command
from tests.golden import check
from tests.handlers.conftest import Scene

OPS, DEV = Conversation("slack", "C0OPS", name="ops"), Conversation("slack", "C0DEV", name="dev")
CHAT = Conversation("slack", "D0ME", kind="personal", name="Mia")
ACCOUNT = "render-prod"


@dataclass
class AlertBot:
    """All that a test of these commands needs."""

    scene: Scene
    alerts: AlertService
    jobs: WatchedJobs
    entries: RecordedEntries
    clock: StillClock
    status: Standing
    alone: list[Person] = field(default_factory=list)
    refuses: str = ""

    async def ask(self, text: str, person: str = "U0OPERATOR", conversation: Conversation = OPS, **more: Any) -> Card:
        """Type a command; an operator in the ops channel unless said."""
        who = Person("slack", person, name=NAMES.get(person, ""), zone="America/Chicago")
        return await self.scene.dispatcher.card(CommandRequest("k", text, who, conversation, datetime.now(UTC), **more))

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The chat with one person alone."""
        if self.refuses:
            raise Undelivered("refused", self.refuses)
        self.alone.append(person)
        return CHAT


NAMES = {"U0OPERATOR": "Otto", "U0VIEWER": "Vera"}


@dataclass
class Standing:
    """Takes the place of who knows how the program stands."""

    began: datetime
    rows: list[AccountStatus] = field(default_factory=list)
    box: Outbox = field(default_factory=Outbox)
    beside: list[BackgroundStatus] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    others: list[Replica] = field(default_factory=list)

    def replicas(self) -> list[Replica]:
        return self.others

    def accounts(self) -> list[AccountStatus]:
        return self.rows

    def outbox(self) -> Outbox:
        return self.box

    def stored(self) -> list[str]:
        return []

    def background(self) -> list[BackgroundStatus]:
        return self.beside


async def alerting(scene: Scene) -> AlertBot:
    """An alert service on the scene's store, whose ops channel is subscribed to warnings and worse by a fixed id."""
    entries, clock = RecordedEntries(), StillClock(scene.world.time)
    alerts = AlertService(scene.store, discover(), AlertSettings(), entries, clock, zone="UTC", several=True)
    jobs = WatchedJobs(scene.store, entries, clock, zone=alerts.zone_of, several=True)
    alert_bot = AlertBot(scene, alerts, jobs, entries, clock, Standing(clock.at - timedelta(days=2)))
    for conversation in (OPS, DEV):
        await scene.store.put_conversation(
            ConversationReference("slack", conversation.id, msgspec.json.encode(conversation), clock.at)
        )
    await alerts.load()
    await alerts.subscribe(
        Subscription(
            id="5ab001", conversation=OPS, by=Author("slack:U0OPERATOR", "Otto"), at=clock.at - timedelta(days=3)
        )
    )
    scene.dispatcher = Dispatcher(
        Services(
            every_command(),
            Policy(Access(AccessSettings(operators=["slack:U0OPERATOR"]))),
            scene.store,
            AzureReading(scene.accounts),
            Chatting(direct=alert_bot.direct),
            Watching(alerts, alert_bot.status, jobs),
        )
    )
    return alert_bot


def incident(alert_bot: AlertBot, name: str, kind: str, entity: Entity, headline: str, **more: Any) -> Incident:
    """An incident that was opened a quarter of an hour ago."""
    opened = alert_bot.clock.at - timedelta(minutes=14)
    known = alert_bot.alerts.kinds[kind]
    given: dict[str, Any] = {
        "state": "open",
        "severity": known.severity,
        "since": opened,
        "seen": alert_bot.clock.at,
        "opened": opened,
        "changed": opened,
        "history": [Event(opened, f"opened: {headline}")],
        **more,
    }
    return Incident(
        id=name,
        fingerprint=fingerprint(ACCOUNT, kind, entity),
        account=ACCOUNT,
        kind=kind,
        entity=entity,
        headline=headline,
        **given,
    )


async def saved(alert_bot: AlertBot, incidents: Iterable[Incident], notifications: Iterable[Notification] = ()) -> None:
    """Store incidents and how they stand, and have the service take them up."""
    await alert_bot.scene.store.record(
        ChangeSet(incidents=[each.row() for each in incidents], notifications=[each.row() for each in notifications])
    )
    await alert_bot.alerts.load()


async def a_few(alert_bot: AlertBot) -> None:
    """Three that are open, of which two were told in the ops channel and one is held back there; one that is over."""
    at = alert_bot.clock.at
    job = incident(
        alert_bot,
        "1a2b3c4d",
        "job.failure_rate",
        Entity("job", "nightly:job-12"),
        "job nightly:job-12: 52 % of the last hour's tasks failed, 214 of 411",
        severity=Severity.CRITICAL,
        figures=(("Pool", "render-gpu"),),
        cause="exit code 137 ×198 · exit code 2 ×16; most often killed (SIGKILL), usually out of memory",
        evidence="MemoryError: unable to allocate 3.1 GiB (frame-0021)",
        actions=(
            SuggestedAction("Logs", "log nightly:job-12 frame-0021 stderr.txt"),
            SuggestedAction("Open", "job show nightly:job-12"),
        ),
        causes=(CauseCount("exit code 137", 198, "frame-0021"), CauseCount("exit code 2", 16, "frame-0007")),
        related=(Entity("pool", "render-gpu"),),
    )
    node = incident(
        alert_bot, "2b3c4d5e", "node.unusable", Entity("pool", "render-gpu"), "pool render-gpu has 1 unusable node"
    )
    stuck = incident(
        alert_bot,
        "3c4d5e6f",
        "job.stuck",
        Entity("job", "sim-0093"),
        "job sim-0093: 12 tasks wait, none has run for 30 min",
    )
    over = incident(
        alert_bot,
        "4d5e6f70",
        "pool.resize_failed" if "pool.resize_failed" in alert_bot.alerts.kinds else "job.stuck",
        Entity("pool", "render-cpu"),
        "pool render-cpu: the resize fell short by 4 nodes",
        state="resolved",
        resolved=at - timedelta(minutes=5),
    )
    shown = at - timedelta(minutes=13)
    here = {"conversation": "slack:C0OPS", "why": "5ab001", "since": shown}
    await saved(
        alert_bot,
        [job, node, stuck, over],
        [
            Notification(incident="1a2b3c4d", entry="l1", shown=shown, **here),
            Notification(incident="2b3c4d5e", entry="l2", shown=shown, **here),
            Notification(incident="3c4d5e6f", held="inhibited", by="2b3c4d5e", **here),
            Notification(incident="4d5e6f70", entry="l4", shown=shown, over=True, **here),
        ],
    )


def title(card: Card) -> str:
    return plain(card.title)


def words(card: Card) -> str:
    """All that the card says."""
    return str(render(card, width=200).payload["text"])


def items(card: Card) -> list[Any]:
    return [item for block in card.blocks if isinstance(block, Actions) for item in block.items]


def commands(card: Card) -> list[str]:
    """What its buttons do."""
    return [item.command for item in items(card) if isinstance(item, Button)]


def chosen(card: Card, label: str, conversation: int = 0) -> str:
    """The command of a menu's option."""
    menu = next(item for item in items(card) if isinstance(item, Menu) and item.label == label)
    return menu.command.replace("{}", menu.options[conversation].value)


def golden(alert_bot: AlertBot, name: str, card: Card) -> None:
    """Held against its golden files, as of the service's moment where it was made by the wall's clock."""
    moment = card.as_of
    if moment is None or abs((moment - alert_bot.clock.at).total_seconds()) > 1:
        card = msgspec.structs.replace(card, as_of=alert_bot.clock.at)
    check(f"alert-{name}", card)


def entry_card(entry: OutboxEntry) -> Card:
    return msgspec.json.decode(entry.card, type=Card)
