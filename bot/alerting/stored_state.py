"""The state as it is stored: read at the start, and again where something could not be stored."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from bot.alerting.incident_state import LATELY, IncidentState, history_of, worse_of
from bot.alerting.messages import parts_of
from bot.alerting.model import Hours, Incident, Mute, Notification, Subscription
from bot.alerting.slices import Sliced, in_slices
from bot.chat.platforms import PLATFORMS
from bot.chat.request import Conversation
from bot.domain.findings import fingerprint
from bot.settings import AlertSettings
from storage.port.decoding import decoded
from storage.port.incidents import IncidentRow, NotificationRow
from storage.port.store import Store

SUBSCRIPTIONS, MUTES, HOURS, ZONES = "subscription", "mute", "hours", "zone"
"""Namespaces of the store's preferences; the owner of each is a conversation's key."""
_MOST = 100_000
"""Open incidents that are read at most."""
S = TypeVar("S", bound=msgspec.Struct)


async def load_state(store: Store, settings: AlertSettings, now: datetime) -> IncidentState:
    """All that is open, lately over, or still in a digest, and what was asked for. Raises StoreError."""
    rows = {row.id: row for row in await store.incidents(open=True, limit=_MOST)}
    rows |= {row.id: row for row in await store.incidents(open=False, since=now - LATELY)}
    rows |= {row.id: row for row in await store.unsettled_incidents()}
    state = IncidentState()
    await in_slices(_restore(state, list(rows.values()), await store.notifications(list(rows))))
    entries = {each.entry for each in state.notifications if each.entry}
    names = [name for entry in sorted(entries) for name in (entry, history_of(entry), worse_of(entry))]
    names += [name for entry in sorted(entries) for name in parts_of(entry, len(state.notifications.members(entry)))]
    state.restore_entries(each.entry for each in await store.deliveries(names))
    state.subscribe(each for _, each in await _kept(store, SUBSCRIPTIONS, Subscription))
    for conversation, mute in await _kept(store, MUTES, Mute):
        state.mute(conversation, mute)
    for conversation, hours in await _kept(store, HOURS, Hours):
        state.set_hours(conversation, hours)
    state.set_defaults(await default_subscriptions(store, settings))
    return state


def _restore(state: IncidentState, rows: list[IncidentRow], stands: list[NotificationRow]) -> Sliced[None]:
    """Take up what is stored; rows that a newer version wrote and this one cannot read are left alone."""
    for row in rows:
        if incident := incident_of(row):
            # What makes two findings the same may have changed since it was stored.
            incident.fingerprint = fingerprint(incident.account, incident.kind, incident.entity)
            state.restore(incident)
        yield
    for each in stands:
        if notification := decoded(each.body, Notification):
            state.restore_notification(notification)
        yield


async def subscriptions_in(store: Store, settings: AlertSettings) -> list[Subscription]:
    """Everything that is subscribed, by people and by the settings. Raises StoreError."""
    kept = [each for _, each in await _kept(store, SUBSCRIPTIONS, Subscription)]
    return [*kept, *await default_subscriptions(store, settings)]


async def default_subscriptions(store: Store, settings: AlertSettings) -> list[Subscription]:
    """Conversations that the settings name: where a platform posts by the id alone at once, else once
    the bot was added there.
    """
    known = {f"{each.platform}:{each.id}": each for each in await store.conversations()}
    found = []
    for name in settings.channels:
        platform, _, own = name.partition(":")
        conversation = PLATFORMS[platform].conversation(own) if platform in PLATFORMS else None
        if name in known:
            conversation = decoded(known[name].body, Conversation) or conversation
        if conversation is not None:
            found.append(Subscription(id=f"settings:{name}", conversation=conversation))
    return found


async def zones_of_people(store: Store) -> dict[str, str]:
    """The time zone of whoever a personal chat is with, by the chat's key, as they were known last."""
    rows = [(owner, kept.value.decode()) for owner, kept in await store.all_preferences(ZONES)]
    return {owner: zone for owner, zone in rows if is_zone(zone)}


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that IANA name."""
    try:
        return bool(ZoneInfo(name))
    except (ValueError, OSError, KeyError):  # KeyError: there is none; OSError: it is a folder of them
        return False


def incident_of(row: IncidentRow) -> Incident | None:
    """A stored incident; None where a newer version wrote it."""
    return decoded(row.body, Incident)


async def _kept(store: Store, namespace: str, kind: type[S]) -> list[tuple[str, S]]:
    """What is kept in a namespace, with its owner."""
    rows = [(owner, decoded(kept.value, kind)) for owner, kept in await store.all_preferences(namespace)]
    return [(owner, each) for owner, each in rows if each is not None]
