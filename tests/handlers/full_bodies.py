"""A body of each entity with everything a card tells, for what nobody has recorded; nothing of a real account."""

from __future__ import annotations

from typing import Any

_OWN_IMAGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x/images/y/versions/1.2.3"
_SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/render-net/subnets/nodes"
_IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/render-id"
_USER = {"autoUser": {"scope": "task", "elevationLevel": "admin"}}
_CONTAINER = {
    "imageName": "registry.example/render:5",
    "containerRunOptions": "--gpus all",
    "workingDirectory": "taskWorkingDirectory",
    "registry": {"registryServer": "registry.example", "username": "puller"},
    "containerHostBatchBindMounts": [{"source": "Shared", "isReadOnly": True}],
}
_FILES = [
    {"httpUrl": "https://a.blob.core.windows.net/in/scene.blend?sv=1&sig=c2lnbmF0dXJlMTIz", "filePath": "scene.blend"},
    {"autoStorageContainerName": "assets", "blobPrefix": "tex/", "filePath": "textures", "fileMode": "0640"},
    {"storageContainerUrl": "https://a.blob.core.windows.net/in", "identityReference": {"resourceId": _IDENTITY}},
]
_ENVIRONMENT = [{"name": "THREADS", "value": "8"}, {"name": "SCENE", "value": "shot one"}]
_LIMITS = {"maxWallClockTime": "PT4H", "retentionTime": "P2D", "maxTaskRetryCount": 3}
_LIFE = {
    "creationTime": "2026-11-20T08:00:00Z",
    "lastModified": "2026-11-21T08:00:00Z",
    "stateTransitionTime": "2026-11-22T08:00:00Z",
}
_METADATA = [{"name": "team", "value": "lighting"}]
_START = {
    "commandLine": "/bin/bash -c ./prepare.sh",
    "maxTaskRetryCount": 2,
    "waitForSuccess": True,
    "userIdentity": _USER,
    "resourceFiles": _FILES,
    "environmentSettings": _ENVIRONMENT,
    "containerSettings": _CONTAINER,
}
_SHAPE: dict[str, Any] = {
    "displayName": "Frames",
    "vmSize": "standard_d4s_v5",
    "taskSlotsPerNode": 4,
    "taskSchedulingPolicy": {"nodeFillType": "Pack"},
    "resizeTimeout": "PT25M",
    "targetDedicatedNodes": 12,
    "targetLowPriorityNodes": 7,
    "enableInterNodeCommunication": True,
    "enableAutoScale": True,
    "autoScaleFormula": "$TargetDedicatedNodes = 12;",
    "autoScaleEvaluationInterval": "PT7M",
    "startTask": _START,
    "applicationPackageReferences": [{"applicationId": "renderer", "version": "4.1"}, {"applicationId": "ffmpeg"}],
    "metadata": _METADATA,
    "userAccounts": [
        {"name": "artist", "elevationLevel": "nonadmin", "linuxUserConfiguration": {"uid": 1001, "gid": 1002}},
        {"name": "owner", "elevationLevel": "admin", "windowsUserConfiguration": {"loginMode": "Batch"}},
    ],
    "networkConfiguration": {
        "subnetId": _SUBNET,
        "dynamicVNetAssignmentScope": "job",
        "enableAcceleratedNetworking": True,
        "publicIPAddressConfiguration": {
            "provision": "usermanaged",
            "ipAddressIds": ["/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/door"],
        },
        "endpointConfiguration": {
            "inboundNATPools": [
                {
                    "name": "ssh",
                    "protocol": "tcp",
                    "backendPort": 22,
                    "frontendPortRangeStart": 50000,
                    "frontendPortRangeEnd": 50100,
                    "networkSecurityGroupRules": [
                        {"priority": 150, "access": "allow", "sourceAddressPrefix": "192.0.2.0/24",
                         "sourcePortRanges": ["*"]}
                    ],
                }
            ]
        },
    },
    "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"},
        "nodeAgentSKUId": "batch.node.ubuntu 24.04",
        "licenseType": "Windows_Server",
        "windowsConfiguration": {"enableAutomaticUpdates": False},
        "containerConfiguration": {
            "type": "dockerCompatible",
            "containerImageNames": ["registry.example/render:5"],
            "containerRegistries": [{"registryServer": "registry.example", "identityReference":
                                     {"resourceId": _IDENTITY}}],
        },
        "dataDisks": [{"lun": 3, "diskSizeGB": 512, "caching": "readonly", "storageAccountType": "premium_lrs"}],
        "osDisk": {"diskSizeGB": 128, "caching": "readwrite", "managedDisk": {"storageAccountType": "standardssd_lrs"},
                   "ephemeralOSDiskSettings": {"placement": "cachedisk"}},
        "diskEncryptionConfiguration": {"targets": ["temporarydisk"]},
        "nodePlacementConfiguration": {"policy": "Zonal"},
        "extensions": [{"name": "monitor", "publisher": "Example", "type": "Agent", "typeHandlerVersion": "1.2"}],
        "securityProfile": {"securityType": "trustedLaunch", "encryptionAtHost": True,
                            "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True}},
        "serviceArtifactReference": {"id": "/subscriptions/s/galleries/x/serviceArtifacts/y/vmArtifactsProfiles/vsix"},
    },
    "mountConfiguration": [
        {"azureBlobFileSystemConfiguration": {"accountName": "acc", "containerName": "frames",
                                              "relativeMountPath": "out"}},
        {"nfsMountConfiguration": {"source": "nas.example:/plates", "relativeMountPath": "plates"}},
        {"cifsMountConfiguration": {"source": "//nas.example/old", "relativeMountPath": "old", "username": "reader"}},
        {"azureFileShareConfiguration": {"accountName": "acc", "azureFileUrl": "https://acc.file.core.windows.net/lib",
                                         "relativeMountPath": "lib"}},
    ],
    "upgradePolicy": {
        "mode": "Rolling",
        "automaticOSUpgradePolicy": {"enableAutomaticOSUpgrade": True, "disableAutomaticRollback": True,
                                     "osRollingUpgradeDeferral": True},
        "rollingUpgradePolicy": {"maxBatchInstancePercent": 20, "maxUnhealthyInstancePercent": 30,
                                 "pauseTimeBetweenBatches": "PT30S"},
    },
}  # fmt: skip
_OTHER_SHAPE: dict[str, Any] = {
    "vmSize": "standard_d2s_v5",
    "virtualMachineConfiguration": {"imageReference": {"virtualMachineImageId": _OWN_IMAGE}},
    "startTask": {"commandLine": "true", "userIdentity": {"username": "artist"}},
}
OTHER_POOL: dict[str, Any] = {**_OTHER_SHAPE, "id": "other", "state": "deleting"}
POOL: dict[str, Any] = {
    **_SHAPE,
    **_LIFE,
    "id": "render",
    "state": "active",
    "allocationState": "steady",
    "allocationStateTransitionTime": "2026-11-19T09:30:00Z",
    "currentDedicatedNodes": 9,
    "currentLowPriorityNodes": 5,
    "resizeErrors": [{"code": "AllocationTimedOut", "message": "Desired number of nodes could not be allocated",
                      "values": [{"name": "Wanted", "value": "12"}]}],
    "autoScaleRun": {"timestamp": "2026-11-23T05:58:00Z", "results": "$TargetDedicatedNodes=12;n=3",
                     "error": {"code": "AutoScalingFormulaEvaluationError", "message": "it errs"}},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": _IDENTITY}]},
}  # fmt: skip
NODE: dict[str, Any] = {
    "id": "tvm-1",
    "state": "starttaskfailed",
    "schedulingState": "disabled",
    "stateTransitionTime": "2026-11-23T05:00:00Z",
    "lastBootTime": "2026-11-23T04:50:00Z",
    "allocationTime": "2026-11-23T04:45:00Z",
    "ipAddress": "10.0.0.4",
    "affinityId": "TVM:tvm-1",
    "vmSize": "standard_d4s_v5",
    "isDedicated": False,
    "totalTasksRun": 31,
    "totalTasksSucceeded": 29,
    "runningTasksCount": 2,
    "runningTaskSlotsCount": 4,
    "recentTasks": [{"jobId": "j", "taskId": "t", "taskState": "running", "executionInfo": {"exitCode": 3}}],
    "startTask": _START,
    "startTaskInfo": {
        "state": "completed",
        "startTime": "2026-11-23T04:51:00Z",
        "endTime": "2026-11-23T04:53:30Z",
        "exitCode": 17,
        "result": "failure",
        "retryCount": 2,
        "lastRetryTime": "2026-11-23T04:53:00Z",
        "failureInfo": {"category": "UserError", "code": "FailureExitCode", "message": "The task exited with 17"},
        "containerInfo": {"containerId": "0123456789abcdef", "state": "exited", "error": "oops"},
    },
    "errors": [{"code": "DiskFull", "message": "No room is left", "errorDetails": [{"name": "Disk", "value": "temp"}]}],
    "endpointConfiguration": {
        "inboundEndpoints": [
            {"name": "ssh.0", "protocol": "tcp", "publicIPAddress": "203.0.113.7", "publicFQDN": "x.example",
             "frontendPort": 50003, "backendPort": 22}
        ]
    },
    "nodeAgentInfo": {"version": "1.12.2", "lastUpdateTime": "2026-11-23T04:49:00Z"},
    "virtualMachineInfo": {"imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server",
                                              "version": "latest", "exactVersion": "24.04.202611010"}},
}  # fmt: skip
OTHER_NODE: dict[str, Any] = {"id": "other", "startTask": {"userIdentity": {"username": "artist"}}}
_OWN = {
    "commandLine": "/bin/bash -c ./own.sh",
    "resourceFiles": _FILES,
    "environmentSettings": _ENVIRONMENT,
    "userIdentity": _USER,
}
_SPECIFICATION: dict[str, Any] = {
    "displayName": "Nightly frames",
    "priority": 250,
    "allowTaskPreemption": True,
    "maxParallelTasks": 64,
    "usesTaskDependencies": True,
    "onAllTasksComplete": "terminatejob",
    "onTaskFailure": "performexitoptionsjobaction",
    "networkConfiguration": {"subnetId": _SUBNET},
    "constraints": {"maxWallClockTime": "PT12H", "maxTaskRetryCount": -1},
    "commonEnvironmentSettings": _ENVIRONMENT,
    "metadata": _METADATA,
    "jobManagerTask": {
        **_OWN,
        "id": "manager",
        "displayName": "Adds the tasks",
        "killJobOnCompletion": True,
        "runExclusive": False,
        "allowLowPriorityNode": True,
        "requiredSlots": 2,
        "constraints": _LIMITS,
        "authenticationTokenSettings": {"access": ["job"]},
        "applicationPackageReferences": [{"applicationId": "planner", "version": "2"}],
    },
    "jobPreparationTask": {
        **_OWN,
        "id": "jobpreparation",
        "waitForSuccess": True,
        "rerunOnNodeRebootAfterSuccess": False,
        "constraints": _LIMITS,
    },
    "jobReleaseTask": {**_OWN, "id": "jobrelease", "maxWallClockTime": "PT15M", "retentionTime": "P1D"},
    "poolInfo": {
        "autoPoolSpecification": {
            "autoPoolIdPrefix": "night",
            "poolLifetimeOption": "jobschedule",
            "keepAlive": True,
            "pool": _SHAPE,
        }
    },
}
JOB: dict[str, Any] = {
    **_SPECIFICATION,
    **_LIFE,
    "id": "nightly:job-12",
    "state": "completed",
    "previousState": "terminating",
    "previousStateTransitionTime": "2026-11-22T07:59:00Z",
    "executionInfo": {
        "startTime": "2026-11-20T08:01:00Z",
        "endTime": "2026-11-22T08:00:00Z",
        "poolId": "night_1234",
        "terminateReason": "AllTasksComplete",
        "schedulingError": {
            "category": "UserError",
            "code": "AutoPoolCreationFailedWithQuotaReached",
            "message": "The pool quota is reached",
            "details": [{"name": "Quota", "value": "100"}],
        },
    },
}
OTHER_JOB: dict[str, Any] = {
    "id": "other",
    "poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "job", "pool": _OTHER_SHAPE}},
    "executionInfo": {"poolId": "job-pool"},
}
NAMED_POOL: dict[str, Any] = {"id": "third", "poolInfo": {"poolId": "render"}}
TASK: dict[str, Any] = {
    **_OWN,
    **_LIFE,
    "id": "frame-0021",
    "displayName": "Frame 21",
    "state": "completed",
    "previousState": "running",
    "previousStateTransitionTime": "2026-11-22T07:00:00Z",
    "containerSettings": _CONTAINER,
    "requiredSlots": 3,
    "constraints": _LIMITS,
    "affinityInfo": {"affinityId": "TVM:tvm-1"},
    "outputFiles": [
        {
            "filePattern": "*.exr",
            "destination": {"container": {"containerUrl": "https://a.blob.core.windows.net/out", "path": "frames",
                                          "identityReference": {"resourceId": _IDENTITY}}},
            "uploadOptions": {"uploadCondition": "tasksuccess"},
        }
    ],
    "applicationPackageReferences": [{"applicationId": "renderer", "version": "4.1"}],
    "authenticationTokenSettings": {"access": ["job"]},
    "dependsOn": {"taskIds": ["plates"], "taskIdRanges": [{"start": 4, "end": 9}]},
    "exitConditions": {
        "exitCodes": [{"code": 3, "exitOptions": {"jobAction": "terminate", "dependencyAction": "block"}}],
        "exitCodeRanges": [{"start": 5, "end": 8, "exitOptions": {"jobAction": "disable"}}],
        "preProcessingError": {"jobAction": "none"},
        "default": {"jobAction": "none", "dependencyAction": "satisfy"},
    },
    "multiInstanceSettings": {
        "numberOfInstances": 4,
        "coordinationCommandLine": "./daemon.sh",
        "commonResourceFiles": _FILES,
    },
    "nodeInfo": {
        "poolId": "render",
        "nodeId": "tvm-1",
        "affinityId": "TVM:tvm-1",
        "taskRootDirectory": "workitems/nightly/job-12/frame-0021",
    },
    "executionInfo": {
        "startTime": "2026-11-22T07:00:00Z",
        "endTime": "2026-11-22T08:00:00Z",
        "exitCode": 137,
        "result": "failure",
        "retryCount": 3,
        "requeueCount": 1,
        "lastRetryTime": "2026-11-22T07:30:00Z",
        "lastRequeueTime": "2026-11-22T07:10:00Z",
        "containerInfo": {"containerId": "0123456789abcdef", "state": "exited"},
        "failureInfo": {
            "category": "UserError",
            "code": "FailureExitCode",
            "message": "The task exited with 137",
            "details": [{"name": "Message", "value": "killed"}],
        },
    },
}  # fmt: skip
SCHEDULE: dict[str, Any] = {
    **_LIFE,
    "id": "nightly",
    "displayName": "Every night",
    "state": "active",
    "previousState": "disabled",
    "previousStateTransitionTime": "2026-11-20T09:00:00Z",
    "schedule": {
        "doNotRunUntil": "2026-11-01T00:00:00Z",
        "doNotRunAfter": "2026-12-24T00:00:00Z",
        "startWindow": "PT45M",
        "recurrenceInterval": "PT6H",
    },
    "executionInfo": {
        "nextRunTime": "2026-11-23T08:00:00Z",
        "recentJob": {"id": "nightly:job-12"},
        "endTime": "2026-11-22T09:00:00Z",
    },
    "metadata": _METADATA,
    "jobSpecification": _SPECIFICATION,
}
OTHER_SCHEDULE: dict[str, Any] = {"id": "other", "jobSpecification": OTHER_JOB}
CERTIFICATE: dict[str, Any] = {
    "thumbprint": "0123456789abcdef0123456789abcdef01234567",
    "thumbprintAlgorithm": "sha1",
    "state": "deletefailed",
    "stateTransitionTime": "2026-11-22T08:00:00Z",
    "previousState": "deleting",
    "previousStateTransitionTime": "2026-11-22T07:00:00Z",
    "publicData": "bm90IGEgY2VydGlmaWNhdGU=",
    "deleteCertificateError": {
        "code": "PoolsReferencingCertificate",
        "message": "Pools use it",
        "values": [{"name": "Pools", "value": "render"}],
    },
}
ACCOUNT: dict[str, Any] = {
    "name": "a",
    "location": "westeurope",
    "tags": {"owner": "pipeline"},
    "identity": {
        "type": "SystemAssigned",
        "principalId": "11111111-2222-3333-4444-555555555555",
        "tenantId": "66666666-7777-8888-9999-000000000000",
    },
    "properties": {
        "accountEndpoint": "a.westeurope.batch.azure.com",
        "nodeManagementEndpoint": "x.westeurope.service.batch.azure.com",
        "provisioningState": "Succeeded",
        "poolAllocationMode": "UserSubscription",
        "publicNetworkAccess": "Disabled",
        "allowedAuthenticationModes": ["AAD"],
        "keyVaultReference": {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/safe"},
        "encryption": {
            "keySource": "Microsoft.KeyVault",
            "keyVaultProperties": {"keyIdentifier": "https://k.example/k"},
        },
        "autoStorage": {
            "storageAccountId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/files",
            "lastKeySync": "2026-11-01T00:00:00Z",
            "authenticationMode": "BatchAccountManagedIdentity",
            "nodeIdentityReference": {"resourceId": _IDENTITY},
        },
        "networkProfile": {
            "accountAccess": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "192.0.2.0/24"}]},
            "nodeManagementAccess": {"defaultAction": "Allow"},
        },
        "privateEndpointConnections": [
            {
                "name": "door",
                "properties": {"privateLinkServiceConnectionState": {"status": "Approved"}},
            }
        ],
        "dedicatedCoreQuota": 350,
        "lowPriorityCoreQuota": 100,
        "poolQuota": 20,
        "activeJobAndJobScheduleQuota": 300,
        "dedicatedCoreQuotaPerVMFamilyEnforced": True,
        "dedicatedCoreQuotaPerVMFamily": [{"name": "standardDSv5Family", "coreQuota": 128}],
    },
}
