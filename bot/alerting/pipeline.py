"""A decision: what happens, in this order, with incidents that changed or when something falls due.

1. Routing (:mod:`bot.alerting.routing`): an incident gets a notification in every conversation that asked for it.
2. Suppression (:mod:`bot.alerting.suppression`): a notification that was not posted yet is held back, with the first
   reason that holds: ``muted``, ``inhibited``, ``quiet``, ``flapping``. One that came and went unseen is dropped.
3. Grouping (:mod:`bot.alerting.grouping`): what is left of a group comes ``alone``, in a ``digest``, or must ``wait``.
4. Notifying (:mod:`bot.alerting.notifier`): messages are written, and those that show what changed are edited.
5. Reminders (:mod:`bot.alerting.reminders`): what is still open is said again where that is due.
6. The newest message of every group in which something was held back or let go says how much is held back, and each
   digest that changed is written, once.

Only notifications whose reason can have changed are weighed: those of incidents that changed, those that are due, the
groups that have gathered long enough, and all of an account in which something that inhibits others changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Mapping
from datetime import datetime
from itertools import chain

from msgspec.structs import replace

from bot.alerting.cards import Writer
from bot.alerting.grouping import Grouping
from bot.alerting.incident_state import IncidentState
from bot.alerting.inhibition import Recipients
from bot.alerting.messages import Messages
from bot.alerting.model import Incident, Notification
from bot.alerting.notification_index import Group
from bot.alerting.notifier import Notifier
from bot.alerting.reminders import Reminders
from bot.alerting.routing import Router
from bot.alerting.rules import AlertRule
from bot.alerting.slices import Sliced
from bot.alerting.suppression import Suppression
from bot.domain.findings import Severity, fingerprint
from bot.settings import AlertSettings


class AlertPipeline:
    """Decides on a state. ``backlog`` says how many messages of a conversation were never posted yet."""

    def __init__(
        self,
        state: IncidentState,
        rules: Mapping[str, AlertRule],
        settings: AlertSettings,
        writer: Writer,
        backlog: Callable[[str], int],
    ) -> None:
        self._state = state
        self._rules = rules
        self._backlog = backlog
        self._grouping = Grouping(settings)
        self._messages = Messages(state, writer)
        self._reminders = Reminders(state, self._messages, settings)
        self._notifier = Notifier(state, self._messages, self._reminders)
        self._unweighed = True
        """Whether everything that waits is to be weighed: after a start, or when what was asked for has changed."""

    def restore(self) -> Sliced[None]:
        """Take up what the state says after a start."""
        for notification in self._state.notifications:
            incident = self._state.incident(notification.incident)
            if incident and notification.entry and not notification.over:
                group = notification.conversation, incident.account
                if self._grouping.restore(notification, group):
                    self._messages.newest(group, notification.entry)
            yield

    def next_due(self) -> datetime | None:
        """When to decide again although nothing has changed."""
        due = [self._grouping.next_due(), self._state.notifications.next_due()]
        return min((each for each in due if each is not None), default=None)

    def filling(self, now: datetime) -> set[str]:
        """The outbox entries of digests that may take in more."""
        return self._grouping.filling(self._backlog, now)

    def reschedule(self, incident: Incident, now: datetime) -> None:
        """Somebody acknowledged or snoozed it: when is it said again?"""
        self._reminders.reschedule(incident, now)

    def weigh_everything(self) -> None:
        """Mutes, quiet hours or subscriptions changed: the next decision reconsiders all that is held back."""
        self._unweighed = True

    def decide(self, changed: Collection[str], now: datetime) -> Sliced[None]:
        """Bring every notification and message in line with the incidents that changed and the time it is."""
        incidents = [each for name in changed if (each := self._state.incident(name))]
        self._messages.begin(now)
        fresh: list[Notification] = []
        recipients = yield from self._route(incidents, fresh, now)
        suppression = Suppression(self._state, self._rules, now, recipients)
        ripe = self._grouping.ripe(now)
        ready: defaultdict[Group, list[Notification]] = defaultdict(list)
        touched: dict[Group, None] = {}
        waiting = yield from self._waiting(incidents, ripe, now)
        for number, notification in enumerate(chain(fresh, waiting)):
            self._weigh(notification, suppression, ready, touched)
            if number % 16 == 0:
                yield
        for group in dict.fromkeys([*ready, *ripe]):
            yield from self._release(group, ready.get(group, []), now)
        for incident in incidents:
            self._notifier.rewrite(incident)
            yield
        yield from self._reminders.say(suppression, now)
        for group in touched:
            self._notifier.mention_held(group)
        yield from self._notifier.write_digests()
        self._unweighed = False

    def _route(self, incidents: list[Incident], fresh: list[Notification], now: datetime) -> Sliced[Recipients]:
        """Add a new notification to ``fresh`` for every conversation that asks and has none; those that are there stay.

        Returns to which conversations each incident is sent.
        """
        router = Router([*self._state.subscriptions(), *self._state.defaults()], self._rules)
        recipients: dict[str, Container[str]] = {}
        for incident in incidents:
            if incident.state == "resolved":
                continue
            recipients[incident.id] = conversations = router.route(incident)
            for conversation, reasons in conversations.items():
                known = self._state.notification(incident.id, conversation)
                if (known is None or not known.entry) and self._told(incident, conversation):
                    why = known.why if known else reasons[0].id
                    self._state.put(
                        Notification(incident=incident.id, conversation=conversation, why=why, since=now, over=True)
                    )
                elif known is None or (known.over and not known.entry):
                    fresh.append(
                        Notification(incident=incident.id, conversation=conversation, why=reasons[0].id, since=now)
                    )
                elif known.over:  # it came back: the same message says so
                    self._state.put(replace(known, over=False, due=self._reminders.next(incident, known, now)))
            yield
        return recipients

    def _told(self, incident: Incident, conversation: str) -> bool:
        """Whether a message of the conversation says it already: how a job ended is said where it failed.

        That is open, or became over with it. One that is still to come when the quiet hours are over will say it, too.
        """
        rule = self._rules.get(incident.kind)
        for kind in rule.told_by if rule else ():
            other = self._state.incident_of(fingerprint(incident.account, kind, incident.entity))
            if other is None or not (other.open or other.changed >= incident.opened):
                continue
            known = self._state.notification(other.id, conversation)
            if known is None:
                continue
            rests = known.held == "quiet" and not known.over and incident.severity is not Severity.CRITICAL
            if known.entry or rests:
                return True
        return False

    def _told_since(self, incident: Incident, conversation: str) -> bool:
        """Whether what became of it has a message there: a job ended in a way that could not wait for the morning."""
        for rule in self._rules.values():
            if incident.kind in rule.told_by:
                other = self._state.incident_of(fingerprint(incident.account, rule.name, incident.entity))
                known = self._state.notification(other.id, conversation) if other else None
                if known is not None and known.entry:
                    return True
        return False

    def _waiting(self, incidents: list[Incident], ripe: list[Group], now: datetime) -> Sliced[list[Notification]]:
        """What waits and may have another reason to wait by now, or none."""
        index = self._state.notifications
        groups = index.waiting_groups()
        if not self._unweighed:
            rules = [(incident, self._rules.get(incident.kind)) for incident in incidents]
            accounts = {incident.account for incident, rule in rules if rule and rule.inhibits}
            groups = [group for group in groups if group[1] in accounts or group in ripe]
        found: dict[int, Notification] = {}  # by identity: there is one object for each incident and conversation
        parts = chain(
            (index.waiting(*group) for group in groups), [index.due(now)], (index.of(each.id) for each in incidents)
        )
        for part in parts:
            found.update({id(each): each for each in part if each.waiting})
            yield
        return list(found.values())

    def _weigh(
        self,
        notification: Notification,
        suppression: Suppression,
        ready: defaultdict[Group, list[Notification]],
        touched: dict[Group, None],
    ) -> None:
        """Hold back what is not posted yet, or put it among what is ``ready`` to be posted."""
        incident = self._state.shown_by(notification)
        group = notification.conversation, incident.account
        unseen = incident.state == "resolved" and notification.held != "quiet"  # it came and went
        if unseen or (incident.state == "resolved" and self._told_since(incident, notification.conversation)):
            self._state.put(replace(notification, over=True, due=None))
            touched[group] = None
        elif self._state.conversation(notification.conversation) is None:
            self._state.put(replace(notification, over=True, due=None))
        elif reason := suppression.reason_now(incident, notification):
            if (notification.held, notification.by) != (reason.held, reason.by):
                touched[group] = None
            self._state.put(replace(notification, held=reason.held, by=reason.by, due=reason.until))
        else:
            ready[group].append(notification)
            touched[group] = None

    def _release(self, group: Group, ready: list[Notification], now: datetime) -> Sliced[None]:
        """Send what may be sent of a group now; the rest of it waits for more."""
        rested = [each for each in ready if each.held == "quiet" and not self._breaks_quiet(each)]
        fresh = [each for each in ready if each.held != "quiet" or self._breaks_quiet(each)]
        if rested:
            grouped = self._grouping.after_quiet()
            yield from self._notifier.post_in_digest(rested, group, now, grouped, quiet=True)
        if not fresh:
            self._grouping.calm(group, now)
            return
        grouped = self._grouping.group(group, len(fresh), self._backlog(group[0]), now)
        if grouped.how == "wait":
            for notification in fresh:
                self._state.put(replace(notification, held="grouping", by="", due=grouped.until))
                yield
        elif grouped.how == "alone":
            yield from self._notifier.post_alone(fresh, group, now)
        else:
            yield from self._notifier.post_in_digest(fresh, group, now, grouped)

    def _breaks_quiet(self, notification: Notification) -> bool:
        """Whether it became critical while it waited for the end of the quiet hours."""
        incident = self._state.shown_by(notification)
        return incident.open and incident.severity is Severity.CRITICAL
