"""Tasks: list and show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Counts, Execution, Node, Run, Task, TaskRow, select_of
from bot.domain.exit_codes import meaning
from bot.domain.job_health import total as all_tasks
from bot.filter import TASK, Filter
from bot.requests.context import Context
from bot.requests.registry import command
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Button, Card, Chip, Column, Mark, Piece, Text, Time, Words
from cards.formatting import number
from handlers.node.show import connectivity
from handlers.shared import filtering
from handlers.shared.common import failure, line, run_time, safe, section, since, template, titled
from handlers.shared.missing import finding_job, finding_task
from handlers.shared.portal import portal
from handlers.shared.states import task_chip
from handlers.task.definition import (
    command_of,
    container_run,
    depends_on,
    exits,
    instances,
    limits,
    output_files,
    packages,
    setting,
)

_LISTED = select_of(TaskRow)
_COLUMNS = (
    Column("Task", width=3),
    Column("State", width=2),
    Column("Since", width=2),
    Column("Exit", "right", rank=1),
    Column("Ran", "right", rank=2),
    Column("Node", rank=3, width=2),
)
TaskState = Literal["active", "preparing", "running", "completed", "failed", "succeeded"]


@command(
    "task list",
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
    page: int = 1,
    skip: filtering.Unseen = 0,
    met: filtering.Unseen = 0,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """List the tasks of a job. Only the pages that are shown are read, however many tasks there are.

    What the service cannot filter by is looked for here, page after page, until 20 are found.

    :param job: the job's id
    :param filter: which ones, such as failed>0 exit:137 id:frame-* age>2h ended:2h ran>10m error:DiskFull
    :param state: only tasks in this state; failed and succeeded are completed ones
    :param page: which page of 20
    :param skip: how many tasks of the list lie before the page
    :param met: how many of those fit
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, TASK, filter, "task", "list", job, state=state)
    start = filtering.PageStart(page, skip, met)
    async with finding_job(ctx, source, job, "task list"):
        counts = (await source.task_counts(job)).value.task_counts
        bound = wanted.at(source.now())
        select = filtering.selected(_LISTED, wanted)
        kind = TaskRow if select == _LISTED else Task
        if bound.exact:
            found = await filtering.windowed(source, kind, source.tasks(job), bound, start, select=select)
            yield _listed(ctx, source, job, wanted, start, counts, filtering.Step(found))
            return
        reading = filtering.streamed(
            source, kind, source.tasks(job), bound, start, select=select, about=_at_most(wanted, counts)
        )
        begin: filtering.Found[TaskRow] = filtering.Found((), 0, skip, skip, bound.at, _at_most(wanted, counts))
        async for step in filtering.paced(ctx, reading, begin):
            yield _listed(ctx, source, job, wanted, start, counts, step)


def _listed(
    ctx: Context,
    source: Account,
    job: str,
    wanted: Filter,
    start: filtering.PageStart,
    counts: Counts,
    step: filtering.Step[TaskRow],
) -> Card:
    found = step.found

    def again(**options: object) -> str:
        return line(ctx, source, "task list", job, *wanted.tokens, **options)

    telling = filtering.Telling(
        ctx, step, start, again, total=_total(wanted, counts), at_most=bool(wanted.odata(found.at))
    )
    only_failed = bool(wanted) and wanted == filtering.understood(ctx, source, TASK, ["state:failed"])
    back, on = telling.turning
    return Card(
        title=titled(
            f"Tasks of {job}",
            wanted.words(found.at),
            telling.extent,
            f"{number(counts.failed)} failed" if counts.failed and not only_failed else None,
        ),
        mark=Mark.FAILED if counts.failed else Mark.RUNNING,
        as_of=found.at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(task, found.at) for task in found.rows])
            if found.rows
            else telling.nothing(wanted, "The job has no tasks."),
            telling.progress,
            build.actions(
                telling.going_on,
                back,
                on,
                build.open_menu(
                    "Open a task", template(ctx, source, "task show", job, "{}"), [task.id for task in found.rows]
                ),
                Button("Only failed", line(ctx, source, "task list", job, "state:failed"), how="edit")
                if counts.failed and not wanted
                else None,
                filtering.without(wanted, line(ctx, source, "task list", job)),
                Button("Job", line(ctx, source, "job show", job)),
                Button("Filter…", again(), how="form"),
                Button("Refresh", again(page=start.page, skip=start.skip, met=start.met), how="edit"),
                Button("CSV", line(ctx, source, "csv task", job, *wanted.tokens)),
            ),
        ),
    )


@command("task show", examples=["task show nightly:job-12 frame-0021"])
async def show_task(ctx: Context, job: str, task: str, *, account: str | None = None) -> Card:
    """Show one task: how it ended and why, where it ran, its command and its limits.

    :param job: the job's id
    :param task: the task's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_task(ctx, source, job, task):
        fetched = await source.fetch(Task, source.task(job, task))
    return task_card(ctx, source, job, fetched.value, fetched.at, await _node_of(source, fetched.value))


def task_card(
    ctx: Context, source: Account, job: str, found: Task, at: datetime, node: Node | AzureError | None = None
) -> Card:
    """All of a task, in the sections of the Azure portal; ``node`` is where it runs or ran, or why that is unknown."""
    run = found.execution_info or Execution()
    failed = run.result.lower() == "failure"
    state = task_chip(found.state, failed=failed)
    start = found.node_info
    ended = found.state.lower() == "completed"
    return Card(
        title=titled(
            f"Task {found.id}",
            text(state),
            f"exit code {run.exit_code}" if run.exit_code is not None else None,
            f"job {job}",
        ),
        mark=state.mark,
        as_of=at,
        blocks=blocks(
            *_cause(run),
            *section(
                "State",
                facts(
                    ("State", since(state, found.state_transition_time)),
                    ("Before", since(found.previous_state.lower(), found.previous_state_transition_time)),
                    ("Ran for", run_time(run.start_time, run.end_time or (None if ended else at))),
                ),
                timeline(found, run),
            ),
            *_diagnostics(run),
            *section(
                "Location",
                facts(
                    ("Pool", code(start.pool_id) if start and start.pool_id else None),
                    ("Node", code(start.node_id) if start and start.node_id else None),
                    ("Directory", code(start.task_root_directory) if start and start.task_root_directory else None),
                    ("Wants to run near", _near(found)),
                ),
            ),
            *(connectivity(node) if isinstance(node, Node) else _gone(node)),
            *_details(found),
            build.actions(
                *_logs(ctx, source, job, found, run),
                Button("Node", line(ctx, source, "node show", start.pool_id, start.node_id))
                if start and start.node_id and not isinstance(node, AzureError)
                else None,
                Button("Subtasks", line(ctx, source, "subtask list", job, found.id))
                if found.multi_instance_settings
                else None,
                Button("Job", line(ctx, source, "job show", job)),
                Button("Failed tasks", line(ctx, source, "task list", job, state="failed"))
                if failed
                else Button("All tasks", line(ctx, source, "task list", job)),
                Button("Refresh", line(ctx, source, "task show", job, found.id), how="edit"),
                Button("JSON", line(ctx, source, "raw task", job, found.id)),
                portal(source, "jobs"),
            ),
        ),
    )


def _logs(ctx: Context, source: Account, job: str, task: Task, run: Execution) -> list[Button]:
    """What it printed: there is something once it started, and errors are what people look for in a failed one."""
    if run.start_time is None:
        return []
    names = ("stderr", "stdout") if run.result.lower() == "failure" else ("stdout", "stderr")
    return [Button(name, line(ctx, source, "log", job, task.id, f"{name}.txt")) for name in names]


async def _node_of(source: Account, task: Task) -> Node | AzureError | None:
    """The task's node, for its addresses; what the service says where it is gone."""
    start = task.node_info
    if start is None or not start.pool_id or not start.node_id:
        return None
    try:
        path = source.node(start.pool_id, start.node_id)
        return (await source.fetch(Node, path, select="id,state,ipAddress,endpointConfiguration")).value
    except AzureError as error:
        return error


def _total(wanted: Filter, counts: Counts) -> int | None:
    """How many tasks fit, where the counts tell it: all of them, or those in some states."""
    if not wanted:
        return all_tasks(counts)
    return _at_most(wanted, counts) if len(wanted.conditions) == 1 and _states(wanted) else None


def _at_most(wanted: Filter, counts: Counts) -> int:
    """How many tasks the service will list at most: states are counted, all else is not."""
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


def _row(task: TaskRow, at: datetime) -> list[Text]:
    run = task.execution_info or Run()
    failed = run.result.lower() == "failure"
    code_or_why = str(run.exit_code) if run.exit_code is not None else ""
    if not code_or_why and run.failure_info:
        code_or_why = run.failure_info.code
    ended = run.end_time or (at if task.state.lower() == "running" else None)
    return [
        text(code(task.id)),
        text(task_chip(task.state, failed=failed)),
        text(Time(task.state_transition_time, "age")) if task.state_transition_time else text("–"),
        text(code_or_why) if code_or_why else text(muted("–")),
        text(run_time(run.start_time, ended) or muted("–")),
        text(task.node_info.node_id if task.node_info else ""),
    ]


def _cause(run: Execution) -> list[Block]:
    """Why it failed: the service's own words, and what the exit code usually means."""
    told = [text(failure(run.failure_info))] if run.failure_info else []
    if run.exit_code not in (None, 0) and (known := meaning(run.exit_code or 0)):
        told.append(text(chip(Mark.FAILED, f"exit code {run.exit_code}"), f": {known}"))
    if run.failure_info:
        told += [text(muted(f"{detail.name}: "), safe(detail.value)) for detail in run.failure_info.details]
    return section("Error message", Bullets(tuple(told)) if told else None)


def timeline(task: Task, run: Execution) -> Words | None:
    """``created 06:02 → waited 4 min → started 06:06 → ran 12 min → ended 06:18``."""
    told: list[str | Piece] = []
    steps = (
        ("created", task.creation_time, ""),
        ("started", run.start_time, "waited"),
        ("ended", run.end_time, "ran"),
    )
    before: datetime | None = None
    for name, moment, meanwhile in steps:
        if moment is None:
            continue
        if told:
            passed = run_time(before, moment) if meanwhile else ""
            told.append(f" → {meanwhile} {passed} → " if passed else " → ")
        told += [f"{name} ", Time(moment, "clock")]
        before = moment
    return Words(text(*told)) if len(told) > 2 else None


def _diagnostics(run: Execution) -> list[Block]:
    return section(
        "Diagnostics",
        facts(
            ("Exit code", code(str(run.exit_code)) if run.exit_code is not None else None),
            ("Result", _result(run.result)),
            ("Retries", since(number(run.retry_count), run.last_retry_time) if run.start_time else None),
            ("Requeued", since(number(run.requeue_count), run.last_requeue_time) if run.requeue_count else None),
            ("Container", container_run(run.container_info)),
        ),
    )


def _result(result: str) -> Chip | None:
    if not result:
        return None
    return chip(Mark.FAILED if result.lower() == "failure" else Mark.DONE, result.lower())


def _near(task: Task) -> str:
    return task.affinity_info.affinity_id if task.affinity_info else ""


def _gone(error: AzureError | None) -> list[Block]:
    if error is None:
        return []
    why = "The node is gone, and its files with it." if error.not_found else f"The node does not tell: {error.code}."
    return section("Connectivity", Words(text(why)))


def _details(task: Task) -> list[Block]:
    tokens = task.authentication_token_settings
    return section(
        "Details",
        command_of(task),
        facts(
            ("Display name", task.display_name),
            ("Created", when(task.creation_time)),
            ("Changed", when(task.last_modified)),
            ("Limits", limits(task.constraints)),
            *setting(task),
            ("Slots", number(task.required_slots)),
            ("Waits for", depends_on(task.depends_on)),
            ("Exit conditions", exits(task.exit_conditions)),
            *instances(task.multi_instance_settings),
            ("Packages", packages(task.application_package_references)),
            ("Output files", output_files(task.output_files)),
            ("May act on", ", ".join(tokens.access) if tokens else None),
        ),
    )
