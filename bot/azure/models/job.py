"""Jobs and job schedules."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from bot.azure.models.base import (
    UNTOLD,
    ContainerSettings,
    FailureInfo,
    NameValue,
    PackageReference,
    ResourceFile,
    UserIdentity,
    Wire,
)
from bot.azure.models.pool import PoolSpecification
from bot.azure.models.task import OutputFile, TaskConstraints, TokenSettings


class JobConstraints(Wire):
    """Limits of a job and its tasks: ISO 8601 duration, retries of a task (-1 without end)."""

    max_wall_clock_time: str = ""
    max_task_retry_count: int = 0


class JobManagerTask(Wire):
    """The task that starts with the job and may make the others."""

    id: str = ""
    display_name: str = ""
    command_line: str = ""
    container_settings: ContainerSettings | None = None
    resource_files: tuple[ResourceFile, ...] = ()
    output_files: tuple[OutputFile, ...] = ()
    environment_settings: tuple[NameValue, ...] = ()
    constraints: TaskConstraints | None = None
    required_slots: int = 1
    kill_job_on_completion: bool = True
    user_identity: UserIdentity | None = None
    run_exclusive: bool = True
    application_package_references: tuple[PackageReference, ...] = ()
    authentication_token_settings: TokenSettings | None = None
    allow_low_priority_node: bool | None = None


class JobPreparationTask(Wire):
    """What a node runs before its first task of the job."""

    id: str = ""
    command_line: str = ""
    container_settings: ContainerSettings | None = None
    resource_files: tuple[ResourceFile, ...] = ()
    environment_settings: tuple[NameValue, ...] = ()
    constraints: TaskConstraints | None = None
    wait_for_success: bool = True
    user_identity: UserIdentity | None = None
    rerun_on_node_reboot_after_success: bool = True


class JobReleaseTask(Wire):
    """What a node that ran the preparation task runs when the job ends; durations are ISO 8601."""

    id: str = ""
    command_line: str = ""
    container_settings: ContainerSettings | None = None
    resource_files: tuple[ResourceFile, ...] = ()
    environment_settings: tuple[NameValue, ...] = ()
    max_wall_clock_time: str = ""
    retention_time: str = ""
    user_identity: UserIdentity | None = None


class AutoPool(Wire):
    """A pool that the service makes for a job or a schedule: ``pool_lifetime_option`` job or jobschedule."""

    auto_pool_id_prefix: str = ""
    pool_lifetime_option: str = ""
    keep_alive: bool = False
    pool: PoolSpecification | None = None


class PoolInfo(Wire):
    """Which pool the tasks run in."""

    pool_id: str = ""
    auto_pool_specification: AutoPool | None = None


class JobNetwork(Wire):
    """The subnet that the job's nodes join."""

    subnet_id: str = ""
    skip_withdraw_from_vnet: bool = False


class JobExecution(Wire):
    """How the job ran and why it ended."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    pool_id: str = ""
    scheduling_error: FailureInfo | None = None
    terminate_reason: str = ""


class JobStats(Wire):
    """With ``$expand=stats`` only. Times are ISO 8601 durations, sizes GiB, the rest counts."""

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
    num_succeeded_tasks: int = 0
    num_failed_tasks: int = 0
    num_task_retries: int = 0
    wait_time: str = ""


class JobSpecification(Wire):
    """The job that a schedule starts."""

    display_name: str = ""
    priority: int = 0
    allow_task_preemption: bool = False
    max_parallel_tasks: int = -1
    uses_task_dependencies: bool = False
    on_all_tasks_complete: str = ""
    on_task_failure: str = ""
    network_configuration: JobNetwork | None = None
    constraints: JobConstraints | None = None
    job_manager_task: JobManagerTask | None = None
    job_preparation_task: JobPreparationTask | None = None
    job_release_task: JobReleaseTask | None = None
    common_environment_settings: tuple[NameValue, ...] = ()
    pool_info: PoolInfo | None = None
    metadata: tuple[NameValue, ...] = ()


class Job(Wire):
    """A job: ``state`` active, disabling, disabled, enabling, terminating, completed or deleting.

    ``max_parallel_tasks`` -1 means without limit; ``priority`` goes from -1000 to 1000.
    """

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state", "priority")

    id: str = ""
    display_name: str = ""
    url: str = ""
    etag: str = ""
    creation_time: datetime | None = None
    last_modified: datetime | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    previous_state: str = ""
    previous_state_transition_time: datetime | None = None
    priority: int = UNTOLD
    allow_task_preemption: bool = False
    max_parallel_tasks: int = -1
    uses_task_dependencies: bool = False
    constraints: JobConstraints | None = None
    job_manager_task: JobManagerTask | None = None
    job_preparation_task: JobPreparationTask | None = None
    job_release_task: JobReleaseTask | None = None
    common_environment_settings: tuple[NameValue, ...] = ()
    pool_info: PoolInfo | None = None
    on_all_tasks_complete: str = ""
    on_task_failure: str = ""
    network_configuration: JobNetwork | None = None
    metadata: tuple[NameValue, ...] = ()
    execution_info: JobExecution | None = None
    stats: JobStats | None = None


class Schedule(Wire):
    """When a schedule starts jobs; both durations are ISO 8601."""

    do_not_run_until: datetime | None = None
    do_not_run_after: datetime | None = None
    start_window: str = ""
    recurrence_interval: str = ""


class RecentJob(Wire):
    """The newest job of a schedule."""

    id: str = ""
    url: str = ""


class JobScheduleExecution(Wire):
    """When a schedule runs next, and the job it started last."""

    next_run_time: datetime | None = None
    recent_job: RecentJob | None = None
    end_time: datetime | None = None


class JobSchedule(Wire):
    """A job schedule: ``state`` active, completed, disabled, terminating or deleting."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = ("state",)

    id: str = ""
    display_name: str = ""
    url: str = ""
    etag: str = ""
    creation_time: datetime | None = None
    last_modified: datetime | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    previous_state: str = ""
    previous_state_transition_time: datetime | None = None
    schedule: Schedule | None = None
    job_specification: JobSpecification | None = None
    execution_info: JobScheduleExecution | None = None
    metadata: tuple[NameValue, ...] = ()
    stats: JobStats | None = None
