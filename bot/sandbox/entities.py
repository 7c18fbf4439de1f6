"""What the Batch service says about its things, in the shape it says it: one Struct per object of the wire.

Names are the wire's in snake case; `msgspec` renames them back. A field that may be absent defaults to None and is left
out when it is None; a field the service always answers has no default. Times are aware UTC datetimes, durations the
ISO 8601 text of the wire, enumerations plain strings in the service's own case ("steady", "Regional", "Spread").
Entities carry their `url`; `bot.sandbox.world` writes it when an entity is read, from the account's endpoint of that
moment. The parts of things are in `entity_parts`, what callers ask for in `entity_specs`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import field

from bot.sandbox.entity_parts import (
    ApplicationPackageReference,
    AuthenticationTokenSettings,
    AutoScaleRun,
    ImageReference,
    MountConfiguration,
    NameValuePair,
    NetworkConfiguration,
    OutputFile,
    ResizeError,
    ResourceFile,
    StartTask,
    TaskConstraints,
    TaskContainerExecutionInformation,
    TaskContainerSettings,
    TaskFailureInformation,
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
    JobManagerTask,
    JobPreparationTask,
    JobReleaseTask,
    JobSpecification,
    MultiInstanceSettings,
    PoolInformation,
    Schedule,
    TaskDependencies,
)


class Pool(Wire, kw_only=True):
    """A pool as the service answers it."""

    id: str
    display_name: str | None = None
    url: str = ""
    etag: str = field(name="eTag")
    last_modified: datetime
    creation_time: datetime
    state: str
    state_transition_time: datetime
    allocation_state: str
    allocation_state_transition_time: datetime
    vm_size: str
    resize_timeout: str
    current_dedicated_nodes: int
    target_dedicated_nodes: int
    current_low_priority_nodes: int
    target_low_priority_nodes: int
    resize_errors: list[ResizeError] | None = None
    enable_auto_scale: bool
    auto_scale_formula: str | None = None
    auto_scale_evaluation_interval: str | None = None
    auto_scale_run: AutoScaleRun | None = None
    enable_inter_node_communication: bool
    network_configuration: NetworkConfiguration | None = None
    start_task: StartTask | None = None
    application_package_references: list[ApplicationPackageReference] | None = None
    user_accounts: list[UserAccount] | None = None
    metadata: list[NameValuePair] | None = None
    task_slots_per_node: int
    task_scheduling_policy: TaskSchedulingPolicy
    virtual_machine_configuration: VirtualMachineConfiguration | None = None
    mount_configuration: list[MountConfiguration] | None = None
    identity: dict[str, Any] | None = None
    target_node_communication_mode: str | None = None
    current_node_communication_mode: str | None = None
    upgrade_policy: UpgradePolicy | None = None
    resource_tags: dict[str, str] | None = None
    stats: dict[str, Any] | None = None


class NodeCounts(Wire, kw_only=True):
    """How many nodes of one kind are in each state; every column, every time."""

    creating: int
    idle: int
    leaving_pool: int
    offline: int
    preempted: int
    rebooting: int
    reimaging: int
    running: int
    starting: int
    start_task_failed: int
    unusable: int
    unknown: int
    waiting_for_start_task: int
    upgrading_os: int = field(name="upgradingOS")
    deallocated: int
    deallocating: int
    total: int


class PoolNodeCounts(Wire, kw_only=True):
    """The node counts of one pool."""

    pool_id: str
    dedicated: NodeCounts
    low_priority: NodeCounts


# --- nodes ------------------------------------------------------------------------------------------------------------


class StartTaskInformation(Wire, kw_only=True, gc=False):
    """How the start task fared on one node; `state` is "running" or "completed", `result` "success" or "failure"."""

    state: str
    start_time: datetime
    end_time: datetime | None = None
    exit_code: int | None = None
    container_info: TaskContainerExecutionInformation | None = None
    failure_info: TaskFailureInformation | None = None
    retry_count: int
    last_retry_time: datetime | None = None
    result: str | None = None


class NodeError(Wire, kw_only=True):
    """Something wrong with a node."""

    code: str | None = None
    message: str | None = None
    error_details: list[NameValuePair] | None = None


class InboundEndpoint(Wire, kw_only=True):
    """A public address that leads to a port of the node."""

    name: str
    protocol: str
    public_ip_address: str | None = field(name="publicIPAddress", default=None)
    public_fqdn: str | None = field(name="publicFQDN", default=None)
    frontend_port: int
    backend_port: int


class NodeEndpointConfiguration(Wire, kw_only=True):
    """The public endpoints of a node."""

    inbound_endpoints: list[InboundEndpoint]


class NodeAgentInformation(Wire, kw_only=True):
    """The agent that runs the tasks."""

    last_update_time: datetime
    version: str


class VirtualMachineInfo(Wire, kw_only=True):
    """The image the node really runs, and its resource (the latter in user subscription accounts only)."""

    image_reference: ImageReference | None = None
    scale_set_vm_resource_id: str | None = None


class TaskExecutionInformation(Wire, kw_only=True, gc=False):
    """How a task fares; `result` ("success", "failure") and `end_time` only once it has completed."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    container_info: TaskContainerExecutionInformation | None = None
    failure_info: TaskFailureInformation | None = None
    result: str | None = None
    retry_count: int
    last_retry_time: datetime | None = None
    requeue_count: int
    last_requeue_time: datetime | None = None


class TaskInformation(Wire, kw_only=True):
    """A task in a node's list of recent ones."""

    task_url: str | None = None
    job_id: str | None = None
    task_id: str | None = None
    subtask_id: int | None = None
    task_state: str
    execution_info: TaskExecutionInformation | None = None


class Node(Wire, kw_only=True):
    """A node as the service answers it."""

    id: str
    url: str = ""
    state: str
    scheduling_state: str
    state_transition_time: datetime
    last_boot_time: datetime | None = None
    allocation_time: datetime
    ip_address: str
    affinity_id: str
    vm_size: str
    total_tasks_run: int
    total_tasks_succeeded: int
    running_tasks_count: int
    running_task_slots_count: int
    recent_tasks: list[TaskInformation] | None = None
    start_task: StartTask | None = None
    start_task_info: StartTaskInformation | None = None
    errors: list[NodeError] | None = None
    is_dedicated: bool
    endpoint_configuration: NodeEndpointConfiguration | None = None
    node_agent_info: NodeAgentInformation | None = None
    virtual_machine_info: VirtualMachineInfo | None = None


# --- tasks ------------------------------------------------------------------------------------------------------------


class NodeInformation(Wire, kw_only=True):
    """Where a task ran."""

    affinity_id: str | None = None
    node_url: str | None = None
    pool_id: str | None = None
    node_id: str | None = None
    task_root_directory: str | None = None
    task_root_directory_url: str | None = None


class Task(Wire, kw_only=True):
    """A task as the service answers it."""

    id: str
    display_name: str | None = None
    url: str = ""
    etag: str = field(name="eTag")
    creation_time: datetime
    last_modified: datetime
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None
    command_line: str
    container_settings: TaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    output_files: list[OutputFile] | None = None
    environment_settings: list[NameValuePair] | None = None
    affinity_info: dict[str, Any] | None = None
    user_identity: UserIdentity | None = None
    exit_conditions: ExitConditions | None = None
    constraints: TaskConstraints | None = None
    required_slots: int | None = None
    multi_instance_settings: MultiInstanceSettings | None = None
    depends_on: TaskDependencies | None = None
    application_package_references: list[ApplicationPackageReference] | None = None
    authentication_token_settings: AuthenticationTokenSettings | None = None
    execution_info: TaskExecutionInformation | None = None
    node_info: NodeInformation | None = None
    stats: dict[str, Any] | None = None


class TaskCounts(Wire, kw_only=True):
    """Tasks (or task slots) of a job; running includes preparing, completed is succeeded and failed."""

    active: int
    running: int
    completed: int
    succeeded: int
    failed: int


class TaskCountsResult(Wire, kw_only=True):
    """The counts of a job, in tasks and in slots."""

    task_counts: TaskCounts
    task_slot_counts: TaskCounts


# --- jobs and schedules -----------------------------------------------------------------------------------------------


class JobSchedulingError(Wire, kw_only=True):
    """Why the service could not run a job."""

    category: str
    code: str | None = None
    message: str | None = None
    details: list[NameValuePair] | None = None


class JobExecutionInformation(Wire, kw_only=True):
    """When a job ran, where, and why it ended."""

    start_time: datetime
    end_time: datetime | None = None
    pool_id: str | None = None
    scheduling_error: JobSchedulingError | None = None
    terminate_reason: str | None = None


class Job(Wire, kw_only=True):
    """A job as the service answers it."""

    id: str
    display_name: str | None = None
    url: str = ""
    etag: str = field(name="eTag")
    last_modified: datetime
    creation_time: datetime
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None
    priority: int
    max_parallel_tasks: int
    uses_task_dependencies: bool
    allow_task_preemption: bool
    constraints: JobConstraints
    job_manager_task: JobManagerTask | None = None
    job_preparation_task: JobPreparationTask | None = None
    job_release_task: JobReleaseTask | None = None
    common_environment_settings: list[NameValuePair] | None = None
    pool_info: PoolInformation
    network_configuration: dict[str, Any] | None = None
    metadata: list[NameValuePair] | None = None
    execution_info: JobExecutionInformation
    on_all_tasks_complete: str
    on_task_failure: str
    stats: dict[str, Any] | None = None


class RecentJob(Wire, kw_only=True):
    """The newest job of a schedule."""

    url: str = ""
    id: str


class JobScheduleExecutionInformation(Wire, kw_only=True):
    """What a schedule did and will do."""

    next_run_time: datetime | None = None
    recent_job: RecentJob | None = None
    end_time: datetime | None = None


class JobSchedule(Wire, kw_only=True):
    """A job schedule as the service answers it."""

    id: str
    display_name: str | None = None
    url: str = ""
    etag: str = field(name="eTag")
    last_modified: datetime
    creation_time: datetime
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None
    schedule: Schedule
    job_specification: JobSpecification
    execution_info: JobScheduleExecutionInformation
    metadata: list[NameValuePair] | None = None
    stats: dict[str, Any] | None = None


# --- accounts ---------------------------------------------------------------------------------------------------------


class VirtualMachineFamilyCoreQuota(Wire, kw_only=True):
    """The dedicated cores an account may use of one family."""

    name: str
    core_quota: int


class Account(Wire, kw_only=True):
    """What the resource manager knows of an account, and the keys and endpoint its data plane has.

    `pool_allocation_mode` is "BatchService" or "UserSubscription"; in the latter the core quotas are the subscription's
    and the account answers none. `endpoint` is written by whoever serves the account.
    """

    name: str
    subscription: str
    resource_group: str
    location: str
    endpoint: str
    keys: tuple[str, str]
    dedicated_core_quota: int
    low_priority_core_quota: int
    families: list[VirtualMachineFamilyCoreQuota]
    families_enforced: bool
    pool_quota: int
    job_quota: int
    pool_allocation_mode: str
    public_network_access: str = "Enabled"
    auto_storage_account_id: str | None = None
    storage_keys_synced: datetime | None = None
    key_vault: str | None = None
    encryption: dict[str, Any] | None = None
    network_profile: dict[str, Any] | None = None
    allowed_authentication_modes: list[str] | None = None
    identity: dict[str, Any] | None = None
    tags: dict[str, str] | None = None
    provisioning_state: str = "Succeeded"
    last_modified: datetime | None = None
