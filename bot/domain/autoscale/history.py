"""What a pool had to do in the past, from the samples that the bot keeps: the work that another formula would meet.

Of most samples it is known how many tasks waited, ran and had ended. From that follow how many tasks came between two
samples, and how long a task takes in the mean. Where only cores are known the work is what really ran, in tasks of
:data:`ASSUMED`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from msgspec import Struct

from bot.domain.autoscale.vocabulary import PERIOD
from storage.port.samples import Sample, Work

ASSUMED: Final = 600.0
"""Seconds that a task is taken to last where none was seen to end."""
_ALIKE: Final = 20
"""Of so many tasks that ended one after the other a mean is taken."""
LONGEST_GAP: Final = timedelta(minutes=6)
"""Samples further apart than this leave a gap: nothing is known of the time between."""


class Span(Struct, frozen=True):
    """30 seconds of the past: ``arrived`` tasks came; nodes and waiting tasks as they really were (None: not known)."""

    at: datetime
    arrived: float
    dedicated: int
    spot: int
    waiting: float | None


class History(Struct, frozen=True):
    """The past of a pool, a span after the other; what was not sampled is left out.

    ``begun`` are the tasks that waited or ran at its beginning, ``task_seconds`` how long a task takes in the mean,
    ``counted`` the share of spans of which the tasks are known (0..1). ``lengths`` are (task, seconds): from the task
    of that number on, in the order in which they started, a task takes so long in the mean.
    """

    spans: tuple[Span, ...]
    begun: float
    task_seconds: float
    counted: float
    since: datetime
    until: datetime
    lengths: tuple[tuple[float, float], ...] = ()

    @property
    def sampled(self) -> float:
        """How much of the time between its beginning and its end was sampled, 0..1."""
        whole = (self.until - self.since) / PERIOD
        return min(1.0, len(self.spans) / whole) if whole > 0 else 0.0

    @property
    def arrived(self) -> float:
        """All tasks that there were to do."""
        return self.begun + sum(span.arrived for span in self.spans)


def history(samples: Sequence[Sample], slots: int) -> History | None:
    """The past that samples show of a pool with so many task slots a node; None where they show nothing."""
    if len(samples) < 2:
        return None
    seconds = _task_seconds(samples)
    spans: list[Span] = []
    counted = 0
    for before, after in pairwise(samples):
        length = after.at - before.at
        if length > LONGEST_GAP or length <= timedelta(0):
            continue
        arrived, known = _arrived(before, after, slots, seconds)
        steps = max(1, round(length / PERIOD))
        counted += steps if known else 0
        dedicated = max(0, after.nodes - after.spot_nodes)
        waiting = float(after.work.waiting) if after.work else None
        spans += [
            Span(before.at + n * length / steps, arrived / steps, dedicated, after.spot_nodes, waiting)
            for n in range(steps)
        ]
    if not spans:
        return None
    first = samples[0]
    begun = float(first.work.waiting + first.work.running) if first.work else running(first, slots)
    lengths = tuple(_lengths(samples))
    return History(tuple(spans), begun, seconds, counted / len(spans), samples[0].at, samples[-1].at, lengths)


def _arrived(before: Sample, after: Sample, slots: int, seconds: float) -> tuple[float, bool]:
    """How many tasks came between two samples, and whether that is known rather than taken from busy cores."""
    if before.work and after.work:
        came = _pending(after.work) - _pending(before.work) + _ended(before.work, after.work)
        return max(0.0, came), True
    length = (after.at - before.at).total_seconds()
    return running(after, slots) * length / seconds, False


def _pending(work: Work) -> float:
    return float(work.waiting + work.running)


def _ended(before: Work, after: Work) -> float:
    """Tasks that ended between. Jobs that are gone take theirs along: then it is as many as run no longer at least."""
    counted = after.succeeded + after.failed - before.succeeded - before.failed
    return float(max(0, counted, before.running - after.running))


def running(sample: Sample, slots: int) -> float:
    """About how many tasks ran, from the share of busy cores."""
    return sample.busy / sample.total * sample.nodes * slots if sample.total else 0.0


def _task_seconds(samples: Sequence[Sample]) -> float:
    """The mean length of a task: the time that tasks ran, over how many ended."""
    ran = ended = 0.0
    for before, after in pairwise(samples):
        if before.work and after.work and timedelta(0) < after.at - before.at <= LONGEST_GAP:
            ran += (before.work.running + after.work.running) / 2 * (after.at - before.at).total_seconds()
            ended += _ended(before.work, after.work)
    return max(PERIOD.total_seconds(), ran / ended) if ended and ran else ASSUMED


def _lengths(samples: Sequence[Sample]) -> Iterator[tuple[float, float]]:
    """How long tasks took in the mean, anew for every :data:`_ALIKE` of them: work changes with the hour."""
    ran = ended = 0.0
    number = 0.0
    for before, after in pairwise(samples):
        if not (before.work and after.work and timedelta(0) < after.at - before.at <= LONGEST_GAP):
            continue
        ran += (before.work.running + after.work.running) / 2 * (after.at - before.at).total_seconds()
        ended += _ended(before.work, after.work)
        if ended >= _ALIKE:
            yield number, max(PERIOD.total_seconds(), ran / ended)
            number += ended
            ran = ended = 0.0
