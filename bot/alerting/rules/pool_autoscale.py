"""What is reported of a pool's autoscale formula."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bot.alerting.rules import rule
from bot.alerting.rules.common import (
    button,
    elapsed,
    job_entity,
    jobs_of,
    newest,
    news,
    pool_entity,
    said,
    span,
    waits,
)
from bot.alerting.rules.node_facts import shape
from bot.domain.advice import of_autoscale
from bot.domain.findings import Finding, Severity
from bot.domain.knowledge import row
from bot.domain.pool_health import autoscale_failure, autoscale_overdue
from bot.domain.pools import has
from bot.monitor.scene import Scene
from cards.formatting import number, plural


@rule(
    "pool.autoscale_failed",
    severity=Severity.WARNING,
    reads=("pools",),
    inhibits=("pool.autoscale_stale", "job.stuck"),
)
def autoscale_failed(scene: Scene) -> Iterator[Finding]:
    """A pool's autoscale formula ends with an error, so the pool keeps its size.

    Critical where that is no node at all and jobs wait for it. A formula that is new and only has no samples yet
    is given time: :func:`bot.domain.pool_health.warms_up`.
    """
    for pool in scene.pools.values():
        error = autoscale_failure(pool)
        if error is None:
            continue
        jobs, known = jobs_of(scene, pool), of_autoscale(*error)
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id}: autoscale fails, it stays at {plural(has(pool), 'node')}",
            since=newest(scene, pool.autoscale_at),
            severity=Severity.CRITICAL if jobs and has(pool) == 0 else Severity.WARNING,
            figures=(*shape(pool), *waits(jobs), ("To do", known.do)),
            cause=known.cause,
            evidence=said(*error),
            actions=(
                button("Edit the formula", "pool autoscale edit", pool.id),
                button("Check the formula", "pool autoscale lint", pool.id),
                button("Autoscale", "pool autoscale", pool.id),
                button("Open", "pool show", pool.id),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
        )


@rule("pool.autoscale_resized", severity=Severity.INFO, reads=("pools",), quiet=True)
def autoscale_resized(scene: Scene) -> Iterator[Finding]:
    """A pool's autoscale formula has changed how many nodes the pool wants."""
    for each in news(scene, "autoscale", "ok"):
        run = msgspec.json.decode(each.details or "{}", type=_Run)
        if not run.resized:
            continue
        pool, wants, wanted = scene.pool(each.id), *_targets(run)
        yield Finding(
            entity=pool_entity(each.id),
            headline=f"pool {each.id}: autoscale wants {plural(wants, 'node')}, it wanted {number(wanted)}",
            since=each.at,
            state="event",
            figures=shape(pool) if pool else (),
            evidence=said("", run.results),
            actions=(button("Autoscale", "pool autoscale", each.id), button("Open", "pool show", each.id)),
            count=wants,
        )


class _Run(msgspec.Struct, rename="camel"):
    """What was noted with a run of a formula: the pool's targets, and those before."""

    resized: bool = False
    results: str = ""
    target_dedicated: int = 0
    target_spot: int = 0
    was_dedicated: int = 0
    was_spot: int = 0


def _targets(run: _Run) -> tuple[int, int]:
    """Nodes of both kinds that are wanted, and that were."""
    return run.target_dedicated + run.target_spot, run.was_dedicated + run.was_spot


@rule("pool.autoscale_stale", severity=Severity.WARNING, reads=("pools",))
def autoscale_stale(scene: Scene) -> Iterator[Finding]:
    """A pool's autoscale formula is no longer evaluated.

    How long it may take: :func:`bot.domain.pool_health.autoscale_overdue`.
    """
    for pool in scene.pools.values():
        late = elapsed(scene, pool.autoscale_at)
        if pool.autoscale_at is None or not autoscale_overdue(pool, late):
            continue
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id}: autoscale has not been evaluated for {span(late)}",
            since=pool.autoscale_at,
            figures=(
                ("Interval", span(pool.autoscale_interval)),
                *shape(pool),
                ("To do", row("autoscale.dead").do),
            ),
            cause=row("autoscale.dead").cause,
            actions=(
                button("Disable autoscale", "pool autoscale disable", pool.id),
                button("Autoscale", "pool autoscale", pool.id),
                button("Open", "pool show", pool.id),
            ),
        )
