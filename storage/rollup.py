"""From samples to core-seconds per bucket: arithmetic only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import add
from typing import Final, TypeAlias, TypeVar

from storage.port.core_use import CoreUse
from storage.port.samples import Sample
from storage.retention import JOB_RESOLUTIONS, RESOLUTIONS

MICRO = 1_000_000
K = TypeVar("K")

USES: Final = tuple(f"{kind}_{field}" for kind in ("dedicated", "spot") for field in CoreUse.__struct_fields__)
"""The figures of a bucket, dedicated ones first, in the order of :class:`CoreUse`."""
_SECONDS: Final = len(USES)
_WIDTH: Final = len(USES) + 1
_KIND: Final = len(CoreUse.__struct_fields__)

Figures: TypeAlias = list[float]
"""Of one bucket: :data:`USES`, and the seconds that were sampled."""


def figures(dedicated: CoreUse, spot: CoreUse) -> tuple[float, ...]:
    """Both kinds in one row, in the order of :data:`USES`."""
    return (
        dedicated.busy, dedicated.starting, dedicated.unused, dedicated.waiting, dedicated.broken, dedicated.leaving,
        dedicated.unknown,
        spot.busy, spot.starting, spot.unused, spot.waiting, spot.broken, spot.leaving, spot.unknown,
    )  # fmt: skip


def uses(row: Sequence[float]) -> tuple[CoreUse, CoreUse]:
    """Dedicated and spot from a row in the order of :data:`USES`."""
    return CoreUse(*row[:_KIND]), CoreUse(*row[_KIND:])


def _empty() -> Figures:
    return [0.0] * _WIDTH


class RollupIncrements:
    """Core-seconds waiting to be added to the rollups: (series, bucket start) -> :data:`Figures`.

    A sample stands for the time that ends at it, and is shared out exactly among the buckets this time touches. So a
    bucket never holds more seconds than it is long, and a sample of five minutes leaves no holes in the minutes. Most
    figures of a sample are 0: only the others are added up.
    """

    def __init__(self, resolutions: Sequence[int] = RESOLUTIONS) -> None:
        """``resolutions`` each divide the next; the first is what is added."""
        self._resolutions = resolutions
        self._finest: defaultdict[tuple[int, int], Figures] = defaultdict(_empty)

    def add_cores(self, series: int, account: int, begin: int, end: int, cores: Sequence[float]) -> None:
        """A pool had so many cores (:data:`USES`) from ``begin`` to ``end`` (microseconds); so had its account."""
        present = [(n, value) for n, value in enumerate(cores) if value]
        for start, seconds in _pieces(begin, end, self._resolutions[0]):
            own = self._finest[series, start]
            own[_SECONDS] += seconds
            whole = self._finest[account, start]
            for n, value in present:
                amount = value * seconds
                own[n] += amount
                whole[n] += amount

    def add_observed(self, account: int, begin: int, end: int) -> None:
        """The account was under observation from ``begin`` to ``end``; said once, however many pools it has."""
        for start, seconds in _pieces(begin, end, self._resolutions[0]):
            self._finest[account, start][_SECONDS] += seconds

    def add_amount(self, series: int, start: int, seconds: float, amounts: Sequence[float]) -> None:
        """So many core-seconds (:data:`USES`) in the finest bucket that starts at ``start`` (seconds)."""
        row = self._finest[series, start]
        row[_SECONDS] += seconds
        for n, value in enumerate(amounts):
            row[n] += value

    def rows(self) -> Iterator[tuple[float, ...]]:
        """(step, series, start, figures ...) for every resolution, each summed from the one before."""
        for step, series, start, row in _summed(self._finest, self._resolutions):
            yield step, series, start, *row


class JobIncrements:
    """Busy core-seconds of jobs waiting to be added: (account, job, bucket start) -> [dedicated, spot]."""

    def __init__(self) -> None:
        self._finest: defaultdict[tuple[tuple[int, int], int], Figures] = defaultdict(_two)

    def add(self, account: int, jobs: Iterable[tuple[int, float]], begin: int, end: int, sample: Sample) -> None:
        """What jobs, (number, cores), kept busy from ``begin`` to ``end`` (microseconds) by a sample."""
        busy = sample.busy
        jobs = list(jobs)
        if not jobs or not busy:
            return
        claimed = sum(cores for _, cores in jobs)
        part = 1.0 / max(busy, claimed)
        dedicated, spot = sample.dedicated.busy * part, sample.spot.busy * part
        for start, seconds in _pieces(begin, end, JOB_RESOLUTIONS[0]):
            for job, cores in jobs:
                row = self._finest[(account, job), start]
                row[0] += cores * dedicated * seconds
                row[1] += cores * spot * seconds

    def rows(self) -> Iterator[tuple[float, ...]]:
        """(step, account, start, job, dedicated, spot) for every resolution that is kept of jobs."""
        for step, (account, job), start, row in _summed(self._finest, JOB_RESOLUTIONS):
            yield step, account, start, job, *row


def _two() -> Figures:
    return [0.0, 0.0]


def _summed(pile: Mapping[tuple[K, int], Figures], resolutions: Sequence[int]) -> Iterator[tuple[int, K, int, Figures]]:
    """(step, key, start, figures) for every resolution: those of the first as they are, each next summed from them."""
    for step in resolutions:
        if step != resolutions[0]:
            pile = _coarser(pile, step)
        for (key, start), row in pile.items():
            yield step, key, start, row


def _coarser(pile: Mapping[tuple[K, int], Figures], step: int) -> dict[tuple[K, int], Figures]:
    found: dict[tuple[K, int], Figures] = {}
    for (key, start), row in pile.items():
        whole = key, start - start % step
        known = found.get(whole)
        # Few samples come at a time, so most buckets are made of one: copying it is faster than adding it to zeros.
        found[whole] = row.copy() if known is None else list(map(add, known, row))
    return found


def _pieces(begin: int, end: int, step: int) -> Sequence[tuple[int, float]]:
    """Buckets of ``step`` seconds between two moments (microseconds): start in seconds, and seconds of it covered."""
    step *= MICRO
    start = begin - begin % step
    if begin < end <= start + step:  # most samples lie in one bucket
        return ((start // MICRO, (end - begin) / MICRO),)
    found = []
    while begin < end:
        start = begin - begin % step
        stop = min(start + step, end)
        found.append((start // MICRO, (stop - begin) / MICRO))
        begin = stop
    return found
