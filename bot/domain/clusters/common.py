"""What the tasks of a cluster have in common that the tasks beside them have not.

All failures of a job in one pool are in that pool: that says nothing. So a node, pool, VM size, package or time is
named only where the cluster's share of it is :data:`TIMES` that of all tasks there, and where at least :data:`LEAST`
tasks of the cluster are behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.clusters.model import Cluster, Ran
from bot.domain.entity import fold
from bot.domain.money.job_tasks import is_spot

TIMES = 3.0
"""How many times as frequent as among all tasks something is, from which on it is named."""
LEAST = 3
"""Tasks of a cluster below which it has nothing in common but chance."""
MOST = 0.9
"""Share of a cluster that has to be behind what is named."""
NODES = 3
"""Nodes that are named together at most: more are no exception."""
_EACH = 4
"""Tasks of a cluster for each node that is named: eight tasks of one hundred nodes are on two of them by chance no
more."""

_SUDDEN = 8
_OF_LATER = 0.25
"""Tasks, and their share of all that ended since the first of them, from which on something changed at that moment.

What failed a few times toward the end of a job began late, and nothing changed.
"""

What: TypeAlias = Literal["node", "job", "pool", "size", "kind", "package", "image", "since"]


class Common(Struct, frozen=True):
    """Something that ``share`` of a cluster's tasks have, and ``among_all`` of all tasks (both 0 … 1).

    ``values`` are names: of nodes several, else one; ``dedicated`` or ``spot`` of a ``kind``. ``since`` is the moment
    from which on all of them failed, of ``since`` alone. ``pool`` is that of the nodes.
    """

    what: What
    values: tuple[str, ...]
    share: float
    among_all: float
    since: datetime | None = None
    pool: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is true of all of them."""
        return self.share == 1.0


def in_common(cluster: Cluster, every: Sequence[Ran], *, whole: bool = True) -> list[Common]:
    """What is named of a cluster, where it happened before with what and when.

    ``every`` are all tasks that ended there, failed ones too; ``whole`` is False where only some were read: then
    nothing is said of times, since nobody knows which were left out.
    """
    if cluster.count < LEAST or not every:
        return []
    found = [
        _nodes(cluster, every),
        _one("job", cluster, every, lambda task: (task.job,)),
        _one("pool", cluster, every, lambda task: (task.pool,)),
        _one("size", cluster, every, lambda task: (task.size,)),
        _one("kind", cluster, every, lambda task: (kind_of_node(task.node),)),
        *_several("package", cluster, every, lambda task: task.packages),
        _one("image", cluster, every, lambda task: (task.image,)),
        _since(cluster, every) if whole else None,
    ]
    named = [each for each in found if each]
    said = {each.what for each in named}
    implied = {less for what, less in _IMPLIED if what in said}
    return [each for each in named if each.what not in implied]


_IMPLIED: tuple[tuple[What, What], ...] = (("job", "pool"), ("job", "size"), ("pool", "size"))
"""What the first says already: a job has one pool, and all nodes of a pool have one size."""


def kind_of_node(node: str) -> str:
    """``spot`` or ``dedicated`` by a node's id; empty where its id does not say."""
    return "spot" if is_spot(node) else "dedicated" if node.lower().endswith("_d") else ""


Values: TypeAlias = Callable[[Ran], Iterable[str]]


def _one(what: What, cluster: Cluster, every: Sequence[Ran], values: Values) -> Common | None:
    return next(iter(_several(what, cluster, every, values)), None)


def _several(what: What, cluster: Cluster, every: Sequence[Ran], values: Values) -> list[Common]:
    here = _shares(cluster.tasks, values)
    beside = _shares(every, values)
    found = [
        Common(what, (value,), share, beside.get(value, 0.0))
        for value, share in here.items()
        if value and share >= MOST and share >= TIMES * beside.get(value, 0.0)
    ]
    return sorted(found, key=lambda each: (each.among_all, each.values))


def _shares(tasks: Iterable[Ran], values: Values) -> dict[str, float]:
    """The share of the tasks (by weight) that have a value; of those of which none is known, none has one."""
    counted: Counter[str] = Counter()
    total = 0.0
    for task in tasks:
        total += task.weight
        for value in {each for each in values(task) if each}:
            counted[value] += task.weight  # type: ignore[assignment]  # weights are fractions
    return {value: weight / total for value, weight in counted.items()} if total else {}


def _nodes(cluster: Cluster, every: Sequence[Ran]) -> Common | None:
    """The fewest nodes that nearly all of it is on."""
    counted = Counter((fold(task.pool), task.node) for task in cluster.tasks if task.node)
    ranked = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    for many in range(1, NODES + 1):
        chosen = {place for place, _ in ranked[:many]}
        share = sum(count for _, count in ranked[:many]) / cluster.count
        if share < MOST or cluster.count < _EACH * many or len(chosen) < many:
            continue
        total = sum(task.weight for task in every)
        beside = sum(task.weight for task in every if (fold(task.pool), task.node) in chosen) / total
        if share < TIMES * beside:
            return None
        pools = {task.pool for task in cluster.tasks if (fold(task.pool), task.node) in chosen}
        pool = pools.pop() if len(pools) == 1 else ""
        return Common("node", tuple(sorted(node for _, node in chosen)), share, beside, pool=pool)
    return None


def _since(cluster: Cluster, every: Sequence[Ran]) -> Common | None:
    """The moment of its first failure, where most of all tasks had ended before."""
    first = cluster.first
    if first is None:
        return None
    ended = [task for task in every if task.ended]
    total = sum(task.weight for task in ended)
    later = sum(task.weight for task in ended if task.ended and task.ended >= first)
    if cluster.count < _SUDDEN or not total or TIMES * later > total or cluster.count < _OF_LATER * later:
        return None
    return Common("since", (), 1.0, later / total, since=first)
