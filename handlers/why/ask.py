"""The commands that say why a pool, a node, a job, a task or a schedule does not do its work."""

from __future__ import annotations

import asyncio

from bot.azure.errors import AzureError
from bot.azure.models import Job, JobSchedule, Node, Pool, Task
from bot.domain.diagnosis.model import Verdict
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Card
from handlers.history.forgotten import or_forgotten
from handlers.shared.missing import finding_job, finding_node, finding_pool, finding_schedule, finding_task
from handlers.why.answers import Answer, about_job, about_node, about_pool, about_schedule, about_task
from handlers.why.card import answer_card
from handlers.why.gone import about_gone
from handlers.why.pools import counts_of
from handlers.why.reads import Reads


@command("why pool", effect="read", examples=["why pool gpu-a"])
async def why_pool(ctx: Context, pool: str, *, also: bool = False, account: str | None = None) -> Card:
    """Say why a pool does not do its work: one cause, its evidence, and the button that mends it.

    :param pool: the pool's id
    :param also: tell in full what else was seen
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reads = Reads(source)
    async with or_forgotten(ctx, source, "pool", pool), finding_pool(ctx, source, pool, "why pool"):
        found, counts = await asyncio.gather(reads.one(f"pool {pool}", Pool, source.pool(pool)), counts_of(reads, pool))
    return answer_card(ctx, source, await about_pool(ctx, reads, found.value, counts, found.at), reads, also=also)


@command("why job", effect="read", examples=["why job nightly:job-12"])
async def why_job(ctx: Context, job: str, *, also: bool = False, account: str | None = None) -> Card:
    """Say why a job waits, fails or does not end: one cause, its evidence, and the button that mends it.

    :param job: the job's id
    :param also: tell in full what else was seen
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reads = Reads(source)
    async with or_forgotten(ctx, source, "job", job), finding_job(ctx, source, job, "why job"):
        found = await reads.one(f"job {job}", Job, source.job(job))
    return answer_card(ctx, source, await about_job(ctx, reads, found.value, found.at), reads, also=also)


@command("why node", effect="read", examples=["why node gpu-a tvmps_0f3…_d"])
async def why_node(ctx: Context, pool: str, node: str, *, also: bool = False, account: str | None = None) -> Card:
    """Say why a node does no work: one cause, its evidence, and the button that mends it.

    :param pool: the pool's id
    :param node: the node's id
    :param also: tell in full what else was seen
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reads = Reads(source)
    async with or_forgotten(ctx, source, "node", node, pool), finding_node(ctx, source, pool, node):
        try:
            found = await reads.one("the node", Node, source.node(pool, node))
        except AzureError as error:
            became = await about_gone(ctx, reads, pool, node) if error.not_found else None
            if became is None:
                raise
            told = Answer(about=became.about, verdict=Verdict(became), at=source.now(), gone=True)
            return answer_card(ctx, source, told, reads, also=also)
    return answer_card(ctx, source, await about_node(ctx, reads, pool, found.value, found.at), reads, also=also)


@command("why task", effect="read", examples=["why task nightly:job-12 frame-0021"])
async def why_task(ctx: Context, job: str, task: str, *, also: bool = False, account: str | None = None) -> Card:
    """Say why a task failed, waits or does not end: one cause, its evidence, and the button that mends it.

    :param job: the job's id
    :param task: the task's id
    :param also: tell in full what else was seen
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reads = Reads(source)
    async with or_forgotten(ctx, source, "task", task, job), finding_task(ctx, source, job, task):
        found, around = await asyncio.gather(
            reads.one(f"task {task}", Task, source.task(job, task)), reads.one(f"job {job}", Job, source.job(job))
        )
    return answer_card(ctx, source, await about_task(ctx, reads, found.value, around.value, found.at), reads, also=also)


@command("why schedule", effect="read", examples=["why schedule nightly"])
async def why_schedule(ctx: Context, schedule: str, *, also: bool = False, account: str | None = None) -> Card:
    """Say why a job schedule starts no job, or why its last job does no work: one cause, and what mends it.

    :param schedule: the job schedule's id
    :param also: tell in full what else was seen
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reads = Reads(source)
    async with (
        or_forgotten(ctx, source, "schedule", schedule),
        finding_schedule(ctx, source, schedule, "why schedule"),
    ):
        found = await reads.one(f"schedule {schedule}", JobSchedule, source.schedule(schedule))
    return answer_card(ctx, source, await about_schedule(ctx, reads, found.value, found.at), reads, also=also)
