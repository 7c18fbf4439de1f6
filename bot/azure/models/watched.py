"""Rows for watching: of each entity the few fields by which a change is seen, so that a poll stays small."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import field

from bot.azure.models.base import UNTOLD, FailureInfo, NameValue, Wire
from bot.azure.models.job import JobScheduleExecution, Schedule
from bot.azure.models.pool import AutoScaleRun, Pool, PoolStats, ResizeError
from bot.azure.models.task import Place, Run, TaskConstraints


class MachineState(Wire):
    """What decides which licence a pool's nodes pay for."""

    node_agent_sku_id: str = ""
    windows_configuration: dict[str, bool] | None = None
    license_type: str = ""


class PoolState(Wire):
    """A pool as it is watched; see :class:`~bot.azure.models.Pool`."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = Pool.ALWAYS

    id: str = ""
    creation_time: datetime | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    allocation_state: str = ""
    allocation_state_transition_time: datetime | None = None
    vm_size: str = ""
    virtual_machine_configuration: MachineState | None = None
    resize_timeout: str = ""
    resize_errors: tuple[ResizeError, ...] = ()
    current_dedicated_nodes: int = UNTOLD
    current_low_priority_nodes: int = UNTOLD
    target_dedicated_nodes: int | None = None
    target_low_priority_nodes: int | None = None
    enable_auto_scale: bool = False
    auto_scale_evaluation_interval: str = ""
    auto_scale_run: AutoScaleRun | None = None
    task_slots_per_node: int = 1
    metadata: tuple[NameValue, ...] = ()


class PoolTraffic(Wire):
    """What a pool's nodes read and wrote over the network, with ``$expand=stats``."""

    KEY: ClassVar[str] = "id"

    id: str = ""
    stats: PoolStats | None = None


class NodeErrorState(Wire):
    """What is wrong with a node."""

    code: str = ""
    message: str = ""
    error_details: tuple[NameValue, ...] = ()


class StartTaskState(Wire):
    """How the start task ended on a node."""

    exit_code: int | None = None
    failure_info: FailureInfo | None = None
    result: str = ""


class AgentState(Wire):
    """Which version of Batch's agent runs on a node."""

    version: str = ""


class NodeState(Wire):
    """A node as it is watched; see :class:`~bot.azure.models.Node`."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state",)

    id: str = ""
    state: str = ""
    state_transition_time: datetime | None = None
    vm_size: str = ""
    is_dedicated: bool = True
    errors: tuple[NodeErrorState, ...] = ()
    start_task_info: StartTaskState | None = None
    last_boot_time: datetime | None = None
    node_agent_info: AgentState = field(default_factory=AgentState)


class JobRun(Wire):
    """How a job ran: the pool that it is in (an automatic one too) and why it ended."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    pool_id: str = ""
    scheduling_error: FailureInfo | None = None
    terminate_reason: str = ""


class JobState(Wire):
    """A job as it is watched; see :class:`~bot.azure.models.Job`."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state", "priority")

    id: str = ""
    creation_time: datetime | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    previous_state: str = ""
    priority: int = UNTOLD
    execution_info: JobRun = field(default_factory=JobRun)


class TaskState(Wire):
    """A task as it is watched; see :class:`~bot.azure.models.Task`."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state",)

    id: str = ""
    state: str = ""
    state_transition_time: datetime | None = None
    previous_state: str = ""
    execution_info: Run = field(default_factory=Run)
    node_info: Place = field(default_factory=Place)
    constraints: TaskConstraints = field(default_factory=TaskConstraints)


class RecentRun(Wire):
    """A task that a node runs or ran lately; ``subtask_id`` is set for parts of a multi-instance task."""

    job_id: str = ""
    task_id: str = ""
    subtask_id: int | None = None
    task_state: str = ""
    execution_info: Run = field(default_factory=Run)


class LeavingNode(NodeState):
    """A node that is about to go or to boot, with what it ran last."""

    recent_tasks: tuple[RecentRun, ...] = ()


class WorkingNode(Wire):
    """A node as its work is watched: what it runs, and the last ten tasks that it ran or runs."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state",)

    id: str = ""
    state: str = ""
    state_transition_time: datetime | None = None
    total_tasks_run: int = 0
    running_tasks_count: int = UNTOLD
    running_task_slots_count: int = 0
    recent_tasks: tuple[RecentRun, ...] = ()


class NodeTimes(Wire):
    """When a node was allocated and booted."""

    KEY: ClassVar[str] = "id"

    id: str = ""
    vm_size: str = ""
    is_dedicated: bool = True
    allocation_time: datetime | None = None
    last_boot_time: datetime | None = None


class ScheduleState(Wire):
    """A job schedule as it is watched; see :class:`~bot.azure.models.JobSchedule`."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state",)

    id: str = ""
    creation_time: datetime | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    previous_state: str = ""
    schedule: Schedule = field(default_factory=Schedule)
    execution_info: JobScheduleExecution = field(default_factory=JobScheduleExecution)
