"""Stop a job for a while, and let it go on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.plane import Written
from bot.azure.writes import jobs
from bot.azure.writes.jobs import OfTasks
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Button, Card, Field
from cards.formatting import plural
from handlers.job import changing
from handlers.job.changing import OnJob
from handlers.shared.common import line
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.verbs import runs_on


class Disable(OnJob, frozen=True):
    """``tasks`` is what becomes of those that run."""

    tasks: OfTasks = "requeue"


async def disabling(ctx: Context, job: str, *, tasks: OfTasks = "requeue", account: str | None = None) -> Preflight:
    """Which tasks are interrupted, and how many wait."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await changing.found_job(ctx, source, job, "job disable")
    state = found.state.lower()
    if over := changing.ended(ctx, source, found):
        return over
    if state in ("disabled", "disabling"):
        enable = Fix("Enable it", line(ctx, source, "job enable", found.id))
        return Preflight(f"Job {found.id} is {state} already.", fixes=(enable,))
    counts = await changing.counts_of(source, found.id)
    wait = plural(counts.active, "task that waits starts", "tasks that wait start")
    effects = (
        changing.of_running(counts.running, tasks),
        f"{wait} when it is enabled again." if counts.active else "",
    )
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=state,
        differences=(Difference("State", state, "disabled"),),
        confirm=counts.running > 0 and tasks != "wait",
        question=f"Disable job {found.id}",
    )


@command(
    "job disable",
    effect="change",
    azure=True,
    check="job show {job}",
    preflight=disabling,
    examples=["job disable nightly", "job disable nightly tasks:wait"],
)
async def disable(
    ctx: Context, job: str, *, tasks: OfTasks = "requeue", account: str | None = None
) -> AsyncIterator[Card]:
    """Disable a job: none of its tasks starts until it is enabled again.

    :param job: the job's id
    :param tasks: what becomes of tasks that run: requeue stops them, to start anew when the job goes on; terminate ends
        them as failed, for good; wait lets them finish first
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    show, back = line(ctx, source, "job show", job), line(ctx, source, "job enable", job)
    async for card in ctx.operate("job disable", source, job, Disable(job, show, back, tasks)):
        yield card


@workflow("job disable", Disable, "Disabling job {}")
async def disables(run: Run, asked: Disable) -> Outcome:
    """Ask for it, and follow the job until no task runs."""
    before = await changing.before(run, asked.job)

    def send() -> Awaitable[Written]:
        return jobs.disable(run.writer, asked.job, tasks=asked.tasks, etag=before.etag)

    await changing.ask(run, asked.job, "disable", "Ask Azure to disable it", send, "disabling", "disabled")
    state = await changing.until(
        run, asked.job, "disabled", "Wait until none of its tasks runs", "disabled", "active",
        longest=changing.LONGEST_WAIT,
    )  # fmt: skip
    show = changing.show(asked)
    if state != "disabled":
        return Outcome(f"Job {asked.job} is {state}, not disabled: something else changed it", (), (show,), failed=True)
    enable = Button("Enable", asked.back)
    return Outcome(
        f"Job {asked.job} is disabled", (), (show, enable), undo=asked.back, before=before.state, after=state
    )


async def enabling(ctx: Context, job: str, *, account: str | None = None) -> Preflight:
    """How many tasks go on."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await changing.found_job(ctx, source, job, "job enable")
    state = found.state.lower()
    if over := changing.ended(ctx, source, found):
        return over
    if state in ("active", "enabling"):
        disable = Fix("Disable it", line(ctx, source, "job disable", found.id))
        return Preflight(f"Job {found.id} is {state} already.", fixes=(disable,))
    counts = await changing.counts_of(source, found.id)
    waiting = (
        f"{plural(counts.active, 'task')} may start. Those that are older than 180 days never do."
        if counts.active
        else ""
    )
    ends = ""
    if not counts.active and not counts.running and found.on_all_tasks_complete.lower() == "terminatejob":
        ends = "It has no task left to run and ends by itself then, so it will be completed at once."
    return Preflight(
        effects=tuple(filter(None, (waiting, ends))),
        state=state,
        differences=(Difference("State", state, "active"),),
        uses=runs_on(found),
    )


@command(
    "job enable",
    effect="change",
    azure=True,
    check="job show {job}",
    preflight=enabling,
    examples=["job enable nightly"],
)
async def enable(ctx: Context, job: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Enable a job that is disabled: its tasks start again.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    show, back = line(ctx, source, "job show", job), line(ctx, source, "job disable", job)
    async for card in ctx.operate("job enable", source, job, OnJob(job, show, back)):
        yield card


@workflow("job enable", OnJob, "Enabling job {}")
async def enables(run: Run, asked: OnJob) -> Outcome:
    """Ask for it, and follow the job until it is active."""
    before = await changing.before(run, asked.job)

    def send() -> Awaitable[Written]:
        return jobs.enable(run.writer, asked.job, etag=before.etag)

    landed = ("enabling", "active", "terminating", "completed")
    await changing.ask(run, asked.job, "enable", "Ask Azure to enable it", send, *landed)
    state = await changing.until(run, asked.job, "enabled", "Wait until it is active", "active", "disabled")
    show = changing.show(asked)
    if state == "active":
        return Outcome(
            f"Job {asked.job} is active again", (), (show,), undo=asked.back, before=before.state, after=state
        )
    if state == "completed":
        headline = f"Job {asked.job} was enabled, and ended by itself: it had no task left to run"
        return Outcome(headline, (), (show,), before=before.state, after=state)
    return Outcome(f"Job {asked.job} is {state}: something else changed it", (), (show,), failed=True)


@form_of(
    "job disable",
    Field("job", "Job", "name", names="job", refresh=True),
    Field("tasks", "Tasks that run", "choice", options=changing.WHAT_BECOMES_OF_TASKS, refresh=True),
)
async def disable_form(ctx: Context, values: Values) -> FormChanges:
    """Says which tasks are interrupted."""
    if not (job := values.get("job")):
        return FormChanges()
    found = await disabling(ctx, job, tasks=changing.of_tasks(values.get("tasks")), account=values.get("account"))
    return form_notes(found, "job", submit="Disable")


@form_of("job enable", Field("job", "Job", "name", names="job", refresh=True))
async def enable_form(ctx: Context, values: Values) -> FormChanges:
    """Says how many tasks go on."""
    if not (job := values.get("job")):
        return FormChanges()
    return form_notes(await enabling(ctx, job, account=values.get("account")), "job", submit="Enable")
