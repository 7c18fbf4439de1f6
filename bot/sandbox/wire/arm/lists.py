"""Reads below a Batch account: lists with filter, select and pages, and single resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from aiohttp import web

from bot.sandbox.world import AccountState, LivePool
from bot.sandbox.world.applications import Application

from ..errors import ArmRefusal
from ..listener import http_date, respond
from ..odata import FilterError, Table, compile_filter, page_size
from ..versions import NEWEST, RESOURCE_MANAGER, strip
from .body import CONTENT_TYPE
from .directory import Directory, missing
from .resources import (
    CERTIFICATE_FILTER,
    POOL_FILTER,
    Provisioned,
    application_body,
    certificate_body,
    package_body,
    pool_body,
)
from .routes import Handlers, Parts

LONGEST: Final = 1000
CERTIFICATE_VERSIONS: Final = tuple(version for version in RESOURCE_MANAGER if version != NEWEST)
"""The api-versions that have certificates."""

T = TypeVar("T")


class ResourceRoutes:
    """Serves applications, packages, certificates and pools of every account."""

    def __init__(self, directory: Directory, address: Callable[[], str]) -> None:
        self._directory = directory
        self._address = address
        self.handlers: Handlers = {
            ("GET", "applications"): self._applications,
            ("GET", "application"): self._application,
            ("GET", "packages"): self._packages,
            ("GET", "package"): self._package,
            ("GET", "certificates"): self._certificates,
            ("GET", "certificate"): self._certificate,
            ("GET", "pools"): self._pools,
            ("GET", "pool"): self._pool,
        }

    # --- finding ------------------------------------------------------------------------------------------------------

    def _find_application(self, parts: Parts) -> tuple[AccountState, Application]:
        account = self._directory.account(parts)
        found = named(account.applications, unquote(parts["application"]))
        if found is None:
            raise missing("Application", "application")
        return account, found

    # --- applications -------------------------------------------------------------------------------------------------

    def _applications(self, request: web.Request, parts: Parts) -> web.Response:
        account = self._directory.account(parts)
        found = [one for _, one in sorted(account.applications.items())]
        return self._listed(request, found, lambda one: application_body(account, one))

    def _application(self, request: web.Request, parts: Parts) -> web.Response:
        account, application = self._find_application(parts)
        return one(application_body(account, application), http_date(application.modified))

    def _packages(self, request: web.Request, parts: Parts) -> web.Response:
        account, application = self._find_application(parts)
        found = [one for _, one in sorted(application.packages.items())]
        return self._listed(request, found, lambda one: package_body(account, application, one))

    def _package(self, request: web.Request, parts: Parts) -> web.Response:
        account, application = self._find_application(parts)
        package = named(application.packages, unquote(parts["version"]))
        if package is None:
            raise missing("ApplicationPackage", "application package")
        return one(package_body(account, application, package, address=True), http_date(package.modified))

    # --- certificates -------------------------------------------------------------------------------------------------

    def _certificates(self, request: web.Request, parts: Parts) -> web.Response:
        account = check_certified(self._directory.account(parts), request)
        found = [Provisioned(live) for _, live in sorted(account.certificates.items())]
        return self._listed(request, found, lambda one: certificate_body(account, one), CERTIFICATE_FILTER)

    def _certificate(self, request: web.Request, parts: Parts) -> web.Response:
        account = check_certified(self._directory.account(parts), request)
        for live in account.certificates.values():
            filed = Provisioned(live)
            if filed.name == parts["certificate"].upper():
                return one(certificate_body(account, filed), http_date(live.body.state_transition_time))
        raise missing("Certificate", "certificate")

    # --- pools --------------------------------------------------------------------------------------------------------

    def _pools(self, request: web.Request, parts: Parts) -> web.Response:
        account, version = self._directory.account(parts), request.query["api-version"]
        return self._listed(
            request, account.ordered_pools(), lambda pool: shown_pool(account, pool, version), POOL_FILTER
        )

    def _pool(self, request: web.Request, parts: Parts) -> web.Response:
        account = self._directory.account(parts)
        pool = named(account.pools, unquote(parts["pool"]))
        if pool is None:
            raise missing("Pool", "pool")
        return one(shown_pool(account, pool, request.query["api-version"]), http_date(pool.body.last_modified))

    # --- answers ------------------------------------------------------------------------------------------------------

    def _listed(
        self, request: web.Request, things: Sequence[T], body: Callable[[T], dict[str, Any]], table: Table | None = None
    ) -> web.Response:
        query = request.query
        try:
            if table is not None and "$filter" in query:
                things = compile_filter(query["$filter"], table)(things)
            size = page_size(query.get("maxresults"), most=LONGEST)
            start = int(query.get("$skiptoken", "0"))
        except (FilterError, ValueError) as error:
            message = "Value for one of the query parameters specified in the request URI is invalid."
            raise ArmRefusal(400, "InvalidQueryParameterValue", f"{message} {error}", target="BatchAccount") from None
        found = [body(thing) for thing in things[start : start + size]]
        if table is not None and "$select" in query:
            wanted = {name.strip().removeprefix("properties/") for name in query["$select"].split(",")}
            for one in found:
                one["properties"] = {name: value for name, value in one["properties"].items() if name in wanted}
        told: dict[str, Any] = {"value": found}
        if start + size < len(things):
            told["nextLink"] = f"{self._address()}{request.rel_url.update_query({'$skiptoken': start + size})}"
        return respond(told, content_type=CONTENT_TYPE)


def one(body: dict[str, Any], modified: str) -> web.Response:
    """A resource with its entity tag."""
    headers = {"ETag": body["etag"], "Last-Modified": modified}
    return respond(body, content_type=CONTENT_TYPE, headers=headers)


def shown_pool(account: AccountState, pool: LivePool, version: str) -> dict[str, Any]:
    """A pool as an api-version shows it at this moment."""
    shown: dict[str, Any] = strip(pool_body(account, account.pool_body(pool), pool.deallocation), version)
    return shown


def named(things: Mapping[str, T], name: str) -> T | None:
    """The one of that name, whatever its case."""
    return next((thing for known, thing in things.items() if known.lower() == name.lower()), None)


def check_certified(account: AccountState, request: web.Request) -> AccountState:
    """The account, where the api-version has certificates and they are served. Raises `ArmRefusal` (400)."""
    version = request.query["api-version"]
    if version not in CERTIFICATE_VERSIONS or not account.certificates_served:
        raise ArmRefusal(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location '{account.facts.location}' and API version "
            f"'{version}' for type 'batchAccounts/certificates'. The supported api-versions are "
            f"'{', '.join(CERTIFICATE_VERSIONS) if account.certificates_served else ''}'.",
        )
    return account
