"""What is told of a pool's autoscale formula."""

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
    pool_entity,
    span,
    told,
    waits,
)
from bot.alerting.rules.node_facts import has, shape
from bot.domain.findings import Finding, Severity
from bot.monitor.scene import Scene
from cards.formatting import plural

EVALUATIONS = 3
"""Evaluations of an autoscale formula that may fail to appear: one can be late, three are not by chance."""
EVALUATION_SLACK = 300.0
"""Seconds on top; the shortest interval is five minutes."""


@rule(
    "pool.autoscale_failed",
    severity=Severity.WARNING,
    reads=("pools",),
    inhibits=("pool.autoscale_stale", "job.stuck"),
)
def autoscale_failed(scene: Scene) -> Iterator[Finding]:
    """A pool's autoscale formula ends with an error, so the pool keeps its size.

    Critical where that is no node at all and jobs wait for it.
    """
    for pool in scene.pools.values():
        if not (pool.autoscale and pool.autoscale_error and is_active(pool.state)):
            continue
        jobs = jobs_of(scene, pool)
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id}: autoscale fails, it stays at {plural(has(pool), 'node')}",
            since=newest(scene, pool.autoscale_at),
            severity=Severity.CRITICAL if jobs and has(pool) == 0 else Severity.WARNING,
            figures=(*shape(pool), *waits(jobs)),
            cause="the formula cannot be evaluated: a mistake in it, or samples that are not there yet",
            evidence=told(*pool.autoscale_error),
            steps=(button("Open", "pool", "show", pool.id),),
            related=tuple(job_entity(job.id) for job in jobs),
        )


@rule("pool.autoscale_stale", severity=Severity.WARNING, reads=("pools",))
def autoscale_stale(scene: Scene) -> Iterator[Finding]:
    """A pool's autoscale formula is no longer evaluated.

    For :data:`EVALUATIONS` intervals and :data:`EVALUATION_SLACK` seconds. One that was never evaluated is new.
    """
    for pool in scene.pools.values():
        late = elapsed(scene, pool.autoscale_at)
        if not (pool.autoscale and is_active(pool.state) and pool.autoscale_at):
            continue
        if late <= EVALUATIONS * max(0.0, pool.autoscale_interval) + EVALUATION_SLACK:
            continue
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id}: autoscale was not evaluated for {span(late)}",
            since=pool.autoscale_at,
            figures=(("Interval", span(pool.autoscale_interval)), *shape(pool)),
            cause="the service does not get to it: most often a resize that does not end, or trouble at Azure",
            steps=(button("Open", "pool", "show", pool.id),),
        )
