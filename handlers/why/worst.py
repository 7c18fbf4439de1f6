"""The command ``why`` without a kind: what is worst in an account; with a name, why that does not do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from bot.alerting.model import Incident
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, JobSchedule, Pool, PoolNodeCounts
from bot.domain.diagnosis.accounts import AccountCase, Ranked, worst
from bot.domain.diagnosis.model import Clue, Verdict
from bot.domain.diagnosis.pools import PoolCase
from bot.domain.diagnosis.schedules import ScheduleCase
from bot.domain.entity import Entity, by_id, find, fold
from bot.domain.findings import Severity
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import refusal
from cards.card import Button, Card
from cards.formatting import plural
from handlers.schedule.show import recent_job
from handlers.shared import node_counts
from handlers.shared.common import line, nearest
from handlers.why.answers import Answer, about_job, about_pool, about_schedule
from handlers.why.card import answer_card, as_clue
from handlers.why.pools import counts_of
from handlers.why.reads import Reads

_PAGES = 3
"""Pages of node counts that are read, ten pools each."""
_UNFINISHED = "state ne 'completed'"
T = TypeVar("T")


@command("why", effect="read", examples=["why", "why gpu-a"], menu=15)
async def why(ctx: Context, name: str = "", *, also: bool = False, account: str | None = None) -> Card:
    """Say what is worst in an account and why; or why what has a name does not do its work.

    :param name: a pool, a job or a schedule, whichever has that name; nothing for the whole account
    :param also: tell in full what else was seen
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reads = Reads(source)
    if name:
        return await _named(ctx, source, reads, name, also=also)
    return await _worst(ctx, source, reads, also=also)


async def _named(ctx: Context, source: Account, reads: Reads, name: str, *, also: bool) -> Card:
    """Why a pool, a job or a schedule of that name does not do its work."""
    pool, job, schedule = await asyncio.gather(
        _there(reads, Pool, source.pool(name)),
        _there(reads, Job, source.job(name)),
        _there(reads, JobSchedule, source.schedule(name)),
    )
    at = source.now()
    if pool is not None:
        reads.looked.append(f"pool {pool.id}")
        return answer_card(
            ctx, source, await about_pool(ctx, reads, pool, await counts_of(reads, name), at), reads, also=also
        )
    if job is not None:
        reads.looked.append(f"job {job.id}")
        return answer_card(ctx, source, await about_job(ctx, reads, job, at), reads, also=also)
    if schedule is not None:
        reads.looked.append(f"schedule {schedule.id}")
        return answer_card(ctx, source, await about_schedule(ctx, reads, schedule, at), reads, also=also)
    return await _nothing_called(ctx, source, name)


async def _there(reads: Reads, kind: type[T], path: str) -> T | None:
    """One entity; None where there is none of the name."""
    reads.take()
    try:
        return (await reads.source.fetch(kind, path)).value
    except AzureError as error:
        if error.not_found or error.status == 400:
            return None
        raise


async def _nothing_called(ctx: Context, source: Account, name: str) -> Card:
    """There is nothing of that name: the nearest ones."""
    (pools, _), (jobs, _), (schedules, _) = await asyncio.gather(
        source.every(Pool, "/pools", select="id"),
        source.every(Job, "/jobs", select="id,state,priority", filter=_UNFINISHED),
        source.every(JobSchedule, "/jobschedules", select="id,state"),
    )
    known = {
        **{each.id: "schedule" for each in schedules},
        **{each.id: "job" for each in jobs},
        **{each.id: "pool" for each in pools},
    }
    near = [Button(each, line(ctx, source, f"why {known[each]}", each)) for each in nearest(name, known)]
    advice = "Did you mean one of these?" if near else "Nothing there has a name like it."
    whole = Button("The whole account", line(ctx, source, "why"))
    return refusal(f"There is no pool, job or schedule “{name}” in {source.name}.", advice, [*near, whole])


async def _worst(ctx: Context, source: Account, reads: Reads, *, also: bool) -> Card:
    """Why the worst thing of an account does not do its work; what else is wrong is named."""
    pools, counts, jobs, schedules = await asyncio.gather(
        reads.page("pools", Pool, "/pools"),
        _counts(reads),
        reads.page("unfinished jobs", Job, "/jobs", filter=_UNFINISHED),
        reads.page("schedules", JobSchedule, "/jobschedules", filter=_UNFINISHED),
    )
    at = source.now()
    case = account_case(at, pools, counts, jobs, schedules)
    ranked = worst(case)
    incidents = _incidents(ctx, source)
    about = Entity("account", source.name)
    if first := first_of(ranked, incidents):
        answer = await _about(ctx, reads, first, case)
        if answer is not None:
            others = [each.clue for each in ranked if not each.about == first]  # noqa: SIM201 - see Entity
            beside = (*answer.verdict.also, *others, *_as_clues(incidents, answer, ranked))
            whole = replace(answer, verdict=replace(answer.verdict, also=beside))
            return answer_card(ctx, source, whole, reads, of_account=True, also=also)
    seen = f"{plural(len(pools or ()), 'pool')}, {plural(len(jobs or ()), 'unfinished job')}"
    how = f"{seen} and {plural(len(schedules or ()), 'schedule')} looked at"
    verdict = Verdict(None, tuple(_as_clues(incidents, None, ranked)))
    answer = Answer(about=about, verdict=verdict, at=at, well=[how])
    return answer_card(ctx, source, answer, reads, of_account=True, also=also)


def account_case(
    at: datetime,
    pools: Sequence[Pool] | None,
    counts: Sequence[PoolNodeCounts] | None,
    jobs: Sequence[Job] | None,
    schedules: Sequence[JobSchedule] | None,
) -> AccountCase:
    """An account's lists as :func:`bot.domain.diagnosis.accounts.worst` takes them; None is what could not be read."""
    entries, of_id = node_counts.by_pool(counts), by_id(jobs or ())
    return AccountCase(
        at=at,
        pools=[PoolCase(pool=each, at=at, counts=entries.get(fold(each.id))) for each in pools or ()],
        jobs=(jobs or ()) if pools is not None else (),
        schedules=[
            ScheduleCase(schedule=each, at=at, last=of_id.get(fold(recent_job(each)))) for each in schedules or ()
        ],
    )


async def _counts(reads: Reads) -> list[PoolNodeCounts]:
    """Node counts of the first pools; more of them would take the calls that the answer needs."""
    found: list[PoolNodeCounts] = []
    if not reads.take("nodes by state"):
        return found
    pages = reads.source.pages(PoolNodeCounts, "/nodecounts", page_size=10)
    for place in range(_PAGES):
        page = await reads.unless_missed("nodes by state", anext(pages))
        if page is None:
            break
        found += page.items
        if page.next is None:
            break
        if place + 1 == _PAGES or not reads.take("nodes by state"):
            reads.passed.append("nodes by state of some pools")
            break
    return found


def _incidents(ctx: Context, source: Account) -> Sequence[Incident]:
    """The open incidents of the account, the most severe first; none where nothing is watched."""
    return ctx.alerts.incidents.open(source.name) if ctx.alerts else ()


def first_of(ranked: Sequence[Ranked], incidents: Sequence[Incident]) -> Entity | None:
    """What to look into: what a critical incident is about, else the worst of the lists, else any incident."""
    known = ("pool", "job", "schedule")
    told = [each for each in incidents if each.entity.kind in known]
    critical = next((each.entity for each in told if each.severity is Severity.CRITICAL), None)
    listed = ranked[0].about if ranked else None
    return critical or listed or (told[0].entity if told else None)


async def _about(ctx: Context, reads: Reads, about: Entity, case: AccountCase) -> Answer | None:
    """The answer about it, of what was read already; None where it is not there any more."""
    if about.kind == "pool":
        pool = find({each.pool.id: each for each in case.pools}, about.id)
        return await about_pool(ctx, reads, pool.pool, pool.counts, case.at) if pool else None
    if about.kind == "job":
        job = find({each.id: each for each in case.jobs}, about.id)
        return await about_job(ctx, reads, job, case.at) if job else None
    schedule = find({each.schedule.id: each for each in case.schedules}, about.id)
    return await about_schedule(ctx, reads, schedule.schedule, case.at) if schedule else None


def _as_clues(incidents: Sequence[Incident], answer: Answer | None, ranked: Sequence[Ranked]) -> list[Clue]:
    """Open incidents about things that nothing else is said of yet."""
    said = [each.about for each in ranked] + ([answer.about] if answer else [])
    return [as_clue(each) for each in incidents if each.entity not in said]
