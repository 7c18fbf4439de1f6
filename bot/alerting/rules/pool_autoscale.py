"""What is reported of a pool's autoscale formula."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerting.rules import rule
from bot.alerting.rules.common import (
    button,
    elapsed,
    job_entity,
    jobs_of,
    newest,
    pool_entity,
    said,
    span,
    waits,
)
from bot.alerting.rules.node_facts import shape
from bot.domain.findings import Finding, Severity
from bot.domain.pool_health import autoscale_failure, autoscale_overdue, lacks_samples
from bot.domain.pools import has
from bot.monitor.scene import Scene
from cards.formatting import plural


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
        jobs = jobs_of(scene, pool)
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id}: autoscale fails, it stays at {plural(has(pool), 'node')}",
            since=newest(scene, pool.autoscale_at),
            severity=Severity.CRITICAL if jobs and has(pool) == 0 else Severity.WARNING,
            figures=(*shape(pool), *waits(jobs)),
            cause="there are too few samples of what the formula asks for: let it ask for a smaller share of them"
            if lacks_samples(error)
            else "the formula cannot be evaluated: there is a mistake in it",
            evidence=said(*error),
            actions=(
                button("Autoscale", "pool autoscale", pool.id),
                button("Open", "pool show", pool.id),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
        )


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
            headline=f"pool {pool.id}: autoscale was not evaluated for {span(late)}",
            since=pool.autoscale_at,
            figures=(("Interval", span(pool.autoscale_interval)), *shape(pool)),
            cause="the service does not get to it: most often a resize that does not end, or trouble at Azure",
            actions=(
                button("Autoscale", "pool autoscale", pool.id),
                button("Open", "pool show", pool.id),
            ),
        )
