"""Why tasks of a job failed."""

from __future__ import annotations

import asyncio

from bot.azure.models import Counts, Job
from bot.domain.job_health import total as all_tasks
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Button, Card
from handlers.failures.answer import Subject, answer
from handlers.failures.runs import runs_before
from handlers.failures.tasks import of_jobs, sizes_by_pool, weighed
from handlers.history.forgotten import or_forgotten
from handlers.job.list import counts_of
from handlers.shared.common import line
from handlers.shared.missing import finding_job


@command("failures job", effect="read", examples=["failures job nightly:job-12"])
async def failures_of_job(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Show why tasks of a job failed: the same failures together, and what they have in common.

    Of a schedule's job also how many failed in the runs before.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "job", job), finding_job(ctx, source, job, "failures job"):
        found = await source.fetch(Job, source.job(job), select="id,state")
        job = found.value.id
        sizes = await sizes_by_pool(source)
        (counts,), every = await asyncio.gather(counts_of(source, [job]), of_jobs(source, [job], sizes))
    counted, failed = counts or Counts(), len(every.failed)
    subject = Subject(
        name=f"job {job}",
        at=found.at,
        jobs=[found.value],
        of_jobs=1,
        tasks=max(all_tasks(counted), failed) if counts else None,
        counted=max(counted.failed, failed) if counts else None,
        more=(
            Button("Failed tasks", line(ctx, source, "task list", job, state="failed")) if failed else None,
            Button("Open job", line(ctx, source, "job show", job)),
            Button("Refresh", line(ctx, source, "failures job", job), how="edit"),
        ),
    )
    beside = weighed(every.succeeded, counted.succeeded if counts else None)
    return await answer(ctx, source, subject, every, beside, await runs_before(source, job, sizes))
