"""Job schedules: list, show, and the jobs that one has started."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from bot.azure.account import Account
from bot.azure.models import Counts, Job, JobSchedule, JobSpecification, VmSize
from bot.commands import command
from bot.context import Context
from bot.filter import SCHEDULE
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Button, Card, Column, Mark, Text, Time, Words
from cards.phrases import bar, number, percent, plural
from handlers.common import line, named, run_time, since, sizes_of, template, titled
from handlers.filtering import Typed, selected, understood, without
from handlers.job import automatic_pool, counts_of, rules
from handlers.missing import finding_schedule
from handlers.portal import portal
from handlers.schedule_parts import every, next_runs, when_it_runs
from handlers.states import job_chip, schedule_chip
from handlers.work import job_manager, preparation, release

_LISTED = "id,state,schedule,executionInfo,creationTime"
_COLUMNS = (
    Column("Schedule", width=3),
    Column("State", width=2),
    Column("Next run", rank=1, width=3),
    Column("Every", rank=3, width=2),
    Column("Last job", rank=2, width=3),
)
_JOBS_LISTED = "id,state,stateTransitionTime,creationTime,executionInfo"
_JOB_COLUMNS = (
    Column("Job", width=3),
    Column("State", width=2),
    Column("Failed", "right", rank=1),
    Column("Progress", rank=2, width=3),
    Column("Started", rank=3, width=2),
    Column("Ran", "right", rank=4),
)
_ORDER = ("active", "disabled", "terminating", "deleting", "completed")
ScheduleState = Literal["active", "disabled", "terminating", "deleting", "completed"]


@command("schedule list", examples=["schedule list", "schedule list active nightly*"], menu=45)
async def list_schedules(
    ctx: Context, *where: Typed, state: ScheduleState | None = None, page: int = 1, account: str | None = None
) -> Card:
    """List the job schedules of an account: when each runs next, how often, and how its last job went.

    :param where: a filter, such as ``nightly*`` or ``recent~job-12``
    :param state: only schedules in this state
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = understood(ctx, source, SCHEDULE, where, "schedule", "list", state=state)
    bound = wanted.at(source.now())
    found, at = await source.every(JobSchedule, "/jobschedules", select=selected(_LISTED, wanted), filter=bound.odata)
    found = sorted(filter(bound.row, found), key=lambda each: _place(each, at))
    page = build.within(page, len(found))
    rows = found[(page - 1) * build.PAGE : page * build.PAGE]
    recent = [_recent(each) for each in rows]
    jobs = [job for job in recent if job]
    counts = dict(zip(jobs, await counts_of(source, jobs), strict=True))
    command_ = line(ctx, source, "schedule list", *wanted.tokens)
    back, on = build.pager(command_, page, len(found))
    failing = sum(bool(each and each.failed) for each in counts.values())
    return Card(
        title=titled(
            f"Schedules in {source.name}",
            wanted.words(at),
            build.shown(page, len(rows), len(found)),
            f"{plural(failing, 'last job')} with failures" if failing else None,
        ),
        mark=Mark.WARNING if failing else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(each, at, counts.get(_recent(each))) for each in rows])
            if rows
            else Words(text("No schedule fits." if wanted else "This account has no job schedules.")),
            build.actions(
                back,
                on,
                build.open_menu(
                    "Open a schedule", template(ctx, source, "schedule show", "{}"), [each.id for each in rows]
                ),
                Button("Filter…", command_, how="form"),
                without(wanted, line(ctx, source, "schedule list")),
                Button("Jobs", line(ctx, source, "job list")),
                Button("Refresh", f"{command_} page:{page}", how="edit"),
            ),
        ),
    )


@command("schedule show", examples=["schedule show nightly"])
async def show_schedule(ctx: Context, schedule: str, *, account: str | None = None) -> Card:
    """Show one job schedule: when it runs next, its last job, and the jobs that it starts.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_schedule(ctx, source, schedule, "schedule show"):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule))
    recent = _recent(fetched.value)
    counts = (await counts_of(source, [recent]))[0] if recent else None
    return schedule_card(ctx, source, fetched.value, fetched.at, counts, await sizes_of(source))


def schedule_card(
    ctx: Context,
    source: Account,
    found: JobSchedule,
    at: datetime,
    counts: Counts | None = None,
    sizes: Mapping[str, VmSize] = MappingProxyType({}),
) -> Card:
    """All of a job schedule; ``counts`` are those of its last job, ``sizes`` serve its automatic pool."""
    state = schedule_chip(found.state)
    run, spec = found.execution_info, found.job_specification or JobSpecification()
    recent = _recent(found)
    runs = next_runs(found, at)
    pool = spec.pool_info.pool_id if spec.pool_info else ""
    active = found.state.lower() == "active"
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
                ("Before", since(found.previous_state.lower(), found.previous_state_transition_time)),
                ("Next run", when(runs[0]) if runs and active else None),
                ("Ended", when(run.end_time) if run else None),
                ("Last job", _told(recent, counts) if recent else "none yet"),
                ("Pool", code(pool) if pool else None),
                ("Created", when(found.creation_time)),
                ("Changed", when(found.last_modified)),
                ("Display name", found.display_name),
                ("Metadata", named(found.metadata)),
            ),
            *when_it_runs(found, at),
            *rules(spec, "The jobs it starts"),
            *job_manager(spec.job_manager_task),
            *preparation(spec.job_preparation_task),
            *release(spec.job_release_task),
            *automatic_pool(spec.pool_info, sizes),
            build.actions(
                Button("Last job", line(ctx, source, "job show", recent), style="primary") if recent else None,
                Button("Its jobs", line(ctx, source, "schedule jobs", found.id)),
                Button("Pool", line(ctx, source, "pool show", pool)) if pool else None,
                Button("All schedules", line(ctx, source, "schedule list")),
                Button("Refresh", line(ctx, source, "schedule show", found.id), how="edit"),
                Button("JSON", line(ctx, source, "raw schedule", found.id)),
                portal(source, "jobSchedules"),
            ),
        ),
    )


@command("schedule jobs", examples=["schedule jobs nightly"])
async def list_schedule_jobs(ctx: Context, schedule: str, *, page: int = 1, account: str | None = None) -> Card:
    """List the jobs that a schedule has started, with their progress, newest first.

    :param schedule: the job schedule's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_schedule(ctx, source, schedule, "schedule jobs"):
        jobs, at = await source.every(Job, source.schedule_jobs(schedule), select=_JOBS_LISTED)
    jobs.sort(key=lambda job: job.creation_time.timestamp() if job.creation_time else 0.0, reverse=True)
    page = build.within(page, len(jobs))
    rows = jobs[(page - 1) * build.PAGE : page * build.PAGE]
    counts = await counts_of(source, [job.id for job in rows])
    failed = sum(bool(each and each.failed) for each in counts)
    back, on = build.pager(line(ctx, source, "schedule jobs", schedule), page, len(jobs))
    return Card(
        title=titled(
            f"Jobs of schedule {schedule}",
            build.shown(page, len(rows), len(jobs)),
            f"{number(failed)} with failures" if failed else None,
        ),
        mark=Mark.WARNING if failed else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            build.table(_JOB_COLUMNS, [_job_row(job, each, at) for job, each in zip(rows, counts, strict=True)])
            if rows
            else Words(text("It has started no job yet.")),
            build.actions(
                back,
                on,
                build.open_menu("Open a job", template(ctx, source, "job show", "{}"), [job.id for job in rows]),
                Button("Schedule", line(ctx, source, "schedule show", schedule)),
                Button("Refresh", line(ctx, source, "schedule jobs", schedule, page=page), how="edit"),
            ),
        ),
    )


def _recent(schedule: JobSchedule) -> str:
    run = schedule.execution_info
    return run.recent_job.id if run and run.recent_job else ""


def _place(schedule: JobSchedule, at: datetime) -> tuple[int, float, str]:
    """Active ones first, the one that runs next before the others."""
    state = schedule.state.lower()
    runs = next_runs(schedule, at, 1)
    return (
        _ORDER.index(state) if state in _ORDER else len(_ORDER),
        runs[0].timestamp() if runs else float("inf"),
        schedule.id,
    )


def _row(schedule: JobSchedule, at: datetime, counts: Counts | None) -> list[Text]:
    runs = next_runs(schedule, at, 1)
    active = schedule.state.lower() == "active"
    recent = _recent(schedule)
    return [
        text(code(schedule.id)),
        text(schedule_chip(schedule.state)),
        text(Time(runs[0])) if runs and active else text(muted("–")),
        text(every(schedule.schedule)),
        _told(recent.removeprefix(f"{schedule.id}:"), counts) if recent else text(muted("none yet")),
    ]


def _told(job: str, counts: Counts | None) -> Text:
    """``job-12: 198 of 200 done``, with what failed."""
    if counts is None:
        return text(code(job), ": gone")
    total = counts.active + counts.running + counts.completed
    told = f": {number(counts.completed)} of {number(total)} done"
    return text(
        code(job), told, *((" ", chip(Mark.FAILED, f"{number(counts.failed)} failed")) if counts.failed else ())
    )


def _job_row(job: Job, counts: Counts | None, at: datetime) -> list[Text]:
    counts = counts or Counts()
    total = counts.active + counts.running + counts.completed
    run = job.execution_info
    ran = run_time(run.start_time, run.end_time or at) if run else ""
    return [
        text(code(job.id)),
        text(job_chip(job.state, failed=counts.failed)),
        text(number(counts.failed)) if counts.failed else text(muted("–")),
        text(f"{bar(counts.completed, total)} {percent(counts.completed, total)}")
        if total
        else text(muted("no tasks")),
        text(Time(run.start_time)) if run and run.start_time else text(muted("–")),
        text(ran or muted("–")),
    ]
