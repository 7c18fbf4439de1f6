"""Which path means what: the paths of Resource Manager, by name. It does not mind the case of any of them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from ..errors import ArmRefusal

Parts = Mapping[str, str]
"""What the variable steps of a path are: subscription, group, account, …"""

Handler = Callable[[web.Request, Parts], web.Response | Awaitable[web.Response]]

Handlers = Mapping[tuple[str, str], Handler]
"""Method and name of a path -> what answers it."""

_PROVIDER = "/providers/Microsoft.Batch"
_SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
_GROUP = rf"{_SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+)"
_LOCATION = rf"{_SUBSCRIPTION}{_PROVIDER}/locations/(?P<location>[^/]+)"
_ACCOUNT = rf"{_GROUP}{_PROVIDER}/batchAccounts/(?P<account>[^/]+)"
_BELOW = rf"(/resourceGroups/(?P<group>[^/]+)({_PROVIDER}/batchAccounts/(?P<account>[^/]+))?)?"
_APPLICATION = rf"{_ACCOUNT}/applications/(?P<application>[^/]+)"
_PACKAGE = rf"{_APPLICATION}/versions/(?P<version>[^/]+)"
_CERTIFICATE = rf"{_ACCOUNT}/certificates/(?P<certificate>[^/]+)"
_POOL = rf"{_ACCOUNT}/pools/(?P<pool>[^/]+)"

_ROUTES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        ("/subscriptions", "subscriptions"),
        (_SUBSCRIPTION, "subscription"),
        (rf"{_SUBSCRIPTION}/resourceGroups", "groups"),
        (_GROUP, "group"),
        (rf"{_SUBSCRIPTION}/providers/Microsoft\.Batch", "provider"),
        (rf"{_SUBSCRIPTION}/providers/Microsoft\.Storage/storageAccounts", "storage accounts"),
        (rf"{_PROVIDER}/operations", "operations"),
        (rf"{_SUBSCRIPTION}{_PROVIDER}/batchAccounts", "accounts"),
        (rf"{_GROUP}{_PROVIDER}/batchAccounts", "accounts"),
        (_ACCOUNT, "account"),
        (rf"{_ACCOUNT}/operationResults/(?P<operation>[^/]+)", "creation"),
        (rf"{_LOCATION}/accountOperationResults/(?P<operation>[^/]+)", "deletion"),
        (rf"{_ACCOUNT}/listKeys", "keys"),
        (rf"{_ACCOUNT}/regenerateKeys", "new key"),
        (rf"{_ACCOUNT}/syncAutoStorageKeys", "storage keys"),
        (rf"{_ACCOUNT}/outboundNetworkDependenciesEndpoints", "outbound"),
        (rf"{_ACCOUNT}/detectors", "detectors"),
        (rf"{_ACCOUNT}/privateLinkResources", "private links"),
        (rf"{_ACCOUNT}/privateLinkResources/(?P<link>[^/]+)", "private link"),
        (rf"{_ACCOUNT}/privateEndpointConnections", "private endpoints"),
        (rf"{_ACCOUNT}/privateEndpointConnections/(?P<endpoint>[^/]+)", "private endpoint"),
        (rf"{_ACCOUNT}/applications", "applications"),
        (_APPLICATION, "application"),
        (rf"{_APPLICATION}/versions", "packages"),
        (_PACKAGE, "package"),
        (rf"{_PACKAGE}/activate", "activation"),
        (rf"{_ACCOUNT}/certificates", "certificates"),
        (_CERTIFICATE, "certificate"),
        (rf"{_CERTIFICATE}/cancelDelete", "certificate kept"),
        (rf"{_ACCOUNT}/certificateOperationResults/(?P<operation>[^/]+)", "certificate deletion"),
        (rf"{_ACCOUNT}/pools", "pools"),
        (_POOL, "pool"),
        (rf"{_POOL}/disableAutoScale", "pool unscaled"),
        (rf"{_POOL}/stopResize", "pool stopped"),
        (rf"{_ACCOUNT}/poolOperationResults/(?P<operation>[^/]+)", "pool deletion"),
        (rf"{_ACCOUNT}/providers/Microsoft\.Insights/metrics", "metrics"),
        (rf"{_ACCOUNT}/providers/Microsoft\.Insights/metricDefinitions", "metric definitions"),
        (r"(?P<scope>.*)/providers/Microsoft\.CostManagement/query", "cost query"),
        (rf"(?P<scope>{_SUBSCRIPTION}{_BELOW})/providers/Microsoft\.Authorization/permissions", "permissions"),
        (rf"{_LOCATION}/quotas", "quotas"),
        (rf"{_LOCATION}/checkNameAvailability", "name"),
        (rf"{_LOCATION}/virtualMachineSkus", "skus"),
        (rf"{_LOCATION}/cloudServiceSkus", "cloud service skus"),
    )
)

OTHER_PROVIDERS: Final = frozenset(
    {
        *("subscriptions", "subscription", "groups", "group", "provider", "storage accounts"),
        *("metrics", "metric definitions", "cost query", "permissions"),
    }
)
"""Names of paths that are not the Batch provider's and have api-versions of their own."""


def match(path: str) -> tuple[str, Parts]:
    """The name and the variable steps of a path. Raises `ArmRefusal` (404)."""
    for pattern, name in _ROUTES:
        if found := pattern.fullmatch(path.rstrip("/")):
            return name, found.groupdict()
    raise ArmRefusal(404, "InvalidResourceType", "The resource type could not be found in the namespace.")


def choose(handlers: Handlers, method: str, name: str) -> Handler:
    """What answers a method on a path. Raises `ArmRefusal` (405)."""
    if (handler := handlers.get((method, name))) is not None:
        return handler
    allowed = ", ".join(sorted(known for known, other in handlers if other == name))
    message = f"The requested resource does not support http method '{method}'."
    raise ArmRefusal(405, "MethodNotAllowed", message, headers={"Allow": allowed})
