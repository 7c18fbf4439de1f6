"""A form as a Slack modal, and what comes back from it.

A block_id stays the same while the form is checked and shown again: Slack keeps what is filled in under it, also what
was typed since. Only where the program itself puts another value into a field is its block a new one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

from msgspec.structs import replace

from cards.card import Field, Form, Mark
from cards.click import Query, Submission
from cards.form_values import foot, split
from cards.render_text import Run, cut_runs
from cards.slack.inputs import LIVE, LIVE_NAMES, NAMES, initial_values, input_block, render_options, value_of
from cards.slack.text import TEXT, Json, paragraph, plain
from cards.text_fit import Omitted, clean, clean_line, cut, isolate, pack, units

__all__ = ["block_ids", "decode_query", "decode_refresh", "decode_submission", "render_form", "render_options", "turns"]

BLOCKS = 100
BYTES = 240_000
"""Of a view as JSON; Slack refuses more than 250 kB."""
TITLE = 24
METADATA = 3_000
ID = 255
NOTES = 10
ERROR = 300

CALLBACK = "form"
"""The view's callback_id."""
MORE = "more"
"""The action_id of the button that shows all fields."""


def render_form(form: Form, carry: str = "", shown: Mapping[str, int] | None = None) -> Json:
    """The form as a modal view for views.open and views.update.

    ``carry`` is opaque text that :func:`decode_submission` gives back. Raises ValueError when it is too long for the
    view's private_metadata (3,000 characters together with the command). ``shown`` are the :func:`turns` of the view
    that is replaced.
    """
    kept = {"c": form.command, "h": form.how, "carry": carry}
    metadata = pack({**kept, **({"live": 1} if form.live else {}), **({"opened": 1} if form.opened else {})})
    if units(metadata) > METADATA:
        raise ValueError(f"a Slack view carries {METADATA} characters, not {units(metadata)}")
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": metadata,
        "title": plain(isolate(clean_line(form.title)), TITLE),
        "submit": plain(isolate(clean_line(form.submit)), TITLE),
        "close": plain("Cancel", TITLE),
        "blocks": _blocks(form, shown or {}),
    }


def _blocks(form: Form, shown: Mapping[str, int]) -> list[Json]:
    omitted = Omitted()
    blocks: list[Json] = []
    if intro := isolate(clean(form.intro).strip()):
        blocks.append({"type": "section", "text": plain(intro, TEXT)})
    notes = [paragraph(cut_runs(words, TEXT)[0]) for words in foot(form)]
    omitted.add("note", len(notes) - NOTES)
    end: list[Json] = [{"type": "divider"}, *notes[:NOTES]] if notes else []
    asked, more = split(form)
    if more and not form.opened:
        end = [_more(), *end]
    last = BLOCKS - 1 - len(end)
    room = BYTES - _bytes([*blocks, *end])
    seen: set[str] = set()
    for field in [*asked, *(more if form.opened else [])]:
        block_id = _block_id(field.name, shown.get(field.name, 0) + field.reset)
        drawn = [input_block(field, block_id, omitted, live=form.live), *_wrong(field)]
        fits = len(blocks) + len(drawn) <= last and _bytes(drawn) <= room
        if not fits or units(block_id) > ID or field.name in seen:
            omitted.add("field", names=[field.label])
            continue
        seen.add(field.name)
        room -= _bytes(drawn)
        blocks += drawn
    if note := omitted.note():
        end.append({"type": "context", "elements": [plain(note, TEXT)]})
    return [*blocks, *end] or [{"type": "section", "text": plain("Nothing to fill in.", TEXT)}]


def _bytes(blocks: list[Json]) -> int:
    return len(json.dumps(blocks))


def _more() -> Json:
    button = {"type": "button", "action_id": MORE, "text": plain("More…", TITLE), "value": MORE}
    return {"type": "actions", "block_id": MORE, "elements": [button]}


def _wrong(field: Field) -> list[Json]:
    """What is wrong with a field, below it: Slack's own place for that is open only to the answer to a submission."""
    error = isolate(clean_line(field.error))
    return [paragraph([Run(cut(f"✖ {error}", ERROR), "bold", Mark.FAILED)])] if error else []


def _block_id(name: str, turn: int) -> str:
    return f"field.{turn}:{name}" if turn else f"field:{name}"


def _field(block_id: str) -> tuple[str, int] | None:
    """The field of a block, and how often the program has put a value there."""
    kind, colon, name = block_id.partition(":")
    head, _, turn = kind.partition(".")
    if head != "field" or not colon or (turn and not turn.isdecimal()):
        return None
    return name, int(turn or 0)


def turns(view: Mapping[str, object]) -> dict[str, int]:
    """How often the program has put a value into each field of a view that is open."""
    blocks = cast("list[Json]", view.get("blocks") or [])
    return dict(found for block in blocks if (found := _field(str(block.get("block_id", "")))))


def block_ids(view: Mapping[str, object]) -> dict[str, str]:
    """The block of each field of a view that is open."""
    return {name: _block_id(name, turn) for name, turn in turns(view).items()}


def decode_submission(view: Mapping[str, object]) -> Submission:
    """What was sent with a view of :func:`render_form`. Raises ValueError when the view is not one of those."""
    try:
        carried = json.loads(str(view["private_metadata"]))
        command, how, carry = str(carried["c"]), carried["h"], str(carried["carry"])
        state = cast("Mapping[str, Mapping[str, Mapping[str, object]]]", cast("Json", view["state"])["values"])
        values = dict(_values(state))
        live, opened = bool(carried.get("live")), bool(carried.get("opened"))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("this view is none of ours") from error
    if view.get("callback_id") != CALLBACK or how not in ("edit", "post"):
        raise ValueError("this view is none of ours")
    return Submission(command, how, values, carry, live=live, opened=opened)


def decode_refresh(body: Mapping[str, object]) -> tuple[Submission, bool] | None:
    """What a block_actions of a form asks to be checked, and whether somebody is typing; None where it asks nothing."""
    try:
        action = cast("list[Json]", body["actions"])[0]
        submission = decode_submission(cast("Mapping[str, object]", body["view"]))
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    name = str(action.get("action_id", ""))
    if name not in (MORE, LIVE) and not name.startswith(LIVE_NAMES):
        return None
    typing = action.get("type") in ("plain_text_input", "number_input")
    return replace(submission, opened=submission.opened or name == MORE, check=True), typing


def decode_query(body: Mapping[str, object]) -> Query | None:
    """What a block_suggestion asks for; None where the field is none of ours.

    Slack's ``view.state`` may lack what was chosen since the view was opened: the values it was opened with stand in.
    """
    kind, _, names = str(body.get("action_id", "")).partition(":")
    if f"{kind}:" not in (NAMES, LIVE_NAMES) or not names:
        return None
    try:
        view = cast("Mapping[str, object]", body["view"])
        submission = decode_submission(view)
        opened = initial_values(cast("list[Json]", view["blocks"]))
        within = {found[0]: value for block_id, value in opened if (found := _field(block_id))} | submission.values
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return Query(names, str(body.get("value") or ""), within, submission.carry)


def _values(state: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Iterator[tuple[str, str]]:
    for block_id, elements in state.items():
        if found := _field(block_id):
            for element in elements.values():
                if (value := value_of(element)) is not None:
                    yield found[0], value
