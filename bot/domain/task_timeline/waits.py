"""What each task waited for and when it ran, as spans.

What is known for sure decides. A task waits for the tasks that it depends on until the last of them has ended. From
then on it waits for a slot, which is told finer where it can be: while no task of the job ran, and a node was
allocated, booted and prepared that then ran one, the wait was for that node. The preparation of the job counts where
it ran on the task's own node. What lies before a run that was made again is waiting and running, which the service
does not tell apart before it has the task's statistics.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.azure.models.task import Dependencies
from bot.domain.task_timeline.moments import NodeFacts, TaskFacts

Kind: TypeAlias = Literal[
    "held", "nodes", "boot", "start", "slots", "preparation", "requeued", "unknown", "earlier", "run", "failed"
]
"""Waits for other tasks, for nodes to be allocated, for their boot, for their start task, for a slot, for the job's
preparation, for a slot after it was put back into the queue; waited and ran, not told apart; an earlier run; its last
one, and where that failed."""

RUNS: frozenset[Kind] = frozenset(("earlier", "run", "failed"))
"""In which a task works."""
WAITS: tuple[Kind, ...] = ("held", "nodes", "boot", "start", "slots", "preparation", "requeued")
"""In which it waits, in the order in which it does."""

_AT_ONCE = 15.0
"""Seconds within which a task starts that waited for nothing but the preparation of its node."""
_Window: TypeAlias = tuple[float, float]


class Span(Struct, frozen=True, array_like=True, gc=False):
    """A task was in ``kind`` from ``begin`` to ``end`` (seconds since 1970)."""

    kind: Kind
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin


class TaskSpans(Struct, frozen=True, gc=False):
    """A task and its spans, without a gap from when it was made to its end or now."""

    task: TaskFacts
    spans: tuple[Span, ...]

    def seconds(self, *kinds: Kind) -> float:
        """How long it was in one of these."""
        return sum(span.seconds for span in self.spans if span.kind in kinds)


def spans_of(
    tasks: Sequence[TaskFacts],
    nodes: Sequence[NodeFacts],
    preparations: Mapping[str, _Window],
    now: float,
    parents: Sequence[TaskFacts] = (),
) -> list[TaskSpans]:
    """Every task with its spans. ``preparations`` are when the job was prepared, by node; ``parents`` other tasks that
    these may depend on."""
    ready = _Ready([*tasks, *parents], now)
    machines = _machines(tasks, nodes, now)
    return [TaskSpans(task, tuple(_spans(task, ready.of(task), machines, preparations, now))) for task in tasks]


def _spans(
    task: TaskFacts, ready: float, machines: Sequence[Span], preparations: Mapping[str, _Window], now: float
) -> Iterator[Span]:
    end = task.ended if task.ended is not None else task.changed if task.state == "completed" else now
    begin = min(max(task.made, task.began if task.began is not None else end), end)  # where waiting ended
    ready = min(max(task.made, ready), begin)
    yield from _span("held", task.made, ready)
    if task.again:
        yield from _again(task, ready, begin)
    else:
        prepared = _preparation(task, ready, begin, preparations)
        yield from _parted(ready, prepared[0], machines)
        yield from _span("preparation", *prepared)
        yield from _span("slots", prepared[1], begin)
    if task.began is not None:
        yield from _span("failed" if task.failed else "run", begin, end)


def _span(kind: Kind, begin: float, end: float) -> Iterator[Span]:
    if end > begin:
        yield Span(kind, begin, end)


def _preparation(task: TaskFacts, ready: float, begin: float, known: Mapping[str, _Window]) -> _Window:
    """When it waited for the preparation of the job on its node; empty, at the end of its wait, where it did not."""
    found = known.get(task.node)
    if task.state == "preparing":  # which is just that: it has its node, and waits for the preparation there
        return max(ready, min(begin, found[0] if found else task.changed)), begin
    if found is None or found[1] <= ready or found[0] >= begin or begin - found[1] > _AT_ONCE:
        return begin, begin
    return max(ready, found[0]), min(begin, found[1])


def _again(task: TaskFacts, ready: float, begin: float) -> Iterator[Span]:
    """What came before the last run of a task that was run again."""
    last = min(begin, max(ready, task.last_again if task.last_again is not None else begin))
    after: Kind = "requeued" if task.last_back else "slots"
    if task.before is None:
        yield from _span("unknown", ready, last)
    else:
        first = max(ready, last - task.before)
        yield from _span("slots", ready, first)
        yield from _span("earlier", first, last)
    yield from _span(after, last, begin)


def _parted(begin: float, end: float, machines: Sequence[Span]) -> Iterator[Span]:
    """A wait for a slot, told finer where the job's machines were not ready."""
    at = begin
    for each in machines[bisect_right(machines, begin, key=_end) :]:
        if each.begin >= end:
            break
        yield from _span("slots", at, each.begin)
        yield from _span(each.kind, max(at, each.begin), min(end, each.end))
        at = max(at, min(end, each.end))
    yield from _span("slots", at, end)


def _end(span: Span) -> float:
    return span.end


# When there was no machine.


def _machines(tasks: Sequence[TaskFacts], nodes: Sequence[NodeFacts], now: float) -> list[Span]:
    """When the job had no node that could take a task, as far as that is known: in order of time."""
    used = {task.node for task in tasks}
    mine = [each for each in nodes if each.allocated is not None and (each.id in used or each.usable is None)]
    mine.sort(key=lambda node: node.usable if node.usable is not None else now)
    found: list[Span] = []
    up = min((node.usable for node in nodes if node.usable is not None), default=now)
    first_run = min((task.began for task in tasks if task.began is not None), default=now)
    for begin, end in _dark(tasks, now):
        if up <= begin:  # something was there, and is later: it is not these tasks' nodes that they waited for
            break
        first = next((each for each in mine if (each.usable or now) > begin and (each.allocated or 0) < end), None)
        if first is None:
            continue
        if begin >= first_run and (first.allocated or 0) < begin:  # of nodes that ran before nobody knows the end
            continue
        usable = min(end, first.usable if first.usable is not None else end)
        allocated = min(max(begin, first.allocated or begin), usable)
        booted = min(max(allocated, first.booted if first.booted is not None else usable), usable)
        found += [*_span("nodes", begin, allocated), *_span("boot", allocated, booted), *_span("start", booted, usable)]
    return found


def _dark(tasks: Sequence[TaskFacts], now: float) -> Iterator[_Window]:
    """When there were tasks, and none of them was known to run."""
    if not tasks:
        return
    at = min(task.made for task in tasks)
    runs = [(task.began, task.ended if task.ended is not None else now) for task in tasks if task.began is not None]
    # Of what ran before it was run again only a moment is known: the last one at which it ran.
    runs += [(task.last_again, task.last_again) for task in tasks if task.last_again is not None]
    for begin, end in sorted(runs):
        if begin > at:
            yield at, begin
        at = max(at, end)
    if any(task.state in ("active", "preparing") for task in tasks) and now > at:
        yield at, now


# When what a task depends on was done.


class _Ready:
    """When the tasks that others depend on had ended, each set of them looked up once."""

    def __init__(self, tasks: Sequence[TaskFacts], now: float) -> None:
        self._now = now
        self._done = {task.id: task.ended if task.ended is not None else now for task in tasks}
        self._failed = {task.id for task in tasks if task.failed}
        numbered = sorted((int(task.id), task.id) for task in tasks if task.id.isascii() and task.id.isdigit())
        self._numbers = [number for number, _ in numbered]
        self._last_of = _Greatest([self._done[name] for _, name in numbered])
        self._failed_of = _Greatest([float(name in self._failed) for _, name in numbered])
        self._known: dict[Dependencies, tuple[float, bool]] = {}

    def of(self, task: TaskFacts) -> float:
        """When it could have started; where it did not and what failed keeps it, now."""
        after = task.after
        if after is None or not (after.task_ids or after.task_id_ranges):
            return task.made
        if after not in self._known:
            self._known[after] = self._told(after)
        until, kept = self._known[after]
        return self._now if kept and task.began is None and task.state == "active" else max(task.made, until)

    def _told(self, after: Dependencies) -> tuple[float, bool]:
        """When the last of them ended, and whether one failed; what is not known of keeps nothing."""
        until = max((self._done[each] for each in after.task_ids if each in self._done), default=0.0)
        kept = not self._failed.isdisjoint(after.task_ids)
        for span in after.task_id_ranges:
            part = bisect_left(self._numbers, span.start), bisect_right(self._numbers, span.end)
            until = max(until, self._last_of.among(*part))
            kept = kept or self._failed_of.among(*part) > 0
        return until, kept


class _Greatest:
    """The greatest of any part of a list, at once: of ten thousand tasks each may depend on all before it."""

    def __init__(self, values: list[float]) -> None:
        self._of_widths = [values]  # the greatest of each 1, 2, 4, … that follow each other
        while (1 << len(self._of_widths)) <= len(values):
            last, width = self._of_widths[-1], 1 << (len(self._of_widths) - 1)
            self._of_widths.append([max(pair) for pair in zip(last, last[width:], strict=False)])

    def among(self, first: int, stop: int) -> float:
        """Of those from one place on, before another; 0 where these are none."""
        if first >= stop:
            return 0.0
        power = (stop - first).bit_length() - 1
        widest = self._of_widths[power]
        return max(widest[first], widest[stop - (1 << power)])
