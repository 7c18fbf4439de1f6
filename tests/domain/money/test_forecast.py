"""Month ends: by weekdays, after changes, with a range by their own record, and in words where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money.forecast import Forecast, month_end

START = date(2026, 7, 1)


def days(cost: Callable[[date], float], until: date, start: date = START) -> dict[date, float]:
    return {day: cost(day) for n in range((until - start).days) if (day := start + timedelta(days=n))}


def working(day: date) -> float:
    """A hundred on working days, ten at the weekend."""
    return 10.0 if day.weekday() >= 5 else 100.0


def test_weekends_are_not_forecast_as_working_days() -> None:
    today = date(2026, 11, 4)  # November began on a Sunday
    known = days(working, today)
    found = month_end(known, today)
    whole = sum(working(date(2026, 11, n)) for n in range(1, 31))
    assert found.amount == whole
    assert found.so_far == 10 + 100 + 100
    assert (found.low, found.high, found.state) == (whole, whole, "ok")
    assert "the same weekdays of the last 28 days" in found.basis
    assert found.basis.endswith("the range is how wrong this forecast was in the last 12 weeks")


def test_on_the_first_nothing_is_billed_yet_which_is_not_nothing() -> None:
    found = month_end(days(working, date(2026, 11, 1)), date(2026, 11, 1))
    assert found.so_far is None
    assert found.amount == sum(working(date(2026, 11, n)) for n in range(1, 31))
    assert month_end({}, date(2026, 11, 1)) == Forecast(today=date(2026, 11, 1), state="too few days", so_far=None)


@pytest.mark.parametrize(("year", "length"), [(2027, 28), (2028, 29)])
def test_february_has_its_days(year: int, length: int) -> None:
    today = date(year, 2, 10)
    found = month_end(days(lambda day: 5.0, today, date(year - 1, 11, 1)), today)
    assert found.amount == 5 * length


def test_a_change_is_believed_only_where_its_cause_is_known() -> None:
    changed, today = date(2026, 11, 5), date(2026, 11, 13)
    known = days(lambda day: 100.0 if day < changed else 300.0, today)
    alone = month_end(known, today)
    told = month_end(known, today, changed="pool gpu-a was resized on 5 Nov")
    assert not alone.switched
    assert told.switched
    assert told.amount == 4 * 100 + 26 * 300
    assert told.basis.startswith("by the last 7 days, because pool gpu-a was resized on 5 Nov")
    steady = month_end(days(working, today), today, changed="pool gpu-a was resized on 5 Nov")
    assert not steady.switched


def test_what_is_too_irregular_is_not_forecast() -> None:
    today = date(2026, 11, 8)
    known = days(lambda day: 900.0 if day.toordinal() % 9 == 0 else 3.0, today)
    found = month_end(known, today)
    assert found.state == "irregular"
    assert found.amount is None
    assert found.so_far == sum(known[date(2026, 11, n)] for n in range(1, 8))
    assert found.rate
    assert found.crosses(1.0) is None


def test_a_few_days_are_enough_for_a_number_and_not_for_a_range() -> None:
    today = date(2026, 11, 8)
    found = month_end(days(working, today, date(2026, 11, 2)), today)
    assert found.state == "no band"
    assert found.low is None
    assert found.missing == 1  # the first, before anybody looked
    assert found.basis == "by 6 days, which is all that is known"
    assert month_end(days(working, today, date(2026, 11, 6)), today).state == "too few days"


def test_days_that_nobody_saw_are_taken_as_usual_and_counted() -> None:
    today = date(2026, 11, 11)
    known = days(working, today)
    for n in (2, 3, 4):
        del known[date(2026, 11, n)]
    found = month_end(known, today)
    assert found.missing == 3
    assert found.amount == sum(working(date(2026, 11, n)) for n in range(1, 31))
    assert found.so_far == found.amount - 300 - sum(found.left)


def test_ninety_days_of_nothing_come_to_nothing() -> None:
    found = month_end(days(lambda day: 0.0, date(2026, 11, 8)), date(2026, 11, 8))
    assert (found.state, found.so_far, found.amount, found.low, found.high) == ("ok", 0, 0, 0, 0)


def test_a_budget_is_crossed_on_a_day() -> None:
    today = date(2026, 11, 11)
    found = month_end(days(lambda day: 100.0, today), today)
    assert found.crosses(1999) == date(2026, 11, 20)
    assert found.crosses(2000) == date(2026, 11, 21)
    assert found.crosses(500) == today  # it is over already
    assert found.crosses(3000) is None


MONEY = st.floats(0, 1e5, allow_nan=False)


@given(
    st.dictionaries(st.integers(1, 120), MONEY, max_size=120),
    st.dates(date(2024, 1, 1), date(2028, 12, 31)),
    st.sampled_from(["", "pool a was made"]),
)
def test_any_history_gives_an_answer_that_agrees_with_itself(ago: dict[int, float], today: date, changed: str) -> None:
    known = {today - timedelta(days=n): cost for n, cost in ago.items()}
    found = month_end(known, today, changed=changed)
    month = [cost for day, cost in known.items() if (day.year, day.month) == (today.year, today.month)]
    assert found.so_far == (pytest.approx(sum(month)) if month else None)
    assert found.missing == today.day - 1 - len(month)
    assert (found.amount is None) == (found.state in ("irregular", "too few days"))
    if found.amount is not None and not found.missing:
        assert found.amount == pytest.approx((found.so_far or 0.0) + sum(found.left))
    if found.low is not None and found.high is not None and found.amount is not None:
        assert found.state == "ok"
        assert found.low <= found.amount * (1 + 1e-9) + 1e-9
        assert found.high >= found.amount * (1 - 1e-9) - 1e-9
        assert found.high - found.amount <= 0.5 * found.amount + 1e-6
        assert len(ago) >= 28


def test_days_that_are_not_final_are_so_far_with_what_is_known_and_usual_in_the_end() -> None:
    today = date(2026, 11, 30)
    known = days(lambda day: 100.0, date(2026, 11, 27))
    found = month_end(
        known, today, filling={date(2026, 11, n): cost for n, cost in ((27, 100.0), (28, 130.0), (29, 40.0))}
    )
    assert (found.so_far, found.filling, found.missing) == (2600 + 270, 3, 0)
    assert found.amount == 2600 + 100 + 130 + 100 + 100
    assert found.state == "ok"  # the days before are enough for a range
    assert found.low is not None


@given(st.lists(st.floats(0, 500), min_size=40, max_size=60))
def test_no_day_is_taken_to_cost_more_than_one_of_the_last_four_weeks(costs: list[float]) -> None:
    today = date(2026, 11, 12)
    known = {today - timedelta(days=n + 1): cost for n, cost in enumerate(costs)}
    assert all(each <= max(costs[:28]) + 1e-9 for each in month_end(known, today).left)
