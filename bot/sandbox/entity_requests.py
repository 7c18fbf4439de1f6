"""The bodies of writes: what callers send to make and change things, by the official documents.

One Struct per object, by the rules of `entities`. A field without a default is required by the document; of all others
None means that the caller left it out. Write-only fields (passwords, keys) have no place here unless the service must
look at them: the sandbox never stores one.
"""

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
from bot.sandbox.entity_specs import (
    ExitConditions,
    JobConstraints,
    JobSpecification,
    MultiInstanceSettings,
    PoolInformation,
    PoolSpecification,
    Schedule,
    TaskDependencies,
)

# --- pools ------------------------------------------------------------------------------------------------------------


class PoolAdd(PoolSpecification, kw_only=True):
    """A new pool."""

    id: str


class PoolReplace(Wire, kw_only=True):
    """What `updateproperties` takes: a start task that is left out is removed."""

    start_task: StartTask | None = None
    application_package_references: list[ApplicationPackageReference]
    metadata: list[NameValuePair]
    target_node_communication_mode: str | None = None


class PoolPatch(Wire, kw_only=True):
    """Changes of a pool; what is left out stays."""

    start_task: StartTask | None = None
    application_package_references: list[ApplicationPackageReference] | None = None
    metadata: list[NameValuePair] | None = None
    target_node_communication_mode: str | None = None
    display_name: str | None = None
    vm_size: str | None = None
    task_slots_per_node: int | None = None
    task_scheduling_policy: TaskSchedulingPolicy | None = None
    enable_inter_node_communication: bool | None = None
    virtual_machine_configuration: VirtualMachineConfiguration | None = None
    network_configuration: NetworkConfiguration | None = None
    user_accounts: list[UserAccount] | None = None
    mount_configuration: list[MountConfiguration] | None = None
    upgrade_policy: UpgradePolicy | None = None
    resource_tags: dict[str, str] | None = None


class PoolResize(Wire, kw_only=True):
    """Other targets."""

    target_dedicated_nodes: int | None = None
    target_low_priority_nodes: int | None = None
    resize_timeout: str | None = None
    node_deallocation_option: str | None = None


class PoolEnableAutoScale(Wire, kw_only=True):
    """A formula and how often it is evaluated; what is left out stays."""

    auto_scale_formula: str | None = None
    auto_scale_evaluation_interval: str | None = None


class PoolEvaluateAutoScale(Wire, kw_only=True):
    """A formula to try."""

    auto_scale_formula: str


class NodeRemove(Wire, kw_only=True):
    """Nodes to remove."""

    node_list: list[str]
    resize_timeout: str | None = None
    node_deallocation_option: str | None = None


# --- nodes ------------------------------------------------------------------------------------------------------------


class NodeReboot(Wire, kw_only=True):
    """What becomes of the running tasks."""

    node_reboot_option: str | None = None


class NodeReimage(Wire, kw_only=True):
    """What becomes of the running tasks."""

    node_reimage_option: str | None = None


class NodeDeallocate(Wire, kw_only=True):
    """What becomes of the running tasks."""

    node_deallocate_option: str | None = None


class NodeDisableScheduling(Wire, kw_only=True):
    """What becomes of the running tasks."""

    node_disable_scheduling_option: str | None = None


class NodeUserAdd(Wire, kw_only=True):
    """A new user of a node."""

    name: str
    is_admin: bool | None = None
    expiry_time: datetime | None = None
    password: str | None = None
    ssh_public_key: str | None = None


class NodeUserUpdate(Wire, kw_only=True):
    """Another password, key or expiry of a user; what is left out is removed."""

    expiry_time: datetime | None = None
    password: str | None = None
    ssh_public_key: str | None = None


class UploadBatchServiceLogs(Wire, kw_only=True):
    """Where the node agent uploads its logs to, and of which time."""

    container_url: str
    start_time: datetime
    end_time: datetime | None = None
    identity_reference: dict[str, Any] | None = None


# --- jobs and schedules -----------------------------------------------------------------------------------------------


class JobAdd(JobSpecification, kw_only=True):
    """A new job."""

    id: str


class JobPatch(Wire, kw_only=True):
    """Changes of a job; what is left out stays."""

    priority: int | None = None
    max_parallel_tasks: int | None = None
    allow_task_preemption: bool | None = None
    on_all_tasks_complete: str | None = None
    constraints: JobConstraints | None = None
    pool_info: PoolInformation | None = None
    network_configuration: dict[str, Any] | None = None
    metadata: list[NameValuePair] | None = None


class JobReplace(Wire, kw_only=True):
    """All that may change of a job; what is left out falls back to its default."""

    priority: int | None = None
    max_parallel_tasks: int | None = None
    allow_task_preemption: bool | None = None
    on_all_tasks_complete: str | None = None
    on_task_failure: str | None = None
    constraints: JobConstraints | None = None
    pool_info: PoolInformation
    network_configuration: dict[str, Any] | None = None
    metadata: list[NameValuePair] | None = None


class JobDisable(Wire, kw_only=True):
    """What becomes of the running tasks."""

    disable_tasks: str


class JobTerminate(Wire, kw_only=True):
    """Why the job ends."""

    terminate_reason: str | None = None


class JobScheduleAdd(Wire, kw_only=True):
    """A new job schedule."""

    id: str
    display_name: str | None = None
    schedule: Schedule
    job_specification: JobSpecification
    metadata: list[NameValuePair] | None = None


class JobSchedulePatch(Wire, kw_only=True):
    """Changes of a job schedule; what is left out stays."""

    schedule: Schedule | None = None
    job_specification: JobSpecification | None = None
    metadata: list[NameValuePair] | None = None


class JobScheduleReplace(Wire, kw_only=True):
    """All that may change of a job schedule; what is left out falls back to its default."""

    schedule: Schedule
    job_specification: JobSpecification
    metadata: list[NameValuePair] | None = None


# --- tasks ------------------------------------------------------------------------------------------------------------


class TaskAdd(Wire, kw_only=True):
    """A new task."""

    id: str
    display_name: str | None = None
    command_line: str
    container_settings: TaskContainerSettings | None = None
    exit_conditions: ExitConditions | None = None
    resource_files: list[ResourceFile] | None = None
    output_files: list[OutputFile] | None = None
    environment_settings: list[NameValuePair] | None = None
    affinity_info: dict[str, Any] | None = None
    constraints: TaskConstraints | None = None
    required_slots: int | None = None
    user_identity: UserIdentity | None = None
    multi_instance_settings: MultiInstanceSettings | None = None
    depends_on: TaskDependencies | None = None
    application_package_references: list[ApplicationPackageReference] | None = None
    authentication_token_settings: AuthenticationTokenSettings | None = None


class TaskCollection(Wire, kw_only=True):
    """Up to a hundred new tasks, each read on its own: one that is wrong does not keep the others out."""

    value: list[dict[str, Any]]


class TaskReplace(Wire, kw_only=True):
    """All that may change of a task."""

    constraints: TaskConstraints | None = None


# --- certificates -----------------------------------------------------------------------------------------------------


class CertificateAdd(Wire, kw_only=True):
    """A new certificate; `data` is base64."""

    thumbprint: str
    thumbprint_algorithm: str
    data: str
    certificate_format: str | None = None
    password: str | None = None
