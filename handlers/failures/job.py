"""Why tasks of a job failed: failures that are the same, counted together."""

from __future__ import annotations

import asyncio

from bot.azure import gaps
from bot.azure.models import Counts, Job
from bot.domain.clusters.common import in_common
from bot.domain.clusters.grouping import clusters, printed_by_program
from bot.domain.job_health import total as all_tasks
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Button, Card
from cards.formatting import number
from handlers.failures.card import Shown, failures_card, logs_button
from handlers.failures.logs import logs_of
from handlers.failures.tasks import failed_of, sizes_by_pool, succeeded_of, weighed
from handlers.history.forgotten import or_forgotten
from handlers.job.list import counts_of
from handlers.shared.common import line
from handlers.shared.missing import finding_job


@command("failures job", effect="read", examples=["failures job nightly:job-12"])
async def failures_of_job(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Show why tasks of a job failed: the same failures together, with what they have in common.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "job", job), finding_job(ctx, source, job, "failures job"):
        found = await source.fetch(Job, source.job(job), select="id,state,poolInfo,executionInfo")
        job = found.value.id
        sizes = await sizes_by_pool(source)
        (counts,), (failed, more) = await asyncio.gather(counts_of(source, [job]), failed_of(source, job, sizes))
    counted = counts or Counts()
    said, beside = {}, ([], False)
    if failed:
        read = await asyncio.gather(
            logs_of(source, failed), gaps.maybe("tasks that succeeded", succeeded_of(source, job, sizes))
        )
        said, beside = read[0], read[1] or ([], True)
    succeeded = weighed(beside[0], counted.succeeded if counts else None)
    groups = clusters(failed, said)
    every = [*failed, *succeeded]
    whole = not more and not beside[1]
    shown = Shown(
        subject=f"job {job}",
        at=found.at,
        clusters=groups,
        common={each.key: in_common(each, every, whole=whole) for each in groups},
        read=len(failed),
        failed=max(counted.failed, len(failed)) if counts else None,
        of=max(all_tasks(counted), len(failed)) if counts else None,
        logs=sum(bool(each.line) for each in said.values()),
        logs_of=sum(map(printed_by_program, failed)),
        notes=[f"of {number(counted.failed)} failed, {number(len(failed))} read"] if more else [],
        more=(
            Button("Failed tasks", line(ctx, source, "task list", job, state="failed")),
            Button("Open job", line(ctx, source, "job show", job)),
            Button("Refresh", line(ctx, source, "failures job", job), how="edit"),
        ),
    )
    return failures_card(ctx, source, shown, lambda cluster: [logs_button(ctx, source, cluster)])
