"""Azure Resource Manager for all accounts of the world; managed identities and the price list beside it."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from bot.sandbox.entities import Account
from bot.sandbox.world import SIZES, VmSize, World
from bot.sandbox.world.bodies import etag

from . import prices
from .arm_lists import ResourceRoutes
from .auth import ArmAuthenticator
from .errors import ArmRefusal
from .faults import Fault, Faults
from .listener import Exchange, Handler, Listener, http_date, respond
from .odata import EQUALITY, Column, FilterError, Kind, compile_filter, page_size
from .tokens import LIFETIME, RESOURCES, Tokens

CONTENT_TYPE: Final = "application/json; charset=utf-8"

VERSIONS: Final = ("2024-02-01", "2024-07-01", "2025-06-01")
"""The api-versions answered."""

ACCOUNT_QUOTA: Final = 3
"""Batch accounts a subscription may have in one region."""

SKUS_PER_PAGE: Final = 50

_PROVIDER = "/providers/Microsoft.Batch"
_ACCOUNT = (
    rf"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+){_PROVIDER}"
    r"/batchAccounts/(?P<account>[^/]+)"
)
_ROUTES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (rf"/subscriptions/(?P<subscription>[^/]+){_PROVIDER}/batchAccounts", "accounts"),
        (
            rf"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+){_PROVIDER}/batchAccounts",
            "accounts",
        ),
        (_ACCOUNT, "account"),
        (rf"{_ACCOUNT}/applications", "applications"),
        (rf"{_ACCOUNT}/applications/(?P<application>[^/]+)", "application"),
        (rf"{_ACCOUNT}/applications/(?P<application>[^/]+)/versions", "packages"),
        (rf"{_ACCOUNT}/applications/(?P<application>[^/]+)/versions/(?P<version>[^/]+)", "package"),
        (rf"{_ACCOUNT}/certificates", "certificates"),
        (rf"{_ACCOUNT}/certificates/(?P<certificate>[^/]+)", "certificate"),
        (rf"{_ACCOUNT}/pools", "pools"),
        (rf"{_ACCOUNT}/pools/(?P<pool>[^/]+)", "pool"),
        (rf"/subscriptions/(?P<subscription>[^/]+){_PROVIDER}/locations/(?P<location>[^/]+)/quotas", "quotas"),
        (
            rf"/subscriptions/(?P<subscription>[^/]+){_PROVIDER}/locations/(?P<location>[^/]+)/checkNameAvailability",
            "name",
        ),
        (
            rf"/subscriptions/(?P<subscription>[^/]+){_PROVIDER}/locations/(?P<location>[^/]+)/virtualMachineSkus",
            "skus",
        ),
    )
)
_SKU_TABLE: Final = {"familyName": Column(("family",), EQUALITY, Kind.TEXT)}


class _Wanted(msgspec.Struct):
    """A name that somebody would like for an account."""

    name: str
    type: str


class ResourceManager(Listener):
    """One endpoint for every subscription of the world.

    ``identity_endpoint`` and ``identity_header`` are what App Service would put into IDENTITY_ENDPOINT and
    IDENTITY_HEADER of a process with a managed identity.
    """

    def __init__(self, world: World, tokens: Tokens, faults: Faults | None = None) -> None:
        super().__init__(world.clock, faults)
        self._world = world
        self._tokens = tokens
        self._authenticator = ArmAuthenticator(tokens)
        self._born = world.clock.now()
        self._handlers: Mapping[str, Callable[[web.Request, Mapping[str, str]], web.Response]] = {
            "accounts": self._accounts,
            "account": self._account,
            **ResourceRoutes(world, self._in_group, lambda: self.url).handlers,
            "quotas": self._quotas,
            "skus": self._skus,
        }
        self._open: Mapping[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "/msi/token": self._token,
            "/discovery/keys": self._keys,
            "/.well-known/openid-configuration": self._openid,
            prices.PATH: lambda request: self.prices.answer(request, self.url),
        }
        self.prices = prices.RetailPrices()
        self.identity_header = secrets.token_hex(16)
        self.app.router.add_route("*", "/{path:.*}", self._route)

    @property
    def identity_endpoint(self) -> str:
        """Where managed identity tokens are given out."""
        return f"{self.url}/msi/token"

    @property
    def prices_url(self) -> str:
        """Where the public price list is, which is not Resource Manager's but stands here as well."""
        return f"{self.url}{prices.PATH}"

    async def serve(self, request: web.Request, handler: Handler, exchange: Exchange) -> web.Response:
        """Let in, understand, answer."""
        try:
            response = await handler(request)
            assert isinstance(response, web.Response)  # noqa: S101  no handler here streams
        except ArmRefusal as refusal:
            response = self._refused(refusal, exchange)
        response.headers["request-id"] = exchange.id
        response.headers["x-ms-request-id"] = exchange.id
        response.headers["x-ms-correlation-request-id"] = exchange.id
        if response.status == 200:
            response.headers["x-ms-ratelimit-remaining-subscription-global-reads"] = "16499"
        return response

    def refuse(self, fault: Fault, exchange: Exchange) -> web.Response:
        """A refusal nobody earned; Resource Manager's own throttling tells the wait in words, not in a header."""
        if fault.kind == "throttle":
            wait = f" Please try again after '{fault.retry_after or 5:g}' seconds."
            code, status = fault.code or "SubscriptionRequestsThrottled", fault.status or 429
            text = f"Number of requests for subscription exceeded the backend storage limit.{wait}"
        else:
            code, status = fault.code or "InternalServerError", fault.status or 500
            text = "The server encountered an internal error. Please retry the request."
        return self._refused(ArmRefusal(status, code, text), exchange)

    async def _route(self, request: web.Request) -> web.Response:
        if (handler := self._open.get(request.path)) is not None:
            return await handler(request)
        self._authenticator.admit({name.lower(): value for name, value in request.headers.items()})
        name, parts = _match(request.path)
        if name == "name" and request.method == "POST":
            _check_version(request.query.get("api-version"))
            return await self._name(request, parts)
        if request.method != "GET" or name == "name":
            message = f"The requested resource does not support http method '{request.method}'."
            raise ArmRefusal(405, "MethodNotAllowed", message, headers={"Allow": "POST" if name == "name" else "GET"})
        _check_version(request.query.get("api-version"))
        self._check_subscription(parts["subscription"])
        self._world.settle()
        return self._handlers[name](request, parts)

    # --- accounts -----------------------------------------------------------------------------------------------------

    def _facts(self, subscription: str) -> list[Account]:
        every = (account.facts for account in self._world.accounts.values())
        return [facts for facts in every if facts.subscription.lower() == subscription.lower()]

    def _in_group(self, parts: Mapping[str, str]) -> list[Account]:
        group = parts["group"]
        found = [f for f in self._facts(parts["subscription"]) if f.resource_group.lower() == group.lower()]
        if not found:
            raise ArmRefusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        return found

    def _accounts(self, request: web.Request, parts: Mapping[str, str]) -> web.Response:
        found = self._in_group(parts) if "group" in parts else self._facts(parts["subscription"])
        return respond({"value": [account_body(facts) for facts in found]}, content_type=CONTENT_TYPE)

    def _account(self, request: web.Request, parts: Mapping[str, str]) -> web.Response:
        name = parts["account"].lower()
        for facts in self._in_group(parts):
            if facts.name.lower() == name:
                headers = {"ETag": f'"{etag(self._born)}"', "Last-Modified": http_date(self._born)}
                return respond(account_body(facts), content_type=CONTENT_TYPE, headers=headers)
        raise ArmRefusal(404, "AccountNotFound", "The specified account does not exist.", target="BatchAccount")

    def _check_subscription(self, given: str) -> None:
        try:
            uuid.UUID(given)
        except ValueError:
            message = f"The provided subscription identifier '{given}' is malformed or invalid."
            raise ArmRefusal(400, "InvalidSubscriptionId", message) from None
        if not self._facts(given):
            raise ArmRefusal(404, "SubscriptionNotFound", f"The subscription '{given}' could not be found.")

    # --- locations ----------------------------------------------------------------------------------------------------

    def _check_location(self, parts: Mapping[str, str]) -> None:
        given = parts["location"]
        if given.replace(" ", "").lower() not in {f.location.lower() for f in self._facts(parts["subscription"])}:
            raise ArmRefusal(
                404,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for location '{given}' for type 'locations'.",
            )

    def _quotas(self, request: web.Request, parts: Mapping[str, str]) -> web.Response:
        self._check_location(parts)
        return respond({"accountQuota": ACCOUNT_QUOTA}, content_type=CONTENT_TYPE)

    async def _name(self, request: web.Request, parts: Mapping[str, str]) -> web.Response:
        """Whether a new account may have a name: those of all subscriptions count."""
        self._check_subscription(parts["subscription"])
        self._check_location(parts)
        try:
            wanted = msgspec.json.decode(await request.read(), type=_Wanted)
        except msgspec.MsgspecError as error:
            raise ArmRefusal(400, "InvalidRequestContent", f"The request content was invalid: {error}") from None
        told: dict[str, Any] = {"nameAvailable": False}
        if not 3 <= len(wanted.name) <= 24:
            message = "Account name must be at least 3 characters and at most 24 characters."
            told |= {"reason": "Invalid", "message": message}
        elif not re.fullmatch(r"[a-z0-9]+", wanted.name):
            message = "Account name can only contain lowercase letters and numbers."
            told |= {"reason": "Invalid", "message": message}
        elif wanted.name in self._world.accounts:
            told |= {"reason": "AlreadyExists", "message": f"An account named '{wanted.name}' is already in use."}
        else:
            told = {"nameAvailable": True}
        return respond(told, content_type=CONTENT_TYPE)

    def _skus(self, request: web.Request, parts: Mapping[str, str]) -> web.Response:
        self._check_location(parts)
        query = request.query
        sizes = list(SIZES.values())
        try:
            if "$filter" in query:
                sizes = compile_filter(query["$filter"], _SKU_TABLE)(sizes)
            size = page_size(query.get("maxresults"), most=SKUS_PER_PAGE)
            start = int(query.get("$skiptoken", "0"))
        except (FilterError, ValueError) as error:
            message = "Value for one of the query parameters specified in the request URI is invalid."
            raise ArmRefusal(400, "InvalidQueryParameterValue", f"{message} {error}", target="BatchAccount") from None
        body: dict[str, Any] = {"value": [sku_body(one) for one in sizes[start : start + size]]}
        if start + size < len(sizes):
            body["nextLink"] = f"{self.url}{request.rel_url.update_query({'$skiptoken': start + size})}"
        return respond(body, content_type=CONTENT_TYPE)

    # --- tokens -------------------------------------------------------------------------------------------------------

    async def _token(self, request: web.Request) -> web.Response:
        """The App Service protocol, 2019-08-01."""
        query = request.query
        if not secrets.compare_digest(request.headers.get("X-IDENTITY-HEADER", "").encode(), self._header_bytes()):
            return _no_token(401, "The identity header is missing or wrong.")
        if query.get("api-version") != "2019-08-01":
            return _no_token(400, "The api-version is not supported.")
        if query.get("client_id", self._tokens.client_id) != self._tokens.client_id:
            return _no_token(400, "No User Assigned or Delegated Managed Identity found for specified ClientId.")
        resource = query.get("resource", "")
        if resource.rstrip("/") not in {known.rstrip("/") for known in RESOURCES}:
            tenant = self._tokens.tenant
            message = f"AADSTS500011: The resource principal named {resource} was not found in the tenant {tenant}."
            return _no_token(400, message)
        answer = {
            "access_token": self._tokens.issue(resource),
            "client_id": self._tokens.client_id,
            "expires_on": str(int(time.time()) + LIFETIME),
            "resource": resource,
            "token_type": "Bearer",
        }
        return respond(answer, content_type=CONTENT_TYPE)

    def _header_bytes(self) -> bytes:
        return self.identity_header.encode()

    async def _keys(self, request: web.Request) -> web.Response:
        return respond(self._tokens.jwks(), content_type=CONTENT_TYPE)

    async def _openid(self, request: web.Request) -> web.Response:
        return respond(self._tokens.openid_configuration(f"{self.url}/discovery/keys"), content_type=CONTENT_TYPE)

    def _refused(self, refusal: ArmRefusal, exchange: Exchange) -> web.Response:
        body = refusal.body(exchange.id, exchange.at)
        return respond(body, status=refusal.status, content_type=CONTENT_TYPE, headers=refusal.headers)


def account_body(facts: Account) -> dict[str, Any]:
    """A Batch account as Resource Manager shows it."""
    own_machines = facts.pool_allocation_mode == "UserSubscription"
    group = f"/subscriptions/{facts.subscription}/resourceGroups/{facts.resource_group}"
    host = facts.endpoint.partition("://")[2] or facts.endpoint
    node_management = uuid.uuid5(uuid.NAMESPACE_DNS, f"{facts.name}.{facts.location}")
    properties: dict[str, Any] = {
        "accountEndpoint": host,
        "nodeManagementEndpoint": f"{node_management}.{facts.location}.service.batch.azure.com",
        "provisioningState": "Succeeded",
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
            "lastKeySync": _LONG_AGO,
            "authenticationMode": "StorageKeys",
        }
    if own_machines:
        vault = f"kv{facts.name}"[:24]
        properties["keyVaultReference"] = {
            "id": f"{group}/providers/Microsoft.KeyVault/vaults/{vault}",
            "url": f"https://{vault}.vault.azure.net/",
        }
    properties |= {
        "publicNetworkAccess": facts.public_network_access,
        "privateEndpointConnections": [],
        "encryption": {"keySource": "Microsoft.Batch"},
        "allowedAuthenticationModes": ["AAD", "TaskAuthenticationToken"]
        if own_machines
        else ["SharedKey", "AAD", "TaskAuthenticationToken"],
    }
    body: dict[str, Any] = {
        "id": f"{group}/providers/Microsoft.Batch/batchAccounts/{facts.name}",
        "name": facts.name,
        "type": "Microsoft.Batch/batchAccounts",
        "location": facts.location,
        "properties": properties,
        "identity": facts.identity or {"type": "None"},
    }
    if facts.tags:
        body["tags"] = facts.tags
    return body


def sku_body(size: VmSize) -> dict[str, Any]:
    """A VM size with its capabilities, all of them text."""
    capabilities = {
        "vCPUs": str(size.vcpus),
        "MemoryGB": f"{size.memory_gb:g}",
        "LowPriorityCapable": str(size.low_priority_capable),
        "HyperVGenerations": "V1,V2",
        "vCPUsAvailable": str(size.vcpus),
        "EphemeralOSDiskSupported": "True",
    }
    if size.gpus:
        capabilities["GPUs"] = str(size.gpus)
    return {
        "name": size.name,
        "familyName": size.family,
        "capabilities": [{"name": name, "value": value} for name, value in capabilities.items()],
    }


_LONG_AGO: Final = datetime.fromisoformat("2026-01-05T08:00:00Z")


def _match(path: str) -> tuple[str, Mapping[str, str]]:
    """The handler's name and the parts of the path; Resource Manager does not mind the case of either."""
    for pattern, name in _ROUTES:
        if match := pattern.fullmatch(path.rstrip("/")):
            return name, match.groupdict()
    raise ArmRefusal(404, "InvalidResourceType", "The resource type could not be found in the namespace.")


def _check_version(given: str | None) -> None:
    if not given:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ArmRefusal(400, "MissingApiVersionParameter", message)
    if given not in VERSIONS:
        raise ArmRefusal(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for API version '{given}' for type 'batchAccounts'. "
            f"The supported api-versions are '{', '.join(VERSIONS)}'.",
        )


def _no_token(status: int, message: str) -> web.Response:
    return respond({"statusCode": status, "message": message}, status=status, content_type=CONTENT_TYPE)
