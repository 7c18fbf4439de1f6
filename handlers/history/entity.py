"""What was seen of things, kept by the bot itself: it outlives what Batch knows of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from bot.alerting.model import Incident
from bot.alerting.stored_state import incident_of
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, JobSchedule, Node, Pool, Task
from bot.domain.entity import EntityKind, same_id
from bot.requests.command import Instead, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, muted, refusal, text
from cards.card import Button, Card, Mark, Words
from handlers.alert import parts
from handlers.history.parts import LIST, READ, HistorySort, about, changes, failures, nothing_recorded, seen
from handlers.shared.common import line, nearest, titled
from storage.port.monitoring import Transition

_INCIDENTS = 1000
_OWN: dict[EntityKind, tuple[str, ...]] = {"pool": ("pool", "allocation", "autoscale")}
_PARTS: dict[EntityKind, str] = {"pool": "node", "job": "task"}
"""What belongs to a pool or job, and is shown with it."""


class Subject(NamedTuple):
    """Whose history it is. ``wanted`` is the command with its names, ``path`` where the service has it."""

    kind: EntityKind
    id: str
    parent: str
    wanted: tuple[str, ...]
    path: str
    model: type[Any]

    @classmethod
    def of(cls, source: Account, kind: EntityKind, name: str, parent: str = "") -> Subject:
        """Something by its name; ``parent`` is the pool of a node or the job of a task."""
        names = [parent, name] if parent else [name]
        ways: dict[EntityKind, tuple[Callable[..., str], type[Any]]] = {
            "pool": (source.pool, Pool),
            "node": (source.node, Node),
            "job": (source.job, Job),
            "task": (source.task, Task),
            "schedule": (source.schedule, JobSchedule),
        }
        path, model = ways[kind]
        return cls(kind, name, parent, (f"{kind} history", *names), path(*names), model)


class Wanted(NamedTuple):
    """Which part of it, in which order, or all as a file."""

    sort: HistorySort
    page: int
    csv: bool


@command("job history", effect="read", examples=["job history nightly:job-12"])
async def job_history(
    ctx: Context,
    job: str,
    *,
    sort: HistorySort = "newest",
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """Show the history of a job and its failed tasks, even after Batch has deleted it.

    :param job: the job's id
    :param sort: in which order
    :param page: which page of 20
    :param csv: all of it as a CSV file
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    return await _history(ctx, source, Subject.of(source, "job", job), Wanted(sort, page, csv))


@command("pool history", effect="read", examples=["pool history render-gpu"])
async def pool_history(
    ctx: Context,
    pool: str,
    *,
    sort: HistorySort = "newest",
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """Show the history of a pool: resizes, autoscale runs and unhealthy nodes, even after it was deleted.

    :param pool: the pool's id
    :param sort: in which order
    :param page: which page of 20
    :param csv: all of it as a CSV file
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    return await _history(ctx, source, Subject.of(source, "pool", pool), Wanted(sort, page, csv))


@command("node history", effect="read", examples=["node history render-gpu tvm-1"])
async def node_history(
    ctx: Context,
    pool: str,
    node: str,
    *,
    sort: HistorySort = "newest",
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """Show the history of a node, even after it was removed.

    :param pool: the pool's id
    :param node: the node's id
    :param sort: in which order
    :param page: which page of 20
    :param csv: all of it as a CSV file
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    subject = Subject.of(source, "node", node, pool)
    return await _history(ctx, source, subject, Wanted(sort, page, csv))


@command("task history", effect="read", examples=["task history nightly:job-12 frame-0021"])
async def task_history(
    ctx: Context,
    job: str,
    task: str,
    *,
    sort: HistorySort = "newest",
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """Show the history of a task: its failures and what they mean, even after Batch has deleted it.

    :param job: the job's id
    :param task: the task's id
    :param sort: in which order
    :param page: which page of 20
    :param csv: all of it as a CSV file
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    subject = Subject.of(source, "task", task, job)
    return await _history(ctx, source, subject, Wanted(sort, page, csv))


@command("schedule history", effect="read", examples=["schedule history nightly"])
async def schedule_history(
    ctx: Context,
    schedule: str,
    *,
    sort: HistorySort = "newest",
    page: int = 1,
    csv: bool = False,
    account: str | None = None,
) -> Card:
    """Show the history of a job schedule and of the jobs it created, even after it was deleted.

    :param schedule: the schedule's id
    :param sort: in which order
    :param page: which page of 20
    :param csv: all of it as a CSV file
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    subject = Subject.of(source, "schedule", schedule)
    return await _history(ctx, source, subject, Wanted(sort, page, csv))


async def _history(ctx: Context, source: Account, subject: Subject, wanted: Wanted) -> Card:
    known = await _known(source, subject)
    if known:
        subject = subject._replace(id=known)  # what was seen is kept by the entity's own spelling

    async def read(limit: int) -> list[Transition]:
        return await transitions_of(ctx, source, subject.kind, subject.id, subject.parent, limit)

    found = await seen(read, wanted.page, wanted.sort, whole=wanted.csv)
    incidents = await incidents_of(ctx, source, subject)
    if not found.all and not incidents and known is False:
        raise Instead(await _nothing(ctx, source, subject))
    plain = line(ctx, source, *subject.wanted)
    again = LIST.again(plain, wanted.sort)
    whole = " / ".join(filter(None, (subject.parent, subject.id)))
    if wanted.csv:
        return await LIST.as_file(ctx, again, found.all, source.now(), whole)
    opened = line(ctx, source, f"{subject.kind} show", *subject.wanted[1:])
    return Card(
        title=titled(
            f"History of {subject.kind} {whole}",
            "Batch no longer knows it" if known is False else None,
            found.extent,
        ),
        mark=Mark.STOPPED if known is False else Mark.NEUTRAL,
        as_of=source.now(),
        blocks=blocks(
            Words(text(muted("This is what the bot saw while Batch still knew it."))) if known is False else None,
            changes(found.rows, subject.id),
            None if found.all else await nothing_recorded(ctx, source, opened),
            *failures(found.all),
            *about(incidents),
            build.actions(
                Button("Open", opened, style="primary") if known else None,
                *found.turning(again),
                parts.incident_menu("Open an alert", "alert show {}", incidents) if ctx.alerts else None,
                Button("Whole account", line(ctx, source, "history")),
                Button("Refresh", f"{again} page:{found.page}" if found.page > 1 else again, how="edit"),
                *LIST.controls(plain, wanted.sort),
            ),
        ),
    )


async def transitions_of(
    ctx: Context, source: Account, kind: EntityKind, name: str, parent: str, limit: int
) -> list[Transition]:
    """The newest changes of something and what belongs to it, newest first."""
    found: list[Transition] = []
    for entity in _OWN.get(kind, (kind,)):
        found += await ctx.store.transitions(source.name, entity=entity, parent=parent or None, id=name, limit=limit)
    if belonging := _PARTS.get(kind):
        found += await ctx.store.transitions(source.name, entity=belonging, parent=name, limit=limit)
    if kind == "schedule":
        found += await ctx.store.transitions(source.name, entity="job", id=f"{name}:job-*", limit=limit)
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


async def _known(source: Account, subject: Subject) -> str | Literal[False] | None:
    """Its id as Batch spells it; False where Batch does not know it, None where it cannot be asked."""
    try:
        known: str = (await source.fetch(subject.model, subject.path, select="id")).value.id
    except AzureError as error:
        return False if error.not_found else None
    return known


async def incidents_of(ctx: Context, source: Account, subject: Subject) -> list[Incident]:
    """The alerts about it, the last changed first."""
    rows = await ctx.store.incidents(account=source.name, limit=_INCIDENTS)
    found = [incident_of(row) for row in rows if _concerns(row.entity, row.parent, row.name, subject)]
    return [each for each in found if each]


def _concerns(entity: str, parent: str, name: str, subject: Subject) -> bool:
    own = entity == subject.kind and same_id(name, subject.id) and same_id(parent, subject.parent)
    return own or (entity == _PARTS.get(subject.kind) and same_id(parent, subject.id))


async def _nothing(ctx: Context, source: Account, subject: Subject) -> Card:
    """Neither Batch nor the bot knows it: the nearest that was seen."""
    parent = subject.parent or None
    rows = await ctx.store.transitions(source.name, entity=subject.kind, parent=parent, limit=READ)
    near = nearest(subject.id, dict.fromkeys(row.id for row in rows))
    *before, _ = subject.wanted
    everything = f"{subject.kind} list"
    return refusal(
        f"Neither Batch nor the bot knows a {subject.kind} “{subject.id[:60]}” in {source.name}.",
        "Did you mean one of these?" if near else "What was never seen while the bot watched has no history.",
        [
            *(Button(each, line(ctx, source, *before, each)) for each in near),
            Button(f"All {subject.kind}s", line(ctx, source, everything, *([parent] if parent else []))),
        ],
    )
