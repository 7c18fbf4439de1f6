"""A form as the Adaptive Card of a Teams dialog, and what comes back from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from cards.card import Field, Form, Option
from cards.click import Query, Submission
from cards.text_fit import Omitted, clean, clean_line, cut, isolate, pack, size, units

ROOM = 35_000
TEXT, LABEL, HINT, VALUE, BUTTON = 3_000, 300, 300, 3_000, 75
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 100, 500
FOUND = 15
"""Results of a search that a client shows."""
CARRY = 8_000
_PREFIX = "field:"

Json = dict[str, object]


def render_form(form: Form, carry: str = "") -> Json:
    """The form as an Adaptive Card for a task module.

    ``carry`` is opaque text that :func:`decode_submission` gives back. Raises ValueError when it is longer than 8,000
    characters together with the command.
    """
    packed = pack({"c": form.command, "h": form.how, "carry": carry})
    if units(packed) > CARRY:
        raise ValueError(f"a Teams form carries {CARRY} characters, not {units(packed)}")
    omitted = Omitted()
    submit: Json = {
        "type": "Action.Submit",
        "title": cut(isolate(clean_line(form.submit)), BUTTON) or "Run",
        "style": "positive",
        "data": {"form": packed},
    }
    card: Json = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "msteams": {"width": "Full"},
        "fallbackText": cut(clean_line(form.title), LABEL) or "–",
    }
    body: list[Json] = []
    room = ROOM - size(submit) - size(card) - 1_000
    if intro := isolate(clean(form.intro).strip()):
        body.append(_rich(cut(intro, TEXT)))
        room -= size(body[0])
    seen: set[str] = set()
    for field in form.fields:
        name = _PREFIX + field.name
        element = _input(field, name, omitted)
        if name in seen or units(name) > LABEL or (need := size(element) + 1) > room:
            omitted.add("field", names=[field.label])
            continue
        seen.add(name)
        room -= need
        body.append(element)
        if hint := isolate(clean_line(field.hint)):
            small = _rich(cut(hint, HINT), size="Small", isSubtle=True) | {"spacing": "None"}
            if (need := size(small) + 1) <= room:
                room -= need
                body.append(small)
    if note := omitted.note():
        body.append(_rich(note, size="Small", isSubtle=True))
    return card | {"body": body or [_rich("Nothing to fill in.")], "actions": [submit]}


def decode_submission(data: Mapping[str, object]) -> Submission:
    """What was sent with a card of :func:`render_form`. Raises ValueError when the data is not of one of those."""
    try:
        carried = json.loads(str(data["form"]))
        command, how, carry = str(carried["c"]), carried["h"], str(carried["carry"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("this data is of none of our forms") from error
    if how not in ("edit", "post"):
        raise ValueError("this data is of none of our forms")
    return Submission(command, how, _values(data), carry)


def decode_query(value: Mapping[str, object]) -> Query:
    """What the value of an ``application/search`` asks for."""
    data = value.get("data")
    within = _values(data) if isinstance(data, Mapping) else {}
    return Query(str(value.get("dataset") or ""), str(value.get("queryText") or ""), within)


def render_choices(options: Iterable[Option]) -> list[Json]:
    """What a search is answered with; a client shows fifteen."""
    choices = _choices(tuple(options), FOUND)
    return list(choices.values())


def _values(data: Mapping[str, object]) -> dict[str, str]:
    return {
        str(name).removeprefix(_PREFIX): str(value)
        for name, value in data.items()
        if str(name).startswith(_PREFIX) and value not in (None, "")
    }


def _choices(options: tuple[Option, ...], most: int) -> dict[str, Json]:
    choices: dict[str, Json] = {}
    for option in options:
        if option.value and units(option.value) <= OPTION_VALUE and len(choices) < most:
            text = isolate(clean_line(option.text or option.value))
            choices.setdefault(option.value, {"title": cut(text, OPTION_TEXT) or "–", "value": option.value})
    return choices


def _rich(text: str, **look: object) -> Json:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


def _input(field: Field, name: str, omitted: Omitted) -> Json:
    words = isolate(clean_line(field.label or field.name))
    omitted.add("character of labels", units(words) - LABEL)
    label = cut(words, LABEL) or "–"
    common: Json = {"id": name, "label": label}
    if field.required:
        common |= {"isRequired": True, "errorMessage": f"{cut(label, 60)} is needed"}
    if field.kind == "flag":
        on = field.value.strip().lower() in {"true", "yes", "on", "1"}
        return {"type": "Input.Toggle", "title": "Yes", "value": "true" if on else "false", "id": name, "label": label}
    if field.kind == "choice":
        choices = _choices(field.options, OPTIONS)
        omitted.add("choice", len(field.options) - len(choices))
        if choices:
            chosen = {"value": field.value} if field.value in choices else {}
            return {
                "type": "Input.ChoiceSet",
                **common,
                "style": "compact",
                "choices": list(choices.values()),
                **chosen,
            }
    value = clean_line(field.value)
    if field.kind == "name" and field.names:
        known = _choices((Option(value, value),), 1)
        if known or not value:
            return {
                "type": "Input.ChoiceSet",
                **common,
                "style": "filtered",
                "choices": list(known.values()),
                "choices.data": {"type": "Data.Query", "dataset": field.names, "associatedInputs": "auto"},
                "placeholder": "Type to search",
                **({"value": value} if known else {}),
            }
    omitted.add("character of a value", units(value) - VALUE)
    if field.kind == "number":
        try:
            number = float(value) if value else None
        except ValueError:
            pass
        else:
            if number is None:
                return {"type": "Input.Number", **common}
            if abs(number) < 1e15:
                return {"type": "Input.Number", **common, "value": int(number) if number.is_integer() else number}
    return {"type": "Input.Text", **common, **({"value": cut(value, VALUE)} if value else {})}
