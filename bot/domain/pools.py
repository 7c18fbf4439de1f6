"""A pool as facts are taken of it, wherever it was read, and its numbers of nodes.

A card reads pools (:class:`bot.azure.models.Pool`) and node counts beside them; the monitor keeps a view of its own.
Both give :class:`PoolFacts` (:func:`reading` makes it of what the service sends; the monitor's view is one), so that
there is one function for every fact.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct, field

from bot.azure.models import NodeCounts, Pool, PoolNodeCounts, duration
from bot.azure.models.pool import ResizeError
from bot.domain import states
from bot.domain.licence import pays_windows
from bot.domain.nodes import ErrorText, NodeFacts
from bot.domain.provider_error import innermost
from bot.domain.states import BAD_NODES, NODES, NodeState

_USUAL = timedelta(minutes=15)
"""Resize timeout and autoscale interval where the service gives none: its defaults."""


class PoolFacts(Struct):
    """What is known of a pool. Spans are seconds; errors are code and words; ``counts`` are dedicated and spot nodes.

    ``troubled`` are nodes in trouble by id, where they were listed; counts come apart from the list, a little earlier.
    ``autoscale_since`` is since when a formula scales it, where that was seen to begin; else it is as old as the pool.
    """

    id: str
    state: str = ""
    allocation: str = ""
    allocation_since: datetime | None = None
    vm_size: str = ""
    windows: bool = False
    dedicated: int = 0
    spot: int = 0
    target_dedicated: int = 0
    target_spot: int = 0
    resize_timeout: float = 900.0
    resize_errors: tuple[ErrorText, ...] = ()
    autoscale: bool = False
    autoscale_since: datetime | None = None
    autoscale_interval: float = 900.0
    autoscale_at: datetime | None = None
    autoscale_error: ErrorText | None = None
    created: datetime | None = None
    counts: tuple[NodeCounts, NodeCounts] = field(default_factory=lambda: (NodeCounts(), NodeCounts()))
    troubled: dict[str, NodeFacts] = field(default_factory=dict)


def reading(pool: Pool, counts: PoolNodeCounts | None = None) -> PoolFacts:
    """A pool of the service and its node counts, where they were read, as facts are taken of it.

    Of a pool that was read with ``$select``, what was not selected reads as its default: state, allocationState,
    current and target nodes, resizeErrors, enableAutoScale, autoScaleRun and creationTime serve for health, vmSize and
    virtualMachineConfiguration for prices.
    """
    run = pool.auto_scale_run if pool.enable_auto_scale else None
    error = run.error if run and run.error and run.error.code else None
    return PoolFacts(
        id=pool.id,
        created=pool.creation_time,
        state=pool.state,
        allocation=pool.allocation_state,
        allocation_since=pool.allocation_state_transition_time,
        vm_size=pool.vm_size,
        windows=pays_windows(pool.virtual_machine_configuration),
        dedicated=pool.current_dedicated_nodes,
        spot=pool.current_low_priority_nodes,
        target_dedicated=pool.target_dedicated_nodes or 0,
        target_spot=pool.target_low_priority_nodes or 0,
        resize_timeout=(duration(pool.resize_timeout) or _USUAL).total_seconds(),
        resize_errors=tuple(map(error_text, pool.resize_errors)),
        autoscale=pool.enable_auto_scale,
        autoscale_interval=(duration(pool.auto_scale_evaluation_interval) or _USUAL).total_seconds(),
        autoscale_at=run.timestamp if run else None,
        autoscale_error=error_text(error) if error else None,
        counts=(counts.dedicated, counts.low_priority) if counts else (NodeCounts(), NodeCounts()),
    )


def error_text(error: ResizeError) -> ErrorText:
    """The code and words of an error of a pool: of the one at its bottom where it only carries another."""
    if inner := innermost((error.message, *(each.value for each in error.values))):
        more = "".join(f"; {each.code}" for each in inner[1:])
        return inner[0].code, f"{inner[0].words or error.message}{more} ({error.code})"
    details = "; ".join(each.value for each in error.values if each.value)
    return error.code, f"{error.message} ({details})" if details and error.message else error.message or details


def has(pool: PoolFacts) -> int:
    """The nodes that a pool has, as the pool itself reports: what its targets are held against."""
    return pool.dedicated + pool.spot


def wanted(pool: PoolFacts) -> int:
    """The nodes that a pool wants."""
    return pool.target_dedicated + pool.target_spot


def in_state(pool: PoolFacts, state: NodeState) -> int:
    """Nodes of a pool in a state: as they were counted, or as they were listed where that is more."""
    listed = sum(node.state.lower() == state for node in pool.troubled.values()) if pool.troubled else 0
    return max(listed, sum(states.counted(half, state) for half in pool.counts))


def counted(pool: PoolFacts) -> bool:
    """Whether the states of its nodes are known: they are counted apart from the pool itself, and a little later."""
    return has(pool) == 0 or any(states.total(half) for half in pool.counts)


def size(pool: PoolFacts) -> int:
    """The nodes of a pool, for shares of them: the pool, its counts and its nodes are read one after the other."""
    return max(has(pool), sum(states.total(half) for half in pool.counts), len(pool.troubled))


def usable(pool: PoolFacts) -> int:
    """Nodes that work or could."""
    return sum(in_state(pool, state) for state, facts in NODES.items() if facts.takes_tasks)


def coming(pool: PoolFacts) -> int:
    """Nodes that will work soon, by themselves."""
    return sum(in_state(pool, state) for state, facts in NODES.items() if facts.role == "coming")


def bad(pool: PoolFacts) -> int:
    """Nodes that are billed and do no work."""
    return sum(in_state(pool, state) for state in BAD_NODES)


def machines(pool: PoolFacts) -> tuple[int, int]:
    """Dedicated and spot nodes that have a machine, and so are billed and count against the quotas of cores.

    While the nodes are not counted they are those that the pool itself reports, preempted ones among them.
    """
    if not counted(pool):
        return pool.dedicated, pool.spot
    dedicated, spot = pool.counts
    return states.with_machine(dedicated), states.with_machine(spot)
