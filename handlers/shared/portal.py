"""Links into the Azure portal."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from bot.azure.account import Account
from cards.card import Link

Page = Literal["overview", "pools", "jobs", "jobSchedules", "applications", "certificates", "quotas"]
_PORTALS = {
    "public": "https://portal.azure.com",
    "usgov": "https://portal.azure.us",
    "china": "https://portal.azure.cn",
}


def portal(account: Account, page: Page = "overview") -> Link | None:
    """The account's page of the portal; None where Resource Manager is not the cloud's own, so that no portal is known.

    Pools, jobs and tasks have no address of their own there: the link opens the account's list of them.
    """
    settings = account.settings
    base = _PORTALS.get(settings.cloud)
    if base is None or settings.arm_endpoint:
        return None
    parts = (
        *("subscriptions", settings.subscription),
        *("resourceGroups", settings.resource_group),
        *("providers", "Microsoft.Batch"),
        *("batchAccounts", settings.batch_name),
        page,
    )
    return Link("Portal", f"{base}/#@/resource/{'/'.join(quote(part, safe='') for part in parts)}")
