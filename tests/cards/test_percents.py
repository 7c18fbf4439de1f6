"""Shares of one whole: one rounding, which adds up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.formatting import percent, percents


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([198, 12, 6], ["92 %", "5 %", "3 %"]),
        ([1, 1, 1], ["34 %", "33 %", "33 %"]),
        ([996, 2, 2], ["99 %", "1 %", "under 1 %"]),
        ([5], ["100 %"]),
        ([1, 0], ["100 %", "0 %"]),
        ([0, 0], ["–", "–"]),
        ([], []),
    ],
)
def test_shares_in_words(parts: list[float], said: list[str]) -> None:
    assert percents(parts) == said


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30).filter(any))
def test_they_add_up_and_none_says_more_than_it_is(parts: list[int]) -> None:
    shares, whole = percents(parts), sum(parts)
    figures = [0 if each == "under 1 %" else int(each.split()[0]) for each in shares]
    assert sum(figures) == 100
    for part, figure, words in zip(parts, figures, shares, strict=True):
        assert abs(figure - 100 * part / whole) <= 1
        assert (words == "0 %") is (part == 0)
        assert (figure == 100) is (part == whole)


def test_a_part_alone_is_rounded_alike() -> None:
    assert [percent(part, 1000) for part in (0, 4, 5, 14, 16, 994, 999, 1000)] == [
        "0 %", "under 1 %", "under 1 %", "1 %", "2 %", "99 %", "99 %", "100 %",
    ]  # fmt: skip
