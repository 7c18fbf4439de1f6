"""Why a job's tasks wait, in words; what it is finds :mod:`bot.domain.waiting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.alerting.rules import mending
from bot.alerting.rules.common import button, elapsed, said, span
from bot.alerting.rules.node_facts import evidence, lost, troubles
from bot.domain.advice import of_autoscale, of_resize, of_scheduling
from bot.domain.entity import fold
from bot.domain.findings import SuggestedAction
from bot.domain.knowledge import Row, row
from bot.domain.pools import has, in_state, wanted
from bot.domain.states import is_over
from bot.domain.waiting import Cause, Wait, moved_at, why_waits
from bot.monitor.scene import JobView, PoolView, Scene
from cards.formatting import number, plural

NAMED_JOBS = 3
"""Jobs that are named of those that hold the nodes."""


STUCK_FOR = 900.0
"""Seconds without progress after which a job is stuck: a pool's first nodes come within about ten minutes."""


class SaidWait(Struct, frozen=True):
    """Why tasks wait: a sentence without its full stop, what the service said, and the button that shows it.

    ``queued`` True where nothing is wrong: others come first. ``settling`` is since when that is on its way for which
    the tasks wait. The words hold no figure that moves with every poll.
    """

    cause: str
    evidence: str = ""
    step: SuggestedAction | None = None
    queued: bool = False
    settling: datetime | None = None


def at_work(scene: Scene) -> Mapping[str, Sequence[JobView]]:
    """The jobs that have running tasks, by the folded id of their pool."""
    found: dict[str, list[JobView]] = {}
    for job in scene.jobs.values():
        if job.running > 0 and not is_over(job.state):
            found.setdefault(fold(job.pool), []).append(job)
    return found


def why(scene: Scene, job: JobView, workers: Mapping[str, Sequence[JobView]] | None = None) -> SaidWait:
    """The likely cause why none of a job's tasks runs. ``workers``, see :func:`at_work`, serve for many jobs."""
    others = (at_work(scene) if workers is None else workers).get(fold(job.pool), ())
    pool = scene.pool(job.pool)
    wait = why_waits(job, pool, others)
    if wait.queued and _passed_over(job, pool):
        wait = Wait("failed tasks" if job.failed else "tasks themselves")
    message = said(*wait.error) if wait.error else ""
    if pool is None or wait.cause in ("disabled", "cannot run", "pool deleted"):
        return _of_job(job, wait, message)
    show = button("Pool", "pool show", pool.id)
    match wait.cause:
        case "nodes in trouble":
            states = " · ".join(f"{plural(each.count, 'node')} {each.cause}" for each in lost(pool))
            nodes = button("Bad nodes", "node list", pool.id, state="bad")
            # What they suffer from where it is one thing; why they are silent is no more than that they are.
            suffers = troubles(pool.troubled.values())
            told = f"{states}: {suffers.cause}" if suffers.evidence and len(suffers.tallies) == 1 else states
            return SaidWait(f"no node of its pool {pool.id} can work: {told}", evidence(pool), nodes)
        case "failed tasks" | "tasks themselves":
            return SaidWait(_of_tasks(pool, wait), step=button("Dependencies", "topology job", job.id))
        case "others first":
            return SaidWait(_of_others(pool, wait), step=show, queued=True)
        case _:
            settling = pool.allocation_since if wait.settling else None
            known = _row_of(wait)
            mends = next(iter(mending.of_pool(known, pool) if known else ()), show)
            return SaidWait(_of_pool(scene, pool, wait, known), message, mends, settling=settling)


def _passed_over(job: JobView, pool: PoolView | None) -> bool:
    """Whether a job whose pool is full now had waited for long already when the pool had an idle node.

    It does not wait for its turn then: what it is stuck for is not over because others have work.
    """
    moved, free = moved_at(job), pool.free_at if pool else None
    return bool(moved and free and (free - max(moved, job.since or moved)).total_seconds() >= STUCK_FOR)


def _of_job(job: JobView, wait: Wait, message: str) -> SaidWait:
    match wait.cause:
        case "disabled":
            return SaidWait(row("job.disabled").cause, step=button("Enable", "job enable", job.id))
        case "cannot run":
            known = of_scheduling(wait.error)
            return SaidWait(f"the service cannot run the job{f': {known.cause}' if known else ''}", message)
        case "no automatic pool":
            return SaidWait("the job has no pool yet: its automatic pool was not made")
        case _:
            known = row("job.pool_gone")
            how = "is being deleted" if wait.cause == "pool deleted" else "does not exist"
            mends = mending.steps_of(known, {"job": job.id})
            return SaidWait(known.cause, f"pool {job.pool} {how}", next(iter(mends), None))


_SAID: dict[Cause, str] = {
    "resizing": "its pool {pool} is {allocation} for {lasts}, {has} of {wanted} nodes",
    "autoscale fails": "its pool {pool} has no nodes: {known}",
    "autoscale warms up": "its pool {pool} has no nodes yet: its autoscale formula waits for samples",
    "autoscale wants none": "its pool {pool} has no nodes: {known}",
    "scaled to zero": "its pool {pool} has no nodes: {known}",
    "resize failed": "its pool {pool} has no nodes: {known}",
    "no nodes yet": "its pool {pool} has none of the {nodes} it wants",
    "start task": "{held} of its pool {pool} still {run} the start task, and tasks wait for its success",
    "nodes starting": "the nodes of its pool {pool} are still starting",
    "nodes take no tasks": "the nodes of its pool {pool} take no tasks",
}
"""What is said of causes that lie in the pool; ``known`` is the sentence of the row that knows it."""


def _row_of(wait: Wait) -> Row | None:
    """The row that knows why a pool has no nodes; None where they are on their way, or nothing more is known."""
    match wait.cause:
        case "autoscale fails":
            return of_autoscale(*(wait.error or ("",)))
        case "autoscale wants none":
            return row("autoscale.wants_none")
        case "scaled to zero":
            return row("pool.scaled_to_zero")
        case "resize failed":
            return of_resize(*(wait.error or ("",)))
    return None


def _of_pool(scene: Scene, pool: PoolView, wait: Wait, known: Row | None) -> str:
    held = in_state(pool, "waitingforstarttask")
    return _SAID[wait.cause].format(
        pool=pool.id,
        allocation=pool.allocation.lower(),
        lasts=span(elapsed(scene, pool.allocation_since)),
        has=number(has(pool)),
        wanted=number(wanted(pool)),
        nodes=plural(wanted(pool), "node"),
        known=known.cause if known else "",
        held=plural(held, "node"),
        run="runs" if held == 1 else "run",
    )


def _of_others(pool: PoolView, wait: Wait) -> str:
    names = ", ".join(wait.first[:NAMED_JOBS])
    who = f"{'jobs of higher priority' if wait.higher else 'other jobs'} ({names})" if names else "other tasks"
    return f"{who} occupy every node of its pool {pool.id}"


def _of_tasks(pool: PoolView, wait: Wait) -> str:
    free = f"its pool {pool.id} has nodes for other jobs, so the tasks wait for something else"
    if wait.cause == "failed tasks":
        return f"{free}: most likely for tasks that failed, on which they depend"
    return (
        f"{free}: tasks they depend on, the job's preparation task, more task slots than a node has, or the most tasks "
        "at once that the job allows"
    )
