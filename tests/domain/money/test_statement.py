"""Own usage and the bill by day and pool, side by side."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.money.ledger import Ledger, LedgerRow
from bot.domain.money.reconcile import reconcile
from bot.domain.money.spans import Days
from bot.domain.money.spend import NOTHING, Spend
from bot.domain.money.statement import Statement
from storage.port.bill import BillReading, BillRow
from storage.port.core_use import CoreUse

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
FIRST = date(2026, 2, 1)


def row(day: date, amount: float, *, pool: str = "p", category: str = "Virtual Machines") -> BillRow:
    return BillRow("a", day, "amortized", pool, "/x", "D4s v3", category, "", "USD", amount, 1.0, "1 Hour")


def own(day: date, busy: float, idle: float, pool: str = "P") -> LedgerRow:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    use = CoreUse(busy=busy, unused=idle)
    return LedgerRow(pool, at, Spend("USD", use, money=use), "Standard_D4s_v3")


def statement(
    days: Days, rows: list[BillRow], ledger_rows: list[LedgerRow], sampled: dict[datetime, float] | None = None
) -> Statement:
    if sampled is None:
        sampled = {each.start: 86_400.0 for each in ledger_rows}
    ledger = Ledger("a", "USD", days.since, days.until, NOW, days.since, 1.0, tuple(ledger_rows), sampled=sampled)
    return Statement(days, NOW, ledger, tuple(rows), None, reconcile(rows, ledger, NOW), ())


def test_the_first_of_a_month_has_one_day_and_nothing_billed() -> None:
    today = NOW.date()
    found = statement(Days(today, today, "this month"), [], [own(today, 1.0, 3.0)])
    (line,) = found.day_lines()
    assert (line.billed, line.split(), line.partial) == (None, None, True)
    assert found.main is None
    assert found.currency == "USD"


@pytest.mark.parametrize(("year", "month", "count"), [(2026, 2, 28), (2024, 2, 29), (2025, 12, 31)])
def test_a_month_has_its_days(year: int, month: int, count: int) -> None:
    first = date(year, month, 1)
    days = Days(first, first + timedelta(days=count - 1), "then")
    assert len(statement(days, [row(first, 1.0)], []).day_lines()) == count


def test_the_bill_of_a_day_is_shared_out_as_its_machines_were_used() -> None:
    rows = [row(FIRST, 80.0), row(FIRST, 5.0, category="Storage"), row(FIRST + timedelta(days=1), 10.0)]
    found = statement(Days(FIRST, FIRST + timedelta(days=1), "then"), rows, [own(FIRST, 1.0, 3.0)])
    used, unwatched = found.day_lines()
    assert used.split() == (20.0, 60.0, 0.0, 5.0)
    assert unwatched.split() == (0.0, 0.0, 10.0, 0.0)
    for line in (used, unwatched):
        assert sum(line.split() or ()) == line.billed


def test_a_day_that_was_watched_in_part_is_split_in_part() -> None:
    at = datetime(2026, 2, 1, 12, tzinfo=UTC)
    rows = [row(FIRST, 80.0, pool="p"), row(FIRST, 20.0, pool="gone")]
    found = statement(Days(FIRST, FIRST, "then"), rows, [own(FIRST, 1.0, 3.0)], {at: 43_200.0})
    (line,) = found.day_lines()
    assert line.split() == (10.0, 30.0, 60.0, 0.0)
    assert (line.billed, found.unbilled()) == (100.0, NOTHING)


def test_history_from_azure_monitor_splits_nothing() -> None:
    history = own(FIRST, 1.0, 3.0, pool="")
    found = statement(Days(FIRST, FIRST, "then"), [row(FIRST, 80.0)], [history], {})
    (line,) = found.day_lines()
    assert line.split() == (0.0, 0.0, 80.0, 0.0)
    assert found.ledger.of_pools == NOTHING
    assert found.ledger.before.core_hours.total == 4.0


@given(
    bills=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc"), st.floats(0, 1e4)), max_size=20),
    uses=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["a", "b", ""]), st.floats(0, 9), st.floats(0, 9)), max_size=20
    ),
    seconds=st.lists(st.floats(0, 86_400), min_size=5, max_size=5),
)
def test_pools_are_split_as_their_account_is(
    bills: list[tuple[int, str, float]], uses: list[tuple[int, str, float, float]], seconds: list[float]
) -> None:
    days = Days(FIRST, FIRST + timedelta(days=4), "then")
    rows = [row(FIRST + timedelta(days=day), amount, pool=pool) for day, pool, amount in bills]
    used = [own(FIRST + timedelta(days=day), busy, idle, pool) for day, pool, busy, idle in uses]
    sampled = {days.since + timedelta(days=day): each for day, each in enumerate(seconds)}
    found = statement(days, rows, used, sampled)
    for part in ("busy", "idle"):
        whole = sum(getattr(line, part) for line in found.day_lines())
        apart = sum(getattr(line, part) for pool in "abc" for line in found.of_pool(pool).day_lines())
        assert whole == pytest.approx(apart)
    for line in found.day_lines():
        split = line.split()
        assert split is None or sum(split) == pytest.approx(line.billed)
        assert line.busy + line.idle <= line.machines + 1e-6


def test_what_is_not_billed_yet_is_a_part_of_its_own() -> None:
    days = Days(FIRST, FIRST + timedelta(days=1), "then")
    found = statement(days, [row(FIRST, 80.0)], [own(FIRST, 1.0, 3.0), own(days.last, 2.0, 5.0)])
    assert sum(line.billed or 0.0 for line in found.day_lines()) == 80.0
    assert found.unbilled().cost.total == 7.0
    assert statement(days, [], [own(FIRST, 1.0, 3.0)]).unbilled() == NOTHING


def test_weeks_begin_on_monday_and_sum_to_the_window() -> None:
    days = Days(date(2025, 12, 2), date(2026, 2, 28), "then")
    rows = [row(days.first + timedelta(days=day), 1.0) for day in range(days.count)]
    found = statement(days, rows, [own(days.first + timedelta(days=day), 1.0, 1.0) for day in range(0, days.count, 3)])
    lines = found.day_lines()
    assert found.by_week
    assert lines[0].day == date(2025, 12, 2)
    assert all(line.day.weekday() == 0 for line in lines[1:])
    assert sum(line.billed or 0.0 for line in lines) == days.count
    assert sum(line.own.cost.total for line in lines) == pytest.approx(found.ledger.total.cost.total)


def test_a_pool_is_one_whatever_case_the_bill_writes_it_in() -> None:
    days = Days(FIRST, FIRST, "then")
    rows = [row(FIRST, 4.0, pool="render"), row(FIRST, 9.0, pool=""), row(FIRST, 1.0, pool="gone")]
    found = statement(days, rows, [own(FIRST, 1.0, 1.0, "Render")])
    assert [(line.pool, line.billed) for line in found.pool_lines()] == [("Render", 4.0), ("gone", 1.0), ("", 9.0)]
    mine = found.of_pool("RENDER")
    assert mine.main
    assert (mine.main.amortized, mine.ledger.total.cost.total) == (4.0, 2.0)


def test_since_when_the_bill_is_known_and_whether_it_is_still_being_read() -> None:
    whole = Days(FIRST, NOW.date(), "in the last 29 days")

    def read_from(first: date | None, rows: list[BillRow], days: Days = whole) -> Statement:
        reading = BillReading("a", "ok", NOW, NOW, first=first)
        return replace(statement(days, rows, []), reading=reading)

    billed = [row(FIRST + timedelta(days=9), 5.0)]
    late = FIRST + timedelta(days=1)
    for found, known_from, being_read, words in (
        (read_from(FIRST, billed), None, False, "in the last 29 days"),
        (read_from(late, billed), late, True, "since 2 Feb, still being read"),
        (read_from(late, []), None, False, "in the last 29 days"),
        (read_from(None, billed), None, False, "in the last 29 days"),
        (statement(whole, billed, []), None, False, "in the last 29 days"),
    ):
        assert (found.known_from, found.being_read, found.words) == (known_from, being_read, words)
    long_ago = NOW.date() - timedelta(days=92)
    year = Days(long_ago - timedelta(days=9), NOW.date(), "in the last 101 days")
    assert read_from(long_ago + timedelta(days=1), billed, year).being_read
    back = read_from(long_ago, billed, year)
    assert (back.known_from, back.being_read) == (long_ago, False), "as far back as the bill is read"


def test_in_which_currency_and_in_which_steps_it_is_shown() -> None:
    days = Days(FIRST, FIRST + timedelta(days=43), "then")
    dollars, euros = row(FIRST, 5.0), replace(row(FIRST, 4.0), currency="EUR")
    both = statement(days, [dollars, euros], [])
    assert (both.currency, both.comparable) == ("USD", True)
    assert [each.currency for each in both.further] == ["EUR"]
    other = statement(days, [euros], [])
    assert (other.currency, other.comparable, other.further) == ("EUR", False, ())
    none = statement(days, [], [])
    assert (none.currency, none.comparable, none.by_week) == ("USD", False, False)
    assert statement(Days(FIRST, FIRST + timedelta(days=44), "then"), [], []).by_week
