"""Why cores that are billed are busy or idle: the fact behind usage, idle cost and every job's share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.azure.models import NodeCounts
from bot.domain.states import NODES, Role, counted, with_machine
from storage.port.core_use import CoreUse, IdleReason
from storage.port.samples import JobCores

WHOLE = 0.98
"""From this share on something counts as all of it."""
MOSTLY = 0.8
"""A span of which less was sampled is unknown: its sums would be too little, and nothing is held against it."""
_REASONS: Final[Mapping[Role, IdleReason]] = MappingProxyType(
    {"coming": "starting", "bad": "broken", "leaving": "leaving"}
)
"""Why a node of a role does nothing; of nodes that take tasks it depends on whether any wait. Gone ones cost none."""

IDLE_WORDS: Final[Mapping[IdleReason, str]] = MappingProxyType(
    {
        "starting": "starting",
        "unused": "nothing to do",
        "waiting": "work waits",
        "broken": "broken",
        "leaving": "leaving",
        "unknown": "not known why",
    }
)
"""The reasons in words, as they go on after "idle: "."""


def core_use(counts: NodeCounts, cores: int, busy: float, waiting: bool | None) -> CoreUse:
    """The cores of one kind of nodes in a pool, by what they do.

    ``cores`` are those of a node, ``busy`` the nodes at work, in parts where a node has free task slots. ``waiting`` is
    whether tasks of the pool's active jobs wait: then free slots and idle nodes wait for work to come to them, else
    nobody uses them; None where tasks were not counted. docs/money.md says how
    they are told.
    """
    nodes: dict[IdleReason, float] = {}
    able = 0
    for state, facts in NODES.items():
        if facts.takes_tasks:
            able += counted(counts, state)
        elif reason := _REASONS.get(facts.role):
            nodes[reason] = nodes.get(reason, 0) + counted(counts, state)
    busy = min(max(busy, 0.0), float(able))
    free: IdleReason = "unknown" if waiting is None else "waiting" if waiting else "unused"
    nodes[free] = able - busy
    # A state that the service has and this program does not know is in its total alone.
    nodes["unknown"] = nodes.get("unknown", 0.0) + max(0.0, with_machine(counts) - able - _others(nodes, free))
    return CoreUse(busy * cores, **{reason: number * cores for reason, number in nodes.items()})


def _others(nodes: Mapping[IdleReason, float], free: IdleReason) -> float:
    return sum(number for reason, number in nodes.items() if reason != free)


def by_job(busy: float, slots: Mapping[str, int]) -> tuple[JobCores, ...]:
    """How jobs share a pool's busy cores: by the task slots that their tasks are running on."""
    taken = sum(slots.values())
    if not taken or not busy:
        return ()
    return tuple(JobCores(job, busy * number / taken) for job, number in slots.items() if number)


NODE_GAUGES: Final = (
    "RunningNodeCount", "IdleNodeCount", "CreatingNodeCount", "StartingNodeCount", "WaitingForStartTaskNodeCount",
    "StartTaskFailedNodeCount", "RebootingNodeCount", "ReimagingNodeCount", "OfflineNodeCount", "UnusableNodeCount",
    "LeavingPoolNodeCount",
)  # fmt: skip
"""Azure Monitor's counts of nodes that have a machine, by state; working ones are the first."""
CORE_GAUGES: Final = ("CoreCount", "LowPriorityCoreCount")
"""Dedicated and spot cores. Unusable nodes are among them ("Supported metrics for Microsoft.Batch/batchaccounts")."""


def at_most(gauges: Mapping[str, float]) -> tuple[CoreUse, CoreUse] | None:
    """Dedicated and spot cores by what Azure Monitor counted of an account; None where that does not say enough.

    Monitor knows nodes that run a task, not how many of their slots are taken, and nothing by pool: busy is the share
    of such nodes of all, and at most that. Why the others idled it does not say.
    """
    dedicated = gauges.get(CORE_GAUGES[0])
    if dedicated is None:
        return None
    cores = (dedicated, gauges.get(CORE_GAUGES[1], 0.0))
    nodes = sum(gauges.get(name, 0.0) for name in NODE_GAUGES)
    if any(cores) and not nodes:
        return None
    share = min(1.0, gauges.get(NODE_GAUGES[0], 0.0) / nodes) if nodes else 0.0
    busy = [amount * share for amount in cores]
    first, second = (CoreUse(taken, unknown=amount - taken) for taken, amount in zip(busy, cores, strict=True))
    return first, second
