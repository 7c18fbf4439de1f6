"""No text in Teams is computed: Adaptive Cards replace ``{{DATE(…)}}`` and ``{{TIME(…)}}`` wherever people read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from cards import teams
from cards.build import actions, blocks, facts, text
from cards.card import Button, Card, Code, Field, Form, Heading, Option, Words
from cards.teams.form import render_choices, render_form
from cards.teams.text import defused, safe
from tests.cards import strategies

MACRO = re.compile(r"\{\{\s*(date|time)\s*\(", re.IGNORECASE)
NASTY = "{{DATE(2026-11-23T06:00:00Z,SHORT)}}"


def read(value: Any, within: str = "") -> Iterator[str]:
    """What people read of a card: all but what comes back as it was written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        exact = "title" in value or str(value.get("type", "")).startswith("Input.")
        for key, each in value.items():
            if key not in {"data", "url", "$schema", "type", "id"} and not (key == "value" and exact):
                yield from read(each, key)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from read(each, within)


@given(strategies.cards)
def test_no_card_has_one(card: Card) -> None:
    rendered = teams.render(card, {}, {})
    assert not [each for each in read(rendered.payload) if MACRO.search(each)]
    assert not MACRO.search(rendered.summary)


@given(strategies.forms)
def test_no_form_has_one(form: Form) -> None:
    try:
        payload = render_form(form)
    except ValueError:  # it carries too much
        return
    assert not [each for each in read(payload) if MACRO.search(each)]


def test_every_part_that_is_read_is_defused_and_what_comes_back_is_not() -> None:
    command = f"job show {NASTY}"
    card = Card(
        title=text(NASTY),
        blocks=blocks(
            Heading(NASTY),
            Words(text(NASTY)),
            facts((NASTY, text(NASTY))),
            Code(NASTY),
            actions(Button(NASTY, command)),
        ),
    )
    rendered = teams.render(card, {}, {})
    shown = [each for each in read(rendered.payload) if "DATE(" in each]
    assert len(shown) >= 6
    assert not [each for each in shown if MACRO.search(each)]
    assert command in str(rendered.payload), "the button means what it meant"
    form = Form(NASTY, "job show", (Field("job", NASTY, "choice", options=(Option(NASTY, NASTY),), value=NASTY),))
    payload = render_form(form)
    assert not [each for each in read(payload) if MACRO.search(each)]
    assert f"'value': '{NASTY}'" in str(payload)
    [choice] = render_choices([Option(NASTY, NASTY)])
    assert choice["value"] == NASTY
    assert not MACRO.search(str(choice["title"]))


@pytest.mark.parametrize(
    "macro", [NASTY, "{{TIME(x)}}", "{{date(x)}}", "{{ DATE (x)}}", "{{{DATE(x)}}}", "{{{{TIME(x)}}"]
)
def test_a_macro_in_any_spelling(macro: str) -> None:
    assert not MACRO.search(safe(macro))
    assert safe(macro).replace("\u2060", "") == macro


def test_what_is_no_macro_stays_as_it_is() -> None:
    card = {"type": "TextBlock", "text": "{{name}} {DATE(x)} ${data}", "wrap": True, "rows": [1, None, "{{"]}
    assert defused(card) == card
