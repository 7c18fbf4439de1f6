"""The vendors' schemas as validators.

Both schemas describe a message as nested ``anyOf`` over dozens of kinds. Trying them all makes validation exponentially
slow; a JSON object that says its ``type`` is checked only against the kinds which allow that type. The verdict is the
same, since the others fail on ``type``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft6Validator, Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from tests.shared import shared


def _types(schema: Any, definitions: dict[str, Any]) -> set[str] | None:  # noqa: PLR0911
    """The values of ``type`` that ``schema`` can allow; None when it does not say."""
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return _types(definitions[schema["$ref"].removeprefix("#/definitions/")], definitions)
    kind = schema.get("properties", {}).get("type")
    if isinstance(kind, dict) and "const" in kind:
        return {kind["const"]}
    if isinstance(kind, dict) and "enum" in kind:
        return set(kind["enum"])
    for part in schema.get("allOf", ()):
        if (found := _types(part, definitions)) is not None:
            return found
    if "anyOf" in schema:
        parts = [_types(part, definitions) for part in schema["anyOf"]]
        return None if None in parts else set().union(*(part for part in parts if part))
    return None


def _validator(draft: Any, schema: dict[str, Any]) -> Any:
    definitions = schema["definitions"]
    legal: set[tuple[int, bytes]] = set()
    known: dict[int, list[tuple[Any, set[str] | None]]] = {}

    def any_of(validator: Any, parts: list[Any], instance: Any, whole: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, dict) or not isinstance(kind := instance.get("type"), str):
            yield from draft.VALIDATORS["anyOf"](validator, parts, instance, whole)
            return
        seen = (id(parts), msgspec.json.encode(instance))
        if seen in legal:
            return
        if id(parts) not in known:
            known[id(parts)] = [(part, _types(part, definitions)) for part in parts]
        fit = [part for part, types in known[id(parts)] if types is None or kind in types]
        errors: list[ValidationError] = []
        if not fit:
            errors.append(ValidationError(f"no {kind!r} here: {json.dumps(instance)[:200]}"))
        elif len(fit) == 1:
            errors.extend(validator.descend(instance, fit[0]))
        else:
            errors.extend(draft.VALIDATORS["anyOf"](validator, fit, instance, whole))
        if not errors and len(seen[1]) < 500 and len(legal) < 100_000:  # cells and words repeat, from card to card
            legal.add(seen)
        yield from errors

    extended: Any = extend(draft, {"anyOf": any_of})  # type: ignore[no-untyped-call]
    return extended(schema)


@cache
def slack_blocks() -> Any:
    return _validator(Draft7Validator, json.loads(shared("chat/schemas/SlackBlocks.schema.json").read_text()))


@cache
def slack_view() -> Any:
    return _validator(Draft7Validator, json.loads(shared("chat/schemas/SlackView.schema.json").read_text()))


@cache
def adaptive_card() -> Any:
    """Adaptive Card 1.5 with what Teams adds: ``msteams`` on cards and images, ``targetWidth`` of columns, CodeBlock,
    choices that are searched."""
    schema = json.loads(shared("chat/schemas/adaptive-card-1.5.0.json").read_text())
    definitions = schema["definitions"]
    definitions["AdaptiveCard"]["properties"]["msteams"] = {"type": "object"}
    definitions["Image"]["properties"]["msteams"] = {"type": "object"}
    definitions["Column"]["properties"]["targetWidth"] = {"enum": ["atLeast:standard", "atLeast:wide"]}
    choices = definitions["Input.ChoiceSet"]["properties"]
    choices["style"] = {"enum": ["compact", "expanded", "filtered"]}
    choices["choices.data"] = {
        "type": "object",
        "properties": {
            "type": {"enum": ["Data.Query"]},
            "dataset": {"type": "string", "minLength": 1},
            "associatedInputs": {"enum": ["auto", "none"]},
        },
        "required": ["type", "dataset"],
        "additionalProperties": False,
    }
    definitions["CodeBlock"] = {
        "type": "object",
        "properties": {
            "type": {"enum": ["CodeBlock"]},
            "codeSnippet": {"type": "string"},
            "language": {"enum": ["PlainText"]},
            "startLineNumber": {"type": "integer", "minimum": 2},
            "fallback": {},
        },
        "required": ["codeSnippet"],
        "additionalProperties": False,
        "allOf": [{"$ref": "#/definitions/Extendable.Element"}],
    }
    definitions["ImplementationsOf.Element"]["anyOf"].append(
        {"required": ["type"], "allOf": [{"$ref": "#/definitions/CodeBlock"}]}
    )
    return _validator(Draft6Validator, schema)


def faults(validator: Any, payload: object) -> list[str]:
    """What is wrong with ``payload``, in words; empty when it is legal."""
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in validator.iter_errors(payload)
    ]
