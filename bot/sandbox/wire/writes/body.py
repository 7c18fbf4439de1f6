"""Reading the body of a write as the service does.

Property names are checked all the way down against what the asked api-version knows; numbers and booleans may be text;
durations may be any ISO 8601 form; enumerations are taken in any case. Write-only values are dropped here: nothing
beyond this module sees a password, except where a request has to have one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct, inspect

from bot.sandbox.world.durations import normalised

from ..errors import Refusal
from ..request import VERSION
from ..versions import NEWEST, knows

MOST_BYTES: Final = 1024 * 1024
"""A larger body is refused with RequestBodyTooLarge."""

_MEDIA: Final = "application/json"
_DURATIONS: Final = frozenset(
    {
        "autoScaleEvaluationInterval",
        "maxWallClockTime",
        "recurrenceInterval",
        "resizeTimeout",
        "retentionTime",
        "startWindow",
    }
)
_ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "certificateFormat": ("pfx", "cer"),
    "dependencyAction": ("satisfy", "block"),
    "disableTasks": ("requeue", "terminate", "wait"),
    "dynamicVNetAssignmentScope": ("none", "job"),
    "elevationLevel": ("nonadmin", "admin"),
    "jobDefaultOrder": ("none", "creationtime"),
    "jobAction": ("none", "disable", "terminate"),
    "mode": ("automatic", "manual", "rolling"),
    "nodeDeallocateOption": ("requeue", "terminate", "taskcompletion", "retaineddata"),
    "nodeDeallocationOption": ("requeue", "terminate", "taskcompletion", "retaineddata"),
    "nodeDisableSchedulingOption": ("requeue", "terminate", "taskcompletion"),
    "nodeFillType": ("Spread", "Pack"),
    "nodeRebootOption": ("requeue", "terminate", "taskcompletion", "retaineddata"),
    "nodeReimageOption": ("requeue", "terminate", "taskcompletion", "retaineddata"),
    "onAllTasksComplete": ("noaction", "terminatejob"),
    "onTaskFailure": ("noaction", "performexitoptionsjobaction"),
    "policy": ("Regional", "Zonal"),
    "poolLifetimeOption": ("jobschedule", "job"),
    "scope": ("task", "pool"),
    "targetNodeCommunicationMode": ("default", "classic", "simplified"),
    "uploadCondition": ("tasksuccess", "taskfailure", "taskcompletion"),
}
_WRITE_ONLY: Final = frozenset({"accountKey", "password", "protectedSettings", "sasKey", "sshPrivateKey"})
_OLDER: Final = frozenset({"certificateReferences"})
"""Names that older api-versions take and that change nothing any more."""

_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_PLACE: Final = re.compile(r" - at `\$?\.?(.*)`$")

T = TypeVar("T", bound=Struct)


async def read(request: web.Request, kind: type[T]) -> T:
    """The body as an object of that kind. Raises `Refusal` (400, 413)."""
    data = await request.read()
    if len(data) > MOST_BYTES:
        raise Refusal("RequestBodyTooLarge")
    _check_type(request)
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise malformed("The request body is not valid JSON" if data else "The request body is missing") from None
    return convert(raw, kind, request[VERSION])


async def read_optional(request: web.Request, kind: type[T]) -> T:
    """The same where the body may be left out."""
    return await read(request, kind) if await request.read() else kind()


def convert(raw: object, kind: type[T], version: str, *, partial: bool = False) -> T:
    """JSON that was decoded already as an object of that kind. Raises `Refusal` (400).

    Of a partial one no required property is missed: text ones are empty.
    """
    tidy = _tidied(raw, kind, version, [])
    if partial:
        tidy = {field.encode_name: "" for field in msgspec.structs.fields(kind) if field.required} | tidy
    try:
        return msgspec.convert(tidy, kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        if missing := _MISSING.match(text):
            raise Refusal("MissingRequiredProperty", [("PropertyName", missing[1])]) from None
        place = _PLACE.search(text)
        name = place[1] if place else kind.__name__
        raise malformed(f"The value of '{name}' is not valid: {_PLACE.sub('', text)}") from None


def malformed(reason: str) -> Refusal:
    """The body cannot be understood. Resource Manager's twin of it is recorded; the reasons are ours."""
    return Refusal("InvalidRequestBody", [("Reason", reason)])


def invalid(name: str, value: object, reason: str) -> Refusal:
    """A property has a value that it cannot have."""
    return Refusal("InvalidPropertyValue", [("PropertyName", name), ("PropertyValue", f"{value}"), ("Reason", reason)])


def _check_type(request: web.Request) -> None:
    given = request.headers.get("Content-Type", "")
    if given.partition(";")[0].strip().lower() != _MEDIA:
        raise Refusal("InvalidHeaderValue", [("HeaderName", "Content-Type"), ("HeaderValue", given)])


def _tidied(value: object, kind: type[Struct], version: str, path: list[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise malformed(f"An object was expected for '{'.'.join(path) or kind.__name__}'")
    properties, tidy = _properties(kind), {}
    for name, item in value.items():
        if name.startswith("odata.") or (name in _WRITE_ONLY and name not in properties):
            continue
        if name not in properties or not knows(name, version, path[-1] if path else ""):
            if name in _OLDER and version != NEWEST:
                continue
            raise malformed(
                f"The property '{name}' does not exist on type 'Microsoft.Azure.Batch.Protocol.Entities."
                f"{kind.__name__}'. Make sure to only use property names that are defined by the type."
            )
        if item is not None:
            tidy[name] = _item(item, name, properties[name], version, [*path, name])
    return tidy


def _item(item: Any, name: str, inner: type[Struct] | None, version: str, path: list[str]) -> Any:
    if inner is not None:
        if isinstance(item, list):
            return [_tidied(one, inner, version, path) for one in item]
        return _tidied(item, inner, version, path)
    if isinstance(item, str):
        return _text(item, name)
    return _without_write_only(item)


def _text(item: str, name: str) -> str:
    if name in _DURATIONS:
        try:
            return normalised(item)
        except ValueError:
            raise malformed(f"Cannot convert the literal '{item}' to the expected type 'Edm.Duration'.") from None
    if (options := _ENUMS.get(name)) is not None:
        for option in options:
            if option.lower() == item.lower():
                return option
        raise invalid(name, item, f"The value has to be one of {', '.join(options)}")
    return item


def _without_write_only(item: Any) -> Any:
    if isinstance(item, dict):
        return {name: _without_write_only(inner) for name, inner in item.items() if name not in _WRITE_ONLY}
    if isinstance(item, list):
        return [_without_write_only(inner) for inner in item]
    return item


@cache
def _properties(kind: type[Struct]) -> Mapping[str, type[Struct] | None]:
    """Wire name -> the Struct that the property is, or is a list of; None for everything else."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)  # noqa: S101  kinds are Structs
    return {field.encode_name: _inner(field.type) for field in described.fields}


def _inner(described: inspect.Type) -> type[Struct] | None:
    match described:
        case inspect.StructType(cls=cls):
            return cls
        case inspect.ListType(item_type=item):
            return _inner(item)
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := _inner(one)) is not None), None)
    return None
