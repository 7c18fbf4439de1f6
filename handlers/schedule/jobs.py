"""The jobs that a schedule has started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import get_args

from bot.azure.account import Account
from bot.azure.models import Counts, Job
from bot.domain.job_health import total as all_tasks
from bot.domain.states import JobState
from bot.filter import SCHEDULE_JOB, Filter
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, muted, text
from cards.card import Button, Card, Column, Mark, Text, Time
from cards.formatting import bar, number, percent
from handlers.job.list import Counted, JobSort, counted_jobs, in_words
from handlers.shared import filtering
from handlers.shared.common import UNKNOWN, line, run_time, template, titled
from handlers.shared.missing import finding_schedule
from handlers.shared.states import job_chip

_COLUMNS = (
    Column("Job", width=3),
    Column("State", width=2),
    Column("Ran", "right", rank=1),
    Column("Progress", rank=2, width=3),
    Column("Started", rank=3, width=2),
    Column("Trouble", width=3, beneath=True),
)


@command(
    "schedule jobs", effect="read", examples=["schedule jobs nightly", "schedule jobs nightly failed>0 created:7d"]
)
async def list_schedule_jobs(
    ctx: Context,
    schedule: str,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    state: JobState | None = None,
    sort: JobSort = "created",
    page: int = 1,
    skip: filtering.Unseen = 0,
    met: filtering.Unseen = 0,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """List the jobs that a schedule has created, with progress, newest first.

    :param schedule: the job schedule's id
    :param filter: which ones, as in job list, such as failed>0 created:7d ran>1h
    :param state: only jobs in this state
    :param sort: in which order
    :param page: which page of 20
    :param skip: how many jobs of the list lie before the page
    :param met: how many of those fit
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, SCHEDULE_JOB, filter, "schedule", "jobs", schedule, state=state)
    start = filtering.PageStart(page, skip, met)
    bound = wanted.at(source.now())
    begin: filtering.Found[Counted] = filtering.Found((), 0, 0, 0, bound.at)
    reading = counted_jobs(source, source.schedule_jobs(schedule), bound, start, sort)
    async with finding_schedule(ctx, source, schedule, "schedule jobs"):
        async for step in filtering.paced(ctx, reading, begin):
            yield _listed(ctx, source, schedule, wanted, start, sort, step)


def _listed(
    ctx: Context,
    source: Account,
    schedule: str,
    wanted: Filter,
    start: filtering.PageStart,
    sort: JobSort,
    step: filtering.Step[Counted],
) -> Card:
    found = step.found

    def again(**options: object) -> str:
        ordered = {"sort": sort if sort != "created" else None}
        return line(ctx, source, "schedule jobs", schedule, *wanted.tokens, **{**ordered, **options})

    status = filtering.ListStatus(ctx, step, start, again)
    back, on = status.turning
    failed = sum(bool(counts and counts.failed) for _, counts in found.rows)
    return Card(
        title=titled(
            f"Jobs of schedule {schedule}",
            wanted.words(found.at),
            status.extent,
            f"{number(failed)} with failures" if failed else None,
        ),
        mark=Mark.WARNING if failed else Mark.RUNNING,
        as_of=found.at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(job, counts, found.at) for job, counts in found.rows])
            if found.rows
            else status.nothing(wanted, "It has started no job yet."),
            status.progress,
            build.actions(
                status.going_on,
                back,
                on,
                build.open_menu(
                    "Open a job", template(ctx, source, "job show", "{}"), [job.id for job, _ in found.rows]
                ),
                Button("Filter…", again(), how="form"),
                filtering.without(wanted, line(ctx, source, "schedule jobs", schedule)),
                Button("Schedule", line(ctx, source, "schedule show", schedule)),
                filtering.sorting(again(sort=None), get_args(JobSort), sort),
                Button("Refresh", again(page=start.page, skip=start.skip or None, met=start.met or None), how="edit"),
                Button(
                    "CSV",
                    line(
                        ctx,
                        source,
                        "csv schedulejob",
                        schedule,
                        *wanted.tokens,
                        sort=sort if sort != "created" else None,
                    ),
                ),
                shown=5,
            ),
        ),
    )


def _row(job: Job, counts: Counts | None, at: datetime) -> list[Text]:
    told, counts = counts is not None, counts or Counts()
    total = all_tasks(counts)
    run = job.execution_info
    ran = run_time(run.start_time, run.end_time or at) if run else ""
    return [
        text(code(job.id)),
        text(job_chip(job.state, failed=counts.failed, total=total)),
        text(ran or muted("–")),
        text(f"{bar(counts.completed, total)} {percent(counts.completed, total)}")
        if total
        else text(muted("no tasks") if told else UNKNOWN),
        text(Time(run.start_time)) if run and run.start_time else text(muted("–")),
        in_words(job, counts) or text(muted("–") if told else UNKNOWN),
    ]
