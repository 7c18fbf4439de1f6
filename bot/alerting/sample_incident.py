"""Incidents that never happened: for a test message, and for asking where such an alert would go."""

from __future__ import annotations

import secrets
from datetime import datetime

from bot.alerting.model import Incident
from bot.alerting.rules import AlertRule
from bot.domain.findings import Entity, Severity, fingerprint

TEST = "test-"
"""How the ids of such incidents begin; no real one's does."""


def made_up(
    kind: AlertRule,
    account: str,
    at: datetime,
    *,
    name: str = "example",
    severity: Severity | None = None,
) -> Incident:
    """An incident of a rule as it might be, news that is over at once: there is nothing to acknowledge.

    ``name`` is its entity's; a node's or task's may have its pool or job before a slash.
    """
    parent, _, own = name.rpartition("/")
    entity = Entity(kind.entity, own, parent) if kind.entity in ("node", "task") else Entity(kind.entity, name)
    if kind.entity == "account":
        entity = Entity("account", account)
    related = (Entity("pool" if kind.entity == "node" else "job", parent),) if entity.parent else ()
    return Incident(
        id=f"{TEST}{secrets.token_hex(4)}",
        fingerprint=fingerprint(account, kind.name, entity),
        account=account,
        kind=kind.name,
        entity=entity,
        state="event",
        severity=severity or kind.severity,
        headline=f"Test of {kind.name}: nothing has happened to {kind.entity} {entity.id}",
        since=at,
        seen=at,
        opened=at,
        changed=at,
        related=related,
        cause=f"A real one says: {kind.says[0].lower()}{kind.says[1:]}",
        figures=(("Severity", (severity or kind.severity).value),),
    )
