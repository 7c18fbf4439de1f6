"""Whether a job schedule does what it should: make a job when one is due."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.azure.models import JobSchedule, duration
from bot.domain.states import is_active

LATE_LEAST = 300.0
"""Seconds that the service may take to make a job that is due."""
LATE_SHARE = 0.1
"""Or this part of the recurrence: a day's job that comes an hour late is no news yet."""


class ScheduleFacts(Struct):
    """What is known of a schedule. ``interval`` is its recurrence in seconds, ``due`` its next run by the service.

    ``missed`` is the due time that passed without a new job.
    """

    id: str
    state: str = ""
    interval: float | None = None
    due: datetime | None = None
    missed: datetime | None = None


def reading(schedule: JobSchedule) -> ScheduleFacts:
    """A schedule of the service as facts are taken of it."""
    run, plan = schedule.execution_info, schedule.schedule
    interval = duration(plan.recurrence_interval) if plan else None
    return ScheduleFacts(
        id=schedule.id,
        state=schedule.state,
        interval=interval.total_seconds() if interval else None,
        due=run.next_run_time if run else None,
    )


def overdue_since(schedule: ScheduleFacts, at: datetime) -> datetime | None:
    """Since when an active schedule should have made a job and has made none; None while it is in time.

    Later than :data:`LATE_LEAST` seconds and :data:`LATE_SHARE` of its recurrence.
    """
    due = schedule.missed or schedule.due
    if due is None or not is_active(schedule.state):
        return None
    late = (at - due).total_seconds()
    return due if late > max(LATE_LEAST, LATE_SHARE * max(0.0, schedule.interval or 0.0)) else None
