"""Autoscale: what a pool samples for its formula, and one run of it."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from bot.sandbox.entity_parts import AutoScaleRun, AutoScaleRunError, NameValuePair
from bot.sandbox.world.formula import Formula, FormulaError, Value, text_of

if TYPE_CHECKING:
    from bot.sandbox.world.live import LivePool

PERIOD = timedelta(seconds=30)
"""How often the service samples."""

_KEPT = 240
_MESSAGES = {
    "InsufficientSampleData": "Autoscale evaluation failed due to insufficient sample data",
    "AutoScalingFormulaEvaluationError": "The autoscale formula could not be evaluated",
}
_NAMES = (
    "$ActiveTasks", "$RunningTasks", "$PendingTasks", "$SucceededTasks", "$FailedTasks", "$CurrentDedicatedNodes",
    "$CurrentLowPriorityNodes", "$PreemptedNodeCount", "$UsableNodeCount", "$CPUPercent",
)  # fmt: skip


BROKEN_FORMULA = FormulaError("Line 1, Col 1: Value out of the permissible range")
"""What is wrong with a formula that somebody spoilt."""


class PoolMetrics:
    """The last two hours of a pool, a sample every 30 seconds."""

    def __init__(self, pool: LivePool) -> None:
        self.pool = pool
        self._rows: deque[tuple[datetime, tuple[float, ...]]] = deque(maxlen=_KEPT)

    def sample(self, now: datetime) -> None:
        """Takes one."""
        pool = self.pool
        active = sum(job.counts[0] - len(job.waiting) for job in pool.jobs if job.state == "active")
        running = sum(len(job.running) for job in pool.jobs)
        succeeded, failed = (sum(job.counts[column] for job in pool.jobs) for column in (2, 3))
        dedicated, low = pool.total(True), pool.total(False)
        usable = sum(pool.counts[kind][state] for kind in (True, False) for state in ("idle", "running"))
        used = sum(pool.slots - node.free for node in pool.nodes.values())
        load = 100.0 * used / (usable * pool.slots) if usable else 0.0
        preempted = pool.counts[False]["preempted"]
        row = (active, running, active + running, succeeded, failed, dedicated, low, preempted, usable, load)
        self._rows.append((now, tuple(map(float, row))))

    def names(self) -> frozenset[str]:
        """The sampled variables."""
        return frozenset(_NAMES)

    def samples(self, name: str, since: datetime | None, until: datetime | None) -> list[float]:
        """Samples of a variable in a span, newest first."""
        column = _NAMES.index(name)
        return [
            row[column]
            for at, row in reversed(self._rows)
            if (since is None or at >= since) and (until is None or at <= until)
        ]

    def expected(self, since: datetime, until: datetime) -> int:
        """How many samples a full span has."""
        return max(1, int((until - since) / PERIOD))


class Outcome(Struct):
    """One run: what the wire tells of it, and the targets it asks for (None: as they are)."""

    run: AutoScaleRun
    dedicated: int | None = None
    low_priority: int | None = None
    deallocation: str = "requeue"


def evaluate(formula: str, metrics: PoolMetrics, now: datetime) -> Outcome:
    """Evaluates a formula for a pool; an error of the formula is part of the outcome."""
    body = metrics.pool.body
    known: dict[str, Value] = {
        "$TargetDedicatedNodes": float(body.target_dedicated_nodes),
        "$TargetLowPriorityNodes": float(body.target_low_priority_nodes),
        "$NodeDeallocationOption": "requeue",
        "$TaskSlotsPerNode": float(body.task_slots_per_node),
    }
    try:
        values = Formula(formula, metrics, now, known).run()
        nodes, spot = (_target(values, name) for name in ("$TargetDedicatedNodes", "$TargetLowPriorityNodes"))
    except FormulaError as error:
        return failed(error, now)
    del values["$TaskSlotsPerNode"]
    values |= {"$TargetDedicatedNodes": float(nodes), "$TargetLowPriorityNodes": float(spot)}
    results = ";".join(f"{name}={text_of(value)}" for name, value in values.items())
    return Outcome(
        AutoScaleRun(timestamp=now, results=results), nodes, spot, text_of(values["$NodeDeallocationOption"])
    )


def failed(error: FormulaError, now: datetime) -> Outcome:
    """A run that came to nothing."""
    values = [NameValuePair(name="Message", value=str(error))]
    told = AutoScaleRunError(code=error.code, message=_MESSAGES[error.code], values=values)
    return Outcome(AutoScaleRun(timestamp=now, error=told))


def _target(values: dict[str, Value], name: str) -> int:
    value = values[name]
    if not isinstance(value, float):
        raise FormulaError(f"Line 1, Col 1: {name} is not a number")
    return max(0, int(value))
