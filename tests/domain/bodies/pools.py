"""Pools with everything that a pool can have, made at random from what both documents know."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from bot.domain.bodies.arm import ENUMERATIONS
from bot.domain.bodies.hidden import MARK

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda words: words != MARK)
"""Anything but what stands for a hidden value, which is left out of a pasted body on purpose."""
NAME = st.text("abcdefghij-_", min_size=1, max_size=8)
IDENTITY = st.fixed_dictionaries({"resourceId": st.builds("/subscriptions/s/identities/{}".format, NAME)})
FREE = st.dictionaries(
    NAME, st.recursive(st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | TEXT, st.lists), max_size=3
)


def one_of(holder: str, field: str) -> st.SearchStrategy[str]:
    """A value of an enumeration in the data plane's spelling."""
    return st.sampled_from(sorted(ENUMERATIONS[holder, field].values()))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def has(
    needed: dict[str, st.SearchStrategy[Any]], **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=fields)


def few(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=1, max_size=2)


REGISTRY = some(username=NAME, password=TEXT, registryServer=NAME, identityReference=IDENTITY)
ENVIRONMENT = few(has({"name": NAME}, value=TEXT))
FILES = few(some(httpUrl=TEXT, filePath=NAME, fileMode=st.just("0770"), blobPrefix=NAME, identityReference=IDENTITY))
DISK = some(
    storageAccountType=one_of("managedDisk", "storageAccountType"),
    securityProfile=some(securityEncryptionType=one_of("securityProfile", "securityEncryptionType")),
    diskEncryptionSet=has({"id": NAME}),
)
MACHINE = has(
    {
        "imageReference": some(publisher=NAME, offer=NAME, sku=NAME, version=NAME, virtualMachineImageId=NAME),
        "nodeAgentSKUId": NAME,
    },
    licenseType=NAME,
    windowsConfiguration=some(enableAutomaticUpdates=st.booleans()),
    dataDisks=few(
        has(
            {"lun": st.integers(0, 9), "diskSizeGB": st.integers(1, 99)},
            caching=one_of("dataDisks", "caching"),
            managedDisk=DISK,
        )
    ),
    containerConfiguration=has(
        {"type": one_of("containerConfiguration", "type")},
        containerImageNames=few(NAME),
        containerRegistries=few(REGISTRY),
    ),
    diskEncryptionConfiguration=some(targets=few(one_of("diskEncryptionConfiguration", "targets"))),
    nodePlacementConfiguration=some(policy=one_of("nodePlacementConfiguration", "policy")),
    extensions=few(
        has(
            {"name": NAME, "publisher": NAME, "type": st.just("dockercompatible")},
            settings=FREE,
            protectedSettings=FREE,
        )
    ),
    osDisk=some(
        caching=one_of("osDisk", "caching"),
        diskSizeGB=st.integers(1, 99),
        managedDisk=DISK,
        ephemeralOSDiskSettings=some(placement=one_of("ephemeralOSDiskSettings", "placement")),
    ),
    securityProfile=some(
        encryptionAtHost=st.booleans(),
        securityType=one_of("securityProfile", "securityType"),
        uefiSettings=some(secureBootEnabled=st.booleans(), vTpmEnabled=st.booleans()),
        proxyAgentSettings=some(enabled=st.booleans(), imds=some(mode=one_of("imds", "mode"))),
    ),
    serviceArtifactReference=has({"id": NAME}),
)
SCALE = st.one_of(
    some(
        targetDedicatedNodes=st.integers(0, 99),
        targetLowPriorityNodes=st.integers(0, 99),
        resizeTimeout=st.just("PT9M"),
    ),
    has({"enableAutoScale": st.just(True), "autoScaleFormula": TEXT}, autoScaleEvaluationInterval=st.just("PT9M")),
)
START = has(
    {"commandLine": TEXT},
    containerSettings=has(
        {"imageName": NAME},
        registry=REGISTRY,
        workingDirectory=one_of("containerSettings", "workingDirectory"),
        containerHostBatchBindMounts=few(some(source=one_of("containerHostBatchBindMounts", "source"))),
    ),
    resourceFiles=FILES,
    environmentSettings=ENVIRONMENT,
    userIdentity=some(
        username=NAME,
        autoUser=some(scope=one_of("autoUser", "scope"), elevationLevel=one_of("autoUser", "elevationLevel")),
    ),
    maxTaskRetryCount=st.integers(-1, 9),
    waitForSuccess=st.booleans(),
)
MOUNT = some(
    azureBlobFileSystemConfiguration=has(
        {"accountName": NAME, "containerName": NAME, "relativeMountPath": NAME}, sasKey=TEXT, identityReference=IDENTITY
    ),
    nfsMountConfiguration=has({"source": st.just("shared"), "relativeMountPath": NAME}),
    cifsMountConfiguration=has({"username": NAME, "source": NAME, "relativeMountPath": NAME, "password": TEXT}),
    azureFileShareConfiguration=has(
        {"accountName": NAME, "azureFileUrl": NAME, "accountKey": TEXT, "relativeMountPath": NAME}
    ),
)
NETWORK = some(
    subnetId=NAME,
    dynamicVNetAssignmentScope=one_of("networkConfiguration", "dynamicVNetAssignmentScope"),
    enableAcceleratedNetworking=st.booleans(),
    endpointConfiguration=has(
        {
            "inboundNATPools": few(
                has(
                    {
                        "name": NAME,
                        "protocol": one_of("inboundNATPools", "protocol"),
                        "backendPort": st.integers(1, 9),
                        "frontendPortRangeStart": st.integers(1, 9),
                        "frontendPortRangeEnd": st.integers(1, 9),
                    },
                    networkSecurityGroupRules=few(
                        st.fixed_dictionaries(
                            {
                                "priority": st.integers(150, 160),
                                "access": one_of("networkSecurityGroupRules", "access"),
                                "sourceAddressPrefix": NAME,
                            }
                        )
                    ),
                )
            )
        }
    ),
    publicIPAddressConfiguration=some(
        provision=one_of("publicIPAddressConfiguration", "provision"), ipAddressIds=few(NAME)
    ),
)
REST = has(
    {"id": NAME, "vmSize": NAME, "virtualMachineConfiguration": MACHINE},
    displayName=TEXT,
    taskSlotsPerNode=st.integers(1, 9),
    taskSchedulingPolicy=has(
        {"nodeFillType": one_of("taskSchedulingPolicy", "nodeFillType")},
        jobDefaultOrder=one_of("taskSchedulingPolicy", "jobDefaultOrder"),
    ),
    enableInterNodeCommunication=st.booleans(),
    networkConfiguration=NETWORK,
    startTask=START,
    applicationPackageReferences=few(
        has({"applicationId": st.builds("/subscriptions/s/applications/{}".format, NAME)}, version=NAME)
    ),
    userAccounts=few(
        has(
            {"name": NAME, "password": TEXT},
            elevationLevel=one_of("userAccounts", "elevationLevel"),
            linuxUserConfiguration=some(uid=st.integers(1, 9), sshPrivateKey=TEXT),
            windowsUserConfiguration=some(loginMode=one_of("windowsUserConfiguration", "loginMode")),
        )
    ),
    metadata=few(st.fixed_dictionaries({"name": NAME, "value": TEXT})),
    mountConfiguration=few(MOUNT),
    upgradePolicy=has({"mode": one_of("upgradePolicy", "mode")}),
    identity=st.fixed_dictionaries(
        {
            "type": st.just("UserAssigned"),
            "userAssignedIdentities": st.lists(IDENTITY, min_size=1, max_size=2, unique_by=str),
        }
    ),
)
POOLS = st.builds(lambda rest, scale: rest | scale, REST, SCALE)
