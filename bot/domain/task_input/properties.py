"""Which properties a task has when it is added, and what kind of value each takes.

From the official document of the data plane 2024-07-01.20.0 (TaskAddParameter and what it refers to); 2025-06-01 adds
none and has dropped ``authenticationTokenSettings``. A test holds the table against the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from rapidfuzz import process

Kinds: TypeAlias = Mapping[str, "str | Kinds | list[Kinds]"]
"""By property: ``text``, ``number``, ``flag`` or ``texts``, an object by its own properties, or a list of such."""

_IDENTITY: Kinds = {"resourceId": "text"}
_RESOURCE_FILE: Kinds = {
    "autoStorageContainerName": "text",
    "storageContainerUrl": "text",
    "httpUrl": "text",
    "blobPrefix": "text",
    "filePath": "text",
    "fileMode": "text",
    "identityReference": _IDENTITY,
}
_EXIT: Kinds = {"jobAction": "text", "dependencyAction": "text"}

TASK: Kinds = {
    "id": "text",
    "displayName": "text",
    "commandLine": "text",
    "containerSettings": {
        "containerRunOptions": "text",
        "imageName": "text",
        "registry": {
            "username": "text",
            "password": "text",
            "registryServer": "text",
            "identityReference": _IDENTITY,
        },
        "workingDirectory": "text",
        "containerHostBatchBindMounts": [{"source": "text", "isReadOnly": "flag"}],
    },
    "exitConditions": {
        "exitCodes": [{"code": "number", "exitOptions": _EXIT}],
        "exitCodeRanges": [{"start": "number", "end": "number", "exitOptions": _EXIT}],
        "preProcessingError": _EXIT,
        "fileUploadError": _EXIT,
        "default": _EXIT,
    },
    "resourceFiles": [_RESOURCE_FILE],
    "outputFiles": [
        {
            "filePattern": "text",
            "destination": {
                "container": {
                    "path": "text",
                    "containerUrl": "text",
                    "identityReference": _IDENTITY,
                    "uploadHeaders": [{"name": "text", "value": "text"}],
                }
            },
            "uploadOptions": {"uploadCondition": "text"},
        }
    ],
    "environmentSettings": [{"name": "text", "value": "text"}],
    "affinityInfo": {"affinityId": "text"},
    "constraints": {"maxWallClockTime": "text", "retentionTime": "text", "maxTaskRetryCount": "number"},
    "requiredSlots": "number",
    "userIdentity": {"username": "text", "autoUser": {"scope": "text", "elevationLevel": "text"}},
    "multiInstanceSettings": {
        "numberOfInstances": "number",
        "coordinationCommandLine": "text",
        "commonResourceFiles": [_RESOURCE_FILE],
    },
    "dependsOn": {"taskIds": "texts", "taskIdRanges": [{"start": "number", "end": "number"}]},
    "applicationPackageReferences": [{"applicationId": "text", "version": "text"}],
    "authenticationTokenSettings": {"access": "texts"},
}

ANSWERED = frozenset(
    {
        *("odata.metadata", "url", "eTag", "lastModified", "creationTime", "state", "stateTransitionTime"),
        *("previousState", "previousStateTransitionTime", "executionInfo", "nodeInfo", "stats"),
    }
)
"""What the service adds to a task when it is read: a task that was copied from there has it, and it is left out."""

_NEAR = 60


def wrong(body: Mapping[str, Any], kinds: Kinds = TASK, where: str = "") -> Iterator[str]:
    """What is wrong with the properties of an object, a sentence each: unknown ones, and values of another kind."""
    for name, value in body.items():
        kind = kinds.get(name)
        if kind is None:
            yield _unknown(where + name, name, kinds)
        elif value is not None:
            yield from _wrong_value(value, kind, where + name)


def _wrong_value(value: Any, kind: str | Kinds | list[Kinds], path: str) -> Iterator[str]:
    match kind:
        case Mapping():
            if isinstance(value, Mapping):
                yield from wrong(value, kind, f"{path}.")
            else:
                yield f"{path} is an object, {{…}}, not {shown(value)}"
        case [each]:
            if not isinstance(value, list):
                yield f"{path} is a list, […], not {shown(value)}"
                return
            for position, item in enumerate(value):
                yield from _wrong_value(item, each, f"{path}[{position}]")
        case "texts":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                yield f"{path} is a list of texts, not {shown(value)}"
        case _ if not _fits(value, str(kind)):
            yield f"{path} is a {kind}, not {shown(value)}"


def _fits(value: Any, kind: str) -> bool:
    """Whether a simple value is of this kind; numbers and flags may be sent as text, as the service takes them."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "flag":
            return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false"))
    if isinstance(value, str):
        return value.removeprefix("-").isascii() and value.removeprefix("-").isdecimal()
    return isinstance(value, int) and not isinstance(value, bool)


def _unknown(path: str, name: str, kinds: Kinds) -> str:
    folded = {known.lower(): known for known in kinds}
    near = process.extractOne(name.replace("_", "").lower(), list(folded), score_cutoff=_NEAR)
    hint = f"did you mean {folded[near[0]]}?" if near else f"there are {', '.join(kinds)}"
    return f"{path} is not a property of a task: {hint}"


def shown(value: Any) -> str:
    """A value in a few words."""
    match value:
        case str():
            return f"“{value}”" if len(value) <= 40 else f"“{value[:39]}…”"
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case Mapping():
            return "an object"
    return str(value)[:40]
