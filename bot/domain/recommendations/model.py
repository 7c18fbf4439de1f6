"""A recommendation, and the facts that the rules are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from types import MappingProxyType
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.entity import Entity
from bot.domain.money.advice import PoolNow
from bot.domain.money.movers import PoolSpan
from bot.domain.pools import PoolFacts
from bot.domain.price import HourlyCost
from storage.port.runs import JobRun

Kind: TypeAlias = Literal[
    "idle",
    "broken",
    "formula",
    "spot",
    "waiting",
    "starting",
    "idle now",
    "dead formula",
    "stale error",
    "forgotten pools",
    "image ends",
    "size ends",
    "signature ends",
    "zombie jobs",
    "stuck schedule",
    "forgotten schedules",
    "retries",
    "short tasks",
    "too wide",
    "empty slots",
    "spot losses",
    "old agent",
    "full disk",
    "task signature ends",
]
"""What it is about. The first six are kinds of :data:`bot.domain.money.advice.AdviceKind`."""
MEASURED: frozenset[Kind] = frozenset(("idle", "broken", "formula", "spot", "waiting", "starting"))
"""Those whose loss is measured anew, so that what became of them is a difference of two measurements."""
ONE_BY_ONE: frozenset[Kind] = frozenset(("too wide", "old agent", "full disk", "task signature ends"))
"""Those for which pools and jobs are looked at one by one, so that some may not have been (:attr:`Case.unread`)."""
Risk: TypeAlias = Literal[0, 1, 2, 3, 4, 5]
"""0: it only costs; 1: untidy; 2: takes of a quota, or comes within 90 days; 3: holds work up, or comes within 30 days;
4: will within 7 days, or pools do not follow their load; 5: new nodes or tasks fail already."""


class Recommendation(Struct, frozen=True, kw_only=True):
    """One thing to do. ``words`` say what is so and ``harm`` what it leads to, both without full stop.

    ``week`` is money a week in ``currency``: what it cost over the last 7 days where it was ``measured``, else what it
    costs a week as it stands; None where it is none, or not known. ``command`` does it or shows more, its button says
    ``button``; ``changes`` where it changes something, ``form`` where it opens a form. ``of`` are the entities of one
    that is about many at once.
    """

    kind: Kind
    about: Entity
    words: str
    button: str
    command: str
    harm: str = ""
    changes: bool = False
    form: bool = False
    since: datetime | None = None
    week: float | None = None
    currency: str = ""
    measured: bool = False
    risk: Risk = 0
    of: tuple[Entity, ...] = ()

    @property
    def concerned(self) -> tuple[Entity, ...]:
        """What it is about, one by one."""
        return self.of or (self.about,)

    @property
    def order(self) -> tuple[float, int, str, str]:
        """Where it stands in a list: by money, then by risk."""
        return -(self.week or 0.0), -self.risk, self.kind, self.about.id

    def id(self, account: str) -> str:
        """What it is called in commands: eight hexadecimal digits, the same as long as it is about the same."""
        text = "\0".join((account, self.kind, *self.about.identity))
        return blake2b(text.encode(), digest_size=4).hexdigest()


class NodesStanding(Struct, frozen=True, kw_only=True):
    """What the nodes of a pool tell of themselves.

    ``agents`` counts them by the version of Batch's agent, ``agent_since`` is when the one that waits longest had its
    last. ``full`` are those whose disk is full. ``tasks_a_day`` is how many a node runs a day at most, by its own
    counter, ``ran`` how many it ran at most since it was made.
    """

    read: int = 0
    agents: Mapping[str, int] = MappingProxyType({})
    agent_since: datetime | None = None
    full: tuple[str, ...] = ()
    tasks_a_day: float = 0.0
    ran: int = 0


class Width(Struct, frozen=True, kw_only=True):
    """How wide a pool was in the last 7 days, in cores, by means of five minutes: ``most`` at once, ``mean`` of all.

    ``used`` is the most that was busy at once. ``seen`` is the share of the 7 days that was sampled.
    """

    most: float
    mean: float
    used: float
    seen: float


class Output(Struct, frozen=True, kw_only=True):
    """What a task of a pool left on its node, as seen at one that is over: ``task`` of ``job`` left ``size`` bytes for
    the time ``kept``. ``disk`` is what a node of the size has for it, in bytes; 0 is not known.
    """

    job: str
    task: str
    size: int
    kept: timedelta
    disk: int = 0


class PoolStanding(Struct, frozen=True, kw_only=True):
    """A pool with what is known beside its facts.

    ``image`` in words and ``image_ends``, ``size_ends``: the end of support, None where the service names none.
    ``signed_until`` is the end of the first signature in what new nodes download before their start task. ``idle`` is
    how many nodes idle, None where that was not read; ``hourly`` what these cost. ``slots`` are for tasks, on one node,
    and ``packed`` whether tasks fill one node before the next. ``cores`` are those of a node. ``nodes`` is what its
    nodes tell of themselves, ``width`` how wide it was over the last 7 days, ``used_slots`` on which of these days
    (UTC) how many slots of one node were in use at once at most, and ``output`` what its tasks leave on their nodes;
    None and nothing where that was not looked at.
    """

    facts: PoolFacts
    image: str = ""
    image_ends: datetime | None = None
    size_ends: datetime | None = None
    signed_until: datetime | None = None
    idle: int | None = None
    idle_since: datetime | None = None
    hourly: HourlyCost | None = None
    slots: int = 1
    packed: bool = False
    cores: int = 0
    nodes: NodesStanding | None = None
    width: Width | None = None
    used_slots: Mapping[str, int] = MappingProxyType({})
    output: Output | None = None


class Signed(Struct, frozen=True, kw_only=True):
    """Signed addresses of a job's own tasks (manager, preparation) and of those of its tasks that wait.

    ``until`` is the earliest end of one, None where none is signed; it stands in ``task`` (empty: the job's own). Of
    ``read`` tasks that wait ``ending`` have one that ends as early, or within the hour after it.
    """

    until: datetime | None = None
    task: str = ""
    ending: int = 0
    read: int = 0


class JobStanding(Struct, frozen=True, kw_only=True):
    """A job that is not over. ``pool`` is where it runs, ``schedule`` made it.

    ``tasks`` and ``unfinished`` are counts, None where they were not read. ``quiet_since`` is a time since when none of
    its tasks has moved, None where that is not known. ``through`` is when it has done all its tasks at the pace of the
    last hour. ``signed`` is what its tasks that wait are signed with, None where they were not read.
    """

    id: str
    state: str
    pool: str = ""
    schedule: str = ""
    created: datetime | None = None
    tasks: int | None = None
    unfinished: int | None = None
    quiet_since: datetime | None = None
    through: datetime | None = None
    signed: Signed | None = None


class ScheduleStanding(Struct, frozen=True, kw_only=True):
    """A job schedule; ``pool`` names where its jobs run, empty for automatic pools.

    ``next_run`` is when it starts a job next, ``signed_until`` the end of the first signature in what its jobs' own
    tasks (manager, preparation, release) and the start task of its automatic pool download.
    """

    id: str
    state: str
    state_since: datetime | None = None
    pool: str = ""
    next_run: datetime | None = None
    signed_until: datetime | None = None


class Spent(Struct, frozen=True):
    """What pools cost over the last 7 days, by own samples: ``spans``, and how the pools stand ``now`` by folded id.

    ``whole`` where most of these days were sampled: what is not there was not spent then.
    """

    spans: Sequence[PoolSpan]
    now: Mapping[str, PoolNow]
    currency: str = ""
    whole: bool = False


class Case(Struct, frozen=True, kw_only=True):
    """The account of that name as of ``at``. What is None was not read: nothing is said of it, and nothing is over.

    ``images`` and ``sizes`` say whether their ends of support were read. ``unknown`` are kinds of which too little was
    to say that any is over, ``unread`` pools and jobs that were not asked what each has to be asked by itself.
    """

    account: str
    at: datetime
    pools: Sequence[PoolStanding] | None = None
    jobs: Sequence[JobStanding] | None = None
    schedules: Sequence[ScheduleStanding] | None = None
    runs: Sequence[JobRun] | None = None
    spent: Spent | None = None
    images: bool = False
    sizes: bool = False
    unknown: frozenset[Kind] = frozenset()
    unread: frozenset[Entity] = frozenset()


class Judged(Struct, frozen=True):
    """What was found, in its order, and of which kinds all that there is."""

    found: tuple[Recommendation, ...]
    kinds: frozenset[Kind]
