"""Why a job's tasks wait: one cause, found from what was seen, in the order in which it would have to be mended.

The tree, which alerts and ``why`` share: the job is disabled, its pool is missing or being deleted; it has no nodes (it
is being resized, its last resize failed, its formula errs or wants none, its target is none); its nodes cannot work,
they are on their way, others hold them, and at last nodes are free and the tasks themselves wait for something.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.job_health import JobFacts
from bot.domain.nodes import ErrorText
from bot.domain.pool_health import fell_short, is_resizing, warms_up
from bot.domain.pools import PoolFacts, coming, has, in_state, usable, wanted
from bot.domain.states import TROUBLED_NODES, NodeState, is_active

Cause: TypeAlias = Literal[
    "disabled",
    "cannot run",
    "no automatic pool",
    "no such pool",
    "pool deleted",
    "resizing",
    "autoscale fails",
    "autoscale warms up",
    "autoscale wants none",
    "scaled to zero",
    "resize failed",
    "no nodes yet",
    "nodes in trouble",
    "start task",
    "nodes starting",
    "nodes take no tasks",
    "others first",
    "failed tasks",
    "tasks themselves",
]


class Wait(Struct, frozen=True):
    """Why tasks wait: the cause, and what belongs to it.

    ``error`` is what the service said. ``first`` are the jobs that come before it, the most urgent first, ``higher``
    whether some are of higher priority. ``troubled`` are the states that keep nodes from work, worst first.
    """

    cause: Cause
    error: ErrorText | None = None
    first: tuple[str, ...] = ()
    higher: bool = False
    troubled: tuple[tuple[NodeState, int], ...] = ()

    @property
    def settling(self) -> bool:
        """True where what they wait for is on its way, as it is for a while with everything that is new."""
        return self.cause in ("resizing", "autoscale warms up", "no nodes yet", "nodes starting", "start task")

    @property
    def for_work(self) -> bool:
        """True where the pool has nodes that take tasks: what it waits for lies in the jobs and tasks."""
        return self.cause in ("others first", "failed tasks", "tasks themselves")

    @property
    def queued(self) -> bool:
        """True where nothing is wrong: others come first."""
        return self.cause == "others first"


ONLY_JUST = "its tasks have only just come and are being sent to nodes"
NO_AUTOMATIC_POOL = "its automatic pool is not there yet"
NONE_TAKES = "its pool has no node that takes tasks"
STARTING = "its nodes are still starting"


def before_it(*, higher: bool) -> str:
    """What is said where others come first; ``higher`` whether they are of higher priority."""
    return f"{'jobs of higher priority' if higher else 'other jobs'} hold every slot of its pool"


def why_waits(job: JobFacts, pool: PoolFacts | None, others: Sequence[JobFacts]) -> Wait:
    """The likely cause why none of a job's tasks runs.

    ``pool`` is the job's, None where there is none of its name; ``others`` are jobs that have running tasks in it.
    """
    if found := _for_itself(job):
        return found
    if pool is None or not is_active(pool.state):
        return Wait("pool deleted" if pool else "no such pool")
    if usable(pool):
        return _for_work(job, pool, others)
    return _for_any_node(pool) if has(pool) == 0 else _for_its_nodes(pool)


def moved_at(job: JobFacts) -> datetime | None:
    """When a job last showed that something ended or began; its own beginning where nothing ever did."""
    return job.progressed or job.started or job.created


def _for_itself(job: JobFacts) -> Wait | None:
    """What the job itself waits for, whatever its pool is like."""
    if job.state.lower() in ("disabled", "disabling"):
        return Wait("disabled")
    if job.scheduling_error:
        return Wait("cannot run", job.scheduling_error)
    return None if job.pool else Wait("no automatic pool")


def _for_any_node(pool: PoolFacts) -> Wait:
    if is_resizing(pool):
        return Wait("resizing")
    if errors := fell_short(pool):
        return Wait("resize failed", errors[0])
    if warms_up(pool):
        return Wait("autoscale warms up", pool.autoscale_error)
    if pool.autoscale and pool.autoscale_error:
        return Wait("autoscale fails", pool.autoscale_error)
    if wanted(pool) == 0:
        return Wait("autoscale wants none" if pool.autoscale else "scaled to zero")
    return Wait("no nodes yet")


def _for_its_nodes(pool: PoolFacts) -> Wait:
    troubled = tuple((state, count) for state in TROUBLED_NODES if (count := in_state(pool, state)))
    if troubled:
        return Wait("nodes in trouble", troubled=troubled)
    if is_resizing(pool):
        return Wait("resizing")
    if in_state(pool, "waitingforstarttask"):
        return Wait("start task")
    return Wait("nodes starting" if coming(pool) else "nodes take no tasks")


def _for_work(job: JobFacts, pool: PoolFacts, others: Sequence[JobFacts]) -> Wait:
    """The pool has nodes that work or could, and ``others`` work in it."""
    if not in_state(pool, "idle") and not any(_overtook(job, each) for each in others):
        first = sorted(others, key=lambda each: (-each.priority, each.id))
        higher = any(each.priority > job.priority for each in others)
        return Wait("others first", first=tuple(each.id for each in first), higher=higher)
    return Wait("failed tasks" if job.failed else "tasks themselves")


def _overtook(job: JobFacts, other: JobFacts) -> bool:
    """Whether a job that comes after this one got its turn while this one waited.

    Higher priority comes first, then the older job: by the pool's order, or about so where equal jobs take turns.
    """
    moved = moved_at(job)
    if other.priority > job.priority or other.progressed is None or moved is None or other.progressed <= moved:
        return False
    if other.priority < job.priority:
        return True
    return other.created is not None and job.created is not None and other.created > job.created
