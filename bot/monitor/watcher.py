"""The loop of monitoring: poll, judge, store, notify; one account at a time in a task of its own.

A poll and all that follows from it are one transaction. Where that cannot be stored the poll counts as not made, and
the next one sees the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol

import structlog

from bot.clock import Clock, end_tasks
from bot.monitor.scene import Scene
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError, StoreHeld
from storage.port.replicas import Shares

log = structlog.get_logger()

_APART = 0.25
"""Seconds between the first polls of two accounts, which read everything: fifty at once would hold up one another."""
_AFTER_FAILURE = 5.0
"""Seconds until another poll where the store or the program failed."""
_GLANCE = 0.25
"""Seconds between two looks at which accounts are this replica's."""


class Poll(Protocol):
    """What one reading of an account gave: the scene, and what is to be stored of it."""

    @property
    def scene(self) -> Scene:
        """What alert rules judge."""
        ...

    @property
    def batch(self) -> ChangeSet:
        """Transitions, cursors, snapshots."""
        ...


class Polls(Protocol):
    """What is needed of :class:`bot.monitor.observer.Observer`."""

    @property
    def name(self) -> str:
        """The account's name."""
        ...

    @property
    def wait(self) -> float:
        """Seconds until the next poll."""
        ...

    async def load(self) -> None:
        """Resume from the store."""
        ...

    async def listen(self) -> None:
        """Hear what is told beside the polls, until cancelled; over at once where nothing is."""
        ...

    async def poll(self) -> Poll:
        """Read the account; never raises for what Azure answers."""
        ...

    def stored(self) -> None:
        """The poll was stored."""
        ...

    def lost(self) -> None:
        """The poll could not be stored: it was not made."""
        ...


Saw = Callable[[Scene, ChangeSet], Awaitable[None]]
After = Callable[[str, Scene, datetime], Awaitable[None]]


class Watcher:
    """Watches accounts. ``saw`` judges and stores a poll, ``after`` is called with each that was stored."""

    def __init__(self, observers: Iterable[Polls], saw: Saw, clock: Clock, after: Iterable[After] = ()) -> None:
        self._observers = {observer.name: observer for observer in observers}
        self._saw = saw
        self._clock = clock
        self._after = list(after)
        self._nudges = {observer.name: asyncio.Event() for observer in self._observers.values()}

    async def run(self) -> None:
        """Watch until cancelled. One account that fails does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for place, observer in enumerate(self._observers.values()):
                group.create_task(self._watch(observer, place), name=f"watch {observer.name}")

    async def share(self, shares: Shares) -> None:
        """Watch what is this replica's of the accounts, as long as it is, until cancelled."""
        shares.want(self._observers)
        tasks: dict[str, tuple[int, asyncio.Task[None]]] = {}
        nudged: dict[str, int] = {}
        try:
            while True:
                mine = shares.mine()
                await end_tasks(
                    tasks.pop(name)[1] for name, (epoch, _) in list(tasks.items()) if mine.get(name) != epoch
                )
                for place, name in enumerate(sorted(mine.keys() - tasks.keys())):
                    task = asyncio.create_task(self._watch(self._observers[name], place), name=f"watch {name}")
                    tasks[name] = mine[name], task
                for name, times in shares.nudged().items():
                    if nudged.setdefault(name, times) != times:
                        nudged[name] = times
                        self.nudge(name)
                await asyncio.sleep(_GLANCE)
        finally:
            shares.want(())
            await end_tasks(task for _, task in tasks.values())

    def nudge(self, account: str) -> None:
        """Poll an account now, rather than when it is due."""
        if account in self._nudges:
            self._nudges[account].set()

    async def _watch(self, observer: Polls, place: int) -> None:
        """Watch one, so many after the first: hear of it as long as it is polled here."""
        await self._clock.until(self._nudges[observer.name], place * _APART)
        listening = asyncio.create_task(observer.listen(), name=f"listen {observer.name}")
        try:
            await self._poll(observer)
        finally:
            await end_tasks([listening])

    async def _poll(self, observer: Polls) -> None:
        """Poll one. So that not all accounts are polled at one moment, the first wait is a part of the usual one."""
        loaded, first = False, self._turn(observer.name)
        nudged = self._nudges[observer.name]
        while True:
            nudged.clear()
            wait = _AFTER_FAILURE
            began = self._clock.elapsed()
            try:
                if not loaded:
                    await observer.load()
                    loaded = True
                await self.once(observer)
                wait, first = observer.wait * first, 1.0
            except StoreHeld:
                log.info("monitor.watched_by_another", account=observer.name)
                loaded = False
            except StoreError as error:
                log.error("monitor.not_stored", account=observer.name, message=str(error))  # noqa: TRY400 - it says all
                loaded = False
            except Exception:
                log.exception("monitor.failed", account=observer.name)
                loaded = False
            # On the beat: a poll that took long is followed by a shorter rest.
            await self._clock.until(nudged, max(wait - (self._clock.elapsed() - began), wait / 4))

    def _turn(self, name: str) -> float:
        """The part of a period after which an account's second poll comes: a whole one for a single account."""
        return (list(self._observers).index(name) + 1) / len(self._observers)

    async def once(self, observer: Polls) -> None:
        """One poll. Raises StoreError where it could not be stored."""
        polled = await observer.poll()
        try:
            await self._saw(polled.scene, polled.batch)
        except BaseException:
            observer.lost()
            raise
        observer.stored()
        for after in self._after:
            try:
                await after(observer.name, polled.scene, self._clock.now())
            except Exception:  # what follows a poll does not keep the next one from being made
                log.exception("monitor.listener_failed", account=observer.name)
