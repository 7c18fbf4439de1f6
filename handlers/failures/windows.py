"""Why tasks of a pool, a schedule or an account failed lately."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.azure.account import Account
from bot.azure.models import Counts, Job, JobSchedule, Pool
from bot.domain.job_health import total as all_tasks
from bot.domain.timeline import PRESET_LABELS, PRESET_WORDS
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Action, Button, Card
from cards.formatting import duration
from handlers.failures.answer import JOBS, Earlier, Subject, answer, in_window, window_before
from handlers.failures.known import known_failures, worst_first
from handlers.failures.runs import runs_before, runs_of
from handlers.failures.tasks import Every, of_jobs, sizes_by_pool, weighed
from handlers.job.list import counts_of
from handlers.shared.common import line
from handlers.shared.missing import finding_pool, finding_schedule
from handlers.usage.window import span_of

_USUAL = "24h"
_WINDOWS = ("1h", "24h", "7d", "30d")
_SELECT = "id,state,creationTime,executionInfo"
_LATER = datetime.max.replace(tzinfo=UTC)


@command("failures", effect="read", examples=["failures", "failures 7d"])
async def failures_lately(ctx: Context, window: str = _USUAL, *, account: str | None = None) -> Card:
    """Show why tasks in an account failed lately: the same failures together, and what they have in common.

    Of one of its jobs, pools or schedules: failures job, failures pool, failures schedule.

    :param window: how far back, such as 1h, 24h or 7d
    :param account: the account, by its name in the settings
    """
    return await failures_of_account(ctx, window, account=account)


@command("failures account", effect="read", examples=["failures account", "failures account 7d"])
async def failures_of_account(ctx: Context, window: str = _USUAL, *, account: str | None = None) -> Card:
    """Show why tasks in an account failed lately, the same as “failures” alone.

    :param window: how far back, such as 1h, 24h or 7d
    :param account: the account, by its name in the settings
    """
    source, span = ctx.account(account), span_of(window, "failures")
    sizes = await sizes_by_pool(source)  # first, for only an answer tells the service's time
    read = await _jobs(source, "", source.now() - 2 * span)
    more = Button("Failed jobs", line(ctx, source, "job list", "failed>0"))
    return await _lately(ctx, source, source.name, ("failures account",), read, (window, span), more, sizes)


@command("failures pool", effect="read", examples=["failures pool render-gpu", "failures pool render-gpu 7d"])
async def failures_of_pool(ctx: Context, pool: str, window: str = _USUAL, *, account: str | None = None) -> Card:
    """Show why tasks in a pool failed lately: the same failures together, and what they have in common.

    :param pool: the pool's id
    :param window: how far back, such as 1h, 24h or 7d
    :param account: the account, by its name in the settings
    """
    source, span = ctx.account(account), span_of(window, "failures pool", pool)
    async with finding_pool(ctx, source, pool, "failures pool"):
        pool = (await source.fetch(Pool, source.pool(pool), select="id")).value.id
    quoted = pool.replace("'", "''")
    jobs, at = await _jobs(source, f"executionInfo/poolId eq '{quoted}' and ", source.now() - 2 * span)
    more = Button("Open pool", line(ctx, source, "pool show", pool))
    return await _lately(ctx, source, f"pool {pool}", ("failures pool", pool), (jobs, at), (window, span), more)


@command("failures schedule", effect="read", examples=["failures schedule nightly", "failures schedule nightly 7d"])
async def failures_of_schedule(
    ctx: Context, schedule: str, window: str | None = None, *, account: str | None = None
) -> Card:
    """Show why tasks of a schedule's last job failed, against the jobs before; or of all its jobs lately.

    :param schedule: the job schedule's id
    :param window: how far back, such as 24h or 7d; the last job alone where it is left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    span = span_of(window, "failures schedule", schedule) if window else None
    async with finding_schedule(ctx, source, schedule, "failures schedule"):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule), select="id")
        schedule, runs = fetched.value.id, await runs_of(source, fetched.value.id)
    more = Button("Jobs of schedule", line(ctx, source, "schedule jobs", schedule))
    if window and span:
        since = source.now() - 2 * span
        lately = [job for job in runs if _ended(job) >= since]
        path = ("failures schedule", schedule)
        return await _lately(ctx, source, f"schedule {schedule}", path, (lately, fetched.at), (window, span), more)
    return await _last_run(ctx, source, schedule, runs, fetched.at, more)


async def _last_run(
    ctx: Context, source: Account, schedule: str, runs: Sequence[Job], at: datetime, more: Action
) -> Card:
    """The newest job of a schedule."""
    last = runs[0] if runs else None
    every, earlier, counts = Every(), Earlier(), None
    if last:
        sizes = await sizes_by_pool(source)
        every = await of_jobs(source, [last.id], sizes)
        earlier = await runs_before(source, last.id, sizes, runs)
        counts = (await counts_of(source, [last.id]))[0]
    counted = counts or Counts()
    subject = Subject(
        name=f"job {last.id}" if last else f"schedule {schedule}",
        at=at,
        jobs=[last] if last else [],
        of_jobs=1 if last else 0,
        tasks=max(all_tasks(counted), len(every.failed)) if counts else None,
        counted=max(counted.failed, len(every.failed)) if counts else None,
        more=(
            *(
                Button(PRESET_LABELS[each], line(ctx, source, "failures schedule", schedule, each), how="edit")
                for each in PRESET_LABELS
                if each in _WINDOWS
            ),
            more,
        ),
    )
    return await answer(ctx, source, subject, every, weighed(every.succeeded, counted.succeeded or None), earlier)


async def _lately(
    ctx: Context,
    source: Account,
    name: str,
    path: Sequence[str],
    read: tuple[Sequence[Job], datetime],
    asked: tuple[str, timedelta],
    more: Action,
    sizes: Mapping[str, str] | None = None,
) -> Card:
    """What failed in a window, beside the window before it, in jobs that went on then."""
    (jobs, at), (window, span) = read, asked
    since = at - span
    lately = sorted(jobs, key=lambda job: (_ended(job), job.id), reverse=True)
    known = await known_failures(ctx, source, since - span) if len(lately) > JOBS else {}
    chosen = worst_first(lately, known)[:JOBS]
    if sizes is None:
        sizes = await sizes_by_pool(source)
    every = await of_jobs(source, [job.id for job in chosen], sizes, since - span)
    now, before = in_window(every.failed, since)
    whole = not every.more_failed and len(chosen) == len(jobs)
    earlier = await asyncio.to_thread(window_before, before, len(now), _span_words(window, span), whole=whole)
    every.failed = now
    beside = [task for task in every.succeeded if task.ended is None or task.ended >= since]
    subject = Subject(
        name=name,
        at=at,
        jobs=chosen,
        of_jobs=len(jobs),
        known=any(known.values()),
        since=since,
        words=f"last {_span_words(window, span)}",
        more=(
            *(
                Button(PRESET_LABELS[each], line(ctx, source, *path, each), how="edit", current=each == window)
                for each in PRESET_LABELS
                if each in _WINDOWS
            ),
            more,
        ),
    )
    return await answer(ctx, source, subject, every, beside, earlier)


def _span_words(window: str, span: timedelta) -> str:
    """``24 hours``, ``hour``, ``36 h``."""
    return PRESET_WORDS.get(window, duration(span)).removeprefix("the last ")


async def _jobs(source: Account, wanted: str, since: datetime) -> tuple[list[Job], datetime]:
    """The jobs that went on after a moment."""
    moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    lately = f"(state ne 'completed' or executionInfo/endTime ge DateTime'{moment}')"
    return await source.every(Job, "/jobs", filter=wanted + lately, select=_SELECT)


def _ended(job: Job) -> datetime:
    """When it ended; of one that goes on, later than any other."""
    if job.state.lower() != "completed":
        return _LATER
    run = job.execution_info
    return (run.end_time if run else None) or job.creation_time or datetime.min.replace(tzinfo=UTC)
