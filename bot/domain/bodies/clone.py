"""An entity as the service answers it -> a body that makes another one like it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bot.domain.bodies.fields import ANSWERED_WITHIN, FIELDS, FREE_FORM, Body, Noun
from bot.domain.bodies.path import Path, spelled
from bot.domain.bodies.write_only import WriteOnly, missing, without_empty

_AUTHENTICATION = "authenticationTokenSettings"
RETIRED: Mapping[str, str] = MappingProxyType(
    {
        "applicationLicenses": "application licences are retired",
        _AUTHENTICATION: "tasks other than job managers get no authentication token any more",
        "certificateReferences": "certificates are retired",
        "certificates": "certificates are retired",
        "cloudServiceConfiguration": "cloud service pools are retired: choose an image",
        "resourceTags": "tags of a pool are set through Resource Manager",
        "targetNodeCommunicationMode": "every pool uses simplified communication",
    }
)
"""Fields of older versions, of both planes, that the version in use refuses, and why they are left out."""
_RENAMED: Mapping[str, str] = MappingProxyType(
    {"maxTasksPerNode": "taskSlotsPerNode", "targetDedicated": "targetDedicatedNodes", "blobSource": "httpUrl"}
)
"""Fields of older versions that are called otherwise now."""
_TARGETS = ("targetDedicatedNodes", "targetLowPriorityNodes", "resizeTimeout")
IDENTITY = "only Resource Manager gives a pool a managed identity: use Bicep or ARM JSON"


@dataclass(frozen=True)
class LeftOut:
    """A part of the original that the clone cannot have, and why, in words for people."""

    path: Path
    why: str

    @property
    def place(self) -> str:
        """Where it stood."""
        return spelled(self.path)


@dataclass(frozen=True)
class Clone:
    """A create body, what it could not take over, and the write-only values that it needs before it is sent."""

    body: Body
    left_out: tuple[LeftOut, ...] = ()
    needs: tuple[WriteOnly, ...] = ()


def clone(noun: Noun, answered: Mapping[str, Any], new_id: str = "", *, identity: bool = False) -> Clone:
    """The body that makes another one like the entity that a GET answered; under ``new_id`` where one is given.

    Left out without a word: what only the service writes (state, times, counts, ETag), and the node counts of a pool
    that scales itself, which cannot be sent beside its formula. Left out and listed: what the version in use refuses.
    A field that nobody knows stays. With ``identity`` a pool keeps its managed identity, which Resource Manager takes
    and the data plane refuses.
    """
    left: list[LeftOut] = []
    today = _today(dict(answered), (), left)
    kept = {
        name: value
        for name, value in today.items()
        if (name not in FIELDS[noun].answered or (name == "identity" and identity)) and value is not None
    }
    if new_id:
        kept["id"] = new_id
    if noun == "pool" and today.get("identity") and not identity:
        left.append(LeftOut(("identity",), IDENTITY))
    kept = without_empty(kept)
    return Clone(kept, tuple(left), tuple(missing(kept)))


def _today(value: Any, path: Path, left: list[LeftOut]) -> Any:
    """A copy in the shape of the version in use; what has no place in it is noted in ``left``."""
    if isinstance(value, list):
        return [_today(each, (*path, position), left) for position, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    made: Body = {}
    for name, held in value.items():
        if name in ANSWERED_WITHIN or (held is None and path):
            continue
        if name in RETIRED and not (name == _AUTHENTICATION and path[-1:] == ("jobManagerTask",)):
            left.append(LeftOut((*path, name), RETIRED[name]))
        elif name == "runElevated":
            if held:
                made.setdefault("userIdentity", {"autoUser": {"scope": "task", "elevationLevel": "admin"}})
        elif name == "storageAccountType" and path[-2:-1] == ("dataDisks",):
            made["managedDisk"] = {**made.get("managedDisk", {}), name: held}
        else:
            within = copy.deepcopy(held) if name in FREE_FORM else _today(held, (*path, name), left)
            made.setdefault(_RENAMED.get(name, name), within)
    if made.get("enableAutoScale"):
        for name in _TARGETS:
            made.pop(name, None)
    return made
