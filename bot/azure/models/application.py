"""Applications and their packages: what the data plane offers to nodes, and what Resource Manager knows of it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import field

from bot.azure.models.base import Wire


class Application(Wire):
    """An application as nodes can use it: only versions whose packages are active."""

    KEY: ClassVar[str] = "id"

    id: str = ""
    display_name: str = ""
    versions: tuple[str, ...] = ()


class ApplicationProperties(Wire):
    """``default_version`` is what a reference without a version gets; ``allow_updates`` lets packages be replaced."""

    display_name: str = ""
    allow_updates: bool | None = None
    default_version: str = ""


class ApplicationResource(Wire):
    """An application as Resource Manager reports it; ``name`` is its id."""

    KEY: ClassVar[str] = "name"

    id: str = ""
    name: str = ""
    type: str = ""
    etag: str = field(name="etag", default="")
    tags: dict[str, str] | None = None
    properties: ApplicationProperties = field(default_factory=ApplicationProperties)


class PackageProperties(Wire):
    """``state`` pending (uploaded, not activated) or active. The signed storage address has no field."""

    state: str = ""
    format: str = ""
    last_activation_time: datetime | None = None
    storage_url_expiry: datetime | None = None


class PackageResource(Wire):
    """One version of an application; ``name`` is the version."""

    KEY: ClassVar[str] = "name"

    id: str = ""
    name: str = ""
    type: str = ""
    etag: str = field(name="etag", default="")
    tags: dict[str, str] | None = None
    properties: PackageProperties = field(default_factory=PackageProperties)
