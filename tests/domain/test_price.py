"""What a pool costs an hour."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.azure.models import NodeCounts, Pool, PoolNodeCounts
from bot.azure.models.price import Prices
from bot.domain.licence import pays_windows
from bot.domain.pools import reading
from bot.domain.price import Money, of_nodes, of_pool, per_hour
from bot.domain.states import with_machine

PRICES = Prices(
    {
        ("standard_d2s_v3", False, "on demand"): 0.1,
        ("standard_d2s_v3", False, "spot"): 0.02,
        ("standard_d2s_v3", True, "on demand"): 0.2,
        ("standard_d2s_v3", True, "low priority"): 0.05,
        ("standard_a1_v2", False, "on demand"): 0.05,
    },
    "EUR",
)
LINUX = {"nodeAgentSKUId": "batch.node.ubuntu 22.04"}
WINDOWS = {"nodeAgentSKUId": "batch.node.windows amd64"}


def pool(machine: dict[str, Any], **more: Any) -> Pool:
    return msgspec.convert({"vmSize": "STANDARD_D2s_v3", "virtualMachineConfiguration": machine, **more}, Pool)


@pytest.mark.parametrize(
    ("machine", "dedicated", "spot"),
    [
        (LINUX, 0.4, 0.2),
        (WINDOWS, 0.8, 0.5),
        ({**WINDOWS, "licenseType": "Windows_Server"}, 0.4, 0.2),
        ({"windowsConfiguration": {}}, 0.8, 0.5),
        ({}, 0.4, 0.2),
    ],
)
def test_nodes_at_the_price_of_their_kind(machine: dict[str, Any], dedicated: float, spot: float) -> None:
    burn = of_pool(PRICES, reading(pool(machine, currentDedicatedNodes=4, currentLowPriorityNodes=10)))
    assert burn
    assert (burn.dedicated, burn.spot) == pytest.approx((dedicated, spot))
    assert burn.currency == "EUR"
    assert burn.amount == pytest.approx(dedicated + spot)


def test_nodes_without_a_machine_cost_nothing() -> None:
    counts = PoolNodeCounts("p", NodeCounts(total=5, deallocated=1, unusable=2), NodeCounts(total=10, preempted=10))
    burn = of_pool(PRICES, reading(pool(LINUX, currentDedicatedNodes=5, currentLowPriorityNodes=10), counts))
    assert burn
    assert (burn.dedicated, burn.spot) == pytest.approx((0.4, 0.0))
    assert with_machine(NodeCounts(total=1, preempted=2)) == 0


@pytest.mark.parametrize(
    ("size", "dedicated", "spot", "known"),
    [
        ("standard_a1_v2", 3, 0, True),
        ("standard_a1_v2", 3, 1, False),
        ("standard_a1_v2", 0, 1, False),
        ("standard_none", 1, 0, False),
        ("standard_none", 0, 0, True),
    ],
)
def test_a_missing_price_is_no_guess(size: str, dedicated: int, spot: int, known: bool) -> None:
    burn = per_hour(PRICES, size, windows=False, dedicated=dedicated, spot=spot)
    assert (burn is not None) is known


def test_without_prices_nothing_is_known() -> None:
    assert per_hour(Prices(), "standard_d2s_v3", windows=False, dedicated=0, spot=0) is None
    assert not pays_windows(None)


def test_of_some_nodes_dedicated_ones_come_first() -> None:
    counts = PoolNodeCounts(dedicated=NodeCounts(idle=2, total=2), low_priority=NodeCounts(idle=3, total=3))
    facts = reading(pool(LINUX, currentDedicatedNodes=2, currentLowPriorityNodes=3), counts)
    for nodes, dedicated, spot in ((1, 0.1, 0.0), (2, 0.2, 0.0), (4, 0.2, 0.04), (0, 0.0, 0.0)):
        cost = of_nodes(PRICES, facts, nodes)
        assert cost is not None
        assert (cost.dedicated, cost.spot) == pytest.approx((dedicated, spot))
    four = of_nodes(PRICES, facts, 4)
    assert four is not None
    over = four.over(3)
    assert over == Money(pytest.approx(0.72), "EUR", PRICES.as_of)
