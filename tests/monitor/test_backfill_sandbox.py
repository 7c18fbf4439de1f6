"""The history of accounts, read from the sandbox by Microsoft's own client, and held against its ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.clock import Clock
from bot.monitor.backfill import BackFill
from bot.monitor.collector import Collector
from bot.sandbox.server import AzureSandbox
from bot.settings import AccountSettings
from storage.sqlite.store import SqliteStore
from tests.sandbox.money_sandbox import money_sandbox

NAME = "render-prod"
DAY = timedelta(days=1)


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    async with money_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def accounts(sandbox: AzureSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Accounts]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", sandbox.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", sandbox.identity_header)
    facts = sandbox.world.accounts[NAME].facts
    settings = AccountSettings(
        sandbox.endpoints[NAME],
        facts.subscription,
        facts.resource_group,
        account=NAME,
        region=facts.location,
        credential="managed_identity",
        arm_endpoint=sandbox.arm_url,
        metrics_endpoint=sandbox.metrics_url,
    )
    accounts = Accounts({NAME: settings}, {})
    yield accounts
    await accounts.close()


async def test_ninety_days_are_those_of_the_ledger(sandbox: AzureSandbox, accounts: Accounts, tmp_path: Path) -> None:
    store, account = SqliteStore.open(tmp_path / "t.db"), accounts.get()
    await Collector(accounts, store).collect(account)
    backfill = BackFill(accounts, store, Clock())
    assert await backfill.read(account)
    ledger = sandbox.world.accounts[NAME].ledger
    midnight = sandbox.world.time.replace(hour=0, minute=0, second=0, microsecond=0)
    days = await store.usage(NAME, None, midnight - 80 * DAY, midnight, 86400)
    assert len(days) == 80
    for day in days[::8]:
        true = ledger.core_seconds(None, day.start, day.start + DAY)
        assert day.at_most
        assert day.seconds == 86400
        assert day.dedicated.total == pytest.approx(true.dedicated.cores, rel=0.01)
        assert day.spot.total == pytest.approx(true.spot.cores, rel=0.01)
    assert await backfill.read(account)
    assert await store.usage(NAME, None, midnight - 80 * DAY, midnight, 86400) == days
    await store.close()


async def test_without_the_role_it_is_refused_in_words(
    sandbox: AzureSandbox, accounts: Accounts, tmp_path: Path
) -> None:
    sandbox.monitor.permitted = False
    store, account = SqliteStore.open(tmp_path / "t.db"), accounts.get()
    await Collector(accounts, store).collect(account)
    with pytest.raises(AzureError, match="AuthorizationFailed") as refused:
        await BackFill(accounts, store, Clock()).read(account)
    assert refused.value.status == 403
    assert await store.known_range(NAME) == await store.sampled_range(NAME), "nothing is known, and nothing is zero"
    await store.close()


async def test_a_key_opens_no_monitor(sandbox: AzureSandbox) -> None:
    facts = sandbox.world.accounts[NAME].facts
    settings = AccountSettings(
        sandbox.endpoints[NAME], facts.subscription, facts.resource_group, account=NAME, credential="shared_key",
        key_env="KEY", metrics_endpoint=sandbox.metrics_url,
    )  # fmt: skip
    accounts = Accounts({NAME: settings}, {"KEY": facts.keys[0]})
    assert not accounts.get().has_metrics
    await accounts.close()
