"""Jobs: made, disabled, enabled, ended and forgotten, and the pool each of them runs on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.entities import Job, JobExecutionInformation, JobSchedulingError
from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.behaviour import MachineBehaviour, Work
from bot.sandbox.world.bodies import etag, touch
from bot.sandbox.world.defaults import job_defaults
from bot.sandbox.world.durations import seconds
from bot.sandbox.world.live import LiveJob, LivePool, LiveSchedule, LiveTask, Plan
from bot.sandbox.world.refused import Refused, exists

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState

_GRACE = 5.0
"""Seconds until a new job that ends with its last task ends without one."""

_OF_AUTO_POOLS = {"PoolQuotaReached": "AutoPoolCreationFailedWithQuotaReached"}
"""What the refusal of a pool is called where the pool is a job's own ("Batch status and error codes")."""

_GONE = {
    "terminating": ("JobBeingTerminated", "The specified job is being terminated."),
    "completed": ("JobCompleted", "The specified job is already in a completed state."),
    "deleting": ("JobBeingDeleted", "The specified job has been marked for deletion and is being deleted."),
}


class JobLifecycle:
    """Keeps the jobs of one account."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self._made = 0

    # --- beginning ----------------------------------------------------------------------------------------------------

    def add(
        self,
        job_id: str,
        spec: JobSpecification,
        *,
        plan: Plan | None = None,
        preparation: Work | None = None,
        manager: Work | None = None,
        schedule: LiveSchedule | None = None,
    ) -> LiveJob:
        """A new job, active at once; `plan` is what its manager task does, the works are how those tasks behave."""
        account = self._account
        if (same := account.of_id(account.jobs, job_id)) is not None:
            if same.state == "deleting":
                raise Refused(409, *_GONE["deleting"])
            raise exists("job")
        if account.of_id(account.schedules, job_id) is not None:
            message = "A job schedule with the specified id exists already."
            raise Refused(409, "JobScheduleWithSameIdExists", message)
        account.check_job_quota()
        now = self._world.time
        whole = job_defaults(spec)
        self._made += 1
        body = Job(
            id=job_id,
            etag=etag(now),
            last_modified=now,
            creation_time=now,
            state="active",
            state_transition_time=now,
            execution_info=JobExecutionInformation(start_time=now),
            **{name: getattr(whole, name) for name in JobSpecification.__struct_fields__},
        )
        job = LiveJob(body, self._made)
        job.plan, job.schedule = plan, schedule
        if preparation is not None:
            job.preparation = preparation
        account.jobs[job_id] = job
        account.active_jobs += 1
        self.house(job)
        self._limit(job)
        if task := body.job_manager_task:
            slots = task.required_slots or 1
            spec_of_manager = TaskSpecification(
                display_name=task.display_name,
                container_settings=task.container_settings,
                resource_files=task.resource_files,
                output_files=task.output_files,
                environment_settings=task.environment_settings,
                constraints=task.constraints,
                required_slots=job.pool.slots if task.run_exclusive and job.pool else slots,
                user_identity=task.user_identity,
                application_package_references=task.application_package_references,
                authentication_token_settings=task.authentication_token_settings,
            )
            account.runner.add(job, task.id, task.command_line, spec_of_manager, work=manager)
        elif body.on_all_tasks_complete.lower() == "terminatejob":
            # By the documents all tasks of a job without any are complete: it ends unless some come at once.
            self._world.after(_GRACE, self.consider, job)
        return job

    def house(self, job: LiveJob) -> None:
        """Finds the job's pool, or makes it; a job whose pool cannot be made ends with a scheduling error."""
        account, info = self._account, job.body.pool_info
        pool_id = info.pool_id
        if auto := info.auto_pool_specification:
            shared = job.schedule if auto.pool_lifetime_option.lower() == "jobschedule" else None
            pool_id = shared.auto_pool if shared else None
            if pool_id is None:
                pool_id = f"{auto.auto_pool_id_prefix or ''}{account.guid()}".upper()
                spec = auto.pool or PoolSpecification(vm_size="standard_d2s_v3")
                try:
                    account.allocator.add(pool_id, spec, MachineBehaviour())
                except Refused as refused:
                    self.unschedulable(job, _OF_AUTO_POOLS.get(refused.code, refused.code), refused.message)
                    return
            if shared:
                shared.auto_pool = pool_id
            elif not auto.keep_alive:
                job.auto_pool = pool_id
        job.body.execution_info.pool_id = pool_id
        if pool_id and (pool := account.of_id(account.pools, pool_id)):
            self.settle_in(job, pool)

    def unschedulable(self, job: LiveJob, code: str, message: str) -> None:
        """The job cannot run, and ends: its pool could not be made, or what it asks for is not there."""
        job.body.execution_info.scheduling_error = JobSchedulingError(category="UserError", code=code, message=message)
        self._world.after(1.0, self._end, job, code)

    @staticmethod
    def settle_in(job: LiveJob, pool: LivePool) -> None:
        """The job runs on this pool from now on."""
        job.pool = pool
        pool.jobs.append(job)
        pool.jobs.sort(key=_rank)

    # --- while it lives -----------------------------------------------------------------------------------------------

    def _move(self, job: LiveJob, state: str) -> None:
        self._account.list_lag.note(job)
        body = job.body
        body.previous_state, body.previous_state_transition_time = body.state, body.state_transition_time
        body.state, body.state_transition_time = state, self._world.time
        job.life += 1

    @staticmethod
    def refuse_gone(job: LiveJob) -> None:
        """Nothing can be changed of a job that ends, has ended or is on its way out."""
        if job.state in _GONE:
            raise Refused(409, *_GONE[job.state])

    def changed(self, job: LiveJob) -> None:
        """What the job is asked to be has changed: its place among others, its limit and its end may have too."""
        self._limit(job)
        if job.pool:
            job.pool.jobs.sort(key=_rank)
            self._account.runner.pump(job.pool)
        self.consider(job)

    def set_priority(self, job: LiveJob, priority: int) -> None:
        """Between -1000 and 1000; the running tasks stay."""
        self.refuse_gone(job)
        job.body.priority = priority
        touch(job.body, self._world.time)
        if job.pool:
            job.pool.jobs.sort(key=_rank)

    def set_on_all_tasks_complete(self, job: LiveJob, action: str) -> None:
        """ "noaction", or "terminatejob", which ends the job now if nothing is left to run."""
        self.refuse_gone(job)
        job.body.on_all_tasks_complete = action
        touch(job.body, self._world.time)
        self.consider(job)

    def disable(self, job: LiveJob, tasks: str) -> None:
        """No new tasks; the running ones are requeued ("requeue"), ended ("terminate") or finish first ("wait")."""
        self.refuse_gone(job)
        if job.state in ("disabling", "disabled"):
            return
        self._move(job, "disabling")
        touch(job.body, self._world.time)
        runner = self._account.runner
        if tasks == "requeue":
            for task in list(job.running):
                runner.requeue(job, task)
        elif tasks == "terminate":
            runner.end_all(job)
        self._world.after(self._world.rng.uniform(0.5, 3.0), self._disabled, job, job.life)

    def _disabled(self, job: LiveJob, life: int) -> None:
        if job.life != life:
            return
        if job.running:
            self._world.after(5.0, self._disabled, job, life)
        else:
            self._move(job, "disabled")

    def enable(self, job: LiveJob) -> None:
        """A disabled job goes on."""
        self.refuse_gone(job)
        if job.state == "active":
            return
        self._move(job, "enabling")
        touch(job.body, self._world.time)
        self._world.after(self._world.rng.uniform(0.3, 1.5), self._enabled, job, job.life)

    def _enabled(self, job: LiveJob, life: int) -> None:
        if job.life == life:
            self._move(job, "active")
            if job.pool:
                self._account.runner.pump(job.pool)
            self.consider(job)

    # --- ending -------------------------------------------------------------------------------------------------------

    def completed(self, job: LiveJob, task: LiveTask, action: str | None) -> None:
        """A task of the job has completed; `action` is what its exit conditions ask for."""
        manager = job.body.job_manager_task
        if manager and task.id == manager.id:
            job.plan = None
        if manager and task.id == manager.id and manager.kill_job_on_completion:
            self._end(job, "JMComplete")
        elif task.execution_info.result == "failure" and job.body.on_task_failure.lower() != "noaction":
            if action in (None, "terminate"):
                self._end(job, "TaskFailed")
            elif action == "disable" and job.state == "active":
                self.disable(job, "requeue")

    def consider(self, job: LiveJob) -> None:
        """Ends the job if that is what it wants when nothing is left to do."""
        active, running, *_ = job.counts
        if active or running or job.state != "active" or job.plan is not None:
            return
        if job.body.on_all_tasks_complete.lower() == "terminatejob":
            self._end(job, "AllTasksComplete")

    def terminate(self, job: LiveJob, reason: str | None = None) -> None:
        """Ends the job by request; tasks that wait stay active for ever."""
        if job.state in ("completed", "deleting"):
            raise Refused(409, *_GONE[job.state])
        self._end(job, reason or "UserTerminate")

    def _limit(self, job: LiveJob) -> None:
        """Ends the job when it has gone on for its maximum wall clock time."""
        if limit := seconds(job.body.constraints.max_wall_clock_time):
            self._world.at(job.body.execution_info.start_time + timedelta(seconds=limit), self._expire, job)

    def _expire(self, job: LiveJob) -> None:
        limit = seconds(job.body.constraints.max_wall_clock_time)
        if limit is not None and self._world.time >= job.body.execution_info.start_time + timedelta(seconds=limit):
            self._end(job, "MaxWallClockTimeExpiry")

    def _end(self, job: LiveJob, reason: str) -> None:
        if job.state in _GONE:
            return
        self._move(job, "terminating")
        touch(job.body, self._world.time)
        job.body.execution_info.terminate_reason = reason
        job.plan = None
        self._account.runner.end_all(job)
        rest = self._world.rng.uniform(0.2, 2.0) + self._release(job)
        self._world.after(rest, self._ended, job, job.life)

    def _release(self, job: LiveJob) -> float:
        """Seconds until the release task has run on every node that prepared for the job and is still there."""
        if job.body.job_release_task is None or job.pool is None:
            return 0.0
        now, longest = self._world.time, 0.0
        for done in job.preparations.values():
            if done.node_id in job.pool.nodes:
                length = job.release.duration(self._world.rng)
                done.release_start_time = now
                done.release_end_time = now + timedelta(seconds=length)
                longest = max(longest, length)
        return longest

    def _ended(self, job: LiveJob, life: int) -> None:
        if job.life != life:
            return
        account = self._account
        self._move(job, "completed")
        job.body.execution_info.end_time = self._world.time
        account.active_jobs -= 1
        self._move_out(job)
        if job.schedule is not None:
            account.schedule_lifecycle.finished(job.schedule, job)
        self._world.after(account.retention.total_seconds(), self._forget, job)

    def leave_pool(self, job: LiveJob) -> None:
        """The job runs on its pool no more; the automatic pool of a job goes with it."""
        account = self._account
        if job.pool is not None and job in job.pool.jobs:
            job.pool.jobs.remove(job)
        job.pool = None
        if job.auto_pool is not None and (pool := account.pools.get(job.auto_pool)) and pool.body.state == "active":
            account.allocator.delete(pool)
        job.auto_pool = None

    def _move_out(self, job: LiveJob) -> None:
        pool = job.pool
        self.leave_pool(job)
        job.pool = pool
        job.ready.clear()

    def _forget(self, job: LiveJob) -> None:
        if self._account.jobs.get(job.id) is job and job.state == "completed":
            self.delete(job)

    def delete(self, job: LiveJob) -> None:
        """The job and its tasks go, in a few seconds."""
        if job.state == "deleting":
            raise Refused(409, *_GONE["deleting"])
        was_active = job.state != "completed"
        self._move(job, "deleting")
        touch(job.body, self._world.time)
        self._account.runner.end_all(job)
        if was_active:
            self._account.active_jobs -= 1
            self._move_out(job)
            if job.schedule is not None:
                self._account.schedule_lifecycle.finished(job.schedule, job)
        self._world.after(self._world.rng.uniform(1.0, 6.0), self.gone, job)

    def gone(self, job: LiveJob) -> None:
        """A job that is being deleted is no more."""
        if self._account.jobs.get(job.id) is job:
            del self._account.jobs[job.id]
            job.clear()


def _rank(job: LiveJob) -> tuple[int, int]:
    return -job.body.priority, job.number
