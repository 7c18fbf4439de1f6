"""Answers to names that do not exist: the nearest ones, each as the command that was wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, JobSchedule, Node, Pool, Task
from bot.requests.command import Instead
from bot.requests.context import Context
from cards.build import refusal
from cards.card import Button, Card
from handlers.shared.common import line, nearest


async def no_pool(ctx: Context, source: Account, name: str, wanted: str) -> Card:
    """There is no such pool; ``wanted`` is the command's path."""
    pools, _ = await source.every(Pool, "/pools", select="id")
    everything = Button("All pools", line(ctx, source, "pool list"))
    known = (pool.id for pool in pools)
    history = await _history(ctx, source, "pool", name)
    return missing(ctx, source, "pool", name, source.name, known, (wanted,), everything, history)


async def no_node(ctx: Context, source: Account, pool: str, name: str) -> Card:
    """There is no such node in the pool."""
    nodes, _ = await source.every(Node, source.nodes(pool), select="id")
    everything = Button("All nodes", line(ctx, source, "node list", pool))
    wanted = ("node show", pool)
    history = await _history(ctx, source, "node", name, pool)
    return missing(ctx, source, "node", name, f"pool {pool}", (node.id for node in nodes), wanted, everything, history)


async def no_job(ctx: Context, source: Account, name: str, wanted: str) -> Card:
    """There is no such job; ``wanted`` is the command's path."""
    jobs, _ = await source.every(Job, "/jobs", select="id")
    everything = Button("All jobs", line(ctx, source, "job list"))
    history = await _history(ctx, source, "job", name)
    return missing(ctx, source, "job", name, source.name, (job.id for job in jobs), (wanted,), everything, history)


async def no_task(ctx: Context, source: Account, job: str, name: str) -> Card:
    """There is no such task in the job. Only names that begin alike are read, a thousand at most."""
    start = name[: max(1, len(name) // 2)].replace("'", "''")
    path = source.tasks(job)
    window = await source.window(Task, path, offset=0, limit=1000, select="id", filter=f"startswith(id,'{start}')")
    everything = Button("All tasks", line(ctx, source, "task list", job))
    wanted = ("task show", job)
    known = (task.id for task in window.items)
    history = await _history(ctx, source, "task", name, job)
    return missing(ctx, source, "task", name, f"job {job}", known, wanted, everything, history)


async def no_schedule(ctx: Context, source: Account, name: str, wanted: str) -> Card:
    """There is no such job schedule; ``wanted`` is the command's path."""
    schedules, _ = await source.every(JobSchedule, "/jobschedules", select="id")
    everything = Button("All schedules", line(ctx, source, "schedule list"))
    known = (schedule.id for schedule in schedules)
    history = await _history(ctx, source, "schedule", name)
    return missing(ctx, source, "job schedule", name, source.name, known, (wanted,), everything, history)


async def _history(ctx: Context, source: Account, kind: str, name: str, parent: str = "") -> Button | None:
    """The button to what the bot saw of it while Batch still knew it; None where it saw nothing."""
    seen = await ctx.store.transitions(source.name, entity=kind, parent=parent or None, id=name, limit=1)
    names = [parent, name] if parent else [name]
    return Button("Its history", line(ctx, source, f"{kind} history", *names), style="primary") if seen else None


def missing(
    ctx: Context,
    source: Account,
    kind: str,
    name: str,
    where: str,
    known: Iterable[str],
    wanted: tuple[str, ...],
    everything: Button,
    history: Button | None = None,
) -> Card:
    """There is no ``kind`` of that name: the nearest of those ``known``, each as the command ``wanted`` about it.

    ``history`` leads to what was seen of it, where it is only not there any more.
    """
    if history:
        what, advice, near = f"Batch no longer knows {kind} “{name}” in {where}.", "The bot kept its history.", []
    else:
        near = nearest(name, known)
        what = f"There is no {kind} “{name}” in {where}."
        advice = "Did you mean one of these?" if near else "Nothing there has a name like it."
    offered = [Button(found, line(ctx, source, *wanted, found)) for found in near]
    return refusal(what, advice, [*([history] if history else []), *offered, everything])


Finding: TypeAlias = AbstractAsyncContextManager[None]
"""Around a read: where what it names does not exist, the handler ends with the answer that says so."""


def finding_pool(ctx: Context, source: Account, pool: str, wanted: str) -> Finding:
    """For reads of a pool; ``wanted`` is the command that the nearest names are offered for."""
    return _finding(lambda _: no_pool(ctx, source, pool, wanted))


def finding_node(ctx: Context, source: Account, pool: str, node: str) -> Finding:
    """For reads of a node; its pool may not exist either."""

    def card(error: AzureError) -> Awaitable[Card]:
        if error.code.lower() == "poolnotfound":
            return no_pool(ctx, source, pool, "node list")
        return no_node(ctx, source, pool, node)

    return _finding(card)


def finding_job(ctx: Context, source: Account, job: str, wanted: str) -> Finding:
    """For reads of a job."""
    return _finding(lambda _: no_job(ctx, source, job, wanted))


def finding_task(ctx: Context, source: Account, job: str, task: str) -> Finding:
    """For reads of a task; its job may not exist either."""

    def card(error: AzureError) -> Awaitable[Card]:
        if error.code.lower() == "jobnotfound":
            return no_job(ctx, source, job, "task list")
        return no_task(ctx, source, job, task)

    return _finding(card)


def finding_schedule(ctx: Context, source: Account, schedule: str, wanted: str) -> Finding:
    """For reads of a job schedule."""
    return _finding(lambda _: no_schedule(ctx, source, schedule, wanted))


@asynccontextmanager
async def _finding(card: Callable[[AzureError], Awaitable[Card]]) -> AsyncIterator[None]:
    try:
        yield
    except AzureError as error:
        if not error.not_found:
            raise
        raise Instead(await card(error)) from None
