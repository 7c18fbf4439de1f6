"""The parts that the things of the Batch service are made of: one Struct per object of the wire, see `entities`.

Names are the wire's in snake case; `msgspec` renames them back. A field that may be absent defaults to None and is left
out when it is None; a field the service always answers has no default. Times are aware UTC datetimes, durations the
ISO 8601 text of the wire, enumerations plain strings in the service's own case ("steady", "Regional", "Spread").
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, field

INFINITE = "P10675199DT2H48M5.4775807S"
"""The longest duration the service knows: what it answers where no limit was set."""


class Wire(Struct, rename="camel", omit_defaults=True):
    """The base of everything that travels: camel case names, absent where None."""


# --- parts many things share ------------------------------------------------------------------------------------------


class NameValuePair(Wire, kw_only=True):
    """A detail of an error, a metadata item, an environment setting."""

    name: str | None = None
    value: str | None = None


class TaskFailureInformation(Wire, kw_only=True, gc=False):
    """Why a task failed; `category` is "UserError" or "ServerError"."""

    category: str
    code: str | None = None
    message: str | None = None
    details: list[NameValuePair] | None = None


class ResourceFile(Wire, kw_only=True):
    """A file the node fetches before the command runs."""

    auto_storage_container_name: str | None = None
    storage_container_url: str | None = None
    http_url: str | None = None
    blob_prefix: str | None = None
    file_path: str | None = None
    file_mode: str | None = None
    identity_reference: dict[str, Any] | None = None


class OutputFileContainer(Wire, kw_only=True):
    """Where an output file goes."""

    path: str | None = None
    container_url: str
    identity_reference: dict[str, Any] | None = None
    upload_headers: list[NameValuePair] | None = None


class OutputFileDestination(Wire, kw_only=True):
    """The only destination there is: a blob container."""

    container: OutputFileContainer | None = None


class OutputFileUploadOptions(Wire, kw_only=True):
    """ "tasksuccess", "taskfailure" or "taskcompletion"."""

    upload_condition: str


class OutputFile(Wire, kw_only=True):
    """Files the node uploads when the task has ended."""

    file_pattern: str
    destination: OutputFileDestination
    upload_options: OutputFileUploadOptions


class AutoUserSpecification(Wire, kw_only=True):
    """The account the node makes for the command."""

    scope: str | None = None
    elevation_level: str | None = None


class UserIdentity(Wire, kw_only=True):
    """Who the command runs as."""

    username: str | None = None
    auto_user: AutoUserSpecification | None = None


class ContainerRegistry(Wire, kw_only=True):
    """Where container images come from."""

    username: str | None = None
    registry_server: str | None = None
    identity_reference: dict[str, Any] | None = None


class TaskContainerSettings(Wire, kw_only=True):
    """The container a command runs in."""

    container_run_options: str | None = None
    image_name: str
    registry: ContainerRegistry | None = None
    working_directory: str | None = None
    container_host_batch_bind_mounts: list[dict[str, Any]] | None = None


class TaskContainerExecutionInformation(Wire, kw_only=True, gc=False):
    """The container a command ran in."""

    container_id: str | None = None
    state: str | None = None
    error: str | None = None


class TaskConstraints(Wire, kw_only=True):
    """Limits of one task."""

    max_wall_clock_time: str | None = None
    retention_time: str | None = None
    max_task_retry_count: int | None = None


class ApplicationPackageReference(Wire, kw_only=True):
    """A package deployed to the node."""

    application_id: str
    version: str | None = None


class AuthenticationTokenSettings(Wire, kw_only=True):
    """What the task's own token may touch."""

    access: list[str] | None = None


# --- pools ------------------------------------------------------------------------------------------------------------


class ImageReference(Wire, kw_only=True):
    """A marketplace image by four names, or an image resource by its id."""

    publisher: str | None = None
    offer: str | None = None
    sku: str | None = None
    version: str | None = None
    virtual_machine_image_id: str | None = None
    exact_version: str | None = None
    shared_gallery_image_id: str | None = None
    community_gallery_image_id: str | None = None


class DataDisk(Wire, kw_only=True):
    """An empty disk attached to every node."""

    lun: int
    caching: str | None = None
    disk_size_gb: int = field(name="diskSizeGB")
    storage_account_type: str | None = None
    managed_disk: dict[str, Any] | None = None


class OSDisk(Wire, kw_only=True):
    """The disk the node boots from."""

    ephemeral_os_disk_settings: dict[str, Any] | None = field(name="ephemeralOSDiskSettings", default=None)
    caching: str | None = None
    managed_disk: dict[str, Any] | None = None
    disk_size_gb: int | None = field(name="diskSizeGB", default=None)
    write_accelerator_enabled: bool | None = None


class ContainerConfiguration(Wire, kw_only=True):
    """Images fetched ahead when a node joins."""

    type: str
    container_image_names: list[str] | None = None
    container_registries: list[ContainerRegistry] | None = None


class NodePlacementConfiguration(Wire, kw_only=True):
    """ "Regional" or "Zonal"."""

    policy: str | None = None


class VMExtension(Wire, kw_only=True):
    """A virtual machine extension of every node."""

    name: str
    publisher: str
    type: str
    type_handler_version: str | None = None
    auto_upgrade_minor_version: bool | None = None
    enable_automatic_upgrade: bool | None = None
    settings: dict[str, Any] | None = None
    provision_after_extensions: list[str] | None = None


class VirtualMachineConfiguration(Wire, kw_only=True):
    """The machines of a pool."""

    image_reference: ImageReference
    node_agent_sku_id: str = field(name="nodeAgentSKUId")
    windows_configuration: dict[str, Any] | None = None
    data_disks: list[DataDisk] | None = None
    license_type: str | None = None
    container_configuration: ContainerConfiguration | None = None
    disk_encryption_configuration: dict[str, Any] | None = None
    node_placement_configuration: NodePlacementConfiguration | None = None
    extensions: list[VMExtension] | None = None
    os_disk: OSDisk | None = None
    security_profile: dict[str, Any] | None = None
    service_artifact_reference: dict[str, Any] | None = None


class InboundNATPool(Wire, kw_only=True):
    """A port range of the load balancer that leads to one port of the nodes."""

    name: str
    protocol: str
    backend_port: int
    frontend_port_range_start: int
    frontend_port_range_end: int
    network_security_group_rules: list[dict[str, Any]] | None = None


class PoolEndpointConfiguration(Wire, kw_only=True):
    """The inbound endpoints of a pool."""

    inbound_nat_pools: list[InboundNATPool] = field(name="inboundNATPools")


class NetworkConfiguration(Wire, kw_only=True):
    """Where the nodes live."""

    subnet_id: str | None = None
    dynamic_vnet_assignment_scope: str | None = field(name="dynamicVNetAssignmentScope", default=None)
    endpoint_configuration: PoolEndpointConfiguration | None = None
    public_ip_address_configuration: dict[str, Any] | None = field(name="publicIPAddressConfiguration", default=None)
    enable_accelerated_networking: bool | None = None


class StartTask(Wire, kw_only=True):
    """What every node runs when it joins or boots."""

    command_line: str
    container_settings: TaskContainerSettings | None = None
    resource_files: list[ResourceFile] | None = None
    environment_settings: list[NameValuePair] | None = None
    user_identity: UserIdentity | None = None
    max_task_retry_count: int | None = None
    wait_for_success: bool | None = None


class UserAccount(Wire, kw_only=True):
    """A named user of the nodes; the password is never answered."""

    name: str
    elevation_level: str | None = None
    linux_user_configuration: dict[str, Any] | None = None
    windows_user_configuration: dict[str, Any] | None = None


class MountConfiguration(Wire, kw_only=True):
    """One file system every node mounts (keys are never answered)."""

    azure_blob_file_system_configuration: dict[str, Any] | None = None
    nfs_mount_configuration: dict[str, Any] | None = None
    cifs_mount_configuration: dict[str, Any] | None = None
    azure_file_share_configuration: dict[str, Any] | None = None


class AutomaticOSUpgradePolicy(Wire, kw_only=True):
    """How the operating system is kept new."""

    disable_automatic_rollback: bool | None = None
    enable_automatic_os_upgrade: bool | None = field(name="enableAutomaticOSUpgrade", default=None)
    use_rolling_upgrade_policy: bool | None = None
    os_rolling_upgrade_deferral: bool | None = None


class UpgradePolicy(Wire, kw_only=True):
    """ "automatic", "manual" or "rolling"."""

    mode: str
    automatic_os_upgrade_policy: AutomaticOSUpgradePolicy | None = field(name="automaticOSUpgradePolicy", default=None)
    rolling_upgrade_policy: dict[str, Any] | None = None


class TaskSchedulingPolicy(Wire, kw_only=True):
    """ "Spread" or "Pack"; the order of jobs of one priority is "none" or "creationtime"."""

    node_fill_type: str
    job_default_order: str | None = None


class ResizeError(Wire, kw_only=True):
    """Why the last resize did not reach its target; stays until the next one."""

    code: str | None = None
    message: str | None = None
    values: list[NameValuePair] | None = None


class AutoScaleRunError(Wire, kw_only=True):
    """Why an evaluation failed."""

    code: str | None = None
    message: str | None = None
    values: list[NameValuePair] | None = None


class AutoScaleRun(Wire, kw_only=True):
    """One evaluation: `results` is `$variable=value` joined by semicolons."""

    timestamp: datetime
    results: str | None = None
    error: AutoScaleRunError | None = None
