"""Whole lists as CSV files: everything that fits a filter, not only the page that a card shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime

from bot.azure.account import Account
from bot.azure.models import Job, Node, Pool, Run, TaskRow, select_of
from bot.domain.entity import fold
from bot.domain.job_health import pool_of
from bot.filter import JOB, NODE, POOL, SCHEDULE_JOB, TASK, Filter
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import actions, blocks
from cards.card import Button, Card, Mark
from cards.formatting import number, plural
from handlers.job.list import JobSort, counts_of
from handlers.job.list import in_order as jobs_in_order
from handlers.node.list import NodeSort
from handlers.node.list import in_order as nodes_in_order
from handlers.pool.list import PoolSort, in_order
from handlers.shared import filtering, node_counts, per_hour
from handlers.shared.common import line, titled
from handlers.shared.files import Cell, whole_list
from handlers.shared.known_jobs import known_jobs
from handlers.shared.missing import finding_job, finding_pool, finding_schedule
from handlers.task.list import TaskSort
from handlers.task.list import in_order as tasks_in_order

_EVERY = 3.0
_COUNTED_AT_ONCE = 50


@command("csv pool", effect="read", examples=["csv pool", "csv pool bad>0"])
async def csv_pools(
    ctx: Context,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    sort: PoolSort = "trouble",
    account: str | None = None,
) -> Card:
    """Export pools as a CSV file, all or those that match a filter.

    :param filter: which ones, as in pool list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, POOL, filter, "csv", "pool")
    bound = wanted.at(source.now())
    pools, at = await source.every(Pool, "/pools", filter=bound.odata)
    entries, prices = await asyncio.gather(node_counts.known(source), source.prices())
    counts = node_counts.by_pool(entries)
    prices_of = per_hour.each_hour(prices, pools, counts)
    rows: list[Sequence[Cell]] = []
    for pool in in_order(pools, counts, sort, prices_of):
        entry = counts.get(fold(pool.id))
        if bound.row(pool) and bound.counts(entry):
            error = pool.resize_errors[0].code if pool.resize_errors else ""
            cost = prices_of.get(pool.id)
            rows.append(
                (
                    pool.id, pool.state, pool.allocation_state, pool.allocation_state_transition_time, pool.vm_size,
                    pool.current_dedicated_nodes, pool.target_dedicated_nodes, pool.current_low_priority_nodes,
                    pool.target_low_priority_nodes, node_counts.running(entry) if entry else None,
                    node_counts.bad(entry) if entry else None, "yes" if pool.enable_auto_scale else "no", error,
                    pool.creation_time, round(cost.amount, 4) if cost else None, cost.currency if cost else "",
                )
            )  # fmt: skip
    columns = (
        "pool", "state", "allocation state", "since", "vm size", "dedicated", "dedicated target", "spot", "spot target",
        "running", "bad", "autoscale", "resize error", "created",
        "price per hour", "currency",
    )  # fmt: skip
    return await whole_list(
        ctx,
        line(ctx, source, "pool list", *wanted.tokens, sort=sort if sort != "trouble" else None),
        "Pools",
        source.name,
        wanted.words(at),
        columns,
        rows,
        at,
    )


@command("csv node", effect="read", examples=["csv node gpu-a", "csv node gpu-a bad"])
async def csv_nodes(
    ctx: Context,
    pool: str,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    sort: NodeSort = "trouble",
    account: str | None = None,
) -> Card:
    """Export the nodes of a pool as a CSV file, all or those that match a filter.

    :param pool: the pool's id
    :param filter: which ones, as in node list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, NODE, filter, "csv", "node", pool)
    bound = wanted.at(source.now())
    async with finding_pool(ctx, source, pool, "csv node"):
        nodes, at = await source.every(Node, source.nodes(pool), filter=bound.odata)
    rows: list[Sequence[Cell]] = [
        (
            node.id, node.state, node.state_transition_time, node.scheduling_state,
            "dedicated" if node.is_dedicated else "spot", node.running_tasks_count, node.running_task_slots_count,
            node.total_tasks_run, node.total_tasks_succeeded, node.ip_address, node.last_boot_time,
            node.allocation_time, node.errors[0].code if node.errors else "",
        )
        for node in nodes_in_order(nodes, sort)
        if bound.row(node)
    ]  # fmt: skip
    columns = (
        "node", "state", "since", "scheduling", "kind", "running tasks", "running slots", "tasks run", "succeeded",
        "address", "last boot", "allocated", "error",
    )  # fmt: skip
    return await whole_list(
        ctx,
        line(ctx, source, "node list", pool, *wanted.tokens, sort=sort if sort != "trouble" else None),
        "Nodes",
        pool,
        wanted.words(at),
        columns,
        rows,
        at,
    )


@command("csv job", effect="read", examples=["csv job", "csv job failed>0"])
async def csv_jobs(
    ctx: Context,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    sort: JobSort = "state",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Export jobs with task counts as a CSV file, all or those that match a filter.

    :param filter: which ones, as in job list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, JOB, filter, "csv", "job")
    shown = line(ctx, source, "job list", *wanted.tokens, sort=sort if sort != "state" else None)
    async for card in _jobs(ctx, source, "/jobs", wanted, sort, source.name, shown):
        yield card


@command("csv schedulejob", effect="read", examples=["csv schedulejob nightly", "csv schedulejob nightly failed>0"])
async def csv_schedule_jobs(
    ctx: Context,
    schedule: str,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    sort: JobSort = "created",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Export a schedule's jobs with task counts as a CSV file, all or those that match a filter.

    :param schedule: the job schedule's id
    :param filter: which ones, as in schedule jobs
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, SCHEDULE_JOB, filter, "csv", "schedulejob", schedule)
    order = sort if sort != "created" else None
    shown = line(ctx, source, "schedule jobs", schedule, *wanted.tokens, sort=order)
    async with finding_schedule(ctx, source, schedule, "csv schedulejob"):
        async for card in _jobs(ctx, source, source.schedule_jobs(schedule), wanted, sort, schedule, shown):
            yield card


async def _jobs(
    ctx: Context, source: Account, path: str, wanted: Filter, sort: JobSort, where: str, shown: str
) -> AsyncIterator[Card]:
    bound = wanted.at(source.now())
    known = await known_jobs(ctx, source) if sort == "state" else {}
    jobs, at = await source.every(Job, path, filter=bound.odata)
    jobs = jobs_in_order((job for job in jobs if bound.row(job)), sort, known, at)
    rows: list[Sequence[Cell]] = []
    reported = time.monotonic()
    for first in range(0, len(jobs), _COUNTED_AT_ONCE):
        some = jobs[first : first + _COUNTED_AT_ONCE]
        for job, counts in zip(some, await counts_of(source, [job.id for job in some]), strict=True):
            if counts is not None and not bound.counts(counts):
                continue
            counted = (counts.active, counts.running, counts.succeeded, counts.failed) if counts else (None,) * 4
            run = job.execution_info
            rows.append(
                (
                    job.id, job.state, job.state_transition_time, pool_of(job), job.priority, *counted,
                    job.creation_time, run.start_time if run else None, run.end_time if run else None,
                    run.terminate_reason if run else "",
                )
            )  # fmt: skip
        if time.monotonic() - reported > _EVERY:
            reported = time.monotonic()
            yield _reading(ctx, f"counted {number(first + len(some))} of {plural(len(jobs), 'job')}", at)
    columns = (
        "job", "state", "since", "pool", "priority", "waiting", "running", "succeeded", "failed", "created", "started",
        "ended", "ended because",
    )  # fmt: skip
    yield await whole_list(ctx, shown, "Jobs", where, wanted.words(at), columns, rows, at)


@command("csv task", effect="read", examples=["csv task nightly:job-12", "csv task nightly:job-12 failed>0"])
async def csv_tasks(
    ctx: Context,
    job: str,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    sort: TaskSort = "listed",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Export the tasks of a job as a CSV file, all or those that match a filter. Long exports show progress.

    :param job: the job's id
    :param filter: which ones, as in task list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, TASK, filter, "csv", "task", job)
    select = filtering.selected(select_of(TaskRow), wanted)
    found: list[TaskRow] = []
    at = source.now()
    async with finding_job(ctx, source, job, "csv task"):
        async for read, at, page in _pages(source, source.tasks(job), wanted, select):
            found += page
            if read:
                yield _reading(ctx, f"read {plural(read, 'task')}, {number(len(found))} of them fit", at)
            if ctx.live.stopping.is_set():
                break
    columns = (
        "task", "state", "since", "result", "exit code", "failure", "retries", "created", "started", "ended",
        "pool", "node",
    )  # fmt: skip
    shown = line(ctx, source, "task list", job, *wanted.tokens, sort=sort if sort != "listed" else None)
    rows = await asyncio.to_thread(lambda: [_task(each) for each in tasks_in_order(found, sort, at)])
    yield await whole_list(ctx, shown, "Tasks", job, wanted.words(at), columns, rows, at)


async def _pages(
    source: Account, path: str, wanted: Filter, select: str
) -> AsyncGenerator[tuple[int, datetime, list[TaskRow]]]:
    """What fits of server pages; the number read is reported every few seconds, 0 in between."""
    bound = wanted.at(source.now())
    read, reported = 0, time.monotonic()
    async for page in source.pages(TaskRow, path, select=select, filter=bound.odata):
        read += len(page.items)
        due = page.next is not None and time.monotonic() - reported > _EVERY
        reported = time.monotonic() if due else reported
        yield read if due else 0, page.at, [task for task in page.items if bound.row(task)]


def _task(task: TaskRow) -> Sequence[Cell]:
    run, node = task.execution_info or Run(), task.node_info
    return (
        task.id, task.state, task.state_transition_time, run.result, run.exit_code,
        run.failure_info.code if run.failure_info else "", run.retry_count, task.creation_time, run.start_time,
        run.end_time, node.pool_id if node else "", node.node_id if node else "",
    )  # fmt: skip


def _reading(ctx: Context, words: str, at: datetime) -> Card:
    return Card(
        title=titled("Making the CSV", words),
        mark=Mark.CHANGING,
        as_of=at,
        blocks=blocks(actions(Button("Stop", f"stop {ctx.live.id}", how="edit"))),
    )
