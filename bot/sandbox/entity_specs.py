"""What callers ask pools, jobs and tasks to be. The service fills in the rest, see `bot.sandbox.world.defaults`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.sandbox.entity_parts import (
    ApplicationPackageReference,
    AuthenticationTokenSettings,
    MountConfiguration,
    NameValuePair,
    NetworkConfiguration,
    OutputFile,
    ResourceFile,
    StartTask,
    TaskConstraints,
    TaskContainerSettings,
    TaskSchedulingPolicy,
    UpgradePolicy,
    UserAccount,
    UserIdentity,
    VirtualMachineConfiguration,
    Wire,
)


class PoolSpecification(Wire, kw_only=True):
    """What somebody asks a pool to be; the service fills in the rest when it makes the pool."""

    display_name: str | None = None
    vm_size: str
    virtual_machine_configuration: VirtualMachineConfiguration | None = None
    task_slots_per_node: int | None = None
    task_scheduling_policy: TaskSchedulingPolicy | None = None
    resize_timeout: str | None = None
    target_dedicated_nodes: int | None = None
    target_low_priority_nodes: int | None = None
    enable_auto_scale: bool | None = None
    auto_scale_formula: str | None = None
    auto_scale_evaluation_interval: str | None = None
    enable_inter_node_communication: bool | None = None
    network_configuration: NetworkConfiguration | None = None
    start_task: StartTask | None = None
    application_package_references: list[ApplicationPackageReference] | None = None
    user_accounts: list[UserAccount] | None = None
    metadata: list[NameValuePair] | None = None
    mount_configuration: list[MountConfiguration] | None = None
    target_node_communication_mode: str | None = None
    upgrade_policy: UpgradePolicy | None = None
    resource_tags: dict[str, str] | None = None
    identity: dict[str, Any] | None = None


class ExitOptions(Wire, kw_only=True):
    """What an exit means: `job_action` none, terminate, disable; `dependency_action` satisfy, block."""

    job_action: str | None = None
    dependency_action: str | None = None


class ExitCodeMapping(Wire, kw_only=True):
    """One exit code and what it means."""

    code: int
    exit_options: ExitOptions


class ExitCodeRangeMapping(Wire, kw_only=True):
    """A range of exit codes, both ends included, and what they mean."""

    start: int
    end: int
    exit_options: ExitOptions


class ExitConditions(Wire, kw_only=True):
    """What the ways a task may end mean to its job and its dependents."""

    exit_codes: list[ExitCodeMapping] | None = None
    exit_code_ranges: list[ExitCodeRangeMapping] | None = None
    pre_processing_error: ExitOptions | None = None
    file_upload_error: ExitOptions | None = None
    default: ExitOptions | None = None


class TaskIdRange(Wire, kw_only=True):
    """Tasks whose ids are the numbers from `start` to `end`."""

    start: int
    end: int


class TaskDependencies(Wire, kw_only=True):
    """The tasks that must succeed first."""

    task_ids: list[str] | None = None
    task_id_ranges: list[TaskIdRange] | None = None


class MultiInstanceSettings(Wire, kw_only=True):
    """A task that runs on several nodes at once."""

    number_of_instances: int | None = None
    coordination_command_line: str
    common_resource_files: list[ResourceFile] | None = None


class TaskSpecification(Wire, kw_only=True):
    """Everything about a task but its id, command line and fate; the tasks of one batch share one."""

    display_name: str | None = None
    exit_conditions: ExitConditions | None = None
    container_settings: TaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    output_files: list[OutputFile] | None = None
    environment_settings: list[NameValuePair] | None = None
    affinity_info: dict[str, Any] | None = None
    constraints: TaskConstraints | None = None
    required_slots: int | None = None
    user_identity: UserIdentity | None = None
    multi_instance_settings: MultiInstanceSettings | None = None
    application_package_references: list[ApplicationPackageReference] | None = None
    authentication_token_settings: AuthenticationTokenSettings | None = None


class JobConstraints(Wire, kw_only=True):
    """Limits of a job and of its tasks."""

    max_wall_clock_time: str | None = None
    max_task_retry_count: int | None = None


class JobManagerTask(Wire, kw_only=True):
    """The task that makes the job's other tasks."""

    id: str
    display_name: str | None = None
    command_line: str
    container_settings: TaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    output_files: list[OutputFile] | None = None
    environment_settings: list[NameValuePair] | None = None
    constraints: TaskConstraints | None = None
    required_slots: int | None = None
    user_identity: UserIdentity | None = None
    run_exclusive: bool | None = None
    application_package_references: list[ApplicationPackageReference] | None = None
    authentication_token_settings: AuthenticationTokenSettings | None = None
    allow_low_priority_node: bool | None = None
    kill_job_on_completion: bool | None = None


class JobPreparationTask(Wire, kw_only=True):
    """What a node runs before its first task of the job."""

    id: str | None = None
    command_line: str
    container_settings: TaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    environment_settings: list[NameValuePair] | None = None
    constraints: TaskConstraints | None = None
    user_identity: UserIdentity | None = None
    wait_for_success: bool | None = None
    rerun_on_node_reboot_after_success: bool | None = None


class JobReleaseTask(Wire, kw_only=True):
    """What every node that ran the preparation runs when the job ends."""

    id: str | None = None
    command_line: str
    container_settings: TaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    environment_settings: list[NameValuePair] | None = None
    max_wall_clock_time: str | None = None
    retention_time: str | None = None
    user_identity: UserIdentity | None = None


class AutoPoolSpecification(Wire, kw_only=True):
    """A pool made for the job ("job") or for the schedule ("jobschedule")."""

    auto_pool_id_prefix: str | None = None
    pool_lifetime_option: str
    keep_alive: bool | None = None
    pool: PoolSpecification | None = None


class PoolInformation(Wire, kw_only=True):
    """The pool a job runs on."""

    pool_id: str | None = None
    auto_pool_specification: AutoPoolSpecification | None = None


class JobSpecification(Wire, kw_only=True):
    """What a job is to be: what the caller of `add_job` says, and what a schedule makes its jobs from."""

    display_name: str | None = None
    priority: int | None = None
    max_parallel_tasks: int | None = None
    uses_task_dependencies: bool | None = None
    allow_task_preemption: bool | None = None
    on_all_tasks_complete: str | None = None
    on_task_failure: str | None = None
    network_configuration: dict[str, Any] | None = None
    constraints: JobConstraints | None = None
    job_manager_task: JobManagerTask | None = None
    job_preparation_task: JobPreparationTask | None = None
    job_release_task: JobReleaseTask | None = None
    common_environment_settings: list[NameValuePair] | None = None
    pool_info: PoolInformation
    metadata: list[NameValuePair] | None = None


class Schedule(Wire, kw_only=True):
    """When a schedule makes jobs."""

    do_not_run_until: datetime | None = None
    do_not_run_after: datetime | None = None
    start_window: str | None = None
    recurrence_interval: str | None = None
