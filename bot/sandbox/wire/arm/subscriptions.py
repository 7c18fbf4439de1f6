"""What is not of one account: subscriptions, resource groups, and the operations of the Batch provider."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from bot.sandbox.entity_parts import Wire
from bot.sandbox.world.prices import REGIONS

from ..listener import respond
from .body import CONTENT_TYPE, read
from .directory import Directory, Group
from .routes import Handlers, Parts

_PROVIDER: Final = "Microsoft.Batch"

# resource | name | operation | description; those after the line with an asterisk are actions on data
_OPERATIONS: Final = """
Batch Accounts | batchAccounts/providers/Microsoft.Insights/diagnosticSettings/read | Read diagnostic setting | Gets the diagnostic setting for the resource
Batch Accounts | batchAccounts/providers/Microsoft.Insights/diagnosticSettings/write | Write diagnostic setting | Creates or updates the diagnostic setting for the resource
Batch Account Log Definitions | batchAccounts/providers/Microsoft.Insights/logDefinitions/read | Read Batch service log definitions | Gets the available logs for the Batch service
Batch Account Metric Definitions | batchAccounts/providers/Microsoft.Insights/metricDefinitions/read | Read Batch service metric definitions | Gets the available metrics for the Batch service
*Jobs | batchAccounts/jobs/read | List or Get Jobs | Lists jobs on a Batch account or gets the properties of a job
*Jobs | batchAccounts/jobs/write | Create or Update Job | Creates a new job on a Batch account or updates an existing job
*Jobs | batchAccounts/jobs/delete | Delete Job | Deletes a job from a Batch account
*Job Schedules | batchAccounts/jobSchedules/read | List or Get Job Schedules | Lists job schedules on a Batch account or gets the properties of a job schedule
*Job Schedules | batchAccounts/jobSchedules/write | Create or Update Job Schedule | Creates a new job schedule on a Batch account or updates an existing job schedule
*Job Schedules | batchAccounts/jobSchedules/delete | Delete Job Schedule | Deletes a job schedule from a Batch account
Available Batch Operations | operations/read | List Available Batch Operations | Lists operations available on Microsoft.Batch resource provider
Batch Accounts | batchAccounts/read | List or Get Batch Accounts | Lists Batch accounts or gets the properties of a Batch account
Batch Accounts | batchAccounts/write | Create or Update Batch Account | Creates a new Batch account or updates an existing Batch account
Batch Accounts | batchAccounts/delete | Delete Batch Account | Deletes a Batch account
Batch Accounts | batchAccounts/listkeys/action | List Batch Account Keys | Lists access keys for a Batch account
Batch Accounts | batchAccounts/regeneratekeys/action | Regenerate Batch Account Keys | Regenerates access keys for a Batch account
Batch Accounts | batchAccounts/syncAutoStorageKeys/action | Synchronize Auto Storage Account Keys | Synchronizes access keys for the auto storage account configured for a Batch account
Batch Quotas | locations/quotas/read | Get Batch Quotas | Gets Batch quotas of the specified subscription at the specified Azure region
Name Availability | locations/checkNameAvailability/action | Check Name Availability | Checks that the account name is valid and not in use.
Batch Resource Provider | batchAccounts/operationResults/read | Get Batch account operation results | Gets the results of a long running Batch account operation
Batch Resource Provider | register/action | Register the Batch Resource Provider | Registers the subscription for the Batch Resource Provider and enables the creation of Batch accounts
Applications | batchAccounts/applications/read | List or Get Applications | Lists applications or gets the properties of an application
Applications | batchAccounts/applications/write | Create or Update Application | Creates a new application or updates an existing application
Applications | batchAccounts/applications/delete | Delete Application | Deletes an application
Application Packages | batchAccounts/applications/versions/read | Get Application Package | Gets the properties of an application package
Application Packages | batchAccounts/applications/versions/write | Create or Update Application Package | Creates a new application package or updates an existing application package
Application Packages | batchAccounts/applications/versions/delete | Delete Application Package | Deletes an application package
Application Packages | batchAccounts/applications/versions/activate/action | Activate Application Package | Activates an application package
Pools | batchAccounts/pools/read | List or Get Pools | Lists pools on a Batch account or gets the properties of a pool
Pools | batchAccounts/pools/write | Create or Update Pool | Creates a new pool on a Batch account or updates an existing pool
Pools | batchAccounts/pools/delete | Delete Pool | Deletes a pool from a Batch account
Pools | batchAccounts/pools/stopResize/action | Stop Pool Resize | Stops an ongoing resize operation on a Batch account pool
Pools | batchAccounts/pools/disableAutoscale/action | Disable Pool AutoScale | Disables automatic scaling for a Batch account pool
"""  # noqa: E501  a table


_PLACES: Final = {
    "eastus": "East US",
    "eastus2": "East US 2",
    "westus2": "West US 2",
    "northcentralus": "North Central US",
    "northeurope": "North Europe",
    "westeurope": "West Europe",
    "southeastasia": "Southeast Asia",
}
"""The regions of the price list by the names that Resource Manager shows."""


class GroupWanted(Wire, kw_only=True):
    """A resource group to be."""

    location: str
    tags: dict[str, str] | None = None


class SubscriptionRoutes:
    """Serves them."""

    def __init__(self, directory: Directory, tenant: str) -> None:
        self._directory = directory
        self._tenant = tenant
        self.handlers: Handlers = {
            ("GET", "subscriptions"): self._subscriptions,
            ("GET", "subscription"): self._subscription,
            ("GET", "groups"): self._groups,
            ("GET", "group"): self._group,
            ("PUT", "group"): self._make_group,
            ("GET", "provider"): self._batch_provider,
            ("GET", "storage accounts"): self._storage_accounts,
            ("GET", "operations"): self._operations,
        }

    def _subscriptions(self, request: web.Request, parts: Parts) -> web.Response:
        found = self._directory.subscriptions()
        told = {"value": [self._subscription_body(one) for one in found], "count": _count(len(found))}
        return respond(told, content_type=CONTENT_TYPE)

    def _subscription(self, request: web.Request, parts: Parts) -> web.Response:
        self._directory.groups(parts["subscription"])
        return respond(self._subscription_body(parts["subscription"].lower()), content_type=CONTENT_TYPE)

    def _subscription_body(self, subscription: str) -> dict[str, Any]:
        names = sorted(facts.name for facts in self._directory.in_subscription(subscription))
        return {
            "id": f"/subscriptions/{subscription}",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": subscription,
            "tenantId": self._tenant,
            "displayName": f"Sandbox {names[0] if names else subscription[:8]}",
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }

    def _groups(self, request: web.Request, parts: Parts) -> web.Response:
        groups = self._directory.groups(parts["subscription"])
        told = [_group_body(parts["subscription"], group) for _, group in sorted(groups.items())]
        return respond({"value": told}, content_type=CONTENT_TYPE)

    def _group(self, request: web.Request, parts: Parts) -> web.Response:
        return respond(_group_body(parts["subscription"], self._directory.group(parts)), content_type=CONTENT_TYPE)

    async def _make_group(self, request: web.Request, parts: Parts) -> web.Response:
        groups = self._directory.groups(parts["subscription"])
        given, name = await read(request, GroupWanted), parts["group"]
        known = name.lower() in groups
        group = groups.setdefault(name.lower(), Group(name=name, location=self._directory.location(given.location)))
        group.tags = given.tags
        body = _group_body(parts["subscription"], group)
        return respond(body, status=200 if known else 201, content_type=CONTENT_TYPE)

    def _batch_provider(self, request: web.Request, parts: Parts) -> web.Response:
        """The Batch provider as a subscription has it: registered, and in which regions."""
        self._directory.groups(parts["subscription"])
        regions = [_PLACES[region] for region in REGIONS]
        types = ("batchAccounts", "batchAccounts/pools", "operations", "locations", "locations/quotas")
        told = {
            "id": f"/subscriptions/{parts['subscription']}/providers/{_PROVIDER}",
            "namespace": _PROVIDER,
            "resourceTypes": [
                {"resourceType": each, "locations": [] if each == "operations" else regions, "apiVersions": []}
                for each in types
            ],
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationRequired",
        }
        return respond(told, content_type=CONTENT_TYPE)

    def _storage_accounts(self, request: web.Request, parts: Parts) -> web.Response:
        """Those that accounts of the subscription have."""
        self._directory.groups(parts["subscription"])
        found = {
            facts.auto_storage_account_id: facts.location
            for facts in self._directory.in_subscription(parts["subscription"])
            if facts.auto_storage_account_id
        }
        told = [
            {
                "id": id_,
                "name": id_.rpartition("/")[2],
                "type": "Microsoft.Storage/storageAccounts",
                "location": location,
                "kind": "StorageV2",
                "sku": {"name": "Standard_LRS", "tier": "Standard"},
                "properties": {"provisioningState": "Succeeded"},
            }
            for id_, location in sorted(found.items())
        ]
        return respond({"value": told}, content_type=CONTENT_TYPE)

    def _operations(self, request: web.Request, parts: Parts) -> web.Response:
        return respond({"value": _operation_bodies()}, content_type=CONTENT_TYPE)


def _count(number: int) -> dict[str, Any]:
    return {"type": "Total", "value": number}


def _group_body(subscription: str, group: Group) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": f"/subscriptions/{subscription}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "properties": {"provisioningState": "Succeeded"},
    }
    if group.tags:
        body["tags"] = group.tags
    return body


def _operation_bodies() -> list[dict[str, Any]]:
    found = []
    for line in _OPERATIONS.strip().splitlines():
        resource, name, operation, description = line.lstrip("*").split(" | ")
        display = {
            "provider": "Microsoft Batch",
            "resource": resource,
            "operation": operation,
            "description": description,
        }
        body: dict[str, Any] = {"name": f"{_PROVIDER}/{name}", "display": display, "isDataAction": line[0] == "*"}
        found.append(body | ({} if line[0] == "*" else {"origin": "user,system"}))
    return found
