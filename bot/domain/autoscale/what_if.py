"""What if: a formula over a pool's own past. Nodes, what they cost, and how long tasks would have waited.

The past (:mod:`bot.domain.autoscale.history`) is gone through in steps of 30 seconds, as the service samples. The
tasks that came then come again; how many nodes there are is the formula's doing. What is taken for granted is in
:func:`assumptions`, for people to read.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import deque
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Final

from msgspec import Struct, field

from bot.domain.autoscale.evaluate import PoolNow, evaluate
from bot.domain.autoscale.history import History, Span
from bot.domain.autoscale.results import metrics_of
from bot.domain.autoscale.rows import UNSEEN, Row, Rows
from bot.domain.autoscale.syntax import Formula, FormulaError
from bot.domain.autoscale.vocabulary import PERIOD

BOOT: Final = timedelta(minutes=5)
"""How long a new node is taken to need until it takes tasks, where it is not known how long others needed."""
INTERVAL: Final = timedelta(minutes=15)
"""The service's own evaluation interval."""
_STEP: Final = PERIOD.total_seconds()


class Point(Struct, frozen=True):
    """One step: nodes and waiting tasks with the formula, and as they really were (``was_waiting`` None: unknown)."""

    at: datetime
    nodes: float
    waiting: float
    was_nodes: int
    was_waiting: float | None


class Totals(Struct):
    """Sums over a past: node-hours, task-hours waited, and the most tasks that waited at once."""

    dedicated: float = 0.0
    spot: float = 0.0
    waited: float = 0.0
    most_waiting: float = 0.0

    @property
    def node_hours(self) -> float:
        """Of both kinds."""
        return self.dedicated + self.spot


class WhatIf(Struct, frozen=True):
    """What came out. ``was`` is what really was; its waiting is not known where ``history.counted`` is below 1.

    ``longest`` is the longest that a task would have waited, ``interrupted`` how many running tasks would have been
    stopped, ``done`` how many ended, ``left`` how many did not. ``failed`` of ``evaluations`` came to nothing, the
    first because of ``failure``. ``boot`` is how long a node took to boot; None where that was not known.
    """

    history: History
    points: tuple[Point, ...]
    would: Totals
    was: Totals
    longest: timedelta
    interrupted: float
    done: float
    left: float
    evaluations: int
    failed: int
    failure: FormulaError | None
    uses_spot: bool
    metrics: tuple[str, ...]
    boot: timedelta | None = None

    def mean_wait(self, totals: Totals) -> timedelta:
        """How long a task waited in the mean (time waited by all, over all tasks)."""
        tasks = self.history.arrived
        return timedelta(hours=totals.waited / tasks) if tasks else timedelta(0)

    @property
    def waiting_known(self) -> bool:
        """Whether it is known how long tasks really waited."""
        return self.history.counted > 0.99


def what_if(
    formula: Formula, past: History, slots: int, *, interval: timedelta = INTERVAL, boot: timedelta | None = None
) -> WhatIf:
    """The formula over the past. A week takes about a second: not for the event loop."""
    return _Run(formula, past, slots, interval, boot).run()


def assumptions(found: WhatIf, slots: int) -> list[str]:
    """What was taken for granted, a sentence each, the weightiest first."""
    seconds = found.history.task_seconds
    notes = [
        f"tasks start in the order in which they come and take as long as those that ended, {_spoken(seconds)} in the "
        "mean"
        if found.history.counted > 0
        else f"every task takes {_spoken(seconds)}, since none was counted"
    ]
    if found.history.counted == 0:
        notes.append("the work is what really ran: tasks that waited were not counted, so how long they did is unknown")
    elif not found.waiting_known:
        share = round(100 * found.history.counted)
        notes.append(f"tasks were counted in {share}% of the time; otherwise the work is what really ran")
    boot = f"a new node takes tasks after {_spoken((found.boot or BOOT).total_seconds())}"
    notes.append(f"{boot}, as nodes of this account booted" if found.boot else boot)
    notes.append("the quota has room for every node")
    if slots > 1:
        notes.append("each task takes one slot, and tasks fill one node after the other")
    if found.uses_spot:
        notes.append("no spot node is taken away")
    return [*notes, *(words for name, words in UNSEEN.items() if name in found.metrics)]


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class _Tasks(Struct):
    """Tasks, in parts: ``waiting`` are [since, how many], the oldest first, ``running`` a heap of (until, number, how
    many).

    ``freed`` are [since, how many] slots that became free within the step: what starts in them starts then, and not
    at the end of the step, or else every task would take longer than it does. ``lengths`` as in :class:`History`.
    """

    seconds: float
    lengths: tuple[tuple[float, float], ...] = ()
    waiting: deque[list[float]] = field(default_factory=deque)
    running: list[tuple[float, float, float]] = field(default_factory=list)
    freed: deque[list[float]] = field(default_factory=deque)
    queued: float = 0.0
    busy: float = 0.0
    started: float = 0.0
    done: float = 0.0
    longest: float = 0.0

    def come(self, now: float, tasks: float) -> None:
        if tasks > 0:
            self.waiting.append([now, tasks])
            self.queued += tasks

    def end(self, now: float) -> None:
        """Those whose time is up."""
        self.freed.clear()
        while self.running and self.running[0][0] <= now:
            until, _, tasks = heappop(self.running)
            self.freed.append([until, tasks])
            self.busy -= tasks
            self.done += tasks
        self.busy = self.busy if self.running else 0.0

    def start(self, now: float, free: float) -> None:
        """As many as there is room for, the oldest first."""
        begun = 0.0
        while self.waiting and free - begun > _NOTHING:
            since, tasks = self.waiting[0]
            taken = min(tasks, free - begun)
            at = now
            if self.freed:
                at = max(self.freed[0][0], since)
                taken = min(taken, self.freed[0][1])
                self.freed[0][1] -= taken
                if self.freed[0][1] <= _NOTHING:
                    self.freed.popleft()
            begun += taken
            heappush(self.running, (at + self._length(), self.started, taken))
            self.started += taken
            self.longest = max(self.longest, at - since)
            if taken < tasks - _NOTHING:
                self.waiting[0][1] -= taken
            else:
                self.waiting.popleft()
        if begun:
            self.busy += begun
            self.queued = self.queued - begun if self.waiting else 0.0

    def _length(self) -> float:
        """How long the task takes that starts next."""
        after = bisect_right(self.lengths, self.started, key=itemgetter(0))
        return self.lengths[after - 1][1] if after else self.seconds

    def stop(self, now: float, tasks: float, *, again: bool) -> None:
        """Stop running ones, those that began last first; ``again`` puts them first in the queue."""
        left = tasks
        self.running.sort(key=itemgetter(1))
        while self.running and left > _NOTHING:
            until, number, running = self.running.pop()
            taken = min(running, left)
            left -= taken
            self.busy -= taken
            if running - taken > _NOTHING:
                self.running.append((until, number, running - taken))
        heapify(self.running)
        self.started -= (tasks - left) if again else 0.0
        if again:
            self.waiting.appendleft([now, tasks - left])
            self.queued += tasks - left


_NOTHING: Final = 1e-9


class _Kind(Struct):
    """Nodes of one kind: ready ones, those that start (ready at, how many), and how many are wanted."""

    ready: float
    target: float
    starting: deque[list[float]] = field(default_factory=deque)

    @property
    def all(self) -> float:
        return self.ready + sum(count for _, count in self.starting)

    def grow(self, ready_at: float) -> None:
        """Ask for what is missing; give up what starts and is wanted no more, the latest first."""
        missing = self.target - self.all
        if missing > 0:
            self.starting.append([ready_at, missing])
        while missing < 0 and self.starting:
            taken = min(-missing, self.starting[-1][1])
            missing += taken
            self.starting[-1][1] -= taken
            if self.starting[-1][1] <= 0:
                self.starting.pop()

    def boot(self, now: float) -> None:
        while self.starting and self.starting[0][0] <= now:
            self.ready += self.starting.popleft()[1]


class _Run:
    """One going through the past."""

    def __init__(
        self, formula: Formula, past: History, slots: int, interval: timedelta, boot: timedelta | None
    ) -> None:
        self._formula, self._past, self._slots = formula, past, slots
        self._interval, self._booted, self._boot = interval, boot, (boot or BOOT).total_seconds()
        first = past.spans[0]
        self._dedicated = _Kind(float(first.dedicated), float(first.dedicated))
        self._spot = _Kind(float(first.spot), float(first.spot))
        self._tasks = _Tasks(past.task_seconds, past.lengths)
        self._samples = Rows()
        self._chance = random.Random(0)  # noqa: S311 - the same formula comes to the same every time
        self._option = "requeue"
        self._interrupted = 0.0
        self._evaluations = self._failed = 0
        self._failure: FormulaError | None = None
        self._uses_spot = False

    def run(self) -> WhatIf:
        would, was = Totals(), Totals()
        points = []
        self._tasks.come(0.0, self._past.begun)
        due = self._past.since + self._interval
        for span in self._past.spans:
            now = (span.at - self._past.since).total_seconds()
            if span.at >= due:
                self._evaluate(span.at, now)
                due = max(due + self._interval, span.at)
            self._step(now, span)
            self._sample(span.at)
            points.append(self._counted(span, would, was))
        return WhatIf(
            history=self._past,
            boot=self._booted,
            points=tuple(points),
            would=would,
            was=was,
            longest=timedelta(seconds=max(self._tasks.longest, self._oldest())),
            interrupted=self._interrupted,
            done=self._tasks.done,
            left=self._tasks.queued + self._tasks.busy,
            evaluations=self._evaluations,
            failed=self._failed,
            failure=self._failure,
            uses_spot=self._uses_spot,
            metrics=tuple(metrics_of(self._formula)),
        )

    def _oldest(self) -> float:
        """How long the oldest task that still waits at the end has waited."""
        end = (self._past.until - self._past.since).total_seconds()
        return end - self._tasks.waiting[0][0] if self._tasks.waiting else 0.0

    def _evaluate(self, at: datetime, now: float) -> None:
        self._samples.now = at
        self._evaluations += 1
        pool = PoolNow(self._dedicated.target, self._spot.target, float(self._slots))
        try:
            found = evaluate(self._formula, self._samples, at, pool, self._chance)
        except FormulaError as error:
            self._failed += 1
            self._failure = self._failure or error
            return
        self._option = found.deallocation
        for kind, target in ((self._dedicated, found.dedicated), (self._spot, found.spot)):
            if target is not None:
                kind.target = float(target)
                kind.grow(now + self._boot)
        self._uses_spot = self._uses_spot or bool(found.spot)

    def _step(self, now: float, span: Span) -> None:
        tasks, kinds = self._tasks, (self._dedicated, self._spot)
        for kind in kinds:
            kind.boot(now)
        tasks.end(now)
        tasks.come(now, span.arrived)
        self._shrink(now)
        ready = sum(min(kind.ready, kind.target) for kind in kinds)
        tasks.start(now, ready * self._slots - tasks.busy)

    def _shrink(self, now: float) -> None:
        """Nodes that are wanted no more go: idle ones at once, the others by the deallocation option."""
        for kind in (self._spot, self._dedicated):
            too_many = kind.ready - kind.target
            if too_many <= 0:
                continue
            idle = self._dedicated.ready + self._spot.ready - math.ceil(self._tasks.busy / self._slots - _NOTHING)
            if self._option in ("taskcompletion", "retaineddata"):
                kind.ready -= max(0.0, min(too_many, idle))
                continue
            stopped = max(0.0, too_many - idle) * self._slots
            stopped = min(stopped, self._tasks.busy)
            if stopped > 0:
                self._tasks.stop(now, stopped, again=self._option == "requeue")
                self._interrupted += stopped
            kind.ready = kind.target

    def _sample(self, at: datetime) -> None:
        tasks = self._tasks
        ready = self._dedicated.ready + self._spot.ready
        load = 100.0 * tasks.busy / (ready * self._slots) if ready else 0.0
        self._samples.add(
            at,
            Row(
                active=tasks.queued,
                running=tasks.busy,
                succeeded=tasks.done,
                dedicated=self._dedicated.all,
                spot=self._spot.all,
                usable=ready,
                load=min(100.0, load),
            ),
        )

    def _counted(self, span: Span, would: Totals, was: Totals) -> Point:
        hours = _STEP / 3600
        _add(would, self._dedicated.all * hours, self._spot.all * hours, self._tasks.queued, hours)
        _add(was, span.dedicated * hours, span.spot * hours, span.waiting or 0.0, hours)
        nodes = self._dedicated.all + self._spot.all
        return Point(span.at, nodes, self._tasks.queued, span.dedicated + span.spot, span.waiting)


def _add(totals: Totals, dedicated: float, spot: float, waiting: float, hours: float) -> None:
    totals.dedicated += dedicated
    totals.spot += spot
    totals.waited += waiting * hours
    totals.most_waiting = max(totals.most_waiting, waiting)
