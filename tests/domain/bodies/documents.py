"""What the official documents and the client library say of bodies, and every body that was recorded."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any

from azure.batch import models
from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from bot.domain.bodies.fields import FREE_FORM, Noun
from tests.azure.recordings import recordings
from tests.shared import shared

ENTITY: dict[Noun, str] = {"pool": "CloudPool", "job": "CloudJob", "task": "CloudTask", "schedule": "CloudJobSchedule"}
ADD: dict[Noun, str] = {
    "pool": "PoolAddParameter",
    "job": "JobAddParameter",
    "task": "TaskAddParameter",
    "schedule": "JobScheduleAddParameter",
}
CHANGE: dict[Noun, str] = {
    "pool": "PoolPatchParameter",
    "job": "JobPatchParameter",
    "task": "TaskUpdateParameter",
    "schedule": "JobSchedulePatchParameter",
}
MODELS: dict[Noun, tuple[str, str, str]] = {
    "pool": ("BatchPool", "BatchPoolCreateOptions", "BatchPoolUpdateOptions"),
    "job": ("BatchJob", "BatchJobCreateOptions", "BatchJobUpdateOptions"),
    "task": ("BatchTask", "BatchTaskCreateOptions", ""),
    "schedule": ("BatchJobSchedule", "BatchJobScheduleCreateOptions", "BatchJobScheduleUpdateOptions"),
}
"""The library's models of what is answered, created and patched; a task's replacement is an entity there."""

_GETS: dict[str, Noun] = {
    "DP /pools": "pool",
    "DP /pools/{poolId}": "pool",
    "DP /jobs": "job",
    "DP /jobs/{jobId}": "job",
    "DP /jobschedules/{jobScheduleId}/jobs": "job",
    "DP /jobs/{jobId}/tasks": "task",
    "DP /jobs/{jobId}/tasks/{taskId}": "task",
    "DP /jobschedules": "schedule",
    "DP /jobschedules/{jobScheduleId}": "schedule",
}
NEVER_ANSWERED = {"password", "accountKey"}


@cache
def recorded(noun: Noun) -> tuple[dict[str, Any], ...]:
    """Every entity of a noun that a recorded GET answered whole, each different one once."""
    found: dict[str, dict[str, Any]] = {}
    for each in recordings():
        answer = each["response_body"]
        if each["method"] != "GET" or each["status"] != 200 or _GETS.get(each["route"]) != noun or not answer:
            continue
        if "$select" in each["uri"]:
            continue
        for entity in answer.get("value", [answer]):
            found.setdefault(json.dumps(entity, sort_keys=True), entity)
    return tuple(found.values())


@cache
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        shared("azure/specs/batch-data-plane-2024-07-01.20.0/BatchService.json").read_bytes()
    )
    return read


def documented(definition: str) -> set[str]:
    """The fields of a definition of the data plane's document."""
    return set(document()["definitions"][definition]["properties"])


def against_the_document(definition: str, body: Any) -> list[str]:
    """What the document says against a body: types and required fields, enumerations without case."""
    validator = _Validator({"$ref": f"#/definitions/{definition}", "definitions": document()["definitions"]})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


def unknown_fields(model: str, body: Any, place: str = "") -> Iterator[str]:
    """Places in a body that the library's model has no field for, or one that cannot be written."""
    known = fields_of(model)
    for name, value in body.items():
        here = f"{place}.{name}".lstrip(".")
        if name not in known:
            yield here
            continue
        inner, writable = known[name]
        if not writable:
            yield here
        if inner and name not in FREE_FORM:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    yield from unknown_fields(inner, each, here)


@cache
def fields_of(name: str) -> dict[str, tuple[str, bool]]:
    """The fields of a model of the library by their name on the wire: the model of their values, and if writable."""
    model = getattr(models, name)
    inner = {field: model for field, (model, _) in _typed_fields(name).items()}
    visible = {field._rest_name: getattr(field, "_visibility", None) for field in model._attr_to_rest_field.values()}
    return {field: (model, visible[field] != ["read"]) for field, model in inner.items()}


@cache
def kinds() -> dict[str, set[str]]:
    """Every field that may be sent anywhere, by name: what the library's models say that it holds."""
    found: dict[str, set[str]] = {}
    names = [created for _, created, _ in MODELS.values()]
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        for field, (inner, typed) in _typed_fields(name).items():
            several = "list[" in typed.lower()
            plain = "flag" if "bool" in typed else "number" if re.search(r"\bint\b", typed) else "value"
            kind = ("objects" if inner else "texts") if several else "object" if inner else plain
            found.setdefault(field, set()).add(kind)
            names += [inner] if inner else []
    return found


def _typed_fields(name: str) -> dict[str, tuple[str, str]]:
    model = getattr(models, name)
    annotations: dict[str, str] = {}
    for base in reversed(model.__mro__):
        annotations |= {key: str(value) for key, value in inspect.get_annotations(base).items()}
    model.__new__(model)  # fills its table of fields
    made = {}
    for attribute, field in model._attr_to_rest_field.items():
        typed = annotations.get(attribute, "")
        inner = [each for each in re.findall(r"_models\.(\w+)", typed) if not issubclass(getattr(models, each), Enum)]
        made[field._rest_name] = (inner[0] if inner else "", typed)
    return made


def _enum(validator: Any, values: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    if str(instance).lower() not in {str(value).lower() for value in values}:
        yield ValidationError(f"{instance!r} is none of {values!r}")


def _required(validator: Any, names: list[str], instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance and name not in NEVER_ANSWERED:
                yield ValidationError(f"{name!r} is required")


_Validator = extend(Draft4Validator, {"enum": _enum, "required": _required})
