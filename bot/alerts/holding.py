"""Why an incident is not told in a place just now.

The order of evaluation, first reason wins: somebody muted it there; another open incident explains it; the place has
its quiet hours, unless it is critical. What waits for its group is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.alerts.book import Book
from bot.alerts.calendar import quiet_until
from bot.alerts.model import Held, Incident
from bot.alerts.routing import muted
from bot.watch.facts import Severity
from bot.watch.kinds import Kind

GRACE = timedelta(seconds=90)
"""How long a silenced incident stays silent after its cause is gone: it ends by itself most often."""


class Reason(NamedTuple):
    """Why it is held back, by what (an incident's or mute's id), and when to look again (None: when that changes)."""

    held: Held
    by: str = ""
    until: datetime | None = None


def reason(book: Book, incident: Incident, place: str, kinds: Mapping[str, Kind], now: datetime) -> Reason | None:
    """The first reason to hold an incident back in a place; None where it may be told."""
    mutes = [mute for mute in book.mutes.get(place, {}).values() if mute.until is None or mute.until > now]
    if mute := muted(incident, mutes):
        return Reason("muted", mute.id, mute.until)
    if cause := silencer(incident, book.open_of(incident.account), kinds):
        return Reason("silenced", cause.id)
    hours = book.hours.get(place)
    if hours and incident.severity is not Severity.CRITICAL and (end := quiet_until(hours, now)):
        return Reason("quiet", "", end)
    return None


def silencer(incident: Incident, others: Iterable[Incident], kinds: Mapping[str, Kind]) -> Incident | None:
    """The open incident that explains this one: its kind says so, and it is about something this one belongs to."""
    about = {incident.entity, *incident.related}
    for other in others:
        kind = kinds.get(other.kind)
        if other.id == incident.id or kind is None or not kind.silences:
            continue
        # A kind that silences everything of an account does not have to be related.
        if "*" in kind.silences or (
            incident.kind in kind.silences and (other.entity in about or incident.entity in other.related)
        ):
            return other
    return None
