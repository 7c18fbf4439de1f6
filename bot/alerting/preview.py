"""What would become of an incident: the first two stages of the pipeline, without anything being sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from bot.alerting.incident_state import IncidentState
from bot.alerting.model import Incident, Subscription
from bot.alerting.routing import Router
from bot.alerting.rules import AlertRule
from bot.alerting.suppression import Reason, Suppression


class Verdict(NamedTuple):
    """What a conversation would do with an incident: who asks for it there, and what holds it back (None: nothing)."""

    conversation: str
    asked: list[Subscription]
    held: Reason | None


def preview(state: IncidentState, rules: Mapping[str, AlertRule], incident: Incident, now: datetime) -> list[Verdict]:
    """Every conversation that would get an incident, and whether it would get it now."""
    router = Router([*state.subscriptions(), *state.defaults()], rules)
    suppression = Suppression(state, rules, now)
    return [
        Verdict(conversation, asked, suppression.reason(incident, conversation))
        for conversation, asked in router.route(incident).items()
    ]
