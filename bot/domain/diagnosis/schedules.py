"""Clues of a job schedule: why it starts no job."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bot.azure.models import Job, JobSchedule, duration
from bot.domain.diagnosis.job_case import Explained
from bot.domain.diagnosis.model import Clue, Evidence, clue, on_its_way
from bot.domain.entity import Entity
from bot.domain.schedule_health import overdue_since, reading
from bot.domain.states import is_active, is_over, word

_LATE = timedelta(minutes=5)


class ScheduleCase(Struct, frozen=True, kw_only=True):
    """A schedule as it was read at ``at``.

    ``last`` is the job that it started last (None: none, or gone), ``explained`` why that one does not do its work,
    ``waits`` whether its tasks wait and none runs,
    ``ended`` who disabled or ended the schedule, as far as our own audit knows. ``missed`` is when a job was due that
    did not come, as an open alert says: the service itself only tells when the next one is.
    """

    schedule: JobSchedule
    at: datetime
    last: Job | None = None
    explained: Explained = Explained()
    waits: bool = False
    ended: Evidence | None = None
    missed: datetime | None = None


def of_schedule(case: ScheduleCase) -> Explained:
    """Why a schedule does not do its work; nothing where it is in time and its last job is well.

    Where its last job waits, what it waits for is told, be it no harm: that schedule does not do its work either.
    """
    state = case.schedule.state.lower()
    if state == "disabled":
        return Explained((_disabled(case),), (*case.explained.clues, *case.explained.also))
    if is_over(state) or not is_active(state):
        return Explained((_over(case),), (*case.explained.clues, *case.explained.also))
    late = _late(case)
    if late is None:
        own = _not_yet(case)
        of_job = [each for each in case.explained.clues if each.harm or case.waits]
        return (
            Explained((*of_job,), (*own, *case.explained.also)) if of_job else Explained((*own,), case.explained.also)
        )
    # its last job's trouble is what keeps it from the next one
    return Explained((*case.explained.clues, late), case.explained.also)


def _about(case: ScheduleCase) -> Entity:
    return Entity("schedule", case.schedule.id)


def _recent(case: ScheduleCase) -> str:
    run = case.schedule.execution_info
    return run.recent_job.id if run and run.recent_job else ""


def _names(case: ScheduleCase) -> dict[str, str]:
    return {"job": _recent(case)} if _recent(case) else {}


def _disabled(case: ScheduleCase) -> Clue:
    since = case.schedule.state_transition_time
    state = Evidence(f"state {word(case.schedule.state)}", since)
    return clue("schedule.disabled", _about(case), since=since, evidence=[state, case.ended], names=_names(case))


def _over(case: ScheduleCase) -> Clue:
    plan, since = case.schedule.schedule, case.schedule.state_transition_time
    state = Evidence(f"state {word(case.schedule.state)}", since)
    if not is_over(case.schedule.state):
        cause = f"the schedule is {word(case.schedule.state)}"
        return on_its_way("schedule.ending", _about(case), cause, since=since, evidence=[state, case.ended])
    until = Evidence("it was not to run after this", plan.do_not_run_after) if plan and plan.do_not_run_after else None
    once = Evidence("it is not recurring", case.at) if plan and not plan.recurrence_interval else None
    return clue(
        "schedule.over", _about(case), since=since, evidence=[state, until, once, case.ended], names=_names(case)
    )


def _late(case: ScheduleCase) -> Clue | None:
    """A schedule whose next job is due and does not come."""
    plan = case.schedule.schedule
    interval = duration(plan.recurrence_interval) if plan else None
    due = case.missed or overdue_since(reading(case.schedule), case.at) or _kept_from(case, interval)
    open_ = case.last is not None and not is_over(case.last.state)
    if due is None:
        return None
    said = Evidence("the next job was due", due)
    if open_:
        job = Evidence(f"its last job {_recent(case)} is {word(case.last.state) if case.last else ''}", case.at)
        return clue("schedule.held_up", _about(case), since=due, evidence=[said, job], names=_names(case))
    window = Evidence(f"its startWindow is {plan.start_window}", case.at) if plan and plan.start_window else None
    return clue(
        "schedule.window_missed", _about(case), sure="likely", since=due, evidence=[said, window], names=_names(case)
    )


def _kept_from(case: ScheduleCase, interval: timedelta | None) -> datetime | None:
    """When a job should have come while the last one was open: the service tells of the next time alone."""
    last = case.last
    if last is None or is_over(last.state) or interval is None or last.creation_time is None:
        return None
    due = last.creation_time + interval
    return due if due < case.at - _LATE else None


def _not_yet(case: ScheduleCase) -> list[Clue]:
    """A schedule that is not to run yet."""
    plan = case.schedule.schedule
    if plan and plan.do_not_run_until and plan.do_not_run_until > case.at:
        said = Evidence("it is not to run until this", plan.do_not_run_until)
        cause = "the schedule is not to run yet"
        return [on_its_way("schedule.not_yet", _about(case), cause, evidence=[said], names=_names(case))]
    return []
