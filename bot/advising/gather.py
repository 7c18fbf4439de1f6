"""What recommendations are made from: what the monitor keeps, what the store has, and one list of each kind.

What has to be asked of each pool and each job by itself is in :mod:`.each`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from bot.accounting.service import Accounting
from bot.advising.each import Most, jobs_signed, of_pools, own_signatures, widths
from bot.alerting.job_progress import pace_of
from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule, Pool, PoolNodeCounts, SupportedImage, Task, VmSize
from bot.azure.models.price import Prices
from bot.domain.core_use import MOSTLY
from bot.domain.cores import cores_of
from bot.domain.entity import find, fold, schedule_of
from bot.domain.images import end_of_life, image_name
from bot.domain.job_health import pool_of, total
from bot.domain.money.report import spans
from bot.domain.pools import in_state, reading
from bot.domain.price import of_nodes
from bot.domain.recommendations.jobs import QUIET
from bot.domain.recommendations.model import Case, JobStanding, PoolStanding, ScheduleStanding, Spent
from bot.domain.recommendations.runs import WINDOW
from bot.domain.recommendations.signatures import end_of
from bot.domain.states import is_active
from bot.monitor.account_state import AccountState
from bot.monitor.last_seen import last_seen
from bot.reports.pools import job_standing, pool_now
from cards.formatting import plural
from storage.port.store import Store

FRESH = timedelta(minutes=15)
"""How old what the monitor saw last may be to be taken for how things stand."""
_HOUR = 3600
_RUNS = 5000
_UNFINISHED = "state ne 'completed'"
T = TypeVar("T")


class Gathered(Struct, frozen=True):
    """The case, and in words what was not looked at this time."""

    case: Case
    left: tuple[str, ...]


async def gather(source: Account, store: Store, accounting: Accounting, most: Most) -> Gathered:
    """An account as the rules want it; what cannot be read is None in it, and told on the card."""
    pools, jobs, schedules, seen = await asyncio.gather(
        _every("pools", source, Pool, "/pools"),
        _every("unfinished jobs", source, Job, "/jobs", _UNFINISHED),
        _every("schedules", source, JobSchedule, "/jobschedules"),
        _watched(source, store),
    )
    counts, images, sizes, prices = await asyncio.gather(
        gaps.maybe(f"node counts of {source.name}", source.node_counts()),
        gaps.maybe("supported images", source.images()),
        gaps.maybe("VM sizes", source.vm_sizes()),
        source.prices(),
    )
    at = source.now()
    spent = await _spent(source, accounting, seen, at)
    by_name = {fold(each.pool_id): each for each in counts[0]} if counts else {}
    known = _Known(images or (), sizes or {}, prices)
    standing = [_pool(each, by_name.get(fold(each.id)), seen, known) for each in pools or ()]
    counted, unknown, left = await _jobs(source, jobs or (), seen, at, most)
    (standing, *pool_notes), (counted, *job_notes) = await asyncio.gather(
        of_pools(source, standing, sizes or {}, at, most), jobs_signed(source, counted, most)
    )
    standing, unmeasured = await widths(store, source.name, standing, spent, at, most)
    case = Case(
        account=source.name,
        at=at,
        pools=None if pools is None else standing,
        jobs=None if jobs is None else counted,
        schedules=None if schedules is None else [_schedule(each) for each in schedules],
        runs=await store.job_runs(source.name, since=at - WINDOW, limit=_RUNS),
        spent=spent,
        images=images is not None,
        sizes=sizes is not None,
        unknown=frozenset(("zombie jobs", "stuck schedule")) if unknown else frozenset(),
        unread=frozenset().union(unmeasured, *pool_notes, *job_notes),
    )
    return Gathered(case, tuple(left))


class _Known(Struct, frozen=True):
    images: Sequence[SupportedImage]
    sizes: Mapping[str, VmSize]
    prices: Prices


async def _every(what: str, source: Account, kind: type[T], path: str, wanted: str = "") -> list[T] | None:
    """A whole list, a call for each thousand; None, and told on the card, where it cannot be had."""
    found = await gaps.maybe(what, source.every(kind, path, filter=wanted))
    return found[0] if found else None


async def _watched(source: Account, store: Store) -> AccountState:
    """What the monitor knows of the account; nothing where it did not look within :data:`FRESH`."""
    cursors = await store.cursors(source.name)
    if cursors and source.now() - max(each.at for each in cursors) <= FRESH:
        return await last_seen(store, source.name, cursors)
    return AccountState()


async def _spent(source: Account, accounting: Accounting, seen: AccountState, at: datetime) -> Spent | None:
    """What pools cost over the last 7 days, and how they stand; None where nothing watches."""
    if not seen.pools:
        return None
    ledger = await accounting.spend(source.name, at - WINDOW, at, step=_HOUR)
    prices = await source.prices()
    return Spent(
        spans(ledger),
        {fold(name): pool_now(view, prices) for name, view in seen.pools.items()},
        ledger.currency,
        whole=ledger.seen >= MOSTLY,
    )


def _pool(pool: Pool, counts: PoolNodeCounts | None, seen: AccountState, known: _Known) -> PoolStanding:
    facts, view, machine = reading(pool, counts), find(seen.pools, pool.id), pool.virtual_machine_configuration
    image, size = machine.image_reference if machine else None, known.sizes.get(pool.vm_size.lower())
    idle, policy = in_state(facts, "idle") if counts else None, pool.task_scheduling_policy
    return PoolStanding(
        facts=facts,
        image=image_name(image),
        image_ends=end_of_life(image, known.images),
        size_ends=size.eol if size else None,
        signed_until=end_of(pool.start_task.resource_files) if pool.start_task else None,
        idle=idle,
        idle_since=view.idle_since if view else None,
        hourly=of_nodes(known.prices, facts, idle) if idle else None,
        slots=pool.task_slots_per_node,
        packed=policy is not None and policy.node_fill_type.lower() == "pack",
        cores=cores_of(pool.vm_size, known.sizes) or 0,
        used_slots=view.used_slots if view else {},
    )


def _schedule(schedule: JobSchedule) -> ScheduleStanding:
    spec, run = schedule.job_specification, schedule.execution_info
    tasks = (spec.job_manager_task, spec.job_preparation_task, spec.job_release_task) if spec else ()
    auto = spec.pool_info.auto_pool_specification if spec and spec.pool_info else None
    start = auto.pool.start_task if auto and auto.pool else None
    return ScheduleStanding(
        id=schedule.id,
        state=schedule.state,
        state_since=schedule.state_transition_time,
        pool=spec.pool_info.pool_id if spec and spec.pool_info else "",
        next_run=run.next_run_time if run else None,
        signed_until=end_of(file for task in (*tasks, start) if task for file in task.resource_files),
    )


async def _jobs(
    source: Account, jobs: Sequence[Job], seen: AccountState, at: datetime, most: Most
) -> tuple[list[JobStanding], bool, list[str]]:
    """The jobs with their counts, whether some have none, and in words what was left out.

    Counts are the monitor's; where it has none, the oldest active jobs are counted here, a few of them.
    """
    own = {job.id: own_signatures(job) for job in jobs}
    standing = {}
    for job in jobs:
        view = find(seen.jobs, job.id)
        known = replace(job_standing(view), through=pace_of(view).latest) if view else _job(job)
        standing[job.id] = replace(known, signed=own[job.id])
    asked = [each for each in standing.values() if _is_unknown(each, at)]
    asked.sort(key=lambda each: each.created or at)
    counted = await asyncio.gather(*(_counted(source, each, at) for each in asked[: most.jobs]))
    standing |= {each.id: each for each in counted if each}
    unknown = any(_is_unknown(each, at) for each in standing.values())
    more = len(asked) - most.jobs
    left = [f"the tasks of {plural(more, 'further job')}: {most.jobs} are counted at a time"] if more > 0 else []
    return list(standing.values()), unknown, left


def _is_unknown(job: JobStanding, at: datetime) -> bool:
    """Whether it may have nothing to do for long, and was not counted."""
    return job.tasks is None and is_active(job.state) and job.created is not None and at - job.created >= QUIET


def _job(job: Job) -> JobStanding:
    """A job that the monitor does not know."""
    return JobStanding(
        id=job.id, state=job.state, pool=pool_of(job), schedule=schedule_of(job.id), created=job.creation_time
    )


async def _counted(source: Account, job: JobStanding, at: datetime) -> JobStanding | None:
    """A job with its counts, and whether any of its tasks moved lately; None, and told, where these cannot be had."""
    counts = await gaps.maybe(f"the tasks of job {job.id}", source.task_counts(job.id))
    if counts is None:
        return None
    tasks = counts.value.task_counts
    unfinished = tasks.active + tasks.running
    if unfinished:
        return replace(job, tasks=total(tasks), unfinished=unfinished)
    since = at - QUIET
    moved = f"stateTransitionTime ge DateTime'{since:%Y-%m-%dT%H:%M:%SZ}'"
    pages = source.pages(Task, source.tasks(job.id), filter=moved, select="id", page_size=1)
    page = await gaps.maybe(f"the tasks of job {job.id}", anext(pages))
    if page is None:
        return None
    return replace(job, tasks=total(tasks), unfinished=0, quiet_since=None if page.items else since)
