"""A form as a Slack modal, and what comes back from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from cards.card import Field, Form, Option
from cards.click import Query, Submission
from cards.slack.text import TEXT, Json, plain
from cards.text_fit import Omitted, clean, clean_line, cut, isolate, pack, units

BLOCKS = 100
TITLE = 24
METADATA = 3_000
LABEL, HINT, ID = 2_000, 2_000, 255
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 75, 75
PLACEHOLDER = 150

CALLBACK = "form"
"""The view's callback_id."""
_NAMES = "names:"
"""Beginning of the action_id of a field that completes names; what of follows."""


def render_form(form: Form, carry: str = "") -> Json:
    """The form as a modal view for views.open and views.update.

    ``carry`` is opaque text that :func:`decode_submission` gives back. Raises ValueError when it is too long for the
    view's private_metadata (3,000 characters together with the command).
    """
    metadata = pack({"c": form.command, "h": form.how, "carry": carry})
    if units(metadata) > METADATA:
        raise ValueError(f"a Slack view carries {METADATA} characters, not {units(metadata)}")
    omitted = Omitted()
    blocks: list[Json] = []
    if intro := isolate(clean(form.intro).strip()):
        blocks.append({"type": "section", "text": plain(intro, TEXT)})
    last = BLOCKS - 1
    seen: set[str] = set()
    for field in form.fields:
        block_id = f"field:{field.name}"
        if len(blocks) >= last or units(block_id) > ID or block_id in seen:
            omitted.add("field", names=[field.label])
            continue
        seen.add(block_id)
        blocks.append(_input(field, block_id, omitted))
    if note := omitted.note():
        blocks.append({"type": "context", "elements": [plain(note, TEXT)]})
    if not blocks:
        blocks.append({"type": "section", "text": plain("Nothing to fill in.", TEXT)})
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": metadata,
        "title": plain(isolate(clean_line(form.title)), TITLE),
        "submit": plain(isolate(clean_line(form.submit)), TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": blocks,
    }


def decode_submission(view: Mapping[str, object]) -> Submission:
    """What was sent with a view of :func:`render_form`. Raises ValueError when the view is not one of those."""
    try:
        carried = json.loads(str(view["private_metadata"]))
        command, how, carry = str(carried["c"]), carried["h"], str(carried["carry"])
        state = cast("Mapping[str, Mapping[str, Mapping[str, object]]]", cast("Json", view["state"])["values"])
        values = dict(_values(state))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("this view is none of ours") from error
    if view.get("callback_id") != CALLBACK or how not in ("edit", "post"):
        raise ValueError("this view is none of ours")
    return Submission(command, how, values, carry)


def decode_query(body: Mapping[str, object]) -> Query | None:
    """What a block_suggestion asks for; None where the field is none of ours.

    Slack's ``view.state`` may lack what was chosen since the view was opened: the values it was opened with stand in.
    """
    kind, _, names = str(body.get("action_id", "")).partition(":")
    if f"{kind}:" != _NAMES or not names:
        return None
    try:
        view = cast("Mapping[str, object]", body["view"])
        submission = decode_submission(view)
        within = dict(_initial(cast("list[Json]", view["blocks"]))) | submission.values
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return Query(names, str(body.get("value") or ""), within, submission.carry)


def render_options(options: Iterable[Option]) -> list[Json]:
    """What a block_suggestion is answered with; a name that Slack cannot carry is left out."""
    return list(_options(tuple(options), Omitted()).values())


def _initial(blocks: Iterable[Json]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        kind, _, name = str(block.get("block_id", "")).partition(":")
        element = block.get("element")
        if kind == "field" and isinstance(element, Mapping) and "initial_option" in element:
            yield name, str(json.loads(str(element["initial_option"]["value"])))


def _values(state: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Iterator[tuple[str, str]]:
    for block_id, elements in state.items():
        kind, _, name = block_id.partition(":")
        if kind != "field":
            continue
        for element in elements.values():
            match element.get("type"):
                case "checkboxes":
                    yield name, "true" if element.get("selected_options") else "false"
                case "static_select" | "external_select":
                    if option := cast("Json | None", element.get("selected_option")):
                        yield name, str(json.loads(str(option["value"])))
                case _:
                    if value := element.get("value"):
                        yield name, str(value)


def _input(field: Field, block_id: str, omitted: Omitted) -> Json:
    label = isolate(clean_line(field.label or field.name))
    omitted.add("character of labels", units(label) - LABEL)
    block: Json = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, LABEL),
        "optional": field.kind == "flag" or not field.required,
        "element": _element(field, omitted),
    }
    if field.kind == "name":
        block["dispatch_action"] = True  # what is chosen here narrows what other fields offer
    if hint := isolate(clean_line(field.hint)):
        block["hint"] = plain(hint, HINT)
    return block


def _element(field: Field, omitted: Omitted) -> Json:
    if field.kind == "flag":
        option = {"text": plain("Yes", OPTION_TEXT), "value": "true"}
        return {
            "type": "checkboxes",
            "action_id": "value",
            "options": [option],
            **({"initial_options": [option]} if field.value.strip().lower() in {"true", "yes", "on", "1"} else {}),
        }
    if field.kind == "choice" and (options := _options(field.options, omitted)):
        chosen = options.get(pack(field.value))
        return {
            "type": "static_select",
            "action_id": "value",
            "options": list(options.values()),
            **({"initial_option": chosen} if chosen else {}),
        }
    value = clean_line(field.value)
    if field.kind == "name" and field.names and (select := _completed(field.names, value)):
        return select
    omitted.add("character of a value", units(value) - TEXT)
    initial = {"initial_value": cut(value, TEXT)} if value else {}
    if field.kind == "number" and (not value or _is_number(value)):
        return {"type": "number_input", "action_id": "value", "is_decimal_allowed": True, **initial}
    return {"type": "plain_text_input", "action_id": "value", **initial}


def _completed(names: str, value: str) -> Json | None:
    """A select that asks the bot while somebody types; None where it cannot hold the field's value."""
    chosen = render_options([Option(value, value)]) if value else []
    if len(chosen) < bool(value):
        return None
    return {
        "type": "external_select",
        "action_id": f"{_NAMES}{names}",
        "min_query_length": 0,
        "placeholder": plain("Type to search", PLACEHOLDER),
        **({"initial_option": chosen[0]} if chosen else {}),
    }


def _options(options: tuple[Option, ...], omitted: Omitted) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for option in options:
        value = pack(option.value)
        if units(value) <= OPTION_VALUE and value not in kept and len(kept) < OPTIONS:
            kept[value] = {
                "text": plain(isolate(clean_line(option.text or option.value)), OPTION_TEXT),
                "value": value,
            }
    omitted.add("choice", len(options) - len(kept))
    return kept


def _is_number(text: str) -> bool:
    try:
        return text.isascii() and abs(float(text)) < 1e15 and "_" not in text
    except ValueError:
        return False
