"""Menus with more names than a platform takes: a button opens the form in which they are completed."""

from __future__ import annotations

from typing import Any

import pytest

from cards import slack, teams, text
from cards.build import open_menu
from cards.card import Actions, Button, Card, Menu, Option, Span
from cards.click import Click, asking
from tests.golden import check

COMMAND = "node show 'a pool' {} account:render-prod"
ASKING = Click("node show 'a pool' account:render-prod", "form")


def card(names: list[str], *, asks: bool = True) -> Card:
    options = tuple(Option(name, name) for name in names)
    menu = Menu("Open a node", COMMAND, options, asks=asks)
    return Card(title=(Span("Nodes"),), blocks=(Actions((menu, Button("Refresh", "node list", how="edit"))),))


def slack_elements(found: Card) -> list[dict[str, Any]]:
    payload: Any = slack.render(found).payload
    return [element for block in payload["blocks"] if block["type"] == "actions" for element in block["elements"]]


def teams_nodes(found: Card) -> list[dict[str, Any]]:
    payload: Any = teams.render(found).payload
    return [action for block in payload["body"] if block["type"] == "ActionSet" for action in block["actions"]]


def choices(found: Card) -> list[dict[str, Any]]:
    payload: Any = teams.render(found).payload
    return [block for block in payload["body"] if block["type"] == "ColumnSet"]


def test_a_few_names_are_a_select_on_every_platform() -> None:
    few = card([f"n{number}" for number in range(20)])
    assert [element["type"] for element in slack_elements(few)] == ["static_select", "button"]
    assert len(choices(few)) == 1
    assert "[20] n19" in str(text.render(few).payload["text"])


def test_more_names_than_a_select_takes_are_asked_for_by_a_form() -> None:
    many = card([f"n{number}" for number in range(101)])
    first, second = slack_elements(many)
    assert (first["text"]["text"], slack.decode_click(first)) == ("Open a node…", ASKING)
    assert second["text"]["text"] == "Refresh"
    action = teams_nodes(many)[0]
    assert (action["title"], teams.decode_click(action["data"])) == ("Open a node…", ASKING)
    assert not choices(many)
    said: Any = text.render(many).payload
    assert said["actions"][0] == {"label": "Open a node…", "command": ASKING.command, "how": "form"}
    for render in (slack.render, teams.render, text.render):
        assert render(many).omitted == ()
    check("card-many-names", many)


def test_names_that_leave_no_room_for_the_card_are_asked_for_too() -> None:
    long = card([f"{'node' * 12}-{number}" for number in range(90)])
    assert [element["type"] for element in slack_elements(long)] == ["button", "button"]
    assert slack.render(long).omitted == ()
    assert len(choices(long)) == 1, "Teams has the room"


def test_beside_the_names_that_slack_can_carry_the_others_are_asked_for() -> None:
    mixed = card(["short", "wd/" + "folder/" * 12 + "file.txt"])
    select, button, _ = slack_elements(mixed)
    assert [option["text"]["text"] for option in select["options"]] == ["short"]
    assert slack.decode_click(button) == ASKING
    assert slack.render(mixed).omitted == ()


def test_a_menu_of_other_things_tells_what_it_leaves_out() -> None:
    many = card([f"n{number}" for number in range(101)], asks=False)
    assert teams.render(many).omitted == ("1 menu choice",)
    assert slack.render(many).omitted == ("1 menu choice", "1 menu (Open a node)")


@pytest.mark.parametrize(
    ("command", "asked"), [("account show {}", "account show"), ("task show j {} account:a", "task show j account:a")]
)
def test_the_command_that_asks_has_everything_but_the_name(command: str, asked: str) -> None:
    menu = open_menu("Open", command, ["x"])
    assert menu
    assert asking(menu) == Button("Open…", asked, how="form")
