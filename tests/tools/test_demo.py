"""The settings of the demo: budgets that show what budgets are for, whatever day of the month it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.money.budgets import BudgetState, state_of
from bot.domain.money.ledger import LedgerRow
from bot.domain.money.spend import Spend
from bot.sandbox.__main__ import spent
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from bot.tools.demo import Stage, demo_settings
from storage.port.core_use import CoreUse
from tests.thorough import some

HISTORY = timedelta(days=1)


async def _states(begins: datetime, monkeypatch: pytest.MonkeyPatch) -> list[BudgetState]:
    """How the demo's budgets stand when it begins, by what its account really cost."""
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    world = build("demo", 1, Clock(begins - HISTORY, paused=True))
    sandbox = AzureSandbox(world)
    await sandbox.start()
    stage = Stage()
    stage.printed = dict(line.split("=", 1) for line in sandbox.announce()) | spent(world, begins)
    await sandbox.close()
    settings = demo_settings(stage, listen="127.0.0.1:0", database=":memory:")
    [account, *_] = world.accounts.values()
    world.clock.advance(HISTORY)
    world.settle()
    days = [begins.date() - timedelta(days=n) for n in range(90)]
    rows = [
        LedgerRow(charge.pool, begins - n * timedelta(days=1), Spend("USD", money=CoreUse(unknown=charge.amortized)))
        for n, day in enumerate(days)
        for charge in account.ledger.bill(day)
    ]
    return [state_of(each.budget(), rows, "USD", begins.date(), days) for each in settings.budgets]


@pytest.mark.parametrize("day", some(["2026-11-30", "2026-11-15", "2026-12-09"], 1))
async def test_one_budget_is_nearly_used_up_and_one_is_fine(day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly, fine = await _states(datetime.fromisoformat(day).replace(hour=9, tzinfo=UTC), monkeypatch)
    assert nearly.level in ("near", "will be over")
    assert 0.8 <= nearly.share < 1
    assert fine.level == ""
    assert 0.05 < fine.share < 0.8


@pytest.mark.parametrize("hour", some([0, 23], 1))
async def test_at_the_beginning_of_a_month_no_budget_is_over(hour: int, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly, fine = await _states(datetime(2026, 12, 1, hour, 30, tzinfo=UTC), monkeypatch)
    assert nearly.level in ("", "will be over")
    assert fine.level == ""
