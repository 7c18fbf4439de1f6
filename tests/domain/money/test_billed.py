"""The bill and own usage together: which of both a day goes by, and which days are not final."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bot.domain.money.billed import Best, best_known, billed_ledger
from bot.domain.money.ledger import Ledger, LedgerRow
from bot.domain.money.spend import Spend
from storage.port.bill import BillRow
from storage.port.core_use import CoreUse

FIRST = datetime(2026, 11, 23, tzinfo=UTC)
DAYS = [FIRST.date() + timedelta(days=n) for n in range(7)]
UNTIL = FIRST + timedelta(days=7)


def best(billed: dict[date, float], own: dict[date, float], as_of: datetime) -> Best:
    rows = [
        BillRow("a", day, "amortized", pool, "r", "D4s v3", "Virtual Machines", "Dsv3", "USD", amount, 10, "1 Hour")
        for day, amount in billed.items()
        for pool in ("p",)
    ]
    ledger = billed_ledger("a", rows, FIRST, UNTIL, as_of)
    assert ledger
    mine = tuple(
        LedgerRow("p", datetime(day.year, day.month, day.day, tzinfo=UTC), Spend("USD", money=CoreUse(busy=amount)))
        for day, amount in own.items()
    )
    return best_known(Ledger("a", "USD", FIRST, UNTIL, as_of, FIRST, 1.0, mine), frozenset(own), ledger, as_of)


def test_days_younger_than_three_days_are_not_final_and_go_by_the_greater() -> None:
    billed = dict.fromkeys(DAYS[:6], 100.0) | {DAYS[6]: 40.0}
    found = best(billed, {DAYS[5]: 90.0, DAYS[6]: 156.0}, UNTIL + timedelta(hours=4))
    assert sorted(found.filling) == DAYS[4:]
    assert set(found.by_own) == {DAYS[6]}
    assert found.ledger.total.cost.total == 600 + 156


def test_a_bill_that_is_short_of_own_usage_is_late_for_a_week_and_then_a_discount() -> None:
    billed, own = dict.fromkeys(DAYS, 90.0), dict.fromkeys(DAYS, 100.0)
    settled = UNTIL + timedelta(days=3)
    assert sorted(best(billed, own, settled).filling) == DAYS[4:]
    assert best(billed, own, settled + timedelta(days=5)).filling == frozenset()
    assert best(billed, dict.fromkeys(DAYS, 94.0), settled).filling == frozenset()


def test_a_day_that_is_not_on_the_bill_yet_is_own_usage() -> None:
    found = best({DAYS[0]: 100.0}, {DAYS[6]: 50.0}, UNTIL)
    assert found.ledger.total.cost.total == 150
    assert DAYS[6] in found.by_own
