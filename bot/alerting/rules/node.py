"""What is reported of nodes: together for each pool, because that is how they fail."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerting.rules import rule
from bot.alerting.rules.common import button, elapsed, pool_entity
from bot.alerting.rules.money import hourly
from bot.alerting.rules.node_facts import Bad, about_nodes, bad
from bot.domain.findings import Entity, Finding, Severity
from bot.domain.knowledge import row
from bot.domain.pools import size
from bot.domain.price import of_nodes
from bot.domain.states import counted, total, word
from bot.monitor.scene import PoolView, Scene
from cards.formatting import number, plural

UNKNOWN_FOR = 300.0
"""Seconds: the service loses contact with a node for a few minutes now and then, and finds it again."""
TAKEN_WITHIN = 600.0
"""Seconds over which nodes that Azure takes back are counted together."""
WAVE, WAVE_SHARE, WAVE_LEAST = 5, 0.2, 2
"""So many taken nodes are a wave, or this share of the spot nodes; a single one never is."""


@rule("node.unusable", severity=Severity.WARNING, reads=("pools", "nodes"))
def unusable(scene: Scene) -> Iterator[Finding]:
    """Nodes of a pool are unusable: they do no work and are billed.

    Critical where all nodes are.
    """
    for pool in scene.pools.values():
        some = bad(pool, "unusable")
        if some.many:
            all_of_it = some.many >= size(pool)
            yield about_nodes(
                scene,
                pool,
                some,
                f"pool {pool.id} has {plural(some.many, 'unusable node')}{_of_all(pool, some)}",
                Severity.CRITICAL if all_of_it else Severity.WARNING,
                first=_cost(scene, pool, some),
            )


@rule("node.start_task_failed", severity=Severity.WARNING, reads=("pools", "nodes"))
def start_task_failed(scene: Scene) -> Iterator[Finding]:
    """The start task failed on nodes of a pool: they take no tasks and are billed."""
    for pool in scene.pools.values():
        some = bad(pool, "starttaskfailed")
        if some.many:
            headline = f"pool {pool.id}: the start task failed on {plural(some.many, 'node')}{_of_all(pool, some)}"
            yield about_nodes(scene, pool, some, headline, first=_cost(scene, pool, some))


@rule("node.unknown", severity=Severity.WARNING, reads=("pools", "nodes"))
def unknown(scene: Scene) -> Iterator[Finding]:
    """The service has lost contact with nodes of a pool, for five minutes or longer."""
    for pool in scene.pools.values():
        some = tuple(node for node in bad(pool, "unknown").nodes if elapsed(scene, node.since) >= UNKNOWN_FOR)
        if some:
            found = Bad(some, len(some))
            headline = f"pool {pool.id} has lost contact with {plural(found.many, 'node')}{_of_all(pool, found)}"
            yield about_nodes(scene, pool, found, headline)


@rule("node.offline", severity=Severity.INFO, reads=("pools", "nodes"))
def offline(scene: Scene) -> Iterator[Finding]:
    """Nodes of a pool are offline: somebody disabled scheduling on them, they take no tasks and are billed."""
    for pool in scene.pools.values():
        some = bad(pool, "offline")
        if some.many:
            headline = f"pool {pool.id} has {plural(some.many, 'offline node')}{_of_all(pool, some)}"
            yield about_nodes(scene, pool, some, headline, first=_cost(scene, pool, some))


@rule("node.preempted", severity=Severity.INFO, reads=("pools", "nodes"))
def preempted(scene: Scene) -> Iterator[Finding]:
    """Azure took spot nodes of a pool back within the last ten minutes.

    Their tasks are queued anew by the service, and it tries to replace them. A warning where it is a wave of
    :data:`WAVE` nodes, or of :data:`WAVE_SHARE` of them.
    """
    for pool in scene.pools.values():
        taken = [moment for moment in pool.preempted_at if elapsed(scene, moment) <= TAKEN_WITHIN]
        if not taken:
            continue
        left = _spot_left(pool)
        many = len(taken)
        wave = many >= WAVE or (many >= WAVE_LEAST and many >= WAVE_SHARE * (many + left))
        yield Finding(
            entity=pool_entity(pool.id),
            headline=f"pool {pool.id} lost {plural(many, 'spot node')} in 10 min, {number(left)} left",
            since=min(taken),
            severity=Severity.WARNING if wave else Severity.INFO,
            figures=(("Spot nodes left", f"{number(left)} of {number(pool.target_spot)}"),),
            cause=f"{'a wave: ' if wave else ''}{row('node.preempted').cause}",
            actions=(
                button("Open", "pool show", pool.id),
                button("Preempted nodes", "node list", pool.id, state="preempted"),
                button("Map", "node map", pool.id),
            ),
            count=many,
        )


def _spot_left(pool: PoolView) -> int:
    """Spot nodes that Azure has not taken: by the counts, or by the pool itself, which counts preempted ones too."""
    spot = pool.counts[1]
    nodes = total(spot)
    return max(0, nodes - counted(spot, "preempted") if nodes else pool.spot - bad(pool, "preempted").many)


def _of_all(pool: PoolView, some: Bad) -> str:
    """`` of 20``; ``, all it has``."""
    nodes = size(pool)
    if some.many >= nodes:
        return ", all it has"
    return f" of {number(nodes)}"


def _cost(scene: Scene, pool: PoolView, some: Bad) -> tuple[tuple[str, str], ...]:
    """What they cost an hour, where the price is known."""
    price = hourly(of_nodes(scene.prices, pool, some.many))
    return (("Billed", price),) if price else ()


@rule("node.changed", severity=Severity.INFO, reads=("pools", "nodes"), quiet=True)
def changed(scene: Scene) -> Iterator[Finding]:
    """A node has changed its state: into trouble or out of it, or in any way where all nodes are watched."""
    for each in sorted(scene.news, key=lambda change: (change.at, change.parent, change.id)):
        if each.entity != "node":
            continue
        was = f", it was {word(each.before)}" if each.before else ""
        yield Finding(
            entity=Entity("node", each.id, each.parent),
            headline=f"node {each.id} of pool {each.parent} is {word(each.after)}{was}",
            since=each.at,
            state="event",
            actions=(
                button("Open", "node show", each.parent, each.id),
                button("Nodes", "node map", each.parent),
                button("Pool", "pool show", each.parent),
            ),
            related=(pool_entity(each.parent),),
        )
