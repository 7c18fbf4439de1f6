"""From findings to incidents: opened, changed, resolved, back again, flapping.

A finding is the same incident as before when its fingerprint is: account, rule and entity, never a value. One that
comes back within half an hour of its end is the same incident again, in the same message. One that does so three times
within an hour flaps: it is then neither said to be over nor to be back until it has stayed one way for ten minutes.

News that is not of the same moment is other news, however soon it follows: whoever asked for resizes hears of each, and
an edit of what was said of the one before makes no sound.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from bot.alerting.incident_state import IncidentState
from bot.alerting.model import Event, Incident
from bot.alerting.rules import AlertRule
from bot.alerting.slices import Sliced
from bot.domain.findings import Finding, fingerprint
from bot.monitor.scene import Area
from cards.formatting import duration, ordinal, plural

BACK = timedelta(minutes=30)
"""How long after its end an incident that is found again is the same one."""
FLIPS = 3
"""So often back within :data:`WINDOW` is flapping."""
WINDOW = timedelta(hours=1)
CALM = timedelta(minutes=10)
"""So long it has to stay one way to be no longer flapping."""


def settle(
    state: IncidentState,
    account: str,
    found: Iterable[tuple[AlertRule, Finding]],
    judged: Collection[str],
    seen: datetime,
    now: datetime,
) -> Sliced[set[str]]:
    """Bring the incidents of an account in line with what was found in a poll; returns the ids of those that changed.

    ``judged`` are the rules whose areas were all read: only of these the absence of a finding means something.
    ``seen`` is the service's time of the poll, ``now`` the bot's.
    """
    changed: set[str] = set()
    present: set[str] = set()
    for rule, finding in found:
        yield
        name = fingerprint(account, rule.name, finding.entity)
        incident = state.incident_of(name)
        present.add(name)
        if finding.state == "resolved":
            touched = incident is not None and _over(incident, rule, finding, seen, now)
        elif incident and finding.state == "event" and (incident.state, incident.since) == ("event", finding.since):
            touched = _known_better(incident, rule, finding, seen, now)
        elif incident and finding.state == "open" and (incident.open or now - incident.changed <= BACK):
            touched = _again(incident, rule, finding, seen, now)
        else:
            incident, touched = _opened(account, name, rule, finding, seen, now), True
        if incident and touched:
            state.touch(incident)
            changed.add(incident.id)
    for incident in state.open_of(account):
        if incident.fingerprint in present or incident.kind not in judged:
            continue
        if _absent(incident, seen, now, None):
            changed.add(incident.id)
        state.touch(incident)
        yield
    return changed


def judged_by(kinds: Mapping[str, AlertRule], read: Collection[Area]) -> set[str]:
    """The rules whose areas were all read."""
    return {kind.name for kind in kinds.values() if all(area in read for area in kind.reads)}


def _opened(account: str, name: str, kind: AlertRule, finding: Finding, seen: datetime, now: datetime) -> Incident:
    incident = Incident(
        id=secrets.token_hex(4),
        fingerprint=name,
        account=account,
        kind=kind.name,
        entity=finding.entity,
        state="event" if finding.state == "event" else "open",
        severity=finding.severity or kind.severity,
        headline=finding.headline,
        since=finding.since,
        seen=seen,
        opened=now,
        changed=now,
        history=[Event(now, f"opened: {finding.headline}")],
    )
    incident.take(finding, incident.severity, seen)
    return incident


def _again(incident: Incident, kind: AlertRule, finding: Finding, seen: datetime, now: datetime) -> bool:
    """What is found again; True where people would see a difference."""
    severity = finding.severity or kind.severity
    worse = severity.rank > incident.severity.rank
    said = incident.take(finding, severity, seen)
    incident.absent = None
    if not incident.open:
        incident.state, incident.resolved, incident.mended = "open", None, True
        incident.flips = [each for each in incident.flips if now - each <= WINDOW] + [now]
        if len(incident.flips) < FLIPS:
            incident.note(now, f"back again: {finding.headline}")
        elif not incident.flapping:
            incident.flapping = True
            incident.note(now, f"flapping: back for the {ordinal(len(incident.flips))} time within an hour")
        said = True
    elif incident.flapping and incident.flips and now - incident.flips[-1] > CALM:
        incident.flapping = False
        incident.note(now, "no longer flapping: it stays so")
        said = True
    if worse:
        incident.note(now, f"worse: {finding.headline}")
    if said:
        incident.changed = now
    return said


def _over(incident: Incident, kind: AlertRule, finding: Finding, seen: datetime, now: datetime) -> bool:
    """It is over; or it was, and by now more is known of how it came out. True where people would see a difference.

    Figures alone make none, of a job that goes on after its failures.
    """
    if incident.open:
        return _absent(incident, seen, now, finding)
    if incident.resolved is None or now - incident.resolved > BACK:
        return False
    same = all(getattr(incident, each) == getattr(finding, each) for each in _OUTCOME)
    if same and incident.mended is finding.mended:
        return False
    incident.mended = finding.mended
    return _known_better(incident, kind, finding, seen, now)


_OUTCOME = ("headline", "evidence", "causes", "counted")
"""What says how something came out."""


def _known_better(incident: Incident, kind: AlertRule, finding: Finding, seen: datetime, now: datetime) -> bool:
    """The same news, or the same end, of which more may be known: how bad it is, and even of which kind."""
    severity = finding.severity or kind.severity
    worse = severity.rank > incident.severity.rank
    changed = incident.take(finding, severity, seen) or incident.kind != kind.name
    incident.kind = kind.name
    if worse:
        incident.note(now, f"worse: {finding.headline}")
    if changed:
        incident.changed = now
    return changed


def _absent(incident: Incident, seen: datetime, now: datetime, finding: Finding | None) -> bool:
    """It is not found any more; True where that ends it."""
    incident.seen = seen
    if incident.flapping:
        if incident.absent is None:
            incident.absent = now
            incident.flips = [each for each in incident.flips if now - each <= WINDOW]
            incident.flips.append(now)
        if now - incident.absent < CALM:
            return False
    lasted = duration(now - incident.opened)
    was_flapping = incident.flapping
    incident.state, incident.flapping = "resolved", False
    incident.mended = finding is None or finding.mended
    incident.resolved = incident.changed = incident.absent or now
    incident.absent = None
    if finding:
        incident.take(finding, finding.severity or incident.severity, seen)
    often = f", back {plural(len(incident.flips), 'time')} in the last hour" if was_flapping else ""
    incident.note(now, f"{'resolved' if incident.mended else 'over and not mended'} after {lasted}{often}")
    return True
