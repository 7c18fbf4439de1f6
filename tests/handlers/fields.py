"""What DOMAIN.md wants on the card of each entity: where it stands in the body, and how it is said on the card.

How it is said stands here in words of its own: what the program's own functions say would be right whatever they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from bot.content.redaction import redact
from bot.domain.states import word
from cards.card import Card
from cards.text_fit import clean_line

Said = Callable[[Any, Card], str]


def in_words(value: Any, _: Card) -> str:
    """A value of the service in words, as every card has them."""
    return word(str(value))


def same(value: Any, _: Card) -> str:
    """As it is, but for secrets, which have a test of their own, and ends of lines."""
    return clean_line(redact(str(value)))


def lower(value: Any, _: Card) -> str:
    return str(value).lower()


def when(value: Any, card: Card) -> str:
    """A moment long ago with how many whole days it is."""
    at = datetime.fromisoformat(value)
    days = ((card.as_of or at) - at).days
    return f"{days:,} days ago, {clock(value, card)}" if days > _LONG_AGO else clock(value, card)


def clock(value: Any, card: Card) -> str:
    """UTC, to the minute that has begun; the day where it is another one, the year where it is another year."""
    at, now = datetime.fromisoformat(value), card.as_of
    if now is None or at.year != now.year:
        return f"{at:%a} {at.day} {at:%b} {at.year} {at:%H:%M}"
    return f"{at:%H:%M}"


_LONG_AGO = 60
_SPANS = {
    "PT7M": "7 min",
    "PT15M": "15 min",
    "PT25M": "25 min",
    "PT1H": "1 h",
    "PT4H": "4 h",
    "PT10H": "10 h",
    "PT12H": "12 h",
    "P1D": "1 d",
    "P2D": "2 d",
    "P4DT12H30M5S": "4 d 12 h",
    "P7D": "7 d",
    "P1279DT12H30M5S": "1279 d 12 h",
}
_FOREVER = "P10675199DT2H48M5.4775807S"
"""The longest that there is: no limit."""
_EXACT = {
    "PT6M": "6 minutes",
    "PT45M": "45 minutes",
    "PT1H": "hour",
    "PT2H": "2 hours",
    "PT4H": "4 hours",
    "PT6H": "6 hours",
    "P1D": "day",
    "P2D": "2 days",
}
_STATES = {"starttaskfailed": "start task failed", "deletefailed": "delete failed"}
"""Those that are not said as the service writes them."""


def span(value: Any, _: Card) -> str:
    return _SPANS[value]


def limit(value: Any, _: Card) -> str:
    return "no time limit" if value == _FOREVER else f"at most {_SPANS[value]}"


def kept(value: Any, _: Card) -> str:
    return "files kept as long as the node" if value == _FOREVER else f"files kept {_SPANS[value]}"


def exact(value: Any, _: Card) -> str:
    return _EXACT[value]


def retries(value: Any, _: Card) -> str:
    return "retries without end" if value < 0 else "no retry" if value == 0 else f"{value:,} retr"


def last(value: Any, _: Card) -> str:
    return str(value).rsplit("/", maxsplit=1)[-1]


def address(value: Any, _: Card) -> str:
    """An address without what signs it."""
    return str(value).partition("?")[0]


def state(value: Any, _: Card) -> str:
    return _STATES.get(value, value)


def count(value: Any, _: Card) -> str:
    return f"{value:,}"


def fixed(words: str, *when_: Any) -> Said:
    """``words`` where the value is one of ``when_``; nothing is asked otherwise."""
    return lambda value, _: words if value in when_ else ""


def mapped(words: dict[Any, str]) -> Said:
    return lambda value, _: words[value.lower() if isinstance(value, str) else value]


def subnet(value: Any, _: Card) -> str:
    return f"{value.split('/')[-3]} / {value.split('/')[-1]}"


YES_NO = mapped({True: "yes", False: "no"})
START_TASK = {
    "commandLine": same,
    "maxTaskRetryCount": count,
    "waitForSuccess": YES_NO,
    "resourceFiles[].filePath": same,
    "resourceFiles[].httpUrl": address,
    "environmentSettings[].name": same,
    "environmentSettings[].value": same,
    "userIdentity.username": same,
    "userIdentity.autoUser.elevationLevel": in_words,
    "containerSettings.imageName": same,
}
LIMITS = {"maxTaskRetryCount": retries, "maxWallClockTime": limit}
OWN_TASK = {
    "id": same,
    "commandLine": same,
    "resourceFiles[].filePath": same,
    "resourceFiles[].httpUrl": address,
    "environmentSettings[].name": same,
    "environmentSettings[].value": same,
    "userIdentity.autoUser.elevationLevel": in_words,
}


def under(prefix: str, rows: dict[str, Said]) -> dict[str, Said]:
    return {f"{prefix}.{path}": said for path, said in rows.items()}


NAT = "networkConfiguration.endpointConfiguration.inboundNATPools[]"
SHAPE: dict[str, Said] = {
    "vmSize": same,
    "taskSlotsPerNode": count,
    "taskSchedulingPolicy.nodeFillType": lower,
    "resizeTimeout": span,
    "enableInterNodeCommunication": YES_NO,
    "enableAutoScale": fixed("Autoscale", True, False),
    "autoScaleFormula": lambda value, _: value.strip().splitlines()[0].strip(),
    "autoScaleEvaluationInterval": span,
    "userAccounts[].name": same,
    "networkConfiguration.subnetId": subnet,
    f"{NAT}.name": same,
    f"{NAT}.backendPort": same,
    f"{NAT}.frontendPortRangeStart": same,
    f"{NAT}.networkSecurityGroupRules[].sourceAddressPrefix": same,
    "networkConfiguration.publicIPAddressConfiguration.ipAddressIds[]": last,
    "networkConfiguration.enableAcceleratedNetworking": YES_NO,
    "virtualMachineConfiguration.imageReference.publisher": same,
    "virtualMachineConfiguration.imageReference.offer": same,
    "virtualMachineConfiguration.imageReference.sku": same,
    "virtualMachineConfiguration.imageReference.version": same,
    "virtualMachineConfiguration.imageReference.virtualMachineImageId": same,
    "virtualMachineConfiguration.nodeAgentSKUId": same,
    "virtualMachineConfiguration.containerConfiguration.type": in_words,
    "virtualMachineConfiguration.containerConfiguration.containerImageNames[]": same,
    "virtualMachineConfiguration.dataDisks[].diskSizeGB": same,
    "virtualMachineConfiguration.dataDisks[].lun": same,
    "virtualMachineConfiguration.osDisk.managedDisk.storageAccountType": in_words,
    "virtualMachineConfiguration.osDisk.diskSizeGB": same,
    "virtualMachineConfiguration.extensions[].name": same,
    "virtualMachineConfiguration.extensions[].publisher": same,
    "virtualMachineConfiguration.securityProfile.securityType": in_words,
    "virtualMachineConfiguration.securityProfile.encryptionAtHost": fixed("encryption at host", True),
    "virtualMachineConfiguration.nodePlacementConfiguration.policy": lower,
    "virtualMachineConfiguration.diskEncryptionConfiguration.targets[]": in_words,
    "virtualMachineConfiguration.windowsConfiguration.enableAutomaticUpdates": YES_NO,
    "virtualMachineConfiguration.licenseType": same,
    "virtualMachineConfiguration.serviceArtifactReference.id": last,
    "applicationPackageReferences[].applicationId": same,
    "applicationPackageReferences[].version": same,
    "metadata[].name": same,
    "metadata[].value": same,
    "mountConfiguration[].azureBlobFileSystemConfiguration.containerName": same,
    "mountConfiguration[].azureBlobFileSystemConfiguration.relativeMountPath": same,
    "mountConfiguration[].azureFileShareConfiguration.azureFileUrl": address,
    "mountConfiguration[].nfsMountConfiguration.source": same,
    "mountConfiguration[].cifsMountConfiguration.source": same,
    "upgradePolicy.mode": lower,
    "upgradePolicy.rollingUpgradePolicy.maxBatchInstancePercent": lambda value, _: f"{value} %",
    **under("startTask", START_TASK),
}
POOL: dict[str, Said] = {
    **SHAPE,
    "id": same,
    "displayName": same,
    "state": state,
    "stateTransitionTime": when,
    "allocationState": state,
    "allocationStateTransitionTime": when,
    "creationTime": when,
    "lastModified": when,
    "currentDedicatedNodes": count,
    "currentLowPriorityNodes": count,
    "targetDedicatedNodes": count,
    "targetLowPriorityNodes": count,
    "autoScaleRun.timestamp": when,
    "autoScaleRun.error.code": same,
    "resizeErrors[].code": same,
    "resizeErrors[].message": same,
    "identity.userAssignedIdentities[].resourceId": last,
}
NODE: dict[str, Said] = {
    "id": same,
    "state": state,
    "stateTransitionTime": when,
    "schedulingState": mapped({"enabled": "Takes tasks", "disabled": "scheduling is disabled"}),
    "vmSize": same,
    "lastBootTime": when,
    "allocationTime": when,
    "runningTasksCount": lambda value, _: f"{value:,}" if value else "nothing",
    "totalTasksRun": count,
    "totalTasksSucceeded": count,
    "ipAddress": same,
    "isDedicated": mapped({True: "dedicated", False: "spot"}),
    "endpointConfiguration.inboundEndpoints[].publicIPAddress": same,
    "endpointConfiguration.inboundEndpoints[].frontendPort": same,
    "endpointConfiguration.inboundEndpoints[].backendPort": same,
    "nodeAgentInfo.version": same,
    "nodeAgentInfo.lastUpdateTime": when,
    "virtualMachineInfo.imageReference.exactVersion": same,
    "errors[].code": same,
    "errors[].message": same,
    "startTaskInfo.startTime": when,
    "startTaskInfo.endTime": when,
    "startTaskInfo.exitCode": same,
    "startTaskInfo.retryCount": count,
    "startTaskInfo.failureInfo.code": same,
    "startTaskInfo.failureInfo.message": same,
    **under("startTask", START_TASK),
}
JOB_SPECIFICATION: dict[str, Said] = {
    "displayName": same,
    "priority": count,
    "usesTaskDependencies": YES_NO,
    "onAllTasksComplete": mapped({"noaction": "it stays open", "terminatejob": "it ends"}),
    "onTaskFailure": mapped({"noaction": "nothing happens", "performexitoptionsjobaction": "exit conditions"}),
    "maxParallelTasks": lambda value, _: f"{value:,}" if value > 0 else "",
    "commonEnvironmentSettings[].name": same,
    "commonEnvironmentSettings[].value": same,
    "metadata[].name": same,
    "metadata[].value": same,
    "poolInfo.poolId": same,
    "poolInfo.autoPoolSpecification.autoPoolIdPrefix": same,
    "poolInfo.autoPoolSpecification.poolLifetimeOption": mapped(
        {"job": "as long as the job", "jobschedule": "as long as the schedule"}
    ),
    "poolInfo.autoPoolSpecification.keepAlive": YES_NO,
    **under("poolInfo.autoPoolSpecification.pool", {**SHAPE, "targetDedicatedNodes": count}),
    **under("constraints", LIMITS),
    **under("jobManagerTask", OWN_TASK),
    **under("jobManagerTask.constraints", {**LIMITS, "retentionTime": kept}),
    "jobManagerTask.displayName": same,
    "jobManagerTask.killJobOnCompletion": YES_NO,
    "jobManagerTask.runExclusive": YES_NO,
    **under("jobPreparationTask", OWN_TASK),
    **under("jobPreparationTask.constraints", LIMITS),
    "jobPreparationTask.waitForSuccess": YES_NO,
    "jobPreparationTask.rerunOnNodeRebootAfterSuccess": YES_NO,
    **under("jobReleaseTask", OWN_TASK),
    "jobReleaseTask.maxWallClockTime": limit,
}
JOB: dict[str, Said] = {
    **JOB_SPECIFICATION,
    "id": same,
    "state": state,
    "stateTransitionTime": when,
    "previousState": state,
    "previousStateTransitionTime": when,
    "creationTime": when,
    "lastModified": when,
    "executionInfo.startTime": when,
    "executionInfo.endTime": when,
    "executionInfo.poolId": same,
    "executionInfo.terminateReason": mapped(
        {
            "alltaskscomplete": "all its tasks were completed",
            "jmcomplete": "its job manager task was completed",
            "userterminate": "somebody terminated it",
        }
    ),
    "executionInfo.schedulingError.code": same,
    "executionInfo.schedulingError.message": same,
    "executionInfo.schedulingError.details[].value": same,
}
TASK: dict[str, Said] = {
    "id": same,
    "displayName": same,
    "commandLine": same,
    "stateTransitionTime": when,
    "previousState": state,
    "previousStateTransitionTime": when,
    "creationTime": when,
    "lastModified": when,
    "userIdentity.username": same,
    "userIdentity.autoUser.elevationLevel": in_words,
    "requiredSlots": count,
    "resourceFiles[].filePath": same,
    "resourceFiles[].httpUrl": address,
    "outputFiles[].filePattern": same,
    "outputFiles[].destination.container.containerUrl": address,
    "applicationPackageReferences[].applicationId": same,
    "applicationPackageReferences[].version": same,
    "nodeInfo.poolId": same,
    "nodeInfo.nodeId": same,
    "nodeInfo.taskRootDirectory": same,
    "containerSettings.imageName": same,
    "containerSettings.registry.username": same,
    "containerSettings.containerRunOptions": same,
    "environmentSettings[].name": same,
    "environmentSettings[].value": same,
    "executionInfo.startTime": clock,
    "executionInfo.endTime": clock,
    "executionInfo.exitCode": same,
    "executionInfo.result": lower,
    "executionInfo.retryCount": count,
    "executionInfo.lastRetryTime": when,
    "executionInfo.failureInfo.code": same,
    "executionInfo.failureInfo.message": same,
    "executionInfo.failureInfo.details[].value": same,
    "exitConditions.exitCodes[].code": lambda value, _: f"exit {value}",
    "exitConditions.exitCodeRanges[].start": lambda value, _: f"exit {value} – ",
    "exitConditions.default.jobAction": mapped(
        {"none": "the job goes on", "terminate": "terminates the job", "disable": "disables the job"}
    ),
    "dependsOn.taskIds[]": same,
    "dependsOn.taskIdRanges[].start": lambda value, _: f"{value} – ",
    "multiInstanceSettings.numberOfInstances": count,
    "multiInstanceSettings.coordinationCommandLine": same,
    "authenticationTokenSettings.access[]": same,
    **under("constraints", {**LIMITS, "retentionTime": kept}),
}
SCHEDULE: dict[str, Said] = {
    "id": same,
    "displayName": same,
    "state": state,
    "stateTransitionTime": when,
    "previousState": state,
    "previousStateTransitionTime": when,
    "creationTime": when,
    "lastModified": when,
    "schedule.startWindow": exact,
    "schedule.recurrenceInterval": exact,
    "schedule.doNotRunUntil": clock,
    "schedule.doNotRunAfter": clock,
    "executionInfo.recentJob.id": same,
    "executionInfo.endTime": when,
    "metadata[].name": same,
    "metadata[].value": same,
    **under("jobSpecification", JOB_SPECIFICATION),
}
CERTIFICATE: dict[str, Said] = {
    "thumbprint": same,
    "thumbprintAlgorithm": same,
    "state": state,
    "stateTransitionTime": when,
    "previousState": state,
    "previousStateTransitionTime": when,
    "publicData": same,
    "deleteCertificateError.code": same,
    "deleteCertificateError.message": same,
    "deleteCertificateError.values[].value": same,
}
ACCOUNT: dict[str, Said] = {
    "location": same,
    "tags.*": same,
    "identity.principalId": same,
    "properties.accountEndpoint": same,
    "properties.nodeManagementEndpoint": same,
    "properties.provisioningState": lower,
    "properties.poolAllocationMode": mapped({"batchservice": "by Batch", "usersubscription": "in your subscription"}),
    "properties.autoStorage.storageAccountId": last,
    "properties.publicNetworkAccess": mapped({"enabled": "yes", "disabled": "no"}),
    "properties.allowedAuthenticationModes[]": mapped(
        {"aad": "Microsoft Entra ID", "sharedkey": "shared key", "taskauthenticationtoken": "tokens of tasks"}
    ),
    "properties.keyVaultReference.id": last,
    "properties.encryption.keySource": same,
    "properties.dedicatedCoreQuota": count,
    "properties.lowPriorityCoreQuota": count,
    "properties.poolQuota": count,
    "properties.activeJobAndJobScheduleQuota": count,
    "properties.privateEndpointConnections[].name": same,
    "properties.networkProfile.accountAccess.ipRules[].value": same,
}


def values(body: Any, path: str) -> Iterator[Any]:
    """The values at a path; ``[]`` goes through a list, ``*`` through an object; nothings are left out."""
    head, _, rest = path.partition(".")
    through = head.endswith("[]")
    name = head.removesuffix("[]")
    if not isinstance(body, dict):
        return
    found = list(body.values()) if name == "*" else [body.get(name)]
    for value in found:
        for each in value or () if through else (value,):
            if rest:
                yield from values(each, rest)
            elif each not in (None, ""):
                yield each
