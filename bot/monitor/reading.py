"""What samples are made of: pools, their node counts, and the tasks of their jobs, as they were read at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct

from bot.azure.models import PoolNodeCounts
from bot.azure.models.watched import PoolState
from bot.domain.core_use import by_job, core_use
from bot.domain.licence import pays_windows
from bot.domain.states import is_active, is_over, with_machine
from bot.monitor.node_changes import tags_of
from bot.monitor.scene import JobView, Scene
from storage.port.samples import Sample, Work


class Tasks(Struct, frozen=True):
    """The tasks of a pool: ``waiting`` is whether any waits, None where an active job was not counted yet.

    ``slots`` are the task slots that each job's running tasks take.
    """

    work: Work
    waiting: bool | None
    slots: Mapping[str, int] = MappingProxyType({})

    @classmethod
    def of(cls, jobs: Iterable[JobView]) -> Tasks:
        """Those of a pool's jobs. What waits in a disabled job would not start whatever nodes there are."""
        jobs = list(jobs)
        active = [job for job in jobs if is_active(job.state)]
        going = [job for job in jobs if not is_over(job.state)]  # the last counts of one that is over may come later
        waiting = sum(job.active or 0 for job in active)
        work = Work(
            waiting,
            sum(job.running for job in going),
            sum(job.succeeded for job in jobs),
            sum(job.failed for job in jobs),
        )
        known = waiting > 0 or all(job.active is not None for job in active)
        slots = {job.id: max(job.running_slots, job.running) for job in going if job.running}
        return cls(work, waiting > 0 if known else None, slots)


class Traits(Struct, frozen=True):
    """What prices and owners go by, of a pool: whether its nodes pay for Windows, and its metadata."""

    windows: bool
    tags: Mapping[str, str]


class Reading(Struct, frozen=True):
    """Pools and their node counts as they were read at ``at``, the service's time; the others are by pool.

    ``tasks`` are there where they were counted.
    """

    pools: list[PoolState]
    counts: list[PoolNodeCounts]
    at: datetime
    traits: Mapping[str, Traits] = MappingProxyType({})
    tasks: Mapping[str, Tasks] = MappingProxyType({})

    @classmethod
    def of_lists(
        cls, pools: list[PoolState], counts: list[PoolNodeCounts], at: datetime, tasks: Mapping[str, Tasks]
    ) -> Reading:
        """The lists themselves."""
        traits = {pool.id: Traits(pays_windows(pool.virtual_machine_configuration), tags_of(pool)) for pool in pools}
        return cls(pools, counts, at, traits, tasks)

    @classmethod
    def of(cls, scene: Scene) -> Reading | None:
        """What a poll has read; None where it did not read all of it."""
        if not {"pools", "nodes"} <= scene.read:
            return None
        views = scene.pools.values()
        return cls(
            [
                PoolState(
                    id=view.id,
                    state=view.state,
                    creation_time=view.created,
                    vm_size=view.vm_size,
                    allocation_state=view.allocation,
                    allocation_state_transition_time=view.allocation_since,
                    task_slots_per_node=view.slots,
                )
                for view in views
            ],
            [PoolNodeCounts(view.id, *view.counts) for view in views],
            scene.at,
            {view.id: Traits(view.windows, view.tags) for view in views},
            {view.id: Tasks.of(scene.jobs_in(view.id)) for view in views},
        )


def sample_of(
    account: str,
    pool: str,
    reading: Reading,
    seconds: float,
    count: PoolNodeCounts,
    cores: int,
    busy: tuple[float, float],
) -> Sample:
    """A pool whose nodes have so many cores; ``busy`` are its nodes at work, dedicated and spot."""
    tasks = reading.tasks.get(pool)
    waiting = tasks.waiting if tasks else None
    dedicated = core_use(count.dedicated, cores, busy[0], waiting)
    spot = core_use(count.low_priority, cores, busy[1], waiting)
    kept, lent = with_machine(count.dedicated), with_machine(count.low_priority)
    jobs = by_job(dedicated.busy + spot.busy, tasks.slots) if tasks else ()
    work = tasks.work if tasks else None
    return Sample(account, pool, reading.at, seconds, dedicated, spot, kept + lent, lent, work, jobs)
