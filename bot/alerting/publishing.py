"""What webhooks are told: events of incidents, made in the decision that they are about, and of transitions.

They are stored in the transaction that stores the incident, so none is lost and none tells of what is not so. Channels'
mutes, quiet hours and digests are theirs alone. But an incident that another open one explains is not told before it
stands for itself, and one that flaps is neither said to be over nor to be back, as in the chats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from bot.alerting.incident_state import IncidentState
from bot.alerting.inhibition import Inhibitions
from bot.alerting.model import Incident, Published
from bot.alerting.routing import fits
from bot.alerting.rules import AlertRule
from bot.alerting.slices import Sliced
from bot.alerting.suppression import GRACE
from bot.domain.entity import Entity
from bot.domain.findings import Severity
from bot.webhooks.events import EntityData, IncidentData, about_incident, about_transition, entry_of
from bot.webhooks.settings import WebhookSettings
from storage.port.changes import ChangeSet
from storage.port.monitoring import Transition
from storage.port.outbox import OutboxEntry

Told: TypeAlias = Literal["opened", "changed", "acknowledged", "unacknowledged", "resolved", "news"]
REWORDED = timedelta(minutes=5)
"""An incident of which nothing but its words and figures changes is told at most so often: some change in each poll."""


class Publisher:
    """Makes events. ``webhooks`` says who is told now; what each of them heard is kept with the incidents."""

    def __init__(self, webhooks: Callable[[], Sequence[WebhookSettings]], rules: Mapping[str, AlertRule]) -> None:
        self._webhooks = webhooks
        self._rules = rules
        self._explained: dict[str, datetime] = {}
        """When an incident that nobody heard of was last explained by another one."""

    def events(self, state: IncidentState, seen: ChangeSet | None, now: datetime) -> Sliced[list[OutboxEntry]]:
        """The entries of a decision, as incidents are after it. Incidents that are told are noted as changed."""
        webhooks = self._webhooks()
        made: list[OutboxEntry] = []
        if not webhooks:
            return made
        for transition in seen.transitions if seen else ():
            made += _of_transition(transition, webhooks, now)
            yield
        inhibitions = Inhibitions(state, self._rules, {})
        candidates = {each.id: each for each in (*state.unsaved(), *state.open_of())}
        for incident in candidates.values():
            fresh = self._of_incident(incident, inhibitions, webhooks, now)
            if fresh:
                made += fresh
                state.touch(incident)
            yield
        self._explained = {name: at for name, at in self._explained.items() if name in candidates}
        return made

    def _of_incident(
        self, incident: Incident, inhibitions: Inhibitions, webhooks: Sequence[WebhookSettings], now: datetime
    ) -> list[OutboxEntry]:
        before = incident.published or Published()
        heard = [each for each in webhooks if each.name in before.webhooks]
        told: list[tuple[Told, WebhookSettings]] = []
        if heard and (what := _news(before, incident, now)):
            told += [(what, each) for each in heard]
        fresh = [each for each in webhooks if each.name not in before.webhooks and self._wants(each, incident)]
        if fresh and not self._stands_alone(incident, inhibitions, now):
            fresh = []
        told += [("news" if incident.state == "event" else "opened", each) for each in fresh]
        if not told:
            return []
        incident.published = Published(
            number=before.number + 1,
            state=incident.state,
            severity=incident.severity,
            acknowledged=incident.acknowledged is not None,
            headline=incident.headline,
            at=now,
            webhooks=[*before.webhooks, *(each.name for each in fresh)],
        )
        return [
            entry_of(about_incident(_data(incident, what), before.number + 1, now), each.name, now)
            for what, each in told
            if not each.events or ("acknowledged" if what == "unacknowledged" else what) in each.events
        ]

    def _wants(self, webhook: WebhookSettings, incident: Incident) -> bool:
        """Whether it is for a webhook that has not heard of it: not what is over by now, unless that is all it is."""
        rule = self._rules.get(incident.kind)
        if incident.state == "resolved" or (rule and rule.quiet and not webhook.kinds):
            return False
        return (
            incident.severity.rank >= Severity(webhook.severity).rank
            and _fits(incident.account, webhook.accounts)
            and _fits(incident.kind, webhook.kinds)
        )

    def _stands_alone(self, incident: Incident, inhibitions: Inhibitions, now: datetime) -> bool:
        """Whether nothing else explains it, or did a moment ago: what is explained mostly ends with its cause."""
        if inhibitions.of(incident):
            self._explained[incident.id] = now
            return False
        last = self._explained.get(incident.id)
        return (last is None or now - last >= GRACE) and not (incident.flapping and incident.absent)


def _news(before: Published, incident: Incident, now: datetime) -> Told | None:
    """What those who heard of an incident hear now; the most important of what changed, since each has all of it."""
    acknowledged = incident.acknowledged is not None
    if incident.state != before.state:
        return "resolved" if incident.state == "resolved" else "opened"
    if incident.severity is not before.severity:
        return "changed"
    if acknowledged != before.acknowledged and incident.open:
        return "acknowledged" if acknowledged else "unacknowledged"
    late = before.at is None or now - before.at >= REWORDED
    return "changed" if incident.headline != before.headline and (late or not incident.open) else None


def _of_transition(seen: Transition, webhooks: Sequence[WebhookSettings], now: datetime) -> Iterator[OutboxEntry]:
    for each in webhooks:
        if seen.entity in each.transitions and _fits(seen.account, each.accounts):
            yield entry_of(about_transition(seen), each.name, now)


def _data(incident: Incident, what: Told) -> IncidentData:
    by = incident.acknowledged
    return IncidentData(
        incident=incident.id,
        event=what,
        account=incident.account,
        alert=incident.kind,
        severity=incident.severity.value,
        state=incident.state,
        headline=incident.headline,
        entity=_entity(incident.entity),
        since=_utc(incident.since),
        opened=_utc(incident.opened),
        related=[_entity(each) for each in incident.related],
        cause=incident.cause,
        evidence=incident.evidence,
        count=incident.count,
        figures=dict(incident.figures),
        flapping=incident.flapping,
        mended=incident.mended,
        resolved=_utc(incident.resolved) if incident.resolved else None,
        acknowledged_by=by.called if by else "",
        acknowledged_at=_utc(incident.acknowledged_at) if incident.acknowledged_at else None,
        snoozed_until=_utc(incident.snoozed) if incident.snoozed else None,
    )


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _entity(entity: Entity) -> EntityData:
    return EntityData(entity.kind, entity.id, entity.parent)


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fits(name, each) for each in patterns)
