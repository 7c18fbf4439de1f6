"""Tasks, and all that a task is made of."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct, field

from bot.azure.models.base import (
    ContainerInfo,
    ContainerSettings,
    FailureInfo,
    IdentityReference,
    NameValue,
    PackageReference,
    ResourceFile,
    UserIdentity,
    Wire,
    wire_name,
)

FAILED_TASKS = "state eq 'completed' and executionInfo/result eq 'failure'"
"""Tasks that are over and failed, as ``$filter``."""


class TaskConstraints(Wire):
    """Limits of a task: durations are ISO 8601, ``max_task_retry_count`` -1 means without end."""

    max_wall_clock_time: str = ""
    retention_time: str = ""
    max_task_retry_count: int = 0


class UploadTarget(Wire):
    """A blob container that output goes to; ``container_url`` may carry a SAS signature."""

    path: str = ""
    container_url: str = ""
    identity_reference: IdentityReference | None = None
    upload_headers: tuple[NameValue, ...] = ()


class UploadDestination(Wire):
    """Where output goes."""

    container: UploadTarget | None = None


class UploadOptions(Wire):
    """When output is uploaded: tasksuccess, taskfailure, taskcompletion."""

    upload_condition: str = ""


class OutputFile(Wire):
    """Files that are uploaded when the task ends."""

    file_pattern: str = ""
    destination: UploadDestination | None = None
    upload_options: UploadOptions | None = None


class ExitOptions(Wire):
    """What an end does: ``job_action`` none, disable, terminate; ``dependency_action`` satisfy, block."""

    job_action: str = ""
    dependency_action: str = ""


class ExitCode(Wire):
    """What one exit code does."""

    code: int = 0
    exit_options: ExitOptions | None = None


class ExitCodeRange(Wire):
    """What the exit codes from ``start`` to ``end`` do, both included."""

    start: int = 0
    end: int = 0
    exit_options: ExitOptions | None = None


class ExitConditions(Wire):
    """What the ways to end do to the job and to dependent tasks."""

    exit_codes: tuple[ExitCode, ...] = ()
    exit_code_ranges: tuple[ExitCodeRange, ...] = ()
    pre_processing_error: ExitOptions | None = None
    file_upload_error: ExitOptions | None = None
    default: ExitOptions | None = None


class Run(Wire):
    """How a task ran: ``result`` success or failure; no ``exit_code`` while it has not ended by itself."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    failure_info: FailureInfo | None = None
    result: str = ""
    retry_count: int = 0
    last_retry_time: datetime | None = None
    requeue_count: int = 0


class Execution(Run):
    """All that is known of how a task ran."""

    last_requeue_time: datetime | None = None
    container_info: ContainerInfo | None = None


class Place(Wire):
    """Where a task runs or ran."""

    pool_id: str = ""
    node_id: str = ""


class NodeInfo(Place):
    """All that is known of where a task runs or ran."""

    affinity_id: str = ""
    node_url: str = ""
    task_root_directory: str = ""
    task_root_directory_url: str = ""


class AffinityInfo(Wire):
    """Near which node or task a task wants to run."""

    affinity_id: str = ""


class MultiInstance(Wire):
    """A task over several nodes."""

    number_of_instances: int = 1
    coordination_command_line: str = ""
    common_resource_files: tuple[ResourceFile, ...] = ()


class TaskIdRange(Wire):
    """Numeric task ids from ``start`` to ``end``, both included."""

    start: int = 0
    end: int = 0


class Dependencies(Wire):
    """Tasks that must succeed before this one starts."""

    task_ids: tuple[str, ...] = ()
    task_id_ranges: tuple[TaskIdRange, ...] = ()


class TokenSettings(Wire):
    """What a task may do in the account with the token it is given: ``access`` has ``job`` or nothing."""

    access: tuple[str, ...] = ()


class TaskStats(Wire):
    """With ``$expand=stats`` only. Times are ISO 8601 durations, sizes GiB, operations counts."""

    url: str = ""
    start_time: datetime | None = None
    last_update_time: datetime | None = None
    user_cpu_time: str = ""
    kernel_cpu_time: str = ""
    wall_clock_time: str = ""
    read_iops: int = 0
    write_iops: int = 0
    read_io_gib: float = 0.0
    write_io_gib: float = 0.0
    wait_time: str = ""


class TaskRow(Wire):
    """What a list of tasks shows: a quarter of the memory of a :class:`Task` and half the time to decode.

    ``state`` is active, preparing, running or completed.
    """

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state",)

    id: str = ""
    display_name: str = ""
    creation_time: datetime | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    execution_info: Run | None = None
    node_info: Place | None = None


class TaskTimes(TaskRow):
    """What a task took: a row, the slots and nodes it ran on, and with ``$expand=stats`` the time of all its runs."""

    required_slots: int = 1
    multi_instance_settings: MultiInstance | None = None
    stats: TaskStats | None = None


class TaskMoments(TaskRow):
    """When what happened to a task: its last run, what it waits for; with ``$expand=stats`` the time of all runs."""

    execution_info: Execution | None = None
    depends_on: Dependencies | None = None
    stats: TaskStats | None = None


class Task(TaskRow):
    """All of a task."""

    url: str = ""
    etag: str = ""
    last_modified: datetime | None = None
    previous_state: str = ""
    previous_state_transition_time: datetime | None = None
    command_line: str = ""
    container_settings: ContainerSettings | None = None
    resource_files: tuple[ResourceFile, ...] = ()
    output_files: tuple[OutputFile, ...] = ()
    environment_settings: tuple[NameValue, ...] = ()
    affinity_info: AffinityInfo | None = None
    constraints: TaskConstraints | None = None
    required_slots: int = 1
    user_identity: UserIdentity | None = None
    execution_info: Execution | None = None
    node_info: NodeInfo | None = None
    multi_instance_settings: MultiInstance | None = None
    depends_on: Dependencies | None = None
    exit_conditions: ExitConditions | None = None
    application_package_references: tuple[PackageReference, ...] = ()
    authentication_token_settings: TokenSettings | None = None
    stats: TaskStats | None = None


class Counts(Wire):
    """Numbers by state; ``completed`` is ``succeeded`` plus ``failed``."""

    WHOLE: ClassVar[bool] = True

    active: int = 0
    running: int = 0
    completed: int = 0
    succeeded: int = 0
    failed: int = 0


class _AllCounts(Struct, rename=wire_name):
    active: int
    running: int
    completed: int
    succeeded: int
    failed: int


class _AllTasks(Struct, rename=wire_name):
    task_counts: _AllCounts


class TaskCountsResult(Wire):
    """Tasks and task slots of a job by state; may be off above 200,000 tasks."""

    WHOLE: ClassVar[bool] = True
    COMPLETE: ClassVar[type[Struct] | None] = _AllTasks

    task_counts: Counts = field(default_factory=Counts)
    task_slot_counts: Counts = field(default_factory=Counts)
