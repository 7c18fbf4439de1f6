"""A field of a form as a Slack input block, and the values of inputs as Slack reports them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import cast

from cards.card import Field, Option
from cards.form_values import FILE, choices, day, filled, hour, is_on, label, moment, several, whole, within, written
from cards.slack.text import TEXT, Json, plain
from cards.text_fit import Omitted, clean_line, cut, isolate, pack, units

LABEL, HINT = 2_000, 2_000
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 75, 75
PLACEHOLDER = 150
FILES = 10
_FIRST_MOMENT, _LAST_MOMENT = 10**9, 10**10 - 1
"""Slack's datetimepicker takes ten digits."""

_ATTACHED = f"{FILE}F"
"""Beginning of a file of Slack's; a reference to what the bot keeps is text, or it would be lost."""
VALUE, LIVE = "value", "live"
"""The action_id of a field, and of one whose changes have the form checked."""
NAMES, LIVE_NAMES = "names:", "live:"
"""The same where names are completed; what of follows."""


def input_block(field: Field, block_id: str, omitted: Omitted, *, live: bool) -> Json:
    """The input of a field; with ``live`` it reports each change where the field asks for it."""
    words = label(field)
    omitted.add("character of labels", units(words) - LABEL)
    refresh = live and field.refresh and field.kind != "file"
    block: Json = {
        "type": "input",
        "block_id": block_id,
        "label": plain(words, LABEL),
        "optional": field.kind == "flag" or not field.required,
        "element": _element(field, omitted, LIVE if refresh else VALUE, LIVE_NAMES if refresh else NAMES),
    }
    if refresh or field.kind == "name":
        block["dispatch_action"] = True  # what is chosen here narrows what other fields offer
    if hint := isolate(clean_line(field.hint)):
        block["hint"] = plain(hint, HINT)
    return block


def _element(field: Field, omitted: Omitted, action: str, names: str) -> Json:  # noqa: PLR0911 - one return a kind
    match field.kind:
        case "flag":
            option = {"text": plain("Yes", OPTION_TEXT), "value": "true"}
            on = {"initial_options": [option]} if is_on(field.value) else {}
            return {"type": "checkboxes", "action_id": action, "options": [option], **on}
        case "choice" if select := _select(field, omitted, action):
            return select
        case "choices" if select := _multi_select(field, omitted, action):
            return select
        case "name" if field.names and (select := _completed(field.names, clean_line(field.value), names)):
            return select
        case "date" if not field.value or day(field.value):
            return {"type": "datepicker", "action_id": action, **_initial("initial_date", day(field.value))}
        case "time" if not field.value or hour(field.value):
            return {"type": "timepicker", "action_id": action, **_initial("initial_time", hour(field.value))}
        case "moment" if not field.value or _seconds(field.value):
            at = {"initial_date_time": _seconds(field.value)} if field.value else {}
            return {"type": "datetimepicker", "action_id": action, **at}
        case "file" if all(part.startswith(_ATTACHED) for part in several(field.value)):  # Slack keeps what is attached
            return {"type": "file_input", "action_id": action, "max_files": min(max(field.most or 1, 1), FILES)}
    return _typed(field, omitted, action)


def _typed(field: Field, omitted: Omitted, action: str) -> Json:
    value = filled(field)
    omitted.add("character of a value", units(value) - TEXT)
    letters = {"dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]}} if action == LIVE else {}
    element: Json = {"action_id": action, **letters, **_initial("initial_value", cut(value, TEXT))}
    if field.kind == "number" and (not value or whole(value) is not None):
        return {"type": "number_input", "is_decimal_allowed": True, **element, **_bounds(field)}
    if field.lines or field.kind == "file":
        element["multiline"] = True
    return {"type": "plain_text_input", **element}


def _bounds(field: Field) -> Json:
    least, most = field.least, field.most
    if least is not None and most is not None and least > most:
        return {}
    bounds = {"min_value": least, "max_value": most}
    return {key: str(bound) for key, bound in bounds.items() if bound is not None}


def _initial(key: str, value: str) -> Json:
    return {key: value} if value else {}


def _seconds(value: str) -> int | None:
    at = moment(value)
    seconds = int(at.timestamp()) if at else 0
    return seconds if _FIRST_MOMENT <= seconds <= _LAST_MOMENT else None


def _select(field: Field, omitted: Omitted, action: str) -> Json | None:
    """None where there is nothing to choose, or what was chosen cannot be carried."""
    options = _options(choices(field), omitted, [field.value])
    chosen = options.get(pack(field.value))
    if not options or (field.value and chosen is None):
        return None
    return {
        "type": "static_select",
        "action_id": action,
        "options": list(options.values()),
        **({"initial_option": chosen} if chosen else {}),
    }


def _multi_select(field: Field, omitted: Omitted, action: str) -> Json | None:
    values = several(field.value)
    options = _options(choices(field), omitted, values)
    chosen = [options[packed] for value in values if (packed := pack(value)) in options]
    if not options or len(chosen) < len(values):
        return None
    most = {"max_selected_items": min(field.most, OPTIONS)} if field.most and field.most >= len(values) else {}
    return {
        "type": "multi_static_select",
        "action_id": action,
        "options": list(options.values()),
        **({"initial_options": chosen} if chosen else {}),
        **most,
    }


def _completed(names: str, value: str, action: str) -> Json | None:
    """A select that asks the bot while somebody types; None where it cannot hold the field's value."""
    chosen = render_options([Option(value, value)]) if value else []
    if len(chosen) < bool(value):
        return None
    return {
        "type": "external_select",
        "action_id": f"{action}{names}",
        "min_query_length": 0,
        "placeholder": plain("Type to search", PLACEHOLDER),
        **({"initial_option": chosen[0]} if chosen else {}),
    }


def render_options(options: Iterable[Option]) -> list[Json]:
    """What a block_suggestion is answered with; a name that Slack cannot carry is left out."""
    return list(_options(tuple(options), Omitted(), ()).values())


def _options(options: tuple[Option, ...], omitted: Omitted, chosen: Iterable[str]) -> dict[str, Json]:
    """Options by their packed value, which keeps apart what Slack would trim."""
    fit = [option for option in options if units(pack(option.value)) <= OPTION_VALUE]
    kept: dict[str, Json] = {
        pack(option.value): {
            "text": plain(isolate(clean_line(option.text or option.value)), OPTION_TEXT),
            "value": pack(option.value),
        }
        for option in within(fit, chosen, OPTIONS)
    }
    omitted.add("choice", len(options) - len(kept))
    return kept


def value_of(element: Mapping[str, object]) -> str | None:
    """The value of an input as it is reported in a view's state; None where nothing is filled in."""
    match element.get("type"):
        case "checkboxes":
            return "true" if element.get("selected_options") else "false"
        case "static_select" | "external_select":
            option = cast("Json | None", element.get("selected_option"))
            return str(json.loads(str(option["value"]))) if option else None
        case "multi_static_select":
            chosen = cast("list[Json]", element.get("selected_options") or [])
            return ",".join(str(json.loads(str(option["value"]))) for option in chosen) or None
        case "datepicker":
            value = element.get("selected_date")
        case "timepicker":
            value = element.get("selected_time")
        case "datetimepicker":
            seconds = element.get("selected_date_time")
            value = written(datetime.fromtimestamp(int(str(seconds)), UTC)) if seconds else None
        case "file_input":
            files = cast("list[Json]", element.get("files") or [])
            value = ",".join(f"{FILE}{file['id']}" for file in files)
        case _:
            value = element.get("value")
    return str(value) if value else None


def initial_values(blocks: Iterable[Json]) -> Iterator[tuple[str, str]]:
    """The choices that blocks were opened with, by block_id: what Slack leaves out of its state at times."""
    for block in blocks:
        element = block.get("element")
        if isinstance(element, Mapping) and "initial_option" in element:
            yield str(block.get("block_id", "")), str(json.loads(str(element["initial_option"]["value"])))
