"""What a region offers: quotas, names for accounts, sizes of machines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from bot.sandbox.world import SIZES, VmSize

from ..errors import ArmRefusal
from ..listener import respond
from ..odata import EQUALITY, Column, FilterError, Kind, compile_filter, page_size
from .body import CONTENT_TYPE, read
from .directory import Directory
from .routes import Handlers, Parts

ACCOUNT_QUOTA: Final = 3
"""Batch accounts a subscription may have in one region."""

SKUS_PER_PAGE: Final = 50

_SKU_TABLE: Final = {"familyName": Column(("family",), EQUALITY, Kind.TEXT)}


class _Wanted(Struct):
    """A name that somebody would like for an account."""

    name: str
    type: str


class LocationRoutes:
    """Serves the regions."""

    def __init__(self, directory: Directory, address: Callable[[], str]) -> None:
        self._directory = directory
        self._address = address
        self.handlers: Handlers = {
            ("GET", "quotas"): self._quotas,
            ("POST", "name"): self._name,
            ("GET", "skus"): self._skus,
            ("GET", "cloud service skus"): self._cloud_service_skus,
        }

    def _quotas(self, request: web.Request, parts: Parts) -> web.Response:
        self._directory.location(parts["location"])
        return respond({"accountQuota": ACCOUNT_QUOTA}, content_type=CONTENT_TYPE)

    def _cloud_service_skus(self, request: web.Request, parts: Parts) -> web.Response:
        """Cloud services are retired: no size is left."""
        self._directory.location(parts["location"])
        return respond({"value": []}, content_type=CONTENT_TYPE)

    async def _name(self, request: web.Request, parts: Parts) -> web.Response:
        """Whether a new account may have a name: those of all subscriptions count."""
        self._directory.location(parts["location"])
        wanted = await read(request, _Wanted)
        told: dict[str, Any] = {"nameAvailable": True}
        if (wrong := wrong_with_name(wanted.name)) is not None:
            told = {"nameAvailable": False, "reason": "Invalid", "message": wrong}
        elif wanted.name in self._directory.world.accounts or wanted.name in self._directory.coming:
            taken = f"An account named '{wanted.name}' is already in use."
            told = {"nameAvailable": False, "reason": "AlreadyExists", "message": taken}
        return respond(told, content_type=CONTENT_TYPE)

    def _skus(self, request: web.Request, parts: Parts) -> web.Response:
        self._directory.location(parts["location"])
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
            body["nextLink"] = f"{self._address()}{request.rel_url.update_query({'$skiptoken': start + size})}"
        return respond(body, content_type=CONTENT_TYPE)


def wrong_with_name(name: str) -> str | None:
    """Why no account may have that name; None where one may."""
    if not 3 <= len(name) <= 24:
        return "Account name must be at least 3 characters and at most 24 characters."
    if not re.fullmatch(r"[a-z0-9]+", name):
        return "Account name can only contain lowercase letters and numbers."
    return None


def sku_body(size: VmSize) -> dict[str, Any]:
    """A VM size with its capabilities, all of them text."""
    capabilities = {
        "MaxResourceVolumeMB": f"{2048 * size.memory_gb:.0f}",
        "vCPUs": str(size.vcpus),
        "MemoryGB": f"{size.memory_gb:g}",
        "LowPriorityCapable": str(size.low_priority_capable),
        "HyperVGenerations": "V1,V2",
        "vCPUsAvailable": str(size.vcpus),
        "EphemeralOSDiskSupported": "True",
    }
    if size.gpus:
        capabilities["GPUs"] = str(size.gpus)
    end = {"batchSupportEndOfLife": size.ends.strftime("%Y-%m-%dT%H:%M:%SZ")} if size.ends else {}
    return {
        "name": size.name,
        "familyName": size.family,
        **end,
        "capabilities": [{"name": name, "value": value} for name, value in capabilities.items()],
    }
