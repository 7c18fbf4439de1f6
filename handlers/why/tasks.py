"""What is read of a task to say why it failed, waits or does not end."""

from __future__ import annotations

from datetime import datetime

from bot.azure import gaps
from bot.azure.errors import AzureError
from bot.azure.models import Job, Node, Task
from bot.azure.models.task import FAILED_TASKS
from bot.domain.diagnosis.job_case import OF_TASK, JobCase
from bot.domain.diagnosis.model import Evidence
from bot.domain.diagnosis.tasks import TaskCase, failed
from bot.requests.context import Context
from handlers.why.deeds import deed
from handlers.why.jobs import read_job
from handlers.why.kept import kept_line
from handlers.why.reads import OF_NODE, Reads

_RUNS = 20
"""Kept runs of a task among which the last one is looked for."""
_PARENTS = 20
"""Tasks that it depends on which are asked for by their ids."""


async def read_task(ctx: Context, reads: Reads, task: Task, job: Job, at: datetime) -> tuple[TaskCase, JobCase | None]:
    """A task with what its troubles need to be told apart; and its job, where it waits, for what holds that up."""
    source, run = reads.source, task.execution_info
    place = task.node_info
    node: Node | None = None
    gone = False
    printed = ended = None
    if failed(task):
        if place and place.node_id:
            node, gone = await _node(reads, place.pool_id, place.node_id)
        if run and run.exit_code is not None:
            files = source.files(source.task(job.id, task.id))
            printed = None if gone else await reads.printed("its output", files)
            printed = printed or await kept_line(ctx, reads, job.id, task)
        end = run.end_time if run else None
        printed = printed or await _kept(ctx, reads, job.id, task.id, end)
        ended = await deed(ctx, source, ("task terminate",), (job.id, task.id), end)
    elif run and run.retry_count:
        runs = task.state.lower() == "running"
        printed = await reads.printed("its output", source.files(source.task(job.id, task.id)), runs=runs)
    case = TaskCase(task=task, job=job, at=at, node=node, gone=gone, printed=printed, ended=ended)
    if task.state.lower() != "active":
        return case, None
    parents = await _parents(reads, job.id, task)
    around = await read_job(ctx, reads, job, at, printed=False)
    pool = around.pool.pool if around.pool else None
    waiting = TaskCase(task=task, job=job, at=at, pool=pool, printed=printed, parents=parents)
    return waiting, around


async def _kept(ctx: Context, reads: Reads, job: str, task: str, end: datetime | None) -> Evidence | None:
    """The line that says most of what the black box kept of this run; None where it kept none."""
    for box in await ctx.store.kept_tasks(reads.source.name, job, task, limit=_RUNS):
        if box.at == end and not box.retried and box.line:
            reads.looked.append("what was kept of its output")
            return Evidence(box.line, box.kept, printed=True)
    return None


async def _node(reads: Reads, pool: str, node: str) -> tuple[Node | None, bool]:
    """The node that a task ran on, and whether it is gone."""
    if not reads.take("its node"):
        return None, False
    try:
        return (await reads.source.fetch(Node, reads.source.node(pool, node), select=OF_NODE)).value, False
    except AzureError as error:
        if error.not_found:
            return None, True
        gaps.note(f"node {node}", gaps.reason(error))
        return None, False


async def _parents(reads: Reads, job: str, task: Task) -> list[Task] | None:
    """Tasks that a task depends on: those it names, else those of its ranges that failed; None where it has none."""
    wanted = task.depends_on
    if wanted is None or not (wanted.task_ids or wanted.task_id_ranges):
        return None
    named = [name.replace("'", "''") for name in wanted.task_ids[:_PARENTS]]
    by_id = " or ".join(f"id eq '{name}'" for name in named)
    found = await reads.page(
        "what it depends on",
        Task,
        reads.source.tasks(job),
        filter=by_id or FAILED_TASKS,
        select=OF_TASK,
        size=200,
    )
    ranges = wanted.task_id_ranges
    return [
        each
        for each in found or ()
        if by_id or (each.id.isdecimal() and any(span.start <= int(each.id) <= span.end for span in ranges))
    ]
