"""What an account may have and has, and of what somebody wants more, as a poll shows it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.azure.models import AccountProperties, VmSize
from bot.domain.quota import quotas_of, used_by, uses_quota
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import QuotaView


def quota_view(pending: PendingState, account: AccountProperties, sizes: Mapping[str, VmSize]) -> QuotaView:
    """The quotas of an account with what is used of them. Jobs are wanted where a schedule is due and makes none."""
    active = sum(uses_quota(view.state) for view in pending.jobs.values())
    active += sum(uses_quota(view.state) for view in pending.schedules.values())
    used = used_by(pending.pools.values(), sizes, active)
    quotas = quotas_of(account, used)
    late = any(view.missed and view.state == "active" for view in pending.schedules.values())
    wants = tuple(q.what for q in quotas if q.wanted or (q.kind == "jobs" and late))
    return QuotaView(tuple((q.what, q.used, q.limit) for q in quotas), wants)
