"""Which fields hold an object, a list of objects or a list of text: what a pasted body is checked for first.

Names mean the same wherever they stand; the tests hold the tables against the client library's models.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.domain.bodies.fields import FREE_FORM
from bot.domain.bodies.path import Path

OBJECTS = frozenset(
    [
        "affinityInfo",
        "autoPoolSpecification",
        "autoUser",
        "automaticOSUpgradePolicy",
        "azureBlobFileSystemConfiguration",
        "azureFileShareConfiguration",
        "cifsMountConfiguration",
        "constraints",
        "container",
        "containerConfiguration",
        "containerSettings",
        "customerManagedKey",
        "default",
        "dependsOn",
        "destination",
        "diskEncryptionConfiguration",
        "diskEncryptionSet",
        "endpointConfiguration",
        "ephemeralOSDiskSettings",
        "exitConditions",
        "exitOptions",
        "fileUploadError",
        "identityReference",
        "imageReference",
        "imds",
        "jobManagerTask",
        "jobPreparationTask",
        "jobReleaseTask",
        "jobSpecification",
        "linuxUserConfiguration",
        "managedDisk",
        "multiInstanceSettings",
        "networkConfiguration",
        "nfsMountConfiguration",
        "nodePlacementConfiguration",
        "osDisk",
        "pool",
        "poolInfo",
        "preProcessingError",
        "proxyAgentSettings",
        "publicIPAddressConfiguration",
        "registry",
        "rollingUpgradePolicy",
        "schedule",
        "securityProfile",
        "serviceArtifactReference",
        "startTask",
        "taskSchedulingPolicy",
        "uefiSettings",
        "upgradePolicy",
        "uploadOptions",
        "userIdentity",
        "virtualMachineConfiguration",
        "windowsConfiguration",
        "windowsUserConfiguration",
        "wireServer",
    ]
)
ARM_OBJECTS = frozenset(
    {"autoScale", "deploymentConfiguration", "fixedScale", "identity", "properties", "scaleSettings"}
)
"""Those that a resource of Resource Manager has besides."""
LISTS_OF_OBJECTS = frozenset(
    [
        "applicationPackageReferences",
        "applicationPackages",
        "commonEnvironmentSettings",
        "commonResourceFiles",
        "containerHostBatchBindMounts",
        "containerRegistries",
        "dataDisks",
        "environmentSettings",
        "exitCodeRanges",
        "exitCodes",
        "extensions",
        "inboundNATPools",
        "ipTags",
        "metadata",
        "mountConfiguration",
        "networkSecurityGroupRules",
        "outputFiles",
        "resourceFiles",
        "taskIdRanges",
        "uploadHeaders",
        "userAccounts",
    ]
)
LISTS_OF_TEXT = frozenset(
    [
        "containerImageNames",
        "ipAddressIds",
        "ipFamilies",
        "provisionAfterExtensions",
        "sourcePortRanges",
        "targets",
        "taskIds",
    ]
)
NUMBERS = frozenset(
    """
    backendPort code diskSizeGB end frontendPortRangeEnd frontendPortRangeStart gid lun maxBatchInstancePercent
    maxParallelTasks maxTaskRetryCount maxUnhealthyInstancePercent maxUnhealthyUpgradedInstancePercent numberOfInstances
    priority requiredSlots start targetDedicatedNodes targetLowPriorityNodes taskSlotsPerNode uid
    """.split()  # noqa: SIM905 - a table
)
"""Fields that hold a whole number."""
FLAGS = frozenset(
    """
    allowLowPriorityNode allowTaskPreemption autoUpgradeMinorVersion disableAutomaticRollback
    enableAcceleratedNetworking enableAutoScale enableAutomaticOSUpgrade enableAutomaticUpdates enableAutomaticUpgrade
    enableCrossZoneUpgrade enableInterNodeCommunication enabled encryptionAtHost isReadOnly keepAlive
    killJobOnCompletion osRollingUpgradeDeferral prioritizeUnhealthyInstances rerunOnNodeRebootAfterSuccess
    rollbackFailedInstancesOnPolicyBreach rotationToLatestKeyVersionEnabled runExclusive secureBootEnabled
    skipWithdrawFromVNet useRollingUpgradePolicy usesTaskDependencies vTpmEnabled waitForSuccess
    writeAcceleratorEnabled
    """.split()  # noqa: SIM905 - a table
)
"""Fields that are true or false."""
TEXT = frozenset({"autoScaleFormula", "commandLine", "displayName", "formula", "id", "name", "vmSize"})
"""Fields that are read as text here; what else stands in one is the service's to judge."""


def misshapen(body: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Places where something of another kind stands than the field holds, with what belongs there. Null is nothing."""
    if isinstance(body, list):
        for position, each in enumerate(body):
            yield from misshapen(each, (*path, position))
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        here = (*path, name)
        if value is None:
            continue
        if name in FREE_FORM:
            continue
        if wanted := _wanted(name, value):
            yield here, wanted
        else:
            yield from misshapen(value, here)


def _wanted(name: str, value: Any) -> str:
    """What belongs into a field where something else stands; empty where it is right or nobody knows."""
    if name in OBJECTS or name in ARM_OBJECTS:
        return "" if isinstance(value, dict) else "an object belongs there: { … }"
    if name in LISTS_OF_OBJECTS:
        fits = isinstance(value, list) and all(isinstance(each, dict) for each in value)
        return "" if fits else "a list of objects belongs there: [{ … }]"
    if name in LISTS_OF_TEXT:
        fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return "" if fits else 'a list of text belongs there: ["…"]'
    if name in TEXT:
        return "" if isinstance(value, str) else "text belongs there, in quotes"
    return ""
