"""What is told of a pool: its life, and its resizes that fail."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerting.rules import rule
from bot.alerting.rules.common import (
    button,
    elapsed,
    is_active,
    job_entity,
    jobs_of,
    newest,
    news,
    pool_entity,
    ranked,
    span,
    told,
    waits,
)
from bot.alerting.rules.node_facts import has, of_target, shape, wanted
from bot.domain.advice import of_resize
from bot.domain.findings import CauseCount, Finding, Severity
from bot.monitor.scene import PoolView, Scene
from cards.formatting import number, plural

RESIZE_SLACK = 300.0
"""Seconds after its timeout at which the service has ended a resize, or has forgotten to."""
RESIZE_LONG = 1800.0
"""Seconds that nobody expects a resize to take where no timeout ends it (twice the default timeout)."""
STOPPED = "resizestopped"
"""The code of a resize that somebody stopped: no failure."""


@rule("pool.created", severity=Severity.INFO, reads=("pools",), quiet=True)
def created(scene: Scene) -> Iterator[Finding]:
    """A pool was created."""
    for each in news(scene, "pool", "active"):
        if each.before:
            continue
        pool = scene.pools.get(each.id)
        yield Finding(
            entity=pool_entity(each.id),
            headline=f"pool {each.id} was created",
            since=each.at,
            state="event",
            figures=shape(pool) if pool else (),
            steps=(button("Open", "pool", "show", each.id),),
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
            steps=(button("Pools", "pool", "list"),),
        )


@rule("pool.resized", severity=Severity.INFO, reads=("pools",), quiet=True)
def resized(scene: Scene) -> Iterator[Finding]:
    """A pool has the nodes that it was to have after a resize."""
    for each in news(scene, "allocation", "steady"):
        pool = scene.pools.get(each.id)
        if pool is None or not each.before or _fell_short(pool):
            continue
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} has {plural(has(pool), 'node')} after its resize",
            since=each.at,
            state="event",
            figures=shape(pool),
            steps=(button("Open", "pool", "show", pool.id),),
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

    The service keeps the errors of a resize until the next one, so those of a pool that has what it wants, or that is
    being resized again, are stale; and a resize that somebody stopped has not failed. Critical where it has no node at
    all and jobs wait for it.
    """
    for pool in scene.pools.values():
        if not _fell_short(pool):
            continue
        errors = [error for error in pool.resize_errors if error[0].lower() != STOPPED]
        code, message = errors[0]
        nodes, wants, jobs = has(pool), wanted(pool), jobs_of(scene, pool)
        advice = of_resize(code)
        causes = ranked(CauseCount(of_resize(each).cause, 1, "", each) for each in dict.fromkeys(e[0] for e in errors))
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} has {of_target(nodes, wants)}",
            since=newest(scene, pool.allocation_since),
            severity=Severity.CRITICAL if jobs and nodes == 0 else Severity.WARNING,
            figures=(*shape(pool), *waits(jobs), ("To do", advice.do)),
            cause=advice.cause if len(causes) == 1 else " · ".join(each.cause for each in causes),
            evidence=told(code, message),
            steps=(
                button("Open", "pool", "show", pool.id),
                button("Quotas", "account", "show"),
                button("VM sizes with room", "size", "list", "sort:room"),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
            count=abs(wants - nodes),
            causes=causes,
        )


@rule("pool.resize_stuck", severity=Severity.WARNING, reads=("pools",), inhibits=("job.stuck",))
def resize_stuck(scene: Scene) -> Iterator[Finding]:
    """A pool is being resized for longer than it may take.

    Longer than its resize timeout and :data:`RESIZE_SLACK`, or :data:`RESIZE_LONG` where it has none or is stopping.
    """
    for pool in scene.pools.values():
        allocation, lasts = pool.allocation.lower(), elapsed(scene, pool.allocation_since)
        timed = allocation == "resizing" and pool.resize_timeout > 0
        limit = pool.resize_timeout + RESIZE_SLACK if timed else RESIZE_LONG
        if allocation not in ("resizing", "stopping") or lasts <= limit:
            continue
        nodes, wants, jobs = has(pool), wanted(pool), jobs_of(scene, pool)
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} is {allocation} for {span(lasts)}, {number(nodes)} of {number(wants)} nodes",
            since=newest(scene, pool.allocation_since),
            figures=(*shape(pool), *waits(jobs)),
            cause="nodes go only when their tasks have ended, or cannot be taken away"
            if nodes > wants
            else "the machines do not come and no error is told: capacity, or a network that they cannot get into",
            evidence=told(*pool.resize_errors[0]) if pool.resize_errors else "",
            steps=(button("Open", "pool", "show", pool.id), button("Nodes", "node", "map", pool.id)),
            related=tuple(job_entity(job.id) for job in jobs),
            count=abs(wants - nodes),
        )


def _fell_short(pool: PoolView) -> bool:
    """Whether the errors of the last resize still mean something."""
    reached = pool.dedicated == pool.target_dedicated and pool.spot == pool.target_spot
    errors = any(code.lower() != STOPPED for code, _ in pool.resize_errors)
    return errors and not reached and is_active(pool.state) and pool.allocation.lower() == "steady"
