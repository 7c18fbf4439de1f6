"""What to do about money, and what became of it: measured before and after by the same measure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.money.advice import PoolNow, advise, measure, outcome
from bot.domain.money.movers import PoolSpan
from bot.domain.money.spend import NOTHING, Spend
from storage.port.core_use import CoreUse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def span(name: str, **use: float) -> PoolSpan:
    """A dollar a core-hour."""
    hours = CoreUse(**use)
    return PoolSpan(name, Spend("USD", hours, money=hours), "Standard_D4s_v3")


def test_a_pool_that_idles_is_to_be_shrunk() -> None:
    pools = {"sim-old": PoolNow("sim-old", 12, idle=12, idle_since=NOON - timedelta(days=5))}
    [found] = advise([span("Sim-Old", unused=96, busy=4)], pools, NOON)
    assert (found.kind, found.loss, found.changes) == ("idle", 96, True)
    assert found.command == "pool resize Sim-Old 0"
    assert found.words == "12 nodes of pool Sim-Old have nothing to do"
    assert found.since == NOON - timedelta(days=5)


def test_a_short_break_and_a_formula_are_left_alone() -> None:
    spans = [span("a", unused=30, busy=70)]
    assert not advise(spans, {"a": PoolNow("a", 4, idle=4, idle_since=NOON - timedelta(minutes=30))}, NOON)
    idle = PoolNow("a", 4, idle=4, idle_since=NOON - timedelta(days=1), autoscale=True)
    assert not advise(spans, {"a": idle}, NOON)


def test_the_dearest_three_are_named_one_a_pool() -> None:
    spans = [
        span("idle", unused=50, busy=1),
        span("broken", broken=200, busy=100),
        span("half", unused=300, busy=300, starting=10),
        span("slow", starting=120, busy=500),
        span("gone", unused=999),
        span("small", broken=1.0),
    ]
    pools = {
        "idle": PoolNow("idle", 4, idle=4, idle_since=NOON - timedelta(days=1)),
        "broken": PoolNow("broken", 4, broken=2),
        "half": PoolNow("half", 4),
        "slow": PoolNow("slow", 4, autoscale=True),
        "small": PoolNow("small", 1, broken=1),
    }
    found = advise(spans, pools, NOON)
    assert [(each.pool, each.kind, each.loss) for each in found] == [
        ("half", "formula", 300), ("broken", "broken", 200), ("slow", "starting", 120),
    ]  # fmt: skip


def test_one_pool_is_told_for_spot_and_another_keeps_what_else_it_loses() -> None:
    spans = [span("big", busy=500, waiting=10), span("mid", busy=200, waiting=20), span("plain", busy=100)]
    pools = {name: PoolNow(name, 4, autoscale=True, spot_ratio=0.2) for name in ("big", "mid", "plain")}
    found = advise(spans, pools, NOON)
    assert [(each.pool, each.kind, each.loss) for each in found] == [
        ("big", "spot", pytest.approx(400)), ("mid", "waiting", 20),
    ]  # fmt: skip


def test_spot_nodes_are_named_only_where_their_price_is_known() -> None:
    spans = [span("a", busy=100)]
    assert not advise(spans, {"a": PoolNow("a", 4)}, NOON)
    [found] = advise(spans, {"a": PoolNow("a", 4, spot_ratio=0.2)}, NOON)
    assert (found.kind, found.loss) == ("spot", pytest.approx(80))
    assert "80 % less" in found.words
    assert not advise(spans, {"a": PoolNow("a", 4, spot_nodes=1, spot_ratio=0.2)}, NOON)


def test_what_became_of_it_is_a_second_measurement() -> None:
    assert outcome("idle", 96, span("a", unused=4, busy=10)).became == "done"
    assert outcome("idle", 96, span("a", unused=4, busy=10)).saved == 92
    assert outcome("idle", 96, span("a", unused=90, busy=10)).became == "not done"
    assert outcome("idle", 96, span("a", unused=90, busy=10)).saved == 0
    assert outcome("idle", 96, None).became == "gone"
    assert outcome("idle", 96, PoolSpan("a", NOTHING)).saved == 96


def test_what_cannot_be_measured_any_more_is_unknown() -> None:
    unpriced = PoolSpan("a", Spend("USD", CoreUse(busy=1), unpriced=1))
    assert outcome("idle", 96, unpriced).became == "unknown"
    assert outcome("spot", 96, span("a", busy=1)).became == "unknown"


def test_periods_of_other_lengths_are_made_alike() -> None:
    found = outcome("broken", 60, span("a", broken=10, busy=1), stretch=31 / 28)
    assert found.after == pytest.approx(10 * 31 / 28)
    assert found.saved == pytest.approx(60 - 10 * 31 / 28)


def test_each_measure_is_its_own() -> None:
    use = CoreUse(busy=1, starting=2, unused=3, waiting=4, broken=5)
    spend = Spend("USD", use, money=use)
    kinds = ("idle", "formula", "broken", "waiting", "starting")
    assert [measure(kind, spend) for kind in kinds] == [3, 3, 5, 4, 2]
