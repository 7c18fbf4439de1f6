"""What lists of pools and of their node counts tell: news once, with what was wanted, and how long a pool rests."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from bot.azure.models import FailureInfo, NodeCounts, PoolNodeCounts
from bot.azure.models.pool import AutoScaleRun, NameValue, ResizeError
from bot.azure.models.watched import NodeErrorState, NodeState, PoolState, StartTaskState
from bot.monitor.account_state import AccountState
from bot.monitor.node_changes import fold_counts, fold_idle, fold_nodes, fold_pools
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import NodeView, PoolView
from storage.port.monitoring import Transition
from tests.monitor.late_account import NOON, POOL, after

HALF = PoolView(
    POOL,
    state="active",
    since=NOON,
    created=NOON,
    allocation="steady",
    allocation_since=NOON,
    dedicated=2,
    target_dedicated=2,
    autoscale=True,
)


def looking(view: PoolView | None = None, *, at: float = 600, cursor: datetime = NOON) -> PendingState:
    """A look so many seconds after noon at an account with that pool."""
    state = AccountState(cursors={"baseline": NOON, "jobs": cursor})
    if view is not None:
        state.pools[view.id] = view
    return PendingState.of(state, "late", after(at))


def row(**more: Any) -> PoolState:
    known: dict[str, Any] = {
        "id": POOL,
        "creation_time": NOON,
        "state": "active",
        "state_transition_time": NOON,
        "allocation_state": "steady",
        "allocation_state_transition_time": NOON,
        "current_dedicated_nodes": 2,
        "target_dedicated_nodes": 2,
        "enable_auto_scale": True,
    }
    return PoolState(**known | more)


def details(change: Transition) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(change.details)
    return found


def told(pending: PendingState) -> list[tuple[str, str, str]]:
    return [(each.entity, each.before, each.after) for each in pending.news]


def test_what_is_as_it_was_is_no_news() -> None:
    now = looking(HALF)
    fold_pools(now, [row()])
    assert now.news == []


def test_a_resize_tells_what_there_is_and_what_is_wanted() -> None:
    """Where Azure gives no target there is none wanted: it gives nothing for a zero."""
    short = ResizeError(code="AllocationFailed", message="m")
    now = looking(HALF)
    fold_pools(
        now,
        [
            row(
                allocation_state="resizing",
                allocation_state_transition_time=after(60),
                current_low_priority_nodes=1,
                target_dedicated_nodes=None,
                target_low_priority_nodes=None,
                resize_errors=(short,),
            )
        ],
    )
    [change] = now.news
    assert (change.entity, change.before, change.after, change.at) == ("allocation", "steady", "resizing", after(60))
    assert details(change) == {
        "dedicated": 2,
        "spot": 1,
        "targetDedicated": 0,
        "targetSpot": 0,
        "errors": ["AllocationFailed"],
    }
    view = now.pools[POOL]
    assert (view.spot, view.target_dedicated, view.target_spot) == (1, 0, 0)
    assert view.resize_errors == (("AllocationFailed", "m"),)


def test_a_list_that_lags_behind_changes_nothing() -> None:
    """Of either state: the pool's own, or that of its allocation."""
    for field in ("state_transition_time", "allocation_state_transition_time"):
        now = looking(HALF)
        fold_pools(now, [row(state="deleting", allocation_state="resizing", **{field: after(-1)})])
        assert (now.news, now.pools[POOL].state, now.pools[POOL].allocation) == ([], "active", "steady")


def test_a_pool_of_the_same_name_that_was_made_anew_is_another() -> None:
    now = looking(HALF)
    fold_pools(
        now,
        [row(creation_time=after(60), state_transition_time=after(60), allocation_state_transition_time=after(61))],
    )
    assert told(now) == [("pool", "active", "deleted"), ("pool", "", "active"), ("allocation", "", "steady")]
    assert details(now.news[1])["created"] is True


def test_a_pool_that_is_no_more_is_gone_unless_the_list_is_not_whole() -> None:
    for aside, gone in (((), True), (("other",), True), ((POOL.upper(),), False), (("",), False)):
        now = looking(HALF)
        fold_pools(now, [], aside)
        assert told(now) == ([("pool", "active", "deleted")] if gone else [])
        assert (POOL in now.pools) is not gone


def ran(at: float | None, code: str = "") -> AutoScaleRun:
    error = ResizeError(code=code, message="why") if code else None
    return AutoScaleRun(timestamp=None if at is None else after(at), results="$TargetDedicatedNodes=2;", error=error)


FAILED = ("autoscale", "failed")
OK = ("autoscale", "ok")


@pytest.mark.parametrize(
    ("known", "run", "target", "news"),
    [  # when it ran last and what that came to; the run that is told of now; the nodes it wants; what is new
        ((60, ""), ran(120), 2, None),
        ((60, ""), ran(120), 3, OK),
        ((60, ""), ran(120, "Bad"), 2, FAILED),
        ((60, "Bad"), ran(120), 2, OK),
        ((60, "Bad"), ran(120, "Bad"), 2, FAILED),
        ((60, ""), ran(60), 3, None),
        ((60, ""), ran(59, "Bad"), 2, None),
        ((60, ""), ran(None, "Bad"), 2, None),
        ((60, ""), None, 3, None),
        ((None, ""), ran(60), 2, None),
        ((None, ""), ran(60), 3, OK),
        ((None, ""), ran(60, "Bad"), 2, FAILED),
    ],
)
def test_a_run_of_the_formula_is_told_where_it_fails_moves_something_or_works_again(
    known: tuple[float | None, str], run: AutoScaleRun | None, target: int, news: tuple[str, str] | None
) -> None:
    at, error = known
    view = PoolView(
        POOL,
        state="active",
        since=NOON,
        created=NOON,
        allocation="steady",
        allocation_since=NOON,
        dedicated=2,
        target_dedicated=2,
        autoscale=True,
        autoscale_at=None if at is None else after(at),
        autoscale_error=(error, "why") if error else None,
    )
    now = looking(view)
    fold_pools(now, [row(auto_scale_run=run, target_dedicated_nodes=target)])
    assert [(each.entity, each.after) for each in now.news] == ([news] if news else [])
    for each in now.news:
        assert each.before == ("" if at is None else "failed" if error else "ok")
        assert details(each)["targetDedicated"] == target
        assert ("wasDedicated" in details(each)) is (news == OK and target != 2)
        assert (details(each).get("code"), details(each).get("message")) == (
            ("Bad", "why") if news == FAILED else (None, None)
        )


def test_a_formula_that_is_switched_on_counts_from_then() -> None:
    off = PoolView(POOL, state="active", since=NOON, allocation="steady", allocation_since=NOON, autoscale_off=True)
    for run, since in ((ran(90), after(90)), (None, NOON)):
        now = looking(off)
        fold_pools(now, [row(auto_scale_run=run)])
        assert now.pools[POOL].autoscale_since == since
    now = looking(HALF)
    fold_pools(now, [row(auto_scale_run=ran(90))])
    assert now.pools[POOL].autoscale_since is None, "it was on already"
    now = looking(HALF)
    fold_pools(now, [row(enable_auto_scale=False, auto_scale_run=ran(90, "Bad"))])
    view = now.pools[POOL]
    assert (view.autoscale, view.autoscale_off, view.autoscale_at, view.autoscale_error) == (False, True, None, None)


def test_what_is_not_told_is_what_it_was() -> None:
    now = looking(HALF)
    fold_pools(now, [PoolState(id=POOL, metadata=(NameValue("team", "a"), NameValue("", "x")), resize_timeout="PT1H")])
    view = now.pools[POOL]
    assert (view.state, view.allocation, view.dedicated, view.since) == ("active", "steady", 2, NOON)
    assert (view.tags, view.resize_timeout, view.autoscale_interval) == ({"team": "a"}, 3600, 900)


def counted(**nodes: int) -> list[PoolNodeCounts]:
    return [PoolNodeCounts(POOL.upper(), NodeCounts(**nodes))]


@pytest.mark.parametrize("busy", ["running", "creating", "starting", "waiting_for_start_task"])
def test_a_pool_rests_while_it_has_idle_nodes_and_none_at_work_or_on_its_way(busy: str) -> None:
    now = looking(HALF)
    fold_counts(now, counted(idle=3))
    assert (now.pools[POOL].idle_since, now.pools[POOL].idle_least) == (after(600), 3)
    fold_counts(now, counted(idle=2, offline=1))
    fold_counts(now, counted(idle=4))
    assert now.pools[POOL].idle_least == 2, "so many at least all the time"
    fold_counts(now, counted(idle=4, **{busy: 1}))
    assert (now.pools[POOL].idle_since, now.pools[POOL].idle_least) == (None, 0)


def test_when_a_pool_was_seen_last_to_have_an_idle_node() -> None:
    now = looking(HALF, cursor=after(570))
    fold_counts(now, counted(idle=1, running=1))
    assert now.pools[POOL].free_at is None
    fold_counts(now, counted(running=2))
    assert now.pools[POOL].free_at == after(570)


def test_counts_that_are_not_told_are_what_they_were_where_the_list_is_not_whole() -> None:
    for aside, kept in (((POOL.upper(),), True), (("",), True), ((), False), (("other",), False)):
        now = looking(HALF)
        fold_counts(now, counted(idle=3))
        fold_counts(now, [], aside)
        assert (now.pools[POOL].counts[0].idle == 3) is kept


def test_a_pool_rests_since_the_last_of_its_nodes_became_idle() -> None:
    now = looking(HALF)
    fold_counts(now, counted(idle=2))
    fold_idle(now, "other", [])
    rows = [NodeState("a", "idle", after(100)), NodeState("b", "Idle", after(200)), NodeState("c", "running", after(5))]
    fold_idle(now, POOL, rows)
    assert (now.pools[POOL].idle_since, now.pools[POOL].idle_read) == (after(200), True)
    fold_idle(now, POOL, [NodeState("a", "idle", after(900)), NodeState("b", "idle", None)])
    assert now.pools[POOL].idle_since == after(200), "never later than it was seen to be"


def test_preempted_nodes_are_remembered_for_an_hour() -> None:
    view = PoolView(POOL, state="active", preempted_at=[NOON, after(1)], counts=(NodeCounts(idle=1), NodeCounts()))
    now = looking(view, at=3600)
    fold_counts(now, counted(idle=1))
    assert now.pools[POOL].preempted_at == [after(1)]
    now = looking(view, at=3599)
    fold_counts(now, counted(idle=1))
    assert now.pools[POOL].preempted_at == [NOON, after(1)]


def test_of_a_node_that_was_never_timed_the_moment_of_the_look_counts() -> None:
    now = looking(HALF)
    fold_nodes(now, POOL, [NodeState("n", "unusable", None)], {})
    assert [(each.at, each.before, each.parent) for each in now.news] == [(after(600), "", POOL)]
    known = PoolView(POOL, troubled={"n": NodeView("n", "unusable", after(30))})
    now = looking(known)
    fold_nodes(now, POOL, [NodeState("n", "offline", None)], {})
    assert [(each.at, each.before, each.after) for each in now.news] == [(after(30), "unusable", "offline")]


def test_what_is_told_of_a_node_in_trouble() -> None:
    detail = (NameValue("x", "a"), NameValue("y", ""), NameValue("z", "b"))
    errors = (
        NodeErrorState("DiskFull", "no room", detail),
        NodeErrorState("Unknown", "", detail),
        NodeErrorState("Other", "so it is"),
    )
    start = StartTaskState(exit_code=3, result="Failure", failure_info=FailureInfo(code="FailureExitCode", message="m"))
    well = StartTaskState(exit_code=0, result="Success")
    now = looking(HALF)
    rows = [
        NodeState("a", "unusable", after(9), is_dedicated=False, errors=errors, start_task_info=well),
        NodeState("b", "starttaskfailed", after(9), is_dedicated=True, start_task_info=start),
    ]
    fold_nodes(now, POOL, rows, {})
    first, second = now.pools[POOL].troubled["a"], now.pools[POOL].troubled["b"]
    assert first.errors == (("DiskFull", "no room (a; b)"), ("Unknown", "a; b"), ("Other", "so it is"))
    assert (first.start_task, first.start_exit, first.dedicated) == (None, None, False)
    assert (second.start_task, second.start_exit, second.dedicated) == (("FailureExitCode", "m"), 3, True)
    told_of = [details(each) for each in now.news]
    assert told_of == [
        {"errors": ["DiskFull", "Unknown", "Other"], "dedicated": False},
        {"startTask": "FailureExitCode", "exitCode": 3, "dedicated": True},
    ]
