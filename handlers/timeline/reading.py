"""What timelines are read from: tasks with all their moments, nodes with their boots, preparations of a job."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Node, PreparationStatus, select_of
from bot.azure.models.task import TaskMoments
from bot.domain.entity import fold
from bot.domain.task_timeline.moments import NodeFacts, node_facts
from bot.domain.trends.boots import LONGEST_BOOT
from bot.requests.context import Context

MOST_TASKS = 10_000
"""Tasks that are read: ten calls."""
_NODE = "id,state,allocationTime,lastBootTime,startTaskInfo"
T = TypeVar("T")


class TasksRead(Struct, frozen=True):
    """Tasks of a job, whether there are more of them, and the service's time when the last of them were read."""

    tasks: list[TaskMoments]
    more: bool
    at: datetime


async def tasks_of(source: Account, job: str, most: int = MOST_TASKS) -> TasksRead:
    """The first tasks of a job, a call for each thousand."""
    tasks: list[TaskMoments] = []
    async for page in source.pages(TaskMoments, source.tasks(job), select=select_of(TaskMoments), expand="stats"):
        tasks += page.items
        if len(tasks) >= most:
            return TasksRead(tasks[:most], page.next is not None or len(tasks) > most, page.at)
    return TasksRead(tasks, False, source.now())


async def nodes_of(
    ctx: Context, source: Account, pool: str, since: datetime, until: datetime, node: str = ""
) -> list[NodeFacts]:
    """The nodes of a pool (or the one) as they are, and boots that were kept of others, allocated in that time."""
    if not pool:
        return []
    path = source.node(pool, node) if node else source.nodes(pool)
    what = f"node {node}" if node else f"nodes of pool {pool}"
    read = _one(source, path) if node else _every(source, path)
    there = await gaps.maybe(what, _or_none(read)) or []
    boots = await ctx.store.node_boots(source.name, since - LONGEST_BOOT, until, pool=pool)
    return node_facts(there, [boot for boot in boots if not node or fold(boot.node) == fold(node)])


async def preparations_of(source: Account, job: str, until: datetime) -> dict[str, tuple[float, float]]:
    """When the preparation of a job ran, by node; until now where it goes on."""
    path = f"{source.job(job)}/jobpreparationandreleasetaskstatus"
    read = await gaps.maybe(f"preparation of job {job}", _or_none(source.every(PreparationStatus, path)))
    found = {}
    for each in read[0] if read else ():
        run = each.job_preparation_task_execution_info
        if run and run.start_time:
            found[fold(each.node_id)] = (run.start_time.timestamp(), (run.end_time or until).timestamp())
    return found


async def _every(source: Account, path: str) -> list[Node]:
    return (await source.every(Node, path, select=_NODE))[0]


async def _one(source: Account, path: str) -> list[Node]:
    return [(await source.fetch(Node, path, select=_NODE)).value]


async def _or_none(read: Awaitable[T]) -> T | None:
    """None for what is gone, or was never there (409: the job has no preparation)."""
    try:
        return await read
    except AzureError as error:
        if error.not_found or error.status == 409:
            return None
        raise
