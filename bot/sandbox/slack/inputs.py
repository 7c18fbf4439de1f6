"""What can be chosen and typed in each kind of element, and how Slack reports it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from bot.sandbox.slack.errors import StandInError
from bot.sandbox.slack.people import Json
from bot.sandbox.slack.rules import elements


@dataclass(frozen=True)
class Kind:
    """Where an element's choice is reported (``key``) and what it starts with (``initial``)."""

    key: str
    initial: str
    several: bool = False
    options: bool = False


_TEXT = Kind("value", "initial_value")
_OPTION = Kind("selected_option", "initial_option", options=True)
_OPTIONS = Kind("selected_options", "initial_options", several=True, options=True)

KINDS: dict[str, Kind] = {
    "plain_text_input": _TEXT,
    "email_text_input": _TEXT,
    "url_text_input": _TEXT,
    "number_input": _TEXT,
    "rich_text_input": Kind("rich_text_value", "initial_value"),
    "file_input": Kind("files", "", several=True),
    "static_select": _OPTION,
    "external_select": _OPTION,
    "radio_buttons": _OPTION,
    "multi_static_select": _OPTIONS,
    "multi_external_select": _OPTIONS,
    "checkboxes": _OPTIONS,
    "datepicker": Kind("selected_date", "initial_date"),
    "timepicker": Kind("selected_time", "initial_time"),
    "datetimepicker": Kind("selected_date_time", "initial_date_time"),
    **{
        f"{source}s_select": Kind(f"selected_{source}", f"initial_{source}")
        for source in ("user", "channel", "conversation")
    },
    **{
        f"multi_{source}s_select": Kind(f"selected_{source}s", f"initial_{source}s", several=True)
        for source in ("user", "channel", "conversation")
    },
}
"""Elements that remember; buttons and overflow menus do not."""

Found = tuple[Mapping[str, Any], Mapping[str, Any]]


def initial_state(blocks: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Json]]:
    """``state.values`` of blocks that nobody has touched."""
    state: dict[str, dict[str, Json]] = {}
    for block, element in elements(blocks):
        if kind := KINDS.get(element["type"]):
            first = element.get(kind.initial) if kind.initial else None
            start = first if first is not None else ([] if kind.several else None)
            state.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], kind.key: start}
    return state


def find(blocks: Sequence[Mapping[str, Any]], action_id: str, block_id: str | None, value: str | None = None) -> Found:
    """The (block, element) that somebody wants to use. StandInError: no_such_element, ambiguous_element."""
    fits = [
        (block, element)
        for block, element in elements(blocks)
        if element.get("action_id") == action_id and block_id in (None, block["block_id"])
    ]
    if len(fits) > 1 and value is not None:
        fits = [(block, element) for block, element in fits if element.get("value") == value]
    if not fits:
        known = ", ".join(f"{block['block_id']}/{element.get('action_id')}" for block, element in elements(blocks))
        raise StandInError(
            "no_such_element", f"there is no {block_id or '*'}/{action_id}; there are: {known or 'none'}"
        )
    if len(fits) > 1:
        raise StandInError("ambiguous_element", f"{len(fits)} elements are called {action_id}: name the block")
    return fits[0]


def options_of(element: Mapping[str, Any]) -> list[Json]:
    """All options of an element, of its groups too."""
    options = list(element.get("options") or ())
    for group in element.get("option_groups") or ():
        options += group["options"]
    return options


def chosen(element: Mapping[str, Any], given: object, offered: Iterable[Json] = ()) -> Json:
    """What is reported when ``given`` is chosen or typed: the key and value of the element's kind.

    ``offered`` are options that came from the app. StandInError: no_such_option, not_a_choice, too_many_options.
    """
    kind = KINDS.get(element["type"])
    if kind is None:
        raise StandInError("not_a_choice", f"a {element['type']} takes no value")
    if isinstance(given, Mapping):
        return {kind.key: given.get(kind.key)}
    if kind.several:
        values = [given] if isinstance(given, str) else list(given or ())  # type: ignore[call-overload]
        if len(values) > element.get("max_selected_items", len(values)):
            raise StandInError("too_many_options", f"at most {element['max_selected_items']} may be chosen")
        return {kind.key: [_option(element, value, offered) if kind.options else value for value in values]}
    if kind.options:
        return {kind.key: None if given is None else _option(element, given, offered)}
    if given is not None and not _picked(element["type"], given):
        raise StandInError("not_a_choice", f"a {element['type']} cannot be set to {given!r:.60}")
    return {kind.key: given}


def _picked(kind: str, given: object) -> bool:
    """Whether a picker can be set to this: dates, times of day and moments are picked, not typed."""
    try:
        match kind:
            case "datepicker":
                return date.fromisoformat(str(given)).isoformat() == given
            case "timepicker":
                return f"{datetime.strptime(str(given), '%H:%M').replace(tzinfo=UTC):%H:%M}" == given
            case "datetimepicker":
                return isinstance(given, int) and not isinstance(given, bool) and len(str(given)) == 10
    except ValueError:
        return False
    return True


def pick(element: Mapping[str, Any], value: object) -> Json:
    """The option of an overflow menu."""
    return _option(element, value, ())


def _option(element: Mapping[str, Any], value: object, offered: Iterable[Json]) -> Json:
    for option in [*options_of(element), *offered]:
        if option["value"] == value:
            return option
    raise StandInError("no_such_option", f"{element.get('action_id')} has no option with value {value!r}")


def missing(blocks: Sequence[Mapping[str, Any]], state: Mapping[str, Mapping[str, Json]]) -> dict[str, str]:
    """The errors with which Slack's own form would stop a submission, by block id."""
    errors = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        kind = KINDS[element["type"]]
        value = state.get(block["block_id"], {}).get(element["action_id"], {}).get(kind.key)
        if value in (None, "", []):
            if not block.get("optional"):
                errors[block["block_id"]] = "Please complete this required field."
        elif words := _unfit(element, value):
            errors[block["block_id"]] = words
    return errors


def _unfit(element: Mapping[str, Any], value: Any) -> str:
    match element["type"]:
        case "plain_text_input":
            if len(value) < element.get("min_length", 0):
                return f"Please use at least {element['min_length']} characters."
            if len(value) > element.get("max_length", 3000):
                return f"Please use at most {element.get('max_length', 3000)} characters."
        case "number_input":
            return _unfit_number(element, str(value))
        case "email_text_input" if "@" not in value:
            return "Please enter a valid email address."
        case "url_text_input" if not value.startswith(("http://", "https://")):
            return "Please enter a valid URL."
    return ""


def _unfit_number(element: Mapping[str, Any], value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    if element.get("min_value") is not None and number < float(element["min_value"]):
        return f"Please enter a number not below {element['min_value']}."
    if element.get("max_value") is not None and number > float(element["max_value"]):
        return f"Please enter a number not above {element['max_value']}."
    return ""
