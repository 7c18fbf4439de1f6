"""Which jobs had failures, as far as the bot has seen them: of many jobs these are read first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.azure.account import Account
from bot.azure.models import Job
from bot.domain.entity import fold
from bot.requests.context import Context
from handlers.shared.known_jobs import known_jobs

_SEEN = 10_000
"""Failures that are looked through, the newest: of more the counts of their jobs tell."""


async def known_failures(ctx: Context, source: Account, since: datetime) -> Mapping[str, int]:
    """How many tasks are known to have failed since then, by the folded id of their job; empty where nothing watches.

    The most of what the bot has: the failures that it saw one by one, the counts of jobs that go on or ended lately,
    and what was kept of those that ended.
    """
    seen, runs, jobs = await asyncio.gather(
        ctx.store.transitions(source.name, entity="task", after="failed", since=since, limit=_SEEN),
        ctx.store.job_runs(source.name, since=since),
        known_jobs(ctx, source),
    )
    found = Counter(fold(each.parent) for each in seen)
    counted = [(view.id, view.failed) for view in jobs.values() if not view.failed_at or view.failed_at >= since]
    for job, failed in (*counted, *((run.job, run.failed or 0) for run in runs)):
        found[fold(job)] = max(found[fold(job)], failed)
    return found


def worst_first(jobs: Sequence[Job], known: Mapping[str, int]) -> list[Job]:
    """Jobs with most known failures first; those without any as they come."""
    return sorted(jobs, key=lambda job: -known.get(fold(job.id), 0))
