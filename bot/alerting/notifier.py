"""From incidents to letters: who is told, now or later, alone or gathered, and what is said aloud again.

One message for each incident and conversation, edited as it changes; its history is one reply in its thread, edited
too.

Grouping goes by conversation and account. The first trouble after a calm is told at once. What follows within ``wait``
is gathered until then, and after that until ``interval`` has passed, for as long as something keeps coming. What was
gathered comes as a message each where it is little, as one digest where it is much. A digest takes in more as long as
it is younger than ``repeat``, or is still on its way: so a day without the chat leaves a handful of messages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from bot.alerting import suppression
from bot.alerting.cards import Writer
from bot.alerting.incident_state import IncidentState
from bot.alerting.model import Held, Incident, Notification, Subscription
from bot.alerting.routing import key_of, route
from bot.alerting.rules import AlertRule
from bot.alerting.suppression import Inhibitions
from bot.domain.findings import Severity
from bot.requests.request import Conversation
from bot.settings import AlertSettings
from cards.card import Card
from storage.port.outbox import OutboxEntry

ALONE = 3
"""So many at once come as a message each; more as a digest."""
BACKLOG = 5
"""With so many messages of a conversation on their way, what is new goes into a digest."""
MOST_REPEATS = timedelta(hours=24)
Group = tuple[str, str]


def history_of(entry: str) -> str:
    """The letter in whose card an incident's history stands, in the thread of the incident's own."""
    return f"{entry}-history"


def worse_of(digest: str) -> str:
    """The letter in a digest's thread that says aloud which of its incidents became worse."""
    return f"{digest}-worse"


@dataclass
class Gate:
    """A group is gathering until then."""

    until: datetime


@dataclass
class Notifier:
    """Decides; everything it changes is noted in the state. ``backlog`` counts the posts of a conversation under way.

    ``default`` are subscriptions that the settings give, for conversations that nobody subscribed by hand.
    """

    book: IncidentState
    kinds: Mapping[str, AlertRule]
    settings: AlertSettings
    writer: Writer
    backlog: Callable[[str], int] = lambda conversation: 0
    default: Callable[[], list[Subscription]] = list
    _gates: dict[Group, Gate] = field(default_factory=dict)
    _waiting: set[tuple[str, str]] = field(default_factory=set)
    _digests: dict[Group, tuple[str, datetime]] = field(default_factory=dict)
    _last: dict[Group, str] = field(default_factory=dict)
    _telling: dict[Group, str] = field(default_factory=dict)
    """The letter that says what is held back."""
    _rewritten: dict[str, Conversation] = field(default_factory=dict)
    """Digests to be written anew at the end of a decision, each once however much of it has changed."""
    _explanations: Inhibitions = field(init=False)

    def __post_init__(self) -> None:
        self._explanations = Inhibitions(self.book, self.kinds)

    def loaded(self) -> None:
        """Take up what the book says after a start."""
        wait = timedelta(seconds=self.settings.group_wait)
        for key, notification in self.book.notifications.items():
            incident = self.book.incidents.get(notification.incident)
            if incident is None or notification.over:
                continue
            group = notification.conversation, incident.account
            if not notification.entry:
                self._waiting.add(key)
            elif notification.shown:
                gate = self._gates.get(group)
                if gate is None or gate.until < notification.shown + wait:
                    self._gates[group] = Gate(notification.shown + wait)
                    self._last[group] = notification.entry
                if notification.gathered and notification.held != "quiet":
                    self._digests[group] = max(
                        self._digests.get(group, (notification.entry, notification.shown)),
                        (notification.entry, notification.shown),
                        key=lambda digest: digest[1],
                    )

    # --- deciding -----------------------------------------------------------------------------------------------------

    def decide(self, changed: set[str], now: datetime) -> None:
        """Bring every notice and letter in line with the incidents that changed and the time it is."""
        touched: set[Group] = set()
        for name in changed:
            incident = self.book.incidents[name]
            self._route(incident, now)
        self._explanations = Inhibitions(self.book, self.kinds)
        for key in list(self._waiting):
            if group := self._weigh(self.book.notifications[key], now):
                touched.add(group)
        for group in {*touched, *(group for group, gate in self._gates.items() if gate.until <= now)}:
            self._release(group, now)
        digests: dict[str, list[Incident]] = {}
        for name in changed:
            self._rewrite(self.book.incidents[name], now, digests)
        for entry, worse in digests.items():
            self._rewrite_digest(entry, worse, now)
        due = [each for each in self.book.notifications.values() if each.entry and not each.over and each.due]
        awake = {each.id for each in self.book.incidents.values() if each.snoozed and each.snoozed <= now}
        for notification in due:
            if notification.due and notification.due <= now:
                self._repeat(notification, now, awake=notification.incident in awake)
        for group in touched:
            self._mention_held(group, now)
        for entry, conversation in self._rewritten.items():
            self._write_digest(entry, conversation, now)
        self._rewritten.clear()

    def next_due(self) -> datetime | None:
        """When to decide again although nothing has changed."""
        moments = [gate.until for gate in self._gates.values()]
        moments += [
            notification.due
            for notification in self.book.notifications.values()
            if notification.due and not notification.over
        ]
        return min(moments, default=None)

    def _route(self, incident: Incident, now: datetime) -> None:
        """Open a notice in every conversation that wants to know; those that are there stay."""
        if incident.state == "resolved":
            return
        subscriptions = [*self.book.subscriptions.values(), *self.default()]
        for conversation, reasons in route(incident, subscriptions, self.kinds).items():
            known = self.book.notifications.get((incident.id, conversation))
            if known and not known.over:
                continue
            notification = Notification(incident=incident.id, conversation=conversation, why=reasons[0].id, since=now)
            if known and known.entry:  # it came back: the same message says so
                notification = msgspec.structs.replace(known, over=False, due=self._again(known, now))
            else:
                self._waiting.add((incident.id, conversation))
            self.book.touch(notification)

    def _weigh(self, notification: Notification, now: datetime) -> Group | None:
        """Hold back or let go what is not told yet; the group that this concerns, where it can be told."""
        incident = self.book.incidents[notification.incident]
        group = notification.conversation, incident.account
        if incident.state == "resolved" and notification.held != "quiet":
            self._drop(notification)  # it came and went unseen
            return group
        if self._place(notification.conversation) is None:
            self._drop(notification)
            return None
        found = suppression.reason(self.book, incident, notification.conversation, self._explanations, now)
        if notification.held == "silenced" and (found is None or found.held != "silenced"):
            # What explained it is gone. It is likely to end too: give it a moment.
            if notification.due is None:
                self._hold(notification, "silenced", notification.by, now + suppression.GRACE)
            if notification.due and notification.due > now:
                return None
        if found and not (notification.held == "quiet" and incident.state == "resolved" and found.held != "quiet"):
            changed = (notification.held, notification.by) != (found.held, found.by)
            self._hold(notification, found.held, found.by, found.until)
            return group if changed else None
        if notification.held not in ("grouping", "quiet"):
            self._hold(notification, "", "", None)
        return group

    def _release(self, group: Group, now: datetime) -> None:
        """Tell what may be told of a group, by its gate."""
        conversation, account = group
        waiting = [
            notification
            for key in self._waiting
            if (notification := self.book.notifications[key]).conversation == conversation
            and self.book.incidents[notification.incident].account == account
            and (
                notification.held in ("", "grouping")
                or (notification.held == "quiet" and (not notification.due or notification.due <= now))
            )
        ]
        gate = self._gates.get(group)
        rested = [notification for notification in waiting if notification.held == "quiet"]
        fresh = [notification for notification in waiting if notification.held != "quiet"]
        if rested:
            self._gather(rested, group, now, after_quiet=True)
        if not fresh:
            if gate and gate.until <= now:
                del self._gates[group]
            return
        if gate and now < gate.until:
            for notification in fresh:
                self._hold(notification, "grouping", "", gate.until)
            return
        if len(fresh) <= ALONE and self.backlog(conversation) < BACKLOG:
            for notification in sorted(fresh, key=self._urgency):
                self._tell(notification, group, now)
        else:
            self._gather(fresh, group, now)
        pause = self.settings.group_interval if gate else self.settings.group_wait
        self._gates[group] = Gate(now + timedelta(seconds=pause))

    def _urgency(self, notification: Notification) -> tuple[int, datetime]:
        incident = self.book.incidents[notification.incident]
        return -incident.severity.rank, incident.since

    def _hold(self, notification: Notification, held: Held, by: str, due: datetime | None) -> None:
        if (notification.held, notification.by, notification.due) != (held, by, due):
            notification.held, notification.by, notification.due = held, by, due
            self.book.touch(notification)

    def _drop(self, notification: Notification) -> None:
        notification.over, notification.due = True, None
        self._waiting.discard((notification.incident, notification.conversation))
        self.book.touch(notification)

    # --- telling ------------------------------------------------------------------------------------------------------

    def _tell(self, notification: Notification, group: Group, now: datetime) -> None:
        """A message of its own."""
        incident = self.book.incidents[notification.incident]
        self._show(notification, f"{incident.id}-{secrets.token_hex(3)}", now)
        self._last[group] = notification.entry
        conversation = self._place(notification.conversation)
        if conversation:
            self._letter(notification.entry, conversation, self._incident_card(incident, notification, now), now)

    def _gather(
        self, notifications: list[Notification], group: Group, now: datetime, *, after_quiet: bool = False
    ) -> None:
        """One message for several: a new one, or the one that gathers already."""
        conversation = self._place(group[0])
        if conversation is None:
            return
        entry, begun = self._digests.get(group, ("", now))
        young = now - begun < timedelta(seconds=self.settings.repeat)
        begins = after_quiet or not entry or not (young or self.backlog(group[0]))
        if begins:
            entry = f"digest-{secrets.token_hex(5)}"
            if not after_quiet:
                self._digests[group] = entry, now
        for notification in notifications:
            self._show(notification, entry, now, gathered=True)
            if after_quiet:
                notification.held = "quiet"
        self._last[group] = entry
        incidents = [self.book.incidents[notification.incident] for notification in notifications]
        # An edit makes no sound: what is critical and comes into a digest that was heard already is said aloud.
        aloud = [] if begins else [each for each in incidents if each.severity is Severity.CRITICAL and each.open]
        self._rewrite_digest(entry, aloud, now, conversation)

    def _show(self, notification: Notification, entry: str, now: datetime, *, gathered: bool = False) -> None:
        incident = self.book.incidents[notification.incident]
        self._waiting.discard((notification.incident, notification.conversation))
        notification.entry, notification.gathered, notification.shown = entry, gathered, now
        notification.held, notification.by, notification.worst = "", "", incident.severity
        notification.over = not incident.open and not gathered
        notification.due = self._again(notification, now)
        self.book.touch(notification)

    def _members(self, entry: str) -> list[tuple[Incident, Notification]]:
        """The incidents that a digest tells."""
        members = [notification for notification in self.book.notifications.values() if notification.entry == entry]
        return [(self.book.incidents[each.incident], each) for each in members]

    def _write_digest(self, entry: str, conversation: Conversation, now: datetime) -> None:
        told = self._members(entry)
        quiet = any(each.held == "quiet" for _, each in told)
        self._letter(entry, conversation, self.writer.digest(told, key_of(conversation), now, after_quiet=quiet), now)

    def _rewrite(self, incident: Incident, now: datetime, digests: dict[str, list[Incident]]) -> None:
        """Update it in every conversation; ``digests`` collects those that tell it, with what became worse in each."""
        for notification in list(self.book.of(incident.id)):
            known = self.book.entries.get(notification.entry)
            if known is None or notification.over:
                continue
            conversation = msgspec.json.decode(known.address, type=Conversation)
            if notification.gathered:
                digests.setdefault(notification.entry, [])
            else:
                self._letter(notification.entry, conversation, self._incident_card(incident, notification, now), now)
                if len(incident.history) > 1:
                    self._letter(
                        history_of(notification.entry),
                        conversation,
                        self.writer.history(incident, notification.conversation, now),
                        now,
                        reply_to=notification.entry,
                    )
            if incident.severity.rank > notification.worst.rank and incident.open:
                notification.worst = incident.severity
                if notification.gathered:
                    digests[notification.entry].append(incident)
                else:
                    self._aloud(
                        notification, known, self.writer.note(incident, notification.conversation, "worse", now), now
                    )
            if not incident.open:
                notification.over, notification.due = not notification.gathered, None
            self.book.touch(notification)

    def _rewrite_digest(
        self, entry: str, worse: list[Incident], now: datetime, conversation: Conversation | None = None
    ) -> None:
        """Write a digest anew, once for all that changed; what became worse is one reply, edited as more of it does.

        All that it tells is over together, so that a digest that is still edited goes on telling all of it.
        """
        conversation = conversation or msgspec.json.decode(self.book.entries[entry].address, type=Conversation)
        self._write_digest(entry, conversation, now)
        told = self._members(entry)
        if worse:
            card = self.writer.worse([incident for incident, _ in told], worse, key_of(conversation), now)
            self._letter(worse_of(entry), conversation, card, now, reply_to=entry, broadcast=True)
        if not any(incident.open for incident, _ in told):
            for _, notification in told:
                notification.over = True
                self.book.touch(notification)

    def _incident_card(self, incident: Incident, notification: Notification, now: datetime) -> Card:
        last = self._last.get((notification.conversation, incident.account)) == notification.entry
        held = self._held(notification.conversation, incident.account) if last else []
        explained = [each for each in self.book.notifications.values() if each.by == incident.id and not each.over]
        return self.writer.incident(
            incident, notification.conversation, now, held=held, explained=len({n.incident for n in explained})
        )

    def _mention_held(self, group: Group, now: datetime) -> None:
        """The last message of a group says how much is held back, and the one before no longer does."""
        entry = self._last.get(group, "")
        for each in dict.fromkeys([self._telling.get(group, ""), entry]):
            notification = next((one for one in self.book.notifications.values() if each and one.entry == each), None)
            if notification:
                self._rewrite_one(notification, now)
        self._telling[group] = entry

    def _rewrite_one(self, notification: Notification, now: datetime) -> None:
        known, incident = self.book.entries.get(notification.entry), self.book.incidents.get(notification.incident)
        if known is None or incident is None:
            return
        conversation = msgspec.json.decode(known.address, type=Conversation)
        if notification.gathered:
            self._rewritten[notification.entry] = conversation
        else:
            self._letter(notification.entry, conversation, self._incident_card(incident, notification, now), now)

    def _held(self, conversation: str, account: str) -> list[Notification]:
        """What of an account is held back in a conversation."""
        return [
            notification
            for key in self._waiting
            if (notification := self.book.notifications[key]).conversation == conversation
            and notification.held
            and self.book.incidents[notification.incident].account == account
        ]

    # --- again and aloud ----------------------------------------------------------------------------------------------

    def _again(self, notification: Notification, now: datetime) -> datetime | None:
        """When it is said aloud again that this is still open."""
        incident = self.book.incidents[notification.incident]
        if not incident.open or notification.gathered:
            return None
        if incident.snoozed and incident.snoozed > now:
            return incident.snoozed
        if incident.acknowledged:
            return incident.remind
        if incident.severity is Severity.INFO:
            return None
        repeat = timedelta(seconds=self.settings.repeat)
        pause: timedelta = repeat * 2 ** min(notification.repeats, 10)
        return (notification.repeated or notification.shown or now) + min(pause, max(MOST_REPEATS, repeat))

    def reschedule(self, incident: Incident, now: datetime) -> None:
        """Somebody acknowledged or snoozed it: when is it said again?"""
        for notification in self.book.of(incident.id):
            if notification.entry and not notification.over:
                notification.due = self._again(notification, now)
                self.book.touch(notification)

    def _repeat(self, notification: Notification, now: datetime, *, awake: bool) -> None:
        """Say aloud that it is still open. ``awake``: that its snooze is over, which every conversation is told."""
        incident, known = self.book.incidents[notification.incident], self.book.entries.get(notification.entry)
        if known is None or not incident.open:
            notification.due = None
            self.book.touch(notification)
            return
        why = suppression.reason(self.book, incident, notification.conversation, self._explanations, now)
        if why and why.held in ("quiet", "muted"):
            notification.due = why.until
            self.book.touch(notification)
            return
        what = "snooze" if awake else "acknowledged" if incident.acknowledged else "open"
        if awake and incident.snoozed:
            incident.snoozed = None
            incident.note(now, "the snooze is over")
            self.book.touch(incident)
        if incident.acknowledged and incident.remind and incident.remind <= now:
            incident.remind = now + timedelta(seconds=self.settings.remind)
            self.book.touch(incident)
        notification.repeated, notification.repeats = now, notification.repeats + 1
        notification.due = self._again(notification, now)
        self.book.touch(notification)
        self._aloud(notification, known, self.writer.note(incident, notification.conversation, what, now), now)

    def _aloud(self, notification: Notification, parent: OutboxEntry, card: Card, now: datetime) -> None:
        """A reply that people hear of."""
        conversation = msgspec.json.decode(parent.address, type=Conversation)
        self._letter(
            f"{notification.entry}-{secrets.token_hex(3)}",
            conversation,
            card,
            now,
            reply_to=notification.entry,
            broadcast=True,
        )

    def _letter(
        self,
        name: str,
        conversation: Conversation,
        card: Card,
        now: datetime,
        *,
        reply_to: str = "",
        broadcast: bool = False,
    ) -> None:
        encoded = msgspec.json.encode(card)
        self.book.write(
            OutboxEntry(
                name,
                key_of(conversation),
                msgspec.json.encode(conversation),
                encoded,
                1,
                now,
                reply_to=reply_to,
                broadcast=broadcast,
            )
        )

    def _place(self, key: str) -> Conversation | None:
        """The place of a key, by whoever subscribed there."""
        for subscription in [*self.book.subscriptions.values(), *self.default()]:
            if key_of(subscription.conversation) == key:
                return subscription.conversation
        return None
