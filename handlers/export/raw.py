"""The service's own JSON of one entity, as a file."""

from __future__ import annotations

from datetime import datetime

from bot.azure.account import Account
from bot.azure.answers import Fetched
from bot.azure.models import BatchAccountResource, Job, JobSchedule, Node, Pool, Task
from bot.domain.bodies.fields import NOUNS
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import actions, blocks, note
from cards.card import Button, Card
from handlers.shared.common import line, titled
from handlers.shared.files import json_of
from handlers.shared.missing import finding_job, finding_node, finding_pool, finding_schedule, finding_task


@command("raw account", effect="read", examples=["raw account"])
async def raw_account(ctx: Context, *, account: str | None = None) -> Card:
    """Download the account's JSON as Resource Manager returns it.

    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    fetched: Fetched[BatchAccountResource] = await source.resource()
    return _card(ctx, source, fetched.raw, fetched.at, "account", [source.name], shown="account show")


@command("raw pool", effect="read", examples=["raw pool gpu-a"])
async def raw_pool(ctx: Context, pool: str, *, account: str | None = None) -> Card:
    """Download a pool's JSON.

    :param pool: the pool's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_pool(ctx, source, pool, "raw pool"):
        fetched = await source.fetch(Pool, source.pool(pool))
    return _card(ctx, source, fetched.raw, fetched.at, "pool", [pool])


@command("raw node", effect="read", examples=["raw node gpu-a tvmps_1f_d"])
async def raw_node(ctx: Context, pool: str, node: str, *, account: str | None = None) -> Card:
    """Download a node's JSON.

    :param pool: the pool's id
    :param node: the node's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_node(ctx, source, pool, node):
        fetched = await source.fetch(Node, source.node(pool, node))
    return _card(ctx, source, fetched.raw, fetched.at, "node", [pool, node])


@command("raw job", effect="read", examples=["raw job nightly:job-12"])
async def raw_job(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Download a job's JSON.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_job(ctx, source, job, "raw job"):
        fetched = await source.fetch(Job, source.job(job))
    return _card(ctx, source, fetched.raw, fetched.at, "job", [job])


@command("raw task", effect="read", examples=["raw task nightly:job-12 frame-0021"])
async def raw_task(ctx: Context, job: str, task: str, *, account: str | None = None) -> Card:
    """Download a task's JSON.

    :param job: the job's id
    :param task: the task's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_task(ctx, source, job, task):
        fetched = await source.fetch(Task, source.task(job, task))
    return _card(ctx, source, fetched.raw, fetched.at, "task", [job, task])


@command("raw schedule", effect="read", examples=["raw schedule nightly"])
async def raw_schedule(ctx: Context, schedule: str, *, account: str | None = None) -> Card:
    """Download a job schedule's JSON.

    :param schedule: the job schedule's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_schedule(ctx, source, schedule, "raw schedule"):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule))
    return _card(ctx, source, fetched.raw, fetched.at, "schedule", [schedule])


def _card(
    ctx: Context, source: Account, raw: bytes, at: datetime, kind: str, names: list[str], *, shown: str = ""
) -> Card:
    show = line(ctx, source, shown) if shown else line(ctx, source, f"{kind} show", *names)
    return Card(
        title=titled(f"{kind.capitalize()} {names[-1]}", "raw JSON"),
        as_of=at,
        blocks=blocks(
            json_of("-".join([kind, *names]), raw),
            actions(
                Button(f"Show the {kind}", show),
                Button("As code", line(ctx, source, f"show-as {kind}", *names)) if kind in NOUNS else None,
            ),
            note("As the service answers; the values of secrets are hidden."),
        ),
    )
