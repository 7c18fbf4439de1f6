"""What pools are wider for than they ever need: nodes, and task slots of a node."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from bot.domain.core_use import MOSTLY
from bot.domain.entity import Entity, fold
from bot.domain.money.movers import PoolSpan
from bot.domain.pools import wanted
from bot.domain.recommendations.model import Case, PoolStanding, Recommendation
from bot.domain.states import is_active
from cards.command_line import command
from cards.formatting import number, plural

SPARE = 1.25
"""How many times the most that was ever used is still enough."""
ENOUGH = 0.75
"""What is needed is a smaller share than this of what there is, or it is not worth a word."""
WAITED = 0.02
"""The share of core-hours that idled though tasks waited, from which more was wanted than was busy."""
DAYS = 3
"""Days with work on which slots were looked at, from which on one that was never used says something."""


def too_wide(case: Case) -> Iterator[Recommendation]:
    """Pools of which at no time of the 7 days as many nodes were busy as they want, by far."""
    spent = _by_pool(case)
    for pool in case.pools or ():
        facts, width = pool.facts, pool.width
        if width is None or width.seen < MOSTLY or pool.cores < 1 or not width.used or not is_active(facts.state):
            continue
        enough = max(1, math.ceil(SPARE * width.used / pool.cores))
        nodes = round(width.most / pool.cores) if facts.autoscale else wanted(facts)
        # On average it has to have been wider, too: one that grew today, or a formula's short peak, is not too wide.
        if enough > ENOUGH * nodes or width.mean < enough * pool.cores / ENOUGH:
            continue
        span = spent.get(fold(facts.id))
        if span is None or span.spend.core_hours.waiting > WAITED * span.spend.core_hours.total:
            continue
        yield Recommendation(
            kind="too wide",
            about=Entity("pool", facts.id),
            words=f"pool {facts.id} never had more than {_cores(width.used)} of its {_cores(width.most)} cores busy at "
            f"once in 7 days: {plural(enough, 'node')} instead of {number(nodes)} would have been enough, with a "
            "quarter to spare",
            harm="let its formula go no higher" if facts.autoscale else "",
            button="Autoscale" if facts.autoscale else f"Resize to {enough}",
            command=command("pool autoscale", facts.id) if facts.autoscale else _resize(pool, enough),
            changes=not facts.autoscale,
            form=bool(facts.target_dedicated and facts.target_spot),
            week=span.money * (1 - enough * pool.cores / width.mean) if _is_priced(span) else None,
            currency=span.spend.currency,
            measured=True,
            risk=1,
        )


def _resize(pool: PoolStanding, enough: int) -> str:
    """Of a pool with nodes of both kinds a person says how many of which."""
    facts = pool.facts
    if facts.target_spot and facts.target_dedicated:
        return command("pool resize", facts.id)
    if facts.target_spot:
        return command("pool resize", facts.id, "0", spot=enough)
    return command("pool resize", facts.id, str(enough))


def _cores(cores: float) -> str:
    return number(math.ceil(cores))


def empty_slots(case: Case) -> Iterator[Recommendation]:
    """Pools of whose nodes' task slots some were never used, on :data:`DAYS` days with work or more."""
    spent = _by_pool(case)
    for pool in case.pools or ():
        facts, used = pool.facts, pool.used_slots
        most = max(used.values(), default=0)
        if len(used) < DAYS or not most or most > ENOUGH * pool.slots or not is_active(facts.state):
            continue
        span = spent.get(fold(facts.id))
        waited = span is not None and span.spend.core_hours.waiting > 0
        yield Recommendation(
            kind="empty slots",
            about=Entity("pool", facts.id),
            words=f"no node of pool {facts.id} ever had more than {most} of its {pool.slots} task slots in use, on "
            f"{len(used)} days of the last week" + (", though tasks waited" if waited else ""),
            harm=_of_slots(pool, most, waited=waited),
            button="Rebuild…",
            command=command("pool rebuild", facts.id),
            changes=True,
            form=True,
            week=span.money * (1 - most / pool.slots) if _is_priced(span) else None,
            currency=span.spend.currency if span else "",
            measured=True,
            risk=1,
        )


def _of_slots(pool: PoolStanding, most: int, *, waited: bool) -> str:
    if waited:
        return "they want more slots than are left over, or their job runs no more at a time: make slots fit its tasks"
    smaller = f"a VM size with {max(1, math.ceil(pool.cores * most / pool.slots))} of its {pool.cores} cores"
    packing = "" if pool.packed else "pack tasks on few nodes, or "
    return f"{packing}take {smaller}; if a task uses several cores, give a node {plural(most, 'slot')}"


def _by_pool(case: Case) -> Mapping[str, PoolSpan]:
    return {fold(each.pool): each for each in case.spent.spans} if case.spent else {}


def _is_priced(span: PoolSpan | None) -> TypeGuard[PoolSpan]:
    return span is not None and bool(span.spend.currency) and not span.spend.unpriced
