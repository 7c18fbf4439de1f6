"""What was seen of things, kept by the bot itself: it outlives what Batch knows of them."""

from __future__ import annotations

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
from handlers.history.parts import READ, about, changes, extent, failures, nothing_recorded
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


@command("job history", effect="read", examples=["job history nightly:job-12"])
async def job_history(ctx: Context, job: str, *, page: int = 1, account: str | None = None) -> Card:
    """Show the history of a job and its failed tasks, even after Batch has deleted it.

    :param job: the job's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    return await _history(ctx, source, Subject("job", job, "", ("job history", job), source.job(job), Job), page)


@command("pool history", effect="read", examples=["pool history render-gpu"])
async def pool_history(ctx: Context, pool: str, *, page: int = 1, account: str | None = None) -> Card:
    """Show the history of a pool: resizes, autoscale runs and unhealthy nodes, even after it was deleted.

    :param pool: the pool's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    return await _history(ctx, source, Subject("pool", pool, "", ("pool history", pool), source.pool(pool), Pool), page)


@command("node history", effect="read", examples=["node history render-gpu tvm-1"])
async def node_history(ctx: Context, pool: str, node: str, *, page: int = 1, account: str | None = None) -> Card:
    """Show the history of a node, even after it was removed.

    :param pool: the pool's id
    :param node: the node's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    subject = Subject("node", node, pool, ("node history", pool, node), source.node(pool, node), Node)
    return await _history(ctx, source, subject, page)


@command("task history", effect="read", examples=["task history nightly:job-12 frame-0021"])
async def task_history(ctx: Context, job: str, task: str, *, page: int = 1, account: str | None = None) -> Card:
    """Show the history of a task: its failures and what they mean, even after Batch has deleted it.

    :param job: the job's id
    :param task: the task's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    subject = Subject("task", task, job, ("task history", job, task), source.task(job, task), Task)
    return await _history(ctx, source, subject, page)


@command("schedule history", effect="read", examples=["schedule history nightly"])
async def schedule_history(ctx: Context, schedule: str, *, page: int = 1, account: str | None = None) -> Card:
    """Show the history of a job schedule and of the jobs it created, even after it was deleted.

    :param schedule: the schedule's id
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    path = source.schedule(schedule)
    subject = Subject("schedule", schedule, "", ("schedule history", schedule), path, JobSchedule)
    return await _history(ctx, source, subject, page)


async def _history(ctx: Context, source: Account, subject: Subject, page: int) -> Card:
    known = await _known(source, subject)
    if known:
        subject = subject._replace(id=known)  # what was seen is kept by the entity's own spelling
    seen = await _seen(ctx, source, subject)
    incidents = await _incidents(ctx, source, subject)
    if not seen and not incidents and known is False:
        raise Instead(await _nothing(ctx, source, subject))
    page = build.within(page, len(seen))
    rows = seen[(page - 1) * build.PAGE : page * build.PAGE]
    again = line(ctx, source, *subject.wanted)
    whole = " / ".join(filter(None, (subject.parent, subject.id)))
    opened = line(ctx, source, f"{subject.kind} show", *subject.wanted[1:])
    return Card(
        title=titled(
            f"History of {subject.kind} {whole}",
            "Batch no longer knows it" if known is False else None,
            extent(page, rows, seen),
        ),
        mark=Mark.STOPPED if known is False else Mark.NEUTRAL,
        as_of=source.now(),
        blocks=blocks(
            Words(text(muted("This is what the bot saw while Batch still knew it."))) if known is False else None,
            changes(rows, subject.id),
            None if seen else await nothing_recorded(ctx, source, opened),
            *failures(seen),
            *about(incidents),
            build.actions(
                Button("Open", opened, style="primary") if known else None,
                *build.pager(again, page, len(seen)),
                parts.incident_menu("Open an alert", "alert show {}", incidents) if ctx.alerts else None,
                Button("Whole account", line(ctx, source, "history")),
                Button("Refresh", f"{again} page:{page}" if page > 1 else again, how="edit"),
            ),
        ),
    )


async def _seen(ctx: Context, source: Account, subject: Subject) -> list[Transition]:
    """All that was seen of it and what belongs to it, newest first."""
    found: list[Transition] = []
    for entity in _OWN.get(subject.kind, (subject.kind,)):
        parent = subject.parent if subject.parent else None
        found += await ctx.store.transitions(source.name, entity=entity, parent=parent, id=subject.id, limit=READ)
    if belonging := _PARTS.get(subject.kind):
        found += await ctx.store.transitions(source.name, entity=belonging, parent=subject.id, limit=READ)
    if subject.kind == "schedule":
        found += await ctx.store.transitions(source.name, entity="job", id=f"{subject.id}:job-*", limit=READ)
    return sorted(found, key=lambda each: each.at, reverse=True)[:READ]


async def _known(source: Account, subject: Subject) -> str | Literal[False] | None:
    """Its id as Batch spells it; False where Batch does not know it, None where it cannot be asked."""
    try:
        known: str = (await source.fetch(subject.model, subject.path, select="id")).value.id
    except AzureError as error:
        return False if error.not_found else None
    return known


async def _incidents(ctx: Context, source: Account, subject: Subject) -> list[Incident]:
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
