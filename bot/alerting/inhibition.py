"""Which open incident explains which, as of one decision: it goes by all that is open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from typing import TypeAlias

from bot.alerting.incident_state import IncidentState
from bot.alerting.model import Incident
from bot.alerting.rules import AlertRule
from bot.domain.findings import Entity

Recipients: TypeAlias = Mapping[str, Container[str]]
"""By incident: the conversations that it is sent to."""


class Inhibitions:
    """The open incidents whose rules inhibit others, by what they are about and what they concern."""

    def __init__(self, state: IncidentState, rules: Mapping[str, AlertRule], recipients: Recipients) -> None:
        """``recipients``: conversations that incidents are about to be sent to, beside those that got them already."""
        self._state = state
        self._recipients = recipients
        self._everything: list[Incident] = []
        """Those that explain all of their account."""
        self._about: defaultdict[tuple[str, Entity], list[tuple[Incident, AlertRule]]] = defaultdict(list)
        self._related: defaultdict[tuple[str, Entity], list[tuple[Incident, AlertRule]]] = defaultdict(list)
        for incident in state.open_of():
            rule = rules.get(incident.kind)
            if rule is None or not rule.inhibits:
                continue
            if "*" in rule.inhibits:
                self._everything.append(incident)
                continue
            self._about[incident.account, incident.entity].append((incident, rule))
            for entity in incident.related:
                self._related[incident.account, entity].append((incident, rule))

    def of(self, incident: Incident) -> list[Incident]:
        """The open incidents that explain this one, the first that is found first.

        Their rules say so, and they are about something that this one belongs to, or belong to what this one is about.
        """
        return [other for other in self._candidates(incident) if other.id != incident.id]

    def _candidates(self, incident: Incident) -> Iterator[Incident]:
        account = incident.account
        yield from (other for other in self._everything if other.account == account)
        for other, rule in self._related.get((account, incident.entity), ()):
            if incident.kind in rule.inhibits:
                yield other
        for entity in (incident.entity, *incident.related):
            for other, rule in self._about.get((account, entity), ()):
                if incident.kind in rule.inhibits:
                    yield other

    def cause(self, incident: Incident, conversation: str) -> Incident | None:
        """The first of them that a conversation was sent; None where it was sent none."""
        return self.first_sent(self.of(incident), conversation)

    def first_sent(self, causes: list[Incident], conversation: str) -> Incident | None:
        """The first that a conversation was sent, or is about to be."""
        for cause in causes:
            if conversation in self._recipients.get(cause.id, ()) or self._state.notification(cause.id, conversation):
                return cause
        return None
