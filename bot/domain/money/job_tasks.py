"""What a job's tasks took, added up page by page: core-seconds by pool, day and kind of node, their money, and times.

Of a task the service lists its last run alone: node, start and end. Of the runs before, which ended in a retry or were
requeued, it tells how many there were; how long they took stands in the task's statistics, which come about half an
hour after the end ("TaskStatistics.wallClockTime … includes the wall clock time of all the Task retries", REST
reference of Azure Batch). Where these are missing, what such a task took is known to be at least its last run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.azure.models import duration
from bot.azure.models.task import TaskTimes
from bot.domain.entity import fold
from bot.domain.money.rates import Rates
from bot.domain.money.spend import NOTHING, Spend, of_cores, total
from bot.domain.states import is_over
from storage.port.core_use import CoreUse
from storage.port.spread import NOTHING as NO_TIMES
from storage.port.spread import Spread, spread_of

_DAY = timedelta(days=1)
Outcome: TypeAlias = Literal["done", "failed", "retried", "requeued"]
"""What became of a run of a task: it is the last one, or another was made, by a retry or because it lost its node."""


class Machine(Struct, frozen=True):
    """What a node of a pool is: ``cores``, and how many task ``slots`` share them."""

    vm_size: str
    cores: int
    slots: int = 1
    windows: bool = False


Machines: TypeAlias = Callable[[str, datetime], Machine | None]
"""What the nodes of a pool (by any spelling) were at a moment; None where nobody knows."""


class TaskSums(Struct, frozen=True, kw_only=True):
    """What some tasks of a job came to.

    ``tasks`` were read, of which ``failed`` and ``going`` (running now). ``retries`` and ``requeues`` count runs that
    were made again; ``unknown_runs`` are tasks of which such runs took nobody knows how long, ``unplaced`` seconds of
    tasks that ran on a machine nobody knows. Any of the two makes every other figure "at least".

    ``took`` is all runs; of it ``failed_spend`` are last runs that failed, ``retried`` and ``requeued`` those that were
    made again. ``created`` is the first task's creation, ``began`` the first start of one that is listed;
    ``began_at_most`` says that the task had been started before, so that the first start was earlier. ``waits`` are
    from a task's creation to the start of its last run, ``runtimes`` from there to its end.
    """

    tasks: int = 0
    failed: int = 0
    going: int = 0
    retries: int = 0
    requeues: int = 0
    unknown_runs: int = 0
    unplaced: float = 0.0
    took: Spend = NOTHING
    failed_spend: Spend = NOTHING
    retried: Spend = NOTHING
    requeued: Spend = NOTHING
    created: datetime | None = None
    began: datetime | None = None
    began_at_most: bool = False
    pools: tuple[str, ...] = ()
    waits: Spread = NO_TIMES
    runtimes: Spread = NO_TIMES

    @property
    def at_least(self) -> bool:
        """Whether a part of what tasks took is unknown."""
        return bool(self.unknown_runs or self.unplaced)

    @property
    def lost(self) -> Spend:
        """What runs took that were made again."""
        return self.retried + self.requeued

    @property
    def queue(self) -> timedelta | None:
        """From the creation of the first task to the first start of one; None while none has started."""
        if self.created is None or self.began is None:
            return None
        return max(timedelta(), self.began - self.created)


class _Key(Struct, frozen=True):
    machine: Machine
    day: datetime
    spot: bool
    outcome: Outcome


class TaskTally:
    """Adds up tasks, however many: what is kept of them does not grow with their number."""

    def __init__(self, machines: Machines, now: datetime) -> None:
        """``now`` is the service's clock: up to then a task that runs has run."""
        self._machines = machines
        self._now = now
        self._seconds: dict[_Key, float] = {}
        self._pools: dict[str, str] = {}
        self._counts = dict.fromkeys(("tasks", "failed", "going", "retries", "requeues", "unknown_runs"), 0)
        self._unplaced = 0.0
        self._created: datetime | None = None
        self._began: tuple[datetime, bool] | None = None
        self._waits = self._runtimes = NO_TIMES

    def add(self, tasks: Sequence[TaskTimes]) -> None:
        """Add a page of tasks."""
        waits, runtimes = list[float](), list[float]()
        for task in tasks:
            self._add(task)
            run = task.execution_info
            if run and run.start_time and task.creation_time:
                waits.append((run.start_time - task.creation_time).total_seconds())
            if run and run.start_time and run.end_time:
                runtimes.append((run.end_time - run.start_time).total_seconds())
        self._waits += spread_of(waits)
        self._runtimes += spread_of(runtimes)

    def _add(self, task: TaskTimes) -> None:
        counts, run = self._counts, task.execution_info
        counts["tasks"] += 1
        if task.creation_time and (self._created is None or task.creation_time < self._created):
            self._created = task.creation_time
        if run is None:
            return
        counts["retries"] += run.retry_count
        counts["requeues"] += run.requeue_count
        again = run.retry_count + run.requeue_count
        failed = is_over(task.state) and run.result.lower() == "failure"
        counts["failed"] += failed
        last = 0.0
        if run.start_time is not None:
            started = run.start_time
            self._began = min(filter(None, (self._began, (started, bool(again)))))
            end = run.end_time or (self._now if task.state.lower() == "running" else started)
            counts["going"] += run.end_time is None and task.state.lower() == "running"
            last = max(0.0, (end - started).total_seconds())
            self._take(task, started, end, "failed" if failed else "done")
        if again:
            before = _all_runs(task)
            if before is None or run.start_time is None:
                counts["unknown_runs"] += 1
            elif before > last:
                span = timedelta(seconds=before - last)
                self._take(task, run.start_time - span, run.start_time, "requeued" if run.requeue_count else "retried")

    def _take(self, task: TaskTimes, start: datetime, end: datetime, outcome: Outcome) -> None:
        """Note a run, by UTC days: prices may change between them."""
        pool = task.node_info.pool_id if task.node_info else ""
        machine = self._machines(pool, start) if pool else None
        if machine is None:
            self._unplaced += max(0.0, (end - start).total_seconds())
            return
        self._pools.setdefault(fold(pool), pool)
        node = task.node_info.node_id if task.node_info else ""
        instances = task.multi_instance_settings.number_of_instances if task.multi_instance_settings else 1
        share = min(1.0, task.required_slots / max(1, machine.slots))
        for day, seconds in _by_day(start, end):
            key = _Key(machine, day, is_spot(node), outcome)
            self._seconds[key] = self._seconds.get(key, 0.0) + seconds * machine.cores * share * instances

    def sums(self, rates: Rates) -> TaskSums:
        """What the tasks so far came to, at prices of the days on which they ran."""
        by_outcome: dict[Outcome, list[Spend]] = {}
        for key, seconds in self._seconds.items():
            use, none = CoreUse(busy=seconds), CoreUse()
            spend = of_cores(
                rates,
                key.machine.vm_size,
                key.machine.cores,
                windows=key.machine.windows,
                at=key.day,
                dedicated=none if key.spot else use,
                spot=use if key.spot else none,
            )
            by_outcome.setdefault(key.outcome, []).append(spend)
        spends = {outcome: total(each) for outcome, each in by_outcome.items()}
        return TaskSums(
            **self._counts,
            unplaced=self._unplaced,
            took=total(spends.values()),
            failed_spend=spends.get("failed", NOTHING),
            retried=spends.get("retried", NOTHING),
            requeued=spends.get("requeued", NOTHING),
            created=self._created,
            began=self._began[0] if self._began else None,
            began_at_most=bool(self._began and self._began[1]),
            pools=tuple(self._pools.values()),
            waits=self._waits,
            runtimes=self._runtimes,
        )


def is_spot(node: str) -> bool:
    """Whether a node is a spot or low-priority one, by its id.

    The service ends the ids of these in ``_p`` and of dedicated nodes in ``_d`` (``tvmps_…_d``, as in every recording);
    by the time a job is over most of its nodes are gone and cannot be asked.
    """
    return node.lower().endswith("_p")


def _all_runs(task: TaskTimes) -> float | None:
    """Seconds of all runs of a task; None where its statistics are missing or older than its end."""
    stats, run = task.stats, task.execution_info
    if stats is None or run is None or stats.last_update_time is None:
        return None
    if run.end_time is None or stats.last_update_time < run.end_time:
        return None
    span = duration(stats.wall_clock_time)
    return span.total_seconds() if span is not None else None


def _by_day(start: datetime, end: datetime) -> Iterator[tuple[datetime, float]]:
    """The UTC days that a span touches, with the seconds in each."""
    at = start.astimezone(UTC)
    while at < end:
        day = datetime.combine(at.date(), time(), UTC)
        until = min(day + _DAY, end)
        yield day, (until - at).total_seconds()
        at = until
