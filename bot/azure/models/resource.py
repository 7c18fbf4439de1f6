"""What Azure Resource Manager reports: Batch accounts with their quotas, and VM sizes."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct, field

from bot.azure.models.base import NameValue, Wire


class AutoStorage(Wire):
    """The storage account that goes with a Batch account, and how it is reached."""

    storage_account_id: str = ""
    authentication_mode: str = ""
    last_key_sync: datetime | None = None
    node_identity_reference: ResourceId | None = None


class ResourceId(Wire):
    """A resource, by id."""

    resource_id: str = ""


class KeyVault(Wire):
    """The key vault of an account in user subscription mode."""

    id: str = ""
    url: str = ""


class FamilyQuota(Wire):
    """Dedicated cores allowed for one VM family."""

    name: str = ""
    core_quota: int = 0


class KeyVaultKey(Wire):
    """A customer-managed key."""

    key_identifier: str = ""


class Encryption(Wire):
    """Who holds the keys."""

    key_source: str = ""
    key_vault_properties: KeyVaultKey | None = None


class IpRule(Wire):
    """An address that is let in."""

    action: str = ""
    value: str = ""


class EndpointAccess(Wire):
    """Who reaches an endpoint: ``default_action`` allow or deny."""

    default_action: str = ""
    ip_rules: tuple[IpRule, ...] = ()


class AccountNetwork(Wire):
    """Who reaches the account and the node management endpoint."""

    account_access: EndpointAccess | None = None
    node_management_access: EndpointAccess | None = None


class PrivateEndpoint(Wire):
    """A private endpoint, by resource id."""

    id: str = ""


class PrivateLinkState(Wire):
    """Whether a private endpoint is let in."""

    status: str = ""
    description: str = ""
    actions_required: str = ""


class PrivateEndpointProperties(Wire):
    """State of a private endpoint connection."""

    provisioning_state: str = ""
    private_endpoint: PrivateEndpoint | None = None
    group_ids: tuple[str, ...] = ()
    private_link_service_connection_state: PrivateLinkState | None = None


class PrivateEndpointConnection(Wire):
    """A private endpoint connection of an account."""

    id: str = ""
    name: str = ""
    properties: PrivateEndpointProperties | None = None


class AccountProperties(Wire):
    """The account itself. ``pool_allocation_mode`` is batchservice or usersubscription.

    Quotas are cores, pools, and jobs together with schedules; None where the subscription's own quota holds.
    """

    account_endpoint: str = ""
    node_management_endpoint: str = ""
    provisioning_state: str = ""
    pool_allocation_mode: str = ""
    public_network_access: str = ""
    network_profile: AccountNetwork | None = None
    private_endpoint_connections: tuple[PrivateEndpointConnection, ...] | None = None
    key_vault_reference: KeyVault | None = None
    auto_storage: AutoStorage | None = None
    encryption: Encryption | None = None
    allowed_authentication_modes: tuple[str, ...] | None = None
    dedicated_core_quota: int | None = None
    low_priority_core_quota: int | None = None
    dedicated_core_quota_per_vm_family: tuple[FamilyQuota, ...] | None = None
    dedicated_core_quota_per_vm_family_enforced: bool = False
    pool_quota: int | None = None
    active_job_and_job_schedule_quota: int | None = None


class AssignedIdentity(Wire):
    """Ids of a user-assigned identity."""

    client_id: str = ""
    principal_id: str = ""


class AccountIdentity(Wire):
    """Managed identities of the account: ``type`` none, systemassigned or userassigned."""

    type: str = ""
    principal_id: str = ""
    tenant_id: str = ""
    user_assigned_identities: dict[str, AssignedIdentity] | None = None


class BatchAccountResource(Wire):
    """A Batch account as Resource Manager reports it."""

    id: str = ""
    name: str = ""
    type: str = ""
    location: str = ""
    tags: dict[str, str] | None = None
    identity: AccountIdentity | None = None
    properties: AccountProperties = field(default_factory=AccountProperties)


class Subscription(Wire):
    """A subscription that somebody has a role in."""

    subscription_id: str = ""
    display_name: str = ""


class ResourceGroup(Wire):
    """A resource group."""

    name: str = ""
    location: str = ""


class ResourceType(Wire):
    """What a provider has: ``batchAccounts``, and the regions where, by their display names."""

    resource_type: str = ""
    locations: tuple[str, ...] = ()


class Provider(Wire):
    """A resource provider of a subscription: ``registration_state`` Registered or not."""

    registration_state: str = ""
    resource_types: tuple[ResourceType, ...] = ()


class StorageAccount(Wire):
    """A storage account."""

    id: str = ""
    name: str = ""
    location: str = ""


class LocationQuota(Wire):
    """How many Batch accounts a subscription may have in a region."""

    account_quota: int = 0


class NameAvailability(Wire):
    """Whether a new account may have a name: if not, ``reason`` Invalid or AlreadyExists, and a sentence."""

    name_available: bool = False
    reason: str = ""
    message: str = ""


class AccountKeys(Wire):
    """Both keys of an account, which are compared and never shown."""

    primary: str = ""
    secondary: str = ""

    def __repr__(self) -> str:
        return "AccountKeys(…)"


class SupportedSku(Wire):
    """A VM size as the service lists it."""

    KEY: ClassVar[str] = "name"

    name: str = ""
    family_name: str = ""
    capabilities: tuple[NameValue, ...] = ()
    batch_support_end_of_life: datetime | None = None


class VmSize(Struct, frozen=True):
    """A VM size: cores, memory in GB, graphics processors, the family its quota is counted in, end of support.

    ``disk_gb`` is its temporary disk, where tasks work ("MaxResourceVolumeMB"); 0 where it has none.
    """

    name: str
    family: str
    vcpus: int
    memory_gb: float
    gpus: int
    spot: bool
    eol: datetime | None
    disk_gb: float = 0.0

    @classmethod
    def of(cls, sku: SupportedSku) -> VmSize:
        """Read the capabilities; what the service does not list is 0."""
        listed = {each.name.lower(): each.value for each in sku.capabilities}
        return cls(
            name=sku.name,
            family=sku.family_name,
            vcpus=int(_number(listed.get("vcpus"))),
            memory_gb=_number(listed.get("memorygb")),
            gpus=int(_number(listed.get("gpus"))),
            spot=listed.get("lowprioritycapable", "").lower() == "true",
            eol=sku.batch_support_end_of_life,
            disk_gb=_number(listed.get("maxresourcevolumemb")) / 1024,
        )


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
