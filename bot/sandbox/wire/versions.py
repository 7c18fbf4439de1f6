"""What the answered api-versions do not have in common, on the data plane and over Resource Manager.

The sandbox thinks in the union of all of them; an answer leaves out what its version does not know, and a request may
not have it. Both planes took up a property at the same date, so that one table does for both. Its sources are the
release notes of Microsoft's clients and, from 2021 to 2024, the recordings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

NEWEST: Final = "2025-06-01"

DATA_PLANE: Final = (
    "2021-06-01.14.0", "2022-01-01.15.0", "2022-06-01.15.0", "2022-10-01.16.0", "2023-05-01.17.0", "2023-11-01.18.0",
    "2024-02-01.19.0", "2024-07-01.20.0", NEWEST,
)  # fmt: skip
"""The api-versions of the data plane that are answered; 2022-06-01.15.0 is in no list, and recorded all the same."""

RESOURCE_MANAGER: Final = (
    "2021-06-01", "2022-01-01", "2022-06-01", "2022-10-01", "2023-05-01", "2023-11-01", "2024-02-01", "2024-07-01",
    NEWEST,
)  # fmt: skip
"""The api-versions of Resource Manager that are answered."""

_SINCE: Final[Mapping[str, frozenset[str]]] = {
    "2022-01-01": frozenset({"allowTaskPreemption", "uploadHeaders"}),
    "2022-10-01": frozenset({"currentNodeCommunicationMode", "targetNodeCommunicationMode"}),
    "2023-05-01": frozenset({"enableAcceleratedNetworking", "enableAutomaticUpgrade"}),
    "2023-11-01": frozenset(
        {
            "managedDisk", "resourceTags", "scaleSetVmResourceId", "securityProfile", "serviceArtifactReference",
            "writeAcceleratorEnabled",
        }
    ),
    "2024-02-01": frozenset({"upgradePolicy", "upgradingOS"}),
    "2024-07-01": frozenset(
        {
            "communityGalleryImageId", "containerHostBatchBindMounts", "deallocated", "deallocating",
            "sharedGalleryImageId",
        }
    ),
    NEWEST: frozenset(
        {"diskEncryptionSet", "ipFamilies", "ipTags", "ipv6Address", "jobDefaultOrder", "proxyAgentSettings"}
    ),
}  # fmt: skip
_UNTIL_NEWEST: Final = frozenset(
    {
        "authenticationTokenSettings",
        "certificateReferences",
        "currentNodeCommunicationMode",
        "resourceTags",
        "targetNodeCommunicationMode",
    }
)
_OS_DISK: Final = frozenset({"caching", "diskSizeGB"})
"""Names that a data disk always had, and the disk of the operating system since 2023-11-01."""


def _unknown(version: str) -> frozenset[str]:
    later = [names for date, names in _SINCE.items() if version[:10] < date]
    return frozenset().union(*later, _UNTIL_NEWEST if version == NEWEST else ())


UNKNOWN: Final[Mapping[str, frozenset[str]]] = {
    version: _unknown(version) for version in (*DATA_PLANE, *RESOURCE_MANAGER)
}
"""api-version -> the names that it does not have; wherever they stand in a body, they are left out."""


def dress(body: Struct, version: str) -> Any:
    """The body as ``version`` says it: the Struct itself where nothing differs, else a dict of wire names."""
    kind = type(body).__name__
    if kind == "Task":
        strange = _task_is_strange(body, version)
    elif kind == "Node":
        strange = version < "2024-07"
    else:
        strange = kind in {"Pool", "Job", "JobSchedule", "NodeVMExtension", "PoolNodeCounts"}
    if not strange:
        return body
    dressed = strip(msgspec.to_builtins(body), version)
    if kind == "Pool" and version != NEWEST:
        dressed.setdefault("certificateReferences", [])
    return dressed


def knows(name: str, version: str, parent: str = "") -> bool:
    """Whether ``version`` has a property of that name, below one that is called ``parent``."""
    if name in _OS_DISK and parent == "osDisk" and version < "2023-11":
        return False
    return name not in UNKNOWN[version]


def strip(value: Any, version: str) -> Any:
    """The value without what ``version`` does not know."""
    unknown = UNKNOWN[version]
    return _strip(value, unknown, unknown | _OS_DISK if version < "2023-11" else unknown)


def _strip(value: Any, unknown: frozenset[str], of_os_disk: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _strip(item, of_os_disk if name == "osDisk" else unknown, of_os_disk)
            for name, item in value.items()
            if name not in unknown
        }
    if isinstance(value, list):
        return [_strip(item, unknown, of_os_disk) for item in value]
    return value


def _task_is_strange(body: Any, version: str) -> bool:
    """Tasks come by the hundred thousand; few hold anything that versions differ in."""
    if version == NEWEST:
        return body.authentication_token_settings is not None
    return body.container_settings is not None or (version < "2022" and body.output_files is not None)
