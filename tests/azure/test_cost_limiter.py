"""The quota of Cost Management is never exceeded, whatever is asked, and a service that asks to wait is heard."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.cost_limiter import CostLimiter, qpu

PUBLISHED = ((10, 12), (60, 60), (3600, 600))
"""Seconds, and the QPU that may be spent in them, as "Automate with Cost Management" says."""


class Ticks:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0

    def elapsed(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.at += seconds


@given(st.lists(st.tuples(st.integers(1, 12), st.floats(0, 20)), max_size=120))
def test_no_window_holds_more_than_is_allowed(asked: list[tuple[int, float]]) -> None:
    async def ask() -> list[tuple[float, int]]:
        clock = Ticks()
        limiter = CostLimiter(clock)
        went = []
        for cost, pause in asked:
            clock.at += pause
            await limiter.take(cost)
            went.append((clock.at, cost))
        return went

    went = asyncio.run(ask())
    for end, _ in went:
        for seconds, most in PUBLISHED:
            assert sum(cost for at, cost in went if end - seconds < at <= end) <= most


async def test_nothing_goes_before_the_service_said_so() -> None:
    clock = Ticks()
    limiter = CostLimiter(clock)
    await limiter.take(1)
    limiter.hold(47)
    limiter.hold(3)
    await limiter.take(1)
    assert clock.at == 47


async def test_a_query_that_is_never_allowed_is_refused() -> None:
    with pytest.raises(ValueError, match="13 QPU"):
        await CostLimiter(Ticks()).take(13)


@pytest.mark.parametrize(
    ("first", "last", "cost"),
    [
        (date(2026, 11, 1), date(2026, 11, 1), 1),
        (date(2026, 10, 1), date(2026, 10, 31), 1),
        (date(2026, 1, 1), date(2026, 3, 31), 3),
    ],
)
def test_a_month_of_data_is_a_unit(first: date, last: date, cost: int) -> None:
    assert qpu(first, last) == cost
