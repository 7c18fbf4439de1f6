"""Preparation and release of a job on each node."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeVar

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import OwnTaskRun, PreparationStatus
from bot.domain.exit_codes import meaning
from bot.filter import PREPARATION
from bot.requests.command import Instead, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, muted, text
from cards.card import Bullets, Button, Card, Chip, Column, Mark, Text, Words
from cards.formatting import number, plural
from handlers.shared.common import failure, line, run_time, section, template, titled
from handlers.shared.filtering import Typed
from handlers.shared.listing import Asked, Listing
from handlers.shared.missing import no_job

T = TypeVar("T")
_COLUMNS = (
    Column("Node", width=3),
    Column("Preparation", width=2),
    Column("Exit", "right", rank=1),
    Column("Took", "right", rank=2),
    Column("Retries", "right", rank=4),
    Column("Release", rank=3, width=2),
)


PreparationSort = Literal["failed", "node", "took", "retries"]
_LIST: Listing[PreparationStatus] = Listing(
    PREPARATION,
    "preparation list",
    "csv preparation",
    {
        "failed": lambda each: (not _troubled(each), each.pool_id, each.node_id),
        "node": lambda each: (each.pool_id, each.node_id),
        "took": lambda each: (-_seconds(each.job_preparation_task_execution_info), each.node_id),
        "retries": lambda each: (-_preparation(each).retry_count, each.node_id),
    },
    {
        "node": lambda each: each.node_id,
        "pool": lambda each: each.pool_id,
        "preparation": lambda each: _state(each.job_preparation_task_execution_info).word,
        "exit code": lambda each: _preparation(each).exit_code,
        "retries": lambda each: _preparation(each).retry_count,
        "started": lambda each: _preparation(each).start_time,
        "ended": lambda each: _preparation(each).end_time,
        "release": lambda each: _state(each.job_release_task_execution_info).word,
    },
)


@command(
    "preparation list",
    effect="read",
    examples=["preparation list nightly:job-12", "preparation list nightly:job-12 failed"],
)
async def list_preparations(
    ctx: Context,
    job: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: PreparationSort = "failed",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the runs of a job's preparation and release tasks by node, failed ones first.

    A job whose preparation fails on a node runs no task there, and nobody is notified.

    :param job: the job's id
    :param filter: which ones, such as failed exit:1 retries>0 ran>5m release:running
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, job, sort=sort, page=page)
    found, at = await statuses(ctx, source, job, "preparation list", PreparationStatus)
    return preparations_card(source, asked, found, at)


@command("csv preparation", effect="read", examples=["csv preparation nightly:job-12"])
async def csv_preparations(
    ctx: Context,
    job: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: PreparationSort = "failed",
    account: str | None = None,
) -> Card:
    """Export a job's preparation and release runs as a CSV file, all or those that match a filter.

    :param job: the job's id
    :param filter: which ones, as in preparation list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, job, sort=sort, whole=True)
    found, at = await statuses(ctx, source, job, "csv preparation", PreparationStatus)
    return await asked.as_file(found, at, job)


async def statuses(ctx: Context, source: Account, job: str, wanted: str, kind: type[T]) -> tuple[list[T], datetime]:
    """What the service reports; ends the handler where there is nothing to show."""
    try:
        return await source.every(kind, f"{source.job(job)}/jobpreparationandreleasetaskstatus")
    except AzureError as error:
        if error.status == 409:  # JobPreparationTaskNotSpecified
            raise Instead(
                Card(
                    title=titled(f"Preparation of {job}", "none"),
                    as_of=source.now(),
                    blocks=blocks(
                        Words(text("This job has neither a preparation task nor a release task.")),
                        build.actions(Button("Job", line(ctx, source, "job show", job))),
                    ),
                )
            ) from None
        if not error.not_found:
            raise
        raise Instead(await no_job(ctx, source, job, wanted)) from None


def preparations_of(ctx: Context, source: Account, job: str) -> Asked[PreparationStatus]:
    """The list of a job's nodes, unfiltered."""
    return _LIST.asked(ctx, source, (), job, sort="failed")


def preparations_card(
    source: Account, asked: Asked[PreparationStatus], found: list[PreparationStatus], at: datetime
) -> Card:
    """Preparation and release of a job on the nodes that were asked for."""
    shown = asked.of(found, at)
    fitting = shown.fitting
    (job,) = asked.names
    failed = [each for each in fitting if _troubled(each)]
    lines = tuple(why for each in failed[:5] for why in _why(each))
    ready = sum(_state(each.job_preparation_task_execution_info).mark is Mark.DONE for each in fitting)
    pools = {each.pool_id for each in shown.rows}
    return Card(
        title=titled(
            f"Preparation of {job}",
            shown.words,
            f"ready on {number(ready)} of {plural(len(fitting), 'node')}",
            f"failed on {number(len(failed))}" if failed else None,
        ),
        mark=Mark.FAILED if failed else Mark.DONE if fitting and ready == len(fitting) else Mark.CHANGING,
        as_of=at,
        blocks=blocks(
            *section("What failed", Bullets(lines) if lines else None),
            shown.table(_COLUMNS, lambda each: _row(each, at), "No node has begun to prepare for it yet."),
            build.actions(
                *shown.turning,
                Button("Job", line(asked.ctx, source, "job show", job), style="primary"),
                build.open_menu(
                    "Open a node",
                    template(asked.ctx, source, "node show", pools.pop(), "{}"),
                    [each.node_id for each in shown.rows],
                )
                if len(pools) == 1
                else None,
                Button("Tasks", line(asked.ctx, source, "task list", job)),
                Button("JSON", line(asked.ctx, source, "raw preparation", job)),
                *shown.controls,
            ),
        ),
    )


def _preparation(status: PreparationStatus) -> OwnTaskRun:
    return status.job_preparation_task_execution_info or OwnTaskRun()


def _seconds(run: OwnTaskRun | None) -> float:
    return (run.end_time - run.start_time).total_seconds() if run and run.start_time and run.end_time else 0.0


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
    lines = []
    for name, run in (
        ("preparation", status.job_preparation_task_execution_info),
        ("release", status.job_release_task_execution_info),
    ):
        if run is not None and _failed(run):
            known = meaning(run.exit_code) if run.exit_code else ""
            reason = failure(run.failure_info) or text(f"exit code {run.exit_code}")
            lines.append(text(bold(name), " on ", code(status.node_id), ": ", reason, f" · {known}" if known else ""))
    return lines


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
