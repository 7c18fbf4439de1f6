"""One job schedule: when it runs next, its last job, and the jobs that it starts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Counts, JobSchedule, JobSpecification, VmSize
from bot.domain.job_health import total as all_tasks
from bot.domain.schedule_health import overdue_since, reading
from bot.domain.states import is_active
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, text, when
from cards.card import Button, Card, Mark, Text, Time
from cards.formatting import number
from handlers.history.forgotten import or_forgotten
from handlers.job.show import automatic_pool, rules
from handlers.schedule.changing import buttons
from handlers.schedule.recurrence import next_runs, when_it_runs
from handlers.shared.common import UNKNOWN, folded, line, named, since, sizes_of, titled
from handlers.shared.definition import job_manager, preparation, release
from handlers.shared.filtering import Unseen
from handlers.shared.missing import finding_schedule
from handlers.shared.portal import portal
from handlers.shared.states import schedule_chip


@command("schedule show", effect="read", examples=["schedule show nightly"])
async def show_schedule(ctx: Context, schedule: str, *, whole: Unseen = 0, account: str | None = None) -> Card:
    """Show one job schedule: next runs, last job, and the job it creates.

    :param schedule: the job schedule's id
    :param whole: 1 for all of it, with what is folded otherwise
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with (
        or_forgotten(ctx, source, "schedule", schedule),
        finding_schedule(ctx, source, schedule, "schedule show"),
    ):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule))
    recent = recent_job(fetched.value)
    counts, forgotten = await _counts(source, recent) if recent else (None, False)
    sizes = await sizes_of(source)
    return schedule_card(ctx, source, fetched.value, fetched.at, counts, sizes, whole, forgotten=forgotten)


async def _counts(source: Account, job: str) -> tuple[Counts | None, bool]:
    """The task counts of a schedule's last job, and whether Batch has forgotten it: a schedule goes on naming it."""
    try:
        return (await source.task_counts(job)).value.task_counts, False
    except AzureError as error:
        if not error.not_found:
            gaps.missed(f"task counts of job {job}", error)
        return None, error.not_found


def schedule_card(
    ctx: Context,
    source: Account,
    found: JobSchedule,
    at: datetime,
    counts: Counts | None = None,
    sizes: Mapping[str, VmSize] = MappingProxyType({}),
    whole: int = 0,
    *,
    forgotten: bool = False,
) -> Card:
    """All of a job schedule; ``counts`` are those of its last job, ``sizes`` serve its automatic pool.

    ``forgotten`` says that the last job was deleted.
    """
    state = schedule_chip(found.state)
    run, spec = found.execution_info, found.job_specification or JobSpecification()
    recent = recent_job(found)
    runs = next_runs(found, at)
    pool = spec.pool_info.pool_id if spec.pool_info else ""
    active = is_active(found.state)
    doubtful = not active or overdue_since(reading(found), at) is not None
    return Card(
        title=titled(
            f"Schedule {found.id}",
            text(state),
            text("next run ", Time(runs[0], "age")) if runs and active else None,
        ),
        mark=state.mark,
        as_of=at,
        blocks=blocks(
            facts(
                ("State", since(state, found.state_transition_time)),
                ("Next run", when(runs[0]) if runs and active else None),
                ("Ended", when(run.end_time) if run else None),
                (
                    "Last job",
                    text(code(recent), ", which has been deleted")
                    if forgotten
                    else last_job(recent, counts)
                    if recent
                    else "none yet",
                ),
                ("Pool", code(pool) if pool else None),
            ),
            folded(
                ctx,
                source,
                whole,
                [
                    *when_it_runs(found, at),
                    facts(
                        ("Before", since(found.previous_state.lower(), found.previous_state_transition_time)),
                        ("Created", when(found.creation_time)),
                        ("Changed", when(found.last_modified)),
                        ("Display name", found.display_name),
                        ("Metadata", named(found.metadata)),
                    ),
                    *rules(spec, "The jobs it starts"),
                    *job_manager(spec.job_manager_task),
                    *preparation(spec.job_preparation_task),
                    *release(spec.job_release_task),
                    *automatic_pool(spec.pool_info, sizes),
                ],
                "schedule show",
                found.id,
            ),
            build.actions(
                Button("Last job", line(ctx, source, "job show", recent), style="primary")
                if recent and not forgotten
                else None,
                Button("Why", line(ctx, source, "why schedule", found.id)) if doubtful else None,
                Button("Its jobs", line(ctx, source, "schedule jobs", found.id)),
                *buttons(ctx, source, found.id, found.state),
                Button("Pool", line(ctx, source, "pool show", pool)) if pool else None,
                Button("Cost", line(ctx, source, "cost schedule", found.id)),
                Button("All schedules", line(ctx, source, "schedule list")),
                Button("Refresh", line(ctx, source, "schedule show", found.id, whole=whole or None), how="edit"),
                Button("JSON", line(ctx, source, "raw schedule", found.id)),
                portal(source, "jobSchedules"),
                shown=5,
            ),
        ),
    )


def recent_job(schedule: JobSchedule) -> str:
    """The id of the job that it started last; empty where there is none."""
    run = schedule.execution_info
    return run.recent_job.id if run and run.recent_job else ""


def last_job(job: str, counts: Counts | None) -> Text:
    """``job-12: 198 of 200 done``, with what failed."""
    if counts is None:
        return text(code(job), f": {UNKNOWN}")
    total = all_tasks(counts)
    progress = f": {number(counts.completed)} of {number(total)} done"
    return text(
        code(job), progress, *((" ", chip(Mark.FAILED, f"{number(counts.failed)} failed")) if counts.failed else ())
    )
