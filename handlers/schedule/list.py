"""The list of job schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from bot.azure.models import Counts, JobSchedule
from bot.domain.job_health import total as all_tasks
from bot.domain.schedule_health import overdue_since, reading
from bot.domain.states import ScheduleState, is_active
from bot.filter import SCHEDULE
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Text, Time
from cards.formatting import number, plural
from handlers.job.list import counts_of
from handlers.schedule.recurrence import every, next_runs
from handlers.schedule.show import last_job, recent_job
from handlers.shared.common import line, template, titled
from handlers.shared.files import Cell
from handlers.shared.filtering import Typed, selected
from handlers.shared.listing import Listing, backwards
from handlers.shared.states import schedule_chip
from handlers.shared.verbs import verb

_LISTED = "id,state,schedule,executionInfo,creationTime"
_COLUMNS = (
    Column("Schedule", width=3),
    Column("State", width=2),
    Column("Next run", rank=1, width=3),
    Column("Every", rank=3, width=2),
    Column("Last job", rank=2, width=3),
    Column("Trouble", width=3, beneath=True),
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
    "schedule list",
    effect="read",
    examples=["schedule list", "schedule list active nightly*", "schedule list sort:next"],
    menu=45,
)
async def list_schedules(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    state: ScheduleState | None = None,
    sort: ScheduleSort = "state",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the job schedules of an account: next run, recurrence, and result of the last job.

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
                verb(ctx, source, "New schedule…", "schedule create", how="form"),
                Button("Jobs", line(ctx, source, "job list")),
                *shown.controls,
                shown=5,
            ),
        ),
    )


@command("csv schedule", effect="read", examples=["csv schedule", "csv schedule disabled"])
async def csv_schedules(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: ScheduleSort = "state",
    account: str | None = None,
) -> Card:
    """Export job schedules as a CSV file, all or those that match a filter.

    :param filter: which ones, as in schedule list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _schedules(source.now()).asked(ctx, source, filter, sort=sort, whole=True)
    bound = asked.wanted.at(source.now())
    return await asked.as_file(*await source.every(JobSchedule, "/jobschedules", filter=bound.odata), source.name)


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
        last_job(recent.removeprefix(f"{schedule.id}:"), counts) if recent else text(muted("none yet")),
        _trouble(schedule, at, counts) or text(muted("–")),
    ]


def _trouble(schedule: JobSchedule, at: datetime, counts: Counts | None) -> Text:
    """What is wrong with a schedule, in few words: no job came, or tasks of its last one failed."""
    late = overdue_since(reading(schedule), at)
    failed = counts.failed if counts else 0
    of_last = (
        chip(Mark.WARNING, f"last job: {number(failed)} of {number(all_tasks(counts))} failed") if counts else None
    )
    return text(
        chip(Mark.WARNING, "no new job came") if late else None,
        ", " if late and failed else None,
        of_last if failed else None,
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
