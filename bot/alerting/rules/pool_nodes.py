"""What is reported of a pool because of its nodes: none works, none has work, or none gets through its start task."""

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
    span,
    summed,
    waits,
)
from bot.alerting.rules.money import hourly, so_far
from bot.alerting.rules.node_facts import about_nodes, bad, evidence, lost, shape
from bot.domain.findings import CauseCount, Finding, Severity, SuggestedAction
from bot.domain.knowledge import row
from bot.domain.pool_health import WORKS_FOR, idles, is_down, keeps_nodes
from bot.domain.pools import in_state, size, wanted
from bot.domain.price import of_nodes
from bot.monitor.scene import PoolView, Rest, Scene
from cards.formatting import number, plural

FAILING_NODES, FAILING_SHARE = 3, 0.2
"""Nodes whose start task failed from which on it is the start task and not the node: so many, or this share."""


@rule(
    "pool.start_task_failing",
    severity=Severity.WARNING,
    reads=("pools", "nodes"),
    inhibits=("node.start_task_failed", "pool.down", "job.stuck"),
)
def start_task_failing(scene: Scene) -> Iterator[Finding]:
    """A pool's start task fails on so many nodes that it is the start task and not the node.

    On :data:`FAILING_NODES` nodes or :data:`FAILING_SHARE` of them. Critical where all nodes failed.
    """
    for pool in scene.pools.values():
        failed, nodes = bad(pool, "starttaskfailed"), size(pool)
        if failed.many == 0 or (failed.many < FAILING_NODES and failed.many < FAILING_SHARE * nodes):
            continue
        jobs = jobs_of(scene, pool)
        yield about_nodes(
            scene,
            pool,
            failed,
            f"pool {pool.id}: the start task fails on {number(failed.many)} of {plural(nodes, 'node')}",
            Severity.CRITICAL if failed.many >= nodes else Severity.WARNING,
            first=waits(jobs),
            related=tuple(job_entity(job.id) for job in jobs),
        )


@rule(
    "pool.down",
    severity=Severity.CRITICAL,
    reads=("pools", "nodes", "jobs"),
    inhibits=(
        "job.stuck",
        "node.offline",
        "node.preempted",
        "node.start_task_failed",
        "node.unknown",
        "node.unusable",
        "task.failed",
        "task.retries_exhausted",
        "job.failure_rate",
    ),
)
def down(scene: Scene) -> Iterator[Finding]:
    """A pool has no node that can work, though it wants some and jobs wait for it.

    Nodes on their way (booting, running the start task) are hope, and so is a resize that goes on.
    """
    for pool in scene.pools.values():
        jobs = jobs_of(scene, pool) if is_down(pool) else []
        if not jobs:
            continue
        states = lost(pool)
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} has no working node, {plural(len(jobs), 'job')} "
            f"{'waits' if len(jobs) == 1 else 'wait'}",
            since=newest(scene, pool.allocation_since, *(node.since for node in pool.troubled.values())),
            figures=(*shape(pool), *waits(jobs)),
            cause=_why_down(states),
            evidence=evidence(pool),
            actions=(
                *_replace(pool),
                button("Open", "pool show", pool.id),
                button("Bad nodes", "node list", pool.id, state="bad"),
                button("Map", "node map", pool.id),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
            count=wanted(pool),
            causes=states,
        )


@rule("pool.idle", severity=Severity.WARNING, reads=("pools",))
def idle(scene: Scene) -> Iterator[Finding]:
    """A pool's nodes are idle for half an hour or longer and cost money.

    None of its nodes works, and it wants to have some; what counts as that: :func:`bot.domain.pool_health.idles`. It is
    over once they have worked for :data:`bot.domain.pool_health.WORKS_FOR`. What a formula keeps is intended, so it is
    information only.
    """
    for pool in scene.pools.values():
        rest = _rest(scene, pool)
        if rest is None:
            continue
        lasts = (rest.until - rest.since).total_seconds()
        cost = of_nodes(scene.prices, pool, rest.nodes)
        words = f"pool {pool.id}: {plural(rest.nodes, 'node')} idle for {span(lasts)}"
        jobs = jobs_of(scene, pool)
        works = rest is pool.rested
        yield Finding(
            entity=pool_entity(pool.id),
            headline=", ".join(filter(None, (words, hourly(cost), so_far(cost, lasts)))),
            since=rest.since,
            severity=Severity.INFO if pool.autoscale else Severity.WARNING,
            figures=(*shape(pool), *((("Now", "at work again"),) if works else ())),
            cause=row("pool.idle_by_formula" if pool.autoscale else "pool.idle").cause,
            actions=(
                *(() if pool.autoscale or works else (button("Resize to 0", "pool resize", pool.id, "0", spot=0),)),
                button("Open", "pool show", pool.id),
                button("Usage", "usage 24h", pool=pool.id),
                button("Jobs", "job list", pool=pool.id),
            ),
            related=tuple(job_entity(job.id) for job in jobs),
            count=rest.nodes,
        )


def _rest(scene: Scene, pool: PoolView) -> Rest | None:
    """How a pool idles, or idled until it went to work a moment ago; None where it does not."""
    if pool.idle_since is not None and idles(pool, elapsed(scene, pool.idle_since)):
        now = in_state(pool, "idle")
        return Rest(pool.idle_since, max(scene.at, pool.idle_since), min(now, pool.idle_least) or now)
    last, resized = pool.rested, pool.allocation_since
    if last is None or not keeps_nodes(pool) or (resized and resized > last.until):
        return None
    return last if elapsed(scene, last.until) < WORKS_FOR else None


def _replace(pool: PoolView) -> tuple[SuggestedAction, ...]:
    """The button that replaces broken nodes, where there are any."""
    broken = bad(pool, "unusable").many + bad(pool, "starttaskfailed").many
    return (button("Replace broken nodes", "pool replace-broken", pool.id),) if broken else ()


def _why_down(states: tuple[CauseCount, ...]) -> str:
    if not states:
        return "it has no nodes at all"
    if len(states) == 1:
        return f"all its nodes are in the state {states[0].cause}"
    return summed(states)
