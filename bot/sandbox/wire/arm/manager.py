"""The listener of Resource Manager; managed identities, published keys and the price list stand beside it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Final

from aiohttp import web

from bot.sandbox.world import World

from .. import prices
from ..auth import ArmAuthenticator
from ..errors import ArmRefusal
from ..faults import Fault, Faults
from ..listener import Exchange, Handler, Listener, respond
from ..tokens import LIFETIME, RESOURCES, Tokens
from ..versions import RESOURCE_MANAGER
from .accounts import AccountRoutes
from .applications import ApplicationWrites
from .body import CONTENT_TYPE, in_arm_words
from .certificates import CertificateWrites
from .costs import CostRoutes
from .directory import Directory
from .lists import ResourceRoutes
from .locations import LocationRoutes
from .metrics import MetricRoutes
from .network import NetworkRoutes
from .permissions import PermissionRoutes
from .pools import PoolWrites
from .routes import OTHER_PROVIDERS, Handlers, choose, match
from .subscriptions import SubscriptionRoutes

_REMAINING: Final = {"DELETE": "deletes", "GET": "reads", "PATCH": "writes", "POST": "writes", "PUT": "writes"}


class ResourceManager(Listener):
    """One endpoint for every subscription of the world.

    ``identity_endpoint`` and ``identity_header`` are what App Service would put into IDENTITY_ENDPOINT and
    IDENTITY_HEADER of a process with a managed identity. ``accounts_changed`` is awaited before every answer: whoever
    serves the accounts opens and closes their data planes there, as accounts come and go.
    """

    def __init__(
        self,
        world: World,
        tokens: Tokens,
        faults: Faults | None = None,
        *,
        accounts_changed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(world.clock, faults)
        self._world = world
        self._tokens = tokens
        self._authenticator = ArmAuthenticator(tokens)
        self._accounts_changed = accounts_changed
        directory = Directory(world)
        self.costs = CostRoutes(directory, tokens, self._address)
        self.permissions = PermissionRoutes(directory)
        self._handlers: Handlers = {
            **SubscriptionRoutes(directory, tokens.tenant).handlers,
            **AccountRoutes(directory, self._address).handlers,
            **LocationRoutes(directory, self._address).handlers,
            **NetworkRoutes(directory).handlers,
            **ResourceRoutes(directory, self._address).handlers,
            **ApplicationWrites(directory).handlers,
            **CertificateWrites(directory, self._address).handlers,
            **PoolWrites(directory, self._address).handlers,
            **MetricRoutes(directory).handlers,
            **self.costs.handlers,
            **self.permissions.handlers,
        }
        self._open: Mapping[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "/msi/token": self._token,
            "/discovery/keys": self._keys,
            "/.well-known/openid-configuration": self._openid,
            prices.PATH: lambda request: self.prices.answer(request, self.url),
        }
        self.prices = prices.RetailPrices(world.prices)
        self.identity_header = secrets.token_hex(16)
        self.app.router.add_route("*", "/{path:.*}", self._route)

    def _address(self) -> str:
        return self.url

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
        if response.status < 300 and (kind := _REMAINING.get(request.method)):
            scope, left = ("subscription-global", "16499") if kind == "reads" else ("subscription", "799")
            response.headers[f"x-ms-ratelimit-remaining-{scope}-{kind}"] = left
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
        name, parts = match(request.path)
        answer = choose(self._handlers, request.method, name)
        _check_version(request.query.get("api-version"), any_known=name in OTHER_PROVIDERS)
        self._world.settle()
        if self._accounts_changed is not None:
            await self._accounts_changed()
        with in_arm_words():
            answered = answer(request, parts)
            return await answered if isawaitable(answered) else answered

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


def _check_version(given: str | None, *, any_known: bool) -> None:
    if not given:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ArmRefusal(400, "MissingApiVersionParameter", message)
    if given not in RESOURCE_MANAGER and not any_known:
        raise ArmRefusal(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for API version '{given}' for type 'batchAccounts'. "
            f"The supported api-versions are '{', '.join(RESOURCE_MANAGER)}'.",
        )


def _no_token(status: int, message: str) -> web.Response:
    return respond({"statusCode": status, "message": message}, status=status, content_type=CONTENT_TYPE)
