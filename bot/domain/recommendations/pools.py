"""Pools: idle without history, formulas that stopped, old errors, forgotten ones, and what comes to its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.domain.entity import Entity, fold
from bot.domain.money.advice import IDLE_FOR
from bot.domain.pool_health import STOPPED, fell_short, is_steady, reached
from bot.domain.pools import has, wanted
from bot.domain.recommendations.ends import ends, risk_of
from bot.domain.recommendations.groups import KNOWN, listed
from bot.domain.recommendations.model import Case, PoolStanding, Recommendation
from bot.domain.states import is_active
from cards.command_line import command
from cards.formatting import number, plural

DEAD = 5
"""Intervals after which an autoscale formula that was not evaluated is dead: the rule of Microsoft's own ga4gh-tes."""
FORGOTTEN = timedelta(days=30)
"""For which a pool without a node, or a schedule that is off, is left alone."""
WEEK = 168.0


def idle_now(case: Case) -> Iterator[Recommendation]:
    """Pools of a fixed size that idle whole, where no samples say what that cost so far.

    No unfinished job and no active schedule uses them. Where since when is known, it is :data:`IDLE_FOR` at least.
    """
    if case.pools is None or case.jobs is None or case.schedules is None:
        return
    told = {fold(each.pool) for each in case.spent.spans} if case.spent else set()
    used = {fold(each.pool) for each in case.jobs}
    used |= {fold(each.pool) for each in case.schedules if is_active(each.state)}
    for pool in case.pools:
        facts = pool.facts
        name = facts.id
        if not pool.idle or facts.autoscale or fold(name) in told | used or not is_active(facts.state):
            continue
        if pool.idle < has(facts) or (pool.idle_since and case.at - pool.idle_since < IDLE_FOR):
            continue
        yield Recommendation(
            kind="idle now",
            about=Entity("pool", name),
            words=f"{_whole(pool.idle)} of pool {name} "
            f"{'is' if pool.idle == 1 else 'are'} idle, and no unfinished job uses it",
            button="Resize to 0",
            command=command("pool resize", name, "0", spot=0 if facts.spot else None),
            changes=True,
            since=pool.idle_since,
            week=pool.hourly.amount * WEEK if pool.hourly else None,
            currency=pool.hourly.currency if pool.hourly else "",
        )


def dead_formula(case: Case) -> Iterator[Recommendation]:
    """Autoscale formulas that were not evaluated for :data:`DEAD` intervals."""
    for pool in case.pools or ():
        facts, last = pool.facts, pool.facts.autoscale_at
        if not facts.autoscale or not is_active(facts.state) or last is None:
            continue
        interval = timedelta(seconds=max(0.0, facts.autoscale_interval))
        if case.at - last <= DEAD * interval:
            continue
        yield Recommendation(
            kind="dead formula",
            about=Entity("pool", facts.id),
            words=f"the autoscale formula of pool {facts.id} has not been evaluated for {DEAD} of its intervals or "
            "more",
            harm=f"it stays at {plural(has(facts), 'node')} whatever its load: disable the formula and enable it again",
            button="Autoscale",
            command=command("pool autoscale", facts.id),
            since=last,
            risk=4,
        )


def stale_error(case: Case) -> Iterator[Recommendation]:
    """Pools that have what they want and still carry the error of a resize that is long past."""
    for pool in case.pools or ():
        facts = pool.facts
        errors = [each for each in facts.resize_errors if each[0].lower() != STOPPED]
        if not errors or not is_active(facts.state) or not is_steady(facts) or not reached(facts) or fell_short(facts):
            continue
        yield Recommendation(
            kind="stale error",
            about=Entity("pool", facts.id),
            words=f"pool {facts.id} has the nodes it wants and still shows the error {errors[0][0]} of an earlier "
            "resize",
            harm="it misleads whoever looks: the next resize clears it",
            button="Open",
            command=command("pool show", facts.id),
            since=facts.allocation_since,
            risk=1,
        )


def forgotten(case: Case) -> Iterator[Recommendation]:
    """Pools without a node for :data:`FORGOTTEN` that no unfinished job and no schedule names: all of them at once."""
    if case.pools is None or case.jobs is None or case.schedules is None:
        return
    used = {fold(each.pool) for each in case.jobs} | {fold(each.pool) for each in case.schedules}
    found: list[tuple[str, datetime]] = []
    for pool in case.pools:
        facts, since = pool.facts, pool.facts.allocation_since
        if facts.autoscale or has(facts) or wanted(facts) or not is_active(facts.state) or not is_steady(facts):
            continue
        if since is not None and case.at - since >= FORGOTTEN and fold(facts.id) not in used:
            found.append((facts.id, since))
    if not found:
        return
    names = [name for name, _ in found]
    one = len(names) == 1
    yield Recommendation(
        kind="forgotten pools",
        about=Entity("account", case.account),
        words=f"{plural(len(names), 'pool')} {'has' if one else 'have'} had no node for "
        f"{FORGOTTEN.days} days or more, and no unfinished job or schedule names {'it' if one else 'them'}: "
        f"{listed(names)}",
        harm=f"{'it counts' if one else 'they count'} against the quota of pools",
        button="Delete" if one else "Pools",
        command=command("pool delete", names[0]) if one else command("pool list", nodes=0),
        changes=one,
        since=max(since for _, since in found) if one else None,
        risk=2,
        of=tuple(Entity("pool", name) for name in names[:KNOWN]),
    )


def image_ends(case: Case) -> Iterator[Recommendation]:
    """Pools whose image, with its node agent, Batch supports for 90 days or less."""
    for pool in case.pools or ():
        yield from _ends(case, pool, "image ends", pool.image_ends, f"image {pool.image}")


def size_ends(case: Case) -> Iterator[Recommendation]:
    """Pools whose VM size Batch supports for 90 days or less."""
    for pool in case.pools or ():
        yield from _ends(case, pool, "size ends", pool.size_ends, f"VM size {pool.facts.vm_size}")


def _whole(nodes: int) -> str:
    """All the nodes of a pool, in words."""
    return {1: "the only node", 2: "both nodes"}.get(nodes) or f"all {number(nodes)} nodes"


def _ends(case: Case, pool: PoolStanding, kind: str, end: datetime | None, what: str) -> Iterator[Recommendation]:
    risk = risk_of(end, case.at) if end else None
    if end is None or risk is None or not is_active(pool.facts.state):
        return
    yield Recommendation(
        kind="image ends" if kind == "image ends" else "size ends",
        about=Entity("pool", pool.facts.id),
        words=f"support of {what}, which pool {pool.facts.id} uses, {ends(end, case.at)}",
        harm="after that new nodes may fail, and Azure may take the pool down: make a pool with another and move its "
        "jobs",
        button="Clone…",
        command=command("pool clone", pool.facts.id),
        changes=True,
        form=True,
        risk=risk,
    )
