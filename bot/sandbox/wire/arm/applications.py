"""Writes of applications and their packages: made, described, given a default version, activated, deleted."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote

from aiohttp import web

from bot.sandbox.entity_parts import Wire
from bot.sandbox.world import AccountState
from bot.sandbox.world.applications import Application, Package, application

from ..errors import ArmRefusal
from ..listener import http_date
from .body import invalid_body, read
from .directory import Directory, missing
from .lists import named, one
from .resources import application_body, package_body
from .routes import Handlers, Parts


class ApplicationProperties(Wire, kw_only=True):
    """What may be said of an application."""

    display_name: str | None = None
    allow_updates: bool | None = None
    default_version: str | None = None


class ApplicationWanted(Wire, kw_only=True):
    """An application that is made or changed."""

    properties: ApplicationProperties | None = None


class Activation(Wire, kw_only=True):
    """The format of the package that was uploaded."""

    format: str


class ApplicationWrites:
    """The writes of the applications of every account."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.handlers: Handlers = {
            ("PUT", "application"): self._make,
            ("PATCH", "application"): self._change,
            ("DELETE", "application"): self._delete,
            ("PUT", "package"): self._make_package,
            ("DELETE", "package"): self._delete_package,
            ("POST", "activation"): self._activate,
        }

    # --- applications -------------------------------------------------------------------------------------------------

    async def _make(self, request: web.Request, parts: Parts) -> web.Response:
        given, account = await read(request, ApplicationWanted), self._directory.account(parts)
        name, now = unquote(parts["application"]), account.world.time
        found = named(account.applications, name)
        if found is None:
            found = account.applications[name] = application(name, now)
        return self._described(account, found, given.properties, now)

    async def _change(self, request: web.Request, parts: Parts) -> web.Response:
        given, (account, found) = await read(request, ApplicationWanted), self._find(parts)
        return self._described(account, found, given.properties, account.world.time)

    @staticmethod
    def _described(
        account: AccountState, found: Application, given: ApplicationProperties | None, now: datetime
    ) -> web.Response:
        properties = given or ApplicationProperties()
        if (version := properties.default_version) is not None:
            if version and version not in found.packages:
                raise missing("ApplicationPackage", "application package")
            found.default_version = version or None
        if properties.display_name is not None:
            found.display_name = properties.display_name
        if properties.allow_updates is not None:
            found.allow_updates = properties.allow_updates
        found.modified = now
        return one(application_body(account, found), http_date(now))

    def _delete(self, request: web.Request, parts: Parts) -> web.Response:
        account = self._directory.account(parts)
        found = named(account.applications, unquote(parts["application"]))
        if found is None:
            return web.Response(status=204)
        if found.packages:
            message = "All application packages must be deleted before the application can be deleted."
            raise ArmRefusal(409, "ApplicationPackagesNotEmpty", message, target="BatchAccount")
        del account.applications[found.id]
        return web.Response()

    def _find(self, parts: Parts) -> tuple[AccountState, Application]:
        account = self._directory.account(parts)
        found = named(account.applications, unquote(parts["application"]))
        if found is None:
            raise missing("Application", "application")
        return account, found

    # --- packages -----------------------------------------------------------------------------------------------------

    def _make_package(self, request: web.Request, parts: Parts) -> web.Response:
        """A package to upload to, pending until it is activated; one that is there already may be uploaded again."""
        account, found = self._find(parts)
        version, now = unquote(parts["version"]), account.world.time
        package = named(found.packages, version)
        if package is None:
            package = found.packages[version] = Package(version=version, modified=now, uploaded=False)
        elif not found.allow_updates:
            # Nobody recorded this refusal; the code is ours.
            message = "The application does not allow packages to be updated."
            raise ArmRefusal(409, "ApplicationPackageUpdateNotAllowed", message, target="BatchAccount")
        package.modified = now
        return one(package_body(account, found, package, address=True), http_date(now))

    async def _activate(self, request: web.Request, parts: Parts) -> web.Response:
        given = await read(request, Activation)
        account, found = self._find(parts)
        package = named(found.packages, unquote(parts["version"]))
        if package is None:
            raise missing("ApplicationPackage", "application package")
        if given.format.lower() != "zip":
            raise invalid_body("The format of a package has to be zip")
        if not package.uploaded:
            message = "No blob could be found for the specified application package."
            raise ArmRefusal(409, "ApplicationPackageBlobNotFound", message, target="BatchAccount")
        package.activated = package.modified = account.world.time
        return one(package_body(account, found, package, address=True), http_date(package.modified))

    def _delete_package(self, request: web.Request, parts: Parts) -> web.Response:
        account = self._directory.account(parts)
        found = named(account.applications, unquote(parts["application"]))
        package = named(found.packages, unquote(parts["version"])) if found is not None else None
        if found is None or package is None:
            return web.Response(status=204)
        del found.packages[package.version]
        if found.default_version == package.version:
            found.default_version = None
        return web.Response()
