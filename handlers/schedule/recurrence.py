"""When a schedule starts its jobs: in words, and as the moments that follow."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.azure.models import JobSchedule, duration
from bot.azure.models.job import Schedule
from cards.build import chip, muted, text
from cards.card import Block, Bullets, Mark, Piece, Text, Time, Words
from cards.formatting import plural
from handlers.shared.common import section

RUNS = 5
OVER = "It will not start another job: its end time has passed."
_UNITS = (
    ("week", timedelta(weeks=1)),
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)


def exactly(span: timedelta) -> str:
    """A duration with every unit that it has: ``1 day 5 minutes``; a schedule is given to the second."""
    pieces = []
    for unit, size in _UNITS:
        if unit == "week" and span % size:
            continue
        count, span = divmod(span, size)
        if count:
            pieces.append(plural(count, unit))
    return " ".join(pieces) or "0 seconds"


def interval_of(schedule: Schedule) -> timedelta | None:
    """The time between two runs; None where there is but one."""
    span = duration(schedule.recurrence_interval)
    return span if span and span > timedelta() else None


def every(schedule: Schedule | None) -> str:
    """``every 6 hours``, ``every day``, ``once``."""
    span = interval_of(schedule) if schedule else None
    if span is None:
        return "once"
    words = exactly(span)
    alone = words.removeprefix("1 ")
    return f"every {words if ' ' in alone else alone}"


def in_words(schedule: Schedule) -> Text:
    """``Every 6 hours, within 30 minutes of the time, not before Mon 23 Nov 08:00 (3 days ago), not after …``."""
    pieces: list[str | Piece] = [every(schedule)]
    if window := duration(schedule.start_window):
        pieces.append(f", within {exactly(window)} of the time")
    for words, moment in ((", not before ", schedule.do_not_run_until), (", not after ", schedule.do_not_run_after)):
        pieces += [words, Time(moment, "clock"), " (", Time(moment, "age"), ")"] if moment else []
    first, *rest = pieces
    return text(str(first).capitalize(), *rest)


def next_runs(schedule: JobSchedule, at: datetime, count: int = RUNS) -> list[datetime]:
    """When the next jobs start, as far as the schedule alone decides that.

    The service says when the next one is; the others follow at the interval, until the schedule ends. A disabled
    schedule's are those that come if it is enabled again by then. A job that is still running puts the next one off.
    """
    plan, run = schedule.schedule or Schedule(), schedule.execution_info
    if schedule.state.lower() not in ("active", "disabled"):
        return []
    expected = run.next_run_time if run else None
    first = expected or plan.do_not_run_until
    if first is None:
        return []
    interval = interval_of(plan)
    if first < at and not interval and not expected:
        return []
    runs: list[datetime] = []
    try:
        if first < at and interval and (schedule.state.lower() == "disabled" or not expected):
            first += interval * -((first - at) // interval)
        runs.append(first)
        while interval and len(runs) < count:
            runs.append(runs[-1] + interval)
    except OverflowError:  # beyond the end of the calendar
        pass
    return [each for each in runs if plan.do_not_run_after is None or each < plan.do_not_run_after]


def when_it_runs(schedule: JobSchedule, at: datetime) -> list[Block]:
    """The plan in words and the next runs, in the asker's zone."""
    runs = next_runs(schedule, at)
    disabled = schedule.state.lower() == "disabled"
    return section(
        "When it runs",
        Words(in_words(schedule.schedule)) if schedule.schedule else None,
        Words(text(chip(Mark.STOPPED, "disabled"), ": unless it is enabled by then, it starts no job at"))
        if disabled and runs
        else None,
        Bullets(tuple(text(Time(each)) for each in runs)) if runs else Words(text(muted(OVER))),
    )
