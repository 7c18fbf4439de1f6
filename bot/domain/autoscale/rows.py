"""Samples as a formula asks for them, a row every 30 seconds: of a past that is tried out, or of a pool as it is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from msgspec import Struct

from bot.domain.autoscale.history import LONGEST_GAP, running
from bot.domain.autoscale.vocabulary import DELAY, PERIOD
from storage.port.samples import Sample


class Row(Struct, frozen=True):
    """What is known of a pool at one moment; tasks and nodes may be parts of one."""

    active: float = 0.0
    running: float = 0.0
    succeeded: float = 0.0
    failed: float = 0.0
    dedicated: float = 0.0
    spot: float = 0.0
    usable: float = 0.0
    load: float = 0.0


_OF: Final[Mapping[str, Callable[[Row], float]]] = {
    "$ActiveTasks": lambda row: row.active,
    "$RunningTasks": lambda row: row.running,
    "$PendingTasks": lambda row: row.active + row.running,
    "$SucceededTasks": lambda row: row.succeeded,
    "$FailedTasks": lambda row: row.failed,
    "$CurrentDedicatedNodes": lambda row: row.dedicated,
    "$CurrentLowPriorityNodes": lambda row: row.spot,
    "$PreemptedNodeCount": lambda row: 0.0,
    "$UsableNodeCount": lambda row: row.usable,
    "$SampleNodeCount": lambda row: row.usable,
    "$CPUPercent": lambda row: row.load,
}

UNSEEN: Final = {
    "$CPUPercent": "$CPUPercent is taken from the share of busy cores",
    "$PreemptedNodeCount": "$PreemptedNodeCount is taken to be 0",
    "$UsableNodeCount": "every node is taken to be usable",
}
"""What the bot does not sample, and what it goes by instead."""


class Rows:
    """Rows in time order, of which a formula sees at ``now`` those that are a minute old."""

    def __init__(self) -> None:
        self._at: list[datetime] = []
        self._rows: list[Row] = []
        self.now = datetime.min.replace(tzinfo=UTC)

    def add(self, at: datetime, row: Row) -> None:
        """The newest row."""
        self._at.append(at)
        self._rows.append(row)

    def _there(self) -> int:
        """How many rows have arrived by now."""
        return bisect_right(self._at, self.now - DELAY)

    def known(self, name: str) -> bool:
        """Whether the bot samples a variable, or something like it."""
        return name in _OF

    def newest(self, name: str, count: int) -> Sequence[float]:
        """The newest samples, the newest first."""
        end = self._there()
        return [_OF[name](row) for row in reversed(self._rows[max(0, end - count) : end])]

    def between(self, name: str, since: datetime, until: datetime) -> Sequence[float]:
        """Samples of a span, the newest first; its beginning does not belong to it."""
        begin, end = bisect_right(self._at, since), min(self._there(), bisect_right(self._at, until))
        return [_OF[name](row) for row in reversed(self._rows[begin:end])]

    def began(self, name: str) -> datetime | None:
        """The moment of the oldest sample."""
        return self._at[0] if self._there() else None

    def count(self, name: str) -> int:
        """How many samples there are."""
        return self._there()


def rows_of(samples: Sequence[Sample], slots: int, now: datetime) -> Rows:
    """A pool as it is, of the bot's samples: each stands for the service's since the one before."""
    rows = Rows()
    for before, after in pairwise(samples):
        length = after.at - before.at
        steps = max(1, round(length / PERIOD)) if length <= LONGEST_GAP else 1
        for n in reversed(range(steps)):
            rows.add(after.at - n * PERIOD, _row(after, slots))
    rows.now = now
    return rows


def _row(sample: Sample, slots: int) -> Row:
    work = sample.work
    return Row(
        active=float(work.waiting) if work else 0.0,
        running=float(work.running) if work else running(sample, slots),
        succeeded=float(work.succeeded) if work else 0.0,
        failed=float(work.failed) if work else 0.0,
        dedicated=float(sample.nodes - sample.spot_nodes),
        spot=float(sample.spot_nodes),
        usable=float(sample.nodes),
        load=100.0 * sample.busy / sample.total if sample.total else 0.0,
    )
