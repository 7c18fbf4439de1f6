"""Monitoring and delivery status: for the command ``status``, for health and for metrics.

:class:`Status` and its rows are what commands see; :class:`MonitorStatus` keeps them up to date.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple, Protocol

from msgspec import Struct, field

from bot.azure.clock import Doubt
from bot.clock import Clock
from bot.monitor.backfill import HistoryStatus
from bot.monitor.background import Background, BackgroundStatus
from bot.monitor.intake import IntakeStatus
from bot.monitor.scene import Blindness, Scene
from bot.outbox.destination_queue import DestinationStatus
from bot.outbox.sender import Totals
from storage.port.condition import StoreCondition
from storage.port.outbox import WEBHOOK
from storage.port.replicas import Lease, Replica

SPAN = timedelta(minutes=5)
"""Of the figures per minute."""
_LATE = 5
"""So many periods without a poll are too many."""
BEHIND = {"tasks": "failed tasks", "nodes": "nodes in trouble"}
"""The streams that must not be behind, in words; of jobs that are over the last counts may come late."""
BEHIND_FOR = 120.0
"""Seconds from which on it is told that a stream is behind: four polls."""


class AccountStatus(Struct, frozen=True, kw_only=True):
    """How watching an account stands. Times are the bot's clock, spans are seconds.

    ``polled`` is the last poll (None before the first), ``wait`` how long it waits for the next one now, ``calls`` and
    ``received`` are what it takes per minute in calls and bytes. ``throttled`` is since when the account asks for
    less, ``blind`` since when and why it cannot be read. ``doubt`` is the last time of the service's that was not
    believed. ``events`` is how the intake of diagnostic events stands; None where there is none. ``behind`` is by how
    many seconds streams are behind of which not all can be read within the calls a minute that the settings allow:
    tasks, nodes, counts, starts (of tasks) and states (of nodes). ``history`` is how reading what was before the bot
    stands; None where it has none to read.
    """

    name: str
    polled: datetime | None = None
    wait: float = 0.0
    calls: float = 0.0
    received: float = 0.0
    throttled: datetime | None = None
    blind: Blindness | None = None
    behind: Mapping[str, float] = field(default_factory=dict)
    history: HistoryStatus | None = None
    doubt: Doubt | None = None
    events: IntakeStatus | None = None


class Outbox(Struct, frozen=True, kw_only=True):
    """Delivery status: every conversation and webhook of the outbox, and the platforms that do not answer, and why."""

    conversations: tuple[DestinationStatus, ...] = ()
    webhooks: tuple[DestinationStatus, ...] = ()
    down: Mapping[str, str] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)


class Status(Protocol):
    """What is needed of whoever runs the watching and the delivery."""

    @property
    def began(self) -> datetime:
        """When the program began."""
        ...

    def accounts(self) -> Sequence[AccountStatus]:
        """Every account, in the order of the settings."""
        ...

    def outbox(self) -> Outbox:
        """The delivery."""
        ...

    def background(self) -> Sequence[BackgroundStatus]:
        """What runs beside the watching, by name and account."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What else whoever runs the bot should mend, a line each."""
        ...

    def stored(self) -> Sequence[str]:
        """What is wrong with the database, a line each; nothing where all is well."""
        ...

    def replicas(self) -> Sequence[Replica]:
        """The replicas of the program on this database, this one among them; none where there can be one only."""
        ...


class Traffic(Protocol):
    """What is needed of :class:`bot.azure.pipeline.Traffic`: counts since the start."""

    calls: int
    bytes: int
    throttled: int


class Timed(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    @property
    def doubt(self) -> Doubt | None:
        """What its clock said lately that was not believed."""
        ...


class Watched(Protocol):
    """What is needed of :class:`bot.monitor.observer.Observer`."""

    @property
    def wait(self) -> float:
        """Seconds until the next poll."""
        ...

    @property
    def events(self) -> IntakeStatus | None:
        """How the intake of diagnostic events stands; None where there is none."""
        ...


class Posted(Protocol):
    """What is needed of :class:`bot.outbox.OutboxWorker`."""

    totals: Totals

    def status(self) -> list[DestinationStatus]:
        """How every conversation stands."""
        ...

    def down(self) -> dict[str, str]:
        """The platforms that do not answer."""
        ...


def jump(ahead: timedelta) -> str:
    """By how much a clock jumped: ``3000 days ahead``, ``10 min back``."""
    minutes = round(abs(ahead).total_seconds() / 60)
    span = f"{minutes} min"
    if minutes >= _TWO_DAYS:
        span = f"{minutes // 1440} days"
    elif minutes >= _TWO_HOURS:
        span = f"{minutes // 60} h"
    return f"{span} {'ahead' if ahead > timedelta() else 'back'}"


_TWO_HOURS, _TWO_DAYS = 120, 2880


class _Mark(NamedTuple):
    at: datetime
    calls: int
    received: int


class MonitorStatus:
    """Implements :class:`Status`; :meth:`after` is to be called after every poll."""

    def __init__(
        self,
        observers: Mapping[str, Watched],
        traffic: Mapping[str, Traffic],
        post: Posted,
        clock: Clock,
        history: Mapping[str, HistoryStatus] = MappingProxyType({}),
        background: Background | None = None,
        clocks: Mapping[str, Timed] = MappingProxyType({}),
    ) -> None:
        """The mappings go by the accounts' names, in the order of the settings."""
        self.store = StoreCondition()
        """How the database stands; whoever opens it says so here."""
        self._history = history
        self._clocks = clocks
        self._background = background or Background(clock)
        self.began = clock.now()
        self.moved: list[str] = []
        """What the settings name by an id that it has no longer, a line each."""
        self.unread: list[str] = []
        """What of the settings file is not in force, a line each."""
        self._watches: datetime | None = self.began
        """Since when this replica has the duties; None while another one does."""
        self.lease: Lease | None = None
        """Whether the duties are this replica's, where there may be several."""
        self._observers = observers
        self._traffic = traffic
        self._post = post
        self._clock = clock
        self._polled: dict[str, datetime] = {}
        self._blind: dict[str, Blindness | None] = {}
        self._behind: dict[str, Mapping[str, float]] = {}
        self._throttled: dict[str, tuple[datetime, datetime, int]] = {}
        self._marks: dict[str, deque[_Mark]] = {name: deque() for name in observers}
        self.polls: dict[str, int] = dict.fromkeys(observers, 0)

    async def after(self, account: str, scene: Scene, now: datetime) -> None:
        """A poll was made and stored."""
        self._polled[account] = now
        self._blind[account] = scene.blind
        self._behind[account] = {stream: (scene.at - at).total_seconds() for stream, at in scene.behind.items()}
        self.polls[account] += 1
        traffic, marks = self._traffic[account], self._marks[account]
        if self.lease and (not marks or traffic.calls < marks[-1].calls):
            # Another replica watches it now, or has for long, and counts from its own start.
            marks.clear()
            long_ago = now - 2 * SPAN
            self._throttled[account] = long_ago, long_ago, traffic.throttled
        marks.append(_Mark(now, traffic.calls, traffic.bytes))
        while len(marks) > 2 and now - marks[1].at >= SPAN:
            marks.popleft()
        self._note_throttling(account, traffic.throttled, now)

    def _note_throttling(self, account: str, count: int, now: datetime) -> None:
        """Since when the account has been asking for less; over when a span went by without."""
        since, last, before = self._throttled.get(account, (now, now, 0))
        if count > before:
            begun = since if before and now - last <= SPAN else now
            self._throttled[account] = begun, now, count

    def accounts(self) -> list[AccountStatus]:
        """Every account, in the order of the settings."""
        return [self._account(name) for name in self._observers]

    def _account(self, name: str) -> AccountStatus:
        marks = self._marks[name]
        minutes = (marks[-1].at - marks[0].at).total_seconds() / 60 if len(marks) > 1 else 0.0
        calls, received = (
            ((marks[-1].calls - marks[0].calls) / minutes, (marks[-1].received - marks[0].received) / minutes)
            if minutes > 0
            else (0.0, 0.0)
        )
        throttled = self._throttled.get(name)
        return AccountStatus(
            name=name,
            polled=self._polled.get(name),
            wait=self._observers[name].wait,
            calls=calls,
            received=received,
            throttled=throttled[0] if throttled and self._clock.now() - throttled[1] <= SPAN else None,
            blind=self._blind.get(name),
            behind=self._behind.get(name, {}),
            history=self._history.get(name),
            doubt=clock.doubt if (clock := self._clocks.get(name)) else None,
            events=self._observers[name].events,
        )

    def outbox(self) -> Outbox:
        """The delivery."""
        conversations: list[DestinationStatus] = []
        webhooks: list[DestinationStatus] = []
        for each in self._post.status():
            (webhooks if each.where.startswith(f"{WEBHOOK}:") else conversations).append(each)
        return Outbox(
            conversations=tuple(conversations),
            webhooks=tuple(webhooks),
            down=self._post.down(),
            totals=self._post.totals,
        )

    def background(self) -> list[BackgroundStatus]:
        """What runs beside the watching, by name and account."""
        return self._background.all()

    @property
    def notes(self) -> Sequence[str]:
        """What else whoever runs the bot should mend, a line each."""
        return [*self.moved, *self.unread]

    def stands_by(self) -> None:
        """Another replica has the duties, as far as is known."""
        self._watches = None

    def watches(self) -> None:
        """From now on this replica does."""
        self._watches = self._clock.now()

    def replicas(self) -> Sequence[Replica]:
        """The replicas of the program, by their last signs of life."""
        return self.lease.replicas() if self.lease else ()

    def stored(self) -> Sequence[str]:
        """What is wrong with the database, a line each; nothing where all is well."""
        return self.store.troubles()

    def troubles(self) -> Sequence[str]:
        """What keeps the bot from doing its work, a line each; nothing where all works."""
        now = self._clock.now()
        found = [
            f"account {each.name} cannot be read: {each.blind.code}"
            for each in self.accounts()
            if each.blind is not None
        ]
        for each in self.accounts():
            since = each.polled or self._watches
            if since and each.blind is None and (now - since).total_seconds() > _LATE * max(each.wait, 30.0):
                found.append(f"account {each.name} was not polled since {since:%H:%M} UTC")
        found += [
            f"account {each.name}: {words} are {each.behind[stream] // 60:.0f} min late, for want of calls a minute"
            for each in self.accounts()
            for stream, words in BEHIND.items()
            if each.behind.get(stream, 0.0) >= BEHIND_FOR
        ]
        found += [
            f"account {each.name}: the service's clock jumped {jump(each.doubt.ahead)} and is not believed"
            for each in self.accounts()
            if each.doubt is not None
        ]
        found += [
            f"account {each.name}: its diagnostic events cannot be read: {each.events.error.partition(':')[0]}"
            for each in self.accounts()
            if each.events and each.events.failing(now)
        ]
        outbox = self.outbox()
        found += [f"{platform} does not answer: {why}" for platform, why in sorted(outbox.down.items())]
        found += [
            f"{conversation.where} cannot be written to: {conversation.error}"
            for conversation in outbox.conversations
            if conversation.gone_since
        ]
        return [*self.stored(), *found, *self._background.troubles(), *self.notes]
