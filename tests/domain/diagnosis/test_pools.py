"""What is wrong with a pool; what looks like trouble and is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.azure.models import NameValue, Node, NodeCounts, Pool, PoolNodeCounts
from bot.azure.models.node import NodeError
from bot.azure.models.pool import AutoScaleRun, ResizeError
from bot.domain.diagnosis.model import choose
from bot.domain.diagnosis.pools import PoolCase, Room, of_pool
from bot.domain.pool_health import troubles_of

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=3)


def pool(has: int = 2, wants: int = 2, **more: Any) -> Pool:
    """A steady pool of so many dedicated nodes."""
    known: dict[str, Any] = {
        "id": "gpu-a",
        "state": "active",
        "creation_time": NOW - timedelta(days=3),
        "allocation_state": "steady",
        "allocation_state_transition_time": LONG_AGO,
        "resize_timeout": "PT15M",
        "current_dedicated_nodes": has,
        "current_low_priority_nodes": 0,
        "target_dedicated_nodes": wants,
        "target_low_priority_nodes": 0,
        **more,
    }
    return Pool(**known)


def error(code: str, message: str = "", **values: str) -> tuple[ResizeError, ...]:
    """What a resize ended with."""
    return (ResizeError(code, message, tuple(NameValue(name=name, value=value) for name, value in values.items())),)


def formula(error_code: str = "", ago: float = 300.0, results: str = "", **more: Any) -> dict[str, Any]:
    """A pool's formula, last evaluated so many seconds ago."""
    failed = ResizeError(error_code, "in words") if error_code else None
    run = AutoScaleRun(timestamp=NOW - timedelta(seconds=ago), results=results, error=failed)
    return {"enable_auto_scale": True, "auto_scale_evaluation_interval": "PT5M", "auto_scale_run": run, **more}


def told(found: Pool, **more: Any) -> tuple[str, bool] | None:
    """The cause that is told, and whether it is harm; None where nothing is wrong."""
    clue = choose(of_pool(PoolCase(pool=found, at=NOW, **more))).clue
    return (clue.id, clue.harm) if clue else None


WHOLE = PoolNodeCounts(pool_id="gpu-a", dedicated=NodeCounts(idle=2, total=2))
DOCUMENT = '{"error":{"code":"ScopeLocked","message":"The scope is locked"}}'
YOUNG = NOW - timedelta(minutes=8)


@pytest.mark.parametrize(
    ("found", "more", "wanted"),
    [
        (pool(), {"counts": WHOLE}, None),
        (pool(0, 12, resize_errors=error("AccountCoreQuotaReached")), {}, ("pool.quota.cores", True)),
        (pool(0, 12, resize_errors=error("AllocationFailed", json=DOCUMENT)), {}, ("provider.locked", True)),
        (pool(0, 12, resize_errors=error("AllocationFailed", json=DOCUMENT[:35])), {}, ("provider.locked", True)),
        (pool(0, 12, resize_errors=error("NeverHeardOf", "in words")), {}, ("unknown.resize", True)),
        # stale: it has what it wants, or is being resized again
        (pool(2, 2, resize_errors=error("AccountCoreQuotaReached")), {"counts": WHOLE}, None),
        (
            pool(0, 12, resize_errors=error("AllocationTimedOut"), allocation_state="resizing",
                 allocation_state_transition_time=NOW - timedelta(minutes=3)),
            {},
            ("pool.resizing", False),
        ),
        # a resize in its time, over its time, stopped by somebody
        (pool(0, 12, allocation_state="resizing"), {}, ("pool.resize.too_long", True)),
        (pool(0, 12, allocation_state="resizing", **formula()), {}, ("pool.resize.too_long_autoscale", True)),
        (pool(0, 12, resize_errors=error("ResizeStopped")), {}, ("pool.resize.stopped", False)),
        (pool(0, 12), {}, ("pool.no_reason", True)),
        # formulas
        (pool(**formula("AutoScalingFormulaEvaluationError")), {}, ("autoscale.formula_fails", True)),
        (pool(**formula("InsufficientSampleData")), {}, ("autoscale.no_samples", True)),
        (pool(**formula("NeverHeardOf")), {}, ("unknown.autoscale", True)),
        (pool(creation_time=YOUNG, **formula("InsufficientSampleData")), {}, ("autoscale.warming_up", False)),
        (pool(**formula(ago=7200.0)), {}, ("autoscale.dead", True)),
        (pool(0, 0, **formula(results="$TargetDedicatedNodes=0")), {"waiting": 812}, ("autoscale.wants_none", True)),
        (pool(0, 0, **formula(results="$TargetDedicatedNodes=0")), {"waiting": 0}, None),
        (pool(0, 0), {"waiting": 3}, ("pool.scaled_to_zero", True)),
        (pool(0, 0), {}, None),
        # going
        (pool(state="deleting", state_transition_time=NOW - timedelta(minutes=4)), {}, ("pool.deleting", False)),
        (pool(state="deleting", state_transition_time=LONG_AGO), {}, ("pool.deleting_too_long", True)),
    ],
)  # fmt: skip
def test_one_cause_is_told(found: Pool, more: dict[str, Any], wanted: tuple[str, bool] | None) -> None:
    assert told(found, **more) == wanted


def node(number: int, state: str, *errors: str, since: datetime = LONG_AGO) -> Node:
    """A node in a state."""
    told_ = tuple(NodeError(code=each) for each in errors)
    return Node(id=f"tvm-{number}", state=state, state_transition_time=since, errors=told_)


@pytest.mark.parametrize(
    ("nodes", "size", "wanted", "many"),
    [
        ([node(1, "unusable")], 12, "node.unusable_silent", 1),
        ([node(1, "unusable"), node(2, "unusable")], 2, "node.all_unusable", 2),
        ([node(1, "unusable", "DiskFull"), node(2, "unusable", "DISKFULL")], 12, "node.disk_full", 2),
        ([node(1, "unusable", "ApplicationPackageError")], 12, "node.package_failed", 1),
        ([node(1, "unusable", "NeverHeardOf")], 12, "unknown.node", 1),
        ([node(1, "offline"), node(2, "unusable"), node(3, "unusable")], 12, "node.unusable_silent", 2),
        ([node(1, "starttaskfailed")], 12, "node.start_task_failed", 1),
        ([node(1, "unknown")], 12, "node.lost_contact", 1),
        ([node(1, "waitingforstarttask")], 12, "node.start_task_long", 1),
        ([node(1, "starting")], 12, "node.starting_long", 1),
        ([node(1, "leavingpool")], 12, "node.leaving_long", 1),
    ],
)
def test_nodes_that_are_alike_are_told_together(nodes: list[Node], size: int, wanted: str, many: int) -> None:
    clues = of_pool(PoolCase(pool=pool(size, size), at=NOW, nodes=nodes))
    assert (clues[0].id, clues[0].nodes) == (wanted, many)
    assert clues[0].about.kind == "node"


def test_unusable_with_and_without_an_error_are_two_sentences() -> None:
    silent, full = (
        of_pool(PoolCase(pool=pool(9, 9), at=NOW, nodes=[each]))[0]
        for each in (node(1, "unusable"), node(1, "unusable", "DiskFull"))
    )
    assert silent.cause != full.cause
    assert silent.sure != "certain"
    assert full.sure == "certain"


def test_a_node_that_has_just_begun_to_boot_is_no_trouble() -> None:
    young = node(1, "starting", since=NOW - timedelta(minutes=2))
    assert not [each for each in of_pool(PoolCase(pool=pool(), counts=WHOLE, at=NOW, nodes=[young])) if each.harm]


def test_why_agrees_with_what_lists_say_of_a_pool() -> None:
    short = error("AccountCoreQuotaReached")
    broken = PoolNodeCounts(pool_id="gpu-a", dedicated=NodeCounts(idle=1, unusable=1, total=2))
    for found, counts in (
        (pool(), WHOLE),
        (pool(), broken),
        (pool(2, 12, resize_errors=short), WHOLE),
        (pool(2, 12, resize_errors=short), broken),
        (pool(2, 2, resize_errors=short), WHOLE),
        (pool(**formula("AutoScalingFormulaEvaluationError")), WHOLE),
        (pool(creation_time=YOUNG, **formula("InsufficientSampleData")), WHOLE),
        (pool(2, 12, resize_errors=error("ResizeStopped")), WHOLE),
    ):
        case = PoolCase(pool=found, at=NOW, counts=counts)
        clues = [each for each in of_pool(case) if each.harm]
        troubles = troubles_of(case.facts)
        assert bool(clues) == bool(troubles), (found, clues)
        if troubles:
            assert (troubles[0].kind == "nodes") == bool(clues[0].nodes)


def test_a_resize_to_what_fits_counts_the_room_that_there_is_by_now() -> None:
    code = "AccountCoreQuotaReached"
    short = pool(2, 12, resize_errors=(*error(code), *error("AccountVMSeriesCoreQuotaReached")))
    for free, fits in ((0, "2"), (4, "6"), (50, "12")):
        room = Room("dedicated cores", 96, 100, at=NOW, code=code, nodes=free)
        first, other = of_pool(PoolCase(pool=short, at=NOW, room=room))
        assert (first.names["nodes"], first.names["dedicated"]) == (fits, fits)
        said = [each.words for each in first.evidence]
        assert "96 of 100 dedicated cores in use" in said
        assert any("by now" in each for each in said) is bool(free)
        assert not any("cores in use" in each.words for each in other.evidence), "that quota was not the one asked for"
    by_hand = {step.command for each in of_pool(PoolCase(pool=pool(2, 12, **formula()), at=NOW)) for step in each.steps}
    assert not any(each.startswith(("pool resize ", "pool stop-resize ")) for each in by_hand)


def test_a_pool_with_a_formula_is_not_offered_a_resize_which_it_would_refuse() -> None:
    by_hand = pool(2, 12, resize_errors=error("AllocationTimedOut"))
    by_formula = pool(2, 12, resize_errors=error("AllocationTimedOut"), **formula())
    [one], [other] = (of_pool(PoolCase(pool=each, at=NOW, counts=WHOLE)) for each in (by_hand, by_formula))
    assert one.id == other.id == "pool.allocation.timed_out"
    assert any(each.command.startswith("pool resize") for each in one.steps)
    assert not any(each.command.startswith("pool resize") for each in other.steps)
    assert other.steps[0].command == "pool autoscale {pool}"
    assert "resize again" in one.do
    assert "let its formula ask again" in other.do
    assert "resize again" not in other.do


@pytest.mark.parametrize(
    ("minutes", "more", "found"),
    [
        (29, {}, []),
        (31, {}, [("pool.idle", True)]),
        (31, formula(), [("pool.idle_by_formula", False)]),
        (31, formula(auto_scale_evaluation_interval="PT30M"), []),
    ],
)
def test_nodes_that_have_no_work(minutes: int, more: dict[str, Any], found: list[tuple[str, bool]]) -> None:
    since = NOW - timedelta(minutes=minutes)
    clues = of_pool(PoolCase(pool=pool(**more), at=NOW, counts=WHOLE, idle_since=since))
    assert [(each.id, each.harm) for each in clues] == found
    assert all(each.since == since for each in clues)
    assert of_pool(PoolCase(pool=pool(**more), at=NOW, counts=WHOLE)) == [], "since when was not asked"


def test_idle_nodes_do_not_hide_what_is_on_its_way() -> None:
    counts = PoolNodeCounts(pool_id="gpu-a", low_priority=NodeCounts(idle=3, preempted=1, total=4))
    spot = pool(0, 0, current_low_priority_nodes=4, target_low_priority_nodes=4)
    clues = of_pool(PoolCase(pool=spot, at=NOW, counts=counts, idle_since=LONG_AGO))
    assert [each.id for each in clues] == ["pool.preempted", "pool.idle"]
    assert choose(clues).clue == clues[1]
