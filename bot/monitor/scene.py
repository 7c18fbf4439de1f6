"""What is known of an account: views of its entities, and the scene that alert rules read.

Views are kept in memory and stored where they changed, so that "idle since" and "no progress since" survive a restart.
Times are the service's, aware; spans are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct, field

from bot.azure.models.price import NO_PRICES, Prices
from bot.domain.entity import fold
from bot.domain.failures import Example
from bot.domain.findings import CauseCount
from bot.domain.job_health import JobFacts
from bot.domain.money.anomalies import Anomaly
from bot.domain.money.budgets import BudgetState
from bot.domain.nodes import NodeFacts
from bot.domain.pools import PoolFacts
from bot.domain.retries import Retried
from bot.domain.schedule_health import ScheduleFacts
from storage.port.monitoring import Transition

V = TypeVar("V")
MONEY_AGE = timedelta(minutes=45)
"""Three looks at money (:data:`bot.reports.watch.EVERY`): an older one is not taken for how it stands."""
Area: TypeAlias = Literal["pools", "nodes", "jobs", "tasks", "schedules", "quota", "money"]
"""A part of an account that is read at one go; what was not read in a poll is not judged anew."""


NodeView: TypeAlias = NodeFacts
"""A node in trouble."""


class Rest(Struct, frozen=True):
    """From when to when a pool idled, and with how many nodes at least."""

    since: datetime
    until: datetime
    nodes: int


class PoolView(PoolFacts):
    """A pool. ``troubled`` has the nodes that are unusable, unknown, offline, preempted or failed their start task.

    ``tags`` is its metadata. ``autoscale_off`` is True where it was seen without a formula. ``idle_since`` is since
    when it has had idle nodes and none at work or booting, ``idle_least`` how many at least, ``idle_read`` whether the
    nodes were asked since when, or it was seen to begin. ``rested`` is when it idled last, of idling that was seen to
    be worth an alert; ``free_at`` when it was seen last to have an idle node, before it had none. ``preempted_at`` are
    the last times at which nodes were seen preempted, newest last, an hour's worth. ``used_slots`` is by day (UTC,
    ``2026-11-30``) how many task slots of one node were in use at once at most. ``boxed`` are the nodes of what the
    black box keeps, by what is wrong.
    """

    since: datetime | None = None
    slots: int = 1
    autoscale_off: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    idle_since: datetime | None = None
    idle_least: int = 0
    idle_read: bool = False
    rested: Rest | None = None
    free_at: datetime | None = None
    boxed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    used_slots: dict[str, int] = field(default_factory=dict)
    preempted_at: list[datetime] = field(default_factory=list)


class Held(Struct, frozen=True):
    """Why a job's tasks wait though its pool has nodes for them, as its tasks showed it when they were ``read``.

    ``id`` is the row or clue that tells it, ``cause`` its sentence, ``evidence`` what shows it; ``names`` are what
    stands for ``{task}``, ``{pool}``, … in the commands of the row. ``harm`` is False where it is about to be over.
    """

    id: str
    cause: str = ""
    evidence: str = ""
    names: dict[str, str] = {}
    harm: bool = True
    read: datetime = datetime.min.replace(tzinfo=UTC)


class JobView(JobFacts):
    """A job that is not over, or ended lately.

    ``causes`` say why tasks failed, for those that were seen to fail; ``failures`` is how many these are,
    ``exhausted`` how many of them had used up all their retries, ``failed_at`` the last time.
    ``examples`` are tasks of the causes that are exit codes, a few of each, read for what they
    printed. ``running_slots`` are the task slots that its running tasks take. ``rate`` are (time, completed, failed) of
    the last hour, for rates and the time left. ``counted`` is as of when its counts are, ``exact`` when the service was
    asked for them: in between they are kept up by what its nodes tell. ``unseen`` is how many more failed tasks were
    counted than seen, when they were looked for last: less than 0 where tasks were run again.

    ``past`` is True while failures from before the first look may be there and were not read; ``learned`` is when they
    were, where they are many, or when failures were read late because nobody had looked. ``retried`` are tasks that are
    not over and were run again, as they were seen last. ``boxed`` are the nodes of what the black box keeps, by cause.
    ``held`` is why its tasks wait, once they were looked into. ``vanished`` is how many of the failures an event told
    first: where counts do not have them, their tasks are gone, not run again.
    """

    since: datetime | None = None
    before: str = ""
    ended: datetime | None = None
    schedule: str = ""
    exact: datetime | None = None
    unseen: int = 0
    running_slots: int = 0
    failures: int = 0
    exhausted: int = 0
    failed_at: datetime | None = None
    failing_since: datetime | None = None
    causes: dict[str, CauseCount] = field(default_factory=dict)
    examples: dict[str, tuple[Example, ...]] = field(default_factory=dict)
    rate: list[tuple[datetime, int, int]] = field(default_factory=list)
    past: bool = False
    learned: datetime | None = None
    retried: dict[str, Retried] = field(default_factory=dict)
    boxed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    held: Held | None = None
    vanished: int = 0

    @property
    def failure_heard(self) -> datetime | None:
        """When a failure was news last: when it happened, or when it was learned of."""
        return max(filter(None, (self.failed_at, self.learned)), default=None)


class ScheduleView(ScheduleFacts):
    """A job schedule; ``job`` is the last job it made."""

    since: datetime | None = None
    created: datetime | None = None
    job: str = ""


class QuotaView(Struct, frozen=True):
    """What an account may have and has: (what in words, used, limit), such as ("dedicated cores", 120, 350).

    ``wanted`` are those of which somebody wants more than there is.
    """

    rows: tuple[tuple[str, int, int], ...] = ()
    wanted: tuple[str, ...] = ()


class UnusualView(Struct, frozen=True):
    """A day that cost unusually much, which nobody has answered to, and when it was ``found`` (the bot's clock)."""

    anomaly: Anomaly
    found: datetime


class MoneyView(Struct, frozen=True):
    """How the money of an account stands, in ``currency``; ``as_of`` is the look at it (the bot's clock)."""

    currency: str = ""
    budgets: tuple[BudgetState, ...] = ()
    unusual: tuple[UnusualView, ...] = ()
    as_of: datetime | None = None

    def current(self, now: datetime) -> bool:
        """Whether it was looked at within :data:`MONEY_AGE`: what is older says nothing of now."""
        return self.as_of is not None and now - self.as_of <= MONEY_AGE


class Blindness(Struct, frozen=True):
    """The account cannot be read: since when (the bot's clock), the code, and the words."""

    since: datetime
    code: str
    message: str
    times: int = 1


class Scene(Struct, kw_only=True):
    """An account after a poll.

    ``at`` is the service's time of the poll, ``read`` the areas that were read in it, ``news`` the transitions that
    are new. ``ended`` are the jobs that vanished in it or are over: these again in each poll until their last counts
    and failures were read, so that the first one may know less of them (see ``final``). ``prices`` are those of the
    account's region, without any while they are unknown. ``money`` is how it stood at the last look at it, which is
    rarer. ``behind`` is until when streams are known (tasks: failures; nodes: those in trouble; counts: of jobs that
    are over) of which not all could be read in this poll.

    ``pools``, ``jobs`` and ``schedules`` are by their own spelling of the id. Ask :meth:`pool` and its like for what
    something else names, for its spelling may be another.
    """

    account: str
    at: datetime
    read: frozenset[Area]
    pools: Mapping[str, PoolView]
    jobs: Mapping[str, JobView]
    schedules: Mapping[str, ScheduleView]
    quota: QuotaView = QuotaView()
    news: tuple[Transition, ...] = ()
    ended: tuple[JobView, ...] = ()
    blind: Blindness | None = None
    prices: Prices = NO_PRICES
    money: MoneyView = MoneyView()
    behind: Mapping[str, datetime] = field(default_factory=dict)
    _folded: dict[str, Any] = field(default_factory=dict)

    def pool(self, name: str) -> PoolView | None:
        """The pool of that id, in any case."""
        return self.pools.get(name) or self._by_id("pools", self.pools).get(fold(name))

    def job(self, name: str) -> JobView | None:
        """The job of that id, in any case."""
        return self.jobs.get(name) or self._by_id("jobs", self.jobs).get(fold(name))

    def jobs_in(self, pool: str) -> Sequence[JobView]:
        """The jobs of a pool."""
        found: dict[str, list[JobView]] | None = self._folded.get("jobs_in")
        if found is None:
            found = self._folded["jobs_in"] = {}
            for job in self.jobs.values():
                found.setdefault(fold(job.pool), []).append(job)
        return found.get(fold(pool), ())

    def _by_id(self, what: str, entities: Mapping[str, V]) -> Mapping[str, V]:
        """The same by folded id; made once, for a scene does not change."""
        if what not in self._folded:
            self._folded[what] = {fold(name): entity for name, entity in entities.items()}
        found: Mapping[str, V] = self._folded[what]
        return found
