"""The receipt of a job: what it took, what it cost, what of that came to nothing, and whether that is as usual.

Definitions, so that figures agree everywhere:

- *own* is what its tasks took by their own times, every run of a task: price of the node x slots of the task / slots of
  the node x time. Runs that were made again are *lost*, whatever they were made again for.
- *idle share* is its part of what its pools cost beside, in proportion to its part of their busy core-hours in each
  half hour in which it ran; *boot* is the part of that for nodes that were starting. Over all jobs of a pool, and the
  time in which none ran, own and idle shares sum to what the pool cost, but for what samples miss between two looks:
  by samples alone (:meth:`bot.accounting.service.Accounting.jobs`) the sum is exact.
- *queue* is from the creation of its first task to the first start of one; *boot* of that is the time in which nodes
  of its pool were starting.
- *spot saved* is what its spot core-hours would have cost on dedicated nodes less what they cost, and less the work
  that was lost when tasks were requeued, which would not have been done twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.core_use import WHOLE
from bot.domain.entity import fold
from bot.domain.money.job_tasks import TaskSums
from bot.domain.money.ledger import JobSpend
from bot.domain.money.spend import NOTHING, Spend, total
from storage.port.core_use import IDLE_REASONS, IdleReason
from storage.port.runs import JobRun
from storage.port.samples import Bucket

COMPARED = 10
"""Runs of a schedule that a run is held against."""
ENOUGH = 3
"""Runs that make something usual."""
_SAME = 0.1
"""Of the usual time: a difference below it is none."""
_SAME_SPAN = timedelta(minutes=1)


Part: TypeAlias = Literal["own", "useful", "failed", "lost"] | IdleReason
"""What became of core-hours: useful work, last runs that failed, runs that were made again, or why they were idle."""


class Line(Struct, frozen=True):
    """Core-hours and money of a part; of core-hours without a price there is no money."""

    what: Part
    core_hours: float
    money: float


class Usual(Struct, frozen=True, kw_only=True):
    """A run against those before it, which are ``runs``, the oldest first: medians of what is known of them.

    ``cost`` is with the share of idle, None where too few are known or their currencies differ.
    """

    runs: tuple[JobRun, ...]
    span: timedelta | None = None
    cost: float | None = None
    currency: str = ""


class Receipt(Struct, frozen=True, kw_only=True):
    """What a job came to.

    ``ended`` is None while it goes on, and all is "so far" then, as of ``as_of``. ``counted`` are the tasks that the
    service counts (None: nobody has counted them) and ``counted_failed`` the failed ones; ``tasks`` has those that were
    read. ``sampled_own`` and ``idle_share`` are by own samples,
    None where these do not know the job; ``seen`` is the share of its time that was sampled. ``boot`` is the part of
    the queue in which nodes were starting, None where nothing was sampled.
    """

    account: str
    job: str
    schedule: str
    pool: str
    state: str
    started: datetime
    ended: datetime | None
    as_of: datetime
    counted: int | None
    counted_failed: int = 0
    tasks: TaskSums
    sampled_own: Spend | None = None
    idle_share: Spend | None = None
    seen: float = 0.0
    boot: timedelta | None = None
    usual: Usual | None = None

    @property
    def runtime(self) -> timedelta:
        """How long it ran, or runs."""
        return (self.ended or self.as_of) - self.started

    @property
    def by_samples(self) -> bool:
        """Whether own is by samples: not all tasks could be read or placed, and all of its time was sampled."""
        lacking = self.tasks.unplaced or not self.read_all
        return bool(lacking) and self.sampled_own is not None and self.seen >= WHOLE

    @property
    def own(self) -> Spend:
        """What its tasks took."""
        return self.sampled_own if self.by_samples and self.sampled_own is not None else self.tasks.took

    @property
    def read_all(self) -> bool:
        """Whether all of its tasks were read."""
        return self.counted is not None and self.tasks.tasks >= self.counted

    @property
    def all_tasks(self) -> int | None:
        """How many tasks it has; None where nobody has counted them."""
        return None if self.counted is None else max(self.counted, self.tasks.tasks)

    @property
    def failed(self) -> int:
        """How many of them failed, as far as is known."""
        return max(self.counted_failed, self.tasks.failed)

    @property
    def at_least(self) -> bool:
        """Whether own core-hours and money are lower bounds."""
        return not self.by_samples and (self.tasks.at_least or not self.read_all)

    @property
    def unknown(self) -> bool:
        """Whether nothing is known of what its tasks took, though some ran."""
        return bool(self.tasks.unplaced or not self.read_all) and not self.own.core_hours.total

    @property
    def own_cost(self) -> float | None:
        """Money of its own; None where a price is unknown, or nothing is known of what its tasks took."""
        took = self.own
        return None if took.unpriced or self.unknown else took.cost.total

    @property
    def idle_cost(self) -> float | None:
        """Money of its share of idle; None where it is unknown."""
        share = self.idle_share
        return None if share is None or share.unpriced else share.cost.total

    @property
    def cost(self) -> float | None:
        """Own money and its share of idle; None where its own is unknown. Without the share where that is unknown."""
        own, idle = self.own_cost, self.idle_cost
        return None if own is None else own + (idle or 0.0)

    @property
    def lost_cost(self) -> float | None:
        """Money of runs that were made again; None where a price is unknown."""
        lost = self.tasks.lost
        return None if lost.unpriced else lost.cost.total

    @property
    def spot_saved(self) -> float | None:
        """See the module; 0 without spot nodes, None where a price or the work that was lost is unknown."""
        if not self.own.spot_hours.total:
            return 0.0
        if self.tasks.requeues and self.tasks.unknown_runs:
            return None
        saved, lost = self.own.spot_saved, self.tasks.requeued.if_dedicated
        return None if saved is None or lost is None or self.own.unpriced else saved - lost

    @property
    def longer(self) -> timedelta | None:
        """How much longer than usual it ran, negative where shorter; zero for as usual, None where nothing is usual."""
        if self.usual is None or self.usual.span is None or self.ended is None:
            return None
        more = self.runtime - self.usual.span
        return timedelta() if abs(more) < max(_SAME_SPAN, self.usual.span * _SAME) else more

    def parts(self) -> list[Line]:
        """What it took, by what became of it; all of them sum to own and the share of idle.

        Own is one line where it is by samples, which know no outcomes.
        """
        tasks, share = self.tasks, self.idle_share or NOTHING
        if self.by_samples:
            own = [_line("own", self.own)]
        else:
            took, failed, lost = (_line("own", each) for each in (tasks.took, tasks.failed_spend, tasks.lost))
            core_hours = max(0.0, took.core_hours - failed.core_hours - lost.core_hours)
            own = [
                Line("useful", core_hours, max(0.0, took.money - failed.money - lost.money)),
                replace(failed, what="failed"),
                replace(lost, what="lost"),
            ]
        hours, money = share.core_hours.reasons(), share.cost.reasons()
        return [*own, *(Line(reason, hours[reason], money[reason]) for reason in IDLE_REASONS)]

    def against(self, runs: Iterable[JobRun]) -> Receipt:
        """Held against these runs of its schedule."""
        return replace(self, usual=usual_of(runs, self.job))

    def run(self) -> JobRun | None:
        """What is kept of it; None while it goes on."""
        if self.ended is None:
            return None
        return JobRun(
            account=self.account,
            job=self.job,
            pool=self.pool,
            started=self.started,
            ended=self.ended,
            schedule=self.schedule,
            tasks=self.all_tasks,
            failed=None if self.counted is None else self.failed,
            retries=self.tasks.retries + self.tasks.requeues,
            queue=self.tasks.queue.total_seconds() if self.tasks.queue is not None else None,
            core_seconds=None if self.unknown else self.own.core_hours.total * 3600,
            lost_core_seconds=None if self.unknown else self.tasks.lost.core_hours.total * 3600,
            requeued_core_seconds=None if self.unknown else self.tasks.requeued.core_hours.total * 3600,
            cost=self.own_cost,
            idle_cost=self.idle_cost,
            currency=self.own.currency,
            at_least=self.at_least,
            waits=self.tasks.waits,
            runtimes=self.tasks.runtimes,
            read=self.tasks.tasks,
        )


def _line(what: Part, spend: Spend) -> Line:
    return Line(what, spend.core_hours.total, spend.cost.total)


def usual_of(runs: Iterable[JobRun], job: str) -> Usual:
    """What is usual by the runs of a schedule, without ``job`` itself: of the last :data:`COMPARED` of them."""
    others = sorted((run for run in runs if fold(run.job) != fold(job)), key=lambda run: run.ended)[-COMPARED:]
    currencies = {run.currency for run in others if run.total is not None}
    costs = [run.total for run in others if run.total is not None] if len(currencies) == 1 else []
    return Usual(
        runs=tuple(others),
        span=timedelta(seconds=median(run.seconds for run in others)) if len(others) >= ENOUGH else None,
        cost=median(costs) if len(costs) >= ENOUGH else None,
        currency=currencies.pop() if len(costs) >= ENOUGH else "",
    )


def idle_share_of(job: str, spends: Iterable[JobSpend]) -> Spend:
    """A job's share of what its pools cost beside, of the spends of all jobs over its time."""
    return total(each.idle_share for each in spends if fold(each.job) == fold(job))


def boot_within(buckets: Sequence[Bucket], step: timedelta, since: datetime, until: datetime) -> timedelta | None:
    """How long nodes were starting in [since, until), by buckets of ``step``; None where nothing was sampled.

    A bucket counts by the part of it that lies within.
    """
    if not buckets:
        return None
    booting = timedelta()
    for bucket in buckets:
        if bucket.dedicated.starting + bucket.spot.starting > 0:
            booting += max(timedelta(), min(until, bucket.start + step) - max(since, bucket.start))
    return booting
