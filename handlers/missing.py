"""Answers to names that do not exist: the nearest ones, each as the command that was wanted."""

from __future__ import annotations

from collections.abc import Iterable

from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule, Node, Pool, Task
from bot.context import Context
from cards.build import refusal
from cards.card import Button, Card
from handlers.common import line, nearest


async def no_pool(ctx: Context, source: Account, name: str, wanted: str) -> Card:
    """There is no such pool; ``wanted`` is the command's path."""
    pools, _ = await source.every(Pool, "/pools", select="id")
    everything = Button("All pools", line(ctx, source, "pool list"))
    return missing(ctx, source, "pool", name, source.name, (pool.id for pool in pools), (wanted,), everything)


async def no_node(ctx: Context, source: Account, pool: str, name: str) -> Card:
    """There is no such node in the pool."""
    nodes, _ = await source.every(Node, source.nodes(pool), select="id")
    everything = Button("All nodes", line(ctx, source, "node list", pool))
    wanted = ("node show", pool)
    return missing(ctx, source, "node", name, f"pool {pool}", (node.id for node in nodes), wanted, everything)


async def no_job(ctx: Context, source: Account, name: str, wanted: str) -> Card:
    """There is no such job; ``wanted`` is the command's path."""
    jobs, _ = await source.every(Job, "/jobs", select="id")
    everything = Button("All jobs", line(ctx, source, "job list"))
    return missing(ctx, source, "job", name, source.name, (job.id for job in jobs), (wanted,), everything)


async def no_task(ctx: Context, source: Account, job: str, name: str) -> Card:
    """There is no such task in the job. Only names that begin alike are read, a thousand at most."""
    start = name[: max(1, len(name) // 2)].replace("'", "''")
    path = source.tasks(job)
    window = await source.window(Task, path, offset=0, limit=1000, select="id", filter=f"startswith(id,'{start}')")
    everything = Button("All tasks", line(ctx, source, "task list", job))
    wanted = ("task show", job)
    return missing(ctx, source, "task", name, f"job {job}", (task.id for task in window.items), wanted, everything)


async def no_schedule(ctx: Context, source: Account, name: str, wanted: str) -> Card:
    """There is no such job schedule; ``wanted`` is the command's path."""
    schedules, _ = await source.every(JobSchedule, "/jobschedules", select="id")
    everything = Button("All schedules", line(ctx, source, "schedule list"))
    known = (schedule.id for schedule in schedules)
    return missing(ctx, source, "job schedule", name, source.name, known, (wanted,), everything)


def missing(
    ctx: Context,
    source: Account,
    kind: str,
    name: str,
    where: str,
    known: Iterable[str],
    wanted: tuple[str, ...],
    everything: Button,
) -> Card:
    """There is no ``kind`` of that name: the nearest of those ``known``, each as the command ``wanted`` about it."""
    near = nearest(name, known)
    return refusal(
        f"There is no {kind} “{name}” in {where}.",
        "Did you mean one of these?" if near else "Nothing there has a name like it.",
        [*(Button(found, line(ctx, source, *wanted, found)) for found in near), everything],
    )
