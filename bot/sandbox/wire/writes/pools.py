"""Writes of pools: add, delete, patch, update properties, resize, autoscale and removal of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from bot.sandbox.entity_parts import ImageReference, NetworkConfiguration, VirtualMachineConfiguration
from bot.sandbox.entity_requests import (
    NodeRemove,
    PoolAdd,
    PoolEnableAutoScale,
    PoolEvaluateAutoScale,
    PoolPatch,
    PoolReplace,
    PoolResize,
)
from bot.sandbox.entity_specs import PoolSpecification
from bot.sandbox.world import pool_changes
from bot.sandbox.world.images import IMAGES
from bot.sandbox.world.live import LivePool
from bot.sandbox.world.sizes import VmSize, size_named

from ..errors import Refusal
from ..listener import Handler
from . import rules
from .answers import done, require
from .body import invalid, read

if TYPE_CHECKING:
    from ..dataplane import DataPlane

RUN: Final = "Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun"
MOST_REMOVED: Final = 100
MOST_SLOTS: Final = 256
MOST_MOUNTS: Final = 10

_LEAST_SPAN: Final = 300.0
_encode = msgspec.json.Encoder().encode


class PoolWrites:
    """The writes of the pools of one account."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._account = plane.account
        self.routes: Mapping[tuple[str, str], Handler] = {
            ("POST", "/pools"): self._add,
            ("DELETE", "/pools/{pool}"): self._delete,
            ("PATCH", "/pools/{pool}"): self._patch,
            ("POST", "/pools/{pool}/updateproperties"): self._replace,
            ("POST", "/pools/{pool}/resize"): self._resize,
            ("POST", "/pools/{pool}/stopresize"): self._stop_resize,
            ("POST", "/pools/{pool}/removenodes"): self._remove_nodes,
            ("POST", "/pools/{pool}/enableautoscale"): self._enable_autoscale,
            ("POST", "/pools/{pool}/disableautoscale"): self._disable_autoscale,
            ("POST", "/pools/{pool}/evaluateautoscale"): self._evaluate_autoscale,
        }

    def _pool(self, request: web.Request, *, conditions: bool = True) -> LivePool:
        """The pool that is written to; its conditions hold, where the operation takes any."""
        pool = self._account.pool(request.match_info["pool"])
        if conditions:
            require(request, pool.body)
        return pool

    def _address(self, pool: LivePool, verb: str = "") -> str:
        return f"{self._account.facts.endpoint}/pools/{pool.id}{verb}"

    # --- coming and going ---------------------------------------------------------------------------------------------

    async def _add(self, request: web.Request) -> web.Response:
        given = await read(request, PoolAdd)
        rules.entity_id(given.id)
        check_pool(given, self._account.facts.subscription)
        pool_changes.check_packages(self._account, given.application_package_references)
        pool = self._account.allocator.add(given.id, given)
        return done(201, changed=pool.body, location=self._address(pool))

    async def _delete(self, request: web.Request) -> web.Response:
        self._account.allocator.delete(self._pool(request))
        return done(202)

    # --- changing -----------------------------------------------------------------------------------------------------

    async def _patch(self, request: web.Request) -> web.Response:
        given = await read(request, PoolPatch)
        pool = self._pool(request)
        rules.start_task(given.start_task)
        rules.packages(given.application_package_references)
        rules.metadata(given.metadata)
        rules.display_name(given.display_name)
        if given.virtual_machine_configuration is not None:
            _check_machines(given.virtual_machine_configuration, self._account.facts.subscription)
        size = pool.size if given.vm_size is None else size_named(given.vm_size)
        _check_slots(given.task_slots_per_node, size)
        pool_changes.patch(self._account, pool, given)
        return done(200, changed=pool.body, at=self._address(pool))

    async def _replace(self, request: web.Request) -> web.Response:
        given = await read(request, PoolReplace)
        pool = self._pool(request, conditions=False)
        rules.start_task(given.start_task)
        rules.packages(given.application_package_references)
        rules.metadata(given.metadata)
        pool_changes.replace(self._account, pool, given)
        return done(204, changed=pool.body, at=self._address(pool, "/updateproperties"))

    # --- resizing -----------------------------------------------------------------------------------------------------

    async def _resize(self, request: web.Request) -> web.Response:
        given = await read(request, PoolResize)
        pool = self._pool(request)
        dedicated, low_priority = given.target_dedicated_nodes, given.target_low_priority_nodes
        if dedicated is None and low_priority is None:
            raise Refusal("MissingRequiredProperty", [("PropertyName", "targetDedicatedNodes")])
        _check_targets(dedicated, low_priority)
        rules.span("resizeTimeout", given.resize_timeout, _LEAST_SPAN)
        self._account.allocator.resize(
            pool,
            dedicated,
            low_priority,
            timeout=given.resize_timeout,
            deallocation=given.node_deallocation_option or "requeue",
        )
        return done(202, changed=pool.body, at=self._address(pool, "/resize"))

    async def _stop_resize(self, request: web.Request) -> web.Response:
        pool = self._pool(request)
        self._account.allocator.stop_resize(pool)
        return done(202, changed=pool.body, at=self._address(pool, "/stopresize"))

    async def _remove_nodes(self, request: web.Request) -> web.Response:
        given = await read(request, NodeRemove)
        pool = self._pool(request)
        if not 1 <= len(given.node_list) <= MOST_REMOVED:
            raise invalid("nodeList", len(given.node_list), f"The list has to have 1 to {MOST_REMOVED} nodes")
        rules.span("resizeTimeout", given.resize_timeout, _LEAST_SPAN)
        nodes = {node.id: node for node in (self._account.node(pool.id, node_id) for node_id in given.node_list)}
        option = given.node_deallocation_option or "requeue"
        self._account.allocator.remove_nodes(pool, list(nodes.values()), option, given.resize_timeout)
        return done(202, changed=pool.body, at=self._address(pool, "/removenodes"))

    # --- autoscale ----------------------------------------------------------------------------------------------------

    async def _enable_autoscale(self, request: web.Request) -> web.Response:
        given = await read(request, PoolEnableAutoScale)
        pool = self._pool(request)
        formula, interval = given.auto_scale_formula, given.auto_scale_evaluation_interval
        if formula is None and interval is None:
            raise Refusal("MissingRequiredProperty", [("PropertyName", "autoScaleFormula")])
        rules.span("autoScaleEvaluationInterval", interval, _LEAST_SPAN)
        self._account.autoscale.enable_on_request(pool, formula, interval)
        return done(200, changed=pool.body, at=self._address(pool, "/enableautoscale"))

    async def _disable_autoscale(self, request: web.Request) -> web.Response:
        pool = self._pool(request, conditions=False)
        self._account.autoscale.disable(pool)
        return done(200, changed=pool.body, at=self._address(pool, "/disableautoscale"))

    async def _evaluate_autoscale(self, request: web.Request) -> web.Response:
        given = await read(request, PoolEvaluateAutoScale)
        pool = self._pool(request, conditions=False)
        run = self._account.autoscale.try_out(pool, given.auto_scale_formula).run
        headers = {"DataServiceId": self._address(pool, "/evaluateautoscale")}
        return self._plane.element(RUN, _encode(run), headers)


# --- rules of pools ---------------------------------------------------------------------------------------------------


def check_pool(given: PoolSpecification, subscription: str) -> None:
    """What a new pool is asked to be, whoever asks: a caller, Resource Manager or a job. Raises `Refusal` (400)."""
    rules.display_name(given.display_name)
    rules.start_task(given.start_task)
    rules.packages(given.application_package_references)
    rules.metadata(given.metadata)
    rules.span("resizeTimeout", given.resize_timeout, _LEAST_SPAN)
    size = size_named(given.vm_size)
    _check_slots(given.task_slots_per_node, size)
    if given.virtual_machine_configuration is None:
        raise Refusal("MissingRequiredProperty", [("PropertyName", "virtualMachineConfiguration")])
    _check_machines(given.virtual_machine_configuration, subscription)
    _check_network(given.network_configuration, subscription)
    _check_targets(given.target_dedicated_nodes, given.target_low_priority_nodes)
    if given.mount_configuration is not None and len(given.mount_configuration) > MOST_MOUNTS:
        raise invalid(
            "mountConfiguration", len(given.mount_configuration), f"No more than {MOST_MOUNTS} may be mounted"
        )
    _check_scale(given)


def _check_scale(given: PoolSpecification) -> None:
    """Either targets or a formula."""
    if given.enable_auto_scale:
        if not given.auto_scale_formula:
            raise Refusal("MissingRequiredProperty", [("PropertyName", "autoScaleFormula")])
        rules.span("autoScaleEvaluationInterval", given.auto_scale_evaluation_interval, _LEAST_SPAN)
        wrong = {
            "targetDedicatedNodes": given.target_dedicated_nodes,
            "targetLowPriorityNodes": given.target_low_priority_nodes,
            "resizeTimeout": given.resize_timeout,
        }
        reason = "The property cannot be set when enableAutoScale is true"
    else:
        wrong = {
            "autoScaleFormula": given.auto_scale_formula,
            "autoScaleEvaluationInterval": given.auto_scale_evaluation_interval,
        }
        reason = "The property can only be set when enableAutoScale is true"
    for name, value in wrong.items():
        if value is not None:
            raise Refusal("InvalidAutoScalingSettings", [("PropertyName", name), ("Reason", reason)])


def _check_targets(dedicated: int | None, low_priority: int | None) -> None:
    for name, value in (("targetDedicatedNodes", dedicated), ("targetLowPriorityNodes", low_priority)):
        if value is not None and value < 0:
            raise invalid(name, value, "The value may not be negative")


def _check_slots(slots: int | None, size: VmSize) -> None:
    """Up to four for each core, and 256."""
    rules.within("taskSlotsPerNode", slots, 1, min(4 * size.vcpus, MOST_SLOTS))


def _check_machines(given: VirtualMachineConfiguration, subscription: str) -> None:
    image = given.image_reference
    if (resource := image.virtual_machine_image_id) is not None:
        _check_subscription("virtualMachineImageId", resource, subscription)
        return
    if image.shared_gallery_image_id is not None or image.community_gallery_image_id is not None:
        return
    agents = _AGENTS.get(_named(image))
    if agents is None:
        words = f"publisher {image.publisher} offer {image.offer} sku {image.sku}"
        raise Refusal(
            "InvalidPropertyValue",
            [
                ("PropertyName", "imageReference"),
                ("Reason", f"The specified imageReference with {words} is not supported."),
            ],
        )
    if given.node_agent_sku_id.lower() != agents:
        reason = f"The specified nodeAgentSKUId does not go with the image, whose agent is {agents}"
        raise invalid("nodeAgentSKUId", given.node_agent_sku_id, reason)


def _check_network(given: NetworkConfiguration | None, subscription: str) -> None:
    if given is not None and given.subnet_id is not None:
        _check_subscription("subnetId", given.subnet_id, subscription)


def _check_subscription(name: str, resource: str, subscription: str) -> None:
    """A resource of another subscription cannot be used (recorded)."""
    if f"/subscriptions/{subscription}/".lower() not in resource.lower():
        raise invalid(
            name,
            resource,
            f"The specified {name} is in a different subscription and cannot be used with the current Batch account "
            f"in subscription {subscription}",
        )


def _named(image: ImageReference) -> tuple[str, ...]:
    return tuple((name or "").lower() for name in (image.publisher, image.offer, image.sku))


_AGENTS: Final = {_named(image.body.image_reference): image.body.node_agent_sku_id.lower() for image in IMAGES}
"""Publisher, offer and sku of every supported image -> its node agent."""
