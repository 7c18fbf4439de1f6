"""The desk of alerts: takes in what was found, decides, stores, hands letters over; and does what people ask of it.

Everything that changes goes through one lock and one transaction: a look with its transitions, cursors and views, or a
click with what it changes. Memory mirrors the store; where storing fails, it is read anew before anything else happens.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from bot.alerting.cards import Writer
from bot.alerting.incident_state import LATELY, IncidentState, hours_of, mutes_of, subscriptions_of
from bot.alerting.lifecycle import judged_by, settle
from bot.alerting.model import Hours, Incident, Mute, Subscription
from bot.alerting.notifier import Notifier, history_of, worse_of
from bot.alerting.routing import key_of
from bot.alerting.rules import AlertRule
from bot.clock import Clock
from bot.domain.findings import Finding
from bot.monitor.scene import Scene
from bot.requests.preferences import Author
from bot.requests.request import Conversation
from bot.settings import AlertSettings
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.incidents import IncidentRow
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

log = structlog.get_logger()

SUBSCRIPTIONS, MUTES, HOURS = "subscription", "mute", "hours"
"""Spaces of the store."""
_LONGEST = 60.0
"""Seconds between two decisions, even where nothing is due."""


class Post(Protocol):
    """What is needed of the delivery."""

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        """These were stored: bring them out."""
        ...

    def backlog(self, where: str) -> int:
        """How many messages of a conversation were never posted yet."""
        ...


class AlertService:
    """Incidents of every account. Start with :meth:`load`, then :meth:`run` beside everything else."""

    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, AlertRule],
        settings: AlertSettings,
        post: Post,
        clock: Clock,
        *,
        zone: str,
        several: bool,
    ) -> None:
        """``zone`` is for conversations without one of their own; ``several`` is True with more than one account."""
        self.kinds = kinds
        self.settings = settings
        self.book = IncidentState()
        self._store = store
        self._post = post
        self._clock = clock
        self._zone = zone
        self._several = several
        self._lock = asyncio.Lock()
        self._stale = True
        self._nudged = asyncio.Event()
        self._default: list[Subscription] = []
        self.writer = Writer(kinds, self.zone_of, several=several)
        self._teller = self._new_teller()

    def _new_teller(self) -> Notifier:
        return Notifier(
            self.book, self.kinds, self.settings, self.writer, backlog=self._post.backlog, default=self.defaults
        )

    def zone_of(self, conversation: str) -> str:
        """The time zone of a conversation."""
        hours = self.book.hours.get(conversation)
        return hours.zone if hours else self._zone

    def defaults(self) -> list[Subscription]:
        """What the settings subscribe, for conversations that the bot knows."""
        return self._default

    # --- what is seen -------------------------------------------------------------------------------------------------

    async def saw(self, scene: Scene, batch: ChangeSet | None = None) -> None:
        """Take in a look at an account, and store ``batch`` (transitions, cursors, snapshots) in the same transaction.

        Raises StoreError where nothing of it could be stored; the look counts as not made then.
        """
        async with self._changing(batch) as now:
            found = list(self._judge(scene))
            judged = judged_by(self.kinds, scene.read)
            if scene.blind is None:
                judged |= {name for name, kind in self.kinds.items() if not kind.reads}
            changed = settle(self.book, scene.account, found, judged, scene.at, now)
            self._teller.decide(changed, now)
        self._nudged.set()

    def _judge(self, scene: Scene) -> Iterable[tuple[AlertRule, Finding]]:
        for kind in self.kinds.values():
            if kind.reads and not all(area in scene.read for area in kind.reads):
                continue
            try:
                yield from [(kind, finding) for finding in kind.judge(scene)]
            except Exception:  # one kind that errs does not keep the others from being told
                log.exception("alerts.kind_failed", kind=kind.name, account=scene.account)

    async def run(self) -> None:
        """Do what falls due, until cancelled."""
        while True:
            self._nudged.clear()
            try:
                await self.tick()
            except StoreError as error:
                log.error("alerts.not_stored", message=str(error))  # noqa: TRY400 - it says all
            due = self._teller.next_due()
            wait = min(_LONGEST, max(0.05, (due - self._clock.now()).total_seconds())) if due else _LONGEST
            await self._clock.until(self._nudged, wait)

    async def tick(self) -> None:
        """Do what is due now. Raises StoreError."""
        due = self._teller.next_due()
        now = self._clock.now()
        if not self._stale and (due is None or due > now):
            self.book.forget(now)
            return
        async with self._changing() as now:
            self._teller.decide(set(), now)

    @asynccontextmanager
    async def _changing(self, batch: ChangeSet | None = None) -> AsyncIterator[datetime]:
        """A change: what it does to the book is stored when the block ends, and letters go out after that."""
        async with self._lock:
            if self._stale:
                await self._load()
            try:
                yield self._clock.now()
                changes = self.book.changes()
                if batch:
                    for name in ("transitions", "cursors", "snapshots"):
                        setattr(changes, name, getattr(batch, name))
                if any(getattr(changes, name) for name in changes.__struct_fields__):
                    await self._store.record(changes)
            except BaseException:
                self._stale = True
                raise
        if changes.entries:
            self._post.put(changes.entries)

    async def load(self) -> None:
        """Take up what is stored. Raises StoreError."""
        async with self._lock:
            await self._load()

    async def _load(self) -> None:
        now = self._clock.now()
        rows = await self._store.incidents(open=True, limit=100_000)
        over = {row.id: row for row in await self._store.incidents(open=False, since=now - LATELY)}
        over |= {row.id: row for row in await self._store.unsettled_incidents()}
        rows += over.values()
        notifications = await self._store.notifications([row.id for row in rows])
        book = IncidentState()
        book.load(rows, notifications)
        named = {notification.entry for notification in book.notifications.values() if notification.entry}
        named |= {reply(name) for name in named for reply in (history_of, worse_of)}
        book.entries = {each.entry.id: each.entry for each in await self._store.deliveries(sorted(named))}
        book.subscriptions = subscriptions_of(await self._store.all_preferences(SUBSCRIPTIONS))
        book.mutes = mutes_of(await self._store.all_preferences(MUTES))
        book.hours = hours_of(await self._store.all_preferences(HOURS))
        self.book = book
        await self._load_defaults()
        self._teller = self._new_teller()
        self._teller.loaded()
        self._stale = False

    async def _load_defaults(self) -> None:
        """Places that the settings name: Slack's by their id alone, Teams' once the bot was added there."""
        known = {f"{each.platform}:{each.id}": each for each in await self._store.conversations()}
        found = []
        for name in self.settings.channels:
            platform, _, place_id = name.partition(":")
            if name in known:
                conversation = msgspec.json.decode(known[name].body, type=Conversation)
            elif platform == "slack":
                conversation = Conversation("slack", place_id)
            else:
                continue
            found.append(Subscription(id=f"settings:{name}", conversation=conversation))
        self._default = found

    async def places_changed(self) -> None:
        """The bot was added somewhere: the settings may mean that conversation, which then hears what is open."""
        before = {each.id for each in self._default}
        async with self._changing() as now:
            await self._load_defaults()
            if before != {each.id for each in self._default}:
                self._teller.decide({each.id for each in self.book.incidents.values() if each.open}, now)
        self._nudged.set()

    # --- what people do -----------------------------------------------------------------------------------------------

    async def acknowledge(self, name: str, by: Author, remind: timedelta | None = None) -> Incident | None:
        """Somebody takes care of it: it is not said again but to remind them. None where there is no such incident."""

        def done(incident: Incident, now: datetime) -> None:
            incident.acknowledged, incident.acknowledged_at = by, now
            incident.remind = now + (remind or timedelta(seconds=self.settings.remind))
            incident.note(now, f"acknowledged by {by.name or by.id}")

        return await self._do(name, done)

    async def snooze(self, name: str, by: Author, span: timedelta) -> Incident | None:
        """Nobody wants to hear of it for a while. None where there is no such incident."""

        def done(incident: Incident, now: datetime) -> None:
            incident.snoozed, incident.snoozed_by = now + span, by
            incident.note(now, f"snoozed by {by.name or by.id}")

        return await self._do(name, done)

    async def _do(self, name: str, done: Callable[[Incident, datetime], None]) -> Incident | None:
        async with self._changing() as now:
            incident = self.book.incidents.get(name)
            if incident is None:
                return None
            if incident.open:
                done(incident, now)
                incident.changed = now
                self.book.touch(incident)
                self._teller.reschedule(incident, now)
                self._teller.decide({incident.id}, now)
        self._nudged.set()
        return incident

    async def subscribe(self, subscription: Subscription) -> None:
        """Tell a conversation from now on, and what is open already."""
        key = key_of(subscription.conversation)
        await self._store.put_preference(
            SUBSCRIPTIONS, key, subscription.id, msgspec.json.encode(subscription), self._clock.now()
        )
        async with self._changing() as now:
            self.book.subscriptions[subscription.id] = subscription
            self._teller.decide({each.id for each in self.book.incidents.values() if each.open}, now)
        self._nudged.set()

    async def unsubscribe(self, name: str) -> Subscription | None:
        """Take a subscription back; what was told there stays and is still edited. None where there is none."""
        subscription = self.book.subscriptions.get(name)
        if subscription is None:
            return None
        await self._store.delete_preference(SUBSCRIPTIONS, key_of(subscription.conversation), name)
        async with self._changing():
            self.book.subscriptions.pop(name, None)
        return subscription

    async def mute(self, conversation: str, mute: Mute) -> None:
        """Hold back in a conversation what fits, from now on."""
        await self._store.put_preference(MUTES, conversation, mute.id, msgspec.json.encode(mute), self._clock.now())
        async with self._changing() as now:
            self.book.mutes.setdefault(conversation, {})[mute.id] = mute
            self._teller.decide(set(), now)
        self._nudged.set()

    async def unmute(self, conversation: str, name: str) -> bool:
        """Take a mute back: what it held and is still open is told. False where there is none."""
        if not await self._store.delete_preference(MUTES, conversation, name):
            return False
        async with self._changing() as now:
            self.book.mutes.get(conversation, {}).pop(name, None)
            self._teller.decide(set(), now)
        self._nudged.set()
        return True

    async def set_hours(self, conversation: str, hours: Hours | None) -> None:
        """Quiet hours, working days and zone of a conversation; None takes them back."""
        if hours is None:
            await self._store.delete_preference(HOURS, conversation, "hours")
        else:
            await self._store.put_preference(
                HOURS, conversation, "hours", msgspec.json.encode(hours), self._clock.now()
            )
        async with self._changing() as now:
            if hours is None:
                self.book.hours.pop(conversation, None)
            else:
                self.book.hours[conversation] = hours
            self._teller.decide(set(), now)
        self._nudged.set()

    # --- what can be asked --------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The bot's clock."""
        return self._clock.now()

    def open(self, account: str = "") -> list[Incident]:
        """Open incidents, the worst and newest first."""
        found = [each for each in self.book.incidents.values() if each.open and account in ("", each.account)]
        return sorted(found, key=lambda each: (-each.severity.rank, -each.opened.timestamp()))

    async def find(self, name: str) -> Incident | None:
        """An incident by id, however long it is over."""
        known = self.book.incidents.get(name)
        if known:
            return known
        row = await self._store.incident(name)
        return incident_of(row) if row else None

    async def past(self, account: str, since: datetime, limit: int = 200) -> list[Incident]:
        """Incidents that changed since a moment, the newest first, open ones included."""
        rows = await self._store.incidents(account=account, since=since, limit=limit)
        return [incident for row in rows if (incident := incident_of(row))]

    async def test(self, conversation: Conversation, incident: Incident) -> str:
        """Send a made-up incident to a conversation as a letter of its own; returns the letter's id."""
        name = f"test-{secrets.token_hex(4)}"
        async with self._changing() as now:
            card = self.writer.incident(incident, key_of(conversation), now)
            self.book.write(
                OutboxEntry(
                    name, key_of(conversation), msgspec.json.encode(conversation), msgspec.json.encode(card), 1, now
                )
            )
        return name


def incident_of(row: IncidentRow) -> Incident | None:
    """A stored incident; None where a newer version wrote it."""
    try:
        return msgspec.json.decode(row.body, type=Incident)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
