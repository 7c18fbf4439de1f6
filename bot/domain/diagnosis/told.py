"""Which alerts are about the cause that a diagnosis found: where one is open, it says since when.

Azure tells when a state began that it has now, and of a formula when it ran last; the alert knows when the trouble was
seen first. So that one trouble has one age, an open alert's is the one that is told.
"""

from __future__ import annotations

from bot.domain.diagnosis.model import Clue

_FAILURES = ("task.failed", "job.failure_rate", "task.retries_exhausted")
_START_TASK = ("pool.down", "pool.start_task_failing", "node.start_task_failed")
_BY_ID = {
    "node.offline": ("pool.down", "node.offline"),
    "node.lost_contact": ("pool.down", "node.unknown"),
    "node.start_task_failed": _START_TASK,
    "node.preempted": (),
    "pool.preempted": ("node.preempted",),
    "pool.deleting_too_long": ("pool.resize_stuck",),
    "pool.idle": ("pool.idle",),
    "pool.idle_by_formula": ("pool.idle",),
    "autoscale.wants_none": (),
    "pool.scaled_to_zero": (),
    "pool.resize.too_long": ("pool.resize_stuck",),
    "pool.resize.too_long_autoscale": ("pool.resize_stuck",),
    "pool.resize.waits_for_tasks": ("pool.resize_stuck",),
    "unknown.resize": ("pool.resize_failed",),
    "autoscale.dead": ("pool.autoscale_stale",),
    "unknown.autoscale": ("pool.autoscale_failed",),
    "unknown.node": ("pool.down", "node.unusable"),
    "task.retried_endlessly": ("task.retrying",),
}
_BY_GROUP = {
    "start_task": _START_TASK,
    "node": ("pool.down", "node.unusable"),
    "pool": ("pool.resize_failed",),
    "provider": ("pool.resize_failed",),
    "autoscale": ("pool.autoscale_failed",),
    "schedule": ("schedule.barren",),
    "task": _FAILURES,
    "unknown": _FAILURES,
}
_OF_PROGRAMS = frozenset(("exit", "line"))
WAITS = "job.stuck"
"""The alert that a job's tasks wait."""


def alerts_of(clue: Clue) -> tuple[str, ...]:
    """The kinds of alerts about a cause, the worst first; none where no alert tells it."""
    group = clue.id.partition(".")[0]
    if clue.id in _BY_ID:
        return _BY_ID[clue.id]
    if group in _OF_PROGRAMS or group not in _BY_GROUP:  # a team's own rows have names of their own
        return _START_TASK if clue.about.kind == "node" else _FAILURES
    return _BY_GROUP[group]
