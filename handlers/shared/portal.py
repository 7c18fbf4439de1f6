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

    The portal documents addresses of resources of their own alone. Jobs, tasks, nodes and schedules are none, and what
    it would do with the id of a pool, an application or a certificate is told nowhere: the link opens the account's
    list of them.
    """
    return resource(account, f"{account.resource_id}/{page}", "Portal")


def resource(account: Account, resource_id: str, label: str) -> Link | None:
    """The portal's page of a resource such as a storage account, by its id in Resource Manager; None as above."""
    base = _PORTALS.get(account.settings.cloud)
    if base is None or account.settings.arm_endpoint or not resource_id:
        return None
    parts = resource_id.strip("/").split("/")
    return Link(label, f"{base}/#@/resource/{'/'.join(quote(part, safe='') for part in parts)}")
