"""Five weeks of an account in a real store, sampled every five minutes, at a dollar a node and hour.

``gpu-a`` runs the schedule nightly, four hours a night on eight nodes, and three times a day in the last week;
``cpu-b`` is half busy all the time; the twelve nodes of ``sim-old`` have nothing to do since the last Tuesday.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.accounting.service import Accounting
from bot.azure.models.price import Prices
from bot.azure.price_settings import Reservation
from bot.domain.money.advice import PoolNow
from bot.domain.money.budgets import Budget
from bot.reports.compose import Composer
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import JobCores, PoolEra, Sample
from storage.sqlite.store import SqliteStore

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
"""The day on which the last week is reported."""
FIRST = MONDAY - timedelta(weeks=5)
ACCOUNT = "render-prod"
SIZE = "Standard_D4s_v3"
_STEP = timedelta(minutes=5)


@dataclass
class Priced:
    """Takes the place of the account: its prices and its clock."""

    at: datetime = MONDAY + timedelta(hours=9)
    amount: float = 1.0
    spot: float = 0.2

    async def prices(self) -> Prices:
        size = SIZE.lower()
        prices = {(size, False, "on demand"): self.amount, (size, False, "spot"): self.spot}
        return Prices(prices, "USD", self.at)  # type: ignore[arg-type]

    def reservations(self, prices: Prices) -> Sequence[Reservation]:
        return ()

    def now(self) -> datetime:
        return self.at


@dataclass
class Sources:
    """The accounts of the settings."""

    accounts: dict[str, Priced] = field(default_factory=lambda: {ACCOUNT: Priced(), "sim-dev": Priced()})

    def get(self, name: str | None = None) -> Priced:
        return self.accounts[name or ACCOUNT]


def _sample(pool: str, at: datetime, use: CoreUse, jobs: tuple[JobCores, ...] = ()) -> Sample:
    nodes = round(use.total / 4)
    return Sample(ACCOUNT, pool, at, _STEP.total_seconds(), use, NO_USE, nodes, 0, None, jobs)


def samples(until: datetime = MONDAY) -> Iterator[Sample]:
    """All of them, each at the end of the time it stands for."""
    at = FIRST
    while at < until:
        last_week = at >= MONDAY - timedelta(weeks=1)
        run = at.hour // 8 if last_week else 0
        number = (at - FIRST).days * 3 + run
        runs = at.hour % 8 < 4 if last_week else at.hour < 4
        end = at + _STEP
        if runs:
            job = JobCores(f"nightly:job-{number}", 32)
            yield _sample("gpu-a", end, CoreUse(busy=32), (job,))
        yield _sample("cpu-b", end, CoreUse(busy=8, unused=8), (JobCores("steady", 8),))
        if at >= MONDAY - timedelta(days=6):
            yield _sample("sim-old", end, CoreUse(unused=48))
        at = end


_kept: list[Path] = []


async def ledgered(folder: Path) -> SqliteStore:
    """A store with all of it; made once, and copied."""
    path = folder / "ledger.db"
    if _kept and _kept[0].exists():
        shutil.copy(_kept[0], path)
        return SqliteStore.open(path)
    store = SqliteStore.open(path)
    eras = [PoolEra(pool, FIRST, SIZE, 4, False, {"team": "render"}) for pool in ("gpu-a", "cpu-b", "sim-old")]
    await store.add_pool_eras(ACCOUNT, eras)
    await store.add_samples(list(samples()))
    await store.close()
    if not _kept:
        _kept.append(folder.parent / "ledgered.db")
    shutil.copy(path, _kept[0])
    return SqliteStore.open(path)


def composer(store: SqliteStore, *budgets: Budget, sources: Sources | None = None) -> Composer:
    """Makes reports of it."""
    return Composer(Accounting(store, sources or Sources()), store, budgets)


POOLS = {
    "sim-old": PoolNow("sim-old", 12, idle=12, idle_since=MONDAY - timedelta(days=6)),
    "cpu-b": PoolNow("cpu-b", 4, spot_ratio=0.2),
    "gpu-a": PoolNow("gpu-a", 0),
}
