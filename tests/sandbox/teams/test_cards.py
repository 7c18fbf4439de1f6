"""What the client draws of a card, and that its vocabulary is that of the published schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bot.sandbox.teams.cards import draw
from bot.sandbox.teams.elements import ACTIONS, CHARTS, ELEMENTS
from bot.sandbox.teams.rules import ACTIVITY, CONVERSATION_PARAMETERS
from tests.sandbox.teams.scene import card, text
from tests.shared import shared

SUBMIT = {"type": "Action.Submit", "title": "Send"}
CELL = {"type": "TableCell", "items": [text("a")]}
EXECUTE = {"type": "Action.Execute", "title": "Go", "verb": "go"}


def _codes(content: object, *, dialog: bool = False) -> list[str]:
    return [problem.code for problem in draw(content, dialog=dialog).problems]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "NotACard"),
        ([], "NotACard"),
        ({"type": "Card", "version": "1.5"}, "NotACard"),
        ({"type": "AdaptiveCard"}, "NoVersion"),
        ({"type": "AdaptiveCard", "version": 1.5}, "NoVersion"),
        ({"type": "AdaptiveCard", "version": "new"}, "NoVersion"),
        (card(version="1.6"), "UnsupportedVersion"),
        (card(version="2.0"), "UnsupportedVersion"),
        (card(version="1.10"), "UnsupportedVersion"),
    ],
)
def test_some_cards_are_not_drawn_at_all(content: Any, code: str) -> None:
    drawing = draw(content)
    assert [problem.code for problem in drawing.problems] == [code]
    assert drawing.instead == "This card could not be displayed."
    assert drawing.presses == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (card({"type": "Chart.Line"}), "UnknownElement"),
        (card({"type": "Action.Submit"}), "UnknownElement"),
        (card({"type": "Column"}), "UnknownElement"),
        (card({"text": "no type"}), "UnknownElement"),
        (card(actions=[{"type": "Action.Http"}]), "UnknownElement"),
        (card(actions=[text("no action")]), "UnknownElement"),
        ({"type": "AdaptiveCard", "version": "1.5", "body": ["words"]}, "BadElement"),
        ({"type": "AdaptiveCard", "version": "1.5", "body": text("no list")}, "BadProperty"),
        (card({"type": "TextBlock"}), "MissingProperty"),
        (card({"type": "Container"}), "MissingProperty"),
        (card(actions=[{"type": "Action.OpenUrl", "title": "x"}]), "MissingProperty"),
        (card(text("x", size="huge")), "BadProperty"),
        (card(text("x", wrap="yes")), "BadProperty"),
        (card(text("x", maxLines=True)), "BadProperty"),
        (card({"type": "FactSet", "facts": [{"title": "a", "value": 1}]}), "BadProperty"),
        (card({"type": "Input.Number", "id": "n", "label": "n", "value": "1"}), "BadProperty"),
        (card(text("x", id="a"), text("y", id="a")), "DuplicateId"),
        (card(text("x", id="a"), actions=[SUBMIT | {"id": "a"}]), "DuplicateId"),
        (card({"type": "Input.Text", "label": "x"}), "InputWithoutId"),
        (card(actions=[SUBMIT] * 7), "TooManyActions"),
        (card({"type": "ActionSet", "actions": [SUBMIT] * 7}), "TooManyActions"),
        (card({"type": "Image", "url": "http://example.org/a.png", "altText": "x"}), "BadAddress"),
        (card({"type": "Image", "url": "data:text/html;base64,AAAA", "altText": "x"}), "BadAddress"),
        (card(actions=[{"type": "Action.OpenUrl", "url": "javascript:alert(1)"}]), "BadAddress"),
        (card(actions=[EXECUTE], version="1.3"), "NeedsVersion"),
        (card({"type": "Table", "rows": []}, version="1.4"), "NeedsVersion"),
        (card(version="1.3", refresh={"action": EXECUTE}), "NeedsVersion"),
        (card(refresh={"action": SUBMIT}), "BadRefresh"),
        (card(refresh="often"), "BadRefresh"),
        (card(refresh={"action": EXECUTE, "userIds": "all"}), "BadRefresh"),
    ],
)
def test_each_fault_is_told(content: Any, code: str) -> None:
    problems = draw(content).problems
    assert [problem.code for problem in problems] == [code]
    assert problems[0].grave


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (card(text("# heading")), "Markdown"),
        (card(text("a\n> quote")), "Markdown"),
        (card(text("| a | b |")), "Markdown"),
        (card(text("see ![x](https://a.example/a.png)")), "Markdown"),
        (card({"type": "Image", "url": "https://a.example/a.png"}), "NoAltText"),
        (card({"type": "Input.Text", "id": "a"}), "NoLabel"),
        (card({"type": "Input.Text", "id": "a", "label": "a", "isRequired": True}), "NoErrorMessage"),
    ],
)
def test_what_could_be_better_is_told_but_not_grave(content: Any, code: str) -> None:
    [problem] = draw(content).problems
    assert (problem.code, problem.grave) == (code, False)


@pytest.mark.parametrize(
    "content",
    [
        card(text("#5 of 10, a > b, a | b, - list, **bold**")),
        card(text("x", size="ExtraLarge", color="Attention", weight="bolder", isVisible=None)),
        card({"type": "CodeBlock", "codeSnippet": "ls", "language": "Bash"}),
        card({"type": "Chart.Line", "fallback": "drop"}),
        card({"type": "Chart.Line", "fallback": text("figures", id="a")}),
        card({"type": "Image", "url": "https://a.example/a.png", "altText": "cores"}),
        card({"type": "Image", "url": "http://127.0.0.1:8080/a.png", "altText": "cores"}),
        card({"type": "Image", "url": "data:image/png;base64,AAAA", "altText": "cores"}),
        card(
            {"type": "ColumnSet", "columns": [{"width": "auto", "items": [text("a")]}, {"type": "Column", "width": 2}]}
        ),
        card({"type": "RichTextBlock", "inlines": ["plain", {"type": "TextRun", "text": "bold", "weight": "Bolder"}]}),
        card(actions=[EXECUTE | {"fallback": SUBMIT}]),
        card(msteams={"width": "Full"}, metadata={"webUrl": "https://a.example"}),
        card({"type": "Table", "columns": [{"width": 1}], "rows": [{"type": "TableRow", "cells": [CELL]}]}),
    ],
)
def test_what_is_right_is_drawn_without_a_word(content: Any) -> None:
    drawing = draw(content)
    assert (drawing.problems, drawing.instead) == ([], None)


def test_a_fallback_is_drawn_in_the_place_of_what_is_too_new() -> None:
    old = draw(card(actions=[EXECUTE | {"fallback": SUBMIT}], version="1.3"))
    assert ([press.action for press in old.presses], old.problems) == ([SUBMIT], [])


def test_every_place_of_an_action_can_be_pressed() -> None:
    actions = [SUBMIT | {"title": str(number)} for number in range(6)]
    content = card(
        {"type": "Container", "items": [text("x")], "selectAction": actions[0]},
        {"type": "Input.Text", "id": "a", "label": "a", "inlineAction": actions[1]},
        {"type": "ActionSet", "actions": [actions[2]]},
        actions=[
            {"type": "Action.ShowCard", "card": {"type": "AdaptiveCard", "body": [text("y")], "actions": [actions[3]]}},
            actions[4],
        ],
        selectAction=actions[5],
    )
    pressed = [press.action["title"] for press in draw(content).presses if press.action["type"] == "Action.Submit"]
    assert sorted(pressed) == ["0", "1", "2", "3", "4", "5"]
    assert all([found["id"] for found in press.inputs()] == ["a"] for press in draw(content).presses)


# -- the tables against the schemas --------------------------------------------------------------------------------

_ELSEWHERE = {
    # Handled by the drawing itself.
    *("type", "fallback", "selectAction", "inlineAction", "backgroundImage", "requires"),
    # Free text or anything.
    *("lang", "data"),
}


def _definitions() -> dict[str, Any]:
    return dict(json.loads(shared("chat/schemas/adaptive-card-1.5.0.json").read_text())["definitions"])


def _published() -> Iterator[tuple[str, Any]]:
    for name, spec in {**ELEMENTS, **ACTIONS}.items():
        if name not in {"CodeBlock", "TextRun", *CHARTS}:  # Teams' own; written as an alternative to a string
            yield name, spec


def test_every_published_element_is_known_with_its_properties() -> None:
    definitions = _definitions()
    named = {
        name
        for name, published in definitions.items()
        if name in published.get("properties", {}).get("type", {}).get("enum", [])
    }
    parts = {
        "AdaptiveCard", "Authentication", "BackgroundImage", "Fact", "Input.Choice", "MediaSource", "Refresh",
        "TableColumnDefinition", "TokenExchangeResource",
    }  # fmt: skip
    assert named - parts == {name for name, _ in _published()}
    for name, spec in _published():
        properties = {key.rstrip("?") for key in definitions[name]["properties"]}
        known = set(spec.properties) | set(spec.children) | _ELSEWHERE
        assert properties - known == set(), name


def test_what_is_required_is_what_the_schema_requires() -> None:
    definitions = _definitions()
    for name, spec in _published():
        assert set(spec.required) == set(definitions[name].get("required", [])), name


def test_versions_are_those_of_the_schema() -> None:
    definitions = _definitions()
    for name, spec in _published():
        since = definitions[name].get("version", "1.0")
        if name in {"TableRow", "TableCell"}:
            continue  # only ever inside a Table
        assert ".".join(map(str, spec.since)) == since, name


def test_words_are_those_of_the_schema() -> None:
    definitions = _definitions()
    own = {"filtered", "columnheader"}  # Teams' filtered choice set; adaptivecards.io calls columnHeader a style of 1.5
    for name, spec in _published():
        for key, check in spec.properties.items():
            published = re.findall(r"#/definitions/(\w+)", json.dumps(definitions[name]["properties"].get(key)))
            if isinstance(check, tuple) and published:
                words = {word.lower() for word in definitions[published[0]]["anyOf"][0]["enum"]}
                assert words == set(check) - own, f"{name}.{key}"


def test_the_body_tables_name_every_property_of_the_published_ones() -> None:
    swagger = json.loads(shared("chat/schemas/bot-connector.swagger.json").read_text())["definitions"]

    def compare(shape: Any, published: dict[str, Any], path: str) -> None:
        if isinstance(shape, list):
            shape, published = shape[0], published.get("items", published)
        if "$ref" in published:
            published = swagger[published["$ref"].rsplit("/", 1)[1]]
        if isinstance(shape, tuple):
            assert set(published["enum"]) <= set(shape), path
        elif isinstance(shape, dict) and len(shape) > 2:
            known = set(published["properties"])
            # serviceUrl and channelId of a conversation reference say nothing here.
            assert known - set(shape) <= {"channelId", "serviceUrl"}, path
            for key in known & set(shape):
                compare(shape[key], published["properties"][key], f"{path}.{key}")

    compare(ACTIVITY, swagger["Activity"], "activity")
    compare(CONVERSATION_PARAMETERS, swagger["ConversationParameters"], "parameters")


@pytest.mark.parametrize("name", ["rec7-007-invoke-adaptiveCard_action-groupChat.response.json"])
def test_a_captured_card_is_drawn(name: str) -> None:
    content = json.loads(shared(f"chat/samples/teams-local/{name}").read_text())["body"]["value"]
    drawing = draw(content)
    assert [problem for problem in drawing.problems if problem.grave] == []
    assert [found["id"] for found in drawing.inputs] == ["choice", "why"]
    assert len(drawing.presses) == 6
