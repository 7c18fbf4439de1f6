"""When a schedule starts jobs, as it is typed: ``every:1d start:2026-12-01T22:00 window:30m``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from bot.azure.models import JobSchedule, duration
from bot.azure.models.job import JobScheduleExecution, Schedule
from bot.domain.bodies.edit import REMOVE
from bot.filter.values import span, spelled
from bot.requests.command import CommandError
from handlers.schedule.recurrence import RUNS, next_runs

NONE = "none"
"""In place of a span or a moment: there is none."""
_LEAST = timedelta(minutes=1)
_PLACES = {
    "every": "recurrenceInterval",
    "window": "startWindow",
    "start": "doNotRunUntil",
    "end": "doNotRunAfter",
}


class Plan(msgspec.Struct, frozen=True):
    """What was typed; None stays as it is, ``none`` takes it away."""

    every: str | None = None
    start: str | None = None
    end: str | None = None
    window: str | None = None

    @classmethod
    def of(cls, schedule: Schedule | None) -> Plan:
        """As a schedule has it."""
        plan = schedule or Schedule()
        every, window = duration(plan.recurrence_interval), duration(plan.start_window)
        return cls(
            spelled(every) if every else NONE,
            _written(plan.do_not_run_until),
            _written(plan.do_not_run_after),
            spelled(window) if window else NONE,
        )

    def options(self) -> dict[str, str]:
        """Those that are given, as options of a command."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in given.items() if value is not None}

    def changed(self, before: Plan) -> Plan:
        """Only those that differ."""
        return Plan(**{name: value for name, value in self.options().items() if value != getattr(before, name)})

    def fields(self, zone: str) -> dict[str, Any]:
        """Values of the fields of a schedule's plan, REMOVE where there is none.

        A moment without a zone is one of ``zone``. Raises CommandError for what is no span or moment.
        """
        made: dict[str, Any] = {}
        for name, value in self.options().items():
            if value.lower() == NONE:
                made[_PLACES[name]] = REMOVE
            elif name in ("every", "window"):
                made[_PLACES[name]] = msgspec.to_builtins(_span(name, value))
            else:
                made[_PLACES[name]] = f"{a_moment(name, value, zone):%Y-%m-%dT%H:%M:%SZ}"
        return made

    def in_utc(self, zone: str) -> Plan:
        """With its moments in UTC, so that they mean the same wherever they are read. Raises CommandError."""
        moments = {
            name: value if value.lower() == NONE else _written(a_moment(name, value, zone))
            for name, value in self.options().items()
            if name in ("start", "end")
        }
        return Plan(**{**self.options(), **moments})


def runs_of(plan: Mapping[str, Any], now: datetime, next_run: datetime | None = None) -> list[datetime]:
    """The next five runs of a plan (the object ``schedule`` of a body), as far as it alone decides that.

    ``next_run`` is when the service says that the next one is, where the plan is that of a schedule that exists.
    """
    schedule = msgspec.convert(dict(plan), Schedule)
    first = max(next_run or now, schedule.do_not_run_until or now)
    made = JobSchedule(state="active", schedule=schedule, execution_info=JobScheduleExecution(next_run_time=first))
    return next_runs(made, now, RUNS)


def a_moment(name: str, typed: str, zone: str) -> datetime:
    """A moment that was typed (aware, UTC): ``2026-12-01``, ``2026-12-01T22:00``, ``2026-12-01T21:00Z``."""
    try:
        found = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise CommandError(
            f"“{typed[:40]}” is not a moment for {name}: write it as 2026-12-01T22:00, or none.",
            ["help schedule create"],
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _span(name: str, typed: str) -> timedelta:
    found = span(typed.strip().lower())
    if found is None or found < _LEAST:
        raise CommandError(
            f"“{typed[:40]}” is not a span for {name}: write one of a minute at least, such as 30m, 6h or 1d; or none.",
            ["help schedule create"],
        )
    return found


def _written(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}" if moment else NONE
