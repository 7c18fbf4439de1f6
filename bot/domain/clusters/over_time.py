"""Failures over time by cluster: counts in buckets, for a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from bot.domain.clusters.model import Cluster

BARS = 36
"""Buckets at most: as many bars as can be told apart on a phone."""
APART = 4
"""Clusters with a bar of their own; the others are one."""
_STEPS = (60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


class OverTime(Struct, frozen=True):
    """Counts of failures in buckets of ``step`` seconds from ``since`` on, a row for each of the greatest clusters.

    ``rest`` are those of all others, empty where there are none.
    """

    since: datetime
    step: int
    rows: tuple[tuple[int, ...], ...]
    rest: tuple[int, ...] = ()

    @property
    def buckets(self) -> int:
        """How many there are."""
        return len(self.rows[0])


def over_time(clusters: Sequence[Cluster], since: datetime | None, until: datetime) -> OverTime | None:
    """The greatest clusters in the order in which they are given; None where there is no time to show.

    ``since`` is where the window begins; without one it is the first failure.
    """
    ended = sorted(task.ended for each in clusters for task in each.tasks if task.ended)
    if not ended:
        return None
    first, last = since or ended[0], max(ended[-1], until)
    step = _step(first, last)
    begin = datetime.fromtimestamp(first.timestamp() // step * step, UTC)
    many = max(1, math.floor((last - begin).total_seconds() / step) + 1)
    rows = [_counts(each, begin, step, many) for each in clusters]
    own, others = rows[:APART], rows[APART:]
    rest = tuple(map(sum, zip(*others, strict=True))) if others else ()
    return OverTime(begin, step, tuple(own), rest)


def _step(first: datetime, last: datetime) -> int:
    span = (last - first) / timedelta(seconds=1)
    return next((step for step in _STEPS if span / step <= BARS - 1), _STEPS[-1])


def _counts(cluster: Cluster, begin: datetime, step: int, many: int) -> tuple[int, ...]:
    counts = [0] * many
    for task in cluster.tasks:
        if task.ended:
            place = math.floor((task.ended - begin).total_seconds() / step)
            if place >= 0:  # a window may begin later
                counts[place] += 1
    return tuple(counts)
