"""Which recommendations come first, and which of several about one thing."""

from __future__ import annotations

from bot.domain.recommendations.best import best, distinct
from tests.domain.recommendations.test_asked import of


def test_of_several_about_the_same_nodes_one_is_told() -> None:
    formula, wide, slots = of("formula", 100.0), of("too wide", 60.0), of("empty slots", 20.0)
    other, spot = of("formula", 5.0, name="gpu"), of("spot", 80.0)
    assert distinct([formula, wide, slots, other, spot]) == [wide, other, spot]  # fewer nodes are simpler
    assert distinct([formula, of("too wide", 59.0)]) == [formula]
    assert distinct([slots, wide]) == [wide]
    assert distinct([of("old agent"), of("full disk")]) == [of("old agent"), of("full disk")]


def test_the_best_three_have_what_is_urgent_first_then_money_then_risk() -> None:
    dear, cheap, image = of("spot", 90.0), of("starting", 2.0), of("image ends", risk=3)
    ended, soon = of("signature ends", risk=5), of("dead formula", risk=4)
    assert best([cheap, image, dear, of("retries", 1.0)]) == [dear, cheap, of("retries", 1.0)]
    assert best([cheap, image, soon, dear, ended]) == [ended, dear, cheap]
    assert best([image, soon, ended]) == [ended, soon, image]
    assert best([]) == []
