"""The list of jobs, and of those that a schedule made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Counts, Job
from bot.domain.advice import of_scheduling
from bot.domain.entity import fold
from bot.domain.job_health import cannot_run, is_in_question, pool_of
from bot.domain.job_health import total as all_tasks
from bot.domain.retries import Retrying
from bot.domain.states import JobState, is_over
from bot.filter import JOB, Bound, Filter
from bot.monitor.scene import JobView
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Text
from cards.formatting import bar, number, percent, plural
from handlers.shared import filtering
from handlers.shared.common import (
    UNKNOWN,
    line,
    template,
    titled,
)
from handlers.shared.known_jobs import again_of, known_jobs, known_trouble
from handlers.shared.states import job_chip
from handlers.shared.verbs import verb
from handlers.shared.why import why_button

_LISTED = "id,state,stateTransitionTime,creationTime,priority,poolInfo,executionInfo"
_COLUMNS = (
    Column("Job", width=4),
    Column("State", width=2),
    Column("Done", "right", rank=1, width=2),
    Column("Progress", rank=2, width=3),
    Column("Trouble", width=3, beneath=True),
    Column("Pool", rank=3, width=2),
)
_ORDER = ("active", "enabling", "disabling", "disabled", "terminating", "deleting", "completed")
_NEWS = timedelta(days=1)
"""How long a job that is over stands among those in trouble."""
JobSort = Literal["state", "name", "age", "created", "priority", "pool"]


@command(
    "job list",
    effect="read",
    examples=["job list", "job list state:active", "job list pool:render-* failed>0", "job list age>2h sort:age"],
    menu=40,
)
async def list_jobs(
    ctx: Context,
    *filter: filtering.Typed,  # noqa: A002 - the name that people see
    state: JobState | None = None,
    sort: JobSort = "state",
    page: int = 1,
    skip: filtering.Unseen = 0,
    met: filtering.Unseen = 0,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """List the jobs of an account with progress: what is in trouble first, then active ones, then the newest.

    Tasks that fail and are run again never count as failed: their retries stand beside.

    :param filter: which ones, such as pool:render-* failed>0 age>2h name~night created:today priority>=100
    :param state: only jobs in this state
    :param sort: in which order
    :param page: which page of 20
    :param skip: how many jobs of the list lie before the page
    :param met: how many of those fit
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = filtering.understood(ctx, source, JOB, filter, "job", "list", state=state)
    start = filtering.PageStart(page, skip, met)
    bound = wanted.at(source.now())
    known = await known_jobs(ctx, source)
    begin: filtering.Found[Counted] = filtering.Found((), 0, 0, 0, bound.at)
    async for step in filtering.paced(ctx, counted_jobs(source, "/jobs", bound, start, sort, known), begin):
        yield _listed(ctx, source, wanted, start, sort, step, known)


Counted = tuple[Job, Counts | None]
Known: TypeAlias = Mapping[str, JobView]
"""What watching knows of jobs, by their folded ids."""
_NOTHING: Known = MappingProxyType({})


async def counted_jobs(
    source: Account, path: str, bound: Bound, start: filtering.PageStart, sort: JobSort, known: Known = _NOTHING
) -> AsyncGenerator[filtering.Found[Counted]]:
    """The jobs of a page, of all of them or of a schedule; by state those first that are ``known`` to be in trouble.

    Counting is costly: only jobs that fit otherwise are counted, until the page is full.
    """
    select = filtering.selected(_LISTED, bound.filter)
    jobs: tuple[Job, ...] = ()
    at = bound.at
    async for found in filtering.gathered(source, Job, path, bound, select=select):
        jobs, at = found.rows, found.at
        yield filtering.Found((), found.fits, found.read, 0, at)

    async def count(some: Sequence[Job]) -> list[Counts | None]:
        return await counts_of(source, [job.id for job in some])

    ordered = in_order(jobs, sort, known, at)
    if bound.filter.counted:
        async for sifted in filtering.sifted(ordered, count, bound, start, at):
            yield sifted
        return
    shown = filtering.paged(ordered, start, at)
    pairs = zip(shown.rows, await count(shown.rows), strict=True)
    yield filtering.Found(tuple(pairs), shown.fits, shown.read, 0, at, done=True, full=shown.full)


def in_order(jobs: Iterable[Job], sort: JobSort, known: Known = _NOTHING, at: datetime | None = None) -> list[Job]:
    """Jobs as a list shows them: newest first among equals; by state those first that are known to be in trouble."""

    def worst(job: Job) -> float:
        return -_weighed(job, known_trouble(known.get(fold(job.id))), at)

    newest = sorted(jobs, key=lambda job: job.creation_time.timestamp() if job.creation_time else 0.0, reverse=True)
    ranks = {state: rank for rank, state in enumerate(_ORDER)}
    keys: dict[str, Callable[[Job], Any]] = {
        "state": lambda job: (worst(job), ranks.get(job.state.lower(), len(ranks))),
        "name": lambda job: job.id.lower(),
        "age": lambda job: job.state_transition_time.timestamp() if job.state_transition_time else 0.0,
        "created": lambda job: 0,
        "priority": lambda job: -job.priority,
        "pool": lambda job: pool_of(job).lower(),
    }
    return sorted(newest, key=keys[sort])


def _listed(
    ctx: Context,
    source: Account,
    wanted: Filter,
    start: filtering.PageStart,
    sort: JobSort,
    step: filtering.Step[Counted],
    known: Known,
) -> Card:
    found = step.found
    again_and_again = {job.id: again_of(known.get(fold(job.id))) for job, _ in found.rows if not is_over(job.state)}
    endless = {job for job, again in again_and_again.items() if again.endless}

    def again(**options: object) -> str:
        ordered = {"sort": sort if sort != "state" else None}
        return line(ctx, source, "job list", *wanted.tokens, **{**ordered, **options})

    status = filtering.ListStatus(ctx, step, start, again)
    back, on = status.turning
    failed = sum(bool(counts and counts.failed) for _, counts in found.rows)
    return Card(
        title=titled(
            f"Jobs in {source.name}",
            wanted.words(found.at),
            status.extent,
            f"{number(failed)} with failures" if failed else None,
            f"{number(len(endless))} failing again and again" if endless else None,
        ),
        mark=Mark.WARNING if failed or endless else Mark.RUNNING,
        as_of=found.at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(job, counts, again_and_again.get(job.id)) for job, counts in found.rows])
            if found.rows
            else status.nothing(wanted, "This account has no jobs."),
            status.progress,
            build.actions(
                status.going_on,
                back,
                on,
                build.open_menu(
                    "Open a job", template(ctx, source, "job show", "{}"), [job.id for job, _ in found.rows]
                ),
                why_button(
                    ctx,
                    source,
                    "job",
                    [job.id for job, counts in found.rows if job.id in endless or is_in_question(job, counts)],
                ),
                Button("Filter…", again(), how="form"),
                verb(ctx, source, "New job…", "job create", how="form"),
                filtering.without(wanted, line(ctx, source, "job list")),
                filtering.sorting(again(sort=None), get_args(JobSort), sort),
                Button("Refresh", again(page=start.page, skip=start.skip or None, met=start.met or None), how="edit"),
                Button("CSV", line(ctx, source, "csv job", *wanted.tokens, sort=sort if sort != "state" else None)),
                shown=5,
            ),
        ),
    )


async def counts_of(source: Account, jobs: list[str]) -> list[Counts | None]:
    """Task counts of several jobs at once; None, and told on the card, for one of which they cannot be had."""
    found = await asyncio.gather(*(gaps.maybe(f"task counts of job {job}", source.task_counts(job)) for job in jobs))
    return [each.value.task_counts if each else None for each in found]


def _weighed(job: Job, found: float, at: datetime | None) -> float:
    """Trouble of a job that goes on is worse than that of one that is over; what was over a day ago is no news."""
    if not is_over(job.state):
        return found
    ended = job.state_transition_time
    return found / 4 if ended and at and at - ended <= _NEWS else 0.0


def in_words(job: Job, counts: Counts | None, again: Retrying | None = None) -> Text:
    """What is wrong with a job, in the few words that lists have room for; empty where nothing is."""
    if failing := cannot_run(job):
        error = job.execution_info.scheduling_error if job.execution_info else None
        known = of_scheduling((failing, error.message if error else ""))
        return text(chip(Mark.FAILED, known.short if known and known.short else failing))
    retries = plural(again.times, "retry", "retries") if again and again.times else ""
    told = text(chip(Mark.WARNING, retries) if again and again.endless else muted(retries)) if retries else ()
    if counts is None or not counts.failed:
        return told
    state = job_chip(job.state, failed=counts.failed, total=all_tasks(counts))
    mark = Mark.FAILED if state.mark is Mark.FAILED else Mark.WARNING
    of_all = f"{number(counts.failed)} of {number(all_tasks(counts))} failed"
    return text(chip(mark, of_all), " · " if told else None, told)


def _row(job: Job, counts: Counts | None, again: Retrying | None) -> list[Text]:
    wrong = in_words(job, counts, again) or text(muted("–"))
    if counts is None:
        return [text(code(job.id)), text(job_chip(job.state)), *[text(UNKNOWN)] * 2, wrong, text(pool_of(job))]
    failed, total, done = counts.failed, all_tasks(counts), counts.completed
    endless = again is not None and again.endless
    return [
        text(code(job.id)),
        text(job_chip(job.state, failed=failed or endless, total=total)),
        text(f"{number(done)} / {number(total)}") if total else text(muted("no tasks")),
        text(f"{bar(done, total)} {percent(done, total)}") if total else text(""),
        wrong,
        text(pool_of(job)),
    ]
