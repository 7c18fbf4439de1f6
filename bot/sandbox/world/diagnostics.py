"""Diagnostic events of an account, as Azure Monitor would send them into an event hub: category ``ServiceLog``.

Nothing is made of them unless somebody takes them (`sink`). They come late, by another span each, so in another order,
and some of them twice: as events of Azure Monitor may. The documents do not say by how much; some minutes were seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bot.sandbox.entity_parts import ResizeError
from bot.sandbox.world.ledger.resources import account_id
from bot.sandbox.world.outcomes import retries

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState
    from bot.sandbox.world.live import LiveJob, LivePool, LiveTask

Sink = Callable[[bytes], None]
"""Takes the body of an event: a JSON object with its records."""


class Diagnostics:
    """What one account's events are. ``late`` is between how many seconds they come late, ``twice`` the share of those
    that come twice."""

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self._rng = random.Random(1)  # its own: who listens changes nothing
        self.sink: Sink | None = None
        self.late = (60.0, 300.0)
        self.twice = 0.0

    # --- tasks --------------------------------------------------------------------------------------------------------

    def task_started(self, job: LiveJob, task: LiveTask) -> None:
        """A task was sent to a node, also once more."""
        if self.sink is not None:
            self._emit("TaskStartEvent", self._task(job, task) | {"executionInfo": self._counts(task)})

    def task_completed(self, job: LiveJob, task: LiveTask, node: tuple[str, str]) -> None:
        """A task is over, on that pool and node; of one that failed that is said by an event more."""
        if self.sink is None:
            return
        info = task.execution_info
        failure = info.failure_info
        said: dict[str, Any] = {"category": "", "code": "", "message": "", "details": []}
        if failure is not None:
            said |= {"category": failure.category, "code": failure.code, "message": failure.message}
        run = self._counts(task) | {
            "startTime": _wire(info.start_time),
            "endTime": _wire(info.end_time),
            "exitCode": info.exit_code,
            "result": (info.result or "").title(),
            "schedulingError": said,
        }
        properties = self._task(job, task) | {"executionInfo": run}
        properties["nodeInfo"] = {"poolId": node[0], "nodeId": node[1]}
        self._emit("TaskCompleteEvent", properties)
        if failure is not None:
            self._emit("TaskFailEvent", properties)

    @staticmethod
    def _task(job: LiveJob, task: LiveTask) -> dict[str, Any]:
        manager = job.body.job_manager_task
        return {
            "jobId": job.id,
            "id": task.id,
            "taskType": "JobManager" if manager is not None and manager.id == task.id else "User",
            "systemTaskVersion": 0,
            "requiredSlots": task.slots,
            "nodeInfo": {"poolId": task.pool_id or "", "nodeId": task.node_id or ""},
            "multiInstanceSettings": {"numberOfInstances": 1 + len(job.instances.get(task.id, ()))},
            "constraints": {"maxTaskRetryCount": retries(task)},
        }

    @staticmethod
    def _counts(task: LiveTask) -> dict[str, Any]:
        info = task.execution_info
        return {"retryCount": info.retry_count, "requeueCount": info.requeue_count}

    # --- pools --------------------------------------------------------------------------------------------------------

    def pool_created(self, pool: LivePool) -> None:
        """A pool was made."""
        body = pool.body
        self._emit(
            "PoolCreateEvent",
            {
                "id": body.id,
                "displayName": body.display_name or "",
                "vmSize": body.vm_size,
                "imageType": "VirtualMachineConfiguration",
                "resizeTimeout": "900000",
                "targetDedicatedNodes": body.target_dedicated_nodes,
                "targetLowPriorityNodes": body.target_low_priority_nodes,
                "taskSlotsPerNode": body.task_slots_per_node,
                "vmFillType": body.task_scheduling_policy.node_fill_type,
                "enableAutoScale": body.enable_auto_scale,
                "enableInterNodeCommunication": body.enable_inter_node_communication,
                "isAutoPool": False,
            },
        )

    def pool_deleting(self, pool: LivePool) -> None:
        """A pool is being deleted."""
        self._emit("PoolDeleteStartEvent", {"id": pool.id})

    def pool_deleted(self, pool: LivePool) -> None:
        """A pool is gone."""
        begun, now = pool.body.state_transition_time, self._world.time
        self._emit("PoolDeleteCompleteEvent", {"id": pool.id, "startTime": _wire(begun), "endTime": _wire(now)})

    def pool_resizing(self, pool: LivePool) -> None:
        """A resize began."""
        self._emit("PoolResizeStartEvent", self._sizes(pool))

    def pool_resized(self, pool: LivePool, begun: datetime | None, errors: list[ResizeError] | None) -> None:
        """A resize ended, well or with errors."""
        ended: dict[str, Any] = {"startTime": _wire(begun), "endTime": _wire(self._world.time)}
        ended |= {"resultCode": "Success", "resultMessage": "The operation succeeded"}
        if errors:
            ended |= {"resultCode": errors[0].code, "resultMessage": errors[0].message}
        self._emit("PoolResizeCompleteEvent", self._sizes(pool) | ended)

    def autoscaled(self, pool: LivePool) -> None:
        """A formula was evaluated."""
        run = pool.body.auto_scale_run
        if run is None:
            return
        error: dict[str, Any] = {"code": "", "message": "", "values": []}
        if run.error is not None:
            error |= {"code": run.error.code, "message": run.error.message}
        formula = pool.body.auto_scale_formula or ""
        about = {"id": pool.id, "timestamp": _wire(run.timestamp), "formula": formula, "results": run.results or ""}
        self._emit("PoolAutoScaleEvent", about | {"error": error})

    @staticmethod
    def _sizes(pool: LivePool) -> dict[str, Any]:
        body = pool.body
        return {
            "id": body.id,
            "nodeDeallocationOption": pool.deallocation or "invalid",
            "currentDedicatedNodes": body.current_dedicated_nodes,
            "targetDedicatedNodes": body.target_dedicated_nodes,
            "currentLowPriorityNodes": body.current_low_priority_nodes,
            "targetLowPriorityNodes": body.target_low_priority_nodes,
            "enableAutoScale": body.enable_auto_scale,
            "isAutoPool": False,
        }

    # --- sending ------------------------------------------------------------------------------------------------------

    def _emit(self, operation: str, properties: dict[str, Any]) -> None:
        if self.sink is None:
            return
        record = {
            "Tenant": self._account.facts.location,
            "time": _wire(self._world.time),
            "resourceId": account_id(self._account.facts).upper(),
            "category": "ServiceLog",
            "operationName": operation,
            "operationVersion": "2017-09-01",
            "properties": properties,
        }
        body = msgspec.json.encode({"records": [record]})
        for _ in range(1 + (self._rng.random() < self.twice)):
            self._world.after(self._rng.uniform(*self.late), self._deliver, body)

    def _deliver(self, body: bytes) -> None:
        if self.sink is not None:
            self.sink(body)


def _wire(at: datetime | None) -> str | None:
    """A time as the service writes it."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "0Z") if at else None
