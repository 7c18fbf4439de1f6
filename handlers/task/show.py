"""One task: what it ran, how it ended, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Execution, Node, Task
from bot.domain.advice import of_task
from bot.domain.causes import never_ran
from bot.domain.exit_codes import written
from bot.domain.signature import valid_until
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Block, Bullets, Button, Card, Chip, Mark, Piece, Time, Words
from cards.formatting import number
from handlers.history.forgotten import or_forgotten
from handlers.node.show import connectivity
from handlers.shared.common import failure, folded, line, run_time, section, since, titled
from handlers.shared.definition import (
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
from handlers.shared.filtering import Unseen
from handlers.shared.kept import earlier_runs, kept_sections
from handlers.shared.missing import finding_task
from handlers.shared.portal import portal
from handlers.shared.states import task_chip
from handlers.shared.verbs import verb
from handlers.task.chosen import failed as failed_task
from handlers.task.chosen import over, spelled
from storage.port.black_box import KeptTask

_RUNS = 5
"""Runs that were kept, which are shown."""


@command("task show", effect="read", examples=["task show nightly:job-12 frame-0021"])
async def show_task(ctx: Context, job: str, task: str, *, whole: Unseen = 0, account: str | None = None) -> Card:
    """Show one task: result and cause, where it ran, command line and constraints.

    :param job: the job's id
    :param task: the task's id
    :param whole: 1 for all of it, with what is folded otherwise
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "task", task, job), finding_task(ctx, source, job, task):
        fetched = await source.fetch(Task, source.task(job, task))
    node = await _node_of(source, fetched.value)
    boxes = await ctx.store.kept_tasks(source.name, job, task, limit=_RUNS)
    return task_card(ctx, source, job, fetched.value, fetched.at, node, boxes, whole)


def task_card(
    ctx: Context,
    source: Account,
    job: str,
    found: Task,
    at: datetime,
    node: Node | AzureError | None = None,
    boxes: Sequence[KeptTask] = (),
    whole: int = 0,
) -> Card:
    """All of a task, in the sections of the Azure portal; ``node`` is where it runs or ran, or why that is unknown.

    ``boxes`` are the runs of it that the bot kept.
    """
    run = found.execution_info or Execution()
    current = next((each for each in boxes if each.at == run.end_time), None)
    earlier = [each for each in boxes if each.at != run.end_time]
    failed = run.result.lower() == "failure"
    state = task_chip(found.state, failed=failed)
    start = found.node_info
    ended = found.state.lower() == "completed"
    kept = kept_sections(current, short=True) if current and _is_gone(node) else []
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
            *_cause(run, at),
            facts(
                ("State", since(state, found.state_transition_time)),
                ("Ran for", run_time(run.start_time, run.end_time or (None if ended else at))),
                ("Pool", code(start.pool_id) if start and start.pool_id else None),
                ("Node", code(start.node_id) if start and start.node_id else None),
            ),
            *_diagnostics(run),
            *(() if isinstance(node, Node) else _gone(node, run, kept)),
            *kept,
            folded(
                ctx,
                source,
                whole,
                [
                    timeline(found, run),
                    *section(
                        "Location",
                        facts(
                            ("Before", since(found.previous_state.lower(), found.previous_state_transition_time)),
                            (
                                "Directory",
                                code(start.task_root_directory) if start and start.task_root_directory else None,
                            ),
                            ("Wants to run near", _near(found)),
                        ),
                    ),
                    *(connectivity(node) if isinstance(node, Node) else ()),
                    *section("Earlier runs", earlier_runs(earlier)),
                    *_details(found),
                ],
                "task show",
                job,
                found.id,
            ),
            build.actions(
                *(() if _is_gone(node) and not (current and current.files) else _logs(ctx, source, job, found, run)),
                Button("Why", line(ctx, source, "why task", job, found.id))
                if failed or run.retry_count or found.state.lower() in ("active", "preparing")
                else None,
                _earlier(ctx, source, found.id, job, boxes, run.end_time),
                *_verbs(ctx, source, job, found),
                Button("Node", line(ctx, source, "node show", start.pool_id, start.node_id))
                if start and start.node_id and not isinstance(node, AzureError)
                else None,
                Button("Subtasks", line(ctx, source, "subtask list", job, found.id))
                if found.multi_instance_settings
                else None,
                Button("Timeline", line(ctx, source, "timeline task", job, found.id)),
                Button("Job", line(ctx, source, "job show", job)),
                Button("Failed tasks", line(ctx, source, "task list", job, state="failed"))
                if failed
                else Button("All tasks", line(ctx, source, "task list", job)),
                Button("Refresh", line(ctx, source, "task show", job, found.id, whole=whole or None), how="edit"),
                Button("JSON", line(ctx, source, "raw task", job, found.id)),
                portal(source, "jobs"),
                shown=5,
            ),
        ),
    )


def _earlier(
    ctx: Context, source: Account, task: str, job: str, boxes: Sequence[KeptTask], current: datetime | None
) -> Button | None:
    """What a run before this one printed, where that was kept."""
    files = [each for each in boxes if each.files]
    for nth, each in enumerate(files, 1):
        if each.at != current:
            name = each.line_in or each.files[0].name
            return Button("Earlier run", line(ctx, source, "log", job, task, name, kept=nth))
    return None


def _verbs(ctx: Context, source: Account, job: str, task: Task) -> list[Button | None]:
    """What can be done to it in its state."""
    name = spelled(task.id)
    return [
        verb(ctx, source, "Reactivate…", "task reactivate", job, name, how="form") if failed_task(task) else None,
        verb(ctx, source, "Terminate…", "task terminate", job, name, how="form") if not over(task) else None,
        verb(ctx, source, "Delete…", "task delete", job, name, how="form"),
    ]


def _logs(ctx: Context, source: Account, job: str, task: Task, run: Execution) -> list[Button]:
    """What it printed: there is something once it started, and errors are what people search for in a failed one."""
    if never_ran(run):
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
        if not error.not_found:  # a node that is gone is told in its own words
            gaps.note(f"the node of task {task.id}", gaps.reason(error))
        return error


def _cause(run: Execution, at: datetime) -> list[Block]:
    """Why it failed: the service's own words, what code and exit code usually mean, and signatures that are expired."""
    info = run.failure_info
    lines = [text(failure(info))] if info else []
    known = of_task(run.exit_code, info)
    if known and not run.exit_code:
        lines.append(text(muted("Cause: "), f"{known.cause}."))
    until = valid_until(info.message, *(each.value for each in info.details)) if info else None
    if until is not None:
        expired = "expired" if until <= at else "is valid until"
        lines.append(text(muted("Signature: "), f"the address's signature (SAS) {expired} ", Time(until)))
    if run.exit_code and known:
        lines.append(text(chip(Mark.FAILED, f"exit code {run.exit_code}"), f": {known.cause}"))
    if known and known.do:
        lines.append(text(muted("To do: "), f"{known.do}."))
    if run.failure_info:
        lines += [text(muted(f"{detail.name}: "), detail.value) for detail in run.failure_info.details]
    return section("Error message", Bullets(tuple(lines)) if lines else None)


def timeline(task: Task, run: Execution) -> Words | None:
    """``created 06:02 → waited 4 min → started 06:06 → ran 12 min → ended 06:18``."""
    pieces: list[str | Piece] = []
    steps = (
        ("created", task.creation_time, ""),
        ("started", run.start_time, "waited"),
        ("ended", run.end_time, "ran"),
    )
    before: datetime | None = None
    for name, moment, meanwhile in steps:
        if moment is None:
            continue
        if pieces:
            passed = run_time(before, moment) if meanwhile else ""
            pieces.append(f" → {meanwhile} {passed} → " if passed else " → ")
        pieces += [f"{name} ", Time(moment, "clock")]
        before = moment
    return Words(text(*pieces)) if len(pieces) > 2 else None


def _diagnostics(run: Execution) -> list[Block]:
    return section(
        "Diagnostics",
        facts(
            ("Exit code", code(written(run.exit_code)) if run.exit_code is not None else None),
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


def _is_gone(node: Node | AzureError | None) -> bool:
    """Whether the node is gone."""
    return isinstance(node, AzureError) and node.not_found


def _gone(error: AzureError | None, run: Execution, kept: Sequence[Block]) -> list[Block]:
    """That the node took its files along; nothing where they were kept, or there never were any."""
    if not _is_gone(error) or kept or never_ran(run):
        return []
    gone = "The node is gone, and its files with it: only what the task uploads (outputFiles) outlives its node."
    return section("Connectivity", Words(text(gone)))


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
