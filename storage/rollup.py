"""From samples to core-seconds per bucket: arithmetic only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from storage.retention import RESOLUTIONS

MICRO = 1_000_000


class RollupIncrements:
    """Core-seconds waiting to be added to the rollups: (series, bucket start) -> [busy, total, seconds].

    A sample stands for the time that ends at it, and is shared out exactly among the buckets this time touches. So a
    bucket never holds more seconds than it is long, and a sample of five minutes leaves no holes in the minutes.
    """

    def __init__(self) -> None:
        self._finest: defaultdict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    def add_cores(self, series: int, account: int, begin: int, end: int, busy: float, total: float) -> None:
        """A pool had so many cores from ``begin`` to ``end`` (microseconds); its account had them too."""
        for start, seconds in _pieces(begin, end):
            for where, counted in ((series, seconds), (account, 0.0)):
                row = self._finest[where, start]
                row[0] += busy * seconds
                row[1] += total * seconds
                row[2] += counted

    def add_observed(self, account: int, begin: int, end: int) -> None:
        """The account was under observation from ``begin`` to ``end``; said once, however many pools it has."""
        for start, seconds in _pieces(begin, end):
            self._finest[account, start][2] += seconds

    def rows(self) -> Iterator[tuple[int, int, int, float, float, float]]:
        """(step, series, start, busy, total, seconds) for every resolution, each summed from the one before."""
        pile = self._finest
        for step in RESOLUTIONS:
            coarser: defaultdict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
            for (series, start), (busy, total, seconds) in pile.items():
                row = coarser[series, start - start % step]
                row[0] += busy
                row[1] += total
                row[2] += seconds
            for (series, start), (busy, total, seconds) in coarser.items():
                yield step, series, start, busy, total, seconds
            pile = coarser


def _pieces(begin: int, end: int) -> Iterator[tuple[int, float]]:
    """The finest buckets between two moments (microseconds): start in seconds, and seconds of it covered."""
    step = RESOLUTIONS[0] * MICRO
    while begin < end:
        start = begin - begin % step
        stop = min(start + step, end)
        yield start // MICRO, (stop - begin) / MICRO
        begin = stop
