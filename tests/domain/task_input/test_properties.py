"""The table of properties is the official document's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.task_input.properties import TASK, Kinds
from tests.shared import shared


def test_the_table_has_what_the_official_document_has() -> None:
    path = shared("azure/specs/batch-data-plane-2024-07-01.20.0/BatchService.json")
    document = json.loads(path.read_text())["definitions"]
    assert _object(document, "TaskAddParameter") == TASK


def _object(document: Mapping[str, Any], name: str) -> Kinds:
    properties = document[name]["properties"]
    return {key: _kind(document, value) for key, value in properties.items() if not value.get("readOnly")}


def _kind(document: Mapping[str, Any], value: Mapping[str, Any]) -> Any:
    named = (value.get("$ref") or (value.get("allOf") or [{}])[0].get("$ref") or "").split("/")[-1]
    if named and document[named].get("properties"):
        return _object(document, named)
    if value.get("type") == "array":
        item = _kind(document, value["items"])
        return "texts" if item == "text" else [item]
    return {"integer": "number", "boolean": "flag"}.get(str(value.get("type")), "text")
