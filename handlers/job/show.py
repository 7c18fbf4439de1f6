"""Jobs: list and show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Counts, Job, JobSpecification, PoolInfo, VmSize
from bot.azure.models.job import JobExecution
from bot.domain.entity import schedule_of
from bot.domain.job_health import pool_of
from bot.domain.job_health import total as all_tasks
from bot.domain.states import JobState
from bot.filter import JOB, Bound, Filter
from bot.requests.context import Context
from bot.requests.registry import command
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Button, Card, Column, Mark, Progress, Text
from cards.formatting import bar, number, percent
from handlers.pool.sections import auto_pool
from handlers.shared import filtering
from handlers.shared.common import (
    failure,
    line,
    named,
    run_time,
    safe,
    section,
    since,
    sizes_of,
    tail,
    template,
    titled,
)
from handlers.shared.missing import finding_job
from handlers.shared.portal import portal
from handlers.shared.states import job_chip
from handlers.task.definition import job_manager, longest, preparation, release, retries, yes_no

_LISTED = "id,state,stateTransitionTime,creationTime,priority,poolInfo,executionInfo"
_COLUMNS = (
    Column("Job", width=4),
    Column("State", width=2),
    Column("Failed", "right", rank=1),
    Column("Done", "right", rank=2, width=2),
    Column("Progress", rank=3, width=3),
    Column("Pool", rank=4, width=2),
)
_ORDER = ("active", "enabling", "disabling", "disabled", "terminating", "deleting", "completed")


JobSort = Literal["state", "name", "age", "created", "priority", "pool"]


@command(
    "job list",
    examples=["job list", "job list state:active", "job list pool:render-* failed>0", "job list age>2h sort:age"],
    menu=40,
)
async def list_jobs(
    ctx: Context,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    state: JobState | None = None,
    sort: JobSort = "state",
    page: int = 1,
    skip: filtering.Unseen = 0,
    met: filtering.Unseen = 0,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """List the jobs of an account with their progress, active ones first, newest first.

    :param filter: which ones, such as pool:render-* failed>0 age>2h name~night created:today priority>=100
    :param state: only jobs in this state
    :param sort: in which order
    :param page: which page of 20
    :param skip: how many jobs of the list lie before the page
    :param met: how many of those fit
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, JOB, filter, "job", "list", state=state)
    start = filtering.PageStart(page, skip, met)
    bound = wanted.at(source.now())
    begin: filtering.Found[Counted] = filtering.Found((), 0, 0, 0, bound.at)
    async for step in filtering.paced(ctx, counted_jobs(source, "/jobs", bound, start, sort), begin):
        yield _listed(ctx, source, wanted, start, sort, step)


Counted = tuple[Job, Counts | None]


async def counted_jobs(
    source: Account, path: str, bound: Bound, start: filtering.PageStart, sort: JobSort
) -> AsyncGenerator[filtering.Found[Counted]]:
    """The jobs of a page, of all of them or of a schedule.

    Counting is costly: only jobs that fit otherwise are counted, until the page is full.
    """
    select = filtering.selected(_LISTED, bound.filter)
    jobs: tuple[Job, ...] = ()
    at = bound.at
    async for found in filtering.gathered(source, Job, path, bound, select=select):
        jobs, at = found.rows, found.at
        yield filtering.Found((), found.fits, found.read, 0, at)

    async def count(some: Sequence[Job]) -> list[Counts | None]:
        return await counts_of(source, [job.id for job in some])

    ordered = _ordered(jobs, sort)
    if bound.filter.counted:
        async for sifted in filtering.sifted(ordered, count, bound, start, at):
            yield sifted
        return
    shown = filtering.paged(ordered, start, at)
    pairs = tuple(zip(shown.rows, await count(shown.rows), strict=True))
    yield filtering.Found(pairs, shown.fits, shown.read, 0, at, done=True, full=shown.full)


def _ordered(jobs: Iterable[Job], sort: JobSort) -> list[Job]:
    """Newest first among equals."""
    newest = sorted(jobs, key=lambda job: job.creation_time.timestamp() if job.creation_time else 0.0, reverse=True)
    ranks = {state: rank for rank, state in enumerate(_ORDER)}
    keys: dict[str, Callable[[Job], Any]] = {
        "state": lambda job: ranks.get(job.state.lower(), len(ranks)),
        "name": lambda job: job.id.lower(),
        "age": lambda job: job.state_transition_time.timestamp() if job.state_transition_time else 0.0,
        "created": lambda job: 0,
        "priority": lambda job: -job.priority,
        "pool": lambda job: pool_of(job).lower(),
    }
    return sorted(newest, key=keys[sort])


def _listed(
    ctx: Context,
    source: Account,
    wanted: Filter,
    start: filtering.PageStart,
    sort: JobSort,
    step: filtering.Step[Counted],
) -> Card:
    found = step.found

    def again(**options: object) -> str:
        ordered = {"sort": sort if sort != "state" else None}
        return line(ctx, source, "job list", *wanted.tokens, **{**ordered, **options})

    telling = filtering.Telling(ctx, step, start, again)
    back, on = telling.turning
    return Card(
        title=titled(f"Jobs in {source.name}", wanted.words(found.at), telling.extent),
        mark=Mark.WARNING if any(counts and counts.failed for _, counts in found.rows) else Mark.RUNNING,
        as_of=found.at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(job, counts) for job, counts in found.rows])
            if found.rows
            else telling.nothing(wanted, "This account has no jobs."),
            telling.progress,
            build.actions(
                telling.going_on,
                back,
                on,
                build.open_menu(
                    "Open a job", template(ctx, source, "job show", "{}"), [job.id for job, _ in found.rows]
                ),
                filtering.without(wanted, line(ctx, source, "job list")),
                Button("Filter…", again(), how="form"),
                filtering.sorting(again(sort=None), get_args(JobSort), sort),
                Button("Refresh", again(page=start.page, skip=start.skip, met=start.met), how="edit"),
                Button("CSV", line(ctx, source, "csv job", *wanted.tokens)),
            ),
        ),
    )


@command("job show", examples=["job show nightly:job-12"])
async def show_job(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Show one job: its progress, its failures, its pool and how it is set up.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_job(ctx, source, job, "job show"):
        fetched = await source.fetch(Job, source.job(job))
    counts, sizes = await asyncio.gather(source.task_counts(fetched.value.id), sizes_of(source))
    return job_card(ctx, source, fetched.value, fetched.at, counts.value.task_counts, sizes)


def job_card(
    ctx: Context,
    source: Account,
    found: Job,
    at: datetime,
    counts: Counts | None = None,
    sizes: Mapping[str, VmSize] = MappingProxyType({}),
) -> Card:
    """All of a job, its progress, and VM sizes for its automatic pool."""
    counts = counts or Counts()
    total = all_tasks(counts)
    run = found.execution_info
    pool = pool_of(found)
    state = job_chip(found.state, failed=counts.failed)
    schedule = schedule_of(found.id)
    return Card(
        title=titled(
            f"Job {found.id}",
            text(state),
            f"{number(counts.failed)} of {number(total)} tasks failed"
            if counts.failed
            else f"{number(counts.completed)} of {number(total)} tasks done",
        ),
        mark=state.mark,
        as_of=at,
        blocks=blocks(
            *_cannot_run(run),
            Progress("Tasks", counts.completed, total, "tasks", state.mark) if total else None,
            facts(
                ("Waiting", number(counts.active)),
                ("Running", number(counts.running)),
                ("Succeeded", number(counts.succeeded)),
                ("Failed", chip(Mark.FAILED, number(counts.failed)) if counts.failed else "0"),
                ("Pool", code(pool) if pool else None),
                ("State", since(state, found.state_transition_time)),
                ("Before", since(found.previous_state.lower(), found.previous_state_transition_time)),
                ("Started", when(run.start_time) if run else None),
                ("Ended", when(run.end_time) if run else None),
                ("Ran for", run_time(run.start_time, run.end_time or at) if run else None),
                ("Ended because", run.terminate_reason if run else None),
                ("Created", when(found.creation_time)),
                ("Changed", when(found.last_modified)),
            ),
            *rules(found),
            *job_manager(found.job_manager_task),
            *preparation(found.job_preparation_task),
            *release(found.job_release_task),
            *automatic_pool(found.pool_info, sizes),
            build.actions(
                Button("Failed tasks", line(ctx, source, "task list", found.id, state="failed"), style="primary")
                if counts.failed
                else None,
                Button("Tasks", line(ctx, source, "task list", found.id)),
                Button("Pool", line(ctx, source, "pool show", pool)) if pool else None,
                Button("Preparation", line(ctx, source, "preparation list", found.id))
                if found.job_preparation_task
                else None,
                Button("Schedule", line(ctx, source, "schedule show", schedule)) if schedule else None,
                Button("Task graph", line(ctx, source, "topology job", found.id))
                if found.uses_task_dependencies
                else None,
                Button("All jobs", line(ctx, source, "job list")),
                Button("Refresh", line(ctx, source, "job show", found.id), how="edit"),
                Button("JSON", line(ctx, source, "raw job", found.id)),
                portal(source, "jobs"),
            ),
        ),
    )


async def counts_of(source: Account, jobs: list[str]) -> list[Counts | None]:
    """Task counts of several jobs at once; None for one that has gone meanwhile."""

    async def one(job: str) -> Counts | None:
        try:
            return (await source.task_counts(job)).value.task_counts
        except AzureError as error:
            if error.not_found:
                return None
            raise

    return list(await asyncio.gather(*(one(job) for job in jobs)))


def _row(job: Job, counts: Counts | None) -> list[Text]:
    failed = counts.failed if counts else 0
    total = all_tasks(counts) if counts else 0
    done = counts.completed if counts else 0
    return [
        text(code(job.id)),
        text(job_chip(job.state, failed=failed)),
        text(number(failed)) if failed else text(muted("–")),
        text(f"{number(done)} / {number(total)}") if total else text(muted("no tasks")),
        text(f"{bar(done, total)} {percent(done, total)}") if total else text(""),
        text(pool_of(job)),
    ]


def _cannot_run(run: JobExecution | None) -> list[Block]:
    """Why the service cannot run the job."""
    error = run.scheduling_error if run else None
    if error is None:
        return []
    told = [text(failure(error)), *(text(muted(f"{each.name}: "), safe(each.value)) for each in error.details)]
    return section("It cannot run", Bullets(tuple(told)))


def rules(job: Job | JobSpecification, heading: str = "Rules") -> list[Block]:
    """What the job does by itself, its limits, and what its tasks are given."""
    limits = job.constraints
    limited = (
        [longest(limits.max_wall_clock_time), f"{retries(limits.max_task_retry_count)} of a task"] if limits else []
    )
    network = job.network_configuration
    return section(
        heading,
        facts(
            ("Display name", job.display_name),
            ("Priority", number(job.priority)),
            ("When all tasks are done", _ALL_DONE.get(job.on_all_tasks_complete.lower(), job.on_all_tasks_complete)),
            ("When a task fails", _FAILED.get(job.on_task_failure.lower(), job.on_task_failure)),
            ("Limits", " · ".join(filter(None, limited))),
            ("Tasks at once", number(job.max_parallel_tasks) if job.max_parallel_tasks > 0 else None),
            ("Tasks depend on each other", yes_no(job.uses_task_dependencies)),
            ("Gives way to higher priority", "yes" if job.allow_task_preemption else None),
            ("Subnet", tail(network.subnet_id) if network else None),
            ("Environment", named(job.common_environment_settings)),
            ("Metadata", named(job.metadata)),
        ),
    )


_ALL_DONE = {"noaction": "it stays open", "terminatejob": "it ends"}
_FAILED = {"noaction": "nothing happens", "performexitoptionsjobaction": "what the task's exit conditions say"}


def automatic_pool(info: PoolInfo | None, sizes: Mapping[str, VmSize]) -> list[Block]:
    """The pool that is made for a job or a schedule, where it has no other."""
    spec = info.auto_pool_specification if info else None
    size = sizes.get(spec.pool.vm_size.lower()) if spec and spec.pool else None
    return auto_pool(spec, size)
