"""Compute nodes and their counts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from bot.azure.models.base import (
    UNTOLD,
    ContainerInfo,
    FailureInfo,
    ImageReference,
    NameValue,
    StartTask,
    Wire,
    wire_name,
)
from bot.azure.models.task import Execution


class RecentTask(Wire):
    """A task that the node runs or ran lately; ``subtask_id`` is set for parts of a multi-instance task."""

    task_url: str = ""
    job_id: str = ""
    task_id: str = ""
    subtask_id: int | None = None
    task_state: str = ""
    execution_info: Execution | None = None


class StartTaskInfo(Wire):
    """How the start task ran on this node: ``state`` running or completed, ``result`` success or failure."""

    state: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    container_info: ContainerInfo | None = None
    failure_info: FailureInfo | None = None
    retry_count: int = 0
    last_retry_time: datetime | None = None
    result: str = ""


class NodeError(Wire):
    """What is wrong with the node."""

    code: str = ""
    message: str = ""
    error_details: tuple[NameValue, ...] = ()


class InboundEndpoint(Wire):
    """A port of this node as it is reached from outside."""

    name: str = ""
    protocol: str = ""
    public_ip_address: str = ""
    public_fqdn: str = ""
    frontend_port: int = 0
    backend_port: int = 0


class NodeEndpoints(Wire):
    """Inbound endpoints of the node."""

    inbound_endpoints: tuple[InboundEndpoint, ...] = ()


class NodeAgent(Wire):
    """The agent that runs on the node."""

    version: str = ""
    last_update_time: datetime | None = None


class VmInfo(Wire):
    """The machine below the node."""

    image_reference: ImageReference | None = None
    scale_set_vm_resource_id: str = ""


class NodeRow(Wire):
    """What a list of nodes shows, without recent tasks and start tasks, which are most of a :class:`Node`.

    In one of sixteen states; unusable and start-task-failed nodes are billed all the same.
    """

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state", "running_tasks_count")

    id: str = ""
    state: str = ""
    state_transition_time: datetime | None = None
    scheduling_state: str = ""
    vm_size: str = ""
    is_dedicated: bool = True
    last_boot_time: datetime | None = None
    allocation_time: datetime | None = None
    ip_address: str = ""
    total_tasks_run: int = 0
    running_tasks_count: int = UNTOLD
    running_task_slots_count: int = 0
    errors: tuple[NodeError, ...] = ()


class Node(NodeRow):
    """All of a compute node."""

    url: str = ""
    ipv6_address: str = ""
    affinity_id: str = ""
    total_tasks_succeeded: int = 0
    recent_tasks: tuple[RecentTask, ...] = ()
    start_task: StartTask | None = None
    start_task_info: StartTaskInfo | None = None
    endpoint_configuration: NodeEndpoints | None = None
    node_agent_info: NodeAgent | None = None
    virtual_machine_info: VmInfo | None = None


class NodeCounts(Wire):
    """Nodes by state; ``total`` is the service's own sum."""

    WHOLE: ClassVar[bool] = True

    creating: int = 0
    idle: int = 0
    offline: int = 0
    preempted: int = 0
    rebooting: int = 0
    reimaging: int = 0
    running: int = 0
    starting: int = 0
    start_task_failed: int = 0
    leaving_pool: int = 0
    unknown: int = 0
    unusable: int = 0
    waiting_for_start_task: int = 0
    deallocated: int = 0
    deallocating: int = 0
    upgrading_os: int = 0
    total: int = 0


class _AllCounts(Struct, rename=wire_name):
    creating: int
    idle: int
    offline: int
    preempted: int
    rebooting: int
    reimaging: int
    running: int
    starting: int
    start_task_failed: int
    leaving_pool: int
    unknown: int
    unusable: int
    waiting_for_start_task: int
    total: int


class _BothCounts(Struct, rename=wire_name):
    dedicated: _AllCounts
    low_priority: _AllCounts


class PoolNodeCounts(Wire):
    """Dedicated and spot nodes of a pool by state: a pool without nodes has zeros."""

    KEY: ClassVar[str] = "pool_id"
    WHOLE: ClassVar[bool] = True
    COMPLETE: ClassVar[type[Struct] | None] = _BothCounts
    LABEL: ClassVar[str] = "node counts of pool"

    pool_id: str = ""
    dedicated: NodeCounts = NodeCounts()
    low_priority: NodeCounts = NodeCounts()
