"""What lies below a Batch account in Resource Manager: applications with their packages, certificates, pools.

Each is written as a resource: id, name, type and etag around ``properties``, whose names differ here and there from the
data plane's.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec

from bot.sandbox.entities import Pool
from bot.sandbox.entity_parts import ResizeError
from bot.sandbox.world import AccountState
from bot.sandbox.world.applications import Application, Package
from bot.sandbox.world.bodies import etag
from bot.sandbox.world.certificates import LiveCertificate

from ..errors import ticks
from ..odata import EQUALITY, ORDER, PREFIX, Column, Kind, Table

LEASE: Final = timedelta(hours=4)
"""How long the address of a package is good for."""

_RENAMED: Final = {
    "inboundNATPools": "inboundNatPools",
    "nodeAgentSKUId": "nodeAgentSkuId",
    "username": "userName",
    "virtualMachineImageId": "id",
}
_NOT_HERE: Final = frozenset({"exactVersion", "sharedGalleryImageId", "communityGalleryImageId"})
_SAME: Final = (
    "displayName", "networkConfiguration", "taskSlotsPerNode", "taskSchedulingPolicy", "userAccounts", "metadata",
    "startTask", "mountConfiguration", "upgradePolicy", "resourceTags", "targetNodeCommunicationMode",
    "currentNodeCommunicationMode",
)  # fmt: skip

POOL_FILTER: Final[Table] = {
    "name": Column(("body", "id"), PREFIX, Kind.TEXT),
    "properties/allocationState": Column(("body", "allocation_state"), EQUALITY, Kind.TEXT),
    "properties/allocationStateTransitionTime": Column(("body", "allocation_state_transition_time"), ORDER, Kind.TIME),
    "properties/creationTime": Column(("body", "creation_time"), ORDER, Kind.TIME),
    "properties/provisioningStateTransitionTime": Column(("body", "state_transition_time"), ORDER, Kind.TIME),
    "properties/lastModified": Column(("body", "last_modified"), ORDER, Kind.TIME),
    "properties/vmSize": Column(("body", "vm_size"), EQUALITY, Kind.TEXT),
}
CERTIFICATE_FILTER: Final[Table] = {
    "name": Column(("name",), PREFIX, Kind.TEXT),
    "properties/provisioningState": Column(("provisioning_state",), EQUALITY, Kind.TEXT),
    "properties/provisioningStateTransitionTime": Column(("body", "state_transition_time"), ORDER, Kind.TIME),
}


def resource(account: AccountState, path: str, modified: datetime, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A resource at ``path`` below the account: kinds and names, in turns."""
    facts = account.facts
    steps = path.split("/")
    home = f"/subscriptions/{facts.subscription}/resourceGroups/{facts.resource_group}"
    return {
        "type": "/".join(["Microsoft.Batch/batchAccounts", *steps[::2]]),
        "id": f"{home}/providers/Microsoft.Batch/batchAccounts/{facts.name}/{path}",
        "name": steps[-1],
        "etag": f'W/"{etag(modified)}"',
        "properties": dict(properties),
    }


# --- applications -----------------------------------------------------------------------------------------------------


def application_body(account: AccountState, application: Application) -> dict[str, Any]:
    """An application."""
    properties: dict[str, Any] = {"allowUpdates": application.allow_updates}
    if application.display_name is not None:
        properties["displayName"] = application.display_name
    if application.default_version is not None:
        properties["defaultVersion"] = application.default_version
    return resource(account, f"applications/{application.id}", application.modified, properties)


def package_body(
    account: AccountState, application: Application, package: Package, *, address: bool = False
) -> dict[str, Any]:
    """A version; with ``address`` it tells where the package lies, signed for four hours from now."""
    properties: dict[str, Any] = {}
    if address:
        now = account.world.time
        properties["storageUrl"] = _signed(account, application, package, now)
        properties["storageUrlExpiry"] = ticks(now + LEASE)
    properties["state"] = "Active" if package.active else "Pending"
    if package.activated is not None:
        properties |= {"format": package.format, "lastActivationTime": ticks(package.activated)}
    return resource(account, f"applications/{application.id}/versions/{package.version}", package.modified, properties)


def _signed(account: AccountState, application: Application, package: Package, now: datetime) -> str:
    storage = (account.facts.auto_storage_account_id or "storage").rpartition("/")[2]
    where = f"{application.container}/{package.version}"
    begins, ends = (
        quote(f"{moment:%Y-%m-%dT%H:%M:%SZ}", safe="") for moment in (now - timedelta(minutes=5), now + LEASE)
    )
    text = f"{account.world.seed}/{account.facts.name}/{where}/{ends}"
    signature = quote(base64.b64encode(hashlib.sha256(text.encode()).digest()), safe="")
    query = f"sv=2018-03-28&sr=b&sig={signature}&st={begins}&se={ends}&sp=rw"
    return f"https://{storage}.blob.core.windows.net/{where}?{query}"


# --- certificates -----------------------------------------------------------------------------------------------------

_PROVISIONING: Final = {"active": "Succeeded", "deleting": "Deleting", "deletefailed": "Failed"}


class Provisioned(msgspec.Struct, frozen=True):
    """A certificate as Resource Manager files it."""

    live: LiveCertificate

    @property
    def body(self) -> Any:
        """The data plane's."""
        return self.live.body

    @property
    def name(self) -> str:
        """Algorithm and thumbprint in capitals."""
        return f"{self.live.body.thumbprint_algorithm}-{self.live.body.thumbprint}".upper()

    @property
    def provisioning_state(self) -> str:
        """The state, in Resource Manager's words."""
        return _PROVISIONING[self.live.body.state]


def certificate_body(account: AccountState, filed: Provisioned) -> dict[str, Any]:
    """A certificate."""
    body = filed.live.body
    properties: dict[str, Any] = {
        "thumbprintAlgorithm": body.thumbprint_algorithm.upper(),
        "thumbprint": body.thumbprint.upper(),
        "provisioningState": filed.provisioning_state,
        "provisioningStateTransitionTime": body.state_transition_time,
    }
    if body.previous_state is not None:
        properties["previousProvisioningState"] = _PROVISIONING[body.previous_state]
        properties["previousProvisioningStateTransitionTime"] = body.previous_state_transition_time
    properties |= {"format": filed.live.format, "publicData": body.public_data}
    if (error := body.delete_certificate_error) is not None:
        properties["deleteCertificateError"] = {
            "code": error.code,
            "message": error.message,
            "target": "BatchAccount",
            "details": [{"code": value.name, "message": value.value} for value in error.values or ()],
        }
    return resource(account, f"certificates/{filed.name}", body.state_transition_time, properties)


# --- pools ------------------------------------------------------------------------------------------------------------


def pool_body(account: AccountState, body: Pool, deallocation: str) -> dict[str, Any]:
    """A pool; ``deallocation`` is what its last resize did to the tasks in its way."""
    told = msgspec.to_builtins(body)
    told = _rename(told)
    properties: dict[str, Any] = {
        "lastModified": body.last_modified,
        "creationTime": body.creation_time,
        "provisioningState": "Deleting" if body.state == "deleting" else "Succeeded",
        "provisioningStateTransitionTime": body.state_transition_time,
        "allocationState": body.allocation_state.capitalize(),
        "allocationStateTransitionTime": body.allocation_state_transition_time,
        "vmSize": body.vm_size.upper(),
        "interNodeCommunication": "Enabled" if body.enable_inter_node_communication else "Disabled",
        "scaleSettings": _scale(body, deallocation),
        "resizeOperationStatus": _resize(body, deallocation),
        "currentDedicatedNodes": body.current_dedicated_nodes,
        "currentLowPriorityNodes": body.current_low_priority_nodes,
        **{name: told[name] for name in _SAME if name in told},
    }
    if "virtualMachineConfiguration" in told:
        machines = {"virtualMachineConfiguration": told["virtualMachineConfiguration"]}
        properties["deploymentConfiguration"] = machines
    if body.application_package_references:
        home = resource(account, "applications", body.last_modified, {})["id"]
        properties["applicationPackages"] = [
            {"id": f"{home}/{one.application_id}"} | ({"version": one.version} if one.version else {})
            for one in body.application_package_references
        ]
    if (run := body.auto_scale_run) is not None:
        results = {"results": run.results} if run.results else {}
        properties["autoScaleRun"] = {"evaluationTime": run.timestamp} | results
        if run.error is not None:
            properties["autoScaleRun"]["error"] = _error(run.error)
    filed = resource(account, f"pools/{body.id}", body.last_modified, properties)
    if body.identity:
        filed["identity"] = body.identity
    return filed


def _scale(body: Pool, deallocation: str) -> dict[str, Any]:
    if body.enable_auto_scale:
        interval = body.auto_scale_evaluation_interval
        return {"autoScale": {"formula": body.auto_scale_formula, "evaluationInterval": interval}}
    return {
        "fixedScale": {
            "targetDedicatedNodes": body.target_dedicated_nodes,
            "targetLowPriorityNodes": body.target_low_priority_nodes,
            "resizeTimeout": body.resize_timeout,
        }
    }


def _resize(body: Pool, deallocation: str) -> dict[str, Any]:
    status: dict[str, Any] = {
        "targetDedicatedNodes": body.target_dedicated_nodes,
        "targetLowPriorityNodes": body.target_low_priority_nodes,
        "nodeDeallocationOption": {"taskcompletion": "TaskCompletion", "retaineddata": "RetainedData"}.get(
            deallocation, deallocation.capitalize()
        ),
        "resizeTimeout": body.resize_timeout,
        "startTime": body.allocation_state_transition_time,
    }
    if body.resize_errors:
        status["errors"] = [_error(error) for error in body.resize_errors]
    return status


def _error(error: ResizeError | Any) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.values:
        told["details"] = [{"code": value.name, "message": value.value} for value in error.values]
    return told


def _rename(value: Any) -> Any:
    """The data plane's names as Resource Manager writes them, all the way down."""
    if isinstance(value, dict):
        return {_RENAMED.get(name, name): _rename(item) for name, item in value.items() if name not in _NOT_HERE}
    if isinstance(value, list):
        return [_rename(item) for item in value]
    return value
