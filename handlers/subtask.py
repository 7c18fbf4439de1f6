"""Subtasks: the parts of a multi-instance task."""

from __future__ import annotations

from datetime import datetime

from bot.azure.account import Account
from bot.azure.exits import meaning
from bot.azure.models import Subtask
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, bold, code, muted, text
from cards.card import Bullets, Button, Card, Column, Mark, Text, Time, Words
from cards.phrases import number
from handlers.common import failure, line, run_time, section, template, titled
from handlers.missing import finding_task
from handlers.states import task_chip

_COLUMNS = (
    Column("Subtask", "right"),
    Column("State", width=2),
    Column("Since", rank=2, width=2),
    Column("Exit", "right", rank=1),
    Column("Ran", "right", rank=3),
    Column("Node", rank=4, width=3),
)


@command("subtask list", examples=["subtask list simulate mesh-4"])
async def list_subtasks(ctx: Context, job: str, task: str, *, page: int = 1, account: str | None = None) -> Card:
    """List the parts of a multi-instance task with the nodes they run on, the failed ones first.

    :param job: the job's id
    :param task: the multi-instance task's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_task(ctx, source, job, task):
        found, at = await source.every(Subtask, f"{source.task(job, task)}/subtasksinfo")
    return subtasks_card(ctx, source, job, task, found, at, page)


def subtasks_card(
    ctx: Context, source: Account, job: str, task: str, found: list[Subtask], at: datetime, page: int = 1
) -> Card:
    """The parts of a task, failed ones first."""
    found = sorted(found, key=lambda each: (not _failed(each), each.id))
    failed = [each for each in found if _failed(each)]
    page = build.within(page, len(found))
    rows = found[(page - 1) * build.PAGE : page * build.PAGE]
    again = line(ctx, source, "subtask list", job, task)
    back, on = build.pager(again, page, len(found))
    pools = {each.node_info.pool_id for each in rows if each.node_info and each.node_info.pool_id}
    nodes = [each.node_info.node_id for each in rows if each.node_info and each.node_info.node_id]
    return Card(
        title=titled(
            f"Subtasks of {task}",
            build.shown(page, len(rows), len(found)),
            f"{number(len(failed))} failed" if failed else None,
            f"job {job}",
        ),
        mark=Mark.FAILED if failed else Mark.RUNNING if any(_runs(each) for each in found) else Mark.DONE,
        as_of=at,
        blocks=blocks(
            *section("Why they failed", Bullets(tuple(_why(each) for each in failed[:5])) if failed else None),
            build.table(_COLUMNS, [_row(each, at) for each in rows])
            if rows
            else Words(text("It has no subtasks: it runs on one node, or has not started yet.")),
            build.actions(
                back,
                on,
                Button("Task", line(ctx, source, "task show", job, task), style="primary"),
                build.open_menu(
                    "Open a node", template(ctx, source, "node show", pools.pop(), "{}"), list(dict.fromkeys(nodes))
                )
                if len(pools) == 1
                else None,
                Button("Job", line(ctx, source, "job show", job)),
                Button("Refresh", f"{again} page:{page}", how="edit"),
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
