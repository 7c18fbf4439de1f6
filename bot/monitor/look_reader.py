"""What replicas saw of accounts, taken up by the one that has the duties: each look is decided on once, in its order.

A look waits in the store until it is deleted in the very transaction that stores what was decided on it. So it does not
matter which of the two dies when: what was seen is decided on, and once. Accounts do not wait for each other: what
follows a look may ask Azure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import structlog

from bot.azure.models.price import NO_PRICES, Prices
from bot.clock import Clock, end_tasks
from bot.monitor.observer import QUOTA, SOON
from bot.monitor.scene import MoneyView, Scene
from bot.monitor.stored_looks import Figures, Mirror
from bot.monitor.watcher import After
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.looks import StoredLook
from storage.port.monitoring import Cursor, EntitySnapshot

log = structlog.get_logger()

_GLANCE = 0.5
"""Seconds between two looks for what others stored; what this replica stored is known at once."""
_AFTER_FAILURE = 2.0
"""Seconds until the next attempt, where the store or the program failed."""

Saw = Callable[[Scene, ChangeSet, ChangeSet], Awaitable[None]]
"""Judges a scene with what it found, and stores what it decides together with something more."""


class Source(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    async def prices(self) -> Prices:
        """Those of its region."""
        ...


class Store(Protocol):
    """What is needed of the store."""

    async def looks(self, accounts: Collection[str], limit: int = 200) -> list[StoredLook]:
        """Those that wait."""
        ...

    async def record(self, changes: ChangeSet) -> int:
        """Store something."""
        ...

    async def cursors(self, account: str) -> list[Cursor]:
        """Where every stream of an account stands."""
        ...

    async def snapshots(self, account: str) -> list[EntitySnapshot]:
        """All that was last known of an account."""
        ...


class LookReader:
    """Decides on the looks of all accounts; :meth:`run` as long as this replica has the duties.

    ``saw`` judges and stores, ``after`` is called with each look that was decided on. Into ``figures`` goes what
    watching each account takes of whoever watches it. ``money`` is how that stands, as it was told last.
    """

    def __init__(
        self,
        accounts: Mapping[str, Source],
        store: Store,
        saw: Saw,
        clock: Clock,
        figures: dict[str, Figures],
        after: Iterable[After] = (),
    ) -> None:
        self._figures = figures
        self.money: dict[str, MoneyView] = {}
        self._accounts = accounts
        self._store = store
        self._saw = saw
        self._clock = clock
        self._after = list(after)
        self._mirrors: dict[str, Mirror] = {}
        self._prices: dict[str, Prices] = {}
        self._priced: dict[str, datetime] = {}
        self._heard = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        """The accounts whose looks are being decided on."""

    def heard(self) -> None:
        """A look was stored by this very replica."""
        self._heard.set()

    async def run(self) -> None:
        """Decide on what waits, until cancelled."""
        self._mirrors.clear()  # others watched and decided meanwhile
        try:
            while True:
                self._heard.clear()
                try:
                    await self._begin()
                except StoreError as error:
                    log.error("monitor.looks_not_read", message=str(error))  # noqa: TRY400 - it says all
                    await asyncio.sleep(_AFTER_FAILURE)
                with suppress(TimeoutError):  # wait_for of Python 3.11 may forget that it was cancelled
                    async with asyncio.timeout(_GLANCE):
                        await self._heard.wait()
        finally:
            await end_tasks(self._busy.values())
            self._busy.clear()

    async def _begin(self) -> None:
        """Have what waits decided on, of each account by itself. Raises StoreError."""
        waiting: dict[str, list[StoredLook]] = {}
        for look in await self._store.looks(self._accounts.keys() - self._busy.keys()):
            waiting.setdefault(look.account, []).append(look)
        for name, looks in waiting.items():
            self._busy[name] = asyncio.create_task(self._decide(name, looks), name=f"looks {name}")

    async def _decide(self, name: str, looks: list[StoredLook]) -> None:
        """Decide on looks of an account, in their order; where that fails, the rest waits as before."""
        try:
            for look in looks:
                await self._take(look)
        except StoreError as error:
            log.error("monitor.look_not_decided", account=name, message=str(error))  # noqa: TRY400 - it says all
            self._mirrors.pop(name, None)
            await asyncio.sleep(_AFTER_FAILURE)
        except Exception:  # a look that cannot be decided on now is decided on later
            log.exception("monitor.look_failed", account=name)
            self._mirrors.pop(name, None)
            await asyncio.sleep(_AFTER_FAILURE)
        finally:
            self._busy.pop(name, None)
            self._heard.set()  # more may wait

    async def _take(self, look: StoredLook) -> None:
        """Decide on one. Raises StoreError: then it waits as before."""
        name = look.account
        mirror = self._mirrors.get(name)
        if mirror is None:
            mirror = self._mirrors[name] = Mirror(name)
            mirror.restore(await self._store.cursors(name), await self._store.snapshots(name))
        money = self.money.get(name)
        if money is not None and not money.current(self._clock.now()):
            money = None
        seen = mirror.scene(look, await self._prices_of(name), money)
        done = ChangeSet(decided=[look.seq])
        if seen is None:
            log.error("monitor.look_unread", account=name)  # another version's
            await self._store.record(done)
            return
        scene, self._figures[name] = seen
        await self._saw(scene, ChangeSet(transitions=look.transitions), done)
        for after in self._after:
            try:
                await after(name, scene, self._clock.now())
            except Exception:  # what follows a look does not keep the next one from being decided on
                log.exception("monitor.listener_failed", account=name)

    async def _prices_of(self, name: str) -> Prices:
        known, now = self._prices.get(name, NO_PRICES), self._clock.now()
        last = self._priced.get(name)
        if last is None or now - last >= (QUOTA if known else SOON):
            self._priced[name] = now
            self._prices[name] = known = await self._accounts[name].prices()
        return known
