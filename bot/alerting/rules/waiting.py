"""Why a job's tasks wait, in words; what it is finds :mod:`bot.domain.waiting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.alerting.rules import mending
from bot.alerting.rules.common import button, cut, elapsed, said, span
from bot.alerting.rules.node_facts import evidence, lost, troubles
from bot.domain.advice import of_autoscale, of_resize, of_scheduling
from bot.domain.diagnosis.pools import overdue_row
from bot.domain.findings import SuggestedAction
from bot.domain.knowledge import Row, row
from bot.domain.pool_health import resize_overdue
from bot.domain.pools import has, in_state, wanted
from bot.domain.waiting import NO_AUTOMATIC_POOL, NONE_TAKES, STARTING, Cause, Wait, before_it
from bot.monitor.held_jobs import UNFOUND, at_work, wait_of
from bot.monitor.scene import JobView, PoolView, Scene
from cards.formatting import number, plural

_MAY_BE = (
    "tasks that they depend on, the job's preparation task, more task slots than a node has, or the most tasks at once "
    "that the job allows"
)
NAMED_JOBS = 3
"""Jobs that are named of those that hold the nodes."""


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


def why(scene: Scene, job: JobView, workers: Mapping[str, Sequence[JobView]] | None = None) -> SaidWait:
    """Why none of a job's tasks runs. ``workers``, see :func:`bot.monitor.held_jobs.at_work`, serve for many jobs."""
    pool = scene.pool(job.pool)
    wait = wait_of(job, pool, at_work(scene.jobs) if workers is None else workers)
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
            return _of_tasks(job)
        case "others first":
            names = ", ".join(wait.first[:NAMED_JOBS])
            first = before_it(higher=wait.higher) if names else "other tasks hold every slot of its pool"
            return SaidWait(first, f"they hold the nodes: {names}" if names else "", show, queued=True)
        case _:
            settling = pool.allocation_since if wait.settling else None
            known = _row_of(wait, scene, pool)
            mends = next(iter(mending.of_pool(known, pool) if known else ()), show)
            return SaidWait(_of_pool(scene, pool, wait, known), message, mends, settling=settling)


def _of_job(job: JobView, wait: Wait, message: str) -> SaidWait:
    match wait.cause:
        case "disabled":
            return SaidWait(row("job.disabled").cause, step=button("Enable", "job enable", job.id))
        case "cannot run":
            known = of_scheduling(wait.error)
            return SaidWait(f"the service cannot run the job{f': {known.cause}' if known else ''}", message)
        case "no automatic pool":
            return SaidWait(NO_AUTOMATIC_POOL)
        case _:
            known = row("job.pool_gone")
            how = "is being deleted" if wait.cause == "pool deleted" else "does not exist"
            mends = mending.steps_of(known, {"job": job.id})
            return SaidWait(known.cause, f"pool {job.pool} {how}", next(iter(mends), None))


_SAID: dict[Cause, str] = {
    "resizing": "its pool {pool} has been {allocation} for {lasts}, {has} of {wanted} nodes{known}",
    "autoscale fails": "its pool {pool} has no nodes{known}",
    "autoscale warms up": "its pool {pool} has no nodes yet{known}",
    "autoscale wants none": "its pool {pool} has no nodes{known}",
    "scaled to zero": "its pool {pool} has no nodes{known}",
    "resize failed": "its pool {pool} has no nodes{known}",
    "no nodes yet": "its pool {pool} has none of the {nodes} it wants{known}",
    "start task": "{held} of its pool {pool} still {run} the start task, and tasks wait for its success",
    "nodes starting": STARTING,
    "nodes take no tasks": NONE_TAKES,
}
"""What is said of causes that lie in the pool; ``known`` is the sentence of the row that knows it, behind its colon."""


_ROWS: dict[Cause, str] = {
    "autoscale warms up": "autoscale.warming_up",
    "autoscale wants none": "autoscale.wants_none",
    "scaled to zero": "pool.scaled_to_zero",
    "no nodes yet": "pool.no_reason",
}


def _row_of(wait: Wait, scene: Scene, pool: PoolView) -> Row | None:
    """The row that knows why a pool has no nodes; None where they are on their way, or nothing more is known."""
    if wait.cause in _ROWS:
        return row(_ROWS[wait.cause])
    match wait.cause:
        case "resizing" if resize_overdue(pool, elapsed(scene, pool.allocation_since)):
            return overdue_row(pool)
        case "autoscale fails":
            return of_autoscale(*(wait.error or ("",)))
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
        known=f": {known.cause}" if known else "",
        held=plural(held, "node"),
        run="runs" if held == 1 else "run",
    )


def _of_tasks(job: JobView) -> SaidWait:
    """What the tasks themselves showed; what it may be where they did not, or were not looked into yet."""
    held = job.held
    if held is None or held.id == UNFOUND:
        known = row(UNFOUND)
        return SaidWait(f"{known.cause}: {_MAY_BE}", step=next(iter(mending.steps_of(known, {"job": job.id})), None))
    if not held.harm:
        return SaidWait(held.cause, cut(held.evidence), settling=held.read)
    steps = mending.steps_of(row(held.id), {"job": job.id, **held.names})
    return SaidWait(held.cause, cut(held.evidence), next(iter(steps), None))
