"""What trends are made of: what the bot kept, and what the service still has of jobs that ended before it watched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models.watched import JobState, NodeTimes, PoolState
from bot.domain.entity import same_id
from bot.domain.trends.boots import boots_of
from bot.domain.trends.period import Period
from bot.receipts.keeper import KEPT_SINCE
from bot.receipts.listed import JOB_TIMES, runs_of, unkept
from bot.receipts.reader import ReceiptReader
from bot.requests.context import Context
from cards.formatting import number, plural
from storage.port.monitoring import TransitionCount
from storage.port.runs import JobRun
from storage.port.samples import Bucket
from storage.port.timings import NodeBoot

COUNTED = 30
"""Jobs that only the service knows whose tasks are counted, the newest: a call each."""
TIMED = 10
"""Those of them whose tasks are read; what they came to is kept then."""
_MOST = 10_000
POOLS = 5
"""Pools whose nodes are read where no boot was kept, those with most nodes."""


class Gathered(Struct, frozen=True):
    """What is known of a period and the one before. ``watched`` is since when jobs that end are kept, or None."""

    at: datetime
    watched: datetime | None
    jobs: list[JobRun]
    boots: list[NodeBoot]
    counts: list[TransitionCount]
    usage: list[Bucket]
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> datetime | None:
        """From when on jobs are known: since they are kept, or the first one before that; None where none is."""
        return min([*(job.ended for job in self.jobs), *filter(None, [self.watched])], default=None)


async def gather(ctx: Context, source: Account, period: Period, pool: str | None) -> Gathered:
    """Everything of a period and the one before; of one pool, where it is given."""
    since, until = period.before.since, period.until
    store, name = ctx.store, source.name
    cursors = await store.cursors(name)
    watched = next((each.at for each in cursors if each.stream == KEPT_SINCE), None)
    jobs = await store.job_runs(name, since=since, until=until, limit=_MOST)
    boots = await store.node_boots(name, since, until, pool=pool)
    counts = await store.transition_counts(name, since, until, "node")
    usage = await _usage(ctx, source, period, pool)
    notes = list[str]()
    if watched is None or watched > since:
        jobs, notes = await _earlier(ctx, source, jobs, since, min(watched or until, until))
    if not boots:
        boots = await _boots(source, pool, since)
    if pool:
        jobs = [job for job in jobs if same_id(job.pool, pool)]
    return Gathered(source.now(), watched, jobs, boots, counts, usage, tuple(notes))


async def narrowed(ctx: Context, source: Account, gathered: Gathered, period: Period, pool: str | None) -> Gathered:
    """The same for a shorter period that ends within the same hour."""
    return replace(gathered, usage=await _usage(ctx, source, period, pool))


async def _usage(ctx: Context, source: Account, period: Period, pool: str | None) -> list[Bucket]:
    step = int(period.fine.total_seconds())
    return await ctx.store.usage(source.name, pool, period.before.since, period.until, step)


async def _earlier(
    ctx: Context, source: Account, kept: Sequence[JobRun], since: datetime, until: datetime
) -> tuple[list[JobRun], list[str]]:
    """Also the jobs that ended before they were kept, as far as the service still has them: one page of them."""
    begin = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = f"state eq 'completed' and stateTransitionTime ge DateTime'{begin}'"
    try:
        pages: Any = source.pages(JobState, "/jobs", filter=wanted, select=JOB_TIMES)
        async with aclosing(pages):
            page = await anext(pages)
    except AzureError as error:
        gaps.note("jobs from before the bot watched", gaps.reason(error))
        return list(kept), []
    listed = [run for run in runs_of(source.name, page.items) if since <= run.ended < until]
    new = unkept(kept, listed)
    if not new:
        return list(kept), []
    found = await ReceiptReader(ctx.store, ctx.accounting).completed(source, new, most=TIMED, counted=COUNTED)
    note = f"{plural(len(new), 'job')} from before the bot watched {'is' if len(new) == 1 else 'are'} read from Batch"
    if page.next is not None:
        note += ", which has more"
    return [*kept, *found], [f"{note}; of the {number(TIMED)} newest the times of tasks too."]


async def _boots(source: Account, pool: str | None, since: datetime) -> list[NodeBoot]:
    """The boots of the nodes that there are; none where they cannot be read, for the rest does not depend on it."""
    try:
        select = "id,vmSize,currentDedicatedNodes,currentLowPriorityNodes"
        pools, _ = await source.every(PoolState, "/pools", select=select)
        wanted = [each for each in pools if each.current_dedicated_nodes + each.current_low_priority_nodes]
        wanted = [each for each in wanted if pool is None or same_id(each.id, pool)]
        wanted.sort(key=lambda each: -(each.current_dedicated_nodes + each.current_low_priority_nodes))
        nodes = await asyncio.gather(*(_nodes(source, each.id) for each in wanted[:POOLS]))
    except AzureError as error:
        gaps.note("how long nodes took to boot", gaps.reason(error))
        return []
    return [
        boot
        for each, rows in zip(wanted[:POOLS], nodes, strict=True)
        for boot in boots_of(source.name, each.id, each.vm_size, rows, since)
    ]


async def _nodes(source: Account, pool: str) -> list[NodeTimes]:
    select = "id,vmSize,isDedicated,allocationTime,lastBootTime"
    found = await gaps.maybe(f"boots of pool {pool}", source.every(NodeTimes, source.nodes(pool), select=select))
    return found[0] if found else []
