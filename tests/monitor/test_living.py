"""The collector against a living account, over the real wire, and the store behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.models import Node, Pool
from bot.monitor.collector import Collector
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from bot.settings import AccountSettings
from storage.sqlite.store import SqliteStore


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    world = build("demo", seed=3, clock=Clock(paused=True))
    world.clock.advance(timedelta(hours=2))
    world.settle()
    sandbox = AzureSandbox(world, seed=3)
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def accounts(sandbox: AzureSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Accounts]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", sandbox.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", sandbox.identity_header)
    settings = {}
    for name, endpoint in sandbox.endpoints.items():
        facts = sandbox.world.accounts[name].facts
        settings[name] = AccountSettings(
            endpoint,
            facts.subscription,
            facts.resource_group,
            account=name,
            region=facts.location,
            credential="managed_identity",
            arm_endpoint=sandbox.arm_url,
        )
    accounts = Accounts(settings, {})
    yield accounts
    await accounts.close()


async def counted(account: Account) -> dict[str, tuple[float, float]]:
    """Busy and all cores of each pool, node by node."""
    sizes = await account.vm_sizes()
    found = {}
    for pool in (await account.every(Pool, "/pools"))[0]:
        cores = sizes[pool.vm_size.lower()].vcpus
        nodes = (await account.every(Node, Account.nodes(pool.id)))[0]
        machines = [node for node in nodes if node.state.lower() not in ("preempted", "deallocated")]
        shares = [min(1, node.running_task_slots_count / pool.task_slots_per_node) for node in machines]
        found[pool.id] = (pytest.approx(cores * sum(shares)), cores * len(machines))
    return found


async def test_samples_are_what_the_nodes_say(sandbox: AzureSandbox, accounts: Accounts, tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "bot.db")
    collector, busy = Collector(accounts, store), 0.0
    for account in accounts:
        begin = None
        for _ in range(4):
            samples = await collector.sample(account)
            await store.add_samples(samples)
            begin = begin or samples[0].at
            assert {sample.pool: (sample.busy, sample.total) for sample in samples} == await counted(account)
            busy += sum(sample.busy for sample in samples)
            sandbox.world.clock.advance(timedelta(minutes=7))
            sandbox.world.settle()
        assert begin is not None
        [*buckets] = await store.usage(account.name, None, begin - timedelta(hours=1), begin + timedelta(hours=1), 300)
        assert sum(bucket.seconds for bucket in buckets) == 60 + 3 * 300
    assert busy > 0, "a scenario in which nothing runs proves nothing"
    await store.close()
