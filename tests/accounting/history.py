"""What the sandbox's accounts used and were billed, as if the bot had watched them for days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.accounting.bill_keeper import BillKeeper
from bot.azure.account import Account
from bot.clock import Clock
from bot.sandbox.world import World
from bot.sandbox.world.ledger.use import Use, hour_of
from storage.port.core_use import CoreUse
from storage.port.samples import PoolEra, Sample
from storage.sqlite.store import SqliteStore


async def watched(store: SqliteStore, world: World, accounts: Iterable[Account], days: int) -> None:
    """Sample what the ledgers tell of so many days, a sample an hour; what was not busy had nothing to do."""
    for source in accounts:
        ledger = world.accounts[source.name].ledger
        since = (world.time - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        samples = [
            Sample(
                source.name,
                facts.pool,
                hour_of(hour) + timedelta(hours=1),
                3600.0,
                _cores(use.dedicated),
                _cores(use.spot),
                round(use.total.nodes / 3600),
                round(use.spot.nodes / 3600),
            )
            for facts, hour, use in ledger.pieces(None, since, world.time)
        ]
        moments = sorted(samples, key=lambda sample: sample.at)
        for start in range(0, len(moments), 1000):
            await store.add_samples(moments[start : start + 1000])
        eras = {
            (facts.pool, facts.size.name): PoolEra(
                facts.pool, hour_of(hour), facts.size.name, facts.size.vcpus, facts.windows, facts.tags
            )
            for facts, hour, _ in reversed(list(ledger.pieces(None, since, world.time)))
        }
        await store.add_pool_eras(source.name, sorted(eras.values(), key=lambda era: era.since))


def _cores(use: Use) -> CoreUse:
    return CoreUse(busy=use.busy / 3600, unused=max(0.0, use.idle) / 3600)


async def billed(store: SqliteStore, accounts: Iterable[Account], days: int) -> None:
    """Read the bill of so many days, today included."""
    for source in accounts:
        await source.node_counts()  # the service's clock is known from its first answer
        keeper = BillKeeper([source], store, Clock(speed=60.0))
        today = source.now().date()
        assert await keeper.read([source], today - timedelta(days=days - 1), today)
