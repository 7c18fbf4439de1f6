"""Delete a schedule with its jobs, and make it anew from what was kept of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

import msgspec
from msgspec import Struct

from bot.azure.models import Job, JobSchedule
from bot.azure.plane import Written
from bot.azure.writes import schedules
from bot.content.body_secrets import clear_body
from bot.domain.bodies.clone import Clone, clone
from bot.domain.bodies.fields import Body
from bot.domain.job_health import total
from bot.domain.states import is_over
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Button, Card, Field, Words
from cards.formatting import number, plural
from handlers.job.list import counts_of
from handlers.schedule import changing
from handlers.schedule.changing import OnSchedule
from handlers.schedule.create import NewSchedule, check_new
from handlers.shared import new_jobs
from handlers.shared.common import line
from handlers.shared.followed import GONE
from handlers.shared.missing import finding_schedule
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.saved_first import save_schedule
from handlers.shared.verbs import unless_gone

_COUNTED = 100
"""Jobs whose tasks are counted, the newest: each is a call."""
_NOT_KEPT = "It cannot be made anew from here: its settings hold secrets, which are not stored."


class Kept(Struct, frozen=True):
    """A schedule when it was deleted: its ETag, and the body that makes it anew; None where that holds secrets."""

    etag: str
    body: Body | None


class Delete(OnSchedule, frozen=True):
    """``schedules`` is the command that lists those that are left."""

    schedules: str = ""


async def deleting(ctx: Context, schedule: str, *, account: str | None = None) -> Preflight:
    """What goes with it: jobs, those that are active, tasks and files."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    async with finding_schedule(ctx, source, schedule, "schedule delete"):
        found = (await source.fetch(JobSchedule, source.schedule(schedule), select="id,state")).value
    if found.state.lower() == "deleting":
        return Preflight(f"Schedule {found.id} is being deleted already.")
    jobs, _ = await source.every(Job, source.schedule_jobs(found.id), select="id,state,creationTime")
    newest = sorted(jobs, key=lambda job: job.creation_time.timestamp() if job.creation_time else 0.0, reverse=True)
    counts = [each for each in await counts_of(source, [job.id for job in newest[:_COUNTED]]) if each]
    tasks, running = sum(map(total, counts)), sum(each.running for each in counts)
    active = sum(not is_over(job.state) for job in jobs)
    least = "at least " if len(jobs) > _COUNTED else ""
    effects = (
        f"{plural(len(jobs), 'job goes', 'jobs go')} with it, with {least}{plural(tasks, 'task')} and their files, at "
        "once, whatever their retention."
        if jobs
        else "It has no jobs.",
        f"{number(active)} of these jobs {'is' if active == 1 else 'are'} not over, and "
        f"{plural(running, 'task runs', 'tasks run')} now."
        if active
        else "",
        "For 15 minutes it can be made anew, without its jobs.",
    )
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=f"{found.state.lower()} {len(jobs)}",
        name=found.id if jobs else "",
        question=f"Delete schedule {found.id}",
    )


@command(
    "schedule delete",
    effect="destroy",
    azure=True,
    check="schedule list",
    preflight=deleting,
    examples=["schedule delete nightly"],
)
async def delete(ctx: Context, schedule: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Delete a schedule with all its jobs, their tasks and their files.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Delete(
        schedule,
        line(ctx, source, "schedule show", schedule),
        line(ctx, source, "schedule restore", schedule),
        line(ctx, source, "schedule list"),
    )
    async for card in ctx.operate("schedule delete", source, schedule, asked):
        yield card


@workflow("schedule delete", Delete, "Deleting schedule {}")
async def deletes(run: Run, asked: Delete) -> Outcome:
    """Keep what makes it anew and how tasks of its last jobs failed, ask for it, and follow until it is gone."""
    path = run.account.schedule(asked.schedule)

    async def keep() -> Kept:
        found = await unless_gone(lambda: run.account.fetch(JobSchedule, path))
        if found is None:
            raise Failure(f"Schedule {asked.schedule} does not exist any more.")
        body = clone("schedule", new_jobs.decoded(found.raw)).body
        _, secret = clear_body(body)
        return Kept(found.value.etag, None if secret else body)

    kept = await run.once("before", Kept, keep)
    await save_schedule(run, asked.schedule)

    def send() -> Awaitable[Written]:
        return schedules.delete(run.writer, asked.schedule, etag=kept.etag)

    async def took_effect() -> bool:
        return await changing.state_of(run, asked.schedule) in ("deleting", GONE)

    gone = ("JobScheduleNotFound", "JobScheduleBeingDeleted")
    await run.write("delete", "Ask Azure to delete it", send, landed=took_effect, done_if=gone)
    await changing.until(run, asked.schedule, "gone", "Wait until it and its jobs are gone")
    every = Button("All schedules", asked.schedules, style="primary")
    return Outcome(
        f"Schedule {asked.schedule} is deleted, with its jobs",
        () if kept.body else (Words(text(_NOT_KEPT)),),
        (every,),
        undo=f"{asked.back} operation:{run.row.id}" if kept.body else "",
        after=GONE,
    )


async def restoring(ctx: Context, schedule: str, *, operation: str, account: str | None = None) -> Preflight:
    """As for a new schedule."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    body = await _kept(ctx, schedule, operation)
    return await check_new(ctx, source, Clone(body), schedule, "Its jobs do not come back.")


@command(
    "schedule restore",
    effect="change",
    azure=True,
    check="schedule show {schedule}",
    preflight=restoring,
    examples=["schedule restore nightly operation:1a2b3c4d5e6f"],
)
async def restore(ctx: Context, schedule: str, *, operation: str, account: str | None = None) -> AsyncIterator[Card]:
    """Create a schedule that was deleted anew, from what was kept of it. Its jobs do not come back.

    :param schedule: the job schedule's id
    :param operation: the operation that deleted it, which the button of its message carries
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = NewSchedule.of(ctx, source, schedule, body=await _kept(ctx, schedule, operation))
    async for card in ctx.operate("schedule create", source, schedule, asked):
        yield card


async def _kept(ctx: Context, schedule: str, operation: str) -> Body:
    """The body that was kept. Raises CommandError where there is none."""
    operations = ctx.services.operations
    step = await operations.step(operation, "before") if operations else None
    try:
        kept = msgspec.json.decode(step, type=Kept) if step else None
    except msgspec.ValidationError:  # another verb's
        kept = None
    if kept is None or kept.body is None or str(kept.body.get("id", "")).lower() != schedule.lower():
        raise CommandError(f"Nothing is kept of schedule {schedule} under “{operation[:40]}”.", ["operation list"])
    return kept.body


@form_of("schedule delete", Field("schedule", "Schedule", "name", names="schedule", refresh=True))
async def delete_form(ctx: Context, values: Values) -> FormChanges:
    """Says what goes."""
    if not (schedule := values.get("schedule")):
        return FormChanges()
    found = await deleting(ctx, schedule, account=values.get("account"))
    return form_notes(found, "schedule", submit="Delete")
