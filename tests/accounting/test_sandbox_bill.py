"""The program's own reading of the bill, held against what the sandbox knows to be true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import date, timedelta
from unittest import mock

import pytest

from bot.accounting.bill_rows import POOL_TAG, BilledAccount, batch_filter, rows_of, tagged_filter, tagged_rows
from bot.azure.cost import CostManagement
from bot.azure.cost_limiter import CostLimiter
from bot.azure.credentials import Credentials
from bot.clock import Clock
from bot.domain.money.meters import kind_of
from bot.sandbox.server import AzureSandbox
from bot.settings import AccountSettings
from storage.port.bill import BillRow
from tests.sandbox.money_sandbox import money_sandbox

FIRST, LAST = date(2026, 10, 25), date(2026, 11, 20)
KINDS = (("ActualCost", "actual"), ("AmortizedCost", "amortized"))


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    async with money_sandbox() as sandbox:
        yield sandbox


async def read(sandbox: AzureSandbox, name: str, kind: str) -> list[BillRow]:
    """The rows of an account of the sandbox, as the program has them."""
    facts = sandbox.world.accounts[name].facts
    own = facts.pool_allocation_mode == "UserSubscription"
    settings = AccountSettings(
        sandbox.endpoints[name], facts.subscription, facts.resource_group,
        credential="managed_identity", arm_endpoint=sandbox.arm_url,
    )  # fmt: skip
    account = BilledAccount(name, name, facts.resource_group, facts.auto_storage_account_id or "", own)
    where = tagged_filter(account) if own else batch_filter([account])
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    query, basis = next(each for each in KINDS if each[1] == kind)
    with mock.patch.dict("os.environ", identity):
        credentials = Credentials(identity)
        costs = CostManagement(settings, credentials)
        try:
            lines = await costs.lines(query, FIRST, LAST, where, CostLimiter(Clock()), tag=POOL_TAG if own else "")  # type: ignore[arg-type]
        finally:
            await costs.close()
            await credentials.close()
    return tagged_rows(lines, account, basis) if own else rows_of(lines, [account], basis)[name]  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["actual", "amortized"])
@pytest.mark.parametrize("own", [False, True])
async def test_the_bill_of_pools_is_the_sandboxs(sandbox: AzureSandbox, kind: str, own: bool) -> None:
    for name, account in sandbox.world.accounts.items():
        if own:
            account.facts.pool_allocation_mode = "UserSubscription"
        truth: defaultdict[str, float] = defaultdict(float)
        machines = 0.0
        for number in range((LAST - FIRST).days + 1):
            for charge in account.ledger.bill(FIRST + timedelta(days=number)):
                if charge.charge_type == "Usage":
                    truth[charge.pool] += getattr(charge, kind)
                    machines += getattr(charge, kind) if charge.machines else 0.0
        rows = await read(sandbox, name, kind)
        found: defaultdict[str, float] = defaultdict(float)
        for row in rows:
            found[row.pool] += row.amount
        assert found == pytest.approx(truth)
        assert sum(row.amount for row in rows if kind_of(row) == "machines") == pytest.approx(machines)
        assert {kind_of(row) for row in rows} >= {"machines", "disks", "storage"}
