"""What is reported of a pool: its life, and its resizes that fail."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerting.rules import rule
from bot.alerting.rules.common import (
    button,
    elapsed,
    job_entity,
    jobs_of,
    newest,
    news,
    pool_entity,
    ranked,
    said,
    span,
    waits,
)
from bot.alerting.rules.mending import of_pool
from bot.alerting.rules.node_facts import of_target, shape
from bot.domain.advice import of_resize
from bot.domain.diagnosis.pools import overdue_row
from bot.domain.findings import CauseCount, Finding, Severity
from bot.domain.knowledge import row
from bot.domain.pool_health import deletion_overdue, fell_short, resize_overdue
from bot.domain.pools import has, wanted
from bot.domain.states import is_active
from bot.monitor.scene import Scene
from cards.formatting import number, plural


@rule("pool.created", severity=Severity.INFO, reads=("pools",), quiet=True)
def created(scene: Scene) -> Iterator[Finding]:
    """A pool was created."""
    for each in news(scene, "pool", "active"):
        if each.before:
            continue
        pool = scene.pool(each.id)
        yield Finding(
            entity=pool_entity(each.id),
            headline=f"pool {each.id} was created",
            since=each.at,
            state="event",
            figures=shape(pool) if pool else (),
            actions=(button("Open", "pool show", each.id),),
        )


@rule("pool.deleted", severity=Severity.INFO, reads=("pools",), quiet=True)
def deleted(scene: Scene) -> Iterator[Finding]:
    """A pool was deleted."""
    for each in news(scene, "pool", "deleted"):
        yield Finding(
            entity=pool_entity(each.id),
            headline=f"pool {each.id} was deleted",
            since=each.at,
            state="event",
            actions=(button("Pools", "pool list"),),
        )


@rule("pool.resized", severity=Severity.INFO, reads=("pools",), quiet=True)
def resized(scene: Scene) -> Iterator[Finding]:
    """A pool has reached its target number of nodes after a resize."""
    for each in news(scene, "allocation", "steady"):
        pool = scene.pool(each.id)
        if pool is None or not each.before or fell_short(pool):
            continue
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} has {plural(has(pool), 'node')} after its resize",
            since=each.at,
            state="event",
            figures=shape(pool),
            actions=(button("Open", "pool show", pool.id),),
            count=has(pool),
        )


@rule(
    "pool.resize_failed",
    severity=Severity.WARNING,
    reads=("pools",),
    inhibits=("pool.down", "job.stuck"),
)
def resize_failed(scene: Scene) -> Iterator[Finding]:
    """A pool did not get the nodes it wants, or could not let them go.

    What counts as that: :func:`bot.domain.pool_health.fell_short`. Critical where it has no node at all and jobs wait.
    """
    for pool in scene.pools.values():
        errors = fell_short(pool)
        if not errors:
            continue
        code, message = errors[0]
        nodes, wants, jobs = has(pool), wanted(pool), jobs_of(scene, pool)
        advice = of_resize(code, message)
        causes = ranked(
            CauseCount(cause, 1, "", said)
            for cause, said in {of_resize(*each).cause: each[0] for each in reversed(errors)}.items()
        )
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} has {of_target(nodes, wants)}",
            since=newest(scene, pool.allocation_since),
            severity=Severity.CRITICAL if jobs and nodes == 0 else Severity.WARNING,
            figures=(*shape(pool), *waits(jobs), ("To do", advice.do)),
            cause=" · ".join(dict.fromkeys(of_resize(*each).cause for each in errors)),
            evidence=said(code, message),
            actions=(*of_pool(advice, pool), button("Open", "pool show", pool.id)),
            related=tuple(job_entity(job.id) for job in jobs),
            count=abs(wants - nodes),
            causes=causes,
        )


@rule("pool.resize_stuck", severity=Severity.WARNING, reads=("pools",), inhibits=("job.stuck",))
def resize_stuck(scene: Scene) -> Iterator[Finding]:
    """A pool is being resized for longer than it may take.

    How long that is: :func:`bot.domain.pool_health.resize_overdue`; of one that is being deleted
    :func:`bot.domain.pool_health.deletion_overdue`.
    """
    for pool in scene.pools.values():
        deleting = not is_active(pool.state)
        began = pool.since if deleting else pool.allocation_since
        lasts = elapsed(scene, began)
        if not (deletion_overdue(pool, lasts) if deleting else resize_overdue(pool, lasts)):
            continue
        nodes, wants, jobs = has(pool), wanted(pool), jobs_of(scene, pool)
        known = row("pool.deleting_too_long") if deleting else overdue_row(pool)
        doing, left = f"has been {pool.allocation.lower()} for", f"{number(nodes)} of {number(wants)} nodes"
        if deleting:
            doing, left = "is still being deleted after", f"{plural(nodes, 'node')} left"
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} {doing} {span(lasts)}, {left}",
            since=newest(scene, began),
            figures=(*shape(pool), *waits(jobs), ("To do", known.do)),
            cause=known.cause,
            evidence=said(*pool.resize_errors[0]) if pool.resize_errors else "",
            actions=(
                *(() if deleting else of_pool(known, pool)),
                button("Open", "pool show", pool.id),
                button("Map", "node map", pool.id),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
            count=nodes if deleting else abs(wants - nodes),
        )
