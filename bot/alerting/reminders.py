"""What is still open is said aloud again: ever more seldom, to whoever acknowledged it, and when a snooze is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.alerting.incident_state import IncidentState
from bot.alerting.messages import Messages
from bot.alerting.model import Incident, Notification
from bot.alerting.slices import Sliced
from bot.alerting.suppression import Suppression
from bot.domain.findings import Severity
from bot.settings import AlertSettings

MOST_REPEATS = timedelta(hours=24)
"""The longest pause between two reminders, unless the settings ask for a longer first one."""
_DOUBLED = 10
"""The pause is doubled so often at most."""


class Reminders:
    """Says again what is due, and knows when that is."""

    def __init__(self, state: IncidentState, messages: Messages, settings: AlertSettings) -> None:
        self._state = state
        self._messages = messages
        self._repeat = timedelta(seconds=settings.repeat)
        self._remind = timedelta(seconds=settings.remind)

    def next(self, incident: Incident, notification: Notification, now: datetime) -> datetime | None:
        """When it is said aloud again that this is still open; None for what is only listed, or little."""
        if not incident.open or notification.gathered:
            return None
        if incident.snoozed and incident.snoozed > now:
            return incident.snoozed
        if incident.acknowledged:
            return incident.remind
        if incident.severity is Severity.INFO:
            return None
        pause: timedelta = self._repeat * 2 ** min(notification.repeats, _DOUBLED)
        return (notification.repeated or notification.shown or now) + min(pause, max(MOST_REPEATS, self._repeat))

    def reschedule(self, incident: Incident, now: datetime) -> None:
        """Somebody acknowledged or snoozed it: when is it said again?"""
        for notification in self._state.notifications_of(incident.id):
            if notification.entry and not notification.over:
                self._state.put(replace(notification, due=self.next(incident, notification, now)))

    def say(self, suppression: Suppression, now: datetime) -> Sliced[None]:
        """Say aloud what is due."""
        due = [each for each in self._state.notifications.due(now) if each.entry]
        awake = {
            incident.id
            for each in due
            if (incident := self._state.incident(each.incident)) and incident.snoozed and incident.snoozed <= now
        }
        for notification in due:
            incident = self._state.incident(notification.incident)
            if incident is not None:
                self._say(incident, notification, suppression, now, awake=incident.id in awake)
            yield

    def _say(
        self, incident: Incident, notification: Notification, suppression: Suppression, now: datetime, *, awake: bool
    ) -> None:
        """Say that it is still open. ``awake``: that its snooze is over, which every conversation is notified of."""
        if not incident.open or self._state.entry(notification.entry) is None:
            self._state.put(replace(notification, due=None))
            return
        why = suppression.reason(incident, notification.conversation)
        if why and why.held in ("quiet", "muted", "flapping"):
            self._state.put(replace(notification, due=why.until))
            return
        what = "snooze" if awake else "acknowledged" if incident.acknowledged else "open"
        if awake and incident.snoozed:
            incident.snoozed = None
            incident.note(now, "the snooze is over")
            self._state.touch(incident)
        if incident.acknowledged and incident.remind and incident.remind <= now:
            incident.remind = now + self._remind
            self._state.touch(incident)
        said = replace(notification, repeated=now, repeats=notification.repeats + 1)
        self._state.put(replace(said, due=self.next(incident, said, now)))
        self._messages.aloud(incident, notification, what)
