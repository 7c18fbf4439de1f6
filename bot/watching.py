"""Who watches which account, and who decides on what was seen.

A single program watches all of them, and decides on each poll at once. Of several replicas on one database each watches
its part (:class:`storage.port.replicas.Shares`) and stores what it saw; the one that has the duties decides on that
(:mod:`bot.monitor.look_reader`), wherever it was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


class AccountWatching:
    """The observers of all accounts. :meth:`decide_by` says who decides, before anything runs.

    ``waits``, ``traffic`` and ``clocks`` tell how watching each account stands, wherever it is watched.
    """

    def __init__(
        self, accounts: Accounts, store: Store, front: Store, clock: Clock, settings: Settings, opened: Opened | None
    ) -> None:
        """``store`` is that of the duties, ``front`` that of any replica."""
        self._accounts, self._clock, self._duties, self._front = (
            {each.name: each for each in accounts},
            clock,
            store,
            front,
        )
        lease = opened.lease if opened else None
        self.shares: Shares | None = lease.shares if lease else None
        self._stores: dict[str, Store] = {
            name: clearing(opened.of_account(name)) if opened and lease else store for name in self._accounts
        }
        self.observers = {
            name: Observer(
                each, self._stores[name], clock, settings.watch, settings.keep, _intake(accounts, each, clock)
            )
            for name, each in self._accounts.items()
        }
        self._figures = {name: Figures() for name in self._accounts}
        self.waits: Mapping[str, Watched] = self._figures if lease else self.observers
        self.traffic: Mapping[str, Traffic] = (
            self._figures if lease else {name: each.traffic for name, each in self._accounts.items()}
        )
        self.clocks: Mapping[str, Timed] = self._figures if lease else self._accounts

    def decide_by(self, alerts: AlertService, jobs: WatchedJobs, after: Iterable[After]) -> None:
        """These alerts decide on what is seen, and ``after`` is called then; ``jobs`` has those that are followed."""
        self._reader: LookReader | None = None
        self._watched, self._asked = jobs.watched, alerts.asked
        if self.shares:
            self._wanted = Wanted(self._front, alerts.kinds, lambda: alerts.settings, self._clock)
            self._watched, self._asked = self._wanted.watched, self._wanted.asked
            self.watcher = Watcher(self.observers.values(), self._hand_over, self._clock, after=[self._asked_after])
            self._reader = LookReader(self._accounts, self._duties, alerts.saw, self._clock, self._figures, after)
        else:
            self.watcher = Watcher(self.observers.values(), alerts.saw, self._clock, after=[*after, self._asked_after])

    def of_any(self) -> dict[str, Runs]:
        """What runs in any replica, with the duties or without them."""
        return {"watcher": self} if self.shares else {}

    def of_duties(self) -> dict[str, Runs]:
        """What runs where the duties are."""
        return {"looks": self._reader} if self._reader else {"watcher": self.watcher}

    def count_watched(self, account: str) -> None:
        """Jobs that somebody watches are counted in every look, and what is subscribed comes first."""
        observer = self.observers[account]
        observer.watched_jobs, observer.asked = self._watched(account), self._asked(account)

    def money_is(self, account: str, money: MoneyView) -> None:
        """How an account's money stands goes into its next looks, where the alert rules find it."""
        if self._reader:
            self._reader.money[account] = money
        else:
            self.observers[account].money = money

    def poll_now(self, account: str) -> None:
        """Somebody began to watch a job: do not let them wait for the next poll."""
        if self.shares:
            self.shares.nudge(account)
            return
        self.count_watched(account)
        self.watcher.nudge(account)

    async def run(self) -> None:
        """Watch this replica's part of the accounts, until cancelled."""
        if self.shares:
            await self._wanted.refresh()
            for account in self.observers:
                self.count_watched(account)
            await self.watcher.share(self.shares)

    async def close(self) -> None:
        """Let go of the connection of this replica's accounts."""
        if self.shares:
            for store in list(self._stores.values())[:1]:  # they have one together
                await store.close()

    async def _asked_after(self, account: str, scene: Scene, now: datetime) -> None:
        if self.shares:
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
        if self._reader:
            self._reader.heard()


def _intake(accounts: Accounts, account: Account, clock: Clock) -> Intake | None:
    """Who hears the diagnostic events of an account, where the settings name a hub that has them."""
    hub = accounts.event_hub(account.name)
    return Intake(account.name, account.resource_id, hub, clock, account.now) if hub else None
