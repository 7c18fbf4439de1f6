from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.charts.units import alike, axis, axis_labels, figure
from cards.formatting import spark

UNITS = ("", "h", "s", "%", "USD", "EUR", "JPY", "CHF")


@given(low=st.floats(-1e9, 1e9), high=st.floats(-1e9, 1e9), unit=st.sampled_from(UNITS))
def test_an_axis_shows_everything_with_few_round_labels(low: float, high: float, unit: str) -> None:
    low, high = sorted((low, high))
    low, high = (0.0 if abs(each) < 1e-6 else each for each in (low, high))
    found = axis(low, high, unit)
    assert found.low <= min(0, low) + 1e-9 * abs(low)
    assert found.high >= max(0, high) - 1e-9 * abs(high)
    assert 1 <= found.steps <= 5
    assert 0 in found.values, "an honest axis has its zero"
    labels = axis_labels(found, unit)
    assert len(set(labels)) == len(labels) == found.steps + 1
    assert found.high - found.low <= 4 * max(high - min(low, 0), max(high, 0) - low, 60 if unit == "s" else 1)


@pytest.mark.parametrize(
    ("low", "high", "unit", "labels"),
    [
        (0, 316, "USD", ("0", "$80", "$160", "$240", "$320")),
        (-240, 120, "USD", ("−$240", "−$160", "−$80", "0", "$80", "$160")),
        (0, 0.052, "CHF", ("0", "CHF 0.015", "CHF 0.030", "CHF 0.045", "CHF 0.060")),
        (0, 2.4, "JPY", ("0", "¥1", "¥2", "¥3")),
        (0, 15003, "JPY", ("0", "¥4,000", "¥8,000", "¥12,000", "¥16,000")),
        (0, 0.34, "%", ("0", "10 %", "20 %", "30 %", "40 %")),
        (0, 5000, "s", ("0", "30 min", "1 h", "1 h 30 min")),
        (0, 0, "", ("0", "1")),
        (0, 3, "", ("0", "1", "2", "3")),
        (0, 21840, "h", ("0", "6,000 h", "12,000 h", "18,000 h", "24,000 h")),
    ],
)
def test_axes(low: float, high: float, unit: str, labels: tuple[str, ...]) -> None:
    assert axis_labels(axis(low, high, unit), unit) == labels


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1204.4, "USD", "$1,204"),
        (34_600, "USD", "$34,600"),
        (346_000, "USD", "$346 k"),
        (21_840, "h", "21,840 h"),
        (3.4, "EUR", "€3.40"),
        (120.4, "JPY", "¥120"),
        (-12, "USD", "−$12.00"),
        (-0.2, "JPY", "¥0"),
        (0, "USD", "$0"),
        (745, "s", "12 min"),
        (130, "s", "2 min 10 s"),
        (0.42, "s", "0.42 s"),
        (0, "s", "0"),
        (0.584, "%", "58 %"),
        (0.034, "%", "3.4 %"),
        (9400, "h", "9,400 h"),
        (12, "", "12"),
    ],
)
def test_figures(value: float, unit: str, words: str) -> None:
    assert figure(value, unit) == words


def test_money_side_by_side_has_the_same_digits() -> None:
    assert alike([316.2, 65.3, 0.42, None, 0], "USD") == ["$316", "$65", "$0.42", "no data", "$0"]
    assert alike([31.0, 5.5], "USD") == ["$31.00", "$5.50"]


def test_spark() -> None:
    assert spark([1, 2, 2, 3, 5]) == "▂▄▄▅█"
    assert spark([0, 0]) == "▁▁"
    assert spark([None, 3, 0, -2, 1000]) == "·▂▁▁█"
    assert spark([]) == ""
    assert len(spark([math.pi] * 12)) == 12
