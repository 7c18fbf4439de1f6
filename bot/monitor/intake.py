"""What an event hub tells of an account, between two looks: heard as it comes, and drawn by the next look.

A look takes what waits, and stores it with how far each partition was heard, in one transaction
(:mod:`bot.monitor.diagnostic_events`). What was not stored still waits, or is heard again after a restart: the hub is
read from :data:`~bot.monitor.account_state.OVERLAP` before what was stored, and what is heard twice is told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from msgspec import Struct

from bot.azure.errors import AzureError
from bot.azure.event_hub import Arrived, Heard
from bot.azure.models.diagnostic import Diagnostic, decode
from bot.clock import Clock, backoff
from bot.monitor.account_state import OVERLAP

log = structlog.get_logger()

STREAM = "events "
"""Before a partition's name: the name of its cursor."""
MOST = 5000
"""Events that wait for a look. While so many do, the hub is not read on: it keeps them."""
PATIENCE = timedelta(minutes=2)
"""For how long the hub may be out of reach before that is told; it keeps what comes meanwhile."""
_LONGEST = 300.0
"""Seconds between two attempts to reach the hub, at most."""


class Hub(Protocol):
    """What is needed of :class:`bot.azure.event_hub.EventHub`."""

    async def partitions(self) -> list[str]:
        """The names of its partitions. Raises AzureError."""
        ...

    async def receive(self, since: Mapping[str, datetime], heard: Heard) -> None:
        """Hear events until that fails. Raises AzureError."""
        ...


class IntakeStatus(Struct, frozen=True, omit_defaults=True):
    """How the intake of an account's events stands. Counts are since this program began to watch the account.

    ``heard`` are events of the account, ``told`` those of which nothing had been known, ``malformed`` records that are
    none. ``last`` is when the last one was written and ``late`` by how many seconds it came later. ``error`` is why the
    hub cannot be read ``since`` then, after so many attempts (``times``); empty while it can. ``open`` is whether it
    was reached.
    """

    heard: int = 0
    told: int = 0
    malformed: int = 0
    last: datetime | None = None
    late: float = 0.0
    open: bool = False
    error: str = ""
    since: datetime | None = None
    times: int = 0

    def failing(self, now: datetime) -> bool:
        """Whether it is worth telling that the hub cannot be read: connections end now and then, and come again."""
        return bool(self.since and now - self.since >= PATIENCE)


class Waiting(Struct, frozen=True):
    """What a look takes: events, and until when each partition was heard, by its stream."""

    events: tuple[Diagnostic, ...] = ()
    positions: Mapping[str, datetime] = {}


class Intake:
    """Hears what a hub says of one account; :meth:`run` as long as this replica watches it."""

    def __init__(self, account: str, resource_id: str, hub: Hub, clock: Clock, now: Callable[[], datetime]) -> None:
        """``now`` is the service's time."""
        self._account = account
        self._resource_id = resource_id
        self._hub = hub
        self._clock = clock
        self._now = now
        self._inbox: list[Diagnostic] = []
        self._at: dict[str, datetime] = {}
        """Until when each partition was heard, whether or not that is stored."""
        self._taken = 0
        self._room = asyncio.Event()
        self._heard = self._told = self._malformed = self._times = 0
        self._last: datetime | None = None
        self._late = 0.0
        self._open = False
        self._error = ""
        self._since: datetime | None = None

    @property
    def status(self) -> IntakeStatus:
        """How it stands."""
        return IntakeStatus(
            self._heard,
            self._told,
            self._malformed,
            self._last,
            self._late,
            self._open,
            self._error,
            self._since,
            self._times,
        )

    def waiting(self) -> Waiting:
        """What waits for a look. It goes on waiting until :meth:`settle`."""
        self._taken = len(self._inbox)
        return Waiting(tuple(self._inbox), {STREAM + name: at for name, at in self._at.items()})

    def settle(self, told: int) -> None:
        """The look that took it was stored, and so many transitions came of it."""
        del self._inbox[: self._taken]
        self._taken = 0
        self._told += told
        if len(self._inbox) < MOST:
            self._room.set()

    async def run(self, cursors: Mapping[str, datetime]) -> None:
        """Hear, from where the stored cursors are, until cancelled. What cannot be reached is tried again."""
        self._inbox.clear()  # whoever watched meanwhile may have told it
        self._taken = 0
        self._at = {stream.removeprefix(STREAM): at for stream, at in cursors.items() if stream.startswith(STREAM)}
        while True:
            try:
                names = await self._hub.partitions()
                self._at = {name: self._at.get(name) or self._now() for name in names}
                await self._hub.receive({name: at - OVERLAP for name, at in self._at.items()}, self._hear)
            except AzureError as error:
                self._note(error)
            except Exception:
                log.exception("monitor.events_failed", account=self._account)
                self._note(AzureError("Unexpected", "the program failed at what the hub said; its log says more"))
            await self._clock.sleep(backoff(self._times, _LONGEST))

    async def _hear(self, partition: str, arrived: Sequence[Arrived]) -> None:
        self._reached()
        malformed = 0
        for each in arrived:
            await asyncio.sleep(0)  # a megabyte takes tens of milliseconds, and a hub gives hundreds at once
            while len(self._inbox) >= MOST:
                self._room.clear()
                await self._room.wait()
            found = decode(each.body, self._resource_id, each.enqueued)
            self._malformed += found.malformed
            malformed += found.malformed
            self._inbox += found.events
            self._heard += len(found.events)
            for event in found.events:
                if self._last is None or event.at > self._last:
                    self._last, self._late = event.at, max(0.0, (self._now() - event.at).total_seconds())
            self._at[partition] = max(each.enqueued, self._at.get(partition, each.enqueued))
        if malformed:
            log.warning("monitor.event_malformed", account=self._account, records=malformed)

    def _reached(self) -> None:
        if self._error:
            log.info("monitor.events_restored", account=self._account, after=self._times)
        self._open, self._error, self._since, self._times = True, "", None, 0

    def _note(self, error: AzureError) -> None:
        self._open = False
        self._times += 1
        self._since = self._since or self._clock.now()
        self._error = f"{error.code}: {error.message}"
        log.warning("monitor.events_refused", account=self._account, code=error.code, times=self._times)
