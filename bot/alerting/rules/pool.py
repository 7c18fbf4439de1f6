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
from bot.alerting.rules.node_facts import of_target, shape
from bot.domain.advice import of_resize
from bot.domain.findings import CauseCount, Finding, Severity, SuggestedAction
from bot.domain.knowledge import row
from bot.domain.pool_health import fell_short, resize_overdue
from bot.domain.pools import has, wanted
from bot.monitor.scene import PoolView, Scene
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
            cause=advice.cause if len(causes) == 1 else " · ".join(each.cause for each in causes),
            evidence=said(code, message),
            actions=(
                *_again(pool, code),
                button("Open", "pool show", pool.id),
                button("Quotas", "account show"),
                button("VM sizes with room", "size list", sort="room"),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
            count=abs(wants - nodes),
            causes=causes,
        )


@rule("pool.resize_stuck", severity=Severity.WARNING, reads=("pools",), inhibits=("job.stuck",))
def resize_stuck(scene: Scene) -> Iterator[Finding]:
    """A pool is being resized for longer than it may take.

    How long that is: :func:`bot.domain.pool_health.resize_overdue`.
    """
    for pool in scene.pools.values():
        lasts = elapsed(scene, pool.allocation_since)
        if not resize_overdue(pool, lasts):
            continue
        nodes, wants, jobs = has(pool), wanted(pool), jobs_of(scene, pool)
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} is {pool.allocation.lower()} for {span(lasts)}, "
            f"{number(nodes)} of {number(wants)} nodes",
            since=newest(scene, pool.allocation_since),
            figures=(*shape(pool), *waits(jobs)),
            cause=row("pool.resize.waits_for_tasks" if nodes > wants else "pool.resize.too_long").cause,
            evidence=said(*pool.resize_errors[0]) if pool.resize_errors else "",
            actions=(
                *(() if pool.autoscale else (button("Stop the resize", "pool stop-resize", pool.id),)),
                button("Open", "pool show", pool.id),
                button("Nodes", "node map", pool.id),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
            count=abs(wants - nodes),
        )


def _again(pool: PoolView, code: str) -> tuple[SuggestedAction, ...]:
    """What makes the pool want what it can have: as many nodes as it got where a quota ended it, else once more.

    A pool that scales by a formula asks again by itself.
    """
    if pool.autoscale:
        return ()
    if "quota" in code.lower() and not has(pool):
        return ()  # nothing fits, and once more would end the same way
    if "quota" in code.lower():
        return (_resize(f"Resize to {number(has(pool))} that fit", pool, pool.dedicated, pool.spot),)
    return (_resize("Resize again", pool, pool.target_dedicated, pool.target_spot),)


def _resize(text: str, pool: PoolView, dedicated: int, spot: int) -> SuggestedAction:
    return button(text, "pool resize", pool.id, str(dedicated), spot=spot)
