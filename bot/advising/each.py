"""What has to be asked of each pool and each job by itself: a few of them for a card, many in the background.

Of what was left out this time nothing is said to be over; it keeps what was found of it before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, Node, Task, VmSize, duration
from bot.azure.models.task import OutputFile
from bot.domain.entity import Entity, fold
from bot.domain.pools import has
from bot.domain.recommendations.model import (
    JobStanding,
    NodesStanding,
    Output,
    PoolStanding,
    Signed,
    Spent,
    Width,
)
from bot.domain.recommendations.nodes import is_suspect
from bot.domain.recommendations.runs import WINDOW
from bot.domain.recommendations.signatures import earliest, end_of
from bot.domain.signature import valid_until
from bot.domain.states import is_active, is_over
from bot.monitor.file_ends import GONE
from storage.port.samples import SampleStore

Unread: TypeAlias = frozenset[Entity]


class Most(Struct, frozen=True):
    """How many are asked at one go: ``pools`` for their nodes, ``jobs`` for their tasks, ``outputs`` for what tasks
    left on a node, ``widths`` for how wide they were."""

    pools: int
    jobs: int
    outputs: int
    widths: int


FEW = Most(pools=5, jobs=5, outputs=1, widths=5)
"""For an answer that somebody waits for."""
DEEP = Most(pools=100, jobs=100, outputs=10, widths=40)
"""By the hour, in the background."""
_AT_ONCE = 4
_NODES = "id,state,errors,totalTasksRun,allocationTime,nodeAgentInfo"
_WAITING = 100
"""Tasks of a job that wait, of which the signatures are looked at."""
_STEP = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
_BUSY = 0.75
"""A pool that was busy for so much of its core-hours is not too wide."""
_GB = 1024**3


async def of_pools(
    source: Account, pools: Sequence[PoolStanding], sizes: Mapping[str, VmSize], at: datetime, most: Most
) -> tuple[list[PoolStanding], Unread]:
    """The pools with what their nodes tell, those with most nodes first, and which were not asked."""
    wanted = sorted(
        (each for each in pools if is_active(each.facts.state) and has(each.facts)),
        key=lambda each: (-has(each.facts), each.facts.id),
    )
    gate = asyncio.Semaphore(_AT_ONCE)
    asked = await asyncio.gather(*(_nodes(source, each, at, gate) for each in wanted[: most.pools]))
    known = {fold(each.facts.id): each for each in asked if each}
    suspects = sorted((each for each in known.values() if is_suspect(each)), key=_pressing)
    examined = await asyncio.gather(*(_output(source, each, sizes, gate) for each in suspects[: most.outputs]))
    found = known | {fold(each.facts.id): each for each in examined}
    left = {Entity("pool", each.facts.id) for each in wanted if fold(each.facts.id) not in known}
    left |= {Entity("pool", each.facts.id) for each in suspects[most.outputs :]}
    return [found.get(fold(each.facts.id), each) for each in pools], frozenset(left)


def _pressing(pool: PoolStanding) -> tuple[int, int, str]:
    """Full disks first, then what ran most tasks."""
    assert pool.nodes is not None  # noqa: S101 - only such are suspects
    return -len(pool.nodes.full), -pool.nodes.ran, pool.facts.id


async def _nodes(source: Account, pool: PoolStanding, at: datetime, gate: asyncio.Semaphore) -> PoolStanding | None:
    name = pool.facts.id
    async with gate:
        pages = source.pages(Node, source.nodes(name), select=_NODES)
        page = await gaps.maybe(f"the nodes of pool {name}", anext(pages))
    return replace(pool, nodes=nodes_standing(page.items, at)) if page else None


def nodes_standing(nodes: Iterable[Node], at: datetime) -> NodesStanding:
    """What nodes tell of themselves, counted."""
    nodes = list(nodes)
    agents: dict[str, int] = {}
    for each in nodes:
        if each.node_agent_info and each.node_agent_info.version:
            agents[each.node_agent_info.version] = agents.get(each.node_agent_info.version, 0) + 1
    updates = [each.node_agent_info.last_update_time for each in nodes if each.node_agent_info]
    return NodesStanding(
        read=len(nodes),
        agents=agents,
        agent_since=earliest(*updates),
        full=tuple(each.id for each in nodes if any(error.code.lower() == "diskfull" for error in each.errors)),
        tasks_a_day=max((_a_day(each, at) for each in nodes), default=0.0),
        ran=max((each.total_tasks_run for each in nodes), default=0),
    )


def _a_day(node: Node, at: datetime) -> float:
    """Tasks that a node ran a day; of one that is younger than an hour nothing can be said."""
    age = at - node.allocation_time if node.allocation_time else timedelta()
    return node.total_tasks_run / (age / timedelta(days=1)) if age >= _HOUR else 0.0


async def _output(
    source: Account, pool: PoolStanding, sizes: Mapping[str, VmSize], gate: asyncio.Semaphore
) -> PoolStanding:
    """A pool with what its last task that is over left on the node; without where that cannot be had."""
    async with gate:
        try:
            left = await _left_behind(source, pool)
        except StopAsyncIteration:
            return pool
        except AzureError as error:
            if not error.not_found and error.code.lower() not in GONE:  # files go with their time and their node
                gaps.missed(f"what tasks leave on nodes of pool {pool.facts.id}", error)
            return pool
    size = sizes.get(pool.facts.vm_size.lower())
    disk = round(size.disk_gb * _GB) if size else 0
    return replace(pool, output=replace(left, disk=disk)) if left else pool


async def _left_behind(source: Account, pool: PoolStanding) -> Output | None:
    name = pool.facts.id
    asked = source.pages(
        Node, source.nodes(name), filter="state eq 'running' or state eq 'idle'", select="id,recentTasks", page_size=10
    )
    page = await anext(asked)
    ended = [
        (each.execution_info.end_time, each.job_id, each.task_id)
        for node in page.items
        for each in node.recent_tasks
        if is_over(each.task_state) and not each.subtask_id and each.execution_info and each.execution_info.end_time
    ]
    if not ended:
        return None
    _, job, task = max(ended)
    path = source.task(job, task)
    found = (await source.fetch(Task, path, select="id,constraints")).value
    kept = duration(found.constraints.retention_time) if found.constraints else None
    if kept is None:
        return None
    listed = await source.files(path).names(recursive=True)
    return Output(job=job, task=task, size=sum(each.size or 0 for each in listed.files), kept=kept)


def own_signatures(job: Job) -> Signed:
    """What a job's own tasks are signed with."""
    tasks = (job.job_manager_task, job.job_preparation_task, job.job_release_task)
    ends = earliest(*(end_of(each.resource_files) for each in tasks if each))
    outputs = job.job_manager_task.output_files if job.job_manager_task else ()
    return Signed(until=earliest(ends, _uploads(outputs)))


def _uploads(files: Iterable[OutputFile]) -> datetime | None:
    targets = [each.destination.container for each in files if each.destination and each.destination.container]
    return valid_until(*(each.container_url for each in targets))


async def jobs_signed(source: Account, jobs: Sequence[JobStanding], most: Most) -> tuple[list[JobStanding], Unread]:
    """The jobs with what their waiting tasks are signed with, those with most work first, and which were not asked."""
    wanted = sorted(
        (each for each in jobs if is_active(each.state) and each.unfinished != 0),
        key=lambda each: (-(each.unfinished or 0), each.id),
    )
    gate = asyncio.Semaphore(_AT_ONCE)
    asked = await asyncio.gather(*(_signed(source, each, gate) for each in wanted[: most.jobs]))
    known = {fold(each.id): each for each in asked if each}
    left = {Entity("job", each.id) for each in wanted if fold(each.id) not in known}
    return [known.get(fold(each.id), each) for each in jobs], frozenset(left)


async def _signed(source: Account, job: JobStanding, gate: asyncio.Semaphore) -> JobStanding | None:
    async with gate:
        pages = source.pages(
            Task, source.tasks(job.id), filter="state eq 'active'", select="id,resourceFiles,outputFiles",
            page_size=_WAITING,
        )  # fmt: skip
        page = await gaps.maybe(f"the waiting tasks of job {job.id}", anext(pages))
    return replace(job, signed=signed(page.items, job.signed)) if page else None


def signed(tasks: Sequence[Task], own: Signed | None = None) -> Signed:
    """What tasks that wait are signed with, beside what their job's own are."""
    ends = [
        (end, each.id) for each in tasks if (end := earliest(end_of(each.resource_files), _uploads(each.output_files)))
    ]
    until, task = min(ends, default=(None, ""))
    mine = own.until if own else None
    if until is None or (mine is not None and mine < until):
        return Signed(until=mine, read=len(tasks))
    ending = sum(end <= until + _HOUR for end, _ in ends)
    return Signed(until=until, task=task, ending=ending, read=len(tasks))


async def widths(
    store: SampleStore, account: str, pools: Sequence[PoolStanding], spent: Spent | None, at: datetime, most: Most
) -> tuple[list[PoolStanding], Unread]:
    """The pools with how wide they were, the dearest first that may be too wide, and which were not measured."""
    spans = {fold(each.pool): each for each in spent.spans} if spent else {}
    wanted = []
    for pool in pools:
        span = spans.get(fold(pool.facts.id))
        if span is None or not pool.cores or not has(pool.facts):
            continue
        hours = span.spend.core_hours
        if 0 < hours.busy < _BUSY * hours.total:
            wanted.append((-span.money, -hours.total, pool.facts.id))
    wanted.sort()
    until = at.replace(second=0, microsecond=0, minute=at.minute - at.minute % 5)
    found: dict[str, Width] = {}
    for _, _, name in wanted[: most.widths]:
        step = round(_STEP.total_seconds())
        buckets = await store.usage(account, name, until - WINDOW, until, step)
        seconds = sum(each.seconds for each in buckets)
        if not seconds:
            continue
        found[fold(name)] = Width(
            most=max(each.total / each.seconds for each in buckets if each.seconds),
            mean=sum(each.total for each in buckets) / seconds,
            used=max(each.busy / each.seconds for each in buckets if each.seconds),
            seen=seconds / WINDOW.total_seconds(),
        )
    left = {Entity("pool", name) for _, _, name in wanted[most.widths :]}
    return [replace(each, width=found.get(fold(each.facts.id))) for each in pools], frozenset(left)
