"""Show as: what would make another one like an entity, as Bicep, ARM JSON, JSON or the command line of ``az``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule, Pool, Task
from bot.domain.bodies.clone import clone
from bot.domain.bodies.fields import Noun
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Button, Card
from handlers.shared.common import line
from handlers.shared.missing import finding_job, finding_pool, finding_schedule, finding_task
from handlers.shared.shown_as import FORMATS, Format, formats_of, shown_as


@command("show-as pool", effect="read", examples=["show-as pool gpu-a", "show-as pool gpu-a format:az"])
async def show_pool_as(
    ctx: Context,
    pool: str,
    *,
    format: Format = "bicep",  # noqa: A002 - the name that people see
    account: str | None = None,
) -> Card:
    """Show a pool as Bicep, ARM JSON, JSON or the az command that makes another one like it.

    :param pool: the pool's id
    :param format: what to show it as
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_pool(ctx, source, pool, "show-as pool"):
        fetched = await source.fetch(Pool, source.pool(pool))
    return _card(ctx, source, "pool", [fetched.value.id], fetched.raw, fetched.at, format)


@command("show-as job", effect="read", examples=["show-as job nightly", "show-as job nightly format:az"])
async def show_job_as(
    ctx: Context,
    job: str,
    *,
    format: Format = "json",  # noqa: A002
    account: str | None = None,
) -> Card:
    """Show a job as JSON or the az command that makes another one like it.

    :param job: the job's id
    :param format: what to show it as; jobs are no resources, so neither Bicep nor ARM JSON can make them
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_job(ctx, source, job, "show-as job"):
        fetched = await source.fetch(Job, source.job(job))
    return _card(ctx, source, "job", [fetched.value.id], fetched.raw, fetched.at, format)


@command("show-as task", effect="read", examples=["show-as task nightly frame-0021"])
async def show_task_as(
    ctx: Context,
    job: str,
    task: str,
    *,
    format: Format = "json",  # noqa: A002
    account: str | None = None,
) -> Card:
    """Show a task as JSON or the az command that makes another one like it.

    :param job: the job's id
    :param task: the task's id
    :param format: what to show it as; tasks are no resources, so neither Bicep nor ARM JSON can make them
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_task(ctx, source, job, task):
        fetched = await source.fetch(Task, source.task(job, task))
    return _card(ctx, source, "task", [job, fetched.value.id], fetched.raw, fetched.at, format)


@command("show-as schedule", effect="read", examples=["show-as schedule nightly format:az"])
async def show_schedule_as(
    ctx: Context,
    schedule: str,
    *,
    format: Format = "json",  # noqa: A002
    account: str | None = None,
) -> Card:
    """Show a job schedule as JSON or the az command that makes another one like it.

    :param schedule: the job schedule's id
    :param format: what to show it as; schedules are no resources, so neither Bicep nor ARM JSON can make them
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_schedule(ctx, source, schedule, "show-as schedule"):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule))
    return _card(ctx, source, "schedule", [fetched.value.id], fetched.raw, fetched.at, format)


def _card(
    ctx: Context, source: Account, noun: Noun, names: Sequence[str], raw: bytes, at: datetime, how: Format
) -> Card:
    made = clone(noun, msgspec.json.decode(raw), identity=noun == "pool")
    others = [
        Button(FORMATS[each], line(ctx, source, f"show-as {noun}", *names, format=each))
        for each in formats_of(noun)
        if each != how
    ]
    show = Button(f"Show the {noun}", line(ctx, source, f"{noun} show", *names))
    job = names[0] if noun == "task" else ""
    return shown_as(noun, made, how, source, job=job, at=at, buttons=[*others, show])
