"""The third stage: what may be sent of a group (a conversation and an account) comes alone, in a digest, or waits.

The first trouble after a calm is sent at once. What follows within ``wait`` is gathered until then, and after that
until ``interval`` has passed, for as long as something keeps coming. What was gathered comes as a message each where it
is little, as one digest where it is much. A digest takes in more as long as it is younger than ``repeat``, or is still
on its way: so a day without the chat leaves a handful of messages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from bot.alerting.model import Notification
from bot.alerting.notification_index import Group
from bot.settings import AlertSettings

ALONE = 3
"""So many at once come as a message each; more as a digest."""
BACKLOG = 5
"""With so many messages of a conversation on their way, what is new goes into a digest."""


class Grouped(NamedTuple):
    """How what is new in a group comes.

    ``alone``: a message each. ``digest``: into the outbox entry ``entry``, which ``begins`` with it or was there.
    ``wait``: not before ``until``.
    """

    how: Literal["alone", "digest", "wait"]
    entry: str = ""
    begins: bool = False
    until: datetime | None = None


class Grouping:
    """The groups in which something was posted lately. It is kept in memory only: :meth:`restore` finds it again."""

    def __init__(self, settings: AlertSettings) -> None:
        self._wait = timedelta(seconds=settings.group_wait)
        self._interval = timedelta(seconds=settings.group_interval)
        self._young = timedelta(seconds=settings.repeat)
        self._gates: dict[Group, datetime] = {}
        """Until when a group gathers."""
        self._digests: dict[Group, tuple[str, datetime]] = {}
        """The digest that takes in more, and since when it is there."""
        self._begun: dict[Group, dict[str, datetime]] = {}
        """The digests that were found again, each with when the first that it shows was posted."""

    def restore(self, notification: Notification, group: Group) -> bool:
        """Take up a notification that was posted; True where it is the newest of its group so far."""
        shown = notification.shown
        if shown is None:
            return False
        if notification.gathered and notification.held != "quiet":
            begun = self._begun.setdefault(group, {})
            begun[notification.entry] = min(shown, begun.get(notification.entry, shown))
            self._digests[group] = max(begun.items(), key=lambda each: each[1])
        gate = self._gates.get(group)
        if gate is not None and gate >= shown + self._wait:
            return False
        self._gates[group] = shown + self._wait
        return True

    def filling(self, backlog: Callable[[str], int], now: datetime) -> set[str]:
        """The digests that may take in more: they go on showing all that they have shown."""
        known = self._digests.items()
        return {entry for group, (entry, begun) in known if now - begun < self._young or backlog(group[0])}

    def next_due(self) -> datetime | None:
        """When the first group has gathered long enough."""
        return min(self._gates.values(), default=None)

    def ripe(self, now: datetime) -> list[Group]:
        """The groups that have gathered long enough."""
        return [group for group, until in self._gates.items() if until <= now]

    def calm(self, group: Group, now: datetime) -> None:
        """Nothing is new in a group: one that has gathered long enough is calm again."""
        if (until := self._gates.get(group)) and until <= now:
            del self._gates[group]

    def group(self, group: Group, number: int, backlog: int, now: datetime) -> Grouped:
        """How so many new ones come, with so many messages of the conversation still on their way."""
        gate = self._gates.get(group)
        if gate and now < gate:
            return Grouped("wait", until=gate)
        self._gates[group] = now + (self._interval if gate else self._wait)
        if number <= ALONE and backlog < BACKLOG:
            return Grouped("alone")
        known = self._digests.get(group)
        if known and (now - known[1] < self._young or backlog):
            return Grouped("digest", known[0])
        entry = _digest()
        self._digests[group] = entry, now
        return Grouped("digest", entry, begins=True)

    def after_quiet(self) -> Grouped:
        """How what waited for the end of the quiet hours comes: in a digest of its own."""
        return Grouped("digest", _digest(), begins=True)


def _digest() -> str:
    return f"digest-{secrets.token_hex(5)}"
