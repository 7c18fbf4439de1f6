"""What all wire structs share: how they are named, durations, and the small pieces that several entities carry."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Any, ClassVar, dataclass_transform

from msgspec import Struct, field

from bot.azure.errors import AzureError

_ODD_NAMES = {
    "etag": "eTag",
    "node_agent_sku_id": "nodeAgentSKUId",
    "disk_size_gb": "diskSizeGB",
    "ephemeral_os_disk_settings": "ephemeralOSDiskSettings",
    "inbound_nat_pools": "inboundNATPools",
    "public_ip_address_configuration": "publicIPAddressConfiguration",
    "public_ip_address": "publicIPAddress",
    "public_fqdn": "publicFQDN",
    "dynamic_vnet_assignment_scope": "dynamicVNetAssignmentScope",
    "skip_withdraw_from_vnet": "skipWithdrawFromVNet",
    "automatic_os_upgrade_policy": "automaticOSUpgradePolicy",
    "enable_automatic_os_upgrade": "enableAutomaticOSUpgrade",
    "in_vm_access_control_profile_reference_id": "inVMAccessControlProfileReferenceId",
    "remote_login_ip_address": "remoteLoginIPAddress",
    "ipv6_remote_login_ip_address": "ipv6RemoteLoginIPAddress",
    "upgrading_os": "upgradingOS",
    "avg_cpu_percentage": "avgCPUPercentage",
    "avg_memory_gib": "avgMemoryGiB",
    "peak_memory_gib": "peakMemoryGiB",
    "avg_disk_gib": "avgDiskGiB",
    "peak_disk_gib": "peakDiskGiB",
    "disk_read_iops": "diskReadIOps",
    "disk_write_iops": "diskWriteIOps",
    "disk_read_gib": "diskReadGiB",
    "disk_write_gib": "diskWriteGiB",
    "network_read_gib": "networkReadGiB",
    "network_write_gib": "networkWriteGiB",
    "user_cpu_time": "userCPUTime",
    "kernel_cpu_time": "kernelCPUTime",
    "read_iops": "readIOps",
    "write_iops": "writeIOps",
    "read_io_gib": "readIOGiB",
    "write_io_gib": "writeIOGiB",
    "dedicated_core_quota_per_vm_family": "dedicatedCoreQuotaPerVMFamily",
    "dedicated_core_quota_per_vm_family_enforced": "dedicatedCoreQuotaPerVMFamilyEnforced",
}


def wire_name(name: str) -> str:
    """A field's name on the wire: camel case, but for the service's own spellings of abbreviations."""
    return _ODD_NAMES.get(name) or re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


class Untold(IntEnum):
    """A number that the service did not tell, or told as no number: it counts as its field's default, most often zero.

    It is written as ``?``. An enumeration, for those alone of all kinds of int are encoded by msgspec: where it is
    stored it becomes the default, so whoever stores a number for good asks :func:`told` first.
    """

    NOTHING = 0

    @classmethod
    def _missing_(cls, value: object) -> Untold | None:
        """Of any other default, too."""
        if type(value) is not int:
            return None
        made = int.__new__(cls, value)
        made._name_, made._value_ = f"DEFAULT_{value}", value
        return made

    def __format__(self, form: str) -> str:
        return "?"

    __str__ = __repr__ = lambda self: "?"


UNTOLD = Untold(0)
"""The default of numbers that the service sends always (:attr:`Wire.ALWAYS`), so that one left out is no zero."""


def told(value: int, otherwise: int) -> int:
    """A number as it was told; ``otherwise`` where it was not."""
    return otherwise if isinstance(value, Untold) else value


def certain(value: int | None, what: str) -> int:
    """A number that something is changed or taken back by. Raises AzureError where it was not told."""
    if value is None or isinstance(value, Untold):
        raise AzureError("UnexpectedAnswer", f"Azure does not say {what}: try again")
    return value


@dataclass_transform(frozen_default=True, field_specifiers=(field,))  # or every class would have to say frozen=True
class Wire(Struct, rename=wire_name, frozen=True, gc=False, omit_defaults=True, repr_omit_defaults=True):
    """Something the service sends.

    Every field has a default, because the service leaves out what is not set and ``$select`` leaves out more; unknown
    fields are skipped. State words stay text, since their case differs on the wire: compare them lower-cased. Lists
    are tuples, so that the usual empty one costs nothing. Instants are aware; durations are ISO 8601 text, see
    :func:`duration`. Secrets that the service might send (passwords, keys, protected settings) have no field at all.

    ``KEY`` is the field that says which one of a list it is: nothing can be said of one without it. ``WHOLE`` is set
    where one field that is not understood makes all of it unknown: counts, of which a missing one is not zero; what
    each must hold is in ``COMPLETE``, a struct with fields that are required. ``ALWAYS`` are fields that stood in every
    recorded row of an api-version of today: where one was asked for and is missing, that is a gap. Numbers among them
    have :data:`UNTOLD` for their default.
    """

    KEY: ClassVar[str] = ""
    WHOLE: ClassVar[bool] = False
    ALWAYS: ClassVar[tuple[str, ...]] = ()
    COMPLETE: ClassVar[type[Struct] | None] = None


@lru_cache
def select_of(kind: type[Struct]) -> str:
    """The ``$select`` that asks for just what ``kind`` holds: its top-level wire names, comma-separated."""
    return ",".join(kind.__struct_encode_fields__)


_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_UNLIMITED = timedelta(days=10_000_000)  # the service's "no limit" is the longest .NET TimeSpan, 10,675,199 days


@lru_cache(maxsize=1024)
def duration(text: str) -> timedelta | None:
    """An ISO 8601 duration as a timedelta (microseconds); None when empty, unlimited or not understood."""
    found = _DURATION.fullmatch(text)
    parts = {name: value for name, value in found.groupdict().items() if value} if found else {}
    sign = parts.pop("sign", "")
    if not parts:
        return None
    try:
        span = timedelta(**{name: float(value) for name, value in parts.items()})
    except OverflowError:
        return None
    if span >= _UNLIMITED:
        return None
    return -span if sign else span


class NameValue(Wire):
    """A detail of an error, an environment variable or a metadata item."""

    name: str = ""
    value: str = ""


class IdentityReference(Wire):
    """A user-assigned identity, by resource id."""

    resource_id: str = ""


class AutoUser(Wire):
    """A user that the service makes: ``scope`` task or pool, ``elevation_level`` nonadmin or admin."""

    scope: str = ""
    elevation_level: str = ""


class UserIdentity(Wire):
    """Whom a task runs as: a named user of the pool or an automatic one."""

    username: str = ""
    auto_user: AutoUser | None = None


class ResourceFile(Wire):
    """What is downloaded to the node before a command runs. URLs may carry SAS signatures: redact before showing."""

    auto_storage_container_name: str = ""
    storage_container_url: str = ""
    http_url: str = ""
    blob_prefix: str = ""
    file_path: str = ""
    file_mode: str = ""
    identity_reference: IdentityReference | None = None


class ContainerRegistry(Wire):
    """Where container images come from."""

    username: str = ""
    registry_server: str = ""
    identity_reference: IdentityReference | None = None


class BindMount(Wire):
    """A path of the node that a container sees."""

    source: str = ""
    is_read_only: bool = False


class ContainerSettings(Wire):
    """The container that a command runs in."""

    image_name: str = ""
    container_run_options: str = ""
    registry: ContainerRegistry | None = None
    working_directory: str = ""
    container_host_batch_bind_mounts: tuple[BindMount, ...] = ()


class PackageReference(Wire):
    """An application package by id; no version means the application's default one."""

    application_id: str = ""
    version: str = ""


class FailureInfo(Wire):
    """Why something failed: ``category`` usererror or servererror, ``code``, a message, details."""

    category: str = ""
    code: str = ""
    message: str = ""
    details: tuple[NameValue, ...] = ()


class ContainerInfo(Wire):
    """What the container engine reported."""

    container_id: str = ""
    state: str = ""
    error: str = ""


class StartTask(Wire):
    """The command that every node runs before it takes tasks."""

    command_line: str = ""
    container_settings: ContainerSettings | None = None
    resource_files: tuple[ResourceFile, ...] = ()
    environment_settings: tuple[NameValue, ...] = ()
    user_identity: UserIdentity | None = None
    max_task_retry_count: int = 0
    wait_for_success: bool = False


class ImageReference(Wire):
    """The operating system image; ``exact_version`` is what "latest" resolved to."""

    publisher: str = ""
    offer: str = ""
    sku: str = ""
    version: str = ""
    exact_version: str = ""
    virtual_machine_image_id: str = ""
    shared_gallery_image_id: str = ""
    community_gallery_image_id: str = ""


Settings = Any
"""Free-form settings of a VM extension: an object most often, text in some."""
