"""What is worst in an account, of what its lists tell without looking into each thing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from bot.azure.models import Job
from bot.domain.diagnosis.job_case import JobCase
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Clue
from bot.domain.diagnosis.pools import PoolCase, of_pool
from bot.domain.diagnosis.schedules import ScheduleCase, of_schedule
from bot.domain.entity import Entity, fold
from bot.domain.job_health import pool_of
from bot.domain.pool_health import is_down
from bot.domain.pools import size


class AccountCase(Struct, frozen=True, kw_only=True):
    """The lists of an account as they were read at ``at``: pools with their counts, unfinished jobs, schedules."""

    at: datetime
    pools: Sequence[PoolCase] = ()
    jobs: Sequence[Job] = ()
    schedules: Sequence[ScheduleCase] = ()


class Ranked(Struct, frozen=True):
    """A clue, what it is about as it is asked for (a pool for its nodes), and how bad it is: the greater, the worse."""

    about: Entity
    clue: Clue
    weight: float


_DOWN, _CANNOT, _SHORT, _LATE, _NODES = 5.0, 4.0, 3.0, 2.5, 2.0
"""A pool without a node that works; a job that cannot run; a pool that lacks nodes, or whose formula fails; a schedule
that makes no job; nodes that do no work, and up to one more for the share of them."""


def worst(case: AccountCase) -> list[Ranked]:
    """What is wrong in an account, the worst first; a pool comes once, by its first clue."""
    found: list[Ranked] = []
    for pool in case.pools:
        clues = [each for each in of_pool(pool) if each.harm]
        if clues:
            facts = pool.facts
            share = clues[0].nodes / max(1, size(facts))
            weight = _DOWN if is_down(facts) else _NODES + share if clues[0].nodes else _SHORT
            found.append(Ranked(Entity("pool", pool.pool.id), clues[0], weight))
    known = {fold(each.pool.id) for each in case.pools}
    for job in case.jobs:
        gone = bool(pool_of(job)) and fold(pool_of(job)) not in known
        clues = [each for each in of_job(JobCase(job=job, at=case.at, pool_gone=gone)).clues if each.harm]
        if clues and clues[0].id != "job.disabled":  # somebody wants that so
            found.append(Ranked(Entity("job", job.id), clues[0], _CANNOT))
    for schedule in case.schedules:
        clues = [each for each in of_schedule(schedule).clues if each.harm and each.about.kind == "schedule"]
        if clues and clues[0].id not in ("schedule.disabled", "schedule.over"):
            found.append(Ranked(Entity("schedule", schedule.schedule.id), clues[0], _LATE))
    return sorted(found, key=lambda each: (-each.weight, each.about.kind, each.about.id))
