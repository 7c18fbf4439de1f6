"""From how many days, and from which change on, a forecast says something else: just below, at and just above each."""

from __future__ import annotations

from datetime import date, timedelta
from math import isclose

import pytest

from bot.domain.money.forecast import Forecast, month_end

LAST = date(2026, 11, 30)
"""A Monday, the last day of its month: one day is left, and it is forecast."""
FIRST = date(2026, 11, 1)


def known(*costs: float, today: date = LAST) -> dict[date, float]:
    """The days before ``today``, the last one first."""
    return {today - timedelta(days=n): cost for n, cost in enumerate(costs, 1)}


@pytest.mark.parametrize(
    ("days", "state", "basis"),
    [
        (2, "too few days", ""),
        (3, "no band", "by 3 days, which is all that is known"),
        (27, "no band", "by 27 days, which is all that is known"),
        (
            28,
            "ok",
            "by the same weekdays of the last 28 days; the range is how wrong this forecast was in the last 2 weeks",
        ),
    ],
)
def test_three_days_make_a_number_and_four_weeks_a_range(days: int, state: str, basis: str) -> None:
    found = month_end(known(*[10.0] * days), LAST)
    assert (found.state, found.basis) == (state, basis)


@pytest.mark.parametrize(("days", "state"), [(47, "no band"), (48, "ok")])
def test_a_range_needs_five_earlier_forecasts_of_a_fortnight_each(days: int, state: str) -> None:
    """On the first, thirty days are forecast: of 48 days the fifth such forecast had the 14 that it needs before it."""
    found = month_end(known(*[10.0] * days, today=FIRST), FIRST)
    assert (found.state, found.amount) == (state, 300.0)
    assert found.basis.endswith("in the last 1 week") == (state == "ok")


def test_what_is_too_long_ago_says_nothing_of_now() -> None:
    old = {LAST - timedelta(days=n): 10.0 for n in range(8, 28)}
    assert (month_end(old, LAST).state, month_end(old, LAST).rate) == ("too few days", None)
    assert month_end({**old, LAST - timedelta(days=7): 10.0}, LAST).amount is not None
    older = {LAST - timedelta(days=n): 1000.0 for n in range(29, 60)}
    assert month_end({**known(*[10.0] * 28), **older}, LAST).left == (10.0,)
    monday = {**known(*[10.0] * 27), LAST - timedelta(days=28): 90.0}
    assert month_end(monday, LAST).left == (10.0,), "the median of 10, 10, 10 and 90"


@pytest.mark.parametrize(
    ("cost", "switched"), [(74.0, True), (75.0, False), (100.0, False), (125.0, False), (126.0, True)]
)
def test_a_change_is_more_than_a_quarter_up_or_down(cost: float, switched: bool) -> None:
    found = month_end(known(*[cost] * 7, *[100.0] * 50), LAST, changed="pool a was made")
    assert (found.switched, found.left) == (switched, (cost if switched else 100.0,))
    assert found.rate == cost
    assert found.state == ("no band" if switched else "ok"), "days before a change give no range"


def test_the_last_seven_days_alone_are_gone_by_after_a_change() -> None:
    found = month_end(known(*[200.0] * 6, 340.0, *[100.0] * 50), LAST, changed="pool a was made")
    assert (found.rate, found.left) == (220.0, (220.0,))


def test_a_weekday_that_nobody_saw_is_taken_as_the_others() -> None:
    found = month_end(known(10.0, 20.0, 60.0), LAST)  # a Sunday, a Saturday and a Friday
    assert found.left == (20.0,)
    unseen = 3 * 60.0 + 3 * 20.0 + 4 * 10.0 + 16 * 20.0
    assert (found.missing, found.so_far, found.amount) == (26, 90.0, 90.0 + unseen + 20.0)


@pytest.mark.parametrize(("odd", "up", "down"), [(2, 0.0, 0.0), (3, 10.0 * (1.5 - 1), 10.0 * (1 - 1 / 1.5))])
def test_the_range_holds_four_of_five_earlier_errors(odd: int, up: float, down: float) -> None:
    """Of 29 days, 15 forecasts of a day were made: four of five leave out the two that erred most, by a half."""
    found = month_end(known(*[15.0] * odd, *[10.0] * (29 - odd)), LAST)
    assert found.left == (10.0,)
    assert found.low is not None and found.high is not None and found.amount is not None
    assert (found.high - found.amount, found.amount - found.low) == (pytest.approx(up), pytest.approx(down))


def test_a_range_is_of_what_is_still_to_come() -> None:
    """Every other week costs twice: a forecast errs by a factor of two at most, of the one day that is left."""
    costs = [10.0 if n // 7 % 2 else 20.0 for n in range(60)]
    found = month_end(known(*costs), LAST)
    assert found.state == "ok"
    assert found.left == (15.0,)
    assert found.low is not None and found.high is not None and found.amount is not None
    up, down = found.high - found.amount, found.amount - found.low
    assert isclose(up, 15.0 * (1.5 - 1)) and isclose(down, 15.0 * (1 - 1 / 1.5))


def test_a_month_that_cannot_be_forecast_crosses_nothing_and_one_that_can_on_the_day_it_is_over() -> None:
    stands = Forecast(today=date(2026, 11, 28), state="ok", so_far=70.0, amount=100.0, left=(10.0, 10.0, 10.0))
    assert [stands.crosses(limit) for limit in (69.0, 79.0, 80.0, 89.5, 90.0, 99.0, 100.0)] == [
        date(2026, 11, 28), date(2026, 11, 28), date(2026, 11, 29), date(2026, 11, 29), date(2026, 11, 30),
        date(2026, 11, 30), None,
    ]  # fmt: skip
