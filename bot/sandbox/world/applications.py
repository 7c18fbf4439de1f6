"""The applications of an account and their packages, which nodes are given before they work."""

from __future__ import annotations

import hashlib
from datetime import datetime

from msgspec import Struct

from bot.sandbox.entity_inventory import ApplicationSummary


class Package(Struct, kw_only=True):
    """One version of an application; it is `active` once it was `uploaded` and activated, until then pending."""

    version: str
    modified: datetime
    activated: datetime | None = None
    format: str = "zip"
    uploaded: bool = True

    @property
    def active(self) -> bool:
        """Whether nodes may be given it."""
        return self.activated is not None


class Application(Struct, kw_only=True):
    """An application; `packages` by version."""

    id: str
    modified: datetime
    display_name: str | None = None
    allow_updates: bool = True
    default_version: str | None = None
    packages: dict[str, Package]

    @property
    def summary(self) -> ApplicationSummary | None:
        """What the data plane tells: only what nodes may be given; None where that is nothing."""
        versions = sorted(package.version for package in self.packages.values() if package.active)
        return ApplicationSummary(id=self.id, display_name=self.display_name, versions=versions) if versions else None

    @property
    def container(self) -> str:
        """The blob container its packages lie in."""
        return f"app-{self.id.lower()}-{hashlib.md5(self.id.encode(), usedforsecurity=False).hexdigest()}"


def application(
    app_id: str,
    made: datetime,
    *packages: Package,
    display_name: str | None = None,
    default: str | None = None,
    allow_updates: bool = True,
) -> Application:
    """An application with these packages."""
    return Application(
        id=app_id,
        modified=made,
        display_name=display_name,
        allow_updates=allow_updates,
        default_version=default,
        packages={package.version: package for package in packages},
    )
