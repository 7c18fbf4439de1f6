"""What of its quotas an account uses, as a poll shows it."""

from __future__ import annotations

from bot.azure.models import AccountProperties, NodeCounts
from bot.monitor.account_state import AccountState
from bot.monitor.pending_state import PendingState
from bot.monitor.quotas import quota_view
from bot.monitor.scene import JobView, PoolView, QuotaView, ScheduleView
from tests.domain.accounts import SIZES
from tests.monitor.late_account import NOON

ACCOUNT = AccountProperties(
    dedicated_core_quota=40, low_priority_core_quota=30, pool_quota=10, active_job_and_job_schedule_quota=300
)


def pending(*schedules: ScheduleView) -> PendingState:
    made = PendingState.of(AccountState(), "render", NOON)
    for name, dedicated, spot in (("a", 2, 3), ("b", 1, 4)):
        made.pools[name] = PoolView(
            name, state="active", vm_size="standard_d4s_v3", counts=(NodeCounts(idle=dedicated), NodeCounts(idle=spot))
        )
    for name, state in (("one", "active"), ("two", "disabled"), ("three", "completed"), ("four", "terminating")):
        made.jobs[name] = JobView(name, state=state)
    made.schedules |= {each.id: each for each in schedules}
    return made


def test_jobs_and_schedules_are_counted_together_and_pools_add_up() -> None:
    schedules = [
        ScheduleView(name, state=state) for name, state in (("x", "active"), ("y", "disabled"), ("z", "completed"))
    ]
    assert quota_view(pending(*schedules), ACCOUNT, SIZES) == QuotaView(
        (("dedicated cores", 12, 40), ("spot cores", 28, 30), ("pools", 2, 10), ("active jobs and schedules", 5, 300)),
        (),
    )


def test_jobs_are_wanted_where_a_schedule_is_due_and_makes_none() -> None:
    late = ScheduleView("x", state="active", missed=NOON)
    assert quota_view(pending(late), ACCOUNT, SIZES).wanted == ("active jobs and schedules",)
    disabled = ScheduleView("x", state="disabled", missed=NOON)
    assert quota_view(pending(disabled), ACCOUNT, SIZES).wanted == ()
    on_time = ScheduleView("x", state="active")
    assert quota_view(pending(on_time), ACCOUNT, SIZES).wanted == ()
