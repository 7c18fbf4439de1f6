"""A recommendation, and the facts that the rules are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
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
]
"""What it is about. The first six are kinds of :data:`bot.domain.money.advice.AdviceKind`."""
MEASURED: frozenset[Kind] = frozenset(("idle", "broken", "formula", "spot", "waiting", "starting"))
"""Those whose loss is measured anew, so that what became of them is a difference of two measurements."""
Risk: TypeAlias = Literal[0, 1, 2, 3, 4, 5]
"""0: it only costs; 1: untidy; 2: takes of a quota, or comes within 90 days; 3: holds work up, or comes within 30 days;
4: will within 7 days, or pools do not follow their load; 5: new nodes or tasks fail already."""


class Recommendation(Struct, frozen=True, kw_only=True):
    """One thing to do. ``words`` say what is so and ``harm`` what it leads to, both without full stop.

    ``week`` is money a week in ``currency``: what it cost over the last 7 days where it was ``measured``, else what it
    costs a week as it stands; None where it is none, or not known. ``command`` does it or shows more, its button says
    ``button``; ``changes`` where it changes something, ``form`` where it opens a form.
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

    @property
    def order(self) -> tuple[float, int, str, str]:
        """Where it stands in a list: by money, then by risk."""
        return -(self.week or 0.0), -self.risk, self.kind, self.about.id

    def id(self, account: str) -> str:
        """What it is called in commands: eight hexadecimal digits, the same as long as it is about the same."""
        text = "\0".join((account, self.kind, *self.about.identity))
        return blake2b(text.encode(), digest_size=4).hexdigest()


class PoolStanding(Struct, frozen=True, kw_only=True):
    """A pool with what is known beside its facts.

    ``image`` in words and ``image_ends``, ``size_ends``: the end of support, None where the service names none.
    ``signed_until`` is the end of the first signature in what new nodes download before their start task. ``slots`` are
    for tasks, on one node. ``idle`` is how many nodes idle, None where that was not read; ``hourly`` what these cost.
    """

    facts: PoolFacts
    image: str = ""
    image_ends: datetime | None = None
    size_ends: datetime | None = None
    signed_until: datetime | None = None
    idle: int | None = None
    idle_since: datetime | None = None
    hourly: HourlyCost | None = None


class JobStanding(Struct, frozen=True, kw_only=True):
    """A job that is not over. ``pool`` is where it runs, ``schedule`` made it.

    ``tasks`` and ``unfinished`` are counts, None where they were not read. ``quiet_since`` is a time since when none of
    its tasks has moved, None where that is not known.
    """

    id: str
    state: str
    pool: str = ""
    schedule: str = ""
    created: datetime | None = None
    tasks: int | None = None
    unfinished: int | None = None
    quiet_since: datetime | None = None


class ScheduleStanding(Struct, frozen=True, kw_only=True):
    """A job schedule; ``pool`` names where its jobs run, empty for automatic pools.

    ``next_run`` is when it starts a job next, ``signed_until`` the end of the first signature in what its jobs' own
    tasks (manager, preparation) download.
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

    ``images`` and ``sizes`` say whether their ends of support were read, ``unknown`` are kinds of which too little was
    to say that one is over.
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


class Judged(Struct, frozen=True):
    """What was found, in its order, and of which kinds all that there is."""

    found: tuple[Recommendation, ...]
    kinds: frozenset[Kind]
