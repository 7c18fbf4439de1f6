"""Changes of a job schedule by somebody; they reach the jobs that it makes from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.entity_requests import JobSchedulePatch, JobScheduleReplace
from bot.sandbox.world.bodies import touch
from bot.sandbox.world.defaults import job_defaults
from bot.sandbox.world.live import LiveSchedule

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState


def change(account: AccountState, live: LiveSchedule, given: JobSchedulePatch | JobScheduleReplace) -> None:
    """Changes what is given; of a replacement, metadata that is not given goes. Raises `Refused` (409)."""
    account.schedule_lifecycle.refuse_gone(live)
    body = live.body
    if given.job_specification is not None:
        body.job_specification = job_defaults(given.job_specification)
    if given.metadata is not None or isinstance(given, JobScheduleReplace):
        body.metadata = given.metadata or None
    if given.schedule is not None:
        body.schedule = given.schedule
        account.schedule_lifecycle.replan(live)
    touch(body, account.world.time)
