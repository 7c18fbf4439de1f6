"""What a subscription has and allows beside its accounts: resource groups, regions, quotas, storage accounts.

It is read with the identity that reads an account of the subscription.
"""

from __future__ import annotations

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models.resource import (
    BatchAccountResource,
    LocationQuota,
    Provider,
    ResourceGroup,
    StorageAccount,
)
from bot.azure.paths import encoded
from bot.azure.versions import RESOURCES_VERSION, STORAGE_VERSION

_BATCH = "/providers/Microsoft.Batch"


async def resource_groups(account: Account) -> list[ResourceGroup]:
    """The resource groups of the account's subscription, by name."""
    found = await account.every_in_subscription(ResourceGroup, "/resourcegroups", version=RESOURCES_VERSION)
    return sorted(found, key=lambda group: group.name.lower())


async def regions(account: Account) -> list[str]:
    """The regions where Batch accounts can be, by their short names."""
    provider = await account.in_subscription(Provider, _BATCH, version=RESOURCES_VERSION)
    places = next((each.locations for each in provider.resource_types if each.resource_type == "batchAccounts"), ())
    return sorted({short(place) for place in places})


async def storage_accounts(account: Account) -> list[StorageAccount]:
    """The storage accounts of the subscription; none where the identity may not see them."""
    path = "/providers/Microsoft.Storage/storageAccounts"
    try:
        found = await account.every_in_subscription(StorageAccount, path, version=STORAGE_VERSION)
    except AzureError as error:
        if error.passing:
            raise
        return []
    return sorted(found, key=lambda each: each.name)


async def accounts_in(account: Account, region: str) -> tuple[int, int]:
    """How many Batch accounts the subscription has in a region, and how many it may have."""
    found = await account.every_in_subscription(BatchAccountResource, f"{_BATCH}/batchAccounts")
    quota = await account.in_subscription(LocationQuota, f"{_BATCH}/locations/{encoded(region)}/quotas")
    return sum(short(each.location) == short(region) for each in found), quota.account_quota


async def batch_account(account: Account, group: str, name: str) -> BatchAccountResource | None:
    """A Batch account of the subscription; None where there is none of that name in the group."""
    path = f"/resourceGroups/{encoded(group)}{_BATCH}/batchAccounts/{encoded(name)}"
    try:
        return await account.in_subscription(BatchAccountResource, path)
    except AzureError as error:
        if error.not_found:
            return None
        raise


def short(region: str) -> str:
    """``West Europe`` as ``westeurope``."""
    return region.replace(" ", "").lower()
