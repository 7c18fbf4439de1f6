"""What is wrong with a pool, if anything, and why.

The service keeps the errors of a resize until the next one, so those of a pool that has what it wants, or that is being
resized again, are stale; and a resize that somebody stopped has not failed.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from bot.domain.nodes import ErrorText
from bot.domain.pools import PoolFacts, bad, coming, counted, in_state, size, usable, wanted
from bot.domain.states import is_active

STOPPED = "resizestopped"
"""The code of a resize that somebody stopped: no failure."""
RESIZE_SLACK = 300.0
"""Seconds after its timeout at which the service has ended a resize, or has forgotten to."""
RESIZE_LONG = 1800.0
"""Seconds that nobody expects a resize to take where no timeout ends it (twice the default timeout)."""
DELETING_LONG = 1800.0
"""Seconds from which on a deletion waits for something ("Azure Batch pool and node errors": stuck in deleting)."""
EVALUATIONS = 3
"""Evaluations of an autoscale formula that may fail to appear: one can be late, three are not by chance."""
EVALUATION_SLACK = 300.0
"""Seconds on top; the shortest interval is five minutes."""
IDLE_FOR = 1800.0
"""Seconds: shorter breaks between two jobs are cheaper than the nodes' next boot."""
SHRINKS_AFTER = 2
"""Evaluations that an autoscale formula is given to let idle nodes go, because formulas average over minutes."""
WORKS_FOR = 600.0
"""Seconds of work after which a pool that idled idles no more: a task of a minute in an idle hour changes nothing."""
WARM_UP = 1800.0
"""Seconds for which a formula may go without its samples: most ask for a quarter of an hour, and are tried again after
as long."""


class PoolTrouble(Struct, frozen=True):
    """One thing that is wrong with a pool.

    ``nodes``: ``bad`` of its ``nodes`` are billed and do no work. ``resize``: it has not the nodes it wants, with the
    service's code and words. ``autoscale``: its formula fails, with the same.
    """

    kind: Literal["nodes", "resize", "autoscale"]
    code: str = ""
    message: str = ""
    bad: int = 0
    nodes: int = 0


def troubles_of(pool: PoolFacts) -> tuple[PoolTrouble, ...]:
    """Everything that is wrong with a pool now, worst first; nothing for a healthy one."""
    found = []
    if count := bad(pool):
        found.append(PoolTrouble("nodes", bad=count, nodes=size(pool)))
    if errors := fell_short(pool):
        found.append(PoolTrouble("resize", *errors[0]))
    if error := autoscale_failure(pool):
        found.append(PoolTrouble("autoscale", *error))
    return tuple(found)


def fell_short(pool: PoolFacts) -> tuple[ErrorText, ...]:
    """Why a pool's last resize did not bring what it wants; nothing where its errors are stale or there are none."""
    if reached(pool) or not is_active(pool.state) or not is_steady(pool):
        return ()
    return tuple(error for error in pool.resize_errors if error[0].lower() != STOPPED)


def reached(pool: PoolFacts) -> bool:
    """Whether a pool has the nodes it wants, of both kinds."""
    return pool.dedicated == pool.target_dedicated and pool.spot == pool.target_spot


def is_steady(pool: PoolFacts) -> bool:
    """Whether no resize goes on."""
    return pool.allocation.lower() == "steady"


def is_resizing(pool: PoolFacts) -> bool:
    """Whether nodes come or go, or a resize is being stopped."""
    return pool.allocation.lower() in ("resizing", "stopping")


def resize_overdue(pool: PoolFacts, seconds: float) -> bool:
    """Whether a resize that goes on for so many seconds takes longer than it may.

    Longer than its timeout and :data:`RESIZE_SLACK`, or :data:`RESIZE_LONG` where it has none or is being stopped.
    """
    timed = pool.allocation.lower() == "resizing" and pool.resize_timeout > 0
    return is_resizing(pool) and seconds > (pool.resize_timeout + RESIZE_SLACK if timed else RESIZE_LONG)


def deletion_overdue(pool: PoolFacts, seconds: float) -> bool:
    """Whether a pool that is being deleted for so many seconds takes longer than it should (:data:`DELETING_LONG`)."""
    return pool.state.lower() == "deleting" and seconds > DELETING_LONG


def autoscale_failure(pool: PoolFacts) -> ErrorText | None:
    """Why a pool's autoscale formula fails; None where it does not, or the pool has none or is being deleted.

    A formula that only has no samples yet (:func:`warms_up`) does not fail.
    """
    return pool.autoscale_error if pool.autoscale and is_active(pool.state) and not warms_up(pool) else None


def lacks_samples(error: ErrorText | None) -> bool:
    """Whether a formula could not be evaluated because there were too few samples of what it asks for."""
    said = " ".join(error or ()).lower()
    return "insufficientsampledata" in said or "insufficient data" in said or "insufficient sample" in said


def warms_up(pool: PoolFacts) -> bool:
    """Whether a formula lacks samples because it is young: samples are taken from when a pool has a formula on.

    It was last tried within :data:`WARM_UP` seconds of that.
    """
    since = pool.autoscale_since or pool.created
    if not pool.autoscale or pool.autoscale_at is None or since is None or not lacks_samples(pool.autoscale_error):
        return False
    return (pool.autoscale_at - since).total_seconds() < WARM_UP


def autoscale_overdue(pool: PoolFacts, seconds: float) -> bool:
    """Whether a formula that was last evaluated so many seconds ago is no longer evaluated. One that never was is new.

    That is, not for :data:`EVALUATIONS` intervals and :data:`EVALUATION_SLACK` seconds.
    """
    if not (pool.autoscale and is_active(pool.state) and pool.autoscale_at):
        return False
    return seconds > EVALUATIONS * max(0.0, pool.autoscale_interval) + EVALUATION_SLACK


def is_down(pool: PoolFacts) -> bool:
    """Whether a pool that wants nodes has none that works, could, or will soon (booting, or a resize that goes on)."""
    steady = is_active(pool.state) and is_steady(pool)
    return steady and wanted(pool) > 0 and counted(pool) and not usable(pool) and not coming(pool)


def rests(pool: PoolFacts) -> bool:
    """Whether a pool that wants nodes has idle ones, and none that works or is on its way."""
    return keeps_nodes(pool) and in_state(pool, "idle") > 0 and not in_state(pool, "running") and not coming(pool)


def keeps_nodes(pool: PoolFacts) -> bool:
    """Whether a pool wants nodes and is not being resized."""
    return is_active(pool.state) and is_steady(pool) and wanted(pool) > 0


def long_idle(pool: PoolFacts, seconds: float) -> bool:
    """Whether so many seconds without work are more than a break, and more than a formula needs to let nodes go."""
    return seconds >= max(IDLE_FOR, SHRINKS_AFTER * pool.autoscale_interval if pool.autoscale else 0.0)


def idles(pool: PoolFacts, seconds: float) -> bool:
    """Whether a pool that has rested for so many seconds idles, and money is lost."""
    return rests(pool) and long_idle(pool, seconds)
