"""Pools, and all that a pool is made of."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from bot.azure.models.base import (
    UNTOLD,
    ContainerRegistry,
    IdentityReference,
    ImageReference,
    NameValue,
    PackageReference,
    Settings,
    StartTask,
    Wire,
)


class DiskSecurity(Wire):
    """Encryption of a managed disk."""

    security_encryption_type: str = ""


class DiskEncryptionSet(Wire):
    """A disk encryption set, by resource id."""

    id: str = ""


class ManagedDisk(Wire):
    """How a disk is stored."""

    storage_account_type: str = ""
    disk_encryption_set: DiskEncryptionSet | None = None
    security_profile: DiskSecurity | None = None


class DataDisk(Wire):
    """A disk attached to every node; size in GB."""

    lun: int = 0
    caching: str = ""
    disk_size_gb: int = 0
    managed_disk: ManagedDisk | None = None
    storage_account_type: str = ""


class EphemeralDisk(Wire):
    """Where an ephemeral operating system disk lies."""

    placement: str = ""


class OsDisk(Wire):
    """The operating system disk; size in GB, None for the image's own."""

    ephemeral_os_disk_settings: EphemeralDisk | None = None
    caching: str = ""
    disk_size_gb: int | None = None
    managed_disk: ManagedDisk | None = None
    write_accelerator_enabled: bool | None = None


class WindowsConfiguration(Wire):
    """Windows settings of a node."""

    enable_automatic_updates: bool | None = None


class ContainerConfiguration(Wire):
    """Which containers the nodes can run, and the images fetched beforehand."""

    type: str = ""
    container_image_names: tuple[str, ...] = ()
    container_registries: tuple[ContainerRegistry, ...] = ()


class DiskKey(Wire):
    """A customer-managed disk key."""

    identity_reference: IdentityReference | None = None
    key_url: str = ""
    rotation_to_latest_key_version_enabled: bool | None = None


class DiskEncryption(Wire):
    """Which disks are encrypted: targets osdisk, temporarydisk."""

    targets: tuple[str, ...] = ()
    customer_managed_key: DiskKey | None = None


class NodePlacement(Wire):
    """Regional or zonal."""

    policy: str = ""


class VmExtension(Wire):
    """An extension installed on every node."""

    name: str = ""
    publisher: str = ""
    type: str = ""
    type_handler_version: str = ""
    auto_upgrade_minor_version: bool | None = None
    enable_automatic_upgrade: bool | None = None
    settings: Settings = None
    provision_after_extensions: tuple[str, ...] = ()


class HostEndpoint(Wire):
    """How the metadata security protocol treats one host endpoint."""

    in_vm_access_control_profile_reference_id: str = ""
    mode: str = ""


class ProxyAgent(Wire):
    """Metadata security protocol."""

    enabled: bool | None = None
    imds: HostEndpoint | None = None
    wire_server: HostEndpoint | None = None


class Uefi(Wire):
    """Secure boot and virtual TPM."""

    secure_boot_enabled: bool | None = None
    v_tpm_enabled: bool | None = None


class SecurityProfile(Wire):
    """Trusted launch and confidential machines."""

    encryption_at_host: bool | None = None
    security_type: str = ""
    uefi_settings: Uefi | None = None
    proxy_agent_settings: ProxyAgent | None = None


class ServiceArtifact(Wire):
    """A service artifact reference, by resource id."""

    id: str = ""


class VmConfiguration(Wire):
    """Image, agent, disks and security of a pool's machines."""

    image_reference: ImageReference | None = None
    node_agent_sku_id: str = ""
    windows_configuration: WindowsConfiguration | None = None
    data_disks: tuple[DataDisk, ...] = ()
    license_type: str = ""
    container_configuration: ContainerConfiguration | None = None
    disk_encryption_configuration: DiskEncryption | None = None
    node_placement_configuration: NodePlacement | None = None
    extensions: tuple[VmExtension, ...] = ()
    os_disk: OsDisk | None = None
    security_profile: SecurityProfile | None = None
    service_artifact_reference: ServiceArtifact | None = None


class ResizeError(Wire):
    """Why the last resize did not reach its target; stays until the next one, so it may be stale."""

    code: str = ""
    message: str = ""
    values: tuple[NameValue, ...] = ()


class AutoScaleRun(Wire):
    """The last evaluation of the autoscale formula."""

    timestamp: datetime | None = None
    results: str = ""
    error: ResizeError | None = None


class SecurityRule(Wire):
    """Who may reach an endpoint."""

    priority: int = 0
    access: str = ""
    source_address_prefix: str = ""
    source_port_ranges: tuple[str, ...] = ()


class InboundNatPool(Wire):
    """A port of every node that is reachable from outside, over a range of public ports."""

    name: str = ""
    protocol: str = ""
    backend_port: int = 0
    frontend_port_range_start: int = 0
    frontend_port_range_end: int = 0
    network_security_group_rules: tuple[SecurityRule, ...] = ()


class PoolEndpoints(Wire):
    """Inbound endpoints of a pool."""

    inbound_nat_pools: tuple[InboundNatPool, ...] = ()


class IpTag(Wire):
    """A tag of a public address."""

    ip_tag_type: str = ""
    tag: str = ""


class PublicAddresses(Wire):
    """How public addresses come: batchmanaged, usermanaged, nopublicipaddresses."""

    provision: str = ""
    ip_families: tuple[str, ...] = ()
    ip_address_ids: tuple[str, ...] = ()
    ip_tags: tuple[IpTag, ...] = ()


class PoolNetwork(Wire):
    """Subnet and addresses of a pool."""

    subnet_id: str = ""
    dynamic_vnet_assignment_scope: str = ""
    endpoint_configuration: PoolEndpoints | None = None
    public_ip_address_configuration: PublicAddresses | None = None
    enable_accelerated_networking: bool | None = None


class SchedulingPolicy(Wire):
    """How tasks fill nodes: ``node_fill_type`` spread or pack."""

    node_fill_type: str = ""
    job_default_order: str = ""


class LinuxUser(Wire):
    """Numeric ids of a Linux user."""

    uid: int | None = None
    gid: int | None = None


class WindowsUser(Wire):
    """How a Windows user logs in."""

    login_mode: str = ""


class UserAccount(Wire):
    """A user that every node has; its password is never read."""

    name: str = ""
    elevation_level: str = ""
    linux_user_configuration: LinuxUser | None = None
    windows_user_configuration: WindowsUser | None = None


class BlobMount(Wire):
    """A blob container mounted on every node."""

    account_name: str = ""
    container_name: str = ""
    relative_mount_path: str = ""
    blobfuse_options: str = ""
    identity_reference: IdentityReference | None = None


class NfsMount(Wire):
    """An NFS export mounted on every node."""

    source: str = ""
    relative_mount_path: str = ""
    mount_options: str = ""


class CifsMount(Wire):
    """A CIFS share mounted on every node."""

    username: str = ""
    source: str = ""
    relative_mount_path: str = ""
    mount_options: str = ""


class FileShareMount(Wire):
    """An Azure file share mounted on every node."""

    account_name: str = ""
    azure_file_url: str = ""
    relative_mount_path: str = ""
    mount_options: str = ""


class Mount(Wire):
    """One mounted file system: one of the four is set."""

    azure_blob_file_system_configuration: BlobMount | None = None
    nfs_mount_configuration: NfsMount | None = None
    cifs_mount_configuration: CifsMount | None = None
    azure_file_share_configuration: FileShareMount | None = None


class UserIdentityOfPool(Wire):
    """A user-assigned identity of a pool."""

    resource_id: str = ""
    client_id: str = ""
    principal_id: str = ""


class PoolIdentity(Wire):
    """Identities that the nodes can use: ``type`` none or userassigned."""

    type: str = ""
    user_assigned_identities: tuple[UserIdentityOfPool, ...] = ()


class AutomaticUpgrade(Wire):
    """Automatic upgrades of the operating system image."""

    disable_automatic_rollback: bool | None = None
    enable_automatic_os_upgrade: bool | None = None
    use_rolling_upgrade_policy: bool | None = None
    os_rolling_upgrade_deferral: bool | None = None


class RollingUpgrade(Wire):
    """How many machines are upgraded at once (per cent), with what pause (ISO 8601)."""

    enable_cross_zone_upgrade: bool | None = None
    max_batch_instance_percent: int | None = None
    max_unhealthy_instance_percent: int | None = None
    max_unhealthy_upgraded_instance_percent: int | None = None
    pause_time_between_batches: str = ""
    prioritize_unhealthy_instances: bool | None = None
    rollback_failed_instances_on_policy_breach: bool | None = None


class UpgradePolicy(Wire):
    """``mode`` automatic, manual or rolling."""

    mode: str = ""
    automatic_os_upgrade_policy: AutomaticUpgrade | None = None
    rolling_upgrade_policy: RollingUpgrade | None = None


class PoolUsageStats(Wire):
    """Core time used (ISO 8601)."""

    start_time: datetime | None = None
    last_update_time: datetime | None = None
    dedicated_core_time: str = ""


class PoolResourceStats(Wire):
    """CPU in per cent, memory, disk and network in GiB, disk operations as counts."""

    start_time: datetime | None = None
    last_update_time: datetime | None = None
    avg_cpu_percentage: float = 0.0
    avg_memory_gib: float = 0.0
    peak_memory_gib: float = 0.0
    avg_disk_gib: float = 0.0
    peak_disk_gib: float = 0.0
    disk_read_iops: int = 0
    disk_write_iops: int = 0
    disk_read_gib: float = 0.0
    disk_write_gib: float = 0.0
    network_read_gib: float = 0.0
    network_write_gib: float = 0.0


class PoolStats(Wire):
    """With ``$expand=stats`` only; about half an hour late."""

    url: str = ""
    start_time: datetime | None = None
    last_update_time: datetime | None = None
    usage_stats: PoolUsageStats | None = None
    resource_stats: PoolResourceStats | None = None


class Pool(Wire):
    """A pool: ``state`` active or deleting, ``allocation_state`` steady, resizing or stopping."""

    KEY: ClassVar[str] = "id"
    ALWAYS: ClassVar[tuple[str, ...]] = (
        "state",
        "allocation_state",
        "current_dedicated_nodes",
        "current_low_priority_nodes",
    )

    id: str = ""
    display_name: str = ""
    url: str = ""
    etag: str = ""
    creation_time: datetime | None = None
    last_modified: datetime | None = None
    state: str = ""
    state_transition_time: datetime | None = None
    allocation_state: str = ""
    allocation_state_transition_time: datetime | None = None
    vm_size: str = ""
    virtual_machine_configuration: VmConfiguration | None = None
    resize_timeout: str = ""
    resize_errors: tuple[ResizeError, ...] = ()
    current_dedicated_nodes: int = UNTOLD
    current_low_priority_nodes: int = UNTOLD
    target_dedicated_nodes: int | None = None
    target_low_priority_nodes: int | None = None
    enable_auto_scale: bool = False
    auto_scale_formula: str = ""
    auto_scale_evaluation_interval: str = ""
    auto_scale_run: AutoScaleRun | None = None
    enable_inter_node_communication: bool = False
    network_configuration: PoolNetwork | None = None
    start_task: StartTask | None = None
    application_package_references: tuple[PackageReference, ...] = ()
    task_slots_per_node: int = 1
    task_scheduling_policy: SchedulingPolicy | None = None
    user_accounts: tuple[UserAccount, ...] = ()
    metadata: tuple[NameValue, ...] = ()
    mount_configuration: tuple[Mount, ...] = ()
    identity: PoolIdentity | None = None
    upgrade_policy: UpgradePolicy | None = None
    stats: PoolStats | None = None


class PoolSpecification(Wire):
    """The pool that an automatic pool will be."""

    display_name: str = ""
    vm_size: str = ""
    virtual_machine_configuration: VmConfiguration | None = None
    task_slots_per_node: int = 1
    task_scheduling_policy: SchedulingPolicy | None = None
    resize_timeout: str = ""
    target_dedicated_nodes: int | None = None
    target_low_priority_nodes: int | None = None
    enable_auto_scale: bool = False
    auto_scale_formula: str = ""
    auto_scale_evaluation_interval: str = ""
    enable_inter_node_communication: bool = False
    network_configuration: PoolNetwork | None = None
    start_task: StartTask | None = None
    application_package_references: tuple[PackageReference, ...] = ()
    user_accounts: tuple[UserAccount, ...] = ()
    metadata: tuple[NameValue, ...] = ()
    mount_configuration: tuple[Mount, ...] = ()
    upgrade_policy: UpgradePolicy | None = None
