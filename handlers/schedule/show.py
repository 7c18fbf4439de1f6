"""Job schedules: list, show, and the jobs that one has started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from bot.azure.account import Account
from bot.azure.models import Counts, JobSchedule, JobSpecification, VmSize
from bot.domain.job_health import total as all_tasks
from bot.domain.states import ScheduleState, is_active
from bot.filter import SCHEDULE
from bot.requests.context import Context
from bot.requests.registry import command
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Button, Card, Column, Mark, Text, Time
from cards.formatting import number, plural
from handlers.job.show import automatic_pool, counts_of, rules
from handlers.schedule.recurrence import every, next_runs, when_it_runs
from handlers.shared.common import line, named, since, sizes_of, template, titled
from handlers.shared.export import Cell
from handlers.shared.filtering import Typed, selected
from handlers.shared.listing import Listing, backwards
from handlers.shared.missing import finding_schedule
from handlers.shared.portal import portal
from handlers.shared.states import schedule_chip
from handlers.task.definition import job_manager, preparation, release

_LISTED = "id,state,schedule,executionInfo,creationTime"
_COLUMNS = (
    Column("Schedule", width=3),
    Column("State", width=2),
    Column("Next run", rank=1, width=3),
    Column("Every", rank=3, width=2),
    Column("Last job", rank=2, width=3),
)
_ORDER = ("active", "disabled", "terminating", "deleting", "completed")


ScheduleSort = Literal["state", "next", "name", "created"]


def _schedules(at: datetime) -> Listing[JobSchedule]:
    """The list, seen at a moment: what runs next comes first."""
    return Listing(
        SCHEDULE,
        "schedule list",
        "csv schedule",
        {
            "state": lambda each: _place(each, at),
            "next": lambda each: (_next(each, at), each.id),
            "name": lambda each: each.id.lower(),
            "created": lambda each: (backwards(each.creation_time), each.id),
        },
        _CELLS,
    )


@command(
    "schedule list", examples=["schedule list", "schedule list active nightly*", "schedule list sort:next"], menu=45
)
async def list_schedules(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    state: ScheduleState | None = None,
    sort: ScheduleSort = "state",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the job schedules of an account: when each runs next, how often, and how its last job went.

    :param filter: which ones, such as nightly* recent~job-12 pool:render-* next:today created:7d
    :param state: only schedules in this state
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _schedules(source.now()).asked(ctx, source, filter, sort=sort, page=page, state=state)
    bound = asked.wanted.at(source.now())
    found, at = await source.every(
        JobSchedule, "/jobschedules", select=selected(_LISTED, asked.wanted), filter=bound.odata
    )
    shown = asked.of(found, at)
    recent = [recent_job(each) for each in shown.rows]
    jobs = [job for job in recent if job]
    counts = dict(zip(jobs, await counts_of(source, jobs), strict=True))
    failing = sum(bool(each and each.failed) for each in counts.values())
    return Card(
        title=titled(
            f"Schedules in {source.name}",
            shown.words,
            shown.extent,
            f"{plural(failing, 'last job')} with failures" if failing else None,
        ),
        mark=Mark.WARNING if failing else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            shown.table(
                _COLUMNS,
                lambda each: _row(each, at, counts.get(recent_job(each))),
                "This account has no job schedules.",
            ),
            build.actions(
                *shown.turning,
                build.open_menu(
                    "Open a schedule", template(ctx, source, "schedule show", "{}"), [each.id for each in shown.rows]
                ),
                Button("Jobs", line(ctx, source, "job list")),
                *shown.controls,
            ),
        ),
    )


@command("csv schedule", examples=["csv schedule", "csv schedule disabled"])
async def csv_schedules(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: ScheduleSort = "state",
    account: str | None = None,
) -> Card:
    """Give all job schedules, or those that fit, as a CSV file.

    :param filter: which ones, as in schedule list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _schedules(source.now()).asked(ctx, source, filter, sort=sort, whole=True)
    bound = asked.wanted.at(source.now())
    return await asked.as_file(*await source.every(JobSchedule, "/jobschedules", filter=bound.odata), source.name)


@command("schedule show", examples=["schedule show nightly"])
async def show_schedule(ctx: Context, schedule: str, *, account: str | None = None) -> Card:
    """Show one job schedule: when it runs next, its last job, and the jobs that it starts.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_schedule(ctx, source, schedule, "schedule show"):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule))
    recent = recent_job(fetched.value)
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
    recent = recent_job(found)
    runs = next_runs(found, at)
    pool = spec.pool_info.pool_id if spec.pool_info else ""
    active = is_active(found.state)
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


def recent_job(schedule: JobSchedule) -> str:
    """The id of the job that it started last; empty where there is none."""
    run = schedule.execution_info
    return run.recent_job.id if run and run.recent_job else ""


def _place(schedule: JobSchedule, at: datetime) -> tuple[int, float, str]:
    """Active ones first, the one that runs next before the others."""
    state = schedule.state.lower()
    return _ORDER.index(state) if state in _ORDER else len(_ORDER), _next(schedule, at), schedule.id


def _next(schedule: JobSchedule, at: datetime) -> float:
    runs = next_runs(schedule, at, 1)
    return runs[0].timestamp() if runs else float("inf")


def _pool(schedule: JobSchedule) -> str:
    spec = schedule.job_specification
    return spec.pool_info.pool_id if spec and spec.pool_info else ""


def _row(schedule: JobSchedule, at: datetime, counts: Counts | None) -> list[Text]:
    runs = next_runs(schedule, at, 1)
    active = is_active(schedule.state)
    recent = recent_job(schedule)
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
    total = all_tasks(counts)
    told = f": {number(counts.completed)} of {number(total)} done"
    return text(
        code(job), told, *((" ", chip(Mark.FAILED, f"{number(counts.failed)} failed")) if counts.failed else ())
    )


_CELLS: Mapping[str, Callable[[JobSchedule], Cell]] = {
    "schedule": lambda each: each.id,
    "state": lambda each: each.state,
    "since": lambda each: each.state_transition_time,
    "next run": lambda each: each.execution_info.next_run_time if each.execution_info else None,
    "every": lambda each: every(each.schedule),
    "last job": recent_job,
    "pool": _pool,
    "created": lambda each: each.creation_time,
    "ended": lambda each: each.execution_info.end_time if each.execution_info else None,
}
