"""Fault injection: storms of failures, nodes that break and flap, resizes that stick, schedules that make nothing.

Everything keeps to the rules of the world: counts, quotas and times stay true, and the same requests at the same
moments make the same history. What cannot be done to a thing raises `Refused`, as a command does. What goes on until
somebody ends it is ended by `unstick_pool`, `unstick_job` and `heal`, or by asking for its opposite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from bot.sandbox.entities import NodeError
from bot.sandbox.entity_parts import NameValuePair, ResizeError
from bot.sandbox.entity_specs import JobSpecification, PoolInformation
from bot.sandbox.world.behaviour import Cause, Work, cause_named
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask
from bot.sandbox.world.nodes import UNREACHABLE
from bot.sandbox.world.refused import Refused, wrong_state

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState


Hosts = dict[LiveJob, list[LiveNode]]
"""The nodes that took the tasks of a job when somebody last looked."""


class FaultInjection:
    """What may be done to one account. Every method acts on the moment of the clock."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world

    @property
    def _now(self) -> AccountState:
        self._world.settle()
        return self._account

    # --- tasks --------------------------------------------------------------------------------------------------------

    def storm(
        self,
        job_ids: Sequence[str],
        causes: Sequence[str],
        number: int,
        seconds: float = 0.0,
        *,
        pool_id: str | None = None,
    ) -> dict[str, int]:
        """That many tasks of the jobs end as failed, evenly over the span, of the causes in turn; how many of each job.

        Those that run fail first, then those that wait for a node, which have a short run on one of the pool's nodes. A
        task that waits for others is left alone. None of them ends in another way meanwhile, unless somebody ends it,
        and there may be fewer than asked for. With `pool_id` a job that does not exist is made, with its share of the
        tasks. For causes see `cause_named`, which raises ValueError.
        """
        account, found = self._now, [cause_named(name) for name in causes]
        shares = [number // len(job_ids) + (place < number % len(job_ids)) for place in range(len(job_ids))]
        jobs = []
        for job_id, share in zip(job_ids, shares, strict=True):
            if pool_id is None or account.of_id(account.jobs, job_id) is not None:
                jobs.append(account.job(job_id))
            else:
                jobs.append(self.add_job(job_id, pool_id, share))
        if gone := [job.id for job in jobs if job.state != "active"]:
            raise wrong_state(f"no task runs in a job that is not active: {', '.join(gone)}")
        hosts: Hosts = {}
        victims = list(_in_turn([self._victims(job) for job in jobs], number))
        told = dict.fromkeys((job.id for job in jobs), 0)
        for place, (job, task) in enumerate(victims):
            told[job.id] += 1
            account.runner.set_to_fail.add(task)
            after = seconds * (place + 1) / len(victims)
            self._world.after(after, self._strike, job, task, found[place % len(found)], hosts, place)
        self._world.settle()
        return told

    def _victims(self, job: LiveJob) -> Iterator[tuple[LiveJob, LiveTask]]:
        set_to_fail = self._account.runner.set_to_fail
        for task in [*job.running, *job.tasks.values()]:
            waits = task.state == "active" and task.id not in job.waiting
            if task not in set_to_fail and (waits or task in job.running):
                yield job, task

    def _strike(self, job: LiveJob, task: LiveTask, cause: Cause, hosts: Hosts, place: int) -> None:
        runner = self._account.runner
        runner.set_to_fail.discard(task)
        if task in job.running:
            runner.fail(job, task, cause, None)
        elif task.state == "active" and job.state == "active":
            runner.fail(job, task, cause, _host(job, hosts, place))

    def add_job(
        self,
        job_id: str,
        pool_id: str,
        tasks: int = 0,
        *,
        seconds: float = 60.0,
        failing: float = 0.0,
        cause: str = "exit-1",
    ) -> LiveJob:
        """A job of tasks `task-<n>` that take about so many seconds; a share (0 to 1) of them fails of the cause."""
        account, failures = self._now, ((failing, cause_named(cause)),) if failing else ()
        job = account.job_lifecycle.add(
            job_id, JobSpecification(pool_info=PoolInformation(pool_id=account.pool(pool_id).id))
        )
        work, width = Work(median=seconds, spread=0.1, failures=failures), len(str(tasks))
        for number in range(1, tasks + 1):
            account.runner.add(job, f"task-{number:0{width}}", f"./work.sh {number}", work=work)
        return job

    def add_task(self, job_id: str, task_id: str, *, seconds: float = 60.0, cause: str | None = None) -> LiveTask:
        """One more task that takes about so many seconds; it fails where a cause is named."""
        account = self._now
        work = Work(median=seconds, spread=0.1, failures=((1.0, cause_named(cause)),) if cause else ())
        return account.runner.add(account.job(job_id), task_id, f"./work.sh {task_id}", work=work)

    def refuse_to_schedule(self, job_id: str, code: str, message: str) -> LiveJob:
        """The service cannot run the job (its schedulingError), and ends it."""
        job = self._now.job(job_id)
        self._account.job_lifecycle.unschedulable(job, code, message)
        return job

    def stick_job(self, job_id: str) -> LiveJob:
        """Nothing of the job goes on: what waits is not sent to a node, what runs does not end by itself."""
        job = self._now.job(job_id)
        if job.held is None:
            job.held = []
        return job

    # --- nodes --------------------------------------------------------------------------------------------------------

    def break_nodes(
        self, pool_id: str, number: int = 1, *, recovers: bool = False, error: NodeError | None = UNREACHABLE
    ) -> list[str]:
        """That many working nodes become unusable with an error, or without; their ids.

        With `recovers` they boot half an hour later or so.
        """
        account = self._now
        nodes = _working(account.pool(pool_id))[:number]
        for node in nodes:
            account.fleet.break_down(node, error, recovers=recovers)
        return [node.id for node in nodes]

    def fail_start_tasks(self, pool_id: str, number: int = 1, cause: Cause | None = None) -> list[str]:
        """The start task fails on that many working nodes, of the cause where one is given; their ids."""
        account = self._now
        pool = account.pool(pool_id)
        if cause is not None:
            pool.machines = msgspec.structs.replace(pool.machines, start_task_cause=cause)
        nodes = _working(pool)[:number]
        for node in nodes:
            account.fleet.fail_start_task(node)
        return [node.id for node in nodes]

    def flap(
        self,
        pool_id: str,
        node_id: str | None = None,
        *,
        times: int = 1,
        every: float = 60.0,
        start_task: bool = False,
    ) -> str:
        """A node is unusable for the first half of every span of that many seconds, so many times; its id.

        With `start_task` its start task fails instead, and it reboots in the middle of the span. It is the named node,
        or the first that works, and is left alone while it is something else than idle or running.
        """
        account = self._now
        pool = account.pool(pool_id)
        if start_task and pool.body.start_task is None:
            raise wrong_state("the pool has no start task")
        if node_id is None:
            node_id = next((node.id for node in _working(pool)), "")
        node = account.node(pool_id, node_id)
        for number in range(times):
            self._world.after(number * every, self._fall, node, start_task)
            self._world.after((number + 0.5) * every, self._rise, node)
        self._world.settle()
        return node.id

    def _fall(self, node: LiveNode, start_task: bool) -> None:
        if node.state in ("idle", "running") and not node.draining:
            if start_task and node.body.start_task is not None:
                self._account.fleet.fail_start_task(node)
            else:
                self._account.fleet.break_down(node, UNREACHABLE, recovers=False)

    def _rise(self, node: LiveNode) -> None:
        if node.state == "unusable":
            self._account.fleet.revive(node)
        elif node.state == "starttaskfailed" and not node.left and not node.draining:
            self._account.node_operations.reboot(node)

    def heal(self, pool_id: str) -> list[str]:
        """Broken nodes come back: unusable ones at once, those of a failed start task by a reboot. Their ids.

        From now on the pool's start tasks succeed.
        """
        account = self._now
        pool = account.pool(pool_id)
        pool.machines = msgspec.structs.replace(pool.machines, start_task_failure=0.0)
        nodes = [node for node in pool.ordered() if node.state in ("unusable", "starttaskfailed") and not node.draining]
        for node in nodes:
            self._rise(node)
        return [node.id for node in nodes]

    # --- pools --------------------------------------------------------------------------------------------------------

    def stick_resize(self, pool_id: str, dedicated: int | None = None, low_priority: int | None = None) -> LivePool:
        """The pool's resize, or else a new one, neither ends nor errs; its nodes stay as they are.

        Without targets a new one is for one more dedicated node.
        """
        pool = self._resizing(pool_id, dedicated, low_priority)
        pool.stuck = True
        return pool

    def fail_resize(
        self,
        pool_id: str,
        code: str = "AllocationFailed",
        message: str = "Desired number of nodes could not be allocated",
        dedicated: int | None = None,
        low_priority: int | None = None,
        values: Mapping[str, str] | None = None,
    ) -> LivePool:
        """The pool's resize, or else a new one (see `stick_resize`), ends now with this error; no node comes of it.

        `values` are the error's details by name, such as the ProviderErrorJson of an AllocationFailed.
        """
        pool = self._resizing(pool_id, dedicated, low_priority)
        details = [NameValuePair(name=name, value=value) for name, value in (values or {}).items()] or None
        self._account.allocator.fail(pool, ResizeError(code=code, message=message, values=details))
        return pool

    def _resizing(self, pool_id: str, dedicated: int | None, low_priority: int | None) -> LivePool:
        account = self._now
        pool = account.pool(pool_id)
        if pool.body.state != "active" or pool.body.allocation_state == "stopping":
            raise wrong_state("the pool is being deleted, or its resize is being stopped")
        if pool.body.allocation_state == "steady" or (dedicated, low_priority) != (None, None):
            if dedicated is None and low_priority is None:
                dedicated = pool.body.target_dedicated_nodes + 1
            account.allocator.aim(pool, dedicated, low_priority)
        return pool

    def unstick_pool(self, pool_id: str) -> LivePool:
        """A stuck resize goes on."""
        account = self._now
        pool = account.pool(pool_id)
        if pool.stuck:
            account.allocator.unstick(pool)
        return pool

    def unstick_job(self, job_id: str) -> LiveJob:
        """A stuck job goes on; what should have ended meanwhile ends now."""
        account = self._now
        job = account.job(job_id)
        held, job.held = job.held or [], None
        for event, args in held:
            self._world.after(0.0, event, *args)
        if job.pool is not None:
            account.runner.pump(job.pool)
        self._world.settle()
        return job

    def break_autoscale(self, pool_id: str, how: str | None) -> LivePool:
        """From the next evaluation on the formula fails ("error") or is not looked at ("stale"); None: as ever."""
        pool = self._now.pool(pool_id)
        if not pool.body.enable_auto_scale:
            raise wrong_state("the pool has no autoscale")
        pool.autoscale_fault = how
        return pool

    def stick_deletion(self, pool_id: str) -> LivePool:
        """The pool is being deleted and stays so: its nodes do not leave, as where a lock forbids it."""
        account = self._now
        pool = account.pool(pool_id)
        account.allocator.delete(pool)
        pool.stuck = True
        for node in pool.nodes.values():
            node.life += 1  # that it leaves was planned for the life before
        return pool

    # --- schedules ----------------------------------------------------------------------------------------------------

    def block_schedule(self, schedule_id: str, blocked: bool = True) -> LiveSchedule:
        """The schedule makes no more jobs: they are due, and nothing comes."""
        schedule = self._now.schedule(schedule_id)
        schedule.blocked = blocked
        return schedule

    # --- ends ---------------------------------------------------------------------------------------------------------

    def delete_job(self, job_id: str, *, at_once: bool = False) -> None:
        """Deletes a job; `at_once` without the seconds in which it is "deleting"."""
        account = self._now
        job = account.job(job_id)
        if job.state != "deleting" or not at_once:
            account.job_lifecycle.delete(job)
        if at_once:
            account.job_lifecycle.gone(job)

    def delete_schedule(self, schedule_id: str, *, at_once: bool = False) -> None:
        """Deletes a job schedule with its jobs."""
        account = self._now
        schedule = account.schedule(schedule_id)
        if schedule.state != "deleting" or not at_once:
            account.schedule_lifecycle.delete(schedule)
        if at_once:
            for job in [job for job in account.jobs.values() if job.schedule is schedule]:
                account.job_lifecycle.gone(job)
            account.schedule_lifecycle.gone(schedule)

    def delete_pool(self, pool_id: str, *, at_once: bool = False) -> None:
        """Deletes a pool; `at_once` without waiting for its nodes to leave."""
        account = self._now
        pool = account.pool(pool_id)
        if pool.body.state != "deleting" or not at_once:
            account.allocator.delete(pool)
        if at_once:
            for node in list(pool.nodes.values()):
                account.fleet.forget(node)
            account.allocator.gone(pool)

    # --- applications -------------------------------------------------------------------------------------------------

    def upload_package(self, application_id: str, version: str) -> None:
        """The file of a package is there, so that the package may be activated."""
        application = self._now.of_id(self._now.applications, application_id)
        package = application.packages.get(version) if application is not None else None
        if package is None:
            raise Refused(404, "ApplicationPackageNotFound", "The specified application package does not exist.")
        package.uploaded = True


def _working(pool: LivePool) -> list[LiveNode]:
    return [node for node in pool.ordered() if node.state in ("idle", "running") and not node.draining]


def _host(job: LiveJob, hosts: Hosts, place: int) -> LiveNode | None:
    """A node that a task of the job may have run on: those that take its tasks have turns, and are kept in `hosts`."""
    pool = job.pool
    if pool is None or not any(pool.counts[kind][state] for kind in (True, False) for state in ("idle", "running")):
        return None
    nodes = hosts.get(job)
    if not nodes or not nodes[place % len(nodes)].open:
        nodes = hosts[job] = [node for node in pool.ordered() if node.open and node.id not in job.refused]
    return nodes[place % len(nodes)] if nodes else None


def _in_turn(queues: list[Iterator[tuple[LiveJob, LiveTask]]], most: int) -> Iterator[tuple[LiveJob, LiveTask]]:
    """From each queue one, then from each another, until all are empty or there are `most`; none twice."""
    seen: set[LiveTask] = set()
    while queues and most:
        for queue in list(queues):
            one = next(((job, task) for job, task in queue if task not in seen), None)
            if one is None:
                queues.remove(queue)
            elif most:
                seen.add(one[1])
                most -= 1
                yield one
