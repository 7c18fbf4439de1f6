"""The book of incidents: what is open, how it stands everywhere, and what of that is not stored yet.

It is kept in memory and mirrors the store: every change is noted by :meth:`IncidentState.touch` and written with the
look or the click that caused it. Where that cannot be stored the book is read anew, so that memory never runs ahead of
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from bot.alerting.model import Hours, Incident, Mute, Notification, Subscription
from storage.port.changes import ChangeSet
from storage.port.incidents import IncidentRow, NotificationRow
from storage.port.outbox import OutboxEntry
from storage.port.preferences import Preference

S = TypeVar("S", bound=msgspec.Struct)

LATELY = timedelta(hours=1)
"""How long an incident that is resolved stays at hand, so that the same one can come back as itself."""


class IncidentState:
    """All that alerting knows."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.by_print: dict[str, str] = {}
        self.notifications: dict[tuple[str, str], Notification] = {}
        """By incident and conversation."""
        self.subscriptions: dict[str, Subscription] = {}
        self.mutes: dict[str, dict[str, Mute]] = {}
        """By conversation and id."""
        self.hours: dict[str, Hours] = {}
        """By conversation."""
        self.entries: dict[str, OutboxEntry] = {}
        """As they were written last, for those that may still change."""
        self._incidents: set[str] = set()
        self._notices: set[tuple[str, str]] = set()
        self._letters: set[str] = set()

    def load(self, incidents: list[IncidentRow], notifications: list[NotificationRow]) -> None:
        """Take what is stored; rows that a newer version wrote and this one cannot read are left alone."""
        for row in incidents:
            if incident := _read(row.body, Incident):
                self.add(incident)
        for each in notifications:
            if (notification := _read(each.body, Notification)) and each.incident in self.incidents:
                self.notifications[notification.incident, notification.conversation] = notification
        self._incidents.clear()

    def add(self, incident: Incident) -> None:
        """A new incident."""
        self.incidents[incident.id] = incident
        known = self.incidents.get(self.by_print.get(incident.fingerprint, ""))
        if known is None or incident.opened >= known.opened:
            self.by_print[incident.fingerprint] = incident.id
        self._incidents.add(incident.id)

    def touch(self, changed: Incident | Notification) -> None:
        """Something was changed and has to be stored."""
        if isinstance(changed, Incident):
            self._incidents.add(changed.id)
        else:
            self.notifications[changed.incident, changed.conversation] = changed
            self._notices.add((changed.incident, changed.conversation))

    def write(self, entry: OutboxEntry) -> bool:
        """A letter as it should be now; False where it says just what it said."""
        known = self.entries.get(entry.id)
        if known and (known.card, known.broadcast) == (entry.card, entry.broadcast):
            return False
        version = known.version + 1 if known else 1
        self.entries[entry.id] = msgspec.structs.replace(entry, version=version)
        self._letters.add(entry.id)
        return True

    def of(self, incident: str) -> Iterator[Notification]:
        """How an incident stands in each conversation."""
        return (notification for (about, _), notification in self.notifications.items() if about == incident)

    def open_of(self, account: str) -> list[Incident]:
        """Open incidents of an account."""
        return [each for each in self.incidents.values() if each.open and each.account == account]

    def changes(self) -> ChangeSet:
        """What is not stored yet; from now on it counts as stored."""
        batch = ChangeSet(
            incidents=[self.incidents[each].row() for each in sorted(self._incidents)],
            notifications=[self.notifications[each].row() for each in sorted(self._notices)],
            entries=[self.entries[each] for each in sorted(self._letters)],
        )
        for noted in (self._incidents, self._notices, self._letters):
            noted.clear()
        return batch

    def forget(self, now: datetime) -> None:
        """Let go of what is over and stored."""
        living = {
            notification.entry
            for notification in self.notifications.values()
            if notification.entry and not notification.over
        }
        needed = {
            about
            for (about, _), notification in self.notifications.items()
            if not notification.over or notification.entry in living
        }
        gone = {
            each.id
            for each in self.incidents.values()
            if not each.open
            and now - each.changed > LATELY
            and each.id not in self._incidents
            and each.id not in needed  # a digest goes on telling all that it gathered
        }
        if not gone:
            return
        for each in gone:
            incident = self.incidents.pop(each)
            if self.by_print.get(incident.fingerprint) == each:
                del self.by_print[incident.fingerprint]
        self.notifications = {
            key: notification for key, notification in self.notifications.items() if key[0] not in gone
        }
        kept = {notification.entry for notification in self.notifications.values()}
        self.entries = {
            name: entry
            for name, entry in self.entries.items()
            if name in kept or entry.reply_to in kept or name in self._letters
        }


def _read(body: bytes, kind: type[S]) -> S | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def subscriptions_of(rows: list[tuple[str, Preference]]) -> dict[str, Subscription]:
    """Stored subscriptions by id."""
    found = (_read(kept.value, Subscription) for _, kept in rows)
    return {each.id: each for each in found if each}


def mutes_of(rows: list[tuple[str, Preference]]) -> dict[str, dict[str, Mute]]:
    """Stored mutes by conversation and id."""
    mutes: dict[str, dict[str, Mute]] = {}
    for owner, kept in rows:
        if mute := _read(kept.value, Mute):
            mutes.setdefault(owner, {})[mute.id] = mute
    return mutes


def hours_of(rows: list[tuple[str, Preference]]) -> dict[str, Hours]:
    """Stored quiet hours by conversation."""
    found = ((owner, _read(kept.value, Hours)) for owner, kept in rows)
    return {owner: hours for owner, hours in found if hours}
