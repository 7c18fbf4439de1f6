"""How many tasks failed lately in an account, job by job, for cards that are about the whole account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Counts, Job
from bot.domain.entity import fold
from bot.domain.job_health import trouble
from bot.requests.context import Context
from handlers.failures.known import known_failures
from handlers.job.list import counts_of
from handlers.shared.known_jobs import known_jobs, known_trouble

LATELY = timedelta(days=1)
"""As far back as ``failures`` looks where nothing else is asked for."""
_COUNTED = 30
"""Jobs that are over and counted where nothing watches, the newest: a call each."""


class FailedLately(Struct, frozen=True):
    """Failed tasks by their job, most first: of jobs that go on, and of those that ended within :data:`LATELY`.

    ``worst`` is the greatest share of a job's ended tasks that failed (:func:`bot.domain.job_health.trouble`).
    ``whole`` is False where there may be more.
    """

    jobs: Mapping[str, int] = {}
    worst: float = 0.0
    whole: bool = True

    @property
    def tasks(self) -> int:
        """All of them."""
        return sum(self.jobs.values())


async def failed_lately(
    ctx: Context, source: Account, active: Mapping[str, Counts | None], at: datetime
) -> FailedLately:
    """Failed tasks of the jobs that are ``active``, whose counts were read, and of those that ended lately.

    What watching saw is asked first, as ``failures`` does; where nothing watches, jobs that ended are counted.
    """
    views, known = await asyncio.gather(known_jobs(ctx, source), known_failures(ctx, source, at - LATELY))
    counts, whole = dict(active), None not in active.values()
    if not views:
        ended, all_of_them = await _ended(source, at - LATELY)
        counts.update(ended)
        whole = whole and all_of_them and None not in ended.values()
    exact = {fold(job) for job in counts}
    names = {fold(view.id): view.id for view in views.values()}
    found = {names.get(job, job): failed for job, failed in known.items() if failed and job not in exact}
    found.update({job: count.failed for job, count in counts.items() if count and count.failed})
    shares = [trouble(count.failed, count.completed) for count in counts.values() if count]
    shares += [known_trouble(views.get(fold(job))) for job in found if job not in counts]
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return FailedLately(dict(ordered), max(shares, default=0.0), whole)


async def _ended(source: Account, since: datetime) -> tuple[dict[str, Counts | None], bool]:
    """Task counts of the jobs that ended since then, the newest of them, and whether these are all."""
    moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    wanted = f"state eq 'completed' and executionInfo/endTime ge DateTime'{moment}'"
    read = await gaps.maybe(
        "jobs that ended lately", source.every(Job, "/jobs", filter=wanted, select="id,state,executionInfo")
    )
    if read is None:
        return {}, False
    jobs = sorted(read[0], key=_end, reverse=True)
    names = [job.id for job in jobs[:_COUNTED]]
    return dict(zip(names, await counts_of(source, names), strict=True)), len(jobs) <= _COUNTED


def _end(job: Job) -> datetime:
    run = job.execution_info
    return (run.end_time if run else None) or datetime.min.replace(tzinfo=UTC)
