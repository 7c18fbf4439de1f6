"""Preparation and release of a job on each node."""

from __future__ import annotations

from datetime import datetime

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.exits import meaning
from bot.azure.models import OwnTaskRun, PreparationStatus
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, muted, text
from cards.card import Bullets, Button, Card, Chip, Column, Mark, Text, Words
from cards.phrases import number, plural
from handlers.common import failure, line, run_time, section, template, titled
from handlers.missing import no_job

_COLUMNS = (
    Column("Node", width=3),
    Column("Preparation", width=2),
    Column("Exit", "right", rank=1),
    Column("Took", "right", rank=2),
    Column("Retries", "right", rank=4),
    Column("Release", rank=3, width=2),
)


@command("preparation list", examples=["preparation list nightly:job-12"])
async def list_preparations(ctx: Context, job: str, *, page: int = 1, account: str | None = None) -> Card:
    """List on which nodes a job's preparation and release tasks ran and how, the failed ones first.

    A job whose preparation fails on a node runs no task there, and tells nobody.

    :param job: the job's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    try:
        found, at = await source.every(PreparationStatus, f"{source.job(job)}/jobpreparationandreleasetaskstatus")
    except AzureError as error:
        if error.status == 409:  # JobPreparationTaskNotSpecified
            return Card(
                title=titled(f"Preparation of {job}", "none"),
                as_of=source.now(),
                blocks=blocks(
                    Words(text("This job has neither a preparation task nor a release task.")),
                    build.actions(Button("Job", line(ctx, source, "job show", job))),
                ),
            )
        if not error.not_found:
            raise
        return await no_job(ctx, source, job, "preparation list")
    return preparations_card(ctx, source, job, found, at, page)


def preparations_card(
    ctx: Context, source: Account, job: str, found: list[PreparationStatus], at: datetime, page: int = 1
) -> Card:
    """Preparation and release of a job on its nodes."""
    found = sorted(found, key=lambda each: (not _troubled(each), each.pool_id, each.node_id))
    failed = [each for each in found if _troubled(each)]
    told = tuple(why for each in failed[:5] for why in _why(each))
    ready = sum(_state(each.job_preparation_task_execution_info).mark is Mark.DONE for each in found)
    page = build.within(page, len(found))
    rows = found[(page - 1) * build.PAGE : page * build.PAGE]
    again = line(ctx, source, "preparation list", job)
    back, on = build.pager(again, page, len(found))
    pools = {each.pool_id for each in rows}
    return Card(
        title=titled(
            f"Preparation of {job}",
            f"ready on {number(ready)} of {plural(len(found), 'node')}",
            f"failed on {number(len(failed))}" if failed else None,
        ),
        mark=Mark.FAILED if failed else Mark.DONE if found and ready == len(found) else Mark.CHANGING,
        as_of=at,
        blocks=blocks(
            *section("What failed", Bullets(told) if told else None),
            build.table(_COLUMNS, [_row(each, at) for each in rows])
            if rows
            else Words(text("No node has begun to prepare for it yet.")),
            build.actions(
                back,
                on,
                Button("Job", line(ctx, source, "job show", job), style="primary"),
                build.open_menu(
                    "Open a node",
                    template(ctx, source, "node show", pools.pop(), "{}"),
                    [each.node_id for each in rows],
                )
                if len(pools) == 1
                else None,
                Button("Tasks", line(ctx, source, "task list", job)),
                Button("Refresh", f"{again} page:{page}", how="edit"),
            ),
        ),
    )


def _failed(run: OwnTaskRun | None) -> bool:
    return run is not None and run.result.lower() == "failure"


def _troubled(status: PreparationStatus) -> bool:
    return _failed(status.job_preparation_task_execution_info) or _failed(status.job_release_task_execution_info)


def _state(run: OwnTaskRun | None) -> Chip:
    if run is None:
        return chip(Mark.NEUTRAL, "–")
    if _failed(run) or (run.exit_code not in (None, 0) and run.state.lower() == "completed"):
        return chip(Mark.FAILED, "failed")
    if run.state.lower() == "completed":
        return chip(Mark.DONE, "done")
    return chip(Mark.RUNNING, run.state.lower())


def _why(status: PreparationStatus) -> list[Text]:
    told = []
    for name, run in (
        ("preparation", status.job_preparation_task_execution_info),
        ("release", status.job_release_task_execution_info),
    ):
        if run is not None and _failed(run):
            known = meaning(run.exit_code) if run.exit_code else ""
            reason = failure(run.failure_info) or text(f"exit code {run.exit_code}")
            told.append(text(bold(name), " on ", code(status.node_id), ": ", reason, f" · {known}" if known else ""))
    return told


def _row(status: PreparationStatus, at: datetime) -> list[Text]:
    run = status.job_preparation_task_execution_info
    took = run_time(run.start_time, run.end_time or at) if run else ""
    return [
        text(code(status.node_id)),
        text(_state(run)),
        text(code(str(run.exit_code))) if run and run.exit_code is not None else text(muted("–")),
        text(took or muted("–")),
        text(number(run.retry_count)) if run and run.retry_count else text(muted("–")),
        text(_state(status.job_release_task_execution_info)),
    ]
