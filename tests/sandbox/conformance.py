"""Holds what the sandbox says against Microsoft's own documents.

    with conformance(sandbox) as seen:
        ...                       # anything that talks to the sandbox
    assert seen.answers           # every answer validated, or the block has failed

The documents are OpenAPI 2, whose schemas are JSON schema draft 4. Enumerations are compared without case, because the
service answers some of them in a case of its own, and some requirements are forgiven that the service itself does not
meet: ``password`` and ``accountKey``, which are never answered, and count columns younger than the api-version that was
asked; nor is an application without a display name a mistake, and the length of a file is answered as text, as the
recordings show.
Beyond the documents' own rules a property that they do not name is a mistake here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from aiohttp import web
from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from bot.sandbox.server import AzureSandbox
from tests.shared import shared

DATA_PLANE = "batch-data-plane-2024-07-01.20.0/BatchService.json"
ARM = "batch-arm-2024-02-01/BatchManagement.json"
LATER_COLUMNS = {"deallocated", "deallocating", "upgradingOS"}
NOT_REQUIRED = {"accountKey", "displayName", "password"}
SAYS_MORE = {"odata.metadata", "odata.nextLink"}

ORIGIN = "http://documents.invalid/"
"""Where the documents pretend to lie, so that the references between them resolve as in their own repository."""

DOCUMENTED = re.compile(r"/subscriptions/.*/providers/Microsoft\.Batch/(?!.*OperationResults)", re.IGNORECASE)
"""Paths of Resource Manager that the document has: not other providers', nor where one asks about operations."""

DURATION = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")


@dataclass
class Seen:
    """What a block saw: how many answers, and what was wrong with them."""

    answers: int = 0
    complaints: list[str] = field(default_factory=list)


@contextmanager
def conformance(sandbox: AzureSandbox) -> Iterator[Seen]:
    """Validates every answer given while the block runs; the block fails where one does not conform."""
    _document(DATA_PLANE), _document(ARM)  # skips here, and not inside the server, where they are absent
    seen = Seen()

    def witness(request: web.Request, response: web.Response) -> None:
        document = ARM if request.app is sandbox.arm.app else DATA_PLANE
        if document == ARM and not DOCUMENTED.match(request.path):
            return
        seen.answers += 1
        body = bytes(response.body) if isinstance(response.body, bytes) else b""
        for complaint in complaints(document, request.method, request.path, response.status, body):
            seen.complaints.append(f"{request.method} {request.path_qs} {response.status}: {complaint}")

    listeners = [*sandbox.accounts.values(), sandbox.arm]
    for listener in listeners:
        listener.observers.append(witness)
    try:
        yield seen
    finally:
        for listener in listeners:
            listener.observers.remove(witness)
    assert not seen.complaints, "\n".join(seen.complaints[:20])


def complaints(document: str, method: str, path: str, status: int, body: bytes) -> list[str]:
    """What the document says against an answer; ``path`` is decoded and without query."""
    if method == "HEAD" or status in {204, 304}:
        return ["a body where none may be"] if body and method != "HEAD" else []
    operation = _operation(document, method, path)
    if operation is None:
        # A route the document does not have is a refusal of the ordinary shape.
        if status < 400:
            return ["the document has no such route"]
        return _check(
            document, {"$ref": f"#/definitions/{'BatchError' if document == DATA_PLANE else 'CloudError'}"}, body
        )
    schema = operation["responses"].get(str(status), operation["responses"]["default"]).get("schema")
    if status < 400 and str(status) not in operation["responses"]:
        return [f"the document does not know the status {status}"]
    return _check(document, schema, body) if schema and schema.get("format") != "file" else []


def _check(document: str, schema: Mapping[str, Any], body: bytes) -> list[str]:
    base = _uri(document)
    absolute = json.loads(re.sub(r'(?<="\$ref": ")[^"]+', lambda ref: urljoin(base, ref[0]), json.dumps(schema)))
    validator = _Validator(absolute, registry=_registry(), format_checker=_formats)
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(json.loads(body))]


@cache
def _document(name: str) -> Any:
    """A document, with what its definitions inherit written out."""
    document = json.loads(shared(f"azure/specs/{name}").read_bytes())
    definitions = document["definitions"]
    for definition in definitions.values():
        for parent in definition.pop("allOf", []):
            other, _, pointer = parent["$ref"].partition("#")
            home = _document(_file(urljoin(_uri(name), other)))["definitions"] if other else definitions
            inherited = home[pointer.rpartition("/")[2]]
            definition["properties"] = inherited.get("properties", {}) | definition.get("properties", {})
            definition["required"] = [*inherited.get("required", []), *definition.get("required", [])]
    return document


def _uri(name: str) -> str:
    return f"{ORIGIN}{name}"


def _operation(document: str, method: str, path: str) -> Any:
    """The operation that serves ``path``; templates match without case, as the services do."""
    for template, pattern in _patterns(document):
        if pattern.fullmatch(path):
            return _document(document)["paths"][template].get(method.lower())
    return None


@cache
def _patterns(document: str) -> list[tuple[str, re.Pattern[str]]]:
    templates = sorted(_document(document)["paths"], key=lambda template: template.count("{"))
    return [(template, _pattern(template)) for template in templates]


def _pattern(template: str) -> re.Pattern[str]:
    """What paths look like; a file's has slashes of its own."""
    text = re.escape(template).replace(re.escape("{filePath}"), ".+")
    return re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", text), re.IGNORECASE)


def _file(uri: str) -> str:
    """The document that pretends to lie there; the last three steps of an external reference are its name here."""
    name = uri.removeprefix(ORIGIN)
    if not (shared("azure/specs") / name).exists():
        name = "common-types/" + "-".join(Path(name).parts[-3:]).replace("common-types-", "monitor-")
    return name


@cache
def _registry() -> Registry[Any]:
    def retrieve(uri: str) -> Resource[Any]:
        return DRAFT4.create_resource(_document(_file(uri)))

    return Registry(retrieve=retrieve)  # type: ignore[call-arg]


_formats = FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value).tzinfo)


@_formats.checks("duration")
def _is_duration(value: object) -> bool:
    return not isinstance(value, str) or DURATION.fullmatch(value) is not None


def _enum(validator: Any, options: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    if str(instance).lower() not in {str(option).lower() for option in options}:
        yield ValidationError(f"{instance!r} is not one of {options!r}")


def _type(validator: Any, kind: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if schema.get("format") == "int64" and isinstance(instance, str) and instance.isdigit():
        return
    yield from Draft4Validator.VALIDATORS["type"](validator, kind, instance, schema)


def _required(validator: Any, names: list[str], instance: Any, schema: Any) -> Iterator[ValidationError]:
    for name in names:
        if isinstance(instance, dict) and name not in instance and name not in NOT_REQUIRED | LATER_COLUMNS:
            yield ValidationError(f"{name!r} is required")


def _properties(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for name, subschema in properties.items():
        if name in instance:
            yield from validator.descend(instance[name], subschema, path=name, schema_path=name)
    if "additionalProperties" not in schema:
        for name in instance.keys() - properties.keys() - SAYS_MORE:
            yield ValidationError(f"{name!r} is not in the document")


_Validator = extend(Draft4Validator, {"enum": _enum, "type": _type, "required": _required, "properties": _properties})
