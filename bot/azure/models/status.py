"""Parts of tasks on single nodes: subtasks, job preparation and release; and how a node is logged in to."""

from __future__ import annotations

from datetime import datetime

from bot.azure.models.base import ContainerInfo, FailureInfo, Wire
from bot.azure.models.task import NodeInfo


class Subtask(Wire):
    """One part of a multi-instance task: ``state`` preparing, running or completed; ``result`` success or failure."""

    id: int = 0
    node_info: NodeInfo | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    container_info: ContainerInfo | None = None
    failure_info: FailureInfo | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    previous_state: str = ""
    previous_state_transition_time: datetime | None = None
    result: str = ""


class OwnTaskRun(Wire):
    """How a preparation or release task ran on a node: ``state`` running or completed; only the first is retried."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    state: str = ""
    task_root_directory: str = ""
    task_root_directory_url: str = ""
    exit_code: int | None = None
    container_info: ContainerInfo | None = None
    failure_info: FailureInfo | None = None
    retry_count: int = 0
    last_retry_time: datetime | None = None
    result: str = ""


class PreparationStatus(Wire):
    """Preparation and release of a job on one node."""

    pool_id: str = ""
    node_id: str = ""
    node_url: str = ""
    job_preparation_task_execution_info: OwnTaskRun | None = None
    job_release_task_execution_info: OwnTaskRun | None = None


class RemoteLogin(Wire):
    """Where a node is logged in to from outside."""

    remote_login_ip_address: str = ""
    remote_login_port: int = 0
    ipv6_remote_login_ip_address: str = ""
    ipv6_remote_login_port: int = 0
