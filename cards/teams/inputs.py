"""A field of a form as the inputs of an Adaptive Card, and the values of inputs as Teams sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from cards.card import Field, Form, Option
from cards.form_values import choices, day, filled, hour, is_on, label, moment, read, several, whole, within
from cards.teams.text import Json, safe
from cards.text_fit import Omitted, clean_line, cut, isolate, units

LABEL, VALUE = 300, 3_000
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 100, 500
FOUND = 15
"""Results of a search that a client shows."""

FIELD = "field:"
"""Beginning of the id of an input; the field's name follows."""
_DAY, _HOUR = "day:", "hour:"
"""The same of the two inputs of a moment."""
PASTE = "A form in Teams takes no file: paste what is in it, or attach it to a message in our personal chat."


def inputs(field: Field, form: Form, omitted: Omitted) -> list[Json]:
    """The inputs of a field: one, or two for a moment. All have an id and a label."""
    if field.kind == "moment" and (pair := _moment(field, form, omitted)):
        return pair
    return [_input(field, _common(field, form, omitted), omitted)]


def _common(field: Field, form: Form, omitted: Omitted) -> Json:
    """Id, label, and whether it has to be filled in.

    A form that is checked while it is open says by itself what is missing: the client would keep it from being checked.
    """
    words = label(field)
    omitted.add("character of labels", units(words) - LABEL)
    shown = cut(words, LABEL) or "–"
    common: Json = {"id": FIELD + field.name, "label": shown}
    if not field.required or field.kind == "flag":
        return common
    if form.live or field.more:  # what is not shown must not keep it from being sent
        return common | {"label": f"{cut(shown, LABEL - 2)} *"}
    return common | {"isRequired": True, "errorMessage": f"{cut(shown, 60)} is needed"}


def _input(field: Field, common: Json, omitted: Omitted) -> Json:  # noqa: PLR0911 - one return a kind
    match field.kind:
        case "flag":
            on = "true" if is_on(field.value) else "false"
            return {"type": "Input.Toggle", "title": "Yes", "value": on, **common}
        case "choice" | "choices" if choice := _choice_set(field, common, omitted):
            return choice
        case "name" if field.names and (choice := _searched(field, common)):
            return choice
        case "date" if not field.value or day(field.value):
            return {"type": "Input.Date", **common, **_value(day(field.value))}
        case "time" if not field.value or hour(field.value):
            return {"type": "Input.Time", **common, **_value(hour(field.value))}
    value = filled(field)
    omitted.add("character of a value", units(value) - VALUE)
    number = whole(value) if value else None
    if field.kind == "number" and (not value or number is not None):
        shown = {} if number is None else {"value": int(number) if number.is_integer() else number}
        # No min and max: to the clients' card library an empty input is out of any bounds, and it does not send the
        # form, nor say why. They are checked when the form comes (:func:`cards.form_values.out_of_bounds`).
        return {"type": "Input.Number", **common, **shown}
    several_lines = {"isMultiline": True} if field.lines or field.kind == "file" else {}
    return {"type": "Input.Text", **common, **_value(cut(value, VALUE)), **several_lines}


def _value(value: str) -> Json:
    return {"value": value} if value else {}


def _moment(field: Field, form: Form, omitted: Omitted) -> list[Json]:
    """A date and a time of day in the form's zone; nothing where the value is no moment."""
    at = moment(field.value) if field.value else None
    if field.value and at is None:
        return []
    try:
        local = at.astimezone(ZoneInfo(form.zone)) if at else None
    except (ValueError, KeyError, OSError, OverflowError):
        return []
    common = _common(field, form, omitted)
    words = str(common["label"])
    clock = cut(f"{cut(words, LABEL // 2)}, time of day ({form.zone})", LABEL)
    return [
        {"type": "Input.Date", **common, "id": _DAY + field.name, **_value(local.date().isoformat() if local else "")},
        {"type": "Input.Time", "id": _HOUR + field.name, "label": clock, **_value(f"{local:%H:%M}" if local else "")},
    ]


def _choice_set(field: Field, common: Json, omitted: Omitted) -> Json | None:
    """None where there is nothing to choose, or what was chosen cannot be carried."""
    every, many = choices(field), field.kind == "choices"
    values = several(field.value) if many else [field.value] if field.value else []
    known = found(every, OPTIONS, values)
    omitted.add("choice", len(every) - len(known))
    titles = {str(each["value"]) for each in known}
    if not known or any(value not in titles for value in values):
        return None
    return {
        "type": "Input.ChoiceSet",
        **common,
        "style": "compact",
        **({"isMultiSelect": True} if many else {}),
        "choices": known,
        **_value(",".join(values)),
    }


def _searched(field: Field, common: Json) -> Json | None:
    """A choice that asks the bot while somebody types; None where it cannot hold the field's value."""
    value = clean_line(field.value)
    known = found([Option(value, value)], 1, [value]) if value else []
    if value and not known:
        return None
    return {
        "type": "Input.ChoiceSet",
        **common,
        "style": "filtered",
        "choices": known,
        "choices.data": {"type": "Data.Query", "dataset": field.names, "associatedInputs": "auto"},
        "placeholder": "Type to search",
        **_value(value),
    }


def found(options: Iterable[Option], most: int, chosen: Iterable[str] = ()) -> list[Json]:
    """Options as a choice set has them."""
    fit = [option for option in options if option.value and units(option.value) <= OPTION_VALUE]
    return [
        {
            "title": cut(safe(isolate(clean_line(option.text or option.value))), OPTION_TEXT) or "–",
            "value": option.value,
        }
        for option in within(fit, chosen, most)
    ]


def values_of(data: Mapping[str, object], zone: str) -> dict[str, str]:
    """The values of a card's inputs by field; what is empty is left out."""
    texts = {str(key): str(value) for key, value in data.items() if value not in (None, "")}
    values = {key.removeprefix(FIELD): value for key, value in texts.items() if key.startswith(FIELD)}
    moments = dict.fromkeys(key.partition(":")[2] for key in texts if key.startswith((_DAY, _HOUR)))
    for name in moments:
        values[name] = read(texts.get(_DAY + name, ""), texts.get(_HOUR + name, ""), zone)
    return values
