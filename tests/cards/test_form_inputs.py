"""What a form asks the platforms' clients for, where a client of theirs would not do what the form says."""

from __future__ import annotations

from typing import Any

import pytest

import cards.slack.form
import cards.teams.form
from cards.card import Field, Form
from cards.form_values import out_of_bounds


def of(*fields: Field, **more: Any) -> Form:
    return Form("Try", "try", fields, live=True, **more)


def test_the_client_never_keeps_an_empty_number_or_a_hidden_field_from_being_sent() -> None:
    """The card library of Teams takes an empty Input.Number with a bound for one out of bounds, and says nothing."""
    fields = [Field("minutes", "Minutes", "number", least=5, most=60, more=True, required=True),
              Field("nodes", "Nodes", "number", least=0)]  # fmt: skip
    for live in (True, False):
        card = cards.teams.form.render_form(Form("Try", "try", tuple(fields), live=live))
        text = str(card)
        assert "Input.Number" in text
        assert not {"'min'", "'max'", "isRequired"} & {
            word for word in ("'min'", "'max'", "isRequired") if word in text
        }


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("", ""), ("5", ""), ("60", ""), ("4", "5 at least"), ("61", "60 at most"), ("x", "not a whole number"),
     ("7.5", "not a whole number"), ("1e400", "not a whole number"), ("nan", "not a whole number")],
)  # fmt: skip
def test_bounds_are_checked_by_the_program(value: str, wrong: str) -> None:
    found = out_of_bounds(Field("minutes", "Minutes", "number", value=value, least=5, most=60))
    assert (wrong in found) if wrong else not found


@pytest.mark.parametrize(("danger", "style"), [(True, "destructive"), (False, "positive")])
def test_a_button_that_destroys_says_so(danger: bool, style: str) -> None:
    card: Any = cards.teams.form.render_form(of(Field("a", "A"), danger=danger))
    assert card["actions"][0]["style"] == style


def test_a_file_that_can_be_pasted_elsewhere_is_no_second_input_in_teams() -> None:
    fields = Field("paste", "JSON", lines=True), Field("tasks", "Or a file", "file", pasted_in="paste")
    card: Any = cards.teams.form.render_form(of(*fields))
    assert [each["id"] for each in card["body"] if each["type"].startswith("Input.")] == ["field:paste"]
    assert "takes no file" in str(card)
    view: Any = cards.slack.form.render_form(of(*fields))
    assert [each["element"]["type"] for each in view["blocks"]] == ["plain_text_input", "file_input"]


def test_a_reference_to_what_the_bot_keeps_is_shown_in_slack_and_not_lost() -> None:
    for value, kind in (("file:u0123", "plain_text_input"), ("file:F0123", "file_input")):
        view: Any = cards.slack.form.render_form(of(Field("tasks", "Tasks", "file", value=value)))
        assert view["blocks"][0]["element"]["type"] == kind
