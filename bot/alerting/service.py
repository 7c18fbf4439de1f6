"""The alert service: takes in what was found, decides, stores, hands messages over; and does what people ask of it.

Everything that changes goes through one lock and one transaction: a poll with its transitions, cursors and snapshots,
or a click with what it changes. It is worked off in slices, so that much of it does not keep the loop from others; the
lock is held until it is stored. Memory mirrors the store; where storing fails, it is read anew before anything else.
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
from bot.alerting.incident_reader import IncidentReader
from bot.alerting.incident_state import IncidentState
from bot.alerting.lifecycle import judged_by, settle
from bot.alerting.model import Hours, Incident, Mute, Subscription
from bot.alerting.pipeline import AlertPipeline
from bot.alerting.preview import Verdict, preview
from bot.alerting.publishing import Publisher
from bot.alerting.routing import Asked, key_of
from bot.alerting.rules import AlertRule
from bot.alerting.slices import in_slices
from bot.alerting.stored_state import (
    HOURS,
    MUTES,
    SUBSCRIPTIONS,
    ZONES,
    default_subscriptions,
    incident_of,
    is_zone,
    load_state,
    zones_of_people,
)
from bot.chat.request import Author, Conversation
from bot.clock import Clock
from bot.domain.findings import Finding
from bot.monitor.scene import Scene
from bot.settings import AlertSettings
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.outbox import OutboxEntry
from storage.port.store import Store

log = structlog.get_logger()

_LONGEST = 60.0
"""Seconds between two decisions, even where nothing is due."""
_AFTER_FAILURE = 5.0
"""Seconds until the next decision where the store or the program failed."""


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
        publisher: Publisher | None = None,
    ) -> None:
        """``zone`` is for conversations without one of their own; ``several`` is True with more than one account."""
        self._publisher = publisher or Publisher(tuple, kinds)
        self.kinds = kinds
        self.settings = settings
        self._store = store
        self._post = post
        self._clock = clock
        self._zone = zone
        self._people: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._stale = True
        self._nudged = asyncio.Event()
        self._state = IncidentState()
        self.writer = Writer(kinds, self.zone_of, several=several, on_call=settings.on_call)
        self._pipeline = self._new_pipeline()

    def _new_pipeline(self) -> AlertPipeline:
        return AlertPipeline(self._state, self.kinds, self.settings, self.writer, self._post.backlog)

    @property
    def incidents(self) -> IncidentReader:
        """The state, to be read; ask for it anew after every await, since it is another after a failure to store."""
        return self._state

    def asked(self, account: str) -> Asked:
        """What is subscribed of an account now."""
        return Asked([*self._state.subscriptions(), *self._state.defaults()], self.kinds, account)

    def zone_of(self, conversation: str) -> str:
        """The time zone of a conversation: what was set there, else that of whoever a personal chat is with."""
        hours = self._state.hours(conversation)
        return hours.zone if hours else self._people.get(conversation, self._zone)

    async def learn_zone(self, conversation: str, zone: str) -> None:
        """Keep the time zone of whoever a personal chat is with, for what is posted there without being asked."""
        if self._people.get(conversation) == zone or not is_zone(zone):
            return
        self._people[conversation] = zone
        try:
            await self._store.put_preference(ZONES, conversation, "zone", zone.encode(), self._clock.now())
        except StoreError as error:  # it is learned anew with the next question
            log.warning("alerting.zone_not_stored", message=str(error))

    # --- what is seen -------------------------------------------------------------------------------------------------

    async def saw(self, scene: Scene, seen: ChangeSet | None = None, stored: ChangeSet | None = None) -> None:
        """Take in a poll of an account, storing all of ``seen`` in the same transaction, or ``stored`` in its place.

        Raises StoreError where nothing of it could be stored; the poll counts as not made then.
        """
        async with self._changing(seen, stored) as now:
            judged = judged_by(self.kinds, scene.read)
            if scene.blind is None:
                judged |= {name for name, kind in self.kinds.items() if not kind.reads}
            found = self._judge(scene)
            changed = await in_slices(settle(self._state, scene.account, found, judged, scene.at, now))
            await self._decide(changed, now)
        self._nudged.set()

    async def _decide(self, changed: Iterable[str], now: datetime) -> None:
        await in_slices(self._pipeline.decide(list(changed), now))

    async def _decide_open(self, now: datetime) -> None:
        """Decide on everything that is open: it may now be sent where it was not."""
        await self._decide((each.id for each in self._state.open_of()), now)

    def _judge(self, scene: Scene) -> Iterable[tuple[AlertRule, Finding]]:
        for kind in self.kinds.values():
            if kind.reads and not all(area in scene.read for area in kind.reads):
                continue
            try:
                yield from [(kind, finding) for finding in kind.judge(scene)]
            except Exception:  # one rule that errs does not keep the others from being judged
                log.exception("alerting.rule_failed", kind=kind.name, account=scene.account)

    async def run(self) -> None:
        """Do what falls due, until cancelled."""
        while True:
            self._nudged.clear()
            try:
                await self.tick()
            except StoreError as error:
                log.error("alerting.not_stored", message=str(error))  # noqa: TRY400 - it says all
                await self._clock.sleep(_AFTER_FAILURE)  # what is due stays due
            except Exception:  # whatever one incident does to a decision, the next ones are decided on
                log.exception("alerting.failed")
                await self._clock.sleep(_AFTER_FAILURE)
            due = self._pipeline.next_due()
            wait = min(_LONGEST, max(0.05, (due - self._clock.now()).total_seconds())) if due else _LONGEST
            await self._clock.until(self._nudged, wait)

    async def tick(self) -> None:
        """Do what is due now. Raises StoreError."""
        due = self._pipeline.next_due()
        now = self._clock.now()
        if not self._stale and (due is None or due > now):
            async with self._lock:
                await in_slices(self._state.forget(now, self._pipeline.filling(now)))
            return
        async with self._changing() as now:
            await self._decide((), now)

    @asynccontextmanager
    async def _changing(
        self, seen: ChangeSet | None = None, stored: ChangeSet | None = None
    ) -> AsyncIterator[datetime]:
        """A change: what it does to the state is stored when the block ends, and messages go out after that."""
        async with self._lock:
            if self._stale:
                await self._load()
            try:
                yield (now := self._clock.now())
                events = await in_slices(self._publisher.events(self._state, seen, now))
                changes = await in_slices(self._state.changes())
                changes.entries += events
                if also := stored or seen:
                    changes = changes.joined(also)
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
        self._people = await zones_of_people(self._store)
        self._state = await load_state(self._store, self.settings, self._clock.now())
        self._pipeline = self._new_pipeline()
        await in_slices(self._pipeline.restore())
        self._stale = False

    @asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """What is kept of conversations is changed inside, and nothing else meanwhile; it is read anew after that."""
        async with self._lock:
            self._stale = True
            yield
            await self._load()
        self._nudged.set()

    async def use(self, settings: AlertSettings, *, decides: bool = True) -> None:
        """These are the settings from now on; what is open is sent where they ask for it. Raises StoreError.

        Where this replica is not the one that ``decides``, it is so once it becomes that.
        """
        async with self._lock:
            self.settings, self._stale = settings, True
            self.writer.call(settings.on_call)
        if not decides:
            return
        async with self._changing() as now:
            await self._decide_open(now)
        self._nudged.set()

    async def conversations_changed(self) -> None:
        """The bot was added somewhere: the settings may name that conversation, which then gets what is open."""
        before = {each.id for each in self._state.defaults()}
        async with self._changing() as now:
            self._state.set_defaults(await default_subscriptions(self._store, self.settings))
            if before != {each.id for each in self._state.defaults()}:
                await self._decide_open(now)
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
        """Send nothing about it for a while. None where there is no such incident."""

        def done(incident: Incident, now: datetime) -> None:
            incident.snoozed, incident.snoozed_by = now + span, by
            incident.note(now, f"snoozed by {by.name or by.id}")

        return await self._do(name, done)

    async def unacknowledge(self, name: str, by: Author) -> Incident | None:
        """Nobody takes care of it any more: it is repeated as if nobody had. None where there is no such incident."""

        def done(incident: Incident, now: datetime) -> None:
            if incident.acknowledged:
                incident.acknowledged = incident.acknowledged_at = incident.remind = None
                incident.note(now, f"acknowledgement taken back by {by.name or by.id}")

        return await self._do(name, done)

    async def unsnooze(self, name: str, by: Author) -> Incident | None:
        """It is said again from now on. None where there is no such incident."""

        def done(incident: Incident, now: datetime) -> None:
            if incident.snoozed:
                incident.snoozed = incident.snoozed_by = None
                incident.note(now, f"snooze ended by {by.name or by.id}")

        return await self._do(name, done)

    async def _do(self, name: str, done: Callable[[Incident, datetime], None]) -> Incident | None:
        async with self._changing() as now:
            incident = self._state.incident(name)
            if incident is None:
                return None
            if incident.open:
                done(incident, now)
                incident.changed = now
                self._state.touch(incident)
                self._pipeline.reschedule(incident, now)
                await self._decide({incident.id}, now)
        self._nudged.set()
        return incident

    async def subscribe(self, subscription: Subscription) -> None:
        """Subscribe a conversation; what is open already is sent there too."""
        key = key_of(subscription.conversation)
        await self._store.put_preference(
            SUBSCRIPTIONS, key, subscription.id, msgspec.json.encode(subscription), self._clock.now()
        )
        async with self._changing() as now:
            self._state.subscribe([subscription])
            await self._decide_open(now)
        self._nudged.set()

    async def unsubscribe(self, name: str) -> Subscription | None:
        """Remove a subscription; what was posted there stays and is still edited. None where there is none."""
        subscription = self._state.subscription(name)
        if subscription is None:
            return None
        await self._store.delete_preference(SUBSCRIPTIONS, key_of(subscription.conversation), name)
        async with self._changing():
            self._state.unsubscribe(name)
            self._pipeline.weigh_everything()
        return subscription

    async def mute(self, conversation: str, mute: Mute) -> None:
        """Hold back in a conversation what fits, from now on."""
        await self._store.put_preference(MUTES, conversation, mute.id, msgspec.json.encode(mute), self._clock.now())
        async with self._changing() as now:
            self._state.mute(conversation, mute)
            self._pipeline.weigh_everything()
            await self._decide((), now)
        self._nudged.set()

    async def unmute(self, conversation: str, name: str) -> bool:
        """Remove a mute: what it held and is still open is sent. False where there is none."""
        if not await self._store.delete_preference(MUTES, conversation, name):
            return False
        async with self._changing() as now:
            self._state.unmute(conversation, name)
            self._pipeline.weigh_everything()
            await self._decide((), now)
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
            self._state.set_hours(conversation, hours)
            self._pipeline.weigh_everything()
            await self._decide((), now)
        self._nudged.set()

    # --- what can be asked --------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The bot's clock."""
        return self._clock.now()

    async def find(self, name: str) -> Incident | None:
        """An incident by id, however long it is over."""
        known = self._state.incident(name)
        if known:
            return known
        row = await self._store.incident(name)
        return incident_of(row) if row else None

    def preview(self, incident: Incident) -> list[Verdict]:
        """Every conversation that would get an incident, and whether it would get it now."""
        return preview(self._state, self.kinds, incident, self._clock.now())

    async def past(self, account: str, since: datetime, limit: int = 200) -> list[Incident]:
        """Incidents that changed since a moment, the newest first, open ones included."""
        rows = await self._store.incidents(account=account, since=since, limit=limit)
        return [incident for row in rows if (incident := incident_of(row))]

    async def test(self, conversation: Conversation, incident: Incident) -> str:
        """Send a sample incident to a conversation as a message of its own; returns the id of its outbox entry."""
        name, where = f"test-{secrets.token_hex(4)}", key_of(conversation)
        async with self._changing() as now:
            card = msgspec.json.encode(self.writer.incident(incident, where))
            address = msgspec.json.encode(conversation)
            self._state.post(OutboxEntry(name, where, address, card, 1, now, urgent=incident.urgent))
        return name
