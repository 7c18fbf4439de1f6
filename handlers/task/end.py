"""End tasks, and delete them: by name, or all that fit a filter."""

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
from cards.card import Button, Card
from cards.formatting import number, plural
from handlers.shared.common import line
from handlers.shared.filtering import Typed
from handlers.shared.preflight import blocked
from handlers.shared.saved_first import save_tasks
from handlers.task import bulk
from handlers.task.bulk import WHICH, OnTasks, asked_of, form_for
from handlers.task.chosen import choose, over


class Terminate(OnTasks, frozen=True):
    """``reactivate`` is the command that lets tasks run again."""

    reactivate: str = ""


def ends(task: Task) -> bool:
    """Whether a task can be ended."""
    return not over(task)


def any_task(_: Task) -> bool:
    """Every task can be deleted."""
    return True


async def terminating(ctx: Context, job: str, *tasks: Typed, account: str | None = None) -> Preflight:
    """How many end, which, and how many of them run."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await choose(ctx, source, "task terminate", job, tasks, ends)
    if not found.tasks:
        return bulk.nothing(ctx, source, found, "terminate", "is over already")
    running, waiting = found.running, len(found.tasks) - found.running
    effects = [
        found.goes("ends", "end"),
        f"{plural(running, 'of them runs', 'of them run')} now: what was done so far is lost." if running else "",
        f"{number(waiting)} of them {'has' if waiting == 1 else 'have'} not started." if running and waiting else "",
        "They count as failed, and can be reactivated."
        if len(found.tasks) > 1
        else "It counts as failed, and can be reactivated.",
        _left(found.others, "over already"),
    ]
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=found.digest,
        confirm=len(found.tasks) > 1 or bool(running),
        question=f"End {plural(len(found.tasks), 'task')} of job {found.job.id}",
    )


@command(
    "task terminate",
    effect="change",
    azure=True,
    check="task list {job}",
    preflight=terminating,
    examples=["task terminate nightly frame-0021", "task terminate nightly state:running ran>2h"],
)
async def terminate(ctx: Context, job: str, *tasks: Typed, account: str | None = None) -> AsyncIterator[Card]:
    """End tasks that run or wait, by name or all that fit a filter. They count as failed.

    You see how many and which before anything happens.

    :param job: the job's id
    :param tasks: ids, or a filter as in task list, such as state:running ran>2h; all for every one
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = asked_of(ctx, source, job, tasks)
    again = line(ctx, source, "task reactivate", job, *tasks) if "task reactivate" in ctx.registry.commands else ""
    kept = Terminate(asked.job, asked.words, asked.zone, asked.show, asked.tasks, again)
    async for card in ctx.operate("task terminate", source, job, kept):
        yield card


@workflow("task terminate", Terminate, "Ending tasks of job {}")
async def terminates(run: Run, asked: Terminate) -> Outcome:
    """End each that is not over."""

    def send(task: str, etag: str) -> Awaitable[Written]:
        return writes.terminate(run.writer, asked.job, task, etag=etag)

    def took_effect(task: Task | None, _: str) -> bool:
        return task is None or over(task)

    results = await bulk.each(
        run, asked, "End the tasks", ends, send, took_effect, done_if=("TaskCompleted", "TaskNotFound")
    )
    again = [Button("Reactivate…", asked.reactivate, how="form")] if asked.reactivate and len(results) == 1 else []
    return bulk.outcome(asked, results, "ended", "terminate", again)


async def deleting(ctx: Context, job: str, *tasks: Typed, account: str | None = None) -> Preflight:
    """How many go, which, and how many of them run or have not run yet."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await choose(ctx, source, "task delete", job, tasks, any_task)
    if not found.tasks:
        return bulk.nothing(ctx, source, found, "delete", "is gone")
    if found.job.state.lower() == "deleting":
        return Preflight(
            f"Job {found.job.id} is being deleted, with all its tasks.",
            fixes=(Fix("All jobs", line(ctx, source, "job list")),),
        )
    waiting = sum(task.state.lower() == "active" for task in found.tasks)
    effects = [
        found.goes("goes", "go"),
        "Their files go too, at once, whatever their retention."
        if len(found.tasks) > 1
        else "Its files go too, at once, whatever their retention.",
        f"{plural(found.running, 'of them runs', 'of them run')} now." if found.running else "",
        f"{number(waiting)} of them {'has' if waiting == 1 else 'have'} not run yet." if waiting else "",
    ]
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=found.digest,
        name=found.job.id if len(found.tasks) > 1 else "",
        question=f"Delete {plural(len(found.tasks), 'task')} of job {found.job.id}",
    )


@command(
    "task delete",
    effect="destroy",
    azure=True,
    check="task list {job}",
    preflight=deleting,
    examples=["task delete nightly frame-0021", "task delete nightly state:succeeded ended<2d"],
)
async def delete(ctx: Context, job: str, *tasks: Typed, account: str | None = None) -> AsyncIterator[Card]:
    """Delete tasks with their files, by name or all that fit a filter.

    You see how many and which before anything happens.

    :param job: the job's id
    :param tasks: ids, or a filter as in task list, such as state:succeeded id:frame-*; all for every one
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async for card in ctx.operate("task delete", source, job, asked_of(ctx, source, job, tasks)):
        yield card


@workflow("task delete", OnTasks, "Deleting tasks of job {}")
async def deletes(run: Run, asked: OnTasks) -> Outcome:
    """Keep what those that failed printed, then delete each."""

    def send(task: str, etag: str) -> Awaitable[Written]:
        return writes.delete(run.writer, asked.job, task, etag=etag)

    def took_effect(task: Task | None, _: str) -> bool:
        return task is None

    results = await bulk.each(
        run,
        asked,
        "Delete the tasks",
        any_task,
        send,
        took_effect,
        done_if=("TaskNotFound",),
        first=lambda tasks: save_tasks(run, asked.job, tasks),
    )
    return bulk.outcome(asked, results, "deleted", "delete")


@form_of("task terminate", *WHICH)
async def terminate_form(ctx: Context, values: Values) -> FormChanges:
    """Says how many end, and which."""
    return await form_for(ctx, values, terminating, "Terminate")


@form_of("task delete", *WHICH)
async def delete_form(ctx: Context, values: Values) -> FormChanges:
    """Says how many go, and which."""
    return await form_for(ctx, values, deleting, "Delete")


def _left(others: int, why: str) -> str:
    """What is said of tasks that are meant and that nothing is done to."""
    if not others:
        return ""
    return f"{plural(others, 'more fits, but is', 'more fit, but are')} {why}, and left alone."
