"""When a pool is unwell, down, idle or overdue: each limit just below, at and just above."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.azure.models import NodeCounts
from bot.domain.pool_health import (
    PoolTrouble,
    autoscale_failure,
    autoscale_overdue,
    deletion_overdue,
    fell_short,
    idles,
    is_down,
    keeps_nodes,
    reached,
    resize_overdue,
    rests,
    troubles_of,
    warms_up,
)
from bot.domain.pools import PoolFacts, bad, coming, counted, has, machines, size, usable, wanted

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FAILS = ("AutoScalingFormulaEvaluationError", "in words")
NO_SAMPLES = ("InsufficientSampleData", "in words")
SHORT = (("ResizeStopped", "by a person"), ("AllocationTimedOut", "in words"))


def pool(kept: NodeCounts | None = None, lent: NodeCounts | None = None, **facts: Any) -> PoolFacts:
    """A steady pool that has two dedicated nodes and wants them."""
    known: dict[str, Any] = {"state": "active", "allocation": "steady", "dedicated": 2, "target_dedicated": 2}
    counts = (kept or NodeCounts(), lent or NodeCounts())
    return PoolFacts("cpu", counts=counts, **(known | facts))


@pytest.mark.parametrize(
    ("facts", "seconds", "overdue"),
    [
        ({"allocation": "resizing", "resize_timeout": 900.0}, 1200, False),
        ({"allocation": "Resizing", "resize_timeout": 900.0}, 1201, True),
        ({"allocation": "resizing", "resize_timeout": 0.0}, 1800, False),
        ({"allocation": "resizing", "resize_timeout": 0.0}, 1801, True),
        ({"allocation": "stopping", "resize_timeout": 900.0}, 1800, False),
        ({"allocation": "stopping", "resize_timeout": 900.0}, 1801, True),
        ({"allocation": "steady", "resize_timeout": 900.0}, 99_999, False),
    ],
)
def test_a_resize_takes_too_long(facts: dict[str, Any], seconds: float, overdue: bool) -> None:
    assert resize_overdue(pool(**facts), seconds) is overdue


@pytest.mark.parametrize(
    ("state", "seconds", "overdue"),
    [("deleting", 1800, False), ("Deleting", 1801, True), ("active", 9999, False)],
)
def test_a_deletion_takes_too_long(state: str, seconds: float, overdue: bool) -> None:
    assert deletion_overdue(pool(state=state), seconds) is overdue


@pytest.mark.parametrize(
    ("facts", "seconds", "overdue"),
    [
        pytest.param({}, 1200, False, id="three intervals and five minutes"),
        pytest.param({}, 1201, True, id="a second more"),
        pytest.param({"autoscale_interval": 900.0}, 3000, False, id="of a longer interval"),
        pytest.param({"autoscale_interval": 900.0}, 3001, True, id="and a second more"),
        pytest.param({"autoscale_interval": -900.0}, 301, True, id="an interval that cannot be is none"),
        pytest.param({"autoscale": False}, 9999, False, id="no formula"),
        pytest.param({"autoscale_at": None}, 9999, False, id="never evaluated, so new"),
        pytest.param({"state": "deleting"}, 9999, False, id="being deleted"),
    ],
)
def test_a_formula_is_no_longer_evaluated(facts: dict[str, Any], seconds: float, overdue: bool) -> None:
    known = {"autoscale": True, "autoscale_at": NOW, "autoscale_interval": 300.0}
    assert autoscale_overdue(pool(**(known | facts)), seconds) is overdue


@pytest.mark.parametrize(
    ("minutes", "facts", "young"),
    [
        pytest.param(29.9, {}, True, id="less than half an hour old"),
        pytest.param(30, {}, False, id="half an hour old"),
        pytest.param(99, {"autoscale_since": NOW - timedelta(minutes=9)}, True, id="an old pool, a young formula"),
        pytest.param(9, {"autoscale_error": FAILS}, False, id="another error"),
        pytest.param(9, {"autoscale_error": None}, False, id="no error"),
        pytest.param(9, {"autoscale": False}, False, id="no formula"),
        pytest.param(9, {"autoscale_at": None}, False, id="never evaluated"),
        pytest.param(9, {"created": None}, False, id="of unknown age"),
    ],
)
def test_a_formula_that_lacks_samples_is_young_for_half_an_hour(
    minutes: float, facts: dict[str, Any], young: bool
) -> None:
    known = {
        "autoscale": True, "autoscale_at": NOW, "created": NOW - timedelta(minutes=minutes),
        "autoscale_error": NO_SAMPLES,
    }  # fmt: skip
    found = pool(**(known | facts))
    assert warms_up(found) is young
    assert autoscale_failure(found) == (None if young or not found.autoscale else found.autoscale_error)


@pytest.mark.parametrize(
    ("facts", "seconds", "idle"),
    [
        pytest.param({}, 1799, False, id="less than half an hour"),
        pytest.param({}, 1800, True, id="half an hour"),
        pytest.param({"autoscale": True, "autoscale_interval": 900.0}, 1800, True, id="two intervals of a quarter"),
        pytest.param({"autoscale": True, "autoscale_interval": 901.0}, 1801, False, id="not yet two intervals"),
        pytest.param({"autoscale": True, "autoscale_interval": 901.0}, 1802, True, id="two intervals"),
        pytest.param({"autoscale": False, "autoscale_interval": 9000.0}, 1800, True, id="an interval of no formula"),
        pytest.param({"target_dedicated": 0}, 9999, False, id="it wants none"),
        pytest.param({"allocation": "resizing"}, 9999, False, id="it is being resized"),
        pytest.param({"state": "deleting"}, 9999, False, id="it is being deleted"),
        pytest.param({"kept": NodeCounts(idle=1, running=1)}, 9999, False, id="one works"),
        pytest.param({"kept": NodeCounts(idle=1, starting=1)}, 9999, False, id="one is on its way"),
        pytest.param({"kept": NodeCounts(unusable=2)}, 9999, False, id="none is idle"),
        pytest.param({"kept": NodeCounts(idle=1, unusable=1)}, 9999, True, id="one is idle, one broken"),
        pytest.param({"lent": NodeCounts(running=1)}, 9999, False, id="a spot node works"),
    ],
)
def test_a_pool_idles(facts: dict[str, Any], seconds: float, idle: bool) -> None:
    found = pool(**({"kept": NodeCounts(idle=2)} | facts))
    assert idles(found, seconds) is idle
    assert rests(found) or not idle


@pytest.mark.parametrize(
    ("counts", "facts", "down"),
    [
        (NodeCounts(unusable=2), {}, True),
        (NodeCounts(unusable=1, idle=1), {}, False),
        (NodeCounts(unusable=1, running=1), {}, False),
        (NodeCounts(unusable=1, starting=1), {}, False),
        (NodeCounts(preempted=2), {}, True),
        (NodeCounts(), {}, False),  # not counted yet
        (NodeCounts(), {"dedicated": 0}, True),
        (NodeCounts(), {"dedicated": 0, "target_dedicated": 0}, False),
        (NodeCounts(unusable=2), {"allocation": "resizing"}, False),
        (NodeCounts(unusable=2), {"state": "deleting"}, False),
        (NodeCounts(unusable=2), {"target_dedicated": 0, "target_spot": 1}, True),
    ],
)
def test_a_pool_is_down(counts: NodeCounts, facts: dict[str, Any], down: bool) -> None:
    assert is_down(pool(counts, **facts)) is down


def test_troubles_are_told_worst_first() -> None:
    unwell = pool(
        NodeCounts(unusable=1, offline=1, idle=9), target_dedicated=12, dedicated=11, resize_errors=SHORT,
        autoscale=True, autoscale_at=NOW, autoscale_error=FAILS,
    )  # fmt: skip
    assert troubles_of(unwell) == (
        PoolTrouble("nodes", bad=2, nodes=11),
        PoolTrouble("resize", "AllocationTimedOut", "in words"),
        PoolTrouble("autoscale", "AutoScalingFormulaEvaluationError", "in words"),
    )
    assert troubles_of(pool(NodeCounts(idle=2))) == ()


@pytest.mark.parametrize(
    ("facts", "short"),
    [
        ({"dedicated": 1}, True),
        ({"dedicated": 3}, True),
        ({"spot": 1}, True),
        ({"dedicated": 1, "spot": 1}, True),
        ({}, False),
        ({"dedicated": 1, "state": "deleting"}, False),
        ({"dedicated": 1, "allocation": "resizing"}, False),
    ],
)
def test_an_error_of_a_resize_counts_while_the_pool_lacks_nodes(facts: dict[str, Any], short: bool) -> None:
    found = pool(resize_errors=SHORT, **facts)
    assert fell_short(found) == (SHORT[1:] if short else ())
    assert reached(found) is (facts == {})


def test_nodes_of_a_pool_by_what_they_are_good_for() -> None:
    """A different number in every state, so that none can stand for another."""
    each = NodeCounts(
        running=1, idle=2, creating=4, starting=8, waiting_for_start_task=16, rebooting=32, reimaging=64,
        upgrading_os=128, leaving_pool=256, start_task_failed=512, unusable=1024, unknown=2048, offline=4096,
        preempted=8192,
    )  # fmt: skip
    found = pool(each, NodeCounts(idle=100_000), dedicated=5, spot=7, target_spot=11)
    assert (usable(found), coming(found), bad(found)) == (100_003, 252, 7680)
    assert (has(found), wanted(found), size(found), counted(found)) == (12, 13, 116_383, True)
    assert machines(found) == (8191, 100_000), "all but preempted ones"
    unread = pool(dedicated=5, spot=7)
    assert (counted(unread), size(unread), machines(unread)) == (False, 12, (5, 7))
    assert counted(pool(dedicated=0))
    assert keeps_nodes(pool(target_dedicated=0, target_spot=1))
