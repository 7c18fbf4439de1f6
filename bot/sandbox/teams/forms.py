"""What a client does with a card's inputs before it sends anything: defaults, checks, and the data that goes along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bot.sandbox.teams.cards import Press
from bot.sandbox.teams.errors import StandInError

Json: TypeAlias = dict[str, Any]


def gather(press: Press, inputs: Mapping[str, str]) -> object:
    """The data of an action with the values of its inputs, all strings; empty ones are left out, as the client does.

    Raises ``InputRequired`` or ``InputInvalid`` (the client sends nothing then) and ``NoSuchInput``.
    """
    elements = {element["id"]: element for element in press.inputs()}
    unknown = set(inputs) - set(elements)
    if unknown:
        raise StandInError("NoSuchInput", ", ".join(sorted(unknown)))
    values = {}
    for name, element in elements.items():
        value = inputs[name] if name in inputs else _default(element)
        if value:
            _check(element, value)
            values[name] = value
        elif element.get("isRequired"):
            raise StandInError("InputRequired", element.get("errorMessage") or name)
    data = press.action.get("data")
    if isinstance(data, dict):
        return {**data, **values}
    return values if values or data is None else data


def _default(element: Json) -> str:
    value = element.get("value")
    if element["type"] == "Input.Toggle":
        return str(value) if value is not None else str(element.get("valueOff", "false"))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _check(element: Json, value: str) -> None:
    wrong = StandInError("InputInvalid", element.get("errorMessage") or f"{element['id']}: {value!r:.60}")
    match element["type"]:
        case "Input.Text":
            if len(value) > element.get("maxLength", len(value)):
                raise wrong
            if element.get("regex") and re.search(element["regex"], value) is None:
                raise wrong
        case "Input.Number":
            try:
                number = float(value)
            except ValueError:
                raise wrong from None
            if not element.get("min", number) <= number <= element.get("max", number):
                raise wrong
        case "Input.Toggle":
            if value not in {element.get("valueOn", "true"), element.get("valueOff", "false")}:
                raise wrong
        case "Input.Date" | "Input.Time" if not _picked(element, value):
            raise wrong
        case "Input.ChoiceSet" if "choices.data" not in element:
            chosen = value.split(",") if element.get("isMultiSelect") else [value]
            if not set(chosen) <= {choice["value"] for choice in element.get("choices", ())}:
                raise wrong


def _picked(element: Json, value: str) -> bool:
    """Whether a picker of dates or times of day can be set to this."""
    shape = "%Y-%m-%d" if element["type"] == "Input.Date" else "%H:%M"
    try:
        picked = datetime.strptime(value, shape).replace(tzinfo=UTC)
    except ValueError:
        return False
    return f"{picked:{shape}}" == value and bool(element.get("min", value) <= value <= element.get("max", value))
