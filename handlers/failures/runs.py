"""How many tasks failed in the runs of a schedule before one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Job
from bot.domain.entity import same_id, schedule_of
from cards.formatting import number, plural
from handlers.failures.answer import Earlier, kinds_of
from handlers.failures.tasks import PAGE, failed_of
from handlers.job.list import counts_of

RUNS = 5
"""Runs that are counted, a call each."""
_NEVER = datetime.min.replace(tzinfo=UTC)


async def runs_of(source: Account, schedule: str) -> list[Job]:
    """Jobs of a schedule, the newest first; of its first page. Raises AzureError."""
    select = "id,state,creationTime,executionInfo"
    pages: Any = source.pages(Job, source.schedule_jobs(schedule), select=select)
    async with aclosing(pages):
        page = await anext(pages)
    return sorted(page.items, key=lambda job: job.creation_time or _NEVER, reverse=True)


async def runs_before(
    source: Account, job: str, sizes: Mapping[str, str], runs: Sequence[Job] | None = None
) -> Earlier:
    """What failed in the runs before a job; nothing where no schedule made it, or none can be read."""
    if runs is None:
        schedule = schedule_of(job)
        runs = await gaps.maybe("the runs before", runs_of(source, schedule)) if schedule else []
    ids = [run.id for run in runs or ()]
    place = next((place for place, each in enumerate(ids) if same_id(each, job)), None)
    before = ids[place + 1 : place + 1 + RUNS] if place is not None else []
    if not before:
        return Earlier()
    counts = await counts_of(source, before)
    known = [each.failed for each in counts if each]
    words = f"Failed in the {plural(len(before), 'run')} before, newest first: "
    words += ", ".join("?" if each is None else number(each.failed) for each in counts) + "."
    if not counts[0]:
        return Earlier(words)
    if not counts[0].failed:
        return Earlier(words if any(known) else f"None failed in the {plural(len(before), 'run')} before.", {}, _WHEN)
    read = await gaps.maybe(f"failed tasks of job {before[0]}", failed_of(source, before[0], sizes, most=PAGE))
    if read is None or read[1]:
        return Earlier(words)
    return Earlier(words, await asyncio.to_thread(kinds_of, read[0]), _WHEN)


_WHEN = "in the run before"
