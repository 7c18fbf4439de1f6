"""The state of alerting: what is open, how it stands in every conversation, and what of that is not stored yet.

It is kept in memory and mirrors the store: every change is noted and written with the poll or the click that caused it.
Where that cannot be stored the state is read anew, so that memory never runs ahead of the store. The alert service owns
it; whoever only asks does so through :class:`bot.alerting.incident_reader.IncidentReader`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable
from datetime import datetime, timedelta
from itertools import count

import msgspec

from bot.alerting.model import Hours, Incident, Mute, Notification, Subscription
from bot.alerting.notification_index import NotificationIndex
from bot.alerting.routing import key_of
from bot.alerting.slices import Sliced
from bot.chat.request import Conversation
from storage.port.changes import ChangeSet
from storage.port.outbox import OutboxEntry

LATELY = timedelta(hours=1)
"""How long an incident that is resolved stays at hand, so that the same one can come back as itself."""
_LATER = timedelta(minutes=10)
"""How often it is checked whether one that is still needed can be let go."""


def history_of(entry: str) -> str:
    """The outbox entry of an incident's history, in the thread of its own."""
    return f"{entry}-history"


def worse_of(digest: str) -> str:
    """The outbox entry in a digest's thread that says aloud which of its incidents became worse."""
    return f"{digest}-worse"


def part_of(digest: str, number: int) -> str:
    """The outbox entry in a digest's thread that names a part of its incidents; the first is number 1."""
    return f"{digest}-named-{number}"


class IncidentState:
    """All that alerting knows. What is asked here is answered from an index, never by going through everything."""

    def __init__(self) -> None:
        self.notifications = NotificationIndex()
        self._incidents: dict[str, Incident] = {}
        self._by_fingerprint: dict[str, str] = {}
        self._open: dict[str, None] = {}
        self._over: dict[str, datetime] = {}
        """Those that are not open, each with when it may be let go."""
        self._entries: dict[str, OutboxEntry] = {}
        """As they were written last, for those that may still change."""
        self._subscriptions: dict[str, Subscription] = {}
        self._defaults: list[Subscription] = []
        self._conversations: dict[str, Conversation] = {}
        self._mutes: dict[str, dict[str, Mute]] = {}
        self._hours: dict[str, Hours] = {}
        self._unsaved_incidents: dict[str, None] = {}
        self._unsaved_notifications: defaultdict[str, dict[str, Notification]] = defaultdict(dict)
        self._unsaved_entries: dict[str, OutboxEntry] = {}

    # --- incidents and how they stand ---------------------------------------------------------------------------------

    def incident(self, name: str) -> Incident | None:
        """One by its id; None for those that are over for more than an hour, unless a digest still shows them."""
        return self._incidents.get(name)

    def shown_by(self, notification: Notification) -> Incident:
        """What a notification is about: it stays in memory as long as a message shows it."""
        return self._incidents[notification.incident]

    def incident_of(self, fingerprint: str) -> Incident | None:
        """The newest one of a fingerprint."""
        return self._incidents.get(self._by_fingerprint.get(fingerprint, ""))

    def incidents(self) -> list[Incident]:
        """All that are in memory."""
        return list(self._incidents.values())

    def open(self, account: str = "") -> list[Incident]:
        """Open incidents of an account or of all, the worst and newest first."""
        return sorted(self.open_of(account), key=lambda each: (-each.severity.rank, -each.opened.timestamp()))

    def open_of(self, account: str = "") -> list[Incident]:
        """Open incidents in no order that means anything."""
        found = [self._incidents[name] for name in self._open]
        return [each for each in found if each.account == account] if account else found

    def notification(self, incident: str, conversation: str) -> Notification | None:
        """How an incident stands in a conversation."""
        return self.notifications.get(incident, conversation)

    def notifications_of(self, incident: str) -> list[Notification]:
        """How an incident stands in each conversation."""
        return self.notifications.of(incident)

    def together(self, notification: Notification) -> list[Notification]:
        """All that stands in the same message."""
        return self.notifications.members(notification.entry) if notification.entry else [notification]

    def waiting(self, conversation: str) -> list[Notification]:
        """What was not posted in a conversation and may still be."""
        return self.notifications.waiting(conversation)

    def entry(self, name: str) -> OutboxEntry | None:
        """A message as it was written last, of those that may still change."""
        return self._entries.get(name)

    # --- what conversations and people asked for ----------------------------------------------------------------------

    def subscription(self, name: str) -> Subscription | None:
        """One that somebody made, by its id."""
        return self._subscriptions.get(name)

    def subscriptions(self, conversation: str = "") -> list[Subscription]:
        """What people subscribed, for one conversation or for all."""
        found = self._subscriptions.values()
        return [each for each in found if conversation in ("", key_of(each.conversation))]

    def defaults(self) -> list[Subscription]:
        """What the settings subscribe, for conversations that the bot knows."""
        return self._defaults

    def conversation(self, key: str) -> Conversation | None:
        """A conversation that is subscribed, by its key."""
        return self._conversations.get(key)

    def mutes(self, conversation: str) -> list[Mute]:
        """The mutes of a conversation, over or not."""
        return list(self._mutes.get(conversation, {}).values())

    def hours(self, conversation: str) -> Hours | None:
        """Quiet hours of a conversation."""
        return self._hours.get(conversation)

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Add subscriptions, or put them in the place of those of the same ids."""
        self._subscriptions.update({each.id: each for each in subscriptions})
        self._find_conversations()

    def unsubscribe(self, name: str) -> None:
        """Remove a subscription."""
        self._subscriptions.pop(name, None)
        self._find_conversations()

    def set_defaults(self, subscriptions: list[Subscription]) -> None:
        """What the settings subscribe from now on."""
        self._defaults = subscriptions
        self._find_conversations()

    def _find_conversations(self) -> None:
        everything = (*self._subscriptions.values(), *self._defaults)
        self._conversations = {key_of(each.conversation): each.conversation for each in reversed(everything)}

    def mute(self, conversation: str, mute: Mute) -> None:
        """Add a mute to a conversation."""
        self._mutes.setdefault(conversation, {})[mute.id] = mute

    def unmute(self, conversation: str, name: str) -> None:
        """Remove a mute."""
        self._mutes.get(conversation, {}).pop(name, None)

    def set_hours(self, conversation: str, hours: Hours | None) -> None:
        """Quiet hours of a conversation; None for none."""
        if hours is None:
            self._hours.pop(conversation, None)
        else:
            self._hours[conversation] = hours

    # --- changes ------------------------------------------------------------------------------------------------------

    def touch(self, incident: Incident) -> None:
        """An incident is new or was changed, and has to be stored."""
        self.restore(incident)
        self._unsaved_incidents[incident.id] = None

    def put(self, notification: Notification) -> None:
        """How an incident stands in a conversation from now on; stored where that is something else than before."""
        if self.notifications.put(notification, self._incidents[notification.incident].account):
            self._unsaved_notifications[notification.incident][notification.conversation] = notification

    def write(self, entry: OutboxEntry) -> bool:
        """A message as it should be now, which may change again; False where it says just what it said."""
        known = self._entries.get(entry.id)
        if known and (known.card, known.broadcast) == (entry.card, entry.broadcast):
            return False
        version = known.version + 1 if known else 1
        self._entries[entry.id] = self._unsaved_entries[entry.id] = msgspec.structs.replace(entry, version=version)
        return True

    def post(self, entry: OutboxEntry) -> None:
        """A message that is written once and never changes."""
        self._unsaved_entries[entry.id] = entry

    def restore(self, incident: Incident) -> None:
        """Take up an incident as it is stored."""
        name = incident.id
        if name not in self._incidents:
            self._incidents[name] = incident
            known = self.incident_of(incident.fingerprint)
            if known is None or incident.opened >= known.opened:
                self._by_fingerprint[incident.fingerprint] = name
        if incident.open:
            self._open[name] = None
            self._over.pop(name, None)
        else:
            self._open.pop(name, None)
            self._over[name] = incident.changed + LATELY

    def restore_notification(self, notification: Notification) -> None:
        """Take up how an incident stands as it is stored."""
        if incident := self._incidents.get(notification.incident):
            self.notifications.put(notification, incident.account)

    def restore_entries(self, entries: Iterable[OutboxEntry]) -> None:
        """Take up messages as they are stored."""
        self._entries.update({each.id: each for each in entries})

    def unsaved(self) -> list[Incident]:
        """The incidents that are new or were changed and are not stored yet."""
        return [self._incidents[name] for name in self._unsaved_incidents]

    def changes(self) -> Sliced[ChangeSet]:
        """What is not stored yet; from now on it counts as stored."""
        changes = ChangeSet(entries=list(self._unsaved_entries.values()))
        for name in self._unsaved_incidents:
            changes.incidents.append(self._incidents[name].row())
            yield
        for stands in self._unsaved_notifications.values():
            changes.notifications += [each.row() for each in stands.values()]
            yield
        for unsaved in (self._unsaved_incidents, self._unsaved_notifications, self._unsaved_entries):
            unsaved.clear()
        return changes

    def forget(self, now: datetime, filling: Container[str] = ()) -> Sliced[None]:
        """Let go of what is over and stored.

        A digest goes on showing all that it gathered, so all of that stays with it: until the last of it is over for
        as long, and it is none of those that may take in more (``filling``).
        """
        for name in [name for name, until in self._over.items() if until < now]:
            for each in self.notifications.of(name):
                if each.gathered and not each.over and each.entry not in filling:
                    yield from self._end_digest(each.entry, now)
            if name in self._unsaved_incidents or self._needed(name):
                self._over[name] = now + _LATER
            else:
                self._remove(self._incidents[name])
            yield

    def _end_digest(self, entry: str, now: datetime) -> Sliced[None]:
        """All that a digest shows is over together, once none of it can come back."""
        members = self.notifications.members(entry)
        incidents = [self.shown_by(each) for each in members]
        if any(incident.open or incident.changed + LATELY > now for incident in incidents):
            return
        for number, notification in enumerate(members):
            self.put(msgspec.structs.replace(notification, over=True))
            if number % 32 == 0:
                yield

    def _needed(self, incident: str) -> bool:
        stands = self.notifications.of(incident)
        return any(not each.over or self.notifications.live(each.entry) for each in stands)

    def _remove(self, incident: Incident) -> None:
        del self._incidents[incident.id], self._over[incident.id]
        if self._by_fingerprint.get(incident.fingerprint) == incident.id:
            del self._by_fingerprint[incident.fingerprint]
        for entry in self.notifications.remove(incident.id, incident.account):
            for name in (entry, history_of(entry), worse_of(entry)):
                self._entries.pop(name, None)
            for number in count(1):
                if self._entries.pop(part_of(entry, number), None) is None:
                    break
