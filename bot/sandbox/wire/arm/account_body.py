"""A Batch account as Resource Manager shows it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from bot.sandbox.entities import Account

_SINCE: Final = {
    "allowedAuthenticationModes": "2021-06-01",
    "networkProfile": "2022-06-01",
    "nodeManagementEndpoint": "2022-06-01",
    "privateEndpointConnections": "2022-06-01",
}
"""Property -> the first api-version that has it (recorded)."""

_LONG_AGO: Final = datetime.fromisoformat("2026-01-05T08:00:00Z")


def account_id(facts: Account) -> str:
    """The resource id."""
    group = f"/subscriptions/{facts.subscription}/resourceGroups/{facts.resource_group}"
    return f"{group}/providers/Microsoft.Batch/batchAccounts/{facts.name}"


def node_management(facts: Account) -> str:
    """The host through which nodes are managed."""
    number = uuid.uuid5(uuid.NAMESPACE_DNS, f"{facts.name}.{facts.location}")
    return f"{number}.{facts.location}.service.batch.azure.com"


def takes_keys(facts: Account) -> bool:
    """Whether a shared key opens the account's data plane."""
    return "SharedKey" in _modes(facts)


def _modes(facts: Account) -> list[str]:
    if facts.allowed_authentication_modes is not None:
        return facts.allowed_authentication_modes
    keyless = ["AAD", "TaskAuthenticationToken"]
    return keyless if facts.pool_allocation_mode == "UserSubscription" else ["SharedKey", *keyless]


def account_body(facts: Account, version: str) -> dict[str, Any]:
    """The account, as an api-version has it."""
    own_machines = facts.pool_allocation_mode == "UserSubscription"
    group = f"/subscriptions/{facts.subscription}/resourceGroups/{facts.resource_group}"
    host = facts.endpoint.partition("://")[2] or facts.endpoint
    properties: dict[str, Any] = {
        "accountEndpoint": host,
        "nodeManagementEndpoint": node_management(facts),
        "provisioningState": facts.provisioning_state,
    }
    if not own_machines:
        properties |= {
            "dedicatedCoreQuota": facts.dedicated_core_quota,
            "dedicatedCoreQuotaPerVMFamily": facts.families,
        }
    properties["dedicatedCoreQuotaPerVMFamilyEnforced"] = facts.families_enforced
    if not own_machines:
        properties["lowPriorityCoreQuota"] = facts.low_priority_core_quota
    properties |= {
        "poolQuota": facts.pool_quota,
        "activeJobAndJobScheduleQuota": facts.job_quota,
        "poolAllocationMode": facts.pool_allocation_mode,
    }
    if facts.auto_storage_account_id:
        properties["autoStorage"] = {
            "storageAccountId": facts.auto_storage_account_id,
            "lastKeySync": facts.storage_keys_synced or _LONG_AGO,
            "authenticationMode": "StorageKeys",
        }
    if own_machines:
        vault = (facts.key_vault or f"kv{facts.name}"[:24]).rpartition("/")[2]
        properties["keyVaultReference"] = {
            "id": facts.key_vault or f"{group}/providers/Microsoft.KeyVault/vaults/{vault}",
            "url": f"https://{vault}.vault.azure.net/",
        }
    properties |= {
        "publicNetworkAccess": facts.public_network_access,
        "privateEndpointConnections": [],
        "encryption": facts.encryption or {"keySource": "Microsoft.Batch"},
        "allowedAuthenticationModes": _modes(facts),
    }
    if facts.network_profile is not None:
        properties["networkProfile"] = facts.network_profile
    properties = {name: value for name, value in properties.items() if _SINCE.get(name, "") <= version}
    body: dict[str, Any] = {
        "id": account_id(facts),
        "name": facts.name,
        "type": "Microsoft.Batch/batchAccounts",
        "location": facts.location,
        "properties": properties,
        "identity": facts.identity or {"type": "None"},
    }
    if facts.tags:
        body["tags"] = facts.tags
    return body
