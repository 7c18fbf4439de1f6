"""Stop a schedule for a while, let it go on, and end it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.plane import Written
from bot.azure.writes import schedules
from bot.domain.states import is_over
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Card, Field
from handlers.schedule import changing
from handlers.schedule.changing import OnSchedule
from handlers.schedule.recurrence import OVER, next_runs
from handlers.schedule.show import recent_job
from handlers.shared.common import line
from handlers.shared.followed import GONE
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.runs import runs_line
from handlers.shared.saved_first import save_schedule


async def disabling(ctx: Context, schedule: str, *, account: str | None = None) -> Preflight:
    """Which runs do not happen."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await changing.found_schedule(ctx, source, schedule, "schedule disable")
    if over := changing.ended(ctx, source, found):
        return over
    if found.state.lower() == "disabled":
        enable = Fix("Enable it", line(ctx, source, "schedule enable", found.id))
        return Preflight(f"Schedule {found.id} is disabled already.", fixes=(enable,))
    runs = next_runs(found, source.now(), 1)
    effects = (
        f"Unless it is enabled by then, it starts no job at {runs_line(runs, ctx.zone)}." if runs else "",
        f"Its job {recent_job(found)} goes on, if it is not over." if recent_job(found) else "",
    )
    return Preflight(
        effects=tuple(filter(None, effects)), state="active", differences=(Difference("State", "active", "disabled"),)
    )


@command(
    "schedule disable",
    effect="change",
    azure=True,
    check="schedule show {schedule}",
    preflight=disabling,
    examples=["schedule disable nightly"],
)
async def disable(ctx: Context, schedule: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Disable a schedule: it starts no job until it is enabled again. Its job that runs goes on.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    show, back = line(ctx, source, "schedule show", schedule), line(ctx, source, "schedule enable", schedule)
    async for card in ctx.operate("schedule disable", source, schedule, OnSchedule(schedule, show, back)):
        yield card


@workflow("schedule disable", OnSchedule, "Disabling schedule {}")
async def disables(run: Run, asked: OnSchedule) -> Outcome:
    """Azure disables it at once."""
    before = await changing.before(run, asked.schedule)

    def send() -> Awaitable[Written]:
        return schedules.disable(run.writer, asked.schedule, etag=before.etag)

    await changing.ask(run, asked.schedule, "disable", "Ask Azure to disable it", send, "disabled")
    headline = f"Schedule {asked.schedule} is disabled"
    return Outcome(headline, (), (changing.show(asked),), undo=asked.back, before=before.state, after="disabled")


async def enabling(ctx: Context, schedule: str, *, account: str | None = None) -> Preflight:
    """When it runs next."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await changing.found_schedule(ctx, source, schedule, "schedule enable")
    if over := changing.ended(ctx, source, found):
        return over
    if found.state.lower() == "active":
        disable = Fix("Disable it", line(ctx, source, "schedule disable", found.id))
        return Preflight(f"Schedule {found.id} is active already.", fixes=(disable,))
    runs = next_runs(found, source.now())
    effects = (f"It runs at {runs_line(runs, ctx.zone)}." if runs else OVER,)
    return Preflight(effects=effects, state="disabled", differences=(Difference("State", "disabled", "active"),))


@command(
    "schedule enable",
    effect="change",
    azure=True,
    check="schedule show {schedule}",
    preflight=enabling,
    examples=["schedule enable nightly"],
)
async def enable(ctx: Context, schedule: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Enable a schedule that is disabled: it starts jobs again.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    show, back = line(ctx, source, "schedule show", schedule), line(ctx, source, "schedule disable", schedule)
    async for card in ctx.operate("schedule enable", source, schedule, OnSchedule(schedule, show, back)):
        yield card


@workflow("schedule enable", OnSchedule, "Enabling schedule {}")
async def enables(run: Run, asked: OnSchedule) -> Outcome:
    """Azure enables it at once."""
    before = await changing.before(run, asked.schedule)

    def send() -> Awaitable[Written]:
        return schedules.enable(run.writer, asked.schedule, etag=before.etag)

    await changing.ask(run, asked.schedule, "enable", "Ask Azure to enable it", send, "active", "completed")
    headline = f"Schedule {asked.schedule} is active again"
    return Outcome(headline, (), (changing.show(asked),), undo=asked.back, before=before.state, after="active")


async def terminating(ctx: Context, schedule: str, *, account: str | None = None) -> Preflight:
    """Its job that runs ends too."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await changing.found_schedule(ctx, source, schedule, "schedule terminate")
    if over := changing.ended(ctx, source, found):
        return over
    recent = recent_job(found)
    effects = (
        f"Its job {recent} ends with it, if it is not over: tasks that run end and count as failed." if recent else "",
        "A schedule that has ended cannot be enabled again; its jobs stay until it is deleted.",
    )
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=f"{found.state.lower()} {recent}",
        question=f"End schedule {found.id}",
    )


@command(
    "schedule terminate",
    effect="destroy",
    azure=True,
    check="schedule show {schedule}",
    preflight=terminating,
    examples=["schedule terminate nightly"],
)
async def terminate(ctx: Context, schedule: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """End a schedule for good, with its job that runs.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = OnSchedule(schedule, line(ctx, source, "schedule show", schedule))
    async for card in ctx.operate("schedule terminate", source, schedule, asked):
        yield card


@workflow("schedule terminate", OnSchedule, "Terminating schedule {}")
async def terminates(run: Run, asked: OnSchedule) -> Outcome:
    """Keep how tasks of its last jobs failed, ask for it, and follow the schedule to its end."""
    before = await changing.before(run, asked.schedule)
    await save_schedule(run, asked.schedule)

    def send() -> Awaitable[Written]:
        return schedules.terminate(run.writer, asked.schedule, etag=before.etag)

    ends = ("terminating", "completed", "deleting", GONE)
    await changing.ask(run, asked.schedule, "terminate", "Ask Azure to end it", send, *ends)
    state = await changing.until(run, asked.schedule, "ended", "Wait until it has ended", "completed")
    buttons = (changing.show(asked),) if is_over(state) else ()
    return Outcome(f"Schedule {asked.schedule} has ended", (), buttons, before=before.state, after=state)


@form_of("schedule terminate", Field("schedule", "Schedule", "name", names="schedule", refresh=True))
async def terminate_form(ctx: Context, values: Values) -> FormChanges:
    """Says what ends with it."""
    if not (schedule := values.get("schedule")):
        return FormChanges()
    found = await terminating(ctx, schedule, account=values.get("account"))
    return form_notes(found, "schedule", submit="Terminate")


@form_of("schedule disable", Field("schedule", "Schedule", "name", names="schedule", refresh=True))
async def disable_form(ctx: Context, values: Values) -> FormChanges:
    """Says which run does not happen."""
    if not (schedule := values.get("schedule")):
        return FormChanges()
    found = await disabling(ctx, schedule, account=values.get("account"))
    return form_notes(found, "schedule", submit="Disable")


@form_of("schedule enable", Field("schedule", "Schedule", "name", names="schedule", refresh=True))
async def enable_form(ctx: Context, values: Values) -> FormChanges:
    """Says when it runs next."""
    if not (schedule := values.get("schedule")):
        return FormChanges()
    found = await enabling(ctx, schedule, account=values.get("account"))
    return form_notes(found, "schedule", submit="Enable")
