"""The state of an account: what is known of it, in memory and as it is stored.

A poll never changes it: see :mod:`bot.monitor.pending_state`.

Every instant here is the service's. A stream's cursor is when its last poll began; the next one reads from
:data:`OVERLAP` before that, because what changes may show late, and what was reported already is known by its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct, field

from bot.domain.entity import fold
from bot.monitor.scene import JobView, PoolView, QuotaView, ScheduleView
from storage.port.black_box import KeptNode, KeptTask
from storage.port.monitoring import Cursor, EntitySnapshot, Transition

OVERLAP = timedelta(seconds=60)
"""How long before a cursor a stream is read again. Lists were seen to lag by up to 45 seconds."""
MEMORY = OVERLAP + timedelta(minutes=10)
"""How long before the oldest cursor keys are remembered: longer than the overlap, as clocks may be set back."""

LATELY = timedelta(minutes=5)
"""Longer than two looks are apart, but for an outage or a restart."""

EXACT = timedelta(seconds=5)
"""By how much an event and a list may differ in the time of one and the same change."""
WRITTEN = timedelta(seconds=60)
"""The same where an event does not say when the change was, but when the event was written."""
BY_EVENT = "event"
"""What the details of a transition name as their ``source`` where a diagnostic event told it first; ``written`` stands
beside it where that knew its own time alone."""

STREAMS = ("jobs", "schedules", "tasks", "nodes")
"""What is read by what changed since a cursor. Further cursors: baseline, and sweep, the last full list of jobs."""

Key: TypeAlias = tuple[str, str, str, str, datetime]
"""Entity, parent, id, state after, and when: what makes a transition one."""
BoxKey: TypeAlias = tuple[Literal["task", "node"], str, str, datetime]
"""Whose box: a task of a job or a node of a pool, and its time."""
HeardKey: TypeAlias = tuple[str, str, str, str]
"""Entity, parent, id and state after; parent and id in any case."""
T = TypeVar("T")


class Moment(Struct, frozen=True):
    """When something was so, ``within`` which time the same may be told otherwise, and after how many retries."""

    at: datetime
    retries: int = 0
    within: timedelta = EXACT

    def is_that_of(self, at: datetime, retries: int | None, within: timedelta = EXACT) -> bool:
        """Whether what was then, ``within`` which time, is the same; None: after any number of retries."""
        return abs(at - self.at) <= max(self.within, within) and retries in (None, self.retries)


class NodeWork(Struct, frozen=True):
    """What a node runs: the jobs of its tasks; ``total`` is how many tasks it has run so far, by its own counter."""

    total: int
    jobs: tuple[str, ...] = ()


class PoolWork(Struct, frozen=True):
    """The nodes of a pool that have run tasks, as they were told of last, and when it was listed last."""

    at: datetime
    nodes: Mapping[str, NodeWork] = field(default_factory=dict)


class Owed(Struct, frozen=True):
    """A job whose failures are to be read from its own list of tasks: known ``since``, what failed from ``start`` on.

    ``read`` is when that was done. It is done once more when nothing can show late any more. ``news``: its failures are
    told by its nodes, and it is read for what begins and ends well, which only who asks for it is told.
    """

    since: datetime
    start: datetime
    read: datetime | None = None
    news: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be read now."""
        return self.read is None or now >= self.since + OVERLAP


class Unread(Struct, frozen=True):
    """What was put into the black box without its files; how often they could not be had, and time ran out."""

    box: KeptTask | KeptNode
    tries: int = 0
    put_off: int = 0


def key_of_box(box: KeptTask | KeptNode) -> BoxKey:
    """Whose it is."""
    if isinstance(box, KeptTask):
        return "task", box.job, box.task, box.at
    return "node", box.pool, box.node, box.at


class JobRecord(Struct, frozen=True):
    """A job as it is stored: its view, and when its end was reported (kept until its last failures can show).

    ``failures`` is until when its failures are known, where that is not the cursor ``front``, and ``owed`` whether they
    are to be asked for. ``checked`` is when it was last looked for.
    """

    view: JobView
    reported: datetime | None = None
    failures: datetime | None = None
    owed: Owed | None = None
    checked: datetime | None = None


_encode = msgspec.msgpack.Encoder().encode
_kinds: Mapping[str, type[Struct]] = {
    "pool": PoolView,
    "job": JobRecord,
    "schedule": ScheduleView,
    "quota": QuotaView,
}
_decoders = {entity: msgspec.msgpack.Decoder(kind) for entity, kind in _kinds.items()}


def heard_key(entity: str, parent: str, name: str, after: str) -> HeardKey:
    """The key of something that an event tells."""
    return entity, fold(parent), fold(name), after


def moment_of(transition: Transition) -> tuple[Moment, bool]:
    """When that was, and whether an event told it."""
    try:
        details = msgspec.json.decode(transition.details) if transition.details else {}
    except msgspec.DecodeError:
        details = {}
    retries, within = details.get("retries"), WRITTEN if details.get("written") else EXACT
    known = Moment(transition.at, retries if isinstance(retries, int) else 0, within)
    return known, details.get("source") == BY_EVENT


def key_of(transition: Transition) -> Key:
    """The key of a transition."""
    return transition.entity, transition.parent, transition.id, transition.after, transition.at


class AccountState(Struct):
    """What is known of an account.

    ``baseline`` is when it was first seen whole: what changed before is no news. ``cursors`` are by stream. ``tasks``
    is until when each job's failures are known, ``owed`` are those whose own lists of tasks are to be read.
    ``work`` is what the pools' nodes ran when they were listed last, ``ends`` the tasks that were seen there to
    succeed and may be seen again, by job and task. ``nodes`` is when each pool's nodes in trouble were read, ``shapes``
    how many of them were counted then, and ``moved`` when that last changed. ``reported`` is when the end of
    each job that is over was reported first. ``read`` is when something was last read that is read now and then.
    ``recounted`` are jobs to be counted soon. ``unread`` is what the black box is owed. ``known`` are the keys of what
    was reported lately, ``heard`` is what of that an event told first.
    """

    pools: dict[str, PoolView] = field(default_factory=dict)
    jobs: dict[str, JobView] = field(default_factory=dict)
    schedules: dict[str, ScheduleView] = field(default_factory=dict)
    quota: QuotaView = field(default_factory=QuotaView)
    cursors: dict[str, datetime] = field(default_factory=dict)
    tasks: dict[str, datetime] = field(default_factory=dict)
    owed: dict[str, Owed] = field(default_factory=dict)
    work: dict[str, PoolWork] = field(default_factory=dict)
    ends: dict[tuple[str, str], datetime] = field(default_factory=dict)
    nodes: dict[str, datetime] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    moved: dict[str, datetime] = field(default_factory=dict)
    reported: dict[str, datetime] = field(default_factory=dict)
    read: dict[str, datetime] = field(default_factory=dict)
    recounted: set[str] = field(default_factory=set)
    unread: dict[BoxKey, Unread] = field(default_factory=dict)
    known: set[Key] = field(default_factory=set)
    heard: dict[HeardKey, tuple[Moment, ...]] = field(default_factory=dict)

    @property
    def baseline(self) -> datetime | None:
        """When the account was first seen whole."""
        return self.cursors.get("baseline")

    def restore(
        self, cursors: Iterable[Cursor], snapshots: Iterable[EntitySnapshot], recent: Iterable[Transition]
    ) -> None:
        """Take up what was stored."""
        self.cursors = {each.stream: each.at for each in cursors}
        self.take(snapshots)
        self.known = set()
        for each in recent:
            self.known.add(key_of(each))
            self.hear(each)

    def hear(self, transition: Transition) -> None:
        """A transition is known; where an event told it, a list that tells it later may have another time."""
        if BY_EVENT not in transition.details:
            return
        moment, by_event = moment_of(transition)
        if by_event:
            key = heard_key(transition.entity, transition.parent, transition.id, transition.after)
            known = self.heard.get(key, ())
            self.heard[key] = known if moment in known else (*known, moment)

    def take(self, snapshots: Iterable[EntitySnapshot]) -> None:
        """Entities are so, or gone. A view that is not understood (another version's) is left out, and read anew."""
        front = self.cursors.get("front") or self.cursors.get("tasks") or self.cursors.get("jobs")
        for each in snapshots:
            decoder = _decoders.get(each.entity)
            if each.body is None:
                self._lose(each.entity, each.id)
            if decoder is None or each.body is None:
                continue
            try:
                body: Any = decoder.decode(each.body)
            except msgspec.MsgspecError:
                continue
            if isinstance(body, PoolView):
                self.pools[each.id] = body
            elif isinstance(body, JobRecord):
                self._restore_job(each.id, body, front)
            elif isinstance(body, ScheduleView):
                self.schedules[each.id] = body
            else:
                self.quota = body

    def _lose(self, entity: str, name: str) -> None:
        if entity == "job":
            for kept in (self.jobs, self.reported, self.owed, self.tasks):
                kept.pop(name, None)
            self.read.pop(f"check {name}", None)
        elif entity == "pool":
            self.pools.pop(name, None)
        elif entity == "schedule":
            self.schedules.pop(name, None)

    def _restore_job(self, name: str, record: JobRecord, front: datetime | None) -> None:
        self.jobs[name] = record.view
        if record.reported:
            self.reported[name] = record.reported
        if record.owed:
            self.owed[name] = record.owed
        if record.checked:
            self.read[f"check {name}"] = record.checked
        known = record.failures or front
        if known is not None:
            self.tasks[name] = known

    def record(self, name: str) -> JobRecord:
        """A job as it is stored."""
        front, known = self.cursors.get("front"), self.tasks.get(name)
        behind = known if known and (front is None or known < front) else None
        return JobRecord(
            self.jobs[name], self.reported.get(name), behind, self.owed.get(name), self.read.get(f"check {name}")
        )

    def horizon(self) -> datetime | None:
        """The instant before which no transition needs to be remembered."""
        streams = [self.cursors[stream] for stream in STREAMS if stream in self.cursors]
        return min(streams) - MEMORY if streams else None
