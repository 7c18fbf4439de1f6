"""Why an incident is not told in a conversation just now.

The order of evaluation, first reason wins: somebody muted it there; another open incident explains it; the conversation
has its quiet hours, unless it is critical. What waits for its group is no matter of this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from bot.alerting.incident_state import IncidentState
from bot.alerting.model import Held, Incident
from bot.alerting.quiet_hours import quiet_until
from bot.alerting.routing import muted
from bot.alerting.rules import AlertRule
from bot.domain.findings import Entity, Severity

GRACE = timedelta(seconds=90)
"""How long a silenced incident stays silent after its cause is gone: it ends by itself most often."""


class Reason(NamedTuple):
    """Why it is held back, by what (an incident's or mute's id), and when to look again (None: when that changes)."""

    held: Held
    by: str = ""
    until: datetime | None = None


class Inhibitions:
    """Which open incident explains which, as of now: made anew for each decision, since it goes by all that is open."""

    def __init__(self, book: IncidentState, kinds: Mapping[str, AlertRule]) -> None:
        self._book = book
        self._everything: list[tuple[Incident, AlertRule]] = []
        self._about: defaultdict[tuple[str, Entity], list[tuple[Incident, AlertRule]]] = defaultdict(list)
        self._related: defaultdict[tuple[str, Entity], list[tuple[Incident, AlertRule]]] = defaultdict(list)
        for incident in book.incidents.values():
            kind = kinds.get(incident.kind)
            if not incident.open or kind is None or not kind.inhibits:
                continue
            if "*" in kind.inhibits:
                self._everything.append((incident, kind))
                continue
            self._about[incident.account, incident.entity].append((incident, kind))
            for entity in incident.related:
                self._related[incident.account, entity].append((incident, kind))

    def of(self, incident: Incident, conversation: str) -> Incident | None:
        """The open incident that explains this one in a conversation, of those that the conversation hears of.

        Its kind says so, and it is about something that this one belongs to, or belongs to what this one is about.
        """
        account = incident.account
        for other, _ in self._everything:
            if other.account == account and self._counts(other, incident, conversation):
                return other
        candidates: list[list[tuple[Incident, AlertRule]]] = [
            self._related.get((account, incident.entity), []),
            *(self._about.get((account, entity), []) for entity in (incident.entity, *incident.related)),
        ]
        for other, kind in chain.from_iterable(candidates):
            if incident.kind in kind.inhibits and self._counts(other, incident, conversation):
                return other
        return None

    def _counts(self, other: Incident, incident: Incident, conversation: str) -> bool:
        return other.id != incident.id and (other.id, conversation) in self._book.notifications


def reason(
    book: IncidentState, incident: Incident, conversation: str, explanations: Inhibitions, now: datetime
) -> Reason | None:
    """The first reason to hold an incident back in a conversation; None where it may be told."""
    mutes = [mute for mute in book.mutes.get(conversation, {}).values() if mute.until is None or mute.until > now]
    if mute := muted(incident, mutes):
        return Reason("muted", mute.id, mute.until)
    if cause := explanations.of(incident, conversation):
        return Reason("silenced", cause.id)
    hours = book.hours.get(conversation)
    if hours and incident.severity is not Severity.CRITICAL and (end := quiet_until(hours, now)):
        return Reason("quiet", "", end)
    return None
