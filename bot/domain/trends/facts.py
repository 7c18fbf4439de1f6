"""What a period came to, bucket by bucket: outcomes of jobs and tasks, waits and run times, boots, preemptions.

Jobs, and the tasks in them, are counted when their job ended: that is when their outcome is known for good. A bucket
of which nothing was watched has no value, which is not zero.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import ceil
from typing import Final

from msgspec import Struct

from bot.domain.entity import fold
from bot.domain.trends.period import Period
from storage.port.monitoring import TransitionCount
from storage.port.runs import JobRun
from storage.port.samples import Bucket
from storage.port.spread import Spread, all_of
from storage.port.timings import NodeBoot

SHARES: Final = (0.5, 0.9, 0.99)
"""The percentiles that are shown: the middle, the slow ones, the slowest."""


class Series(Struct, frozen=True):
    """Values of the buckets of a period (None: not known), and what all of it came to."""

    values: tuple[float | None, ...]
    whole: float | None


class Outcomes(Struct, frozen=True):
    """How many ended well and how many failed; ``uncounted`` jobs have no known outcome and are in neither."""

    good: Series
    bad: Series
    uncounted: int = 0

    @property
    def share_bad(self) -> float | None:
        """The part that failed, 0..1; None where nothing ended."""
        ended = (self.good.whole or 0) + (self.bad.whole or 0)
        return (self.bad.whole or 0) / ended if ended else None


def job_outcomes(jobs: Sequence[JobRun], period: Period, watched: datetime | None) -> Outcomes:
    """Jobs that ended without and with failed tasks."""
    counted = [job for job in jobs if job.failed is not None]
    return Outcomes(
        _counts([(job.ended, float(not job.failed)) for job in counted], period, watched),
        _counts([(job.ended, float(bool(job.failed))) for job in counted], period, watched),
        _uncounted(jobs, period),
    )


def task_outcomes(jobs: Sequence[JobRun], period: Period, watched: datetime | None) -> Outcomes:
    """Tasks that succeeded and failed, of jobs that ended."""
    counted = [
        (job.ended, job.tasks - job.failed, job.failed)
        for job in jobs
        if job.tasks is not None and job.failed is not None
    ]
    return Outcomes(
        _counts([(at, float(good)) for at, good, _ in counted], period, watched),
        _counts([(at, float(bad)) for at, _, bad in counted], period, watched),
        _uncounted(jobs, period),
    )


def _uncounted(jobs: Iterable[JobRun], period: Period) -> int:
    return sum(job.failed is None and period.index(job.ended) is not None for job in jobs)


def _counts(events: Iterable[tuple[datetime, float]], period: Period, watched: datetime | None) -> Series:
    """Sums by bucket. Where something was found there is a value, even from before it was watched."""
    groups = period.grouped(events, lambda event: event[0])
    known = period.known(watched)
    values = tuple(
        sum(count for _, count in group) if group or seen else None for group, seen in zip(groups, known, strict=True)
    )
    found = [value for value in values if value is not None]
    return Series(values, sum(found) if found else None)


def waits(jobs: Sequence[JobRun], period: Period) -> list[Series]:
    """Seconds from the creation of tasks to their start: a series for each of :data:`SHARES`."""
    return _percentiles(jobs, period, lambda job: job.waits)


def run_times(jobs: Sequence[JobRun], period: Period) -> list[Series]:
    """Seconds that tasks ran: a series for each of :data:`SHARES`."""
    return _percentiles(jobs, period, lambda job: job.runtimes)


def _percentiles(jobs: Sequence[JobRun], period: Period, of: Callable[[JobRun], Spread]) -> list[Series]:
    spreads = [all_of(map(of, group)) for group in period.grouped(jobs, lambda job: job.ended)]
    whole = all_of(spreads)
    return [Series(tuple(spread.percentile(share) for spread in spreads), whole.percentile(share)) for share in SHARES]


class SizeBoots(Struct, frozen=True):
    """Boots of nodes of one VM size: the middle of each bucket, and p50 and p90 of all ``count`` of them (seconds)."""

    vm_size: str
    middle: Series
    slow: float | None
    count: int


def boots_by_size(boots: Sequence[NodeBoot], period: Period) -> list[SizeBoots]:
    """By VM size, the one that booted most nodes first."""
    by_size: dict[str, list[NodeBoot]] = {}
    for boot in boots:
        if period.index(boot.allocated) is not None:
            by_size.setdefault(fold(boot.vm_size), []).append(boot)
    found = []
    for own in by_size.values():
        groups = period.grouped(own, lambda boot: boot.allocated)
        values = tuple(percentile([boot.seconds for boot in group], 0.5) for group in groups)
        every = [boot.seconds for boot in own]
        found.append(
            SizeBoots(own[-1].vm_size, Series(values, percentile(every, 0.5)), percentile(every, 0.9), len(own))
        )
    return sorted(found, key=lambda each: (-each.count, each.vm_size))


class Preemptions(Struct, frozen=True):
    """Preempted nodes, and how many there were for each 1,000 core-hours of spot nodes, while it watched."""

    nodes: Series
    rate: Series
    core_hours: float


def preemptions(
    counts: Iterable[TransitionCount], usage: Iterable[Bucket], period: Period, watched: datetime | None
) -> Preemptions:
    """Of transitions by the hour, and of samples of cores in spans of ``period.fine``.

    There is no rate where there were no spot cores. Its both sides are of the same time: of whole spans that the bot
    itself watched, for Azure Monitor's history has cores and no preemptions.
    """
    events = [(each.start, float(each.count)) for each in counts if (each.entity, each.after) == ("node", "preempted")]
    nodes = _counts(events, period, watched)
    seen = sorted(
        (each for each in usage if watched and each.start >= watched and each.seconds > 0 and not each.at_most),
        key=lambda bucket: bucket.start,
    )
    starts = [bucket.start for bucket in seen]

    def is_seen(at: datetime) -> bool:
        place = bisect_right(starts, at) - 1
        return place >= 0 and at < starts[place] + period.fine

    groups = period.grouped(seen, lambda bucket: bucket.start)
    hours = [sum(bucket.spot.total for bucket in group) / 3600 for group in groups]
    lost = [
        sum(count for at, count in group if is_seen(at)) for group in period.grouped(events, lambda event: event[0])
    ]
    rates = tuple(1000 * gone / spent if spent > 0 else None for gone, spent in zip(lost, hours, strict=True))
    total = sum(hours)
    return Preemptions(nodes, Series(rates, 1000 * sum(lost) / total if total > 0 else None), total)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that this share (0..1) of them does not exceed (nearest rank); None of none."""
    return sorted(values)[max(1, ceil(share * len(values))) - 1] if values else None
