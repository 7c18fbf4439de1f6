"""The list of a job's tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from bot.azure.account import Account
from bot.azure.models import Counts, Run, Task, TaskRow, select_of
from bot.domain.advice import of_task
from bot.domain.job_health import total as all_tasks
from bot.domain.retries import MANY
from bot.filter import TASK, Filter
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Table, Text, Time
from cards.formatting import number
from handlers.job.list import counts_of
from handlers.shared import filtering
from handlers.shared.common import line, run_time, template, titled
from handlers.shared.listing import backwards, forwards
from handlers.shared.missing import finding_job
from handlers.shared.states import task_chip
from handlers.shared.verbs import more, verb
from handlers.shared.why import why_button
from handlers.task.chosen import EVERY, over
from handlers.task.chosen import failed as failed_task

_LISTED = select_of(TaskRow)
_COLUMNS = (
    Column("Task", width=3),
    Column("State", width=2),
    Column("Since", rank=2, width=2),
    Column("Exit", "right", rank=1),
    Column("Ran", "right", rank=2),
    Column("Trouble", width=3, beneath=True),
    Column("Node", rank=3, width=2),
)
_RETRIES = Column("Retries", "right", rank=1)
"""Stands before the node where tasks that are shown were run again."""
TaskState = Literal["active", "preparing", "running", "completed", "failed", "succeeded"]
TaskSort = Literal["listed", "name", "state", "failed", "age", "started", "ran", "exit", "retries"]
_STATES_IN_ORDER = ("active", "preparing", "running", "completed")


@command(
    "task list",
    effect="read",
    examples=[
        "task list nightly:job-12",
        "task list nightly:job-12 state:failed",
        "task list nightly:job-12 exit:137 id:frame-00*",
        "task list nightly:job-12 failed>0 ended:2h",
    ],
    menu=50,
)
async def list_tasks(
    ctx: Context,
    job: str,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    state: TaskState | None = None,
    sort: TaskSort = "listed",
    page: int = 1,
    skip: filtering.Unseen = 0,
    met: filtering.Unseen = 0,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """List the tasks of a job. Reads only what it shows, however many tasks there are.

    What the service cannot filter by is searched for here, page after page, until 20 are found.
    For any order but Azure's own all tasks are read first.

    :param job: the job's id
    :param filter: which ones, such as failed>0 exit:137 id:frame-* age>2h ended:2h ran>10m error:DiskFull
    :param state: only tasks in this state; failed and succeeded are completed ones
    :param sort: in which order; as Azure lists them where nothing is said
    :param page: which page of 20
    :param skip: how many tasks of the list lie before the page
    :param met: how many of those fit
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, TASK, filter, "task", "list", job, state=state)
    start = filtering.PageStart(page, skip, met)
    async with finding_job(ctx, source, job, "task list"):
        (counts,) = await counts_of(source, [job])
        bound = wanted.at(source.now())
        start = start.within(_total(wanted, counts))
        select = filtering.selected(_LISTED, wanted)
        kind = TaskRow if select == _LISTED else Task
        most = _at_most(wanted, counts)
        if sort != "listed":
            order = _orders(bound.at)[sort]
            start = filtering.PageStart(start.page)
            whole = filtering.arranged(source, kind, source.tasks(job), bound, start, order, select=select, about=most)
            nothing: filtering.Found[TaskRow] = filtering.Found((), 0, 0, 0, bound.at, most)
            async for step in filtering.paced(ctx, whole, nothing):
                yield _listed(ctx, source, job, wanted, start, counts, step, sort)
            return
        if bound.exact:
            found, start = await filtering.windowed_within(source, kind, source.tasks(job), bound, start, select=select)
            yield _listed(ctx, source, job, wanted, start, counts, filtering.Step(found))
            return
        reading = filtering.streamed(source, kind, source.tasks(job), bound, start, select=select, about=most)
        begin: filtering.Found[TaskRow] = filtering.Found((), 0, skip, skip, bound.at, most)
        async for step in filtering.paced(ctx, reading, begin):
            yield _listed(ctx, source, job, wanted, start, counts, step)


def _listed(
    ctx: Context,
    source: Account,
    job: str,
    wanted: Filter,
    start: filtering.PageStart,
    counts: Counts | None,
    step: filtering.Step[TaskRow],
    sort: TaskSort = "listed",
) -> Card:
    found, failing = step.found, counts.failed if counts else 0

    ordered = {"sort": sort if sort != "listed" else None}

    def again(**options: object) -> str:
        return line(ctx, source, "task list", job, *wanted.tokens, **{**ordered, **options})

    status = filtering.ListStatus(
        ctx,
        step,
        start,
        again,
        total=_total(wanted, counts),
        at_most=bool(wanted.odata(found.at)),
        arranged=sort != "listed",
    )
    only_failed = bool(wanted) and wanted == filtering.understood(ctx, source, TASK, ["state:failed"])
    back, on = status.turning
    return Card(
        title=titled(
            f"Tasks of {job}",
            wanted.words(found.at),
            status.extent,
            f"{number(failing)} failed" if failing and not only_failed else None,
        ),
        mark=Mark.FAILED if failing else Mark.RUNNING,
        as_of=found.at,
        blocks=blocks(
            _table(found.rows, found.at) if found.rows else status.nothing(wanted, "The job has no tasks."),
            status.progress,
            build.actions(
                status.going_on,
                back,
                on,
                build.open_menu(
                    "Open a task", template(ctx, source, "task show", job, "{}"), [task.id for task in found.rows]
                ),
                why_button(ctx, source, "task", [task.id for task in found.rows if failed_task(task)], job),
                Button("Filter…", again(), how="form"),
                Button("Only failed", line(ctx, source, "task list", job, "state:failed"), how="edit")
                if failing and not wanted
                else None,
                verb(ctx, source, "Reactivate failed…", "job reactivate-failed", job, how="form") if failing else None,
                more(ctx, source, "task", (job, *(wanted.tokens or (EVERY,))), _verbs(found.rows)),
                filtering.without(wanted, line(ctx, source, "task list", job)),
                Button("Job", line(ctx, source, "job show", job)),
                filtering.sorting(again(sort=None), get_args(TaskSort), sort),
                Button("Refresh", again(page=start.page, skip=start.skip or None, met=start.met or None), how="edit"),
                Button("CSV", line(ctx, source, "csv task", job, *wanted.tokens, **ordered)),
                shown=5,
            ),
        ),
    )


def in_order(tasks: Iterable[TaskRow], sort: TaskSort, at: datetime) -> list[TaskRow]:
    """Tasks as a list shows them at a moment."""
    return list(tasks) if sort == "listed" else sorted(tasks, key=_orders(at)[sort])


def _run(task: TaskRow) -> Run:
    return task.execution_info or Run()


def _ran(task: TaskRow, at: datetime) -> float:
    """Seconds so far; -1 of what never started."""
    run = _run(task)
    return ((run.end_time or at) - run.start_time).total_seconds() if run.start_time else -1.0


def _place(task: TaskRow) -> int:
    state = task.state.lower()
    return _STATES_IN_ORDER.index(state) if state in _STATES_IN_ORDER else len(_STATES_IN_ORDER)


def _exit(task: TaskRow) -> tuple[bool, int]:
    """Those that failed by their exit code, then the others."""
    code_ = _run(task).exit_code
    return not code_, code_ or 0


def _orders(at: datetime) -> Mapping[str, Callable[[TaskRow], Any]]:
    return {
        "name": lambda task: task.id.lower(),
        "state": lambda task: (_place(task), task.id.lower()),
        "failed": lambda task: (not failed_task(task), backwards(_run(task).end_time), task.id.lower()),
        "age": lambda task: (forwards(task.state_transition_time), task.id.lower()),
        "started": lambda task: (backwards(_run(task).start_time), task.id.lower()),
        "ran": lambda task: (-_ran(task, at), task.id.lower()),
        "exit": lambda task: (_exit(task), task.id.lower()),
        "retries": lambda task: (-_run(task).retry_count, task.id.lower()),
    }


def _verbs(rows: Sequence[TaskRow]) -> list[tuple[str, str]]:
    """What can be done to tasks such as those that are shown."""
    if not rows:
        return []
    return [
        *([("Terminate these…", "terminate")] if not all(map(over, rows)) else []),
        *([("Reactivate these…", "reactivate")] if any(map(failed_task, rows)) else []),
        ("Delete these…", "delete"),
    ]


def _total(wanted: Filter, counts: Counts | None) -> int | None:
    """How many tasks fit, where the counts say it: all of them, or those in some states."""
    if counts is None:
        return None
    if not wanted:
        return all_tasks(counts)
    return _at_most(wanted, counts) if len(wanted.conditions) == 1 and _states(wanted) else None


def _at_most(wanted: Filter, counts: Counts | None) -> int | None:
    """How many tasks the service will list at most: states are counted, all else is not. None where nobody knows."""
    if counts is None:
        return None
    states = _states(wanted)
    if not states:
        return all_tasks(counts)
    if "completed" in states:
        states -= {"failed", "succeeded"}
    return sum(int(getattr(counts, state, 0)) for state in states)  # preparing ones count as running


def _states(wanted: Filter) -> set[str]:
    """The states that a filter leaves; none where it does not speak of them."""
    for each in wanted.conditions:
        if each.field.name == "state" and not each.negated and each.op == ":":
            return {str(value) for value in each.values}
        if each.field.name == "failed" and each.values == ("yes",):
            return {"failed"}
    return set()


def _table(tasks: Sequence[TaskRow], at: datetime) -> Table:
    """The tasks, with their retries where there are any."""
    times = [task.execution_info.retry_count if task.execution_info else 0 for task in tasks]
    if not any(times):
        return build.table(_COLUMNS, [_row(task, at) for task in tasks])
    rows = [
        [*row[:-1], text(chip(Mark.WARNING, number(each)) if each >= MANY else number(each)), row[-1]]
        for each, row in zip(times, (_row(task, at) for task in tasks), strict=True)
    ]
    return build.table((*_COLUMNS[:-1], _RETRIES, _COLUMNS[-1]), rows)


def _row(task: TaskRow, at: datetime) -> list[Text]:
    run = task.execution_info or Run()
    failed = run.result.lower() == "failure"
    ended = run.end_time or (at if task.state.lower() == "running" else None)
    return [
        text(code(task.id)),
        text(task_chip(task.state, failed=failed)),
        text(Time(task.state_transition_time, "age")) if task.state_transition_time else text("–"),
        text(str(run.exit_code)) if run.exit_code is not None else text(muted("–")),
        text(run_time(run.start_time, ended) or muted("–")),
        text(chip(Mark.FAILED, _trouble(run))) if failed else text(muted("–")),
        text(task.node_info.node_id if task.node_info else ""),
    ]


def _trouble(run: Run) -> str:
    """Why a task failed, in few words: ``exit 139: segmentation fault``, ``input not found``."""
    known = of_task(run.exit_code, run.failure_info)
    short = known.short if known else ""
    if run.exit_code:
        return f"exit {run.exit_code}: {short}" if short else f"exit {run.exit_code}"
    return short or (run.failure_info.code if run.failure_info else "failed")
