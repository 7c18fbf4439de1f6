"""Why a job's tasks wait: one cause, found from what was seen, in the order in which it would have to be mended.

The tree: the job is disabled, its pool is missing or being deleted, the pool is being resized, it has no nodes (a
resize that failed, an autoscale formula that errs or wants none, a target of none), its nodes cannot work, they are on
their way, others hold them, and at last nodes are free and the tasks themselves wait for something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.alerting.rules.common import button, elapsed, is_active, span, told
from bot.alerting.rules.node_facts import coming, evidence, has, lost, usable, wanted
from bot.domain.advice import of_resize
from bot.domain.findings import SuggestedAction
from bot.monitor.scene import JobView, PoolView, Scene
from cards.formatting import number, plural

NAMED_JOBS = 3
"""Jobs that are named of those that hold the nodes."""


class Wait(Struct, frozen=True):
    """Why tasks wait: a sentence without its full stop, what the service said, and the button that shows it.

    ``queued`` True where nothing is wrong: others come first. The words hold no figure that moves with every look.
    """

    cause: str
    evidence: str = ""
    step: SuggestedAction | None = None
    queued: bool = False


def at_work(scene: Scene) -> Mapping[str, Sequence[JobView]]:
    """The jobs that have running tasks, by their pool."""
    found: dict[str, list[JobView]] = {}
    for job in scene.jobs.values():
        if job.running > 0:
            found.setdefault(job.pool, []).append(job)
    return found


def why(scene: Scene, job: JobView, workers: Mapping[str, Sequence[JobView]] | None = None) -> Wait:
    """The likely cause why none of a job's tasks runs. ``workers``, see :func:`at_work`, serve for many jobs."""
    others = (at_work(scene) if workers is None else workers).get(job.pool, ())
    if job.state.lower() in ("disabled", "disabling"):
        return Wait("the job is disabled")
    if job.scheduling_error:
        return Wait("the service cannot run the job", told(*job.scheduling_error))
    if not job.pool:
        return Wait("the job has no pool yet: its automatic pool was not made")
    pool = scene.pools.get(job.pool)
    if pool is None:
        return Wait(f"its pool {job.pool} does not exist", step=button("Pools", "pool", "list"))
    return _of_pool(scene, job, pool, others)


def _of_pool(scene: Scene, job: JobView, pool: PoolView, others: Sequence[JobView]) -> Wait:
    show = button("Pool", "pool", "show", pool.id)
    if not is_active(pool.state):
        return Wait(f"its pool {pool.id} is being deleted", step=show)
    if usable(pool):
        return _of_work(job, pool, others)
    if pool.allocation.lower() in ("resizing", "stopping"):
        lasts = span(elapsed(scene, pool.allocation_since))
        nodes = f"{number(has(pool))} of {number(wanted(pool))} nodes"
        return Wait(f"its pool {pool.id} is {pool.allocation.lower()} for {lasts}, {nodes}", step=show)
    return _of_no_nodes(pool, show) if has(pool) == 0 else _of_bad_nodes(pool, show)


def _of_bad_nodes(pool: PoolView, show: SuggestedAction) -> Wait:
    if states := lost(pool):
        all_of_them = " · ".join(f"{plural(each.count, 'node')} {each.cause}" for each in states)
        nodes = button("Bad nodes", "node", "list", pool.id, "state:bad")
        return Wait(f"no node of its pool {pool.id} can work: {all_of_them}", evidence(pool), nodes)
    if held := pool.nodes("waiting_for_start_task"):
        return Wait(
            f"{plural(held, 'node')} of its pool {pool.id} still "
            f"{'runs' if held == 1 else 'run'} the start task, and tasks wait for its success",
            step=show,
        )
    if coming(pool):
        return Wait(f"the nodes of its pool {pool.id} are still starting", step=show)
    return Wait(f"the nodes of its pool {pool.id} take no tasks", step=show)


def _of_no_nodes(pool: PoolView, show: SuggestedAction) -> Wait:
    if pool.autoscale and pool.autoscale_error:
        return Wait(f"its pool {pool.id} has no nodes: its autoscale formula fails", told(*pool.autoscale_error), show)
    if wanted(pool) == 0:
        who = "its autoscale formula wants none" if pool.autoscale else "it was scaled to zero"
        return Wait(f"its pool {pool.id} has no nodes: {who}", step=show)
    if pool.resize_errors:
        code, message = pool.resize_errors[0]
        return Wait(f"its pool {pool.id} has no nodes: {of_resize(code).cause}", told(code, message), show)
    return Wait(f"its pool {pool.id} has none of the {plural(wanted(pool), 'node')} it wants", step=show)


def _of_work(job: JobView, pool: PoolView, others: Sequence[JobView]) -> Wait:
    """The pool has nodes that work or could, and ``others`` work in it."""
    show = button("Pool", "pool", "show", pool.id)
    if not pool.nodes("idle") and not any(_overtook(job, each) for each in others):
        first = sorted(others, key=lambda each: (-each.priority, each.id))
        names = ", ".join(each.id for each in first[:NAMED_JOBS])
        higher = any(each.priority > job.priority for each in others)
        who = f"{'jobs of higher priority' if higher else 'other jobs'} ({names})" if names else "other tasks"
        return Wait(f"{who} hold every node of its pool {pool.id}", step=show, queued=True)
    free = f"its pool {pool.id} has nodes for other jobs, so the tasks wait for something else"
    step = button("Dependencies", "topology", "job", job.id)
    if job.failed:
        return Wait(f"{free}: most likely for tasks that failed, on which they depend", step=step)
    return Wait(
        f"{free}: tasks they depend on, the job's preparation task, more task slots than a node has, or the most tasks "
        "at once that the job allows",
        step=step,
    )


def _overtook(job: JobView, other: JobView) -> bool:
    """Whether a job that comes after this one got its turn while this one waited.

    Higher priority comes first, then the older job: by the pool's order, or about so where equal jobs take turns.
    """
    moved = moved_at(job)
    if other.priority > job.priority or other.progressed is None or moved is None or other.progressed <= moved:
        return False
    if other.priority < job.priority:
        return True
    return other.created is not None and job.created is not None and other.created > job.created


def moved_at(job: JobView) -> datetime | None:
    """When a job last showed that something ended or began; its own beginning where nothing ever did."""
    return job.progressed or job.started or job.created
