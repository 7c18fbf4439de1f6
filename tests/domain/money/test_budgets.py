"""How a budget's month stands: whose costs it counts, and when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.money.budgets import Budget, BudgetState, state_of
from bot.domain.money.ledger import LedgerRow
from bot.domain.money.spend import Spend
from storage.port.core_use import CoreUse

TODAY = date(2026, 11, 11)
DAYS = [TODAY - timedelta(days=n) for n in range(60, -1, -1)]


def row(day: date, money: float, pool: str = "gpu-a", unpriced: float = 0.0, **tags: str) -> LedgerRow:
    use = CoreUse(busy=money)
    return LedgerRow(
        pool, datetime(day.year, day.month, day.day, tzinfo=UTC), Spend("USD", use, money=use, unpriced=unpriced),
        "s", tags,
    )  # fmt: skip


def stands(amount: float, rows: Iterable[LedgerRow] | None = None, **more: str) -> BudgetState:
    budget = Budget("b", "render", amount, **more)
    return state_of(budget, [row(day, 100) for day in DAYS] if rows is None else rows, "USD", TODAY, DAYS)


def test_the_month_to_date_has_today_in_it_as_far_as_it_came() -> None:
    rows = [row(day, 100) for day in DAYS[:-1]] + [row(TODAY, 40)]
    found = stands(5000, rows)
    assert found.spent == 1040
    assert found.month.so_far == 1000
    assert found.month.amount == 3000
    assert (found.level, found.over_on) == ("", None)


@pytest.mark.parametrize(
    ("amount", "level", "over_on", "reached"),
    [
        pytest.param(3001, "", None, TODAY, id="it will do"),
        pytest.param(2250, "will be over", date(2026, 11, 23), TODAY, id="over on the 23rd"),
        pytest.param(1050, "over", None, TODAY, id="over since today"),
        pytest.param(400, "over", None, date(2026, 11, 4), id="over since the fourth"),
    ],
)
def test_levels(amount: float, level: str, over_on: date | None, reached: date) -> None:
    found = stands(amount)
    assert (found.level, found.over_on, found.reached) == (level, over_on, reached)


def test_nearly_used_where_the_rest_will_do() -> None:
    last = date(2026, 11, 30)
    days = [last - timedelta(days=n) for n in range(60, -1, -1)]
    found = state_of(Budget("b", "render", 3500), [row(day, 100) for day in days], "USD", last, days)
    assert (found.level, found.reached) == ("near", date(2026, 11, 28))


def test_it_counts_its_pools_or_its_tag_in_any_case() -> None:
    rows = [
        row(TODAY, 1.0, "gpu-a", Team="Render"),
        row(TODAY, 2.0, "GPU-b"),
        row(TODAY, 4.0, "cpu", team="render"),
        row(TODAY, 8.0, "", unpriced=3.0),
    ]
    assert stands(100, rows).spent == 15
    assert stands(100, rows, pools="gpu-*").spent == 3
    assert stands(100, rows, tag="team=render").spent == 5
    assert stands(100, rows).unpriced == 3
    assert stands(100, rows, pools="gpu-*").unpriced == 0


def test_a_budget_that_cannot_be_forecast_says_no_day() -> None:
    rows = [row(day, 900 if day.toordinal() % 9 == 0 else 3) for day in DAYS]
    found = stands(5000, rows)
    assert found.month.state == "irregular"
    assert found.over_on is None


def test_what_it_is_for_in_words() -> None:
    made = [Budget("b", "render", 1), Budget("b", "render", 1, pools="gpu-*"), Budget("b", "render", 1, tag="a=b")]
    assert [each.what for each in made] == ["account render", "pools gpu-*", "tag a=b"]
