"""How an account is reached, and what its nodes have to reach: private links and outbound endpoints."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from bot.sandbox.entities import Account

from ..listener import respond
from .account_body import account_id, node_management
from .body import CONTENT_TYPE
from .directory import Directory, missing
from .routes import Handlers, Parts

LINKS: Final = ("batchAccount", "nodeManagement")
"""The sub-resources that a private endpoint may lead to."""

_CLASSIC: Final = "Applicable to Azure Batch pools using Classic communication mode."


class NetworkRoutes:
    """Serves them, and the detectors of trouble. No account of the sandbox has a private endpoint."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.handlers: Handlers = {
            ("GET", "outbound"): self._outbound,
            ("GET", "detectors"): self._detectors,
            ("GET", "private links"): self._links,
            ("GET", "private link"): self._link,
            ("GET", "private endpoints"): self._endpoints,
            ("GET", "private endpoint"): self._endpoint,
        }

    def _outbound(self, request: web.Request, parts: Parts) -> web.Response:
        told = outbound(self._directory.account(parts).facts)
        return respond({"value": told}, content_type=CONTENT_TYPE)

    def _detectors(self, request: web.Request, parts: Parts) -> web.Response:
        """None has found anything."""
        self._directory.account(parts)
        return respond({"value": []}, content_type=CONTENT_TYPE)

    def _links(self, request: web.Request, parts: Parts) -> web.Response:
        facts = self._directory.account(parts).facts
        return respond({"value": [_link(facts, name) for name in LINKS]}, content_type=CONTENT_TYPE)

    def _link(self, request: web.Request, parts: Parts) -> web.Response:
        facts = self._directory.account(parts).facts
        for name in LINKS:
            if name.lower() == parts["link"].lower():
                return respond(_link(facts, name), content_type=CONTENT_TYPE)
        raise missing("PrivateLinkResource", "private link resource")

    def _endpoints(self, request: web.Request, parts: Parts) -> web.Response:
        self._directory.account(parts)
        return respond({"value": []}, content_type=CONTENT_TYPE)

    def _endpoint(self, request: web.Request, parts: Parts) -> web.Response:
        self._directory.account(parts)
        raise missing("PrivateEndpointConnection", "private endpoint connection")


def _link(facts: Account, name: str) -> dict[str, Any]:
    return {
        "id": f"{account_id(facts)}/privateLinkResources/{name}",
        "name": name,
        "type": "Microsoft.Batch/batchAccounts/privateLinkResources",
        "properties": {
            "groupId": name,
            "requiredMembers": [name],
            "requiredZoneNames": ["privatelink.batch.azure.com"],
        },
    }


def outbound(facts: Account) -> list[dict[str, Any]]:
    """What nodes of the account have to reach, by category (recorded)."""
    storage = [("*.blob.core.windows.net", _CLASSIC), ("*.table.core.windows.net", _CLASSIC)]
    storage.append(("*.queue.core.windows.net", _CLASSIC))
    if facts.auto_storage_account_id:
        host = f"{facts.auto_storage_account_id.rpartition('/')[2]}.blob.core.windows.net"
        words = "AutoStorage endpoint for this Batch account. Applicable to all Azure Batch pools under this account."
        storage.insert(0, (host, words))
    categories = {
        "Azure Batch": [
            (
                facts.endpoint.partition("://")[2] or facts.endpoint,
                "Applicable to job manager tasks, tasks that use job scoped authentication, or any task that makes "
                "calls to Batch.",
            ),
            (node_management(facts), "Applicable to Azure Batch pools using Simplified communication mode."),
        ],
        "Azure Storage": storage,
        "Microsoft Package Repository": [
            ("packages.microsoft.com", "Only applicable to pools containing a Mount Configuration."),
        ],
        "Azure Key Vault": [
            (
                "*.vault.azure.net",
                "Only applicable to pools that have a Disk Encryption Configuration containing Temporary Disk as an "
                "encryption target and which use a VM size that does not support encryption at host.",
            ),
        ],
    }
    return [
        {
            "category": category,
            "endpoints": [
                {"domainName": host, "description": words, "endpointDetails": [{"port": 443}]}
                for host, words in endpoints
            ],
        }
        for category, endpoints in categories.items()
    ]
