"""The second stage: why an incident is not posted in a conversation just now.

The order of evaluation, first reason wins; :data:`bot.alerting.held_reasons.HELD_REASONS` has their words:

1. ``muted``: somebody muted it there.
2. ``inhibited``: another open incident explains it, of those that the conversation is sent, or was a moment ago.
3. ``quiet``: the conversation has its quiet hours, unless it is critical.
4. ``flapping``: it comes and goes, and is gone just now.

What waits for its group is no matter of this module: that is the next stage, :mod:`bot.alerting.grouping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.alerting.incident_state import IncidentState
from bot.alerting.inhibition import Inhibitions, Recipients
from bot.alerting.lifecycle import CALM
from bot.alerting.model import Held, Incident, Mute, Notification
from bot.alerting.quiet_hours import quiet_until
from bot.alerting.routing import muted
from bot.alerting.rules import AlertRule
from bot.domain.findings import Severity

GRACE = timedelta(seconds=90)
"""How long an inhibited incident stays so after its cause is gone: it ends by itself most often."""


class Reason(NamedTuple):
    """Why it is held back, by what (an incident's or mute's id), and when to decide again (None: when that changes)."""

    held: Held
    by: str = ""
    until: datetime | None = None


class Suppression:
    """What holds incidents back at one moment."""

    def __init__(
        self, state: IncidentState, rules: Mapping[str, AlertRule], now: datetime, recipients: Recipients | None = None
    ) -> None:
        """``recipients``: conversations that incidents are about to be sent to, beside those that got them already."""
        self._state = state
        self._now = now
        self._inhibitions = Inhibitions(state, rules, recipients or {})
        self._causes: dict[str, list[Incident]] = {}
        """What explains an incident, wherever that is sent."""
        self._asked: dict[str, tuple[list[Mute], datetime | None]] = {}
        """The mutes of a conversation that are not over, and when its quiet hours end."""

    def reason(self, incident: Incident, conversation: str) -> Reason | None:
        """The first reason to hold an incident back in a conversation; None where it may be sent."""
        mutes, quiet = self._asked.get(conversation) or self._asked_for(conversation)
        if mutes and (mute := muted(incident, mutes)):
            return Reason("muted", mute.id, mute.until)
        causes = self._causes.get(incident.id)
        if causes is None:
            causes = self._causes[incident.id] = self._inhibitions.of(incident)
        if causes and (cause := self._inhibitions.first_sent(causes, conversation)):
            return Reason("inhibited", cause.id)
        if quiet and incident.severity is not Severity.CRITICAL:
            return Reason("quiet", "", quiet)
        if incident.flapping and incident.absent:
            return Reason("flapping", "", incident.absent + CALM)
        return None

    def reason_now(self, incident: Incident, notification: Notification) -> Reason | None:
        """The same for one that waits already.

        What was inhibited stays so for a moment after its cause is gone, and what flaps until it can have calmed down.
        What waited for the end of the quiet hours comes in their digest: what is over by then whatever else holds, and
        what flaps as it is.
        """
        found = self.reason(incident, notification.conversation)
        if notification.held == "inhibited" and (found is None or found.held != "inhibited"):
            until = notification.due or self._now + GRACE
            return Reason("inhibited", notification.by, until) if until > self._now else found
        if notification.held == "quiet" and found and found.held != "quiet":
            return None if found.held == "flapping" or incident.state == "resolved" else found
        if notification.held == "flapping" and found is None and notification.due and notification.due > self._now:
            return Reason("flapping", "", notification.due)
        return found

    def _asked_for(self, conversation: str) -> tuple[list[Mute], datetime | None]:
        mutes = self._state.mutes(conversation)
        hours = self._state.hours(conversation)
        asked = self._asked[conversation] = (
            [mute for mute in mutes if mute.until is None or mute.until > self._now],
            quiet_until(hours, self._now) if hours else None,
        )
        return asked
