"""Notifications by everything that is asked for: incident, outbox entry, what waits, what inhibits, and what is due.

Each is found without a search through the others. A notification never changes; putting another in its place moves
it in every index, and whoever scans all of them finds the same.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from bot.alerting.model import Notification

Group: TypeAlias = tuple[str, str]
"""A conversation's key and an account: what is grouped together."""


_NOWHERE = Notification(incident="", conversation="", why="", since=datetime.min.replace(tzinfo=UTC), over=True)
"""What stands where nothing was known: it is in no index."""


class NotificationIndex:
    """All notifications that are in memory."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Notification]] = {}
        """By incident and conversation."""
        self._members: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """By outbox entry: the incidents that it shows, each with the conversation."""
        self._live: Counter[str] = Counter()
        """By outbox entry: how many of them are not over."""
        self._waiting: defaultdict[str, dict[str, dict[str, None]]] = defaultdict(dict)
        """By conversation and account: the incidents that wait there."""
        self._inhibited: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By inhibiting incident: those that it holds back, each with the number of conversations."""
        self._due: defaultdict[datetime, dict[str, dict[str, None]]] = defaultdict(dict)
        """By moment and conversation: the incidents that fall due there then."""
        self._moments: list[datetime] = []
        """A heap of these moments; one at which nothing falls due any more is left in it until it surfaces."""

    # --- asking ---

    def __iter__(self) -> Iterator[Notification]:
        return (each for known in self._known.values() for each in known.values())

    def get(self, incident: str, conversation: str) -> Notification | None:
        """How an incident stands in a conversation."""
        known = self._known.get(incident)
        return known.get(conversation) if known else None

    def of(self, incident: str) -> list[Notification]:
        """How an incident stands in each conversation."""
        return list(self._known.get(incident, {}).values())

    def members(self, entry: str) -> list[Notification]:
        """What an outbox entry shows, in the order it was taken in."""
        return [self._known[incident][where] for incident, where in self._members.get(entry, {}).items()]

    def live(self, entry: str) -> bool:
        """Whether something that an outbox entry shows is not over."""
        return self._live.get(entry, 0) > 0

    def waiting(self, conversation: str, account: str | None = None) -> list[Notification]:
        """What waits in a conversation, of one account or of all."""
        accounts = self._waiting.get(conversation, {})
        groups = accounts.values() if account is None else [accounts.get(account, {})]
        return [self._known[incident][conversation] for group in groups for incident in group]

    def waiting_groups(self) -> list[Group]:
        """The groups in which something waits."""
        return [(where, account) for where, accounts in self._waiting.items() for account in accounts]

    def inhibited_by(self, incident: str) -> int:
        """How many incidents an incident holds back."""
        return len(self._inhibited.get(incident, ()))

    def next_due(self) -> datetime | None:
        """When the first falls due."""
        while self._moments and self._moments[0] not in self._due:
            heapq.heappop(self._moments)
        return self._moments[0] if self._moments else None

    def due(self, now: datetime) -> list[Notification]:
        """What is due now; it stays so until another due time is put."""
        moments = []
        while (moment := self.next_due()) and moment <= now:
            moments.append(heapq.heappop(self._moments))
        for moment in moments:
            heapq.heappush(self._moments, moment)
        # A moment may lie in the heap twice.
        return [
            self._known[incident][where]
            for moment in dict.fromkeys(moments)
            for where, incidents in self._due[moment].items()
            for incident in incidents
        ]

    # --- changing ---

    def put(self, new: Notification, account: str) -> bool:
        """Take it in the place of the one that was there; ``account`` is its incident's. False where it is the same."""
        known = self._known.get(new.incident)
        if known is None:
            known = self._known[new.incident] = {}
        old = known.get(new.conversation)
        if old == new:
            return False
        known[new.conversation] = new
        before = _NOWHERE if old is None else old
        if before.entry != new.entry:
            if before.entry:
                self._leave(before)
            if new.entry:
                self._members[new.entry][new.incident] = new.conversation
        if before.entry != new.entry or before.over is not new.over:
            if before.waiting is not new.waiting:
                self._wait(new, account, waits=new.waiting)
            self._living(_live(before), _live(new))
        if before.by or new.by:
            self._inhibit(new.incident, _inhibitor(before), _inhibitor(new))
        if before.due or new.due:
            self._fall_due(new, _due(before), _due(new))
        return True

    def remove(self, incident: str, account: str) -> list[str]:
        """Forget how an incident stands anywhere; returns the outbox entries that show nothing any more."""
        empty = []
        for old in self._known.pop(incident, {}).values():
            if old.entry:
                self._leave(old)
                if old.entry not in self._members:
                    empty.append(old.entry)
            if old.waiting:
                self._wait(old, account, waits=False)
            self._living(_live(old), "")
            self._inhibit(incident, _inhibitor(old), "")
            self._fall_due(old, _due(old), None)
        return empty

    def _leave(self, old: Notification) -> None:
        members = self._members[old.entry]
        del members[old.incident]
        if not members:
            del self._members[old.entry]

    def _wait(self, notification: Notification, account: str, *, waits: bool) -> None:
        accounts = self._waiting[notification.conversation]
        if waits:
            accounts.setdefault(account, {})[notification.incident] = None
            return
        del accounts[account][notification.incident]
        if not accounts[account]:
            del accounts[account]
        if not accounts:
            del self._waiting[notification.conversation]

    def _living(self, was: str, now: str) -> None:
        if was == now:
            return
        if was:
            self._live[was] -= 1
            if not self._live[was]:
                del self._live[was]
        if now:
            self._live[now] += 1

    def _inhibit(self, incident: str, was: str, now: str) -> None:
        if was == now:
            return
        if was:
            held = self._inhibited[was]
            held[incident] -= 1
            if not held[incident]:
                del held[incident]
            if not held:
                del self._inhibited[was]
        if now:
            self._inhibited[now][incident] += 1

    def _fall_due(self, notification: Notification, was: datetime | None, now: datetime | None) -> None:
        if was == now:
            return
        where = notification.conversation
        if was:
            conversations = self._due[was]
            del conversations[where][notification.incident]
            if not conversations[where]:
                del conversations[where]
            if not conversations:
                del self._due[was]
        if now:
            if now not in self._due:
                heapq.heappush(self._moments, now)
            self._due[now].setdefault(where, {})[notification.incident] = None


def _live(notification: Notification) -> str:
    return "" if notification.over else notification.entry


def _due(notification: Notification) -> datetime | None:
    return None if notification.over else notification.due


def _inhibitor(notification: Notification) -> str:
    return notification.by if notification.held == "inhibited" and not notification.over else ""
