"""Who watches which account, and who decides on what was seen.

A single program watches all of them, and decides on each poll at once. Of several replicas on one database each watches
its part (:class:`storage.port.replicas.Shares`) and stores what it saw; the one that has the duties decides on that
(:mod:`bot.monitor.look_reader`), wherever it was seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.alerting.service import AlertService
from bot.alerting.wanted import Wanted
from bot.alerting.watched_jobs import WatchedJobs
from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.clock import Clock
from bot.content.clear_store import clearing
from bot.monitor.intake import Intake
from bot.monitor.look_reader import LookReader
from bot.monitor.monitor_status import Timed, Traffic, Watched
from bot.monitor.observer import Observer
from bot.monitor.scene import MoneyView, Scene
from bot.monitor.stored_looks import Figures, look_of
from bot.monitor.watcher import After, Watcher
from bot.ops.probes import Runs
from bot.settings_file import Settings
from storage.opening import Opened
from storage.port.changes import ChangeSet
from storage.port.replicas import Shares
from storage.port.store import Store


class AccountWatching(ABC):
    """The observers of all accounts. :meth:`decide_by` says who decides, before anything runs.

    ``waits``, ``traffic`` and ``clocks`` tell how watching each account stands, wherever it is watched.
    """

    watcher: Watcher
    waits: Mapping[str, Watched]
    traffic: Mapping[str, Traffic]
    clocks: Mapping[str, Timed]

    def __init__(self, accounts: Accounts, store_of: Callable[[str], Store], clock: Clock, settings: Settings) -> None:
        self._accounts, self._clock = {each.name: each for each in accounts}, clock
        self.observers = {
            name: Observer(each, store_of(name), clock, settings.watch, settings.keep, _intake(accounts, each, clock))
            for name, each in self._accounts.items()
        }

    @abstractmethod
    def decide_by(self, alerts: AlertService, jobs: WatchedJobs, after: Iterable[After]) -> None:
        """These alerts decide on what is seen, and ``after`` is called then; ``jobs`` has those that are followed."""

    @abstractmethod
    def of_any(self) -> dict[str, Runs]:
        """What runs in any replica, with the duties or without them."""

    @abstractmethod
    def of_duties(self) -> dict[str, Runs]:
        """What runs where the duties are."""

    @abstractmethod
    def count_watched(self, account: str) -> None:
        """Jobs that somebody watches are counted in every look, and what is subscribed comes first."""

    @abstractmethod
    def money_is(self, account: str, money: MoneyView) -> None:
        """How an account's money stands goes into its next looks, where the alert rules find it."""

    @abstractmethod
    def poll_now(self, account: str) -> None:
        """Somebody began to watch a job: do not let them wait for the next poll."""

    async def close(self) -> None:  # noqa: B027 - who watches alone has opened nothing
        """Let go of what it opened."""


class WatchingAlone(AccountWatching):
    """One program watches all accounts, and decides on each poll at once."""

    def __init__(self, accounts: Accounts, store: Store, clock: Clock, settings: Settings) -> None:
        super().__init__(accounts, lambda _: store, clock, settings)
        self.waits, self.clocks = self.observers, self._accounts
        self.traffic = {name: each.traffic for name, each in self._accounts.items()}

    def decide_by(self, alerts: AlertService, jobs: WatchedJobs, after: Iterable[After]) -> None:
        """Each poll is decided on as it was made."""
        self._watched, self._asked = jobs.watched, alerts.asked
        self.watcher = Watcher(self.observers.values(), alerts.saw, self._clock, after=[*after, self._polled])

    def of_any(self) -> dict[str, Runs]:
        """None: there is one program."""
        return {}

    def of_duties(self) -> dict[str, Runs]:
        """The watcher."""
        return {"watcher": self.watcher}

    def count_watched(self, account: str) -> None:
        """By what alerting has in memory."""
        observer = self.observers[account]
        observer.watched_jobs, observer.asked = self._watched(account), self._asked(account)

    def money_is(self, account: str, money: MoneyView) -> None:
        """For the next poll."""
        self.observers[account].money = money

    def poll_now(self, account: str) -> None:
        """What is watched is known at once."""
        self.count_watched(account)
        self.watcher.nudge(account)

    async def _polled(self, account: str, scene: Scene, now: datetime) -> None:
        self.count_watched(account)


class WatchingShared(AccountWatching):
    """One of several replicas: it watches its part, stores what it sees, and decides on all looks with the duties.

    ``duties`` is the store of the duties, ``front`` that of any replica; that of an account asks for its epoch.
    """

    def __init__(
        self,
        accounts: Accounts,
        duties: Store,
        front: Store,
        clock: Clock,
        settings: Settings,
        shares: Shares,
        of_account: Callable[[str], Store],
    ) -> None:
        self._stores: dict[str, Store] = {each.name: clearing(of_account(each.name)) for each in accounts}
        super().__init__(accounts, self._stores.__getitem__, clock, settings)
        self._duties, self._front, self._shares = duties, front, shares
        self._figures = {name: Figures() for name in self._accounts}
        self.waits = self.traffic = self.clocks = self._figures

    def decide_by(self, alerts: AlertService, jobs: WatchedJobs, after: Iterable[After]) -> None:
        """Each poll is stored, and what is stored decided on where the duties are."""
        self._wanted = Wanted(self._front, alerts.kinds, lambda: alerts.settings, self._clock)
        self.watcher = Watcher(self.observers.values(), self._hand_over, self._clock, after=[self._polled])
        self._reader = LookReader(self._accounts, self._duties, alerts.saw, self._clock, self._figures, after)

    def of_any(self) -> dict[str, Runs]:
        """The watcher, of this replica's part."""
        return {"watcher": self}

    def of_duties(self) -> dict[str, Runs]:
        """Who reads the looks."""
        return {"looks": self._reader}

    def count_watched(self, account: str) -> None:
        """By what was read of the database last, where others may have the duties."""
        observer = self.observers[account]
        observer.watched_jobs, observer.asked = self._wanted.watched(account), self._wanted.asked(account)

    def money_is(self, account: str, money: MoneyView) -> None:
        """For the next look that is decided on, whoever made it."""
        self._reader.money[account] = money

    def poll_now(self, account: str) -> None:
        """Whoever watches the account is told by the database."""
        self._shares.nudge(account)

    async def run(self) -> None:
        """Watch this replica's part of the accounts, until cancelled."""
        await self._wanted.refresh()
        for account in self.observers:
            self.count_watched(account)
        await self.watcher.share(self._shares)

    async def close(self) -> None:
        """Let go of the connection of this replica's accounts."""
        for store in list(self._stores.values())[:1]:  # they have one together
            await store.close()

    async def _polled(self, account: str, scene: Scene, now: datetime) -> None:
        await self._wanted.refresh()
        self.count_watched(account)

    async def _hand_over(self, scene: Scene, batch: ChangeSet) -> None:
        """Store what this replica saw, for whoever has the duties. Raises StoreError."""
        account, observer = self._accounts[scene.account], self.observers[scene.account]
        traffic = account.traffic
        figures = Figures(
            traffic.calls, traffic.bytes, traffic.throttled, observer.wait, account.doubt, observer.events
        )
        batch.looks = [look_of(scene, figures)]
        await self._stores[scene.account].record(batch)
        self._reader.heard()


def watching_of(
    accounts: Accounts, store: Store, front: Store, clock: Clock, settings: Settings, opened: Opened | None
) -> AccountWatching:
    """As the database was opened. ``store`` is that of the duties, ``front`` that of any replica."""
    if opened and opened.lease:
        return WatchingShared(accounts, store, front, clock, settings, opened.lease.shares, opened.of_account)
    return WatchingAlone(accounts, store, clock, settings)


def _intake(accounts: Accounts, account: Account, clock: Clock) -> Intake | None:
    """Who hears the diagnostic events of an account, where the settings name a hub that has them."""
    hub = accounts.event_hub(account.name)
    return Intake(account.name, account.resource_id, hub, clock, account.now) if hub else None
