"""Diagnostic events of Batch, as Azure Monitor writes them into an event hub: category ``ServiceLog``.

An event of the hub has many records, ``{"records": [{"time", "resourceId", "category", "operationName", "properties"},
…]}`` ("Stream Azure monitoring data to an event hub"). What stands in ``properties`` is by kind: task start, complete,
fail and schedule fail, pool create, delete start and complete, resize start and complete, autoscale ("Batch Analytics",
"Service Log events"). Of pools some versions of those pages write ``id``, others ``poolId``.

Read leniently: nothing that is missing, null, or written as text keeps the rest from being understood. What Batch
itself cannot have written is none of it, though: whoever may send into a hub may send anything, and one row that the
database refuses would keep all of a look from being stored, again and again.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from bot.azure.models.base import Wire
from bot.azure.models.task import Place, TaskConstraints

_W = TypeVar("_W")
_Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
_Count: TypeAlias = Annotated[int, Meta(ge=0, lt=2**31)]
_Word: TypeAlias = Annotated[str, Meta(max_length=200)]
_Text: TypeAlias = Annotated[str, Meta(max_length=20_000)]
"""Far more than Batch writes: a formula has 8,192 characters at most. It is cleared of secrets before it is cut."""
_ID = re.compile(r"[\w:-]{1,200}", re.ASCII)
"""Ids are of these, and a colon for jobs of schedules ("Pool - Add", "Job - Add"); 64 characters and what Batch appends
to them for automatic pools, jobs of schedules and nodes."""
CATEGORY = "servicelog"
_MOST = 2000
"""Records of one event: it has a megabyte at most, and a record some hundred bytes."""


class EventError(Wire):
    """Why something failed."""

    category: _Word = ""
    code: _Word = ""
    message: _Text = ""


class EventRun(Wire):
    """How a task ran. ``result`` is Success or Failure, and missing in older events."""

    start_time: _Time | None = None
    end_time: _Time | None = None
    exit_code: Annotated[int, Meta(ge=-(2**31), lt=2**32)] | None = None
    retry_count: _Count = 0
    requeue_count: _Count = 0
    result: _Word = ""
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

    @property
    def named(self) -> bool:
        """Whether it says of what it is, and names nothing that cannot be an id."""
        where = (self.node_info.pool_id.strip(), self.node_info.node_id.strip())
        return all(map(_ID.fullmatch, (self.job_id, self.id, *filter(None, where))))

    @property
    def times(self) -> tuple[datetime, ...]:
        """All that it has."""
        run = self.execution_info
        return tuple(filter(None, (run.start_time, run.end_time)))


class PoolEvent(Wire):
    """What happened to a pool."""

    KEY: ClassVar[str] = "id"

    id: str = ""
    pool_id: str = ""
    vm_size: _Word = ""
    current_dedicated_nodes: _Count = 0
    current_low_priority_nodes: _Count = 0
    target_dedicated_nodes: _Count = 0
    target_low_priority_nodes: _Count = 0
    start_time: _Time | None = None
    end_time: _Time | None = None
    result_code: _Word = ""
    timestamp: _Time | None = None
    results: _Text = ""
    error: EventError = field(default_factory=EventError)

    @property
    def name(self) -> str:
        """The pool's id."""
        return self.id or self.pool_id

    @property
    def named(self) -> bool:
        """Whether it says of which pool it is, by what can be an id."""
        return _ID.fullmatch(self.name) is not None

    @property
    def times(self) -> tuple[datetime, ...]:
        """All that it has."""
        return tuple(filter(None, (self.start_time, self.end_time, self.timestamp)))


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
    elif kind.startswith("pool"):
        of = _as(PoolEvent, properties)
    else:
        return None
    if not of.named:
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
