"""Writes of nodes: power, scheduling, users and the upload of the agent's logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from bot.sandbox.entity_inventory import UploadBatchServiceLogsResult
from bot.sandbox.entity_requests import (
    NodeDeallocate,
    NodeDisableScheduling,
    NodeReboot,
    NodeReimage,
    NodeUserAdd,
    NodeUserUpdate,
    UploadBatchServiceLogs,
)
from bot.sandbox.world import Refused, node_users
from bot.sandbox.world.files import windows
from bot.sandbox.world.live import LiveNode

from ..errors import Refusal
from ..listener import Handler
from .answers import done
from .body import invalid, read, read_optional

if TYPE_CHECKING:
    from ..dataplane import DataPlane

LOGS: Final = "Microsoft.Azure.Batch.Protocol.Entities.UploadBatchServiceLogsResult"
LONGEST_USER: Final = 20

_NODE: Final = "/pools/{pool}/nodes/{node}"
_encode = msgspec.json.Encoder().encode


class NodeWrites:
    """The writes of the nodes of one account. None of them takes conditions: a node has no entity tag."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._account = plane.account
        self.routes: Mapping[tuple[str, str], Handler] = {
            ("POST", f"{_NODE}/reboot"): self._reboot,
            ("POST", f"{_NODE}/reimage"): self._reimage,
            ("POST", f"{_NODE}/start"): self._start,
            ("POST", f"{_NODE}/deallocate"): self._deallocate,
            ("POST", f"{_NODE}/disablescheduling"): self._disable_scheduling,
            ("POST", f"{_NODE}/enablescheduling"): self._enable_scheduling,
            ("POST", f"{_NODE}/users"): self._add_user,
            ("PUT", f"{_NODE}/users/{{user}}"): self._update_user,
            ("DELETE", f"{_NODE}/users/{{user}}"): self._delete_user,
            ("POST", f"{_NODE}/uploadbatchservicelogs"): self._upload_logs,
        }

    def _node(self, request: web.Request) -> LiveNode:
        return self._account.node(request.match_info["pool"], request.match_info["node"])

    def _address(self, node: LiveNode, verb: str) -> str:
        return f"{self._account.facts.endpoint}/pools/{node.pool.id}/nodes/{node.id}/{verb}"

    # --- power and scheduling -----------------------------------------------------------------------------------------

    async def _reboot(self, request: web.Request) -> web.Response:
        given, node = await read_optional(request, NodeReboot), self._node(request)
        self._account.node_operations.reboot(node, given.node_reboot_option or "requeue")
        return done(202, at=self._address(node, "reboot"))

    async def _reimage(self, request: web.Request) -> web.Response:
        await read_optional(request, NodeReimage)
        self._account.node_operations.reimage(self._node(request))
        return done(202)

    async def _start(self, request: web.Request) -> web.Response:
        node = self._node(request)
        self._account.node_operations.start(node)
        return done(202, at=self._address(node, "start"))

    async def _deallocate(self, request: web.Request) -> web.Response:
        given, node = await read_optional(request, NodeDeallocate), self._node(request)
        self._account.node_operations.deallocate(node, given.node_deallocate_option or "requeue")
        return done(202, at=self._address(node, "deallocate"))

    async def _disable_scheduling(self, request: web.Request) -> web.Response:
        given, node = await read_optional(request, NodeDisableScheduling), self._node(request)
        self._account.node_operations.disable_scheduling(node, given.node_disable_scheduling_option or "requeue")
        return done(200, at=self._address(node, "disablescheduling"))

    async def _enable_scheduling(self, request: web.Request) -> web.Response:
        node = self._node(request)
        self._account.node_operations.enable_scheduling(node)
        return done(200, at=self._address(node, "enablescheduling"))

    # --- users --------------------------------------------------------------------------------------------------------

    async def _add_user(self, request: web.Request) -> web.Response:
        given, node = await read(request, NodeUserAdd), self._node(request)
        if not 1 <= len(given.name) <= LONGEST_USER:
            raise invalid("name", given.name, f"The name has to have 1 to {LONGEST_USER} characters")
        self._check_credentials(given, node)
        now = self._account.world.time
        node_users.add(node, given.name, now, is_admin=bool(given.is_admin), expires=given.expiry_time)
        return done(201, location=self._address(node, f"users/{given.name}"))

    async def _update_user(self, request: web.Request) -> web.Response:
        given, node = await read(request, NodeUserUpdate), self._node(request)
        name, now = request.match_info["user"], self._account.world.time
        self._check_credentials(given, node)
        node_users.update(node, name, now, given.expiry_time)
        return done(200, at=self._address(node, f"users/{name}"))

    async def _delete_user(self, request: web.Request) -> web.Response:
        node_users.delete(self._node(request), request.match_info["user"], self._account.world.time)
        return done(200)

    def _check_credentials(self, given: NodeUserAdd | NodeUserUpdate, node: LiveNode) -> None:
        """Windows wants a password; Linux a password or a key, and not both."""
        if windows(node) and given.ssh_public_key:
            raise invalid("sshPublicKey", "", "An SSH key can be set on Linux nodes only")
        if not (given.password or given.ssh_public_key):
            raise Refusal("MissingRequiredProperty", [("PropertyName", "password")])
        if given.password and given.ssh_public_key:
            raise invalid("sshPublicKey", "", "Either a password or an SSH key can be set")
        if given.expiry_time is not None and given.expiry_time <= self._account.world.time:
            raise invalid("expiryTime", given.expiry_time.isoformat(), "The time is over")

    # --- logs ---------------------------------------------------------------------------------------------------------

    async def _upload_logs(self, request: web.Request) -> web.Response:
        given, node = await read(request, UploadBatchServiceLogs), self._node(request)
        if not given.container_url.lower().startswith("https://"):
            raise invalid("containerUrl", "", "The address of a container was expected")
        if given.end_time is not None and given.end_time < given.start_time:
            raise invalid("endTime", given.end_time.isoformat(), "The end is before the start")
        if node.state not in ("idle", "running", "offline", "waitingforstarttask", "starttaskfailed"):
            message = "The specified compute node does not support the current operation."
            raise Refused(403, "TVMCurrentOperationUnsupported", message)
        facts, now = self._account.facts, self._account.world.time
        until = min(given.end_time or now, now)
        hours = max(0.0, (until - max(given.start_time, node.body.allocation_time)).total_seconds() / 3600)
        upload, folder = self._account.guid(), self._account.guid().replace("-", "")[:16].upper()
        result = UploadBatchServiceLogsResult(
            virtual_directory_name=f"{facts.name}-{folder}/{node.pool.id}/{node.id}/{upload}",
            number_of_files_uploaded=4 + int(hours),
        )
        return self._plane.element(LOGS, _encode(result))
