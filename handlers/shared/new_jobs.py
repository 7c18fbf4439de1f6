"""What making a job and making a schedule share: whether the id is free, the quota has room, and the pool is there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule, Pool
from bot.domain.bodies.clone import Clone
from bot.domain.bodies.fields import Body, Noun
from bot.domain.bodies.limits import problems
from bot.domain.bodies.pasted import NotABody, pasted
from bot.domain.bodies.path import parsed, value_at, with_value
from bot.operations.preflight import Fix, Preflight
from bot.policy.question import Target
from bot.requests.command import CommandError
from bot.requests.context import Context
from cards.formatting import number
from handlers.shared.capacity import active_jobs, properties
from handlers.shared.common import line
from handlers.shared.missing import finding_pool
from handlers.shared.verbs import unless_gone

POOL = "id,state,currentDedicatedNodes,currentLowPriorityNodes,enableAutoScale,allocationState"
"""What is needed of a pool that a job is to run on."""
_SHOWN = 3
_COUNTED = re.compile(r"(?P<base>.+?)-(?P<number>\d{1,4})", re.ASCII)
_NO_LETTER = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_ID = 64


async def id_taken(ctx: Context, source: Account, new_id: str) -> Preflight | None:
    """The refusal where a job or a schedule has the id already: they cannot share one, whatever its case."""
    job, schedule = await asyncio.gather(
        unless_gone(lambda: source.fetch(Job, source.job(new_id), select="id")),
        unless_gone(lambda: source.fetch(JobSchedule, source.schedule(new_id), select="id")),
    )
    if job:
        show = Fix("Open it", line(ctx, source, "job show", job.value.id))
        return Preflight(f"There is a job {job.value.id} already: choose another id.", fixes=(show,))
    if schedule:
        show = Fix("Open it", line(ctx, source, "schedule show", schedule.value.id))
        return Preflight(
            f"There is a schedule {schedule.value.id}, and a job and a schedule cannot share an id: choose another.",
            fixes=(show,),
        )
    return None


async def no_room(ctx: Context, source: Account, what: str) -> Preflight | None:
    """The refusal where the quota of active jobs and schedules is used up; ``what`` is to be made."""
    known, active = await asyncio.gather(properties(source), active_jobs(source))
    limit = known.active_job_and_job_schedule_quota if known else None
    if limit is None or active < limit:
        return None
    fixes = (
        Fix("Oldest active jobs", line(ctx, source, "job list", state="active", sort="age")),
        Fix("Disabled jobs", line(ctx, source, "job list", state="disabled")),
        Fix("Quotas", line(ctx, source, "account show")),
    )
    return Preflight(
        f"No {what} can be made: {number(active)} of {number(limit)} active jobs and schedules are in use. Disabled "
        "ones count, completed ones do not: end or delete one, or ask Azure for more.",
        fixes=fixes,
    )


async def pool_named(ctx: Context, source: Account, body: Mapping[str, Any]) -> Pool | None:
    """The pool that a job's body (or a job specification) names; None where one is made for it.

    Raises Instead where it does not exist.
    """
    pool = value_at(body, ("poolInfo", "poolId"))
    if not isinstance(pool, str) or not pool:
        return None
    async with finding_pool(ctx, source, pool, "pool show"):
        return (await source.fetch(Pool, source.pool(pool), select=POOL)).value
    raise AssertionError("it is found, or the answer says that it is not")


def used(pool: Pool | None) -> tuple[Target, ...]:
    """The pool that a body names, for the policy."""
    return (Target("pool", pool.id),) if pool else ()


def unfit(ctx: Context, source: Account, pool: Pool | None) -> Preflight | None:
    """The refusal where no job can run on a pool."""
    if pool is None or pool.state.lower() == "active":
        return None
    pools = Fix("All pools", line(ctx, source, "pool list"))
    return Preflight(f"Pool {pool.id} is {pool.state.lower()}, so no job can run there.", fixes=(pools,))


def without_nodes(pool: Pool | None) -> str:
    """What is said of a pool that has no nodes now; empty where it has some."""
    if pool is None or pool.current_dedicated_nodes + pool.current_low_priority_nodes:
        return ""
    how = "its formula gives it some" if pool.enable_auto_scale else "it is resized"
    return f"Pool {pool.id} has no nodes now: tasks wait until {how}."


def wrong(noun: Noun, body: Mapping[str, Any]) -> str:
    """What the service would refuse in a create body, in a sentence; empty for a good one."""
    found = [str(each) for each in problems(noun, body)]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"It cannot be created as it is: {'; '.join(found[:_SHOWN])}{more}." if found else ""


def read_json(noun: Noun, content: bytes | str) -> Clone:
    """The create body that somebody pasted or attached. Raises CommandError."""
    try:
        words = content if isinstance(content, str) else content.decode("utf-8-sig")
        found = pasted(words, noun)
    except (NotABody, UnicodeDecodeError) as error:
        raise CommandError(f"That is no {noun}: {error}", [f"help {noun} create"]) from None
    if found.hidden:
        raise CommandError(f"The values at {', '.join(found.hidden[:_SHOWN])} are hidden (…): write them out.")
    return found.clone


def left_out(made: Clone) -> str:
    """What a create body could not take over, in a sentence; empty for nothing."""
    if not made.left_out:
        return ""
    parts = [f"{each.place} ({each.why})" for each in made.left_out]
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return f"Left out: {', '.join(parts[:_SHOWN])}{more}."


def required(made: Clone) -> list[str]:
    """The places of values without which the service refuses the body."""
    return [each.place for each in made.needs if each.required]


def with_changes(body: Mapping[str, Any], changes: Mapping[str, Any]) -> Body:
    """A copy of a body with values at their places."""
    made = dict(body)
    for place, value in changes.items():
        made = with_value(made, parsed(place), value)
    return made


def on_pool(body: Mapping[str, Any], pool: str | None) -> Body:
    """A copy of a job's body that runs on a pool, and on none that is made for it; as it is for None."""
    return {**body, "poolInfo": {"poolId": pool}} if pool else dict(body)


async def free_id(source: Account, like: str, infix: str = "") -> str:
    """The first id that no job and no schedule has, made of another one: ``nightly`` → ``nightly-2``.

    With an ``infix``: ``nightly`` → ``nightly-now-1``.
    """
    base = _NO_LETTER.sub("-", like)
    if not infix and (found := _COUNTED.fullmatch(base)):
        base = found["base"]
    base = f"{base[: _LONGEST_ID - len(infix) - 6]}{f'-{infix}' if infix else ''}"
    start = f"startswith(id,'{base}-')"
    (jobs, _), (schedules, _) = await asyncio.gather(
        source.every(Job, "/jobs", select="id", filter=start),
        source.every(JobSchedule, "/jobschedules", select="id", filter=start),
    )
    taken = {job.id.lower() for job in jobs} | {schedule.id.lower() for schedule in schedules}
    counter = 1 if infix else 2
    while f"{base}-{counter}".lower() in taken:
        counter += 1
    return f"{base}-{counter}"


def decoded(raw: bytes) -> Body:
    """What the service answered, as a body."""
    body: Body = msgspec.json.decode(raw)
    return body


def lacking(places: Sequence[str]) -> Preflight:
    """The refusal where a body needs values that the service never answers."""
    return Preflight(
        f"It needs values that Azure never tells: {', '.join(places[:_SHOWN])}. Write them into its JSON and make it "
        "from that."
    )
