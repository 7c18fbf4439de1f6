"""What cores did between looks: the mean of those that were there at each, by when a pool's nodes came and went.

What comes and goes in time with the looks (autoscale evaluates on the beat, too) would else count too much or too
little every time. Nobody tells when each node came, but a pool says when its last resize began or ended: a node that
is new while the resize goes on came after it began, and the last one that went did so as it ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import asdict, replace

from bot.azure.models.watched import PoolState
from bot.domain.core_use import WHOLE
from storage.port.core_use import IDLE_REASONS, NO_USE, CoreUse
from storage.port.samples import JobCores, Sample

__all__ = ["Look", "averaged"]


class Resize(Struct, frozen=True):
    """How a pool's allocation stands, since when, and how many nodes it has of both kinds."""

    state: str
    since: datetime | None


class Look(Struct, frozen=True):
    """The pools of an account at one moment: their samples, with the cores of that moment, and their allocation."""

    at: datetime
    samples: Mapping[str, Sample]
    resizes: Mapping[str, Resize]

    @classmethod
    def of(cls, at: datetime, samples: Sequence[Sample], pools: Sequence[PoolState]) -> Look:
        """What was read at that moment."""
        resizes = {each.id: Resize(each.allocation_state, each.allocation_state_transition_time) for each in pools}
        return cls(at, {sample.pool: sample for sample in samples}, resizes)


def averaged(looks: Sequence[Look], empty: Sample) -> list[Sample]:
    """The samples of the last of some looks, whose cores are the mean of the time since the first, by pool.

    A pool that is gone had its cores for a part of the time; ``empty`` is what it is now, but for its name.
    """
    last = looks[-1].samples
    gone = {pool: None for look in looks[:-1] for pool, then in look.samples.items() if pool not in last and then.total}
    return [_mean(looks, now) for now in [*last.values(), *(replace(empty, pool=pool) for pool in gone)]]


def _mean(looks: Sequence[Look], now: Sample) -> Sample:
    nothing = replace(now, dedicated=NO_USE, spot=NO_USE, nodes=0, spot_nodes=0, jobs=())
    span = (looks[-1].at - looks[0].at).total_seconds()
    dedicated = spot = NO_USE
    jobs: dict[str, float] = {}
    for one, two in pairwise(looks):
        share = (two.at - one.at).total_seconds() / span
        a, b = one.samples.get(now.pool, nothing), two.samples.get(now.pool, nothing)
        early = _early(one, two, now.pool, b.nodes - a.nodes)
        dedicated += _between(a.dedicated, b.dedicated, early) * share
        spot += _between(a.spot, b.spot, early) * share
        for each in (*a.jobs, *b.jobs):
            jobs[each.job] = jobs.get(each.job, 0.0) + each.cores / 2 * share
    kept = tuple(JobCores(job, cores) for job, cores in jobs.items())
    return replace(now, dedicated=dedicated, spot=spot, jobs=kept)


def _early(one: Look, two: Look, pool: str, more: int) -> float:
    """For which part of the time between two looks a pool had the nodes of the first: half where nothing is known."""
    resize = two.resizes.get(pool)
    if not more or resize is None or resize.since is None or not one.at < resize.since <= two.at:
        return 0.5
    moment = (resize.since - one.at) / (two.at - one.at)
    if resize.state == "resizing":  # it began then: before, nothing moved
        return (moment + 1) / 2
    if more > 0:  # it ended then: all had come
        return moment / 2
    return (moment + (-more - 1) * moment / 2) / -more  # the last one went then, the others before


def _between(one: CoreUse, two: CoreUse, early: float) -> CoreUse:
    """The mean of two looks, where nodes that came or went did so after that part of the time.

    What tasks took has nothing to do with it, and neither has why others idled: what is more or less in all is taken
    from the reasons that became more or less themselves.
    """
    mean = (one + two) * 0.5
    less = one.total - two.total
    if early == 0.5 or not less:
        return mean
    before, after, values = asdict(one), asdict(two), asdict(mean)
    moved = {each: before[each] - after[each] for each in IDLE_REASONS if (before[each] - after[each]) * less > 0}
    known = sum(moved.values())
    if abs(known) < abs(less) * WHOLE:  # nodes at work were taken
        moved["busy"] = less - known  # type: ignore[index]
        known = less
    for each, by in moved.items():
        values[each] += (early - 0.5) * by * less / known
    return CoreUse(**{each: max(0.0, value) for each, value in values.items()})
