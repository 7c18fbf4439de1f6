"""Percentiles of many lengths that were added up are those of the lengths, to a twentieth."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from storage.port.spread import NOTHING, Spread, all_of, spread_of

LENGTHS = st.lists(st.floats(1, 1e6), min_size=1, max_size=60)


def exact(lengths: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    return sorted(lengths)[max(1, math.ceil(share * len(lengths))) - 1]


@given(st.lists(LENGTHS, min_size=1, max_size=5), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_of_parts_together_is_that_of_all(parts: list[list[float]], share: float) -> None:
    spread = all_of(spread_of(part) for part in parts)
    whole = [length for part in parts for length in part]
    found = spread.percentile(share)
    assert spread.total == len(whole)
    assert found is not None and abs(found / exact(whole, share) - 1) < 0.05


def test_nothing_has_no_percentile_and_what_took_no_time_has_one() -> None:
    assert NOTHING.percentile(0.5) is None
    assert spread_of([-3, 0, 0.2]).percentile(0.5) == 0.5
    assert spread_of([]) == Spread() == NOTHING
