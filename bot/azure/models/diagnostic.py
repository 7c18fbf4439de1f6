"""Diagnostic events of Batch, as Azure Monitor writes them into an event hub: category ``ServiceLog``.

An event of the hub has many records, ``{"records": [{"time", "resourceId", "category", "operationName", "properties"},
…]}`` ("Stream Azure monitoring data to an event hub"). What stands in ``properties`` is by kind: task start, complete,
fail and schedule fail, pool create, delete start and complete, resize start and complete, autoscale ("Batch Analytics",
"Service Log events"). Of pools some versions of those pages write ``id``, others ``poolId``.

Read leniently: nothing that is missing, null, or written as text keeps the rest from being understood.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from bot.azure.models.base import Wire
from bot.azure.models.task import Place, TaskConstraints

_W = TypeVar("_W")
_Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
CATEGORY = "servicelog"
_MOST = 2000
"""Records of one event: it has a megabyte at most, and a record some hundred bytes."""


class EventError(Wire):
    """Why something failed."""

    category: str = ""
    code: str = ""
    message: str = ""


class EventRun(Wire):
    """How a task ran. ``result`` is Success or Failure, and missing in older events."""

    start_time: _Time | None = None
    end_time: _Time | None = None
    exit_code: int | None = None
    retry_count: int = 0
    requeue_count: int = 0
    result: str = ""
    scheduling_error: EventError = field(default_factory=EventError)


class TaskEvent(Wire):
    """What happened to a task."""

    KEY: ClassVar[str] = "id"

    job_id: str = ""
    id: str = ""
    node_info: Place = field(default_factory=Place)
    constraints: TaskConstraints = field(default_factory=TaskConstraints)
    execution_info: EventRun = field(default_factory=EventRun)
    scheduling_error: EventError = field(default_factory=EventError)


class PoolEvent(Wire):
    """What happened to a pool."""

    KEY: ClassVar[str] = "id"

    id: str = ""
    pool_id: str = ""
    vm_size: str = ""
    current_dedicated_nodes: int = 0
    current_low_priority_nodes: int = 0
    target_dedicated_nodes: int = 0
    target_low_priority_nodes: int = 0
    start_time: _Time | None = None
    end_time: _Time | None = None
    result_code: str = ""
    timestamp: _Time | None = None
    results: str = ""
    error: EventError = field(default_factory=EventError)

    @property
    def name(self) -> str:
        """The pool's id."""
        return self.id or self.pool_id


class Diagnostic(Struct, frozen=True):
    """One event of an account: its kind in small letters, such as ``taskfailevent``, and when it was written."""

    kind: str
    at: datetime
    of: TaskEvent | PoolEvent


class Decoded(Struct, frozen=True):
    """What a hub's event held: events of the account, how many records are of others, and how many are none at all."""

    events: tuple[Diagnostic, ...] = ()
    others: int = 0
    malformed: int = 0


def decode(body: bytes, resource_id: str, enqueued: datetime) -> Decoded:
    """What an event of the hub says of the account with that resource id. Never raises.

    A hub may serve many accounts, and other categories. ``enqueued`` is the time of a record that has none.
    """
    try:
        whole = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Decoded(malformed=1)
    records = whole.get("records") if isinstance(whole, dict) else None
    if not isinstance(records, list):
        return Decoded(malformed=1)
    events: list[Diagnostic] = []
    others = malformed = 0
    for record in records[:_MOST]:
        try:
            found = _record(record, resource_id.lower(), enqueued)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, ValueError, OverflowError):
            malformed += 1
            continue
        if found is None:
            others += 1
        else:
            events.append(found)
    return Decoded(tuple(events), others, malformed + max(0, len(records) - _MOST))


def _record(record: object, resource_id: str, enqueued: datetime) -> Diagnostic | None:
    """One record; None where it is no event of this account. Raises what msgspec does, TypeError and ValueError."""
    if not isinstance(record, dict):
        raise TypeError("a record is an object")
    about = {name.lower(): value for name, value in record.items()}
    whose, category, kind = (str(about.get(key) or "").lower() for key in ("resourceid", "category", "operationname"))
    if whose.rstrip("/") != resource_id or category != CATEGORY:
        return None
    properties = about.get("properties")
    if isinstance(properties, str):  # some services write an object as text
        properties = msgspec.json.decode(properties)
    of: TaskEvent | PoolEvent
    if kind.startswith("task"):
        of = _as(TaskEvent, properties)
        named = bool(of.id and of.job_id)
    elif kind.startswith("pool"):
        of = _as(PoolEvent, properties)
        named = bool(of.name)
    else:
        return None
    if not named:
        raise ValueError("it does not say of what")
    written = about.get("time")
    return Diagnostic(kind, msgspec.convert(written, _Time, strict=False) if written else enqueued, of)


def _as(kind: type[_W], raw: object) -> _W:
    return msgspec.convert(_told(raw), kind, strict=False)


def _told(raw: object) -> object:
    """Without what is null: that is as good as missing."""
    if isinstance(raw, dict):
        return {name: _told(value) for name, value in raw.items() if value is not None}
    return raw
