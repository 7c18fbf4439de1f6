"""The fourth stage: what is due becomes outbox entries, and what was posted is brought in line with what changed.

One message for each incident and conversation, or one digest for several. An edit makes no sound, so what becomes worse
is said aloud in a reply.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from msgspec.structs import replace

from bot.alerting.grouping import Grouped
from bot.alerting.incident_state import IncidentState
from bot.alerting.messages import Messages
from bot.alerting.model import Held, Incident, Notification
from bot.alerting.notification_index import Group
from bot.alerting.reminders import Reminders
from bot.alerting.slices import Sliced
from bot.domain.findings import Severity


class Notifier:
    """Posts and edits. What belongs into a digest is only noted; :meth:`write_digests` writes each once a decision."""

    def __init__(self, state: IncidentState, messages: Messages, reminders: Reminders) -> None:
        self._state = state
        self._messages = messages
        self._reminders = reminders
        self._digests: dict[str, list[Incident]] = {}
        """Digests to be written anew, each with what became worse in it."""

    def post_alone(self, notifications: list[Notification], group: Group, now: datetime) -> Sliced[None]:
        """A message for each, the worst first."""
        known = [(self._state.shown_by(each), each) for each in notifications]
        for incident, notification in sorted(known, key=lambda each: (-each[0].severity.rank, each[0].since)):
            posted = replace(
                notification,
                entry=f"{incident.id}-{secrets.token_hex(3)}",
                held="",
                by="",
                shown=now,
                worst=incident.severity,
                over=not incident.open,
            )
            posted = replace(posted, due=self._reminders.next(incident, posted, now))
            self._state.put(posted)
            self._messages.newest(group, posted.entry)
            self._messages.incident(incident, posted)
            yield

    def post_in_digest(
        self, notifications: list[Notification], group: Group, now: datetime, grouped: Grouped, *, quiet: bool = False
    ) -> Sliced[None]:
        """One message for several; ``quiet``: that is what waited for the end of the quiet hours.

        What is critical and comes into a digest that was posted already is announced in a reply.
        """
        self._messages.newest(group, grouped.entry)
        worse = self._digests.setdefault(grouped.entry, [])
        held: Held = "quiet" if quiet else ""
        for notification in notifications:
            incident = self._state.shown_by(notification)
            self._state.put(
                replace(
                    notification,
                    entry=grouped.entry,
                    gathered=True,
                    held=held,
                    by="",
                    due=None,
                    shown=now,
                    worst=incident.severity,
                )
            )
            if not grouped.begins and incident.severity is Severity.CRITICAL and incident.open:
                worse.append(incident)
            yield

    def rewrite(self, incident: Incident) -> None:
        """Bring every message that shows an incident in line with it."""
        for notification in self._state.notifications_of(incident.id):
            if self._state.entry(notification.entry) is None:
                continue  # nothing stands there, or it is about to be written for the first time
            if notification.gathered:
                self._digests.setdefault(notification.entry, [])
            else:
                self._messages.incident(incident, notification)
            self._judge(incident, notification)

    def _judge(self, incident: Incident, notification: Notification) -> None:
        """Announce that it is worse than was announced before, or ended so; what is over alone is over there too."""
        if not incident.open:
            notification = replace(notification, over=not notification.gathered, due=None)
            self._state.put(notification)
        worse = incident.severity is not notification.worst and incident.severity.rank > notification.worst.rank
        worse = worse and not (incident.state == "resolved" and incident.mended)
        if worse:
            notification = replace(notification, worst=incident.severity)
            self._state.put(notification)
        if notification.gathered:
            if worse:
                self._digests[notification.entry].append(incident)
        elif len(incident.history) > 1:
            # The first reply says it aloud and has the history; where that stands already, it would make no sound.
            first = self._messages.history(incident, notification, aloud=worse)
            if worse and not first:
                self._messages.aloud(incident, notification, "worse")

    def mention_held(self, group: Group) -> None:
        """The newest message of a group says how much is held back, and the one before no longer does."""
        for entry in self._messages.mentioning(group):
            members = self._state.notifications.members(entry)
            if not members or self._state.entry(entry) is None:
                continue
            if members[0].gathered:
                self._digests.setdefault(entry, [])
            else:
                self._messages.incident(self._state.shown_by(members[0]), members[0])

    def write_digests(self) -> Sliced[None]:
        """Write each digest that changed."""
        digests, self._digests = self._digests, {}
        for entry, worse in digests.items():
            yield
            members = self._messages.in_order(self._state.notifications.members(entry))
            incidents = [self._state.shown_by(each) for each in members]
            if not members:
                continue
            yield
            self._messages.digest(entry, members, incidents)
            yield from self._messages.names(entry, members[0].conversation, incidents)
            if worse:
                self._messages.worse(entry, members[0].conversation, incidents, worse)
