"""A form as the Adaptive Card of a Teams dialog, and what comes back from it.

Teams sends a bot nothing of what is filled in until a button is pressed: a form that is checked while it is open has a
button for that, and is shown again with what was found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from cards.card import Field, Form, Mark, Option
from cards.click import Query, Submission
from cards.form_values import foot, split
from cards.render_text import Run, cut_runs
from cards.teams.inputs import FIELD, FOUND, PASTE, found, inputs, values_of
from cards.teams.seal import FORM, Seal, with_seal
from cards.teams.text import Json, defused, rich, small_print
from cards.text_fit import Omitted, clean, clean_line, cut, isolate, pack, size, units

ROOM = 35_000
TEXT, NAME, HINT, NOTE, BUTTON = 3_000, 300, 300, 600, 75
NOTES = 10
CARRY = 8_000
MORE, SHOW = "form.more", "form.show"
"""The ids of the container of what is behind "More…", and of that button."""


def render_form(form: Form, carry: str = "", seal: Seal | None = None) -> Json:
    """The form as an Adaptive Card for a task module.

    ``carry`` is opaque text that :func:`decode_submission` gives back; ``seal`` makes the seal that goes with it and
    the command. Raises ValueError when it is longer than 8,000 characters together with the command.
    """
    kept: Json = {"c": form.command, "h": form.how, "carry": carry}
    if form.live:
        kept["live"] = 1
    if any(field.kind == "moment" for field in form.fields):
        kept["zone"] = form.zone
    packed = pack(kept)
    if units(packed) > CARRY:
        raise ValueError(f"a Teams form carries {CARRY} characters, not {units(packed)}")
    actions = _actions(form, with_seal({"form": packed}, seal, FORM))
    card: Json = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "msteams": {"width": "Full"},
        "fallbackText": cut(clean_line(form.title), NAME) or "–",
    }
    return defused(card | {"body": _body(form, ROOM - size(actions) - size(card) - 1_000), "actions": actions})


def _actions(form: Form, carried: Json) -> list[Json]:
    submit: Json = {
        "type": "Action.Submit",
        "title": cut(isolate(clean_line(form.submit)), BUTTON) or "Run",
        "style": "destructive" if form.danger else "positive",
        "data": carried,
    }
    if not form.live:
        return [submit]
    return [submit, {"type": "Action.Submit", "title": "Check", "data": {**carried, "do": "check"}}]


def _body(form: Form, room: int) -> list[Json]:
    omitted = Omitted()
    body: list[Json] = []
    if intro := isolate(clean(form.intro).strip()):
        body.append(rich([Run(cut(intro, TEXT))]))
    notes = [rich(cut_runs(words, NOTE)[0]) for words in foot(form)]
    omitted.add("note", len(notes) - NOTES)
    end = [{**note, "separator": True} if not index else note for index, note in enumerate(notes[:NOTES])]
    room -= size([*body, *end])
    seen: set[str] = set()

    def drawn(fields: Iterable[Field]) -> list[Json]:
        nonlocal room
        elements: list[Json] = []
        for field in fields:
            parts = _drawn(field, form, omitted)
            ids = units(FIELD + field.name) <= NAME and field.name not in seen
            if not ids or (need := size(parts) + 1) > room:
                omitted.add("field", names=[field.label])
                continue
            seen.add(field.name)
            room -= need
            elements += parts
        return elements

    asked, more = split(form)
    body += drawn(asked)
    if behind := drawn(more):
        if not form.opened:
            both = [MORE, SHOW]  # the button goes when it is pressed
            show: Json = {"type": "Action.ToggleVisibility", "title": "More…", "targetElements": both}
            body.append({"type": "ActionSet", "id": SHOW, "actions": [show]})
        body.append({"type": "Container", "id": MORE, "isVisible": form.opened, "items": behind})
    if note := omitted.note():
        end.append(small_print([Run(note)]))
    return [*body, *end] or [rich([Run("Nothing to fill in.")])]


def _drawn(field: Field, form: Form, omitted: Omitted) -> list[Json]:
    """A field's inputs, its hint, and what is wrong with it; of a file that is pasted elsewhere only that it is."""
    elsewhere = field.kind == "file" and field.pasted_in and not field.value
    parts = [] if elsewhere else inputs(field, form, omitted)
    hint = clean_line(PASTE if elsewhere else f"{field.hint} {PASTE}" if field.kind == "file" else field.hint)
    if hint:
        parts.append(small_print([Run(cut(isolate(hint), HINT))]) | {"spacing": "None"})
    if error := isolate(clean_line(field.error)):
        wrong = rich([Run(cut(f"✖ {error}", HINT), mark=Mark.FAILED)], size="Small", weight="Bolder")
        parts.append(wrong | {"spacing": "None"})
    return parts


def decode_submission(data: Mapping[str, object]) -> Submission:
    """What was sent with a card of :func:`render_form`. Raises ValueError when the data is not of one of those."""
    try:
        carried = json.loads(str(data["form"]))
        command, how, carry = str(carried["c"]), carried["h"], str(carried["carry"])
        live, zone = bool(carried.get("live")), str(carried.get("zone", "UTC"))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("this data is of none of our forms") from error
    if how not in ("edit", "post"):
        raise ValueError("this data is of none of our forms")
    check = live and data.get("do") == "check"
    return Submission(command, how, values_of(data, zone), carry, live=live, check=check)


def decode_query(value: Mapping[str, object]) -> Query:
    """What the value of an ``application/search`` asks for."""
    data = value.get("data")
    within = values_of(data, "UTC") if isinstance(data, Mapping) else {}
    return Query(str(value.get("dataset") or ""), str(value.get("queryText") or ""), within)


def render_choices(options: Iterable[Option]) -> list[Json]:
    """What a search is answered with; a client shows fifteen."""
    return [defused(each) for each in found(options, FOUND)]
