"""What is read of a job, a task's job or a schedule's last job to say why it does not do its work."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from bot.azure import gaps
from bot.azure.errors import AzureError
from bot.azure.models import Counts, Job, Node, Pool, PreparationStatus, Task
from bot.azure.models.task import FAILED_TASKS
from bot.domain.diagnosis.job_case import MOST_FAILURES, MOST_UNFINISHED, OF_TASK, UNFINISHED, JobCase, Working
from bot.domain.diagnosis.job_runs import telling
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Evidence, choose
from bot.domain.diagnosis.pools import PoolCase
from bot.domain.entity import fold
from bot.domain.job_health import pool_of
from bot.domain.states import is_active, is_over
from bot.requests.context import Context
from handlers.why.deeds import deed
from handlers.why.kept import kept_line
from handlers.why.pools import case_of, counts_of
from handlers.why.reads import NODES, Reads


async def read_job(ctx: Context, reads: Reads, job: Job, at: datetime, *, printed: bool = True) -> JobCase:
    """A job with what its troubles need to be told apart; ``printed`` whether a failed task's output is read too."""
    name = pool_of(job)
    over = is_over(job.state)
    counts, pool, node_counts, preparations = await asyncio.gather(
        _counts(reads, job.id),
        _none() if over or not name else _pool(reads, name),
        _none() if over or not name else counts_of(reads, name),
        _none() if over or job.job_preparation_task is None else _preparations(reads, job.id),
    )
    gone = isinstance(pool, AzureError)
    unfinished: Sequence[Task] = ()
    failures: Sequence[Task] = ()
    if counts is None or (not over and (counts.active or counts.running)):
        unfinished = await _tasks(reads, job.id, "its unfinished tasks", UNFINISHED, MOST_UNFINISHED)
    if counts and counts.failed:
        failures = await _tasks(reads, job.id, "its failed tasks", FAILED_TASKS, MOST_FAILURES)
    case: PoolCase | None = None
    if isinstance(pool, Pool):
        waiting = counts.active if counts else None
        case = await case_of(ctx, reads, pool, node_counts, at, waiting=waiting)
    made = JobCase(
        job=job,
        at=at,
        counts=counts,
        unfinished=unfinished,
        failures=failures,
        preparations=preparations or (),
        pool=case,
        pool_gone=gone,
        ended=await _ended(ctx, reads, job),
    )
    clue = choose(of_job(made).clues).clue
    if case is not None and clue is not None and clue.id == "job.tasks_not_started":
        return await _with_working(reads, made, case.pool)
    tells = printed and clue is not None and "task" in clue.names and clue.id != "task.parent_failed"
    return await _with_printed(ctx, reads, made) if tells else made


async def _none() -> None:
    return None


async def _counts(reads: Reads, job: str) -> Counts | None:
    if not reads.take("its task counts"):
        return None
    found = await reads.unless_missed(f"task counts of job {job}", reads.source.task_counts(job))
    return found.value.task_counts if found else None


async def _pool(reads: Reads, name: str) -> Pool | AzureError | None:
    """A job's pool; the error where it does not exist, None where it could not be read."""
    if not reads.take(f"pool {name}"):
        return None
    try:
        return (await reads.source.fetch(Pool, reads.source.pool(name))).value
    except AzureError as error:
        if error.not_found:
            return error
        gaps.note(f"pool {name}", gaps.reason(error))
        reads.missed.append(f"pool {name}")
        return None


async def _preparations(reads: Reads, job: str) -> Sequence[PreparationStatus] | None:
    """How the preparation task went, by node; None where that cannot be had (409: there is none)."""
    if not reads.take("its preparation task"):
        return None
    try:
        path = f"{reads.source.job(job)}/jobpreparationandreleasetaskstatus"
        return (await anext(reads.source.pages(PreparationStatus, path))).items
    except AzureError as error:
        if error.status != 409:
            gaps.note(f"preparation of job {job}", gaps.reason(error))
            reads.missed.append(f"preparation of job {job}")
        return None


async def _tasks(reads: Reads, job: str, what: str, wanted: str, size: int) -> Sequence[Task]:
    source = reads.source
    return await reads.page(what, Task, source.tasks(job), filter=wanted, select=OF_TASK, size=size) or ()


async def _ended(ctx: Context, reads: Reads, job: Job) -> Evidence | None:
    """Who disabled or ended it, as far as our own audit knows."""
    run = job.execution_info
    if is_over(job.state):
        return await deed(ctx, reads.source, ("job terminate",), (job.id,), run.end_time if run else None)
    if is_active(job.state):
        return None
    verbs = ("job disable", "job terminate", "job delete")
    return await deed(ctx, reads.source, verbs, (job.id,), job.state_transition_time)


async def _with_working(reads: Reads, made: JobCase, pool: Pool) -> JobCase:
    """With who holds the pool's nodes, and how many slots are free."""
    source = reads.source
    nodes = await reads.page(
        "its working nodes",
        Node,
        source.nodes(pool.id),
        filter="state eq 'running' or state eq 'idle'",
        select="id,state,schedulingState,runningTasksCount,runningTaskSlotsCount,recentTasks",
        size=NODES,
    )
    if nodes is None:
        return made
    slots = pool.task_slots_per_node
    open_ = [each for each in nodes if each.scheduling_state.lower() != "disabled"]
    free = sum(max(0, slots - max(each.running_task_slots_count, each.running_tasks_count)) for each in open_)
    holding: Counter[str] = Counter(
        task.job_id for node in nodes for task in node.recent_tasks if task.task_state.lower() == "running"
    )
    others = {job: count for job, count in holding.items() if fold(job) != fold(made.job.id)}
    priorities: dict[str, int] = {}
    if others and not free:
        jobs = await reads.page(
            "other active jobs", Job, "/jobs", filter="state eq 'active'", select="id,state,priority"
        )
        priorities = {fold(each.id): int(each.priority) for each in jobs or ()}
    working = [Working(job, count, priorities.get(fold(job))) for job, count in others.items()]
    return replace(made, working=working, free=free)


async def _with_printed(ctx: Context, reads: Reads, made: JobCase) -> JobCase:
    """With what one of its tasks printed: of those that fail on and on, else of those that failed."""
    example = telling(made)
    if not example:
        return made
    files = reads.source.files(reads.source.task(made.job.id, example))
    runs = any(each.id == example and each.state.lower() == "running" for each in made.unfinished)
    said = await reads.printed(f"the output of {example}", files, runs=runs)
    if said is None and (failed := next((each for each in made.failures if each.id == example), None)):
        said = await kept_line(ctx, reads, made.job.id, failed)
    return replace(made, printed={example: said}) if said else made
