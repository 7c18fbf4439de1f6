"""Run a schedule now: a job like those that it starts, made at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from bot.azure.account import Account
from bot.azure.models import JobSchedule
from bot.domain.bodies.clone import Clone
from bot.operations.preflight import Preflight
from bot.policy.question import Target
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Card, Field
from handlers.job.create import NewJob, check_new, of_schedule
from handlers.shared import new_jobs
from handlers.shared.common import line
from handlers.shared.missing import finding_schedule
from handlers.shared.preflight import blocked, form_notes

_SAID = (
    "Azure has no such operation: this job is like the schedule's own and made by me. The schedule does not know it: "
    "it does not count as its last job, and stays when the schedule is deleted."
)


async def running(ctx: Context, schedule: str, *, account: str | None = None) -> Preflight:
    """As for a new job."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found, asked = await _asked(ctx, source, schedule)
    ahead = await check_new(ctx, source, found, asked, _SAID)
    return replace(ahead, uses=(*ahead.uses, Target("job", asked.job)))


@command(
    "schedule run",
    effect="change",
    azure=True,
    check="job list {schedule}-now-*",
    preflight=running,
    examples=["schedule run nightly"],
)
async def run_now(ctx: Context, schedule: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Create a job like those that a schedule starts, now, beside its plan.

    Azure has no operation for that. The job is named SCHEDULE-now-1 and so on, and is none of the schedule's own.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    _, asked = await _asked(ctx, source, schedule)
    async for card in ctx.operate("job create", source, asked.job, asked):
        yield card


async def _asked(ctx: Context, source: Account, schedule: str) -> tuple[Clone, NewJob]:
    """What the job is made of, and what is to be done."""
    async with finding_schedule(ctx, source, schedule, "schedule run"):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule))
    named = await new_jobs.free_id(source, fetched.value.id, "now")
    asked = NewJob(
        named,
        line(ctx, source, "job show", named),
        line(ctx, source, "task add", named),
        line(ctx, source, "job delete", named),
        schedule=fetched.value.id,
    )
    return of_schedule(new_jobs.decoded(fetched.raw), named), asked


@form_of("schedule run", Field("schedule", "Schedule", "name", names="schedule", refresh=True))
async def run_form(ctx: Context, values: Values) -> FormChanges:
    """Says which job is made."""
    if not (schedule := values.get("schedule")):
        return FormChanges()
    found = await running(ctx, schedule, account=values.get("account"))
    return form_notes(found, "schedule", submit="Run now")
