"""Jobs: list and show."""

from __future__ import annotations

import asyncio
from typing import Literal

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Counts, Job, duration
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Block, Button, Card, Code, Column, Mark, Progress, Text, Words
from cards.phrases import bar, number, percent
from cards.phrases import duration as spoken
from handlers.common import line, named, run_time, section, template, titled
from handlers.missing import no_job
from handlers.states import job_chip

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
JobState = Literal["active", "disabling", "disabled", "enabling", "terminating", "completed", "deleting"]


@command("job list", examples=["job list", "job list state:active", "job list pool:gpu-a"], menu=40)
async def list_jobs(
    ctx: Context,
    *,
    state: JobState | None = None,
    pool: str | None = None,
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the jobs of an account with their progress, active ones first, newest first.

    :param state: only jobs in this state
    :param pool: only jobs of this pool
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    only = f"state eq '{state}'" if state else ""
    jobs, at = await source.every(Job, "/jobs", select=_LISTED, filter=only)
    if pool:
        jobs = [job for job in jobs if pool_of(job).lower() == pool.lower()]
    jobs.sort(key=lambda job: job.creation_time.timestamp() if job.creation_time else 0.0, reverse=True)
    jobs.sort(key=lambda job: _ORDER.index(job.state.lower()) if job.state.lower() in _ORDER else len(_ORDER))
    page = build.within(page, len(jobs))
    rows = jobs[(page - 1) * build.PAGE : page * build.PAGE]
    counts = dict(zip([job.id for job in rows], await counts_of(source, [job.id for job in rows]), strict=True))
    back, on = build.pager(line(ctx, source, "job list", state=state, pool=pool), page, len(jobs))
    return Card(
        title=titled(
            f"Jobs in {source.name}",
            state,
            f"pool {pool}" if pool else None,
            build.shown(page, len(rows), len(jobs)),
        ),
        mark=Mark.WARNING if any(count and count.failed for count in counts.values()) else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(job, counts.get(job.id)) for job in rows])
            if rows
            else Words(text("There are no such jobs." if state or pool else "This account has no jobs.")),
            build.actions(
                back,
                on,
                build.open_menu("Open a job", template(ctx, source, "job show", "{}"), [job.id for job in rows]),
                Button("Filter…", line(ctx, source, "job list", state=state, pool=pool), how="form"),
                Button("Refresh", line(ctx, source, "job list", state=state, pool=pool, page=page), how="edit"),
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
    try:
        fetched = await source.fetch(Job, source.job(job))
    except AzureError as error:
        if not error.not_found:
            raise
        return await no_job(ctx, source, job, "job show")
    found = fetched.value
    counts = (await source.task_counts(found.id)).value.task_counts
    total = counts.active + counts.running + counts.completed
    run = found.execution_info
    pool = pool_of(found)
    state = job_chip(found.state, failed=counts.failed)
    return Card(
        title=titled(
            f"Job {found.id}",
            text(state),
            f"{number(counts.failed)} of {number(total)} tasks failed"
            if counts.failed
            else f"{number(counts.completed)} of {number(total)} tasks done",
        ),
        mark=state.mark,
        as_of=fetched.at,
        blocks=blocks(
            Words(text(chip(Mark.FAILED, run.scheduling_error.code), ": ", run.scheduling_error.message))
            if run and run.scheduling_error
            else None,
            Progress("Tasks", counts.completed, total, "tasks", state.mark) if total else None,
            facts(
                ("Waiting", number(counts.active)),
                ("Running", number(counts.running)),
                ("Succeeded", number(counts.succeeded)),
                ("Failed", chip(Mark.FAILED, number(counts.failed)) if counts.failed else "0"),
                ("Pool", code(pool) if pool else None),
                ("Priority", number(found.priority)),
                ("Started", when(run.start_time) if run else None),
                ("Ended", when(run.end_time) if run else None),
                ("Ran for", run_time(run.start_time, run.end_time or fetched.at) if run else None),
                ("Ended because", run.terminate_reason if run else None),
                ("State since", when(found.state_transition_time)),
                ("Before", found.previous_state.lower()),
                ("Created", when(found.creation_time)),
                ("Changed", when(found.last_modified)),
                ("Display name", found.display_name),
            ),
            *_rules(found),
            *_own_tasks(found),
            build.actions(
                Button("Failed tasks", line(ctx, source, "task list", found.id, state="failed"), style="primary")
                if counts.failed
                else None,
                Button("Tasks", line(ctx, source, "task list", found.id)),
                Button("Pool", line(ctx, source, "pool show", pool)) if pool else None,
                Button("All jobs", line(ctx, source, "job list")),
                Button("Refresh", line(ctx, source, "job show", found.id), how="edit"),
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


def pool_of(job: Job) -> str:
    """The pool a job's tasks run in; an automatic pool's name is known once it runs."""
    if job.execution_info and job.execution_info.pool_id:
        return job.execution_info.pool_id
    return job.pool_info.pool_id if job.pool_info else ""


def _row(job: Job, counts: Counts | None) -> list[Text]:
    failed = counts.failed if counts else 0
    total = counts.active + counts.running + counts.completed if counts else 0
    done = counts.completed if counts else 0
    return [
        text(code(job.id)),
        text(job_chip(job.state, failed=failed)),
        text(number(failed)) if failed else text(muted("–")),
        text(f"{number(done)} / {number(total)}") if total else text(muted("no tasks")),
        text(f"{bar(done, total)} {percent(done, total)}") if total else text(""),
        text(pool_of(job)),
    ]


def _rules(job: Job) -> list[Block]:
    limits = job.constraints
    longest = duration(limits.max_wall_clock_time) if limits else None
    retries = limits.max_task_retry_count if limits else 0
    return section(
        "Rules",
        facts(
            ("When all tasks are done", job.on_all_tasks_complete.lower()),
            ("When a task fails", job.on_task_failure.lower()),
            ("Longest run", spoken(longest) if longest else None),
            ("Retries of a task", ("without end" if retries < 0 else number(retries)) if retries else None),
            ("Tasks at once", number(job.max_parallel_tasks) if job.max_parallel_tasks > 0 else None),
            ("Dependencies", "yes" if job.uses_task_dependencies else None),
            ("Can be preempted", "yes" if job.allow_task_preemption else None),
            ("Environment", named(job.common_environment_settings)),
            ("Metadata", named(job.metadata)),
        ),
    )


def _own_tasks(job: Job) -> list[Block]:
    found: list[Block] = []
    for name, task in (
        ("Job manager", job.job_manager_task),
        ("Preparation", job.job_preparation_task),
        ("Release", job.job_release_task),
    ):
        if task:
            found += section(name, Code(task.command_line) if task.command_line else None)
    return found
