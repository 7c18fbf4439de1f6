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

from bot.clock import Clock
from bot.monitor.scene import Scene
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError

log = structlog.get_logger()

_AFTER_FAILURE = 5.0
"""Seconds until another poll where the store or the program failed."""


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
        self._observers = list(observers)
        self._saw = saw
        self._clock = clock
        self._after = list(after)
        self._nudges = {observer.name: asyncio.Event() for observer in self._observers}

    async def run(self) -> None:
        """Watch until cancelled. One account that fails does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for observer in self._observers:
                group.create_task(self._watch(observer), name=f"watch {observer.name}")

    def nudge(self, account: str) -> None:
        """Poll an account now, rather than when it is due."""
        if account in self._nudges:
            self._nudges[account].set()

    async def _watch(self, observer: Polls) -> None:
        loaded = False
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
                wait = observer.wait
            except StoreError as error:
                log.error("monitor.not_stored", account=observer.name, message=str(error))  # noqa: TRY400 - it says all
                loaded = False
            except Exception:
                log.exception("monitor.failed", account=observer.name)
                loaded = False
            # On the beat: a poll that took long is followed by a shorter rest.
            await self._clock.until(nudged, max(wait - (self._clock.elapsed() - began), wait / 4))

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
