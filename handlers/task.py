"""Tasks: list and show."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.azure.errors import AzureError
from bot.azure.models import Counts, Execution, Run, Task, TaskRow, duration, select_of
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Button, Card, Code, Column, Mark, Text, Time, Words
from cards.phrases import duration as spoken
from cards.phrases import number, plural
from handlers.common import failure, identity, line, named, run_time, section, template, titled
from handlers.exits import meaning
from handlers.missing import no_job, no_task
from handlers.states import task_chip

_LISTED = select_of(TaskRow)
_COLUMNS = (
    Column("Task", width=3),
    Column("State", width=2),
    Column("Since", width=2),
    Column("Exit", "right", rank=1),
    Column("Ran", "right", rank=2),
    Column("Node", rank=3, width=2),
)
_FILTERS = {
    "active": "state eq 'active'",
    "preparing": "state eq 'preparing'",
    "running": "state eq 'running'",
    "completed": "state eq 'completed'",
    "failed": "state eq 'completed' and executionInfo/result eq 'failure'",
    "succeeded": "state eq 'completed' and executionInfo/result eq 'success'",
}
TaskState = Literal["active", "preparing", "running", "completed", "failed", "succeeded"]


@command("task list", examples=["task list nightly:job-12", "task list nightly:job-12 state:failed"], menu=50)
async def list_tasks(
    ctx: Context, job: str, *, state: TaskState | None = None, page: int = 1, account: str | None = None
) -> Card:
    """List the tasks of a job. Only the pages that are shown are read, however many tasks there are.

    :param job: the job's id
    :param state: only tasks in this state; failed and succeeded are completed ones
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    page = max(1, page)
    try:
        counts = (await source.task_counts(job)).value.task_counts
        window = await source.window(
            TaskRow,
            source.tasks(job),
            offset=(page - 1) * build.PAGE,
            limit=build.PAGE,
            select=_LISTED,
            filter=_FILTERS.get(state or "", ""),
        )
    except AzureError as error:
        if not error.not_found:
            raise
        return await no_job(ctx, source, job, "task list")
    total = _total(counts, state)
    seen = (page - 1) * build.PAGE + len(window.items)
    total = max(seen + (1 if window.more else 0), total) if window.more else seen  # counts may lag behind the list
    back, on = build.pager(line(ctx, source, "task list", job, state=state), page, total)
    return Card(
        title=titled(
            f"Tasks of {job}",
            state,
            build.shown(page, len(window.items), total),
            f"{number(counts.failed)} failed" if counts.failed and state != "failed" else None,
        ),
        mark=Mark.FAILED if counts.failed else Mark.RUNNING,
        as_of=window.at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(task, window.at) for task in window.items])
            if window.items
            else Words(text(f"No task is {state}." if state else "The job has no tasks.")),
            build.actions(
                back,
                on,
                build.open_menu(
                    "Open a task", template(ctx, source, "task show", job, "{}"), [task.id for task in window.items]
                ),
                Button("Only failed", line(ctx, source, "task list", job, state="failed"), how="edit")
                if counts.failed and state != "failed"
                else None,
                Button("Job", line(ctx, source, "job show", job)),
                Button("Filter…", line(ctx, source, "task list", job, state=state), how="form"),
                Button("Refresh", line(ctx, source, "task list", job, state=state, page=page), how="edit"),
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
    try:
        fetched = await source.fetch(Task, source.task(job, task))
    except AzureError as error:
        if not error.not_found:
            raise
        if error.code.lower() == "jobnotfound":
            return await no_job(ctx, source, job, "task list")
        return await no_task(ctx, source, job, task)
    found, at = fetched.value, fetched.at
    run = found.execution_info or Execution()
    failed = run.result.lower() == "failure"
    state = task_chip(found.state, failed=failed)
    node = found.node_info
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
            facts(
                ("State since", when(found.state_transition_time)),
                ("Before", found.previous_state.lower()),
                ("Created", when(found.creation_time)),
                ("Started", when(run.start_time)),
                ("Ended", when(run.end_time)),
                ("Ran for", run_time(run.start_time, run.end_time or at)),
                ("Retries", number(run.retry_count) if run.retry_count else None),
                ("Requeued", number(run.requeue_count) if run.requeue_count else None),
                ("Pool", code(node.pool_id) if node and node.pool_id else None),
                ("Node", code(node.node_id) if node and node.node_id else None),
                ("Slots", number(found.required_slots) if found.required_slots > 1 else None),
                ("Display name", found.display_name),
            ),
            *section("Command", Code(found.command_line) if found.command_line else None),
            *_setup(found),
            build.actions(
                Button("Node", line(ctx, source, "node show", node.pool_id, node.node_id))
                if node and node.node_id
                else None,
                Button("Job", line(ctx, source, "job show", job)),
                Button("Failed tasks", line(ctx, source, "task list", job, state="failed")) if failed else None,
                Button("All tasks", line(ctx, source, "task list", job)),
                Button("Refresh", line(ctx, source, "task show", job, found.id), how="edit"),
            ),
        ),
    )


def _total(counts: Counts, state: str | None) -> int:
    if state is None:
        return counts.active + counts.running + counts.completed
    return int(getattr(counts, state, 0))


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
        told += [text(muted(f"{detail.name}: "), detail.value) for detail in run.failure_info.details]
    return section("Why it failed", Bullets(tuple(told)) if told else None)


def _setup(task: Task) -> list[Block]:
    limits = task.constraints
    longest = duration(limits.max_wall_clock_time) if limits else None
    kept = duration(limits.retention_time) if limits else None
    retries = limits.max_task_retry_count if limits else 0
    after = task.depends_on
    waits = [*after.task_ids, *(f"{each.start}–{each.end}" for each in after.task_id_ranges)] if after else []
    return section(
        "Set up",
        facts(
            ("Runs as", identity(task.user_identity)),
            ("Longest run", spoken(longest) if longest else None),
            ("Files are kept", spoken(kept) if kept else None),
            ("Retries allowed", ("without end" if retries < 0 else number(retries)) if retries else None),
            ("Waits for", ", ".join(waits[:20]) + (f" and {len(waits) - 20} more" if len(waits) > 20 else "")),
            ("Container", task.container_settings.image_name if task.container_settings else None),
            (
                "Instances",
                number(task.multi_instance_settings.number_of_instances) if task.multi_instance_settings else None,
            ),
            (
                "Packages",
                ", ".join(f"{p.application_id} {p.version}".strip() for p in task.application_package_references),
            ),
            ("Input files", plural(len(task.resource_files), "file") if task.resource_files else None),
            ("Output files", ", ".join(each.file_pattern for each in task.output_files)),
            ("Environment", named(task.environment_settings)),
        ),
    )
