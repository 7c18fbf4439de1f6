"""What is read of a pool to say why it does not do its work."""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.azure import gaps
from bot.azure.errors import AzureError
from bot.azure.models import BatchAccountResource, Job, Node, Pool, PoolNodeCounts
from bot.domain.cores import cores_of
from bot.domain.diagnosis.nodes import may_have_printed
from bot.domain.diagnosis.pools import Holder, PoolCase, Room, short_of_cores
from bot.domain.entity import Entity
from bot.domain.headroom import headroom
from bot.domain.pool_health import fell_short, is_steady, rests
from bot.domain.pools import bad, coming, counted, has, in_state, reading, wanted
from bot.domain.quota import Quota, quotas_of, used_by
from bot.domain.states import is_active
from bot.monitor.file_ends import START
from bot.requests.context import Context
from handlers.shared.capacity import SELECT
from handlers.shared.common import sizes_of
from handlers.why.deeds import deed
from handlers.why.kept import kept_start_line
from handlers.why.reads import Reads

_HOLDERS = 3
_JOBS = 3
"""Jobs of a pool whose tasks are counted."""
_OUTPUT = 4
"""Calls that it may take to read what a start task printed."""
_CORES = 2
"""Calls that it takes to say who holds the cores."""


async def counts_of(reads: Reads, pool: str) -> PoolNodeCounts | None:
    """A pool's nodes by state."""
    named = pool.replace("'", "''")
    found = await reads.page(
        "its nodes by state", PoolNodeCounts, "/nodecounts", filter=f"poolId eq '{named}'", size=10
    )
    return found[0] if found else None


async def case_of(
    ctx: Context,
    reads: Reads,
    found: Pool,
    counts: PoolNodeCounts | None,
    at: datetime,
    *,
    waiting: int | None = None,
    idle: datetime | None = None,
    keep: int = 0,
) -> PoolCase:
    """A pool with what its troubles need to be told apart; ``keep`` calls are left for others.

    ``waiting`` and ``idle`` are what :func:`waiting_for` and :func:`idle_since` gave, where they were asked.
    """
    facts = reading(found, counts)
    held = bad(facts) + coming(facts) + in_state(facts, "leavingpool")
    nodes = None
    if is_active(found.state) and has(facts) and (held or not counted(facts)) and reads.left > keep:
        nodes = await reads.idle_nodes(found.id)
    elif counted(facts):
        nodes = ()
    room = None
    if (short := short_of_cores(found)) and reads.left >= keep + _CORES:
        room = await _room(reads, found, short, at)
    failed = next((each for each in nodes or () if _printed_why(each)), None)
    printed = {}
    if failed and reads.left >= keep + _OUTPUT:
        files = reads.source.files(reads.source.node(found.id, failed.id))
        said = await reads.printed("the output of its start task", files, START)
        said = said or await kept_start_line(ctx, reads, found.id, failed)
        printed = {failed.id: said} if said else {}
    since = found.allocation_state_transition_time
    return PoolCase(
        pool=found,
        at=at,
        counts=counts,
        nodes=nodes,
        waiting=waiting,
        room=room,
        printed=printed,
        stopped=await deed(ctx, reads.source, ("pool stop-resize",), (found.id,), since),
        resized=await deed(ctx, reads.source, ("pool resize",), (found.id,), since),
        idle_since=idle,
    )


def _printed_why(node: Node) -> bool:
    """Whether a node's start task failed, and may have printed why."""
    return node.state.lower() == "starttaskfailed" and may_have_printed(node.start_task_info)


async def idle_since(ctx: Context, reads: Reads, found: Pool, counts: PoolNodeCounts | None) -> datetime | None:
    """Since when a pool's nodes are idle; None where some work, are on their way, or it is not known.

    By the nodes themselves, or as an open alert says, which it must not contradict: a task of some seconds may have
    run since then.
    """
    if not rests(reading(found, counts)):
        return None
    about, told = Entity("pool", found.id), ctx.alerts.incidents.open(reads.source.name) if ctx.alerts else ()
    known = [each.since for each in told if each.kind == "pool.idle" and each.entity == about]
    nodes = await reads.page(
        "since when its nodes are idle",
        Node,
        reads.source.nodes(found.id),
        filter="state eq 'idle'",
        select="id,state,stateTransitionTime",
    )
    times = [each.state_transition_time for each in nodes or () if each.state_transition_time]
    return min([*known, *([max(times)] if times else [])], default=None)


async def waiting_for(reads: Reads, found: Pool) -> int | None:
    """The tasks that wait for nodes of a pool that has none and wants none; None where that does not matter."""
    facts = reading(found)
    if has(facts) or wanted(facts) or not is_steady(facts) or not is_active(found.state) or fell_short(facts):
        return None
    named = found.id.replace("'", "''")
    jobs = await reads.page(
        "its active jobs",
        Job,
        "/jobs",
        filter=f"state eq 'active' and executionInfo/poolId eq '{named}'",
        select="id",
        size=_JOBS,
    )
    asked = [job.id for job in jobs or () if reads.take(f"tasks of job {job.id}")]
    told = await asyncio.gather(
        *(reads.unless_missed(f"task counts of job {job}", reads.source.task_counts(job)) for job in asked)
    )
    return sum(each.value.task_counts.active for each in told if each)


async def _room(reads: Reads, found: Pool, short: str, at: datetime) -> Room | None:
    """How full the quota of cores is that a resize ran into with the error ``short``, and who holds most of it."""
    source = reads.source
    if not reads.take("quotas", _CORES):
        return None
    resource, pools, sizes = await asyncio.gather(
        _resource(reads),
        gaps.maybe("pools", source.every(Pool, "/pools", select=SELECT)),
        sizes_of(source),
    )
    if resource is None or pools is None:
        return None
    reads.looked.append("who holds the cores")
    every = [reading(pool) for pool in pools[0]]
    used = used_by(every, sizes, None)
    size = sizes.get(found.vm_size.lower())
    code = short.lower()
    spot = "lowpriority" in code or "spot" in code
    family = "series" in code or "family" in code
    fits = headroom(size, resource.properties, used, spot=spot) if size else None
    quota: Quota | None = None
    if size is not None and family:
        known = quotas_of(resource.properties, used)
        quota = next((each for each in known if each.family.lower() == size.family.lower()), None)
    elif size is not None:
        kind = "spot" if spot else "dedicated"
        known = quotas_of(resource.properties, used)
        quota = next((each for each in known if each.kind == kind), None) or (fits.quota if fits else None)
    if quota is None:
        return None
    holders = []
    for pool in every:
        of_size = sizes.get(pool.vm_size.lower())
        alike = not quota.family or (of_size is not None and of_size.family.lower() == quota.family.lower())
        cores = (cores_of(pool.vm_size, sizes) or 0) * (pool.spot if spot else pool.dedicated)
        if alike and cores:
            holders.append(Holder(pool.id, cores))
    holders.sort(key=lambda each: (-each.cores, each.pool))
    more = (fits.nodes or 0) if fits else 0
    return Room(quota.what, quota.used, quota.limit, tuple(holders[:_HOLDERS]), at, short, more, spot)


async def _resource(reads: Reads) -> BatchAccountResource | None:
    """The account's quotas; None where Resource Manager cannot be asked."""
    try:
        return (await reads.source.resource()).value
    except AzureError as error:
        gaps.missed("quotas", error)
        return None
