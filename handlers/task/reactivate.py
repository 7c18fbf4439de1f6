"""Run failed tasks again: by name, all that fit a filter, or every failed one of a job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.models import Task
from bot.azure.plane import Written
from bot.azure.writes import tasks as writes
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.grammar import words
from cards.card import Card, Field
from cards.formatting import plural
from handlers.shared.common import line
from handlers.shared.filtering import Typed
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.saved_first import save_tasks
from handlers.shared.verbs import runs_on
from handlers.task import bulk
from handlers.task.bulk import WHICH, OnTasks, asked_of, form_for
from handlers.task.chosen import choose, failed, over
from handlers.task.picked import unpicked

_FAILED = "state:failed"
_OVER = {"terminating": "is ending", "completed": "is completed, for good", "deleting": "is being deleted"}


async def reactivating(ctx: Context, job: str, *tasks: Typed, account: str | None = None) -> Preflight:
    """How many start anew, which, and what of their last run is gone then."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    words_ = await unpicked(ctx, source, job, tasks)
    found = await choose(ctx, source, "task reactivate", job, words_, failed)
    if why := _OVER.get(found.job.state.lower()):
        fixes = [Fix("Open job", line(ctx, source, "job show", found.job.id))]
        if "job clone" in ctx.registry.commands:
            fixes.insert(0, Fix("Clone the job", line(ctx, source, "job clone", found.job.id)))
        return Preflight(f"Job {found.job.id} {why}: its tasks cannot run again.", fixes=tuple(fixes))
    if not found.tasks:
        return bulk.nothing(ctx, source, found, "reactivate", "has not failed")
    several = len(found.tasks) > 1
    effects = [
        found.goes("starts anew", "start anew"),
        f"{'Their exit codes' if several else 'Its exit code'}, failure information and output are gone then: the bot "
        f"{'keeps a sample of each cause' if several else 'keeps the end of it'} first.",
        f"{'Their' if several else 'Its'} retries count from 0 again.",
        f"{plural(found.others, 'more fits, but has', 'more fit, but have')} not failed, and left alone."
        if found.others
        else "",
        "The job is disabled: nothing starts before it is enabled."
        if found.job.state.lower() in ("disabled", "disabling")
        else "",
    ]
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=found.digest,
        confirm=True,
        question=f"Run {plural(len(found.tasks), 'task')} of job {found.job.id} again",
        uses=runs_on(found.job),
    )


@command(
    "task reactivate",
    effect="change",
    azure=True,
    check="task list {job}",
    preflight=reactivating,
    examples=["task reactivate nightly frame-0021", "task reactivate nightly state:failed exit:137"],
)
async def reactivate(ctx: Context, job: str, *tasks: Typed, account: str | None = None) -> AsyncIterator[Card]:
    """Run failed tasks again, by name or all that fit a filter.

    Exit code, failure information and output of their last run are gone then; the bot keeps the end of it first, of
    many tasks a sample of each cause. You see how many and which before anything happens.

    :param job: the job's id
    :param tasks: ids, or a filter as in task list, such as exit:137 error:DiskFull id:frame-*
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = asked_of(ctx, source, job, await unpicked(ctx, source, job, tasks))
    async for card in ctx.operate("task reactivate", source, job, asked):
        yield card


@workflow("task reactivate", OnTasks, "Reactivating tasks of job {}")
async def reactivates(run: Run, asked: OnTasks) -> Outcome:
    """Keep what they printed, then reactivate each that has failed."""

    def send(task: str, etag: str) -> Awaitable[Written]:
        return writes.reactivate(run.writer, asked.job, task, etag=etag)

    def took_effect(task: Task | None, etag: str) -> bool:
        return task is None or not over(task) or task.etag != etag

    results = await bulk.each(
        run,
        asked,
        "Reactivate the tasks",
        failed,
        send,
        took_effect,
        done_if=("TaskNotCompleted",),
        first=lambda tasks: save_tasks(run, asked.job, tasks),
    )
    return bulk.outcome(asked, results, "reactivated", "reactivate")


async def reactivating_failed(ctx: Context, job: str, *filter: Typed, account: str | None = None) -> Preflight:  # noqa: A002
    """As for its tasks."""
    return await reactivating(ctx, job, _FAILED, *filter, account=account)


@command(
    "job reactivate-failed",
    effect="change",
    azure=True,
    check="task list {job} state:failed",
    preflight=reactivating_failed,
    examples=["job reactivate-failed nightly", "job reactivate-failed nightly exit:137"],
)
async def reactivate_failed(
    ctx: Context,
    job: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Run all failed tasks of a job again, or those with the same failure.

    Exit code, failure information and output of their last run are gone then; the bot keeps the end of it first, of
    many tasks a sample of each cause.

    :param job: the job's id
    :param filter: which failures, such as exit:137 error:DiskFull node:tvm-1*; all where it is left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = asked_of(ctx, source, job, (_FAILED, *filter))
    async for card in ctx.operate("task reactivate", source, job, asked):
        yield card


@form_of("task reactivate", *WHICH)
async def reactivate_form(ctx: Context, values: Values) -> FormChanges:
    """Says how many start anew, which, and what is gone then."""
    return await form_for(ctx, values, reactivating, "Reactivate")


@form_of(
    "job reactivate-failed",
    Field("job", "Job", "name", names="job", refresh=True),
    Field(
        "filter",
        "Which failures",
        hint="Such as exit:137 or error:DiskFull; all of them where it is empty.",
        refresh=True,
    ),
)
async def reactivate_failed_form(ctx: Context, values: Values) -> FormChanges:
    """Says how many start anew, which, and what is gone then."""
    if not (job := values.get("job")):
        return FormChanges()
    filter_ = words(values.get("filter", ""))
    found = await reactivating_failed(ctx, job, *filter_, account=values.get("account"))
    return form_notes(found, "filter", submit="Reactivate")
