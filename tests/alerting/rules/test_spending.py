"""Budgets and unusual days as alerts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.domain.money.anomalies import Anomaly, Unusual
from bot.domain.money.budgets import Budget, BudgetState, Level
from bot.domain.money.forecast import Forecast
from bot.domain.money.movers import Cause
from bot.monitor.scene import MoneyView, UnusualView
from tests.alerting.rules.scenes import NOON, ago, found, only, worth

TODAY = date(2026, 11, 25)
MONTH = Forecast(
    today=TODAY, state="ok", so_far=6000.0, amount=9000.0, low=8500.0, high=9600.0, rate=310.0, basis="by weekdays"
)


def state(level: Level, spent: float, **more: object) -> BudgetState:
    given = {"month": MONTH, "over_on": None, "reached": date(2026, 11, 20), **more}
    return BudgetState(Budget("render", "render-prod", 8000), "USD", spent, level=level, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "headline", "severity"),
    [
        (state("near", 6800), "budget render is nearly used: 85 % of $8,000", "info"),
        (
            state("will be over", 6200, over_on=date(2026, 11, 28)),
            "budget render will be over on Sat 28 Nov: 78 % of $8,000",
            "warning",
        ),
        (state("over", 8400), "budget render is over since Fri 20 Nov: 105 % of $8,000", "critical"),
    ],
)
def test_a_budget_is_one_message_with_its_level(one: BudgetState, headline: str, severity: str) -> None:
    finding = only("account.budget", money=MoneyView("USD", (one,)))
    assert finding.headline == headline
    assert worth("account.budget", finding) == severity
    assert ("Month end", "about $9,000 ($8,500 – $9,600)") in finding.figures
    assert ("At present", "$310 a day") in finding.figures
    assert finding.since == datetime(2026, 11, 20, tzinfo=UTC)


def test_a_budget_that_will_do_is_no_news_and_two_are_two() -> None:
    assert not found("account.budget", money=MoneyView("USD", (state("", 100),)))
    both = MoneyView("USD", (state("over", 9000), BudgetState(
        Budget("gpu", "render-prod", 10), "USD", 11, MONTH, None, "over", TODAY,
    )))  # fmt: skip
    assert len({each.entity for each in found("account.budget", money=both)}) == 2


def unusual(day: date, pool: str = "gpu-a", *, minutes: float = 5) -> UnusualView:
    cause = Cause("jobs", "schedule nightly ran 3 times, once usually", 200, "nightly")
    return UnusualView(Anomaly(pool, Unusual(day, 912.4, 300.2), cause), ago(minutes))


def test_an_unusual_day_names_what_drove_it_and_can_be_answered() -> None:
    finding = only("pool.unusual_cost", money=MoneyView("USD", (), (unusual(date(2026, 11, 24)),)))
    assert finding.headline == "pool gpu-a cost $912 on Tue 24 Nov, usually $300"
    assert finding.cause == "schedule nightly ran 3 times, once usually"
    assert [each.command for each in finding.actions][:2] == [
        "cost unusual gpu-a@2026-11-24 planned", "cost unusual gpu-a@2026-11-24 ignore",
    ]  # fmt: skip
    assert finding.since < NOON


def test_of_two_unusual_days_of_a_pool_the_last_one_is_told() -> None:
    days = (unusual(date(2026, 11, 20), minutes=9), unusual(date(2026, 11, 24), "GPU-A", minutes=1))
    assert "24 Nov" in only("pool.unusual_cost", money=MoneyView("USD", (), days)).headline
