"""Job schedules: they make jobs `<schedule>:job-<n>`, never two at a time, until they are done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.sandbox.entities import JobSchedule, JobScheduleExecutionInformation, RecentJob
from bot.sandbox.entity_parts import NameValuePair
from bot.sandbox.entity_specs import JobSpecification, Schedule
from bot.sandbox.world.behaviour import Work
from bot.sandbox.world.bodies import etag, touch
from bot.sandbox.world.defaults import job_defaults
from bot.sandbox.world.durations import seconds
from bot.sandbox.world.live import LiveJob, LiveSchedule, Plan
from bot.sandbox.world.refused import Refused, exists

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

_COUNTED = ("active", "disabled")
"""The states in which a schedule counts against the quota."""

_GONE = {
    "terminating": ("JobScheduleBeingTerminated", "The specified job schedule is being terminated."),
    "completed": ("JobScheduleCompleted", "The specified job schedule is already in a completed state."),
    "deleting": ("JobScheduleBeingDeleted", "The specified job schedule is being deleted."),
}


class ScheduleLifecycle:
    """Keeps the job schedules of one account."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world

    def add(
        self,
        schedule_id: str,
        schedule: Schedule,
        spec: JobSpecification,
        *,
        display_name: str | None = None,
        metadata: list[NameValuePair] | None = None,
        plan: Plan | None = None,
        manager: Work | None = None,
    ) -> LiveSchedule:
        """A new schedule, active at once; every job it makes gets `plan` and `manager`."""
        account = self._account
        if (same := account.of_id(account.schedules, schedule_id)) is not None:
            if same.state == "deleting":
                raise Refused(409, *_GONE["deleting"])
            raise exists("job schedule")
        if account.of_id(account.jobs, schedule_id) is not None:
            raise Refused(409, "JobWithSameIdExists", "A job with the specified id exists already.")
        account.check_job_quota()
        now = self._world.time
        body = JobSchedule(
            id=schedule_id,
            display_name=display_name,
            etag=etag(now),
            last_modified=now,
            creation_time=now,
            state="active",
            state_transition_time=now,
            schedule=schedule,
            job_specification=job_defaults(spec),
            execution_info=JobScheduleExecutionInformation(),
            metadata=metadata,
        )
        live = account.schedules[schedule_id] = LiveSchedule(body, plan)
        live.manager = manager
        account.active_schedules += 1
        self._plan(live, max(now, schedule.do_not_run_until or now))
        self._end_in_time(live)
        return live

    def _end_in_time(self, live: LiveSchedule) -> None:
        if (end := live.body.schedule.do_not_run_after) is not None:
            self._world.at(end, self._expire, live)

    def replan(self, live: LiveSchedule) -> None:
        """When the schedule makes jobs has changed: plans the next run anew."""
        now, plan = self._world.time, live.body.schedule
        self._end_in_time(live)
        if live.state != "active":
            return
        interval = seconds(plan.recurrence_interval)
        if live.made and interval is None:
            live.body.execution_info.next_run_time = None
            live.due += 1
            return
        earliest = now + timedelta(seconds=interval or 0.0) if live.made else now
        self._plan(live, max(earliest, plan.do_not_run_until or now))

    def _move(self, live: LiveSchedule, state: str) -> None:
        self._account.list_lag.note(live)
        body = live.body
        if body.state in _COUNTED and state not in _COUNTED:
            self._account.active_schedules -= 1
        body.previous_state, body.previous_state_transition_time = body.state, body.state_transition_time
        body.state, body.state_transition_time = state, self._world.time

    # --- making jobs --------------------------------------------------------------------------------------------------

    def _plan(self, live: LiveSchedule, when: datetime) -> None:
        live.due += 1
        live.body.execution_info.next_run_time = when
        self._world.at(when, self._run, live, live.due)

    def _run(self, live: LiveSchedule, due: int) -> None:
        """The moment of a run has come, or has been retried inside its start window."""
        if live.due != due or live.state != "active":
            return
        info, plan = live.body.execution_info, live.body.schedule
        began = info.next_run_time or self._world.time
        window, interval = seconds(plan.start_window), seconds(plan.recurrence_interval)
        late = (self._world.time - began).total_seconds()
        if (window is not None and late > window) or (interval is not None and late >= interval):
            self._next(live, began)
        elif live.current is None:
            if self._make(live):
                self._next(live, began)
            else:  # the quota is spent or the schedule blocked: look again; a job that ends calls by itself
                self._world.after(60.0, self._run, live, due)

    def _next(self, live: LiveSchedule, began: datetime) -> None:
        """The run is made or missed: plans the one after it, or, of a schedule that runs once, none."""
        info = live.body.execution_info
        interval = seconds(live.body.schedule.recurrence_interval)
        if interval is None:
            info.next_run_time = None
            live.due += 1
            return
        when = began
        while when <= self._world.time:
            when += timedelta(seconds=interval)
        self._plan(live, when)

    def _make(self, live: LiveSchedule) -> bool:
        account = self._account
        if live.blocked:
            return False
        job_id = f"{live.id}:job-{live.made + 1}"
        try:
            job = account.job_lifecycle.add(
                job_id, live.body.job_specification, plan=live.plan, manager=live.manager, schedule=live
            )
        except Refused:
            return False
        live.made += 1
        live.current = job
        live.body.execution_info.recent_job = RecentJob(id=job_id)
        return True

    def finished(self, live: LiveSchedule, job: LiveJob) -> None:
        """A job of the schedule has ended: a run that waited for it begins, a schedule with nothing more to do ends."""
        if live.current is not job:
            return
        live.current = None
        info = live.body.execution_info
        if live.state == "terminating" or (live.state == "active" and info.next_run_time is None):
            self._completed(live)
        elif live.state == "active" and info.next_run_time is not None and info.next_run_time <= self._world.time:
            self._world.after(1.0, self._run, live, live.due)

    # --- commands -----------------------------------------------------------------------------------------------------

    def disable(self, live: LiveSchedule) -> None:
        """Makes no more jobs; the one that runs goes on."""
        self.refuse_gone(live)
        if live.state == "disabled":
            raise Refused(409, "JobScheduleDisabled", "The specified job schedule is disabled already.")
        self._move(live, "disabled")
        touch(live.body, self._world.time)
        live.body.execution_info.next_run_time = None
        live.due += 1

    def enable(self, live: LiveSchedule) -> None:
        """A disabled schedule makes jobs again, the next one now."""
        self.refuse_gone(live)
        if live.state == "active":
            return
        self._move(live, "active")
        touch(live.body, self._world.time)
        self._plan(live, self._world.time)

    def terminate(self, live: LiveSchedule) -> None:
        """Ends the schedule and the job it runs."""
        self.refuse_gone(live)
        touch(live.body, self._world.time)
        self._wind_up(live)

    def _expire(self, live: LiveSchedule) -> None:
        """Its time is over: no new job; it has completed when the current one has."""
        end = live.body.schedule.do_not_run_after
        if live.state in _GONE or end is None or self._world.time < end:
            return
        live.body.execution_info.next_run_time = None
        live.due += 1
        if live.current is None:
            self._completed(live)

    def _wind_up(self, live: LiveSchedule) -> None:
        self._move(live, "terminating")
        live.body.execution_info.next_run_time = None
        live.due += 1
        if live.current is None:
            self._world.after(self._world.rng.uniform(0.2, 2.0), self._completed, live)
        else:
            self._account.job_lifecycle.terminate(live.current, "TerminateJobSchedule")

    def _completed(self, live: LiveSchedule) -> None:
        if live.state in ("completed", "deleting"):
            return
        self._move(live, "completed")
        live.body.execution_info.end_time = self._world.time
        self._drop_pool(live)

    def _drop_pool(self, live: LiveSchedule) -> None:
        pool = self._account.pools.get(live.auto_pool or "")
        if pool is not None and pool.body.state == "active":
            self._account.allocator.delete(pool)

    def delete(self, live: LiveSchedule) -> None:
        """The schedule goes, and with it every job it made."""
        account = self._account
        if live.state == "deleting":
            raise Refused(409, *_GONE["deleting"])
        self._move(live, "deleting")
        touch(live.body, self._world.time)
        live.due += 1
        for job in [job for job in account.jobs.values() if job.schedule is live and job.state != "deleting"]:
            account.job_lifecycle.delete(job)
        self._drop_pool(live)
        self._world.after(self._world.rng.uniform(2.0, 8.0), self.gone, live)

    def gone(self, live: LiveSchedule) -> None:
        """A schedule that is being deleted is no more."""
        if self._account.schedules.get(live.id) is live:
            del self._account.schedules[live.id]

    @staticmethod
    def refuse_gone(live: LiveSchedule) -> None:
        """Nothing can be changed of a schedule that ends, has ended or is on its way out."""
        if live.state in _GONE:
            raise Refused(409, *_GONE[live.state])
