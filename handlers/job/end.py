"""End a job, and delete one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.plane import Written
from bot.azure.writes import jobs
from bot.domain.entity import schedule_of
from bot.domain.job_health import total
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Button, Card, Field
from cards.formatting import number, plural
from handlers.job import changing
from handlers.job.changing import OnJob
from handlers.shared.common import line
from handlers.shared.followed import GONE
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.saved_first import save_job

_LONGEST_REASON = 200
"""Characters of a reason: it stands in lists and alerts."""


class Terminate(OnJob, frozen=True):
    """``reason`` is what the job says afterwards why it ended; empty for the service's own word."""

    reason: str = ""


class Delete(OnJob, frozen=True):
    """``jobs`` is the command that lists the jobs that are left."""

    jobs: str = ""


async def terminating(ctx: Context, job: str, *, reason: str | None = None, account: str | None = None) -> Preflight:
    """How many tasks end, and how many never run."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    if reason and len(reason) > _LONGEST_REASON:
        raise CommandError(f"A reason has {_LONGEST_REASON} characters at most; this has {len(reason)}.")
    found = await changing.found_job(ctx, source, job, "job terminate")
    if over := changing.ended(ctx, source, found):
        return over
    counts = await changing.counts_of(source, found.id)
    effects = [
        f"{plural(counts.running, 'running task ends', 'running tasks end')} and "
        f"{'counts' if counts.running == 1 else 'count'} as failed."
        if counts.running
        else "",
        f"{plural(counts.active, 'task that waits never runs', 'tasks that wait never run')}." if counts.active else "",
        "Its release task runs on the nodes that ran its preparation task." if found.job_release_task else "",
        "A job that has ended cannot be enabled again; its tasks and files stay until it is deleted.",
    ]
    return Preflight(effects=tuple(filter(None, effects)), state=found.state.lower(), question=f"End job {found.id}")


@command(
    "job terminate",
    effect="destroy",
    azure=True,
    check="job show {job}",
    preflight=terminating,
    examples=["job terminate nightly", "job terminate nightly reason:'wrong input'"],
)
async def terminate(
    ctx: Context, job: str, *, reason: str | None = None, account: str | None = None
) -> AsyncIterator[Card]:
    """End a job for good: its running tasks end, and those that wait never run.

    :param job: the job's id
    :param reason: what the job says afterwards why it ended
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Terminate(job, line(ctx, source, "job show", job), reason=reason or "")
    async for card in ctx.operate("job terminate", source, job, asked):
        yield card


@workflow("job terminate", Terminate, "Terminating job {}")
async def terminates(run: Run, asked: Terminate) -> Outcome:
    """Keep how its tasks failed, as its nodes may go with it; ask for it, and follow the job to its end."""
    before = await changing.before(run, asked.job)
    await save_job(run, asked.job)

    def send() -> Awaitable[Written]:
        return jobs.terminate(run.writer, asked.job, reason=asked.reason, etag=before.etag)

    ends = ("terminating", "completed", "deleting", GONE)
    await changing.ask(run, asked.job, "terminate", "Ask Azure to end it", send, *ends)
    state = await changing.until(run, asked.job, "ended", "Wait until it has ended", "completed")
    show = changing.show(asked)
    if state == GONE:
        return Outcome(f"Job {asked.job} has ended, and somebody deleted it", before=before.state, after=state)
    return Outcome(f"Job {asked.job} has ended", (), (show,), before=before.state, after=state)


async def deleting(ctx: Context, job: str, *, account: str | None = None) -> Preflight:
    """What goes with it: tasks, those that run, and files."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await changing.found_job(ctx, source, job, "job delete")
    state = found.state.lower()
    if state == "deleting":
        return Preflight(
            f"Job {found.id} is being deleted already.", fixes=(Fix("All jobs", line(ctx, source, "job list")),)
        )
    counts = await changing.counts_of(source, found.id)
    all_tasks = total(counts)
    schedule = schedule_of(found.id)
    effects = [
        f"{plural(all_tasks, 'task goes', 'tasks go')} with their files, at once, whatever their retention."
        if all_tasks
        else "It has no tasks.",
        f"{plural(counts.running, 'of them runs', 'of them run')} now." if counts.running else "",
        f"{number(counts.active)} of them {'has' if counts.active == 1 else 'have'} not run yet."
        if counts.active
        else "",
        _automatic(found.pool_info is not None and found.pool_info.auto_pool_specification is not None),
        f"Schedule {schedule} stays, and starts its next job when it is due." if schedule else "",
    ]
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=state,
        name=found.id if all_tasks else "",
        question=f"Delete job {found.id}",
    )


@command(
    "job delete",
    effect="destroy",
    azure=True,
    check="job list",
    preflight=deleting,
    examples=["job delete nightly:job-12"],
)
async def delete(ctx: Context, job: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Delete a job with its tasks and their files.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Delete(job, line(ctx, source, "job show", job), jobs=line(ctx, source, "job list"))
    async for card in ctx.operate("job delete", source, job, asked):
        yield card


@workflow("job delete", Delete, "Deleting job {}")
async def deletes(run: Run, asked: Delete) -> Outcome:
    """Keep how its tasks failed, ask for it, and follow until the job is gone."""
    before = await changing.before(run, asked.job)
    await save_job(run, asked.job)

    def send() -> Awaitable[Written]:
        return jobs.delete(run.writer, asked.job, etag=before.etag)

    async def took_effect() -> bool:
        return await changing.state_of(run, asked.job) in ("deleting", GONE)

    gone = ("JobNotFound", "JobBeingDeleted")
    await run.write("delete", "Ask Azure to delete it", send, landed=took_effect, done_if=gone)
    await changing.until(run, asked.job, "gone", "Wait until it is gone", GONE, over=())
    every = Button("All jobs", asked.jobs, style="primary")
    return Outcome(f"Job {asked.job} is deleted", (), (every,), before=before.state, after=GONE)


@form_of(
    "job terminate",
    Field("job", "Job", "name", names="job", refresh=True),
    Field("reason", "Reason", hint="The job says so afterwards.", default="UserTerminate"),
)
async def terminate_form(ctx: Context, values: Values) -> FormChanges:
    """Says how many tasks end."""
    if not (job := values.get("job")):
        return FormChanges()
    return form_notes(await terminating(ctx, job, account=values.get("account")), "job", submit="Terminate")


@form_of("job delete", Field("job", "Job", "name", names="job", refresh=True))
async def delete_form(ctx: Context, values: Values) -> FormChanges:
    """Says what goes."""
    if not (job := values.get("job")):
        return FormChanges()
    return form_notes(await deleting(ctx, job, account=values.get("account")), "job", submit="Delete")


def _automatic(automatic: bool) -> str:
    return "The pool that was made for it goes too." if automatic else ""
