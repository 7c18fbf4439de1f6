"""A pool of the data plane <-> the same pool as a resource of Azure Resource Manager.

The two planes say the same in other words: Resource Manager writes enumerations in Pascal case, keeps the image below
``deploymentConfiguration`` and the counts below ``scaleSettings``, and names applications by their resource id. Source:
the template schema and the OpenAPI documents of Microsoft.Batch, against which the tests hold both tables. Jobs, tasks
and schedules are no resources of Resource Manager.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from bot.domain.bodies.clone import RETIRED, LeftOut
from bot.domain.bodies.fields import FREE_FORM, Body
from bot.domain.bodies.path import Path, held_by

POOL_TYPE = "Microsoft.Batch/batchAccounts/pools"
API_VERSION = "2025-06-01"
"""The version whose fields are those of the data plane's version in use."""

_Spellings: TypeAlias = Mapping[str, str]
"""Resource Manager's spelling of each value of an enumeration -> the data plane's."""


def _lower(*values: str) -> _Spellings:
    return {value: value.lower() for value in values}


def _camel(*values: str) -> _Spellings:
    return {value: value[0].lower() + value[1:] for value in values}


def _same(*values: str) -> _Spellings:
    return {value: value for value in values}


_DISKS = _lower("Standard_LRS", "Premium_LRS", "StandardSSD_LRS")
_CACHING = _lower("None", "ReadOnly", "ReadWrite")
ENUMERATIONS: Mapping[tuple[str, str], _Spellings] = MappingProxyType(
    {
        ("autoUser", "elevationLevel"): _lower("NonAdmin", "Admin"),
        ("autoUser", "scope"): _lower("Task", "Pool"),
        ("containerConfiguration", "type"): _camel("DockerCompatible", "CriCompatible"),
        ("containerHostBatchBindMounts", "source"): _same(
            "Shared", "Startup", "VfsMounts", "Task", "JobPrep", "Applications"
        ),
        ("containerSettings", "workingDirectory"): _camel("TaskWorkingDirectory", "ContainerImageDefault"),
        ("dataDisks", "caching"): _CACHING,
        ("diskEncryptionConfiguration", "targets"): _lower("OsDisk", "TemporaryDisk"),
        ("ephemeralOSDiskSettings", "placement"): _lower("CacheDisk"),
        ("identity", "type"): _same("UserAssigned", "None"),
        ("imds", "mode"): _same("Audit", "Enforce"),
        ("inboundNATPools", "protocol"): _lower("TCP", "UDP"),
        ("managedDisk", "storageAccountType"): _DISKS,
        ("networkConfiguration", "dynamicVNetAssignmentScope"): _same("none", "job"),
        ("networkSecurityGroupRules", "access"): _lower("Allow", "Deny"),
        ("nodePlacementConfiguration", "policy"): _lower("Regional", "Zonal"),
        ("osDisk", "caching"): _CACHING,
        ("publicIPAddressConfiguration", "ipFamilies"): _same("IPv4", "IPv6"),
        ("publicIPAddressConfiguration", "provision"): _lower("BatchManaged", "UserManaged", "NoPublicIPAddresses"),
        ("securityProfile", "securityEncryptionType"): _same(
            "NonPersistedTPM", "VMGuestStateOnly", "DiskWithVMGuestState"
        ),
        ("securityProfile", "securityType"): {"trustedLaunch": "trustedLaunch", "confidentialVM": "confidentialvm"},
        ("taskSchedulingPolicy", "jobDefaultOrder"): _lower("None", "CreationTime"),
        ("taskSchedulingPolicy", "nodeFillType"): _lower("Spread", "Pack"),
        ("upgradePolicy", "mode"): _lower("automatic", "manual", "rolling"),
        ("userAccounts", "elevationLevel"): _lower("NonAdmin", "Admin"),
        ("windowsUserConfiguration", "loginMode"): _lower("Batch", "Interactive"),
        ("wireServer", "mode"): _same("Audit", "Enforce"),
    }
)
"""Every enumeration by the object that holds it and its field, both in the data plane's spelling."""

RENAMED: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("virtualMachineConfiguration", "nodeAgentSKUId"): "nodeAgentSkuId",
        ("imageReference", "virtualMachineImageId"): "id",
        ("networkConfiguration", "dynamicVNetAssignmentScope"): "dynamicVnetAssignmentScope",
        ("endpointConfiguration", "inboundNATPools"): "inboundNatPools",
        ("userIdentity", "username"): "userName",
        ("cifsMountConfiguration", "username"): "userName",
    }
)
"""The fields within others that Resource Manager calls otherwise, by their holder and name in the data plane."""

_ALIKE = (
    "displayName",
    "metadata",
    "mountConfiguration",
    "networkConfiguration",
    "startTask",
    "taskSchedulingPolicy",
    "taskSlotsPerNode",
    "upgradePolicy",
    "userAccounts",
    "vmSize",
)
"""Top-level fields that both planes have under one name."""
_FIXED = ("targetDedicatedNodes", "targetLowPriorityNodes", "resizeTimeout")
_ANSWERED = frozenset(
    {
        "allocationState",
        "allocationStateTransitionTime",
        "autoScaleRun",
        "creationTime",
        "currentDedicatedNodes",
        "currentLowPriorityNodes",
        "currentNodeCommunicationMode",
        "lastModified",
        "provisioningState",
        "provisioningStateTransitionTime",
        "resizeOperationStatus",
    }
)
"""Properties that only Resource Manager writes."""
_TAKEN = frozenset(
    {*_ALIKE, "applicationPackages", "deploymentConfiguration", "interNodeCommunication", "scaleSettings"}
)


@dataclass(frozen=True)
class Resource:
    """A pool as a resource: ``identity`` is empty where it has none."""

    name: str
    properties: Body
    identity: Body


def to_arm(body: Mapping[str, Any], account_id: str) -> Resource:
    """The resource that a create body describes; ``identity`` may be in it as the data plane answers it.

    ``account_id`` is the resource id of the account, below which applications are that are named by their id alone.
    """
    properties: Body = {name: _written(body[name], (name,)) for name in _ALIKE if name in body}
    if "virtualMachineConfiguration" in body:
        machine = _written(body["virtualMachineConfiguration"], ("virtualMachineConfiguration",))
        properties["deploymentConfiguration"] = {"virtualMachineConfiguration": machine}
    if scale := _scale_settings(body):
        properties["scaleSettings"] = scale
    if "enableInterNodeCommunication" in body:
        properties["interNodeCommunication"] = "Enabled" if body["enableInterNodeCommunication"] else "Disabled"
    if "applicationPackageReferences" in body:
        properties["applicationPackages"] = [
            _application(each, account_id) for each in body["applicationPackageReferences"]
        ]
    return Resource(str(body.get("id", "")), properties, _identity(body.get("identity") or {}))


def from_arm(resource: Mapping[str, Any]) -> tuple[Body, tuple[LeftOut, ...]]:
    """The create body of a resource, as a template has it or Resource Manager answers it, and what it cannot take over.

    A managed identity stays in the body under ``identity``, in the shape in which the data plane answers it.
    """
    properties = resource.get("properties") or {}
    left: list[LeftOut] = []
    body: Body = {"id": str(resource.get("name") or "").rpartition("/")[2]}
    body |= {name: _read(properties[name], (name,)) for name in _ALIKE if properties.get(name) is not None}
    deployment = properties.get("deploymentConfiguration") or {}
    if machine := deployment.get("virtualMachineConfiguration"):
        body["virtualMachineConfiguration"] = _read(machine, ("virtualMachineConfiguration",))
    left += _refused(deployment, "deploymentConfiguration", {"virtualMachineConfiguration"})
    body |= _scale(properties.get("scaleSettings") or {}, left)
    if communication := properties.get("interNodeCommunication"):
        body["enableInterNodeCommunication"] = str(communication).lower() == "enabled"
    if packages := properties.get("applicationPackages"):
        body["applicationPackageReferences"] = [
            {"applicationId" if name == "id" else name: value for name, value in each.items()} for each in packages
        ]
    if identity := _read_identity(resource.get("identity") or {}):
        body["identity"] = identity
    left += _refused(properties, "properties", _TAKEN | _ANSWERED)
    if resource.get("tags"):
        left.append(LeftOut(("tags",), "tags of a pool are set through Resource Manager"))
    return body, tuple(left)


def _scale_settings(body: Mapping[str, Any]) -> Body:
    if body.get("enableAutoScale"):
        scaling = {"formula": body.get("autoScaleFormula", "")}
        if "autoScaleEvaluationInterval" in body:
            scaling["evaluationInterval"] = body["autoScaleEvaluationInterval"]
        return {"autoScale": scaling}
    fixed = {name: body[name] for name in _FIXED if name in body}
    return {"fixedScale": fixed} if fixed else {}


def _scale(settings: Mapping[str, Any], left: list[LeftOut]) -> Body:
    if scaling := settings.get("autoScale"):
        body = {"enableAutoScale": True, "autoScaleFormula": scaling.get("formula", "")}
        if scaling.get("evaluationInterval"):
            body["autoScaleEvaluationInterval"] = scaling["evaluationInterval"]
        return body
    fixed = settings.get("fixedScale") or {}
    if fixed.get("nodeDeallocationOption"):
        place = ("properties", "scaleSettings", "fixedScale", "nodeDeallocationOption")
        left.append(LeftOut(place, "it is chosen each time a pool is resized"))
    return {name: fixed[name] for name in _FIXED if fixed.get(name) is not None}


def _application(reference: Mapping[str, Any], account_id: str) -> Body:
    named = str(reference.get("applicationId", ""))
    full = named if named.startswith("/") else f"{account_id}/applications/{named}"
    return {
        "id" if name == "applicationId" else name: value for name, value in {**reference, "applicationId": full}.items()
    }


def _identity(identity: Mapping[str, Any]) -> Body:
    if not identity or str(identity.get("type", "")).lower() == "none":
        return {}
    users = [each.get("resourceId") for each in identity.get("userAssignedIdentities") or ()]
    return {"type": "UserAssigned", "userAssignedIdentities": {str(user): {} for user in users if user}}


def _read_identity(identity: Mapping[str, Any]) -> Body:
    users = identity.get("userAssignedIdentities") or {}
    if not users:
        return {}
    return {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": user} for user in users]}


def _refused(holder: Mapping[str, Any], place: str, known: Collection[str]) -> list[LeftOut]:
    return [
        LeftOut((place, name), RETIRED.get(name, "a pool that is made here cannot have it"))
        for name, value in holder.items()
        if name not in known and value
    ]


def _written(value: Any, path: Path) -> Any:
    """A value of the data plane as Resource Manager writes it."""
    return _mapped(value, path, _to_name, _to_value)


def _read(value: Any, path: Path) -> Any:
    """A value of Resource Manager as the data plane writes it; what is null is left out."""
    return _mapped(value, path, _from_name, _from_value)


def _mapped(
    value: Any, path: Path, name_of: Callable[[str, str], str], value_of: Callable[[str, str, str], str]
) -> Any:
    """``path`` is where the value stands in the data plane's spelling, whichever way it is mapped."""
    if isinstance(value, list):
        return [_mapped(each, (*path, position), name_of, value_of) for position, each in enumerate(value)]
    if isinstance(value, str):
        outer = [step for step in path if isinstance(step, str)]
        return value_of(outer[-2], outer[-1], value) if len(outer) > 1 else value
    if not isinstance(value, dict):
        return value
    holder, made = held_by(path), {}
    for name, held in value.items():
        if held is None:
            continue
        named = name_of(holder, name)
        inner = (*path, named if name_of is _from_name else name)
        made[named] = copy.deepcopy(held) if name in FREE_FORM else _mapped(held, inner, name_of, value_of)
    return made


def _to_name(holder: str, name: str) -> str:
    return RENAMED.get((holder, name), name)


def _from_name(holder: str, name: str) -> str:
    return _BACK.get((holder, name), name)


def _to_value(holder: str, name: str, value: str) -> str:
    return _TO.get((holder, name, value.lower()), value)


def _from_value(holder: str, name: str, value: str) -> str:
    return _FROM.get((holder, name, value.lower()), value)


_BACK = {(holder, renamed): name for (holder, name), renamed in RENAMED.items()}
_TO = {
    (holder, name, data.lower()): arm for (holder, name), values in ENUMERATIONS.items() for arm, data in values.items()
}
_FROM = {
    (holder, name, arm.lower()): data for (holder, name), values in ENUMERATIONS.items() for arm, data in values.items()
}
