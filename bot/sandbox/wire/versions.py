"""What the answered api-versions of the data plane do not have in common.

The sandbox thinks in the union of all of them; an answer leaves out what its version does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

NEWEST: Final = "2025-06-01"

_SINCE_2025: Final = frozenset(
    {"ipv6Address", "ipFamilies", "ipTags", "diskEncryptionSet", "proxyAgentSettings"},
)
_SINCE_2024_07: Final = frozenset(
    {
        "communityGalleryImageId",
        "containerHostBatchBindMounts",
        "deallocated",
        "deallocating",
        "sharedGalleryImageId",
    }
)
_UNTIL_2025: Final = frozenset(
    {
        "authenticationTokenSettings",
        "certificateReferences",
        "currentNodeCommunicationMode",
        "resourceTags",
        "targetNodeCommunicationMode",
    }
)

UNKNOWN: Final[Mapping[str, frozenset[str]]] = {
    "2024-02-01.19.0": _SINCE_2025 | _SINCE_2024_07,
    "2024-07-01.20.0": _SINCE_2025,
    NEWEST: _UNTIL_2025,
}
"""api-version -> the names its documents do not have; wherever they stand in a body, they are left out."""


def dress(body: Struct, version: str) -> Any:
    """The body as ``version`` says it: the Struct itself where nothing differs, else a dict of wire names."""
    kind = type(body).__name__
    if kind == "Task":
        strange = _task_is_strange(body, version)
    elif kind == "Node":
        strange = version == "2024-02-01.19.0"
    else:
        strange = kind in {"Pool", "Job", "JobSchedule", "PoolNodeCounts"}
    if not strange:
        return body
    dressed = _strip(msgspec.to_builtins(body), UNKNOWN[version])
    if kind == "Pool" and version != NEWEST:
        dressed.setdefault("certificateReferences", [])
    return dressed


def knows(name: str, version: str) -> bool:
    """Whether a property of that name may be selected in ``version``."""
    return name not in UNKNOWN[version]


def _task_is_strange(body: Any, version: str) -> bool:
    """Tasks come by the hundred thousand; few hold anything that versions differ in."""
    if version == NEWEST:
        return body.authentication_token_settings is not None
    return body.container_settings is not None


def _strip(value: Any, unknown: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _strip(item, unknown) for name, item in value.items() if name not in unknown}
    if isinstance(value, list):
        return [_strip(item, unknown) for item in value]
    return value
