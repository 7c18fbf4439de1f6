"""Placeholders in the text of templates: what is one, what is not, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bodies.clone import clone
from bot.domain.bodies.fields import NOUNS, Noun
from bot.domain.bodies.placeholders import NotFilled, escaped, filled, placeholders, typed
from bot.domain.bodies.shapes import FLAGS, NUMBERS
from tests.domain.bodies.documents import recorded

BRACES = st.text("${}a:1 ", max_size=12) | st.text(max_size=8)


@given(st.dictionaries(st.text(max_size=3).filter(lambda name: name not in NUMBERS | FLAGS), BRACES | st.lists(BRACES)))
def test_what_is_escaped_has_no_placeholder_and_is_filled_in_as_it_was(body: dict[str, Any]) -> None:
    assert placeholders(escaped(body)) == []
    assert filled(escaped(body), {}) == body


@pytest.mark.parametrize("noun", NOUNS)
def test_every_recorded_body_goes_through_a_template_unchanged(noun: Noun) -> None:
    for entity in recorded(noun):
        body = clone(noun, entity).body
        assert filled(escaped(body), {}) == body


@pytest.mark.parametrize(
    "words", ["${HOME}", "{}", "{1..9}", "awk '{print $1}'", "{a b}", "{", "}", "{:x}", "${{a}}", "{{.ID}}", '{"a": 1}']
)
def test_braces_of_shells_and_others_are_none(words: str) -> None:
    assert placeholders({"a": words}) == []
    assert filled({"a": words}, {}) == {"a": words}


def test_placeholders_are_filled_in_wherever_they_stand() -> None:
    body = {
        "displayName": "{show} {frames:1-100}",
        "commandLine": "render {frames} ${HOME} {{frames}}",
        "metadata": [{"name": "show", "value": "{show}"}, {"name": "n", "value": "5"}],
        "priority": "{priority:0}",
        "usesTaskDependencies": "{dependencies:no}",
    }
    assert [str(each) for each in placeholders(body)] == [
        "{show}",
        "{frames:1-100}",
        "{priority:0}",
        "{dependencies:no}",
    ]
    assert filled(body, {"show": "Films {x}", "dependencies": "true"}) == {
        "displayName": "Films {x} 1-100",
        "commandLine": "render 1-100 ${HOME} {frames}",
        "metadata": [{"name": "show", "value": "Films {x}"}, {"name": "n", "value": "5"}],
        "priority": 0,
        "usesTaskDependencies": True,
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "The template needs a value for show: give it as show=…."),
        ({"show": "a", "shw": "b", "x": "c"}, "has no placeholder shw, x. It has show, priority."),
        ({"show": "a", "priority": "high"}, "priority takes a whole number, and “high” is none."),
    ],
)
def test_what_does_not_fit_is_said(values: dict[str, str], said: str) -> None:
    with pytest.raises(NotFilled) as error:
        filled({"displayName": "{show}", "priority": "{priority:0}"}, values)
    assert said in str(error.value)


def test_a_default_holds_for_every_place_of_its_name() -> None:
    assert filled({"a": "{x}", "b": "{x:1}", "c": "{x:2}"}, {}) == {"a": "1", "b": "1", "c": "1"}
    assert filled({"a": "{x:}"}, {}) == {"a": ""}
    with pytest.raises(NotFilled, match="It has none"):
        filled({}, {"x": "1"})


def test_typed_text_becomes_what_its_field_holds() -> None:
    assert typed("priority", "-5") == -5
    assert typed("runExclusive", "Yes") is True
    assert typed("displayName", "5") == "5"
    with pytest.raises(NotFilled, match=r"constraints\.maxTaskRetryCount takes a whole number"):
        typed("maxTaskRetryCount", "1.5", "constraints.maxTaskRetryCount")
    with pytest.raises(NotFilled, match="true or false"):
        typed("runExclusive", "perhaps")


def test_an_extensions_own_numbers_are_left_alone() -> None:
    body = {"extensions": [{"settings": {"priority": "{p:high}"}}]}
    assert filled(body, {}) == {"extensions": [{"settings": {"priority": "high"}}]}
