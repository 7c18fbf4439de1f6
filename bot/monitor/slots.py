"""How many task slots of one node of a pool were in use at once, at most on each day of the last week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.azure.models.watched import WorkingNode
from bot.monitor.pending_state import PendingState

DAYS = 7
"""Days (UTC) that are kept."""


def note_slots(pending: PendingState, pool: str, rows: Iterable[WorkingNode]) -> None:
    """Enter what a pool's working nodes use. It is stored where it is more than before: a few times a day."""
    view = pending.pools.get(pool)
    if view is None or view.slots < 2:
        return
    most = min(view.slots, max((row.running_task_slots_count for row in rows), default=0))
    today = f"{pending.at:%Y-%m-%d}"
    if not most or view.used_slots.get(today, 0) >= most:
        return
    since = f"{pending.at - timedelta(days=DAYS):%Y-%m-%d}"
    kept = {day: used for day, used in view.used_slots.items() if day > since}
    pending.pool(pool).used_slots = kept | {today: most}
