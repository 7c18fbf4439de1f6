"""What trends are made of: what the bot kept, and what the service still has of jobs that ended before it watched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models.watched import JobState, NodeTimes, PoolState, TaskTimes
from bot.domain.entity import same_id, schedule_of
from bot.domain.trends.period import Period
from bot.domain.trends.runs import merged
from bot.domain.trends.times import boots_of, with_tasks
from bot.requests.context import Context
from cards.formatting import number, plural
from storage.port.monitoring import TransitionCount
from storage.port.samples import Bucket
from storage.port.timings import JobTimes, NodeBoot

COUNTED = 30
"""Jobs that only the service knows whose tasks are counted, the newest: a call each."""
TIMED = 10
"""Those of them whose tasks' times are read: a call and up to a thousand tasks each."""
POOLS = 5
"""Pools whose nodes are read where no boot was kept, those with most nodes."""
_SELECT = "id,state,stateTransitionTime,creationTime,executionInfo"


class Gathered(Struct, frozen=True):
    """What is known of a period and the one before. ``watched`` is since when jobs are watched, None for not at all."""

    at: datetime
    watched: datetime | None
    jobs: list[JobTimes]
    boots: list[NodeBoot]
    counts: list[TransitionCount]
    usage: list[Bucket]
    notes: tuple[str, ...] = ()


async def gather(ctx: Context, source: Account, period: Period, pool: str | None) -> Gathered:
    """Everything of a period and the one before; of one pool, where it is given."""
    since, until = period.before.since, period.until
    store, name = ctx.store, source.name
    cursors = await store.cursors(name)
    watched = next((each.at for each in cursors if each.stream == "baseline"), None)
    kept, boots = await store.job_times(name, since, until), await store.node_boots(name, since, until, pool=pool)
    counts = await store.transition_counts(name, since, until, "node")
    step = int(min(period.step.total_seconds(), 21600))
    usage = await store.usage(name, pool, since, until, step)
    jobs, notes = kept, list[str]()
    if watched is None or watched > since:
        earlier, notes = await _earlier(source, kept, since, min(watched or until, until))
        jobs = merged(kept, earlier)
    if not boots:
        boots = await _boots(source, pool, since)
    if pool:
        jobs = [job for job in jobs if same_id(job.pool, pool)]
    return Gathered(source.now(), watched, jobs, boots, counts, usage, tuple(notes))


async def _earlier(
    source: Account, kept: Sequence[JobTimes], since: datetime, until: datetime
) -> tuple[list[JobTimes], list[str]]:
    """Jobs that ended before they were watched, as far as the service still has them: one page of them."""
    begin = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = f"state eq 'completed' and stateTransitionTime ge DateTime'{begin}'"
    try:
        pages: Any = source.pages(JobState, "/jobs", filter=wanted, select=_SELECT)
        async with aclosing(pages):
            page = await anext(pages)
        rows, more = page.items, page.next is not None
        read = [each for row in rows if (each := _job(source.name, row)) and each.ended < until]
        found = await filled(source, merged(kept, read), kept)
    except AzureError as error:
        return [], [f"Earlier jobs could not be read from Batch: {error.code}."]
    if not read:
        return [], []
    note = f"{plural(len(read), 'job')} from before the bot watched {'is' if len(read) == 1 else 'are'} read from Batch"
    if more:
        note += ", which has more"
    return found, [f"{note}; of the {number(TIMED)} newest the times of tasks too."]


async def _boots(source: Account, pool: str | None, since: datetime) -> list[NodeBoot]:
    """The boots of the nodes that there are; none where they cannot be read, for the rest does not depend on it."""
    try:
        select = "id,vmSize,currentDedicatedNodes,currentLowPriorityNodes"
        pools, _ = await source.every(PoolState, "/pools", select=select)
        wanted = [each for each in pools if each.current_dedicated_nodes + each.current_low_priority_nodes]
        wanted = [each for each in wanted if pool is None or same_id(each.id, pool)]
        wanted.sort(key=lambda each: -(each.current_dedicated_nodes + each.current_low_priority_nodes))
        nodes = await asyncio.gather(*(_nodes(source, each.id) for each in wanted[:POOLS]))
    except AzureError:
        return []
    return [
        boot
        for each, rows in zip(wanted[:POOLS], nodes, strict=True)
        for boot in boots_of(source.name, each.id, each.vm_size, rows, since)
    ]


async def _nodes(source: Account, pool: str) -> list[NodeTimes]:
    select = "id,vmSize,isDedicated,allocationTime,lastBootTime"
    return (await source.every(NodeTimes, source.nodes(pool), select=select))[0]


async def schedule_runs(ctx: Context, source: Account, schedule: str, most: int) -> tuple[list[JobTimes], list[str]]:
    """The newest runs of a schedule that have ended, and those (newest first) that go on. Raises AzureError."""
    at = source.now()
    kept = await ctx.store.job_times(source.name, datetime(2000, 1, 1, tzinfo=UTC), at, schedule=schedule, limit=most)
    try:
        rows, _ = await source.every(JobState, source.schedule_jobs(schedule), select=_SELECT)
    except AzureError as error:
        if not error.not_found or not kept:
            raise
        rows = []
    read = [each for row in rows if row.state.lower() == "completed" and (each := _job(source.name, row))]
    going = sorted((row.id for row in rows if row.state.lower() != "completed"), reverse=True)
    runs = merged(kept, [replace(each, schedule=schedule) for each in read])[:most]
    return await filled(source, runs, kept, counted=most, timed=most), going


async def filled(
    source: Account, jobs: Sequence[JobTimes], kept: Sequence[JobTimes], *, counted: int = COUNTED, timed: int = TIMED
) -> list[JobTimes]:
    """The jobs with what the service says of the tasks of the newest of those that are not ``kept``."""
    known = {(job.job, job.ended) for job in kept}
    new = [job for job in jobs if (job.job, job.ended) not in known]
    counts = await asyncio.gather(*(_counts(source, job) for job in new[:counted]))
    times = await asyncio.gather(*(_times(source, job) for job in counts[:timed]))
    better = {(job.job, job.ended): job for job in [*counts, *times]}
    return [better.get((job.job, job.ended), job) for job in jobs]


async def _counts(source: Account, job: JobTimes) -> JobTimes:
    try:
        counts = (await source.task_counts(job.job)).value.task_counts
    except AzureError:  # it is gone since, or cannot be read: its tasks are not known
        return job
    return replace(job, tasks=counts.active + counts.running + counts.completed, failed=counts.failed)


async def _times(source: Account, job: JobTimes) -> JobTimes:
    """With the times of up to a thousand of its tasks."""
    try:
        pages: Any = source.pages(TaskTimes, source.tasks(job.job), select="creationTime,executionInfo")
        async with aclosing(pages):
            page = await anext(pages)
    except AzureError:
        return job
    return with_tasks(job, page.items)


def _job(account: str, row: JobState) -> JobTimes | None:
    """A job of the service that has ended; nothing of its tasks is known."""
    run = row.execution_info
    ended = run.end_time or row.state_transition_time
    started = run.start_time or row.creation_time or ended
    if ended is None or started is None:
        return None
    return JobTimes(
        account=account, job=row.id, started=started, ended=ended, schedule=schedule_of(row.id), pool=run.pool_id
    )
