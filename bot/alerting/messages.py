"""What stands in the outbox entries of alerting: written where it changed, once for all conversations it is alike in.

One entry for each incident and conversation, edited as it changes; its history is one reply in its thread, edited too.
A digest is one entry for several incidents; where it has no room to list them, replies in its thread name each.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from functools import partial
from math import ceil

import msgspec

from bot.alerting.card_parts import LISTED, NAMED
from bot.alerting.cards import Writer
from bot.alerting.incident_state import IncidentState, history_of, part_of, worse_of
from bot.alerting.model import Incident, Notification
from bot.alerting.notification_index import Group
from bot.alerting.slices import Sliced
from cards.card import Card
from storage.port.outbox import OutboxEntry

_encode = msgspec.json.Encoder().encode


def parts_of(digest: str, members: int) -> list[str]:
    """The replies that name each of so many incidents of a digest; none where it lists them all."""
    return [part_of(digest, number + 1) for number in range(ceil(members / NAMED) if members > LISTED else 0)]


class Messages:
    """Writes cards into outbox entries of the state. Call :meth:`begin` before each decision.

    Of every group it remembers the newest message, which says what else is held back there.
    """

    def __init__(self, state: IncidentState, writer: Writer) -> None:
        self._state = state
        self._writer = writer
        self._newest: dict[Group, str] = {}
        self._mentioning: dict[Group, str] = {}
        """The message that says what is held back, as of the last decision."""
        self._rendered: dict[Hashable, bytes] = {}
        self._now = datetime.min.replace(tzinfo=UTC)

    def begin(self, now: datetime) -> None:
        """A decision begins: what was rendered for the one before may say something else by now."""
        self._now = now
        self._rendered.clear()

    def newest(self, group: Group, entry: str) -> None:
        """This is the newest message of a group."""
        self._newest[group] = entry

    def mentioning(self, group: Group) -> list[str]:
        """The messages to be written anew where what is held back has changed: the newest, and the one before."""
        entry = self._newest.get(group, "")
        before = self._mentioning.get(group, "")
        self._mentioning[group] = entry
        return [each for each in dict.fromkeys([before, entry]) if each]

    def incident(self, incident: Incident, notification: Notification) -> None:
        """The message of one incident."""
        group = notification.conversation, incident.account
        held = []
        if self._newest.get(group) == notification.entry:
            held = [each for each in self._state.notifications.waiting(*group) if each.held]
        explained = self._state.notifications.inhibited_by(incident.id)

        def render() -> Card:
            return self._writer.incident(incident, notification.conversation, held=held, explained=explained)

        key = ("incident", incident.id, explained, *(group if held else ()))
        card = self._once(key, notification.conversation, render)
        self._write(notification.entry, notification.conversation, card, urgent=incident.urgent)

    def history(self, incident: Incident, notification: Notification, *, aloud: bool = False) -> bool:
        """What happened to an incident so far, as a reply. True where it is new: it notifies people where ``aloud``."""
        where, name = notification.conversation, history_of(notification.entry)
        known = self._state.entry(name)
        loud = aloud if known is None else known.broadcast
        card = self._once(
            ("history", loud, incident.id), where, lambda: self._writer.history(incident, where, aloud=loud)
        )
        urgent = loud and incident.urgent
        self._write(name, where, card, reply_to=notification.entry, broadcast=loud, urgent=urgent)
        return known is None

    def digest(self, entry: str, members: list[Notification], incidents: list[Incident]) -> None:
        """One message for several incidents, of which each stands there as its member says."""
        where, quiet = members[0].conversation, any(each.held == "quiet" for each in members)
        card = self._once(
            ("digest", quiet, tuple([each.id for each in incidents])),
            where,
            lambda: self._writer.digest(incidents, where, after_quiet=quiet),
        )
        self._write(entry, where, card, urgent=any(each.urgent for each in incidents))

    def in_order(self, members: list[Notification]) -> list[Notification]:
        """What a digest shows by when it came there, then by what it is about: nothing of it ever changes its place."""

        def place(member: Notification) -> tuple[datetime, tuple[str, ...]]:
            incident = self._state.shown_by(member)
            about = incident.entity
            return member.shown or member.since, (about.kind, about.parent, about.id, incident.id)

        return sorted(members, key=place)

    def names(self, entry: str, where: str, incidents: list[Incident]) -> Sliced[None]:
        """Replies that name each incident of a digest which does not list all of them.

        They are in the order of :meth:`in_order`, so what changes is an edit of the one reply that names it.
        """
        for number, part in enumerate(parts_of(entry, len(incidents))):
            yield
            some = incidents[number * NAMED :][:NAMED]
            card = self._once(
                ("named", number, tuple([each.id for each in some])),
                where,
                partial(self._writer.named, some, where, number * NAMED + 1),
            )
            self._write(part, where, card, reply_to=entry)

    def worse(self, digest: str, where: str, incidents: list[Incident], worse: list[Incident]) -> None:
        """Say aloud which incidents of a digest became worse: one reply, edited as more of it does."""
        card = _encode(self._writer.worse(incidents, worse, where, self._now))
        urgent = any(each.urgent for each in worse)
        self._write(worse_of(digest), where, card, reply_to=digest, broadcast=True, urgent=urgent)

    def aloud(self, incident: Incident, notification: Notification, what: str) -> None:
        """A reply that notifies people; see :meth:`bot.alerting.cards.Writer.note`."""
        where, parent = notification.conversation, self._state.entry(notification.entry)
        if parent is None:
            return
        card = self._once(
            ("note", what, incident.id), where, lambda: self._writer.note(incident, where, what, self._now)
        )
        name = f"{notification.entry}-{secrets.token_hex(3)}"
        self._state.post(
            OutboxEntry(
                *(name, where, parent.address, card, 1, self._now),
                reply_to=notification.entry,
                broadcast=True,
                urgent=incident.urgent,
            )
        )

    def _once(self, key: tuple[Hashable, ...], where: str, render: Callable[[], Card]) -> bytes:
        """A card that says the same in every conversation of a zone and an on-call, rendered once in a decision."""
        key = (*key, *self._writer.reader(where))
        known = self._rendered.get(key)
        if known is None:
            known = self._rendered[key] = _encode(render())
        return known

    def _write(
        self, name: str, where: str, card: bytes, *, reply_to: str = "", broadcast: bool = False, urgent: bool = False
    ) -> None:
        known = self._state.entry(name) or self._state.entry(reply_to)
        if known is not None:
            address = known.address
        elif (found := self._state.conversation(where)) is not None:
            address = _encode(found)
        else:
            return
        self._state.write(OutboxEntry(name, where, address, card, 1, self._now, reply_to, broadcast, urgent))
