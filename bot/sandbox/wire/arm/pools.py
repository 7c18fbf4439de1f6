"""Writes of pools over Resource Manager, whose names for the same things are read as the data plane's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from bot.sandbox.entity_requests import PoolAdd, PoolPatch
from bot.sandbox.world import AccountState, LivePool, pool_changes
from bot.sandbox.world.bodies import etag, touch

from ..conditions import matches
from ..errors import ArmRefusal
from ..listener import http_date
from ..writes import rules
from ..writes.body import convert
from ..writes.pools import check_pool
from .body import invalid_body, read_object
from .directory import Directory, missing
from .lists import named, one, shown_pool
from .routes import Handlers, Parts

SPOKEN: Final = "2024-07-01.20.0"
"""The api-version of the data plane whose names are meant: it has all that Resource Manager knows of a pool."""

_RENAMED: Final = {
    "inboundNatPools": "inboundNATPools",
    "nodeAgentSkuId": "nodeAgentSKUId",
    "userName": "username",
}
_SAME: Final = (
    "displayName", "metadata", "mountConfiguration", "networkConfiguration", "resourceTags", "startTask",
    "targetNodeCommunicationMode", "taskSchedulingPolicy", "taskSlotsPerNode", "upgradePolicy", "userAccounts",
    "vmSize",
)  # fmt: skip


class PoolWrites:
    """The writes of the pools of every account."""

    def __init__(self, directory: Directory, address: Callable[[], str]) -> None:
        self._directory = directory
        self._address = address
        self.handlers: Handlers = {
            ("PUT", "pool"): self._make,
            ("PATCH", "pool"): self._change,
            ("DELETE", "pool"): self._delete,
            ("GET", "pool deletion"): self._deletion,
            ("POST", "pool unscaled"): self._disable_autoscale,
            ("POST", "pool stopped"): self._stop_resize,
        }

    def _find(self, parts: Parts) -> tuple[AccountState, LivePool]:
        account = self._directory.account(parts)
        pool = named(account.pools, unquote(parts["pool"]))
        if pool is None:
            raise missing("Pool", "pool")
        return account, pool

    @staticmethod
    def _check_conditions(request: web.Request, pool: LivePool | None) -> None:
        """If-Match and If-None-Match. Raises `ArmRefusal` (412)."""
        wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        tag = etag(pool.body.last_modified) if pool is not None else ""
        if (wanted and not (pool and matches(wanted, tag))) or (unwanted and pool and matches(unwanted, tag)):
            message = "The condition specified using HTTP conditional header(s) is not met."
            raise ArmRefusal(412, "ConditionNotMet", message, target="BatchAccount")

    # --- making and changing ------------------------------------------------------------------------------------------

    async def _make(self, request: web.Request, parts: Parts) -> web.Response:
        """A new pool; of one that is there, what is given is changed."""
        given, account = await read_object(request), self._directory.account(parts)
        pool = named(account.pools, unquote(parts["pool"]))
        self._check_conditions(request, pool)
        if pool is not None:
            return self._changed(request, account, pool, given)
        name = unquote(parts["pool"])
        rules.entity_id(name, "poolName")
        wanted = convert({"id": name} | whole(given), PoolAdd, SPOKEN)
        wanted.identity = given.get("identity")
        check_pool(wanted, account.facts.subscription)
        pool_changes.check_packages(account, wanted.application_package_references)
        made = account.allocator.add(name, wanted)
        return _shown(request, account, made)

    async def _change(self, request: web.Request, parts: Parts) -> web.Response:
        given, (account, pool) = await read_object(request), self._find(parts)
        self._check_conditions(request, pool)
        return self._changed(request, account, pool, given)

    def _changed(
        self, request: web.Request, account: AccountState, pool: LivePool, given: Mapping[str, Any]
    ) -> web.Response:
        account.allocator.refuse_deleting(pool)
        properties = _properties(given)
        unwanted_start = properties.get("startTask") == {}
        told = {name: value for name, value in plain(properties).items() if name != "startTask" or not unwanted_start}
        pool_changes.patch(account, pool, convert(_new(told, pool), PoolPatch, SPOKEN))
        if unwanted_start:
            pool.body.start_task = None
            touch(pool.body, account.world.time)
        if (scale := properties.get("scaleSettings")) is not None:
            self._scale(account, pool, scale)
        return _shown(request, account, pool)

    @staticmethod
    def _scale(account: AccountState, pool: LivePool, scale: Mapping[str, Any]) -> None:
        """Another formula, or other targets: both at once are nonsense."""
        settings = convert(scaled({"scaleSettings": scale}), PoolAdd, SPOKEN, partial=True)
        if settings.enable_auto_scale:
            account.autoscale.enable_on_request(
                pool, settings.auto_scale_formula, settings.auto_scale_evaluation_interval
            )
            return
        if pool.body.enable_auto_scale:
            account.autoscale.disable(pool)
        deallocation = str(scale.get("fixedScale", {}).get("nodeDeallocationOption", "requeue")).lower()
        account.allocator.resize(
            pool,
            settings.target_dedicated_nodes,
            settings.target_low_priority_nodes,
            timeout=settings.resize_timeout,
            deallocation=deallocation,
        )

    def _disable_autoscale(self, request: web.Request, parts: Parts) -> web.Response:
        account, pool = self._find(parts)
        account.autoscale.disable(pool)
        return _shown(request, account, pool)

    def _stop_resize(self, request: web.Request, parts: Parts) -> web.Response:
        account, pool = self._find(parts)
        account.allocator.stop_resize(pool)
        return _shown(request, account, pool)

    # --- deleting -----------------------------------------------------------------------------------------------------

    def _delete(self, request: web.Request, parts: Parts) -> web.Response:
        account = self._directory.account(parts)
        pool = named(account.pools, unquote(parts["pool"]))
        if pool is None:
            return web.Response(status=204)
        if pool.body.state != "deleting":
            account.allocator.delete(pool)
        return self._accepted(request, request.path.rpartition("/pools/")[0], pool.id)

    def _accepted(self, request: web.Request, home: str, pool_id: str) -> web.Response:
        where = request.rel_url.with_path(f"{home}/poolOperationResults/delete-{pool_id}")
        where = where.with_query({"api-version": request.query["api-version"]})
        return web.Response(status=202, headers={"Location": f"{self._address()}{where}", "Retry-After": "15"})

    def _deletion(self, request: web.Request, parts: Parts) -> web.Response:
        account, name = self._directory.account(parts), parts["operation"].removeprefix("delete-")
        if named(account.pools, name) is None:
            return web.Response()
        return self._accepted(request, request.path.rpartition("/poolOperationResults/")[0], name)


# --- the data plane's names -------------------------------------------------------------------------------------------


def whole(given: Mapping[str, Any]) -> dict[str, Any]:
    """A new pool's body, as the data plane would have it. Raises `ArmRefusal` (400)."""
    properties = _properties(given)
    return plain(properties) | scaled(properties)


def _properties(given: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = given.get("properties", {})
    if not isinstance(properties, dict):
        raise invalid_body("properties has to be an object")
    return properties


def plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    """All but how many nodes there are to be."""
    told = {name: _renamed(properties[name]) for name in _SAME if name in properties}
    if (mode := properties.get("interNodeCommunication")) is not None:
        told["enableInterNodeCommunication"] = str(mode).lower() == "enabled"
    machines = properties.get("deploymentConfiguration", {})
    if "virtualMachineConfiguration" in machines:
        told["virtualMachineConfiguration"] = _renamed(machines["virtualMachineConfiguration"])
    if (packages := properties.get("applicationPackages")) is not None:
        told["applicationPackageReferences"] = [
            {"applicationId": one.get("id")} | ({"version": one["version"]} if one.get("version") else {})
            for one in packages
        ]
    return told


def scaled(properties: Mapping[str, Any]) -> dict[str, Any]:
    """How many nodes there are to be, or the formula that says so."""
    scale = properties.get("scaleSettings") or {}
    if (auto := scale.get("autoScale")) is not None:
        told = {"enableAutoScale": True, "autoScaleFormula": auto.get("formula")}
        if "evaluationInterval" in auto:
            told["autoScaleEvaluationInterval"] = auto["evaluationInterval"]
        return told
    fixed = scale.get("fixedScale") or {}
    names = ("targetDedicatedNodes", "targetLowPriorityNodes", "resizeTimeout")
    return {name: fixed[name] for name in names if name in fixed}


def _new(told: dict[str, Any], pool: LivePool) -> dict[str, Any]:
    """Without what the pool is already: a whole body that is sent again changes nothing."""
    same = {"vmSize": pool.body.vm_size, "taskSlotsPerNode": pool.body.task_slots_per_node}
    return {
        name: value
        for name, value in told.items()
        if not (name in same and str(value).lower() == str(same[name]).lower())
    }


def _renamed(value: Any, *, image: bool = False) -> Any:
    if isinstance(value, dict):
        named_here = _RENAMED | ({"id": "virtualMachineImageId"} if image else {})
        return {
            named_here.get(name, name): _renamed(item, image=name == "imageReference") for name, item in value.items()
        }
    return [_renamed(item) for item in value] if isinstance(value, list) else value


def _shown(request: web.Request, account: AccountState, pool: LivePool) -> web.Response:
    return one(shown_pool(account, pool, request.query["api-version"]), http_date(pool.body.last_modified))
