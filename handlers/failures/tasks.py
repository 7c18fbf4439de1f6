"""Which tasks failed, and which did not: lists that the service filters, as few pages of them as are said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Task
from bot.azure.models.task import FAILED_TASKS, Execution
from bot.azure.models.watched import PoolState
from bot.domain.clusters.model import Failed, Ran
from bot.domain.entity import fold

PAGE = 1000
MOST = 2_000
"""Failed tasks that are read for one answer, and as many that succeeded: two calls for each of one job."""
_SELECT = "id,executionInfo,nodeInfo,applicationPackageReferences,containerSettings"
_SUCCEEDED = "state eq 'completed' and executionInfo/result eq 'success'"
_AT_ONCE = 6


class Tasks(Struct, frozen=True):
    """Tasks of one job that were read; ``more`` where the service has more of them."""

    failed: tuple[Failed, ...] = ()
    succeeded: tuple[Ran, ...] = ()
    more_failed: bool = False
    more_succeeded: bool = False


class Every(Struct):
    """Tasks of several jobs. ``more_failed`` where some of those that failed were not read, and so for the others."""

    failed: list[Failed] = field(default_factory=list)
    succeeded: list[Ran] = field(default_factory=list)
    more_failed: bool = False
    more_succeeded: bool = False


async def sizes_by_pool(source: Account) -> dict[str, str]:
    """The VM size of each pool there is, by its name without case; none where that cannot be read."""
    found = await gaps.maybe("VM sizes of pools", source.every(PoolState, "/pools", select="id,vmSize"))
    return {fold(pool.id): pool.vm_size for pool in found[0]} if found else {}


async def failed_of(
    source: Account, job: str, sizes: Mapping[str, str], since: datetime | None = None, most: int = MOST
) -> tuple[list[Failed], bool]:
    """Failed tasks of a job, those that ended since then; and whether there are more."""
    tasks, more = await _read(source, job, FAILED_TASKS, since, most)
    return [_failed(job, task, sizes) for task in tasks], more


async def succeeded_of(
    source: Account, job: str, sizes: Mapping[str, str], since: datetime | None = None, most: int = MOST
) -> tuple[list[Ran], bool]:
    """Tasks of a job that succeeded; and whether there are more."""
    tasks, more = await _read(source, job, _SUCCEEDED, since, most)
    return [_ran(job, task, sizes) for task in tasks], more


async def of_jobs(
    source: Account, jobs: Sequence[str], sizes: Mapping[str, str], since: datetime | None = None
) -> Every:
    """Tasks of several jobs, a few jobs at once. Of jobs without a failure nothing more is read."""
    gate = asyncio.Semaphore(_AT_ONCE)
    left = MOST
    pages = max(1, min(2, MOST // PAGE if len(jobs) == 1 else 1)) * PAGE

    async def one(job: str) -> Tasks:
        nonlocal left
        async with gate:
            if left <= 0:
                return Tasks(more_failed=True)
            failed, more = await failed_of(source, job, sizes, since, min(pages, left))
            left -= len(failed)
            if not failed:
                return Tasks()
            succeeded, others = await succeeded_of(source, job, sizes, since, pages)
            return Tasks(tuple(failed), tuple(succeeded), more, others)

    every = Every()
    whole = await asyncio.gather(*(gaps.maybe(f"failed tasks of job {job}", one(job)) for job in jobs))
    for each in whole:
        if each is None:
            every.more_failed = every.more_succeeded = True
            continue
        every.failed += each.failed
        every.succeeded += each.succeeded
        every.more_failed |= each.more_failed
        every.more_succeeded |= each.more_succeeded
    return every


def weighed(succeeded: Sequence[Ran], of: int | None) -> list[Ran]:
    """Tasks that were read for as many as there are: each stands for more than itself where there are more."""
    if not succeeded or of is None or of <= len(succeeded):
        return list(succeeded)
    weight = of / len(succeeded)
    return [replace(each, weight=weight) for each in succeeded]


async def _read(source: Account, job: str, wanted: str, since: datetime | None, most: int) -> tuple[list[Task], bool]:
    if since is not None:
        wanted += f" and executionInfo/endTime ge DateTime'{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
    found: list[Task] = []
    pages: Any = source.pages(Task, source.tasks(job), filter=wanted, select=_SELECT, page_size=min(PAGE, most))
    async with aclosing(pages):
        async for page in pages:
            found += page.items
            if page.next is None:
                return found[:most], len(found) > most
            if len(found) >= most:
                return found[:most], True
    return found, False


def _placed(job: str, task: Task, sizes: Mapping[str, str]) -> dict[str, Any]:
    run, node = task.execution_info or Execution(), task.node_info
    pool = node.pool_id if node else ""
    return {
        "job": job,
        "task": task.id,
        "ended": run.end_time,
        "pool": pool,
        "node": node.node_id if node else "",
        "size": sizes.get(fold(pool), "") if pool else "",
        "packages": tuple(
            f"{each.application_id} {each.version}" for each in task.application_package_references if each.version
        ),
        "image": task.container_settings.image_name if task.container_settings else "",
    }


def _ran(job: str, task: Task, sizes: Mapping[str, str]) -> Ran:
    return Ran(**_placed(job, task, sizes))


def _failed(job: str, task: Task, sizes: Mapping[str, str]) -> Failed:
    run = task.execution_info or Execution()
    info = run.failure_info
    return Failed(
        **_placed(job, task, sizes),
        code=info.code if info else "",
        category=info.category if info else "",
        message=info.message if info else "",
        details=tuple((each.name, each.value) for each in info.details) if info else (),
        exit_code=run.exit_code,
    )
