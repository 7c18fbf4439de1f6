"""Where the time of a job went by the clock: its course parted by what went on, and the one finding about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bot.domain.task_timeline.waits import RUNS, WAITS, Kind, TaskSpans
from cards.charts.units import figure
from cards.formatting import number, percent, plural

Stage: TypeAlias = Literal[
    "held",
    "nodes",
    "boot",
    "start",
    "slots",
    "preparation",
    "requeued",
    "unknown",
    "full",
    "order",
    "run",
    "last",
    "none",
]
"""What went on: nothing ran and tasks waited (the kinds of waiting; ``unknown``: ran or waited); tasks ran while others
waited for a slot (``full``) or for them (``order``); nothing waited (``run``), and at the end fewer than half as many
ran as before (``last``); there was no task (``none``)."""

_KINDS: tuple[Kind, ...] = (*WAITS, "unknown", *sorted(RUNS))
_FOR_A_SLOT: tuple[Kind, ...] = ("nodes", "boot", "start", "slots", "preparation", "requeued")
_LEAST = 0.005
"""The share of the whole from which on a stage stands by itself; a shorter one belongs to what was before it."""


class Phase(Struct, frozen=True):
    """One stage of a job, from ``begin`` to ``end`` (seconds since 1970); at most so many ran, and waited."""

    stage: Stage
    begin: float
    end: float
    ran: int = 0
    waited: int = 0


class Course(Struct, frozen=True):
    """How a job went: its phases in order, when it began and ended (or now), tasks in it, most that ran at once."""

    begin: float
    end: float
    phases: tuple[Phase, ...]
    tasks: int
    at_once: int
    waited: float
    """Seconds that tasks waited, all added up."""
    worked: float
    """And seconds that they ran."""
    by_kind: dict[Kind, float]

    @property
    def seconds(self) -> float:
        """From its begin to its end."""
        return self.end - self.begin

    def of(self, *stages: Stage) -> float:
        """Seconds that some stages took."""
        return sum(phase.end - phase.begin for phase in self.phases if phase.stage in stages)


def course_of(tasks: Sequence[TaskSpans]) -> Course | None:
    """How the job of these tasks went; None without tasks, or where they took no time at all."""
    spans = [span for task in tasks for span in task.spans]
    if not spans:
        return None
    begin, end = min(span.begin for span in spans), max(span.end for span in spans)
    sums: dict[Kind, float] = dict.fromkeys(_KINDS, 0.0)
    for span in spans:
        sums[span.kind] += span.seconds
    times, counts = _counts(tasks)
    running = counts[[_KINDS.index(kind) for kind in sorted(RUNS)]].sum(axis=0)
    phases = _merged(list(_phases(times, counts, running)), (end - begin) * _LEAST)
    return Course(
        begin,
        end,
        tuple(phases),
        len(tasks),
        int(running.max(initial=0)),
        sum(sums[kind] for kind in WAITS),
        sum(sums[kind] for kind in RUNS),
        {kind: seconds for kind, seconds in sums.items() if seconds},
    )


def _counts(tasks: Sequence[TaskSpans]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Moments at which something changed, and from each to the next how many tasks were in each kind."""
    rows = [(span.begin, span.end, _KINDS.index(span.kind)) for task in tasks for span in task.spans]
    table = np.array(rows, dtype=np.float64)
    kinds = table[:, 2].astype(np.int64)
    times = np.unique(table[:, :2])
    change = np.zeros((len(_KINDS), len(times)), dtype=np.int64)
    np.add.at(change, (kinds, np.searchsorted(times, table[:, 0])), 1)
    np.add.at(change, (kinds, np.searchsorted(times, table[:, 1])), -1)
    return times, change.cumsum(axis=1)


def _phases(times: NDArray[np.float64], counts: NDArray[np.int64], running: NDArray[np.int64]) -> Iterator[Phase]:
    """Stretches of the same stage."""
    slots = counts[[_KINDS.index(kind) for kind in _FOR_A_SLOT]].sum(axis=0)
    held = counts[_KINDS.index("held")]
    unknown = counts[_KINDS.index("unknown")]
    many = np.flatnonzero(running * 2 >= running.max(initial=0))
    late = np.arange(len(times)) > many[-1]
    stage = np.select(
        [(running > 0) & (slots > 0), (running > 0) & (held > 0), (running > 0) & late, running > 0],
        [len(_KINDS), len(_KINDS) + 1, len(_KINDS) + 3, len(_KINDS) + 2],
        # Nothing runs for sure: most of those that wait say for what, those that are held least.
        np.where(slots > 0, _most(counts), np.where(unknown > 0, _KINDS.index("unknown"), np.where(held > 0, 0, -1))),
    )
    names: list[Stage] = [*WAITS, "unknown", *(["none"] * len(RUNS)), "full", "order", "run", "last", "none"]  # type: ignore[list-item]
    starts = [0, *(np.flatnonzero(np.diff(stage[:-1])) + 1).tolist(), len(times) - 1]
    waiting = slots + held
    for first, last in pairwise(starts):
        if last > first:
            yield Phase(
                names[int(stage[first])],
                float(times[first]),
                float(times[last]),
                int(running[first:last].max()),
                int(waiting[first:last].max()),
            )


def _most(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which kind of waiting for a slot most tasks are in."""
    places = np.array([_KINDS.index(kind) for kind in _FOR_A_SLOT])
    most: NDArray[np.int64] = places[counts[places].argmax(axis=0)]
    return most


def _merged(phases: list[Phase], least: float) -> Iterator[Phase]:
    """Without those too short to tell: they belong to the one before, or the first to the one after."""
    kept: list[Phase] = []
    for phase in phases:
        short = phase.end - phase.begin < least and phase is not phases[0]
        if kept and (short or kept[-1].stage == phase.stage):
            before = kept[-1]
            kept[-1] = Phase(
                before.stage, before.begin, phase.end, max(before.ran, phase.ran), max(before.waited, phase.waited)
            )
        elif kept and len(kept) == 1 and kept[0].end - kept[0].begin < least:
            kept[0] = Phase(phase.stage, kept[0].begin, phase.end, phase.ran, phase.waited)
        else:
            kept.append(phase)
    yield from kept


# In words.


def words(phase: Phase) -> str:
    """``14 min boot``, ``2 h 40 min with 40 at a time, others waiting``."""
    span = took(phase.end - phase.begin)
    match phase.stage:
        case "full":
            return f"{span} with {number(phase.ran)} at a time, others waiting"
        case "order":
            return f"{span} in which {plural(phase.waited, 'task')} waited for others"
        case "last":
            return f"{span} for the last {plural(phase.ran, 'task')}" if phase.ran > 1 else f"{span} for the last task"
        case "run":
            return f"{span} with up to {plural(phase.ran, 'task')} at a time, none waiting"
        case "none":
            return f"{span} without a task"
    return f"{span} {NAMES[phase.stage]}"


def took(seconds: float) -> str:
    """A length of time, from ten minutes on without seconds."""
    return figure(seconds, "s")


NAMES: dict[Stage, str] = {
    "held": "waiting for other tasks",
    "nodes": "until a node was there",
    "boot": "boot",
    "start": "start task",
    "slots": "without a free slot",
    "preparation": "job preparation",
    "requeued": "after tasks were put back",
    "unknown": "of waiting and runs that were repeated",
    "full": "all slots busy",
    "order": "one after the other",
    "run": "running",
    "last": "last tasks",
    "none": "no task",
}
MACHINES: tuple[Stage, ...] = ("nodes", "boot", "start", "slots", "preparation", "requeued")


def finding(course: Course, going: bool = False) -> str:
    """Where most of the time went, in one sentence without its full stop: the headline.

    By the clock: what kept the job from going on. ``going`` where it is not over.
    """
    whole = course.seconds
    if whole <= 0:
        return "It took no time at all"
    span = took(whole) + (" so far" if going else "")
    machines, full = course.of(*MACHINES), course.of("full")
    shares: dict[str, float] = {
        "machines": machines + full,
        "others": course.of("order", "held"),
        "again": course.of("unknown"),
        "none": course.of("none"),
        "last": _tail(course),
    }
    most = max(shares, key=shares.__getitem__)
    if shares[most] < _WORTH * whole:
        told = _stood(course)
        worked = whole - machines - course.of("held", "unknown", "none")
        vain = course.by_kind.get("failed", 0.0) + course.by_kind.get("earlier", 0.0)
        failed = (
            f", {percent(vain, course.worked)} of it in runs that failed" if vain >= _WORTH * course.worked > 0 else ""
        )
        if worked >= whole * (1 - _LEAST):
            return f"It ran for all of {span}{failed}"
        return f"It ran for {percent(worked, whole)} of {span}{failed}" + (f", after {told}" if told else "")
    share = f"For {percent(shares[most], whole)} of {span},"
    if most == "machines":
        return f"{share} {_for_machines(course, full > _WORTH / 3 * whole)}"
    ran = course.phases[-1].ran
    left = f"{number(ran)} tasks" if ran > 1 else "task"
    return (
        f"{share} "
        + {
            "others": "tasks waited for other tasks",
            "again": "tasks waited or ran in vain, and were run again",
            "none": "there was no task to run",
            "last": f"only the last {left} ran, of {number(course.at_once)} at once before",
        }[most]
    )


_STOOD = 2
"""Ways to stand still that are named in the headline."""
_WORTH = 0.3
"""The share of the whole from which on something is the headline."""


def _tail(course: Course) -> float:
    """Seconds at the end in which far fewer tasks ran than before."""
    last = course.phases[-1]
    return last.end - last.begin if last.stage == "last" else 0.0


def _stood(course: Course) -> str:
    """``14 min boot, 3 min start task``: how long nothing ran for want of a machine, by what it was."""
    whole = course.seconds
    stood = [(stage, seconds) for stage in MACHINES if (seconds := course.of(stage)) >= _LEAST * whole]
    longest = sorted((seconds for _, seconds in stood), reverse=True)[:_STOOD]
    stood = [(stage, seconds) for stage, seconds in stood if seconds in longest]
    return ", ".join(f"{took(seconds)} {NAMES[stage]}" for stage, seconds in stood)


def _for_machines(course: Course, full: bool) -> str:
    told = _stood(course)
    if not full:
        return f"nothing ran: {told}" if told else "tasks waited for nodes"
    slots = f"{plural(course.at_once, 'slot')} for {plural(course.tasks, 'task')}"
    return "tasks waited for nodes: " + (f"{told}, then {slots}" if told else slots)
