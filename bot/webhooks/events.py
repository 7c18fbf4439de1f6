"""What is sent: CloudEvents 1.0 in structured JSON mode, with the data of an incident or of a transition.

An event is made once, when it is decided, and kept in the outbox as it is sent. Its ``id`` never changes, so whoever
gets it twice knows; ``source`` and ``id`` together are one event.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from storage.port.monitoring import Transition
from storage.port.outbox import WEBHOOK, OutboxEntry

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
INCIDENT, TRANSITION, PROBE = "batchbot.incident", "batchbot.transition", "batchbot.probe"
Data = TypeVar("Data")


class CloudEvent(Struct, Generic[Data], omit_defaults=True, kw_only=True):
    """The envelope; ``sequence`` is the CloudEvents extension of that name: events of one incident in their order."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str = ""
    time: datetime
    datacontenttype: str
    sequence: str = ""
    data: Data


class EntityData(Struct, frozen=True):
    """What something is about: ``kind`` is account, pool, node, job, task or schedule; ``parent`` a node's pool or a
    task's job, else empty."""

    kind: str
    id: str
    parent: str = ""


class IncidentData(Struct, kw_only=True):
    """An incident as it is after what the event tells. Times are UTC; ``since`` is the service's, the others the bot's.

    ``state`` is open, resolved, or event for news that was over at once; ``mended`` False where it is over and nobody
    mended it. ``event`` is what the event's type ends in.
    """

    incident: str
    event: str
    account: str
    alert: str
    severity: str
    state: str
    headline: str
    entity: EntityData
    since: datetime
    opened: datetime
    related: list[EntityData] = []
    cause: str = ""
    evidence: str = ""
    count: int = 1
    figures: dict[str, str] = {}
    flapping: bool = False
    mended: bool = True
    resolved: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    snoozed_until: datetime | None = None


class TransitionData(Struct, kw_only=True):
    """A change of state as it was seen, by the service's time; ``details`` is what is known beside, such as an exit
    code."""

    account: str
    entity: EntityData
    before: str
    after: str
    at: datetime
    details: dict[str, Any] = {}


def source_of(account: str) -> str:
    """Where events of an account come from."""
    return f"/batchbot/accounts/{account}"


def subject_of(kind: str, parent: str, id_: str) -> str:
    """What an event is about, as a path: ``pool/gpu-a``, ``task/job-1/42``."""
    return "/".join(each for each in (kind, parent, id_) if each)


def about_incident(data: IncidentData, number: int, at: datetime) -> CloudEvent[IncidentData]:
    """The event that tells of an incident; ``number`` counts those of the incident."""
    entity = data.entity
    return CloudEvent(
        specversion="1.0",
        id=f"{data.incident}-{number}-{data.event}",
        source=source_of(data.account),
        type=f"{INCIDENT}.{data.event}",
        subject=subject_of(entity.kind, entity.parent, entity.id),
        time=at.astimezone(UTC),
        datacontenttype="application/json",
        sequence=f"{number:08}",
        data=data,
    )


def about_transition(seen: Transition) -> CloudEvent[TransitionData]:
    """The event that tells of a transition; the same transition is the same event, however often it is seen."""
    identity = "\0".join((seen.account, seen.entity, seen.parent, seen.id, seen.after, seen.at.isoformat()))
    try:
        details = msgspec.json.decode(seen.details) if seen.details else {}
    except msgspec.DecodeError:
        details = {}
    return CloudEvent(
        specversion="1.0",
        id=hashlib.sha256(identity.encode()).hexdigest()[:32],
        source=source_of(seen.account),
        type=f"{TRANSITION}.{seen.entity}",
        subject=subject_of(seen.entity, seen.parent, seen.id),
        time=seen.at.astimezone(UTC),
        datacontenttype="application/json",
        data=TransitionData(
            account=seen.account,
            entity=EntityData(seen.entity, seen.id, seen.parent),
            before=seen.before,
            after=seen.after,
            at=seen.at.astimezone(UTC),
            details=details if isinstance(details, dict) else {},
        ),
    )


def probe(name: str, id_: str, at: datetime) -> bytes:
    """An event that tells nothing, for whoever looks whether the receiver takes it."""
    made = CloudEvent(
        specversion="1.0",
        id=id_,
        source="/batchbot/doctor",
        type=PROBE,
        subject=f"webhook/{name}",
        time=at.astimezone(UTC),
        datacontenttype="application/json",
        data={"webhook": name},
    )
    return msgspec.json.encode(made)


def entry_of(event: CloudEvent[Any], webhook: str, now: datetime) -> OutboxEntry:
    """The outbox entry that brings an event to a webhook."""
    return OutboxEntry(
        id=f"{event.id}@{webhook}",
        destination=f"{WEBHOOK}:{webhook}",
        address=msgspec.json.encode({"webhook": webhook}),
        card=msgspec.json.encode(event),
        version=1,
        not_before=now,
    )
