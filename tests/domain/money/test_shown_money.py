"""Money in parts: what is shown adds up, and no figure is moved for the sake of the sum by more than a cent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money.shares import parts, parts_beside


def amount(shown: str) -> float:
    return float(shown.replace("$", "").replace("¥", "").replace(",", ""))


@given(st.lists(st.floats(0, 1e5).map(lambda value: round(value, 4)), min_size=1, max_size=20))
def test_shown_parts_are_true_and_sum_to_the_total(values: list[float]) -> None:
    shown, whole = parts(values, "USD")
    assert sum(map(amount, shown)) == pytest.approx(amount(whole))
    unit = 0.01 if any("." in each for each in shown) else 1.0
    for value, each in zip(values, shown, strict=True):
        assert abs(amount(each) - value) <= (0.5 if unit == 1.0 else 0.01) + 1e-9


@pytest.mark.parametrize(
    "values", [[81.4, 6.5, 98.6, 24.4, 0.4, 1.3], [0.0, 0.0003, 0.03745], [0.004, 0.0049], [412.4, 99.5, 88.1], []]
)
def test_the_rest_that_is_named_is_the_sum_of_its_parts_and_true(values: list[float]) -> None:
    shown, whole, rest = parts_beside(values, "USD")
    assert sum(map(amount, shown[1:])) == pytest.approx(amount(rest))
    assert sum(map(amount, shown)) == pytest.approx(amount(whole))
    unit = 0.01 if "." in rest else 1.0
    assert abs(amount(rest) - sum(values[1:])) <= (0.5 if unit == 1.0 else 0.01) + 1e-9


def test_cents_are_shown_where_whole_dollars_would_not_add_up() -> None:
    assert parts([189.55, 120.55, 80.1], "USD") == (["$189.55", "$120.55", "$80.10"], "$390.20")
    assert parts([189.9, 120.1], "USD") == (["$190", "$120"], "$310")
    assert parts([189.55, 120.55, 80.3], "JPY")[1] == "¥390"
