"""A living account that is watched, and what alerting would send of it, by clocks that are moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.alerting.model import Subscription
from bot.alerting.rules import discover
from bot.alerting.service import AlertService
from bot.domain.findings import Severity
from bot.monitor.observer import Poll
from bot.settings import AlertSettings
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import OPS, RecordedEntries, StillClock
from tests.monitor.observed_sandbox import Stage, staged


@dataclass
class WatchedAccount:
    """The account, what is sent of it, and the pieces between."""

    stage: Stage
    alerts: AlertService
    entries: RecordedEntries
    clock: StillClock
    store: SqliteStore

    async def look(self, seconds: float = 30.0) -> Poll:
        """Let time pass, with what is due meanwhile, then look and judge what was seen."""
        for _ in range(int(seconds / 10)):
            self.clock.at += timedelta(seconds=10)
            await self.alerts.tick()
        look = await self.stage.look(seconds=seconds)
        await self.alerts.saw(look.scene)
        return look

    async def watch(self, seconds: float) -> None:
        """Look every 30 seconds for so long."""
        for _ in range(int(seconds / 30)):
            await self.look()

    async def restart(self) -> None:
        """A new process on the same stores."""
        await self.stage.restart()
        self.alerts = _alerts(self.store, self.entries, self.clock)
        await self.alerts.load()


def _alerts(store: SqliteStore, entries: RecordedEntries, clock: StillClock) -> AlertService:
    return AlertService(store, discover(), AlertSettings(), entries, clock, zone="UTC", several=False)


@asynccontextmanager
async def watched_account(
    path: Path, *, kinds: Sequence[str] = (), severity: Severity = Severity.WARNING
) -> AsyncIterator[WatchedAccount]:
    """The tiny scenario, calm, already looked at; the ops channel gets ``kinds``, or everything of that severity."""
    async with staged() as stage:
        store, entries, clock = SqliteStore.open(path / "alerts.db"), RecordedEntries(), StillClock()
        alerts = _alerts(store, entries, clock)
        await alerts.load()
        subscription = Subscription(id="s1", conversation=OPS, kinds=tuple(kinds), severity=severity)
        await alerts.subscribe(subscription)
        await stage.observer.load()
        stage.state.inject.delete_job("job1", at_once=True)
        account = WatchedAccount(stage, alerts, entries, clock, store)
        try:
            await account.watch(60)
            entries.written.clear()
            yield account
        finally:
            await store.close()
