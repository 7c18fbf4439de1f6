"""The operations of an account, by id, as the service offers them; and a few faults that scenarios and tests use.

Every command settles the world first, so that it acts on the moment of the clock. What the service would refuse raises
`Refused`. Spans are ISO 8601, deallocation options the wire's words ("requeue", "terminate", "taskcompletion").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.sandbox.entities import NodeError
from bot.sandbox.entity_parts import AutoScaleRun
from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, Schedule, TaskDependencies, TaskSpecification
from bot.sandbox.world import task_changes
from bot.sandbox.world.autoscale import PoolMetrics, evaluate
from bot.sandbox.world.behaviour import cause_named
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState


class Commands:
    """The verbs of one account."""

    def __init__(self, account: AccountState) -> None:
        self._account = account

    @property
    def _now(self) -> AccountState:
        self._account.world.settle()
        return self._account

    # --- pools --------------------------------------------------------------------------------------------------------

    def add_pool(self, pool_id: str, spec: PoolSpecification) -> LivePool:
        """A new pool."""
        return self._now.allocator.add(pool_id, spec)

    def delete_pool(self, pool_id: str) -> None:
        """Deletes a pool."""
        account = self._now
        account.allocator.delete(account.pool(pool_id))

    def resize(
        self,
        pool_id: str,
        dedicated: int | None = None,
        low_priority: int | None = None,
        *,
        timeout: str | None = None,
        deallocation: str = "requeue",
    ) -> None:
        """Other targets."""
        account = self._now
        account.allocator.resize(
            account.pool(pool_id), dedicated, low_priority, timeout=timeout, deallocation=deallocation
        )

    def stop_resize(self, pool_id: str) -> None:
        """Ends a resize where it stands."""
        account = self._now
        account.allocator.stop_resize(account.pool(pool_id))

    def set_autoscale(self, pool_id: str, formula: str | None = None, interval: str | None = None) -> None:
        """Enables autoscale, or changes its formula or interval."""
        account = self._now
        account.autoscale.enable(account.pool(pool_id), formula, interval)

    def disable_autoscale(self, pool_id: str) -> None:
        """Disables autoscale."""
        account = self._now
        account.autoscale.disable(account.pool(pool_id))

    def evaluate_autoscale(self, pool_id: str, formula: str) -> AutoScaleRun:
        """What a formula would say of the pool; changes nothing."""
        account = self._now
        pool = account.pool(pool_id)
        return evaluate(formula, pool.metrics or PoolMetrics(pool), account.world.time).run

    # --- nodes --------------------------------------------------------------------------------------------------------

    def remove_nodes(self, pool_id: str, node_ids: Iterable[str], deallocation: str = "requeue") -> None:
        """Removes nodes and lowers the pool's targets."""
        account = self._now
        nodes = [account.node(pool_id, node_id) for node_id in node_ids]
        account.allocator.remove_nodes(account.pool(pool_id), nodes, deallocation)

    def reboot_node(self, pool_id: str, node_id: str, option: str = "requeue") -> None:
        """Restarts a node."""
        account = self._now
        account.node_operations.reboot(account.node(pool_id, node_id), option)

    def deallocate_node(self, pool_id: str, node_id: str, option: str = "requeue") -> None:
        """Stops a node's machine."""
        account = self._now
        account.node_operations.deallocate(account.node(pool_id, node_id), option)

    def start_node(self, pool_id: str, node_id: str) -> None:
        """Starts a deallocated node."""
        account = self._now
        account.node_operations.start(account.node(pool_id, node_id))

    def disable_scheduling(self, pool_id: str, node_id: str, option: str = "requeue") -> None:
        """No new tasks on a node."""
        account = self._now
        account.node_operations.disable_scheduling(account.node(pool_id, node_id), option)

    def enable_scheduling(self, pool_id: str, node_id: str) -> None:
        """Tasks on a node again."""
        account = self._now
        account.node_operations.enable_scheduling(account.node(pool_id, node_id))

    # --- jobs and schedules -------------------------------------------------------------------------------------------

    def add_job(self, job_id: str, spec: JobSpecification) -> LiveJob:
        """A new job."""
        return self._now.job_lifecycle.add(job_id, spec)

    def disable_job(self, job_id: str, tasks: str = "requeue") -> None:
        """Disables a job; its running tasks are requeued, terminated, or waited for ("wait")."""
        account = self._now
        account.job_lifecycle.disable(account.job(job_id), tasks)

    def enable_job(self, job_id: str) -> None:
        """Enables a disabled job."""
        account = self._now
        account.job_lifecycle.enable(account.job(job_id))

    def terminate_job(self, job_id: str, reason: str | None = None) -> None:
        """Ends a job."""
        account = self._now
        account.job_lifecycle.terminate(account.job(job_id), reason)

    def delete_job(self, job_id: str) -> None:
        """Deletes a job with its tasks."""
        account = self._now
        account.job_lifecycle.delete(account.job(job_id))

    def set_priority(self, job_id: str, priority: int) -> None:
        """Another priority."""
        account = self._now
        account.job_lifecycle.set_priority(account.job(job_id), priority)

    def set_on_all_tasks_complete(self, job_id: str, action: str) -> None:
        """What the job does when all its tasks have completed: "noaction" or "terminatejob"."""
        account = self._now
        account.job_lifecycle.set_on_all_tasks_complete(account.job(job_id), action)

    def add_schedule(self, schedule_id: str, schedule: Schedule, spec: JobSpecification) -> LiveSchedule:
        """A new job schedule."""
        return self._now.schedule_lifecycle.add(schedule_id, schedule, spec)

    def disable_schedule(self, schedule_id: str) -> None:
        """Disables a job schedule."""
        account = self._now
        account.schedule_lifecycle.disable(account.schedule(schedule_id))

    def enable_schedule(self, schedule_id: str) -> None:
        """Enables a job schedule."""
        account = self._now
        account.schedule_lifecycle.enable(account.schedule(schedule_id))

    def terminate_schedule(self, schedule_id: str) -> None:
        """Ends a job schedule and its job."""
        account = self._now
        account.schedule_lifecycle.terminate(account.schedule(schedule_id))

    def delete_schedule(self, schedule_id: str) -> None:
        """Deletes a job schedule with its jobs."""
        account = self._now
        account.schedule_lifecycle.delete(account.schedule(schedule_id))

    # --- tasks --------------------------------------------------------------------------------------------------------

    def add_task(
        self,
        job_id: str,
        task_id: str,
        command_line: str,
        spec: TaskSpecification | None = None,
        depends_on: TaskDependencies | None = None,
    ) -> LiveTask:
        """A new task; how long it takes and how it ends is read from its command ("sleep 30; exit 3")."""
        account = self._now
        return account.runner.add(account.job(job_id), task_id, command_line, spec, depends_on=depends_on)

    def terminate_task(self, job_id: str, task_id: str) -> None:
        """Ends a task."""
        account = self._now
        account.runner.terminate(account.job(job_id), account.task(job_id, task_id))

    def reactivate_task(self, job_id: str, task_id: str) -> None:
        """Runs a failed task again."""
        account = self._now
        task_changes.reactivate(account, account.job(job_id), account.task(job_id, task_id))

    def delete_task(self, job_id: str, task_id: str) -> None:
        """Deletes a task."""
        account = self._now
        account.runner.delete(account.job(job_id), account.task(job_id, task_id))

    # --- faults -------------------------------------------------------------------------------------------------------

    def preempt_nodes(self, pool_id: str, number: int = 1) -> list[str]:
        """Azure takes that many spot nodes of the pool; the ids of those it took."""
        account = self._now
        nodes = [node for node in account.pool(pool_id).ordered() if not node.body.is_dedicated and node.open][:number]
        for node in nodes:
            account.fleet.preempt(node)
        return [node.id for node in nodes]

    def break_node(
        self, pool_id: str, node_id: str | None = None, error: NodeError | None = None, *, recovers: bool | None = None
    ) -> str:
        """A node (the first that works, if none is named) becomes unusable; its id."""
        account = self._now
        node = self._one(account, pool_id, node_id)
        account.fleet.break_down(node, error, recovers=recovers)
        return node.id

    def fail_start_task(self, pool_id: str, node_id: str | None = None) -> str:
        """The start task of a node (the first that works, if none is named) fails; its id."""
        account = self._now
        node = self._one(account, pool_id, node_id)
        account.fleet.fail_start_task(node)
        return node.id

    @staticmethod
    def _one(account: AccountState, pool_id: str, node_id: str | None) -> LiveNode:
        if node_id is None:
            working = (node.id for node in account.pool(pool_id).ordered() if node.state in ("idle", "running"))
            node_id = next(working, "")
        return account.node(pool_id, node_id)

    def storm(self, job_id: str, cause: str, number: int) -> None:
        """The next `number` runs of the job's tasks fail of one cause (see `cause_named`), those that run at once."""
        account = self._now
        account.runner.storm(account.job(job_id), cause_named(cause), number)
