"""Writes of job schedules: add, delete, patch, update, disable, enable and terminate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiohttp import web

from bot.sandbox.entity_requests import JobScheduleAdd, JobSchedulePatch, JobScheduleReplace
from bot.sandbox.entity_specs import Schedule
from bot.sandbox.world import schedule_changes
from bot.sandbox.world.live import LiveSchedule

from ..listener import Handler
from . import rules
from .answers import done, require
from .body import invalid, read
from .jobs import check_job

if TYPE_CHECKING:
    from ..dataplane import DataPlane

_MINUTE: Final = 60.0
_SCHEDULE: Final = "/jobschedules/{schedule}"


class ScheduleWrites:
    """The writes of the job schedules of one account."""

    def __init__(self, plane: DataPlane) -> None:
        self._account = plane.account
        self.routes: Mapping[tuple[str, str], Handler] = {
            ("POST", "/jobschedules"): self._add,
            ("DELETE", _SCHEDULE): self._delete,
            ("PATCH", _SCHEDULE): self._patch,
            ("PUT", _SCHEDULE): self._replace,
            ("POST", f"{_SCHEDULE}/disable"): self._disable,
            ("POST", f"{_SCHEDULE}/enable"): self._enable,
            ("POST", f"{_SCHEDULE}/terminate"): self._terminate,
        }

    def _schedule(self, request: web.Request) -> LiveSchedule:
        """The schedule that is written to; its conditions hold."""
        schedule = self._account.schedule(request.match_info["schedule"])
        require(request, schedule.body)
        return schedule

    def _address(self, schedule: LiveSchedule, verb: str = "") -> str:
        return f"{self._account.facts.endpoint}/jobschedules/{schedule.id}{verb}"

    async def _add(self, request: web.Request) -> web.Response:
        given = await read(request, JobScheduleAdd)
        rules.entity_id(given.id)
        rules.display_name(given.display_name)
        rules.metadata(given.metadata)
        _check_schedule(given.schedule)
        check_job(given.job_specification, self._account)
        schedule = self._account.schedule_lifecycle.add(
            given.id,
            given.schedule,
            given.job_specification,
            display_name=given.display_name,
            metadata=given.metadata or None,
        )
        return done(201, changed=schedule.body, location=self._address(schedule))

    async def _delete(self, request: web.Request) -> web.Response:
        self._account.schedule_lifecycle.delete(self._schedule(request))
        return done(202)

    async def _patch(self, request: web.Request) -> web.Response:
        return self._changed(request, await read(request, JobSchedulePatch))

    async def _replace(self, request: web.Request) -> web.Response:
        return self._changed(request, await read(request, JobScheduleReplace))

    def _changed(self, request: web.Request, given: JobSchedulePatch | JobScheduleReplace) -> web.Response:
        schedule = self._schedule(request)
        rules.metadata(given.metadata)
        if given.schedule is not None:
            _check_schedule(given.schedule)
        if given.job_specification is not None:
            check_job(given.job_specification, self._account)
        schedule_changes.change(self._account, schedule, given)
        return done(200, changed=schedule.body, at=self._address(schedule))

    async def _disable(self, request: web.Request) -> web.Response:
        schedule = self._schedule(request)
        self._account.schedule_lifecycle.disable(schedule)
        return done(204, changed=schedule.body, at=self._address(schedule, "/disable"))

    async def _enable(self, request: web.Request) -> web.Response:
        schedule = self._schedule(request)
        self._account.schedule_lifecycle.enable(schedule)
        return done(204, changed=schedule.body, at=self._address(schedule, "/enable"))

    async def _terminate(self, request: web.Request) -> web.Response:
        schedule = self._schedule(request)
        self._account.schedule_lifecycle.terminate(schedule)
        return done(202, changed=schedule.body, at=self._address(schedule, "/terminate"))


def _check_schedule(given: Schedule) -> None:
    """A minute is the shortest window and the shortest interval."""
    rules.span("startWindow", given.start_window, _MINUTE, None)
    rules.span("recurrenceInterval", given.recurrence_interval, _MINUTE, None)
    start, end = given.do_not_run_until, given.do_not_run_after
    if start is not None and end is not None and end <= start:
        raise invalid("doNotRunAfter", end.isoformat(), "The time is not after doNotRunUntil")
