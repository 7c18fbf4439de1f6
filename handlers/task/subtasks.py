"""Subtasks: the parts of a multi-instance task."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.azure.account import Account
from bot.azure.models import Subtask
from bot.domain.exit_codes import meaning
from bot.filter import SUBTASK
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, code, muted, text
from cards.card import Bullets, Button, Card, Column, Mark, Text, Time
from cards.formatting import number
from handlers.shared.common import failure, line, run_time, section, template, titled
from handlers.shared.filtering import Typed
from handlers.shared.listing import Asked, Listing, forwards
from handlers.shared.missing import finding_task
from handlers.shared.states import task_chip

_COLUMNS = (
    Column("Subtask", "right"),
    Column("State", width=2),
    Column("Since", rank=2, width=2),
    Column("Exit", "right", rank=1),
    Column("Ran", "right", rank=3),
    Column("Node", rank=4, width=3),
)


SubtaskSort = Literal["failed", "id", "started", "exit"]
_LIST: Listing[Subtask] = Listing(
    SUBTASK,
    "subtask list",
    "csv subtask",
    {
        "failed": lambda each: (not _failed(each), each.id),
        "id": lambda each: each.id,
        "started": lambda each: (forwards(each.start_time), each.id),
        "exit": lambda each: (each.exit_code is None, -abs(each.exit_code or 0), each.id),
    },
    {
        "subtask": lambda each: each.id,
        "state": lambda each: each.state,
        "since": lambda each: each.state_transition_time,
        "result": lambda each: each.result,
        "exit code": lambda each: each.exit_code,
        "failure": lambda each: each.failure_info.code if each.failure_info else "",
        "started": lambda each: each.start_time,
        "ended": lambda each: each.end_time,
        "pool": lambda each: each.node_info.pool_id if each.node_info else "",
        "node": lambda each: each.node_info.node_id if each.node_info else "",
    },
)


@command(
    "subtask list",
    effect="read",
    examples=["subtask list simulate mesh-4", "subtask list simulate mesh-4 failed exit:137"],
)
async def list_subtasks(
    ctx: Context,
    job: str,
    task: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: SubtaskSort = "failed",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the subtasks of a multi-instance task with their nodes, failed ones first.

    :param job: the job's id
    :param task: the multi-instance task's id
    :param filter: which ones, such as failed exit:137 node:tvm-1* ran>10m
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, job, task, sort=sort, page=page)
    async with finding_task(ctx, source, job, task):
        found, at = await source.every(Subtask, f"{source.task(job, task)}/subtasksinfo")
    return subtasks_card(source, asked, found, at)


@command("csv subtask", effect="read", examples=["csv subtask simulate mesh-4"])
async def csv_subtasks(
    ctx: Context,
    job: str,
    task: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: SubtaskSort = "failed",
    account: str | None = None,
) -> Card:
    """Export the subtasks of a multi-instance task as a CSV file, all or those that match a filter.

    :param job: the job's id
    :param task: the multi-instance task's id
    :param filter: which ones, as in subtask list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, job, task, sort=sort, whole=True)
    async with finding_task(ctx, source, job, task):
        found, at = await source.every(Subtask, f"{source.task(job, task)}/subtasksinfo")
    return await asked.as_file(found, at, task)


def subtasks_of(ctx: Context, source: Account, job: str, task: str) -> Asked[Subtask]:
    """The list of a task's parts, unfiltered."""
    return _LIST.asked(ctx, source, (), job, task, sort="failed")


def subtasks_card(source: Account, asked: Asked[Subtask], found: list[Subtask], at: datetime) -> Card:
    """The parts of a task that were asked for."""
    shown = asked.of(found, at)
    job, task = asked.names
    failed = [each for each in shown.fitting if _failed(each)]
    nodes = [each.node_info for each in shown.rows if each.node_info and each.node_info.node_id]
    pools = {node.pool_id for node in nodes if node.pool_id}
    return Card(
        title=titled(
            f"Subtasks of {task}",
            shown.words,
            shown.extent,
            f"{number(len(failed))} failed" if failed else None,
            f"job {job}",
        ),
        mark=Mark.FAILED if failed else Mark.RUNNING if any(_runs(each) for each in shown.fitting) else Mark.DONE,
        as_of=at,
        blocks=blocks(
            *section("Why they failed", Bullets(tuple(_why(each) for each in failed[:5])) if failed else None),
            shown.table(
                _COLUMNS,
                lambda each: _row(each, at),
                "It has no subtasks: it runs on one node, or has not started yet.",
            ),
            build.actions(
                *shown.turning,
                Button("Task", line(asked.ctx, source, "task show", job, task), style="primary"),
                build.open_menu(
                    "Open a node",
                    template(asked.ctx, source, "node show", pools.pop(), "{}"),
                    dict.fromkeys(node.node_id for node in nodes),
                )
                if len(pools) == 1
                else None,
                Button("Job", line(asked.ctx, source, "job show", job)),
                Button("JSON", line(asked.ctx, source, "raw subtask", job, task)),
                *shown.controls,
            ),
        ),
    )


def _failed(subtask: Subtask) -> bool:
    return subtask.result.lower() == "failure"


def _runs(subtask: Subtask) -> bool:
    return subtask.state.lower() != "completed"


def _why(subtask: Subtask) -> Text:
    known = meaning(subtask.exit_code) if subtask.exit_code else ""
    return text(
        bold(f"{subtask.id}"),
        ": ",
        failure(subtask.failure_info) or f"exit code {subtask.exit_code}",
        f" · {known}" if known else "",
    )


def _row(subtask: Subtask, at: datetime) -> list[Text]:
    node = subtask.node_info
    ran = run_time(subtask.start_time, subtask.end_time or (at if _runs(subtask) else None))
    return [
        text(number(subtask.id)),
        text(task_chip(subtask.state, failed=_failed(subtask))),
        text(Time(subtask.state_transition_time, "age")) if subtask.state_transition_time else text(muted("–")),
        text(code(str(subtask.exit_code))) if subtask.exit_code is not None else text(muted("–")),
        text(ran or muted("–")),
        text(node.node_id) if node and node.node_id else text(muted("–")),
    ]
