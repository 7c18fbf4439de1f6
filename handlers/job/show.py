"""One job: its progress, its failures, its pool and how it is set up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Counts, Job, JobSpecification, PoolInfo, VmSize
from bot.azure.models.job import JobExecution
from bot.domain.advice import of_scheduling
from bot.domain.entity import schedule_of
from bot.domain.job_endings import ended_because
from bot.domain.job_health import is_in_question, pool_of
from bot.domain.job_health import total as all_tasks
from bot.domain.knowledge import row
from bot.domain.retries import Retrying
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Button, Card, Mark, Progress, Text, Time, Words
from cards.formatting import number, plural
from handlers.history.forgotten import or_forgotten
from handlers.job.changing import buttons
from handlers.job.failures import NONE as NO_FAILURES
from handlers.job.failures import Failures, failures_of, retrying_of
from handlers.job.list import counts_of
from handlers.pool.sections import auto_pool
from handlers.shared.common import (
    UNKNOWN,
    failure,
    folded,
    line,
    named,
    run_time,
    section,
    since,
    sizes_of,
    tail,
    titled,
)
from handlers.shared.definition import job_manager, longest, preparation, release, retries, yes_no
from handlers.shared.filtering import Unseen
from handlers.shared.missing import finding_job
from handlers.shared.portal import portal
from handlers.shared.states import job_chip


@command("job show", effect="read", examples=["job show nightly:job-12"])
async def show_job(ctx: Context, job: str, *, whole: Unseen = 0, account: str | None = None) -> Card:
    """Show one job: progress, failures, pool and configuration.

    :param job: the job's id
    :param whole: 1 for all of it, with what is folded otherwise
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "job", job), finding_job(ctx, source, job, "job show"):
        fetched = await source.fetch(Job, source.job(job))
    (counts,), sizes = await asyncio.gather(counts_of(source, [fetched.value.id]), sizes_of(source))
    failures, again = NO_FAILURES, Retrying()
    if counts and counts.failed:
        read = await gaps.maybe(f"failed tasks of job {fetched.value.id}", failures_of(source, fetched.value.id))
        failures = read or NO_FAILURES
    if counts and (counts.running or counts.active):
        retried = await gaps.maybe(f"retries of job {fetched.value.id}", retrying_of(source, fetched.value.id))
        again = retried or Retrying()
    return job_card(ctx, source, fetched.value, fetched.at, counts, sizes, failures, again, whole)


def job_card(
    ctx: Context,
    source: Account,
    found: Job,
    at: datetime,
    counts: Counts | None = None,
    sizes: Mapping[str, VmSize] = MappingProxyType({}),
    failures: Failures = NO_FAILURES,
    again: Retrying = Retrying(),  # noqa: B008 - it never changes
    whole: int = 0,
) -> Card:
    """All of a job, its progress (None: unknown), why tasks of it failed or fail on and on, and its pool's VM sizes."""
    told, counts = counts is not None, counts or Counts()
    total = all_tasks(counts)
    run = found.execution_info
    pool = pool_of(found)
    state = job_chip(found.state, failed=counts.failed or again.endless, total=total)
    schedule = schedule_of(found.id)
    example = failures.example or (again.tasks[0].task if again.endless else "")
    return Card(
        title=titled(
            f"Job {found.id}",
            text(state),
            f"{number(counts.failed)} of {number(total)} tasks failed"
            if counts.failed
            else f"{number(counts.completed)} of {number(total)} tasks done"
            if told
            else "tasks not known",
            f"{plural(len(again.tasks), 'task')} failing again and again, {plural(again.times, 'retry', 'retries')}"
            if again.endless
            else None,
        ),
        mark=state.mark,
        as_of=at,
        blocks=blocks(
            *_cannot_run(run),
            Progress("Tasks", counts.completed, total, "tasks", state.mark) if total else None,
            _why(failures, counts),
            facts(
                ("Waiting", number(counts.active) if told else UNKNOWN),
                ("Running", number(counts.running) if told else UNKNOWN),
                ("Succeeded", number(counts.succeeded) if told else UNKNOWN),
                ("Failed", chip(Mark.FAILED, number(counts.failed)) if counts.failed else "0" if told else UNKNOWN),
                ("Retries", _again(again)),
                ("Pool", code(pool) if pool else None),
                ("State", since(state, found.state_transition_time)),
                ("Ran for", run_time(run.start_time, run.end_time or at) if run else None),
                ("Ended because", ended_because(run.terminate_reason) if run else None),
            ),
            folded(
                ctx,
                source,
                whole,
                [
                    facts(
                        ("Before", since(found.previous_state.lower(), found.previous_state_transition_time)),
                        ("Started", when(run.start_time) if run else None),
                        ("Ended", when(run.end_time) if run else None),
                        ("Created", when(found.creation_time)),
                        ("Changed", when(found.last_modified)),
                    ),
                    *rules(found),
                    *job_manager(found.job_manager_task),
                    *preparation(found.job_preparation_task),
                    *release(found.job_release_task),
                    *automatic_pool(found.pool_info, sizes),
                ],
                "job show",
                found.id,
            ),
            build.actions(
                Button("Failed tasks", line(ctx, source, "task list", found.id, state="failed"), style="primary")
                if counts.failed
                else None,
                Button("Why", line(ctx, source, "why job", found.id))
                if again.endless or is_in_question(found, counts if told else None)
                else None,
                Button("Failures", line(ctx, source, "failures job", found.id)) if counts.failed else None,
                Button("Logs", line(ctx, source, "log", found.id, example, "stderr.txt")) if example else None,
                Button("Tasks", line(ctx, source, "task list", found.id)),
                *buttons(ctx, source, found.id, found.state, counts.failed),
                Button("Pool", line(ctx, source, "pool show", pool)) if pool else None,
                Button("Preparation", line(ctx, source, "preparation list", found.id))
                if found.job_preparation_task
                else None,
                Button("Schedule", line(ctx, source, "schedule show", schedule)) if schedule else None,
                Button("Cost", line(ctx, source, "cost job", found.id)),
                Button("Timeline", line(ctx, source, "timeline job", found.id)),
                Button("Task graph", line(ctx, source, "topology job", found.id))
                if found.uses_task_dependencies
                else None,
                Button("All jobs", line(ctx, source, "job list")),
                Button("Refresh", line(ctx, source, "job show", found.id, whole=whole or None), how="edit"),
                Button("JSON", line(ctx, source, "raw job", found.id)),
                portal(source, "jobs"),
                shown=5,
            ),
        ),
    )


def _again(again: Retrying) -> Text:
    """``▲ 620 retries of 4 tasks, last 1 min ago``: of what fails without ever completing."""
    if not again.times:
        return ()
    words = f"{plural(again.times, 'retry', 'retries')} of {plural(len(again.tasks), 'task')}"
    last = (", last ", Time(again.last, "age")) if again.last else ()
    return text(chip(Mark.WARNING, words) if again.endless else words, *last)


def _why(failures: Failures, counts: Counts) -> Words | None:
    """Why tasks failed, and of how many that is known where there are more."""
    if not failures.causes:
        return None
    some = f" (of {number(failures.read)} that were read)" if failures.read < counts.failed else ""
    return Words(text(bold("Why: "), failures.words, muted(some) if some else None))


def _cannot_run(run: JobExecution | None) -> list[Block]:
    """Why the service cannot run the job."""
    error = run.scheduling_error if run else None
    if error is None:
        return []
    known = of_scheduling((error.code, error.message)) or row("unknown.job")
    lines = [
        text(failure(error)),
        text(muted("Cause: "), f"{known.cause}.", muted(" To do: "), f"{known.do}."),
        *(text(muted(f"{each.name}: "), each.value) for each in error.details),
    ]
    return section("It cannot run", Bullets(tuple(lines)))


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
