"""How many task slots of a node were in use at most, by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.azure.models.watched import PoolState, WorkingNode
from bot.monitor.account_state import AccountState
from bot.monitor.node_changes import fold_pools
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import PoolView
from bot.monitor.slots import note_slots

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def looked(view: PoolView, at: datetime, *used: int) -> PoolView:
    """What a look at a pool's nodes makes of it."""
    pending = PendingState.of(AccountState(pools={view.id: view}), "render", at)
    note_slots(pending, view.id, [WorkingNode(id=str(n), running_task_slots_count=each) for n, each in enumerate(used)])
    return pending.pools[view.id]


def test_the_most_of_each_day_is_kept_for_a_week() -> None:
    view = looked(PoolView("cpu", slots=4), NOON, 1, 3, 0)
    assert view.used_slots == {"2026-11-30": 3}
    assert looked(view, NOON, 2) is view  # less, or nothing, changes nothing and is not stored
    assert looked(view, NOON) is view
    assert looked(view, NOON, 9).used_slots == {"2026-11-30": 4}  # never more than there are
    for day in range(1, 8):
        view = looked(view, NOON + day * DAY, 1)
    assert sorted(view.used_slots) == [f"2026-12-0{day}" for day in range(1, 8)]
    assert looked(PoolView("cpu", slots=1), NOON, 1).used_slots == {}


def test_a_pool_with_other_slots_begins_anew() -> None:
    view = looked(PoolView("cpu", state="active", slots=4), NOON, 1)
    for slots, kept in ((4, True), (8, False)):
        pending = PendingState.of(AccountState(pools={"cpu": view}), "render", NOON + DAY)
        fold_pools(pending, [PoolState(id="cpu", state="active", task_slots_per_node=slots)])
        assert bool(pending.pools["cpu"].used_slots) is kept
