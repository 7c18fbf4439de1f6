"""Core-hours, their money, and parts that add up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from bot.domain.money.rates import Rate
from bot.domain.money.shares import rounded_parts
from bot.domain.money.spend import Spend, of_cores, total
from storage.port.core_use import IDLE_REASONS, CoreUse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class _Flat(Struct):
    """A dollar a node and hour, twenty cents for a spot one of a size that has spot nodes."""

    currency: str = "USD"
    no_spot: bool = False

    def hourly(self, vm_size: str, *, windows: bool, spot: bool, at: datetime) -> Rate | None:
        if spot and self.no_spot:
            return None
        return Rate(0.2 if spot else 1.0, self.currency, "list price", at)


def _spend(rates: _Flat, dedicated: CoreUse, spot: CoreUse) -> Spend:
    return of_cores(rates, "Standard_D4s_v3", 4, windows=False, at=NOON, dedicated=dedicated, spot=spot)


def test_a_node_hour_costs_its_rate_however_many_cores_it_has() -> None:
    spent = _spend(_Flat(), CoreUse(busy=4 * 3600), CoreUse(unused=4 * 3600))
    assert spent.cost == CoreUse(busy=1.0, unused=0.2)
    assert spent.core_hours.total == 8
    assert spent.spot_saved == pytest.approx(0.8)
    assert spent.priced == 1


def test_what_has_no_price_is_counted_and_not_guessed() -> None:
    spent = _spend(_Flat(no_spot=True), CoreUse(busy=4 * 3600), CoreUse(busy=4 * 3600))
    assert spent.cost.total == 1
    assert spent.priced == 0.5
    assert spent.spot_saved is None


def test_two_currencies_are_never_added() -> None:
    some = CoreUse(busy=3600)
    with pytest.raises(ValueError, match="USD and EUR cannot be added"):
        total([_spend(_Flat("USD"), some, some), _spend(_Flat("EUR"), some, some)])


def test_reasons_are_all_that_is_idle() -> None:
    use = CoreUse(1, 2, 3, 4, 5, 6, 7)
    assert list(use.reasons()) == list(IDLE_REASONS)
    assert sum(use.reasons().values()) == use.idle == use.total - use.busy


@given(st.lists(st.floats(-1e7, 1e7, allow_nan=False), max_size=40), st.sampled_from([0, 2, 3]))
def test_rounded_parts_sum_to_the_rounded_sum(values: list[float], digits: int) -> None:
    parts = rounded_parts(values, digits)
    unit = Decimal(1).scaleb(-digits)
    exact = sum((Decimal(repr(value)) for value in values), Decimal(0))
    assert abs(sum(parts, Decimal(0)) - exact) <= unit / 2
    assert all(abs(part - Decimal(repr(value))) < unit for part, value in zip(parts, values, strict=True))
