"""What is known of an account: views of its entities, and the scene that kinds look at.

Views are kept in memory and stored where they changed, so that "idle since" and "no progress since" survive a restart.
Times are the service's, aware; spans are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct, field

from bot.azure.models import NodeCounts
from bot.domain.findings import CauseCount
from storage.port.monitoring import Transition

Area: TypeAlias = Literal["pools", "nodes", "jobs", "tasks", "schedules", "quota"]
"""A part of an account that is read at one go; what was not read in a look is not judged anew."""


class NodeView(Struct):
    """A node in trouble. ``errors`` and ``start_task`` are (code, message) as the service tells them."""

    id: str
    state: str
    since: datetime
    dedicated: bool = True
    vm_size: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    start_task: tuple[str, str] | None = None
    start_exit: int | None = None


class PoolView(Struct):
    """A pool. ``troubled`` has the nodes that are unusable, unknown, offline, preempted or failed their start task.

    ``idle_since`` is since when it has had idle nodes and none at work or booting, ``idle_least`` how many at least;
    ``preempted_at`` the last times at which nodes were seen preempted, newest last, an hour's worth.
    """

    id: str
    state: str = ""
    since: datetime | None = None
    created: datetime | None = None
    allocation: str = ""
    allocation_since: datetime | None = None
    vm_size: str = ""
    windows: bool = False
    slots: int = 1
    dedicated: int = 0
    spot: int = 0
    target_dedicated: int = 0
    target_spot: int = 0
    resize_timeout: float = 900.0
    resize_errors: tuple[tuple[str, str], ...] = ()
    autoscale: bool = False
    autoscale_interval: float = 900.0
    autoscale_at: datetime | None = None
    autoscale_error: tuple[str, str] | None = None
    counts: tuple[NodeCounts, NodeCounts] = field(default_factory=lambda: (NodeCounts(), NodeCounts()))
    """Dedicated and spot nodes by state."""
    troubled: dict[str, NodeView] = field(default_factory=dict)
    idle_since: datetime | None = None
    idle_least: int = 0
    preempted_at: list[datetime] = field(default_factory=list)

    def nodes(self, state: str) -> int:
        """How many nodes are in a state, by the name of a column of :class:`bot.azure.models.NodeCounts`."""
        return sum(int(getattr(each, state)) for each in self.counts)


class Example(Struct, frozen=True):
    """A task that ended with an exit code, looked at for what it printed.

    ``line`` is the one line of its output that tells most, redacted, and ``file`` where it stands; both are empty where
    that is not known. ``tries`` is how often it was looked at; see :mod:`bot.monitor.evidence` for how often it is.
    """

    task: str
    line: str = ""
    file: str = ""
    tries: int = 0


class JobView(Struct):
    """A job that is not over, or ended in this look.

    ``active`` to ``failed`` are counts of tasks (None before they were read), ``progressed`` is when they last showed
    that something ended or began. ``causes`` tell why tasks failed, for those that were seen to fail; ``failures``
    is how many these are, ``exhausted`` how many of them had used up all their retries, ``failed_at`` the last time.
    ``examples`` are tasks of the causes that are exit codes, a few of each, looked at for what they printed.
    ``rate`` are (time, completed, failed) of the last hour, for rates and the time left.
    """

    id: str
    state: str = ""
    since: datetime | None = None
    before: str = ""
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    pool: str = ""
    schedule: str = ""
    priority: int = 0
    reason: str = ""
    scheduling_error: tuple[str, str] | None = None
    active: int | None = None
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    counted: datetime | None = None
    progressed: datetime | None = None
    failures: int = 0
    exhausted: int = 0
    failed_at: datetime | None = None
    failing_since: datetime | None = None
    causes: dict[str, CauseCount] = field(default_factory=dict)
    examples: dict[str, tuple[Example, ...]] = field(default_factory=dict)
    rate: list[tuple[datetime, int, int]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All its tasks, as far as they were counted."""
        return (self.active or 0) + self.running + self.succeeded + self.failed


class ScheduleView(Struct):
    """A job schedule. ``interval`` is its recurrence in seconds, ``due`` its next run as the service tells it.

    ``job`` is the last job it made; ``missed`` the due time that passed without a new one.
    """

    id: str
    state: str = ""
    since: datetime | None = None
    created: datetime | None = None
    interval: float | None = None
    due: datetime | None = None
    job: str = ""
    missed: datetime | None = None


class QuotaView(Struct, frozen=True):
    """What an account may have and has: (what in words, used, limit), such as ("dedicated cores", 120, 350)."""

    rows: tuple[tuple[str, int, int], ...] = ()


class Blindness(Struct, frozen=True):
    """The account cannot be read: since when (the bot's clock), the code, and the words."""

    since: datetime
    code: str
    message: str
    times: int = 1


class Scene(Struct, kw_only=True):
    """An account after a look.

    ``at`` is the service's time of the look, ``read`` the areas that were read in it, ``news`` the transitions that
    are new, ``gone`` the jobs and pools that ended or vanished in it. ``hourly`` prices a pool's nodes per hour as they
    are now (None where the price is unknown).
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
    hourly: Callable[[PoolView, int], str] = lambda pool, nodes: ""
    """The price of so many of a pool's nodes per hour in words, such as "$3.40/h"; empty where it is unknown."""
