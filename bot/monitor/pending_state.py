"""The pending state: what one poll makes of the state of an account.

A poll never changes the state. It fills a pending one, whose transitions, cursors and snapshots are stored in one
transaction; only then it becomes the state. Where it could not be stored it is thrown away, and the next poll
finds the same again: nothing is lost, nothing is doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import field
from msgspec.structs import replace

from bot.monitor.account_state import (
    EXACT,
    LATELY,
    OVERLAP,
    WRITTEN,
    AccountState,
    BoxKey,
    HeardKey,
    Key,
    Moment,
    Owed,
    heard_key,
)
from bot.monitor.scene import JobView, PoolView, ScheduleView
from storage.port.black_box import KeptNode, KeptTask
from storage.port.changes import ChangeSet
from storage.port.monitoring import Cursor, EntitySnapshot, Transition
from storage.port.timings import NodeBoot

T = TypeVar("T")
_encode = msgspec.msgpack.Encoder().encode


class PendingState(AccountState):
    """What one poll makes of a state. Views are copied before they are changed: see :meth:`pool` and its like."""

    account: str = ""
    at: datetime = datetime.min.replace(tzinfo=UTC)
    before: AccountState = field(default_factory=AccountState)
    news: list[Transition] = field(default_factory=list)
    ended: list[JobView] = field(default_factory=list)
    boots: list[NodeBoot] = field(default_factory=list)
    failed_in: set[str] = field(default_factory=set)
    """Jobs of which failures were found in this poll."""
    counts_in: set[str] = field(default_factory=set)
    """Jobs whose tasks were counted in this poll."""
    recalled: set[Key] = field(default_factory=set)
    """What was reported so long ago that it is not remembered, and was asked for again."""
    boxes: bool = True
    """Whether the black box keeps anything."""
    kept: dict[BoxKey, KeptTask | KeptNode] = field(default_factory=dict)
    """What goes into the black box."""
    behind: dict[str, datetime] = field(default_factory=dict)
    """Until when the streams are known of which something was left out, for want of calls or because it failed."""

    @classmethod
    def of(cls, state: AccountState, account: str, at: datetime) -> PendingState:
        """One that begins as the state is."""
        return cls(
            pools=dict(state.pools),
            jobs=dict(state.jobs),
            schedules=dict(state.schedules),
            quota=state.quota,
            cursors=dict(state.cursors),
            tasks=dict(state.tasks),
            owed=dict(state.owed),
            work=dict(state.work),
            ends=dict(state.ends),
            nodes=dict(state.nodes),
            shapes=dict(state.shapes),
            moved=dict(state.moved),
            reported=dict(state.reported),
            read=dict(state.read),
            recounted=set(state.recounted),
            unread=dict(state.unread),
            known=state.known,  # read only: what is new stands in ``fresh``
            heard=dict(state.heard),
            account=account,
            at=at,
            before=state,
        )

    def advance(self, stream: str) -> None:
        """A stream was read. Its cursor never goes back: what lies behind was told."""
        self.cursors[stream] = max(self.at, self.cursors.get(stream, self.at))

    # Where time was wrong.

    def ahead_of(self, now: datetime) -> list[str]:
        """The cursors, and what else was read, that stand in the future."""
        read = (
            *(("tasks", self.tasks), ("nodes", self.nodes), ("moved", self.moved), ("read", self.read)),
            ("end", self.reported),
        )
        found = [stream for stream, at in self.cursors.items() if at > now]
        return found + [f"{what} {name}" for what, times in read for name, at in times.items() if at > now]

    def pull_back(self, now: datetime, sweep: timedelta) -> None:
        """Bring everything that stands in the future to the present, so that it is read again; all jobs are due.

        What changed before now and was not seen is found by the next sweep of jobs, ``sweep`` after the last one.
        """
        for times in (self.cursors, self.tasks, self.nodes, self.moved, self.reported):
            times.update({name: now for name, at in times.items() if at > now})
        self.read = {name: at for name, at in self.read.items() if at <= now}
        self.cursors["sweep"] = min(self.cursors.get("sweep", now), now - sweep)
        for name, view in list(self.pools.items()):
            if view.idle_since and view.idle_since > now:
                self.pool(name).idle_since = now
        for name, job in list(self.jobs.items()):
            if any(at and at > now for at in (job.counted, job.exact, job.progressed)):
                mine = self.job(name)
                mine.counted, mine.exact, mine.progressed = None, None, now
                mine.rate = [each for each in mine.rate if each[0] <= now]
        self.owed = {
            name: Owed(min(each.since, now), min(each.start, now), each.read and min(each.read, now), each.news)
            for name, each in self.owed.items()
        }
        self.work.clear()
        self.ends.clear()

    # Views that may be changed.

    def pool(self, name: str) -> PoolView:
        """A pool's view to be changed; an empty one where there is none."""
        view = self.pools.get(name)
        if view is None:
            view = self.pools[name] = PoolView(name)
        elif view is self.before.pools.get(name):
            view = replace(view, troubled=dict(view.troubled), preempted_at=list(view.preempted_at))
            self.pools[name] = view
        return view

    def job(self, name: str) -> JobView:
        """A job's view to be changed; an empty one where there is none."""
        view = self.jobs.get(name)
        if view is None:
            view = self.jobs[name] = JobView(name)
        elif view is self.before.jobs.get(name):
            own = {"causes": dict(view.causes), "rate": list(view.rate), "retried": dict(view.retried)}
            view = self.jobs[name] = replace(view, **own)
        return view

    def schedule(self, name: str) -> ScheduleView:
        """A schedule's view to be changed; an empty one where there is none."""
        view = self.schedules.get(name)
        if view is None:
            view = self.schedules[name] = ScheduleView(name)
        elif view is self.before.schedules.get(name):
            view = self.schedules[name] = replace(view)
        return view

    def forget_job(self, name: str) -> None:
        """A job that is of no more interest, or gone."""
        self.jobs.pop(name, None)
        self.tasks.pop(name, None)
        self.owed.pop(name, None)
        self.reported.pop(name, None)
        self.recounted.discard(name)
        for what in ("check", "retries"):
            self.read.pop(f"{what} {name}", None)

    def forget_pool(self, name: str) -> None:
        """A pool that is gone."""
        for kept in (self.pools, self.nodes, self.shapes, self.moved):
            kept.pop(name, None)
        self.read.pop(f"states {name}", None)

    # Failures, and what else tasks did.

    def owe(self, jobs: Iterable[str], start: datetime | None = None, *, news: bool = False) -> None:
        """The failures of these jobs are to be listed by themselves, where they are not known or from ``start`` on.

        ``news``: it is for what begins and ends well alone; a job that is owed for more stays so.
        """
        for job in jobs:
            if job not in self.jobs:
                continue
            begin = min(start or self.at, self.tasks.get(job, self.at))
            known = self.owed.get(job)
            first = min(begin, known.start) if known else begin
            self.owed[job] = Owed(self.at, first, news=news and (known is None or known.news))

    def lag(self, stream: str, known: datetime) -> None:
        """A part of a stream is known until then and no further."""
        self.behind[stream] = min(known, self.behind.get(stream, known))

    def count_end(self, job: str, task: str, at: datetime, counted: datetime | None) -> bool:
        """Whether a task that ended well then is to be added to its job: not where it was, or was ``counted`` since."""
        if (counted is not None and at <= counted) or self.ends.get((job, task)) == at:
            return False
        self.ends[job, task] = at
        return True

    # Transitions.

    def is_news(self, at: datetime) -> bool:
        """Whether something that changed then is news: not before the account was first seen whole."""
        return self.baseline is not None and at > self.baseline

    @property
    def watched_lately(self) -> bool:
        """Whether the look before was so short ago that what is other than then began just now."""
        last = self.before.cursors.get("jobs")
        return last is not None and self.at - last <= LATELY

    def is_unseen(self, stream: str, made: datetime) -> bool:
        """Whether something made then can have escaped the poll before: older things were seen."""
        cursor = self.before.cursors.get(stream)
        return cursor is not None and made > cursor - OVERLAP

    def note(
        self,
        entity: str,
        name: str,
        after: str,
        at: datetime,
        *,
        parent: str = "",
        before: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> bool:
        """Note a transition; False where it is old or was noted already. ``details`` without what is None or empty."""
        key = (entity, parent, name, after, at)
        said = {key: value for key, value in (details or {}).items() if value not in (None, "", [], {})}
        if not self.is_news(at) or self._is_known(key, said.get("retries", 0)):
            return False
        self._fresh.add(key)
        encoded = msgspec.json.encode(said | self.source).decode() if said or self.source else ""
        self.news.append(Transition(self.account, entity, parent, name, before, after, at, encoded))
        if self.source:
            self.hear(self.news[-1])
        return True

    def was_noted(
        self, entity: str, name: str, after: str, at: datetime, parent: str = "", retries: int | None = None
    ) -> bool:
        """Whether that transition was noted, in this poll or before: by a list just so, by an event at about then.

        ``retries`` are those of a task, where they are known.
        """
        return self._is_known((entity, parent, name, after, at), retries)

    def _is_known(self, key: Key, retries: int | None) -> bool:
        if key in self.known or key in self._fresh or key in self.recalled:
            return True
        if not self.heard and not self.source:
            return False
        about, within = heard_key(*key[:4]), WRITTEN if "written" in self.source else EXACT
        moments = (*self.heard.get(about, ()), *self.listed.get(about, ()))
        return any(each.is_that_of(key[4], retries, within) for each in moments)

    source: dict[str, Any] = field(default_factory=dict)
    """Details of all that is noted now, where that is not what lists tell: what an event says."""
    listed: dict[HeardKey, list[Moment]] = field(default_factory=dict)
    """What lists told, as far back as events reach that are drawn now."""

    _fresh: set[Key] = field(default_factory=set)

    # What is stored, and what becomes of it.

    def finish(self) -> ChangeSet:
        """What is to be stored of this poll, in one transaction."""
        if self.baseline is not None:
            self.cursors["tasks"] = min(self.tasks.values(), default=self.at)
            self.cursors["front"] = max(self.tasks.values(), default=self.at)
        self.news.sort(key=lambda each: each.at)
        before = self.before
        cursors = [
            Cursor(self.account, stream, at) for stream, at in self.cursors.items() if before.cursors.get(stream) != at
        ]
        snapshots = [
            *_changes(self.account, "pool", before.pools, self.pools, lambda name, view: view),
            *_changes(self.account, "schedule", before.schedules, self.schedules, lambda name, view: view),
            *_changes(
                self.account,
                "job",
                {name: before.record(name) for name in before.jobs},
                {name: self.record(name) for name in self.jobs},
                lambda name, record: record,
            ),
        ]
        if self.quota != before.quota:
            snapshots.append(EntitySnapshot(self.account, "quota", "", _encode(self.quota)))
        return ChangeSet(
            transitions=list(self.news),
            cursors=cursors,
            snapshots=snapshots,
            boots=self.boots,
            kept_tasks=[each for each in self.kept.values() if isinstance(each, KeptTask)],
            kept_nodes=[each for each in self.kept.values() if isinstance(each, KeptNode)],
        )

    def settled(self) -> AccountState:
        """The state that this pending state becomes once it is stored."""
        known = self.before.known
        known |= self._fresh
        state = AccountState(*(getattr(self, name) for name in AccountState.__struct_fields__))
        again = {job: at - OVERLAP for job, at in self.tasks.items()}
        state.ends = {key: at for key, at in self.ends.items() if key[0] in again and at > again[key[0]]}
        horizon = state.horizon()
        if horizon is not None and state.heard:
            kept = {key: tuple(each for each in of if each.at >= horizon) for key, of in state.heard.items()}
            state.heard = {key: of for key, of in kept.items() if of}
        if horizon is not None and len(known) > len(self._fresh):
            state.known = {key for key in known if key[-1] >= horizon}
        return state


def _changes(
    account: str, entity: str, before: Mapping[str, T], after: Mapping[str, T], body: Callable[[str, T], Any]
) -> Iterable[EntitySnapshot]:
    """What is new, other than before, or gone."""
    for name, view in after.items():
        if before.get(name) is not view and before.get(name) != view:
            yield EntitySnapshot(account, entity, name, _encode(body(name, view)))
    for name in before.keys() - after.keys():
        yield EntitySnapshot(account, entity, name, None)
