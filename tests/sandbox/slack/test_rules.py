"""Every limit: legal at N, refused at N + 1, with Slack's words and pointer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft7Validator

from bot.sandbox.slack.rules import wrong_with_blocks, wrong_with_view
from tests.shared import shared

Build = Callable[[int], list[dict[str, Any]]]


def plain(length: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": "x" * length}


def option(number: int, *, text: int = 0, value: int = 0) -> dict[str, Any]:
    label = plain(text) if text else {"type": "plain_text", "text": f"option {number}"}
    return {"text": label, "value": "v" * value or str(number)}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(1), **more}


def actions(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "actions", "elements": list(elements)}]


def select(**more: Any) -> list[dict[str, Any]]:
    return actions({"type": "static_select", **more})


def confirm(**more: Any) -> list[dict[str, Any]]:
    dialog = {"title": plain(1), "text": plain(1), "confirm": plain(1), "deny": plain(1), **more}
    return actions(button(confirm=dialog))


def table(rows: int, cells: int, text: int = 1) -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x" * text}] * cells] * rows}


def image(**more: Any) -> list[dict[str, Any]]:
    return [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "x", **more}]


def rich(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}]


FEEDBACK = {"text": plain(1), "value": "v"}

LIMITS: dict[str, tuple[int, Build]] = {
    "blocks in a message": (50, lambda n: [{"type": "divider"}] * n),
    "section text": (3000, lambda n: [{"type": "section", "text": mrkdwn(n)}]),
    "section fields": (10, lambda n: [{"type": "section", "fields": [mrkdwn(1)] * n}]),
    "section field": (2000, lambda n: [{"type": "section", "fields": [mrkdwn(n)]}]),
    "header": (150, lambda n: [{"type": "header", "text": plain(n)}]),
    "markdown": (12_000, lambda n: [{"type": "markdown", "text": "x" * n}]),
    "markdown in all": (
        12_000,
        lambda n: [{"type": "markdown", "text": "x" * 6000}, {"type": "markdown", "text": "x" * (n - 6000)}],
    ),
    "context elements": (10, lambda n: [{"type": "context", "elements": [mrkdwn(1)] * n}]),
    "actions elements": (25, lambda n: actions(*[button()] * n)),
    "context actions": (
        5,
        lambda n: [
            {
                "type": "context_actions",
                "elements": [
                    {"type": "feedback_buttons", "positive_button": FEEDBACK, "negative_button": FEEDBACK},
                ]
                * n,
            }
        ],
    ),
    "button text": (75, lambda n: actions(button(text=plain(n)))),
    "button value": (2000, lambda n: actions(button(value="x" * n))),
    "button url": (3000, lambda n: actions(button(url="https://example.com/".ljust(n, "x")))),
    "accessibility label": (75, lambda n: actions(button(accessibility_label="x" * n))),
    "action id": (255, lambda n: actions(button(action_id="x" * n))),
    "block id": (255, lambda n: [{"type": "divider", "block_id": "x" * n}]),
    "options": (100, lambda n: select(options=[option(i) for i in range(n)])),
    "option groups": (100, lambda n: select(option_groups=[{"label": plain(1), "options": [option(0)]}] * n)),
    "option text": (75, lambda n: select(options=[option(0, text=n)])),
    "option value": (75, lambda n: select(options=[option(0, value=n)])),
    "option description": (75, lambda n: select(options=[{**option(0), "description": plain(n)}])),
    "placeholder": (150, lambda n: select(options=[option(0)], placeholder=plain(n))),
    "overflow options": (5, lambda n: actions({"type": "overflow", "options": [option(i) for i in range(n)]})),
    "checkboxes": (10, lambda n: actions({"type": "checkboxes", "options": [option(i) for i in range(n)]})),
    "radio buttons": (10, lambda n: actions({"type": "radio_buttons", "options": [option(i) for i in range(n)]})),
    "confirm title": (100, lambda n: confirm(title=plain(n))),
    "confirm text": (300, lambda n: confirm(text=mrkdwn(n))),
    "confirm button": (30, lambda n: confirm(confirm=plain(n))),
    "deny button": (30, lambda n: confirm(deny=plain(n))),
    "image alt text": (2000, lambda n: image(alt_text="x" * n)),
    "image title": (2000, lambda n: image(title=plain(n))),
    "image url": (3000, lambda n: image(image_url="https://example.com/".ljust(n, "x"))),
    "table rows": (100, lambda n: [table(n, 1)]),
    "table cells": (20, lambda n: [table(1, n)]),
    "table characters": (10_000, lambda n: [table(1, 1, n)]),
    "tables in a message": (1, lambda n: [table(1, 1) for _ in range(n)]),
    "column settings": (20, lambda n: [{**table(1, 20), "column_settings": [{"align": "right"}] * n}]),
    "input label": (
        2000,
        lambda n: [{"type": "input", "label": plain(n), "element": {"type": "plain_text_input"}}],
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_legal_to_the_last_and_refused_beyond(name: str) -> None:
    most, build = LIMITS[name]
    assert wrong_with_blocks(build(most)) == []
    assert wrong_with_blocks(build(most + 1)) != []


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_legal_here_is_legal_by_the_official_types(name: str) -> None:
    schema = json.loads(shared("chat/schemas/SlackBlocks.schema.json").read_text())
    most, build = LIMITS[name]
    for block in build(most):
        known = {"$ref": "#/definitions/KnownBlock", "definitions": schema["definitions"]}
        errors = [error.message for error in Draft7Validator(known).iter_errors(block)]
        assert not errors


def view(**more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain(1), "submit": plain(1), "blocks": [], **more}


VIEW_LIMITS: dict[str, tuple[int, Callable[[int], dict[str, Any]]]] = {
    "title": (24, lambda n: view(title=plain(n))),
    "submit": (24, lambda n: view(submit=plain(n))),
    "close": (24, lambda n: view(close=plain(n))),
    "private metadata": (3000, lambda n: view(private_metadata="x" * n)),
    "callback id": (255, lambda n: view(callback_id="x" * n)),
    "external id": (255, lambda n: view(external_id="x" * n)),
    "blocks": (100, lambda n: view(blocks=[{"type": "divider"}] * n)),
    "blocks at home": (100, lambda n: {"type": "home", "blocks": [{"type": "divider"}] * n}),
}


@pytest.mark.parametrize("name", VIEW_LIMITS)
def test_views_have_limits_too(name: str) -> None:
    most, build = VIEW_LIMITS[name]
    assert wrong_with_view(build(most)) == []
    assert wrong_with_view(build(most + 1)) != []
    schema = json.loads(shared("chat/schemas/SlackView.schema.json").read_text())
    assert not list(Draft7Validator(schema).iter_errors(build(most)))


WRONG: dict[str, tuple[Any, str, str]] = {
    "too long": (
        [{"type": "section", "text": mrkdwn(3001)}],
        "must be less than 3001 characters",
        "/blocks/0/text/text",
    ),
    "empty": ([{"type": "section", "text": mrkdwn(0)}], "must be more than 0 characters", "/blocks/0/text/text"),
    "too many": ([{"type": "divider"}] * 51, "no more than 50 items allowed", "/blocks"),
    "nothing in a section": ([{"type": "section"}], "must provide one of: text, fields", "/blocks/0"),
    "an unknown block": ([{"type": "shelf"}], "unsupported type: shelf", "/blocks/0/type"),
    "an unknown key": ([{"type": "divider", "colour": "red"}], "invalid additional property: colour", "/blocks/0"),
    "a missing key": ([{"type": "header"}], "missing required field: text", "/blocks/0"),
    "mrkdwn in a header": ([{"type": "header", "text": mrkdwn(1)}], "unsupported type: mrkdwn", "/blocks/0/text/type"),
    "the same block twice": ([{"type": "divider", "block_id": "a"}] * 2, "`block_id` 'a' already exists", "/blocks"),
    "the same action twice": (
        actions(button(action_id="a"), button(action_id="a")),
        "`action_id` 'a' already exists in this block",
        "/blocks/0/elements",
    ),
    "two tables": ([table(1, 1), table(1, 1)], "only one table allowed", "/blocks"),
    "an empty cell": ([table(1, 1, 0)], "must be more than 0 characters", "/blocks/0/rows/0/0/text"),
    "two sources of options": (
        select(options=[option(0)], option_groups=[{"label": plain(1), "options": [option(0)]}]),
        "must provide exactly one of: options, option_groups",
        "/blocks/0/elements/0",
    ),
    "a stranger as initial option": (
        select(options=[option(0)], initial_option=option(1)),
        "initial option must be one of the options",
        "/blocks/0/elements/0",
    ),
    "an image from this machine": (
        image(image_url="http://127.0.0.1/a.png"),
        "downloading image failed",
        "/blocks/0/image_url",
    ),
    "an image from a private network": (
        image(image_url="https://10.1.2.3/a.png"),
        "downloading image failed",
        "/blocks/0/image_url",
    ),
    "an image without source": (
        [{"type": "image", "alt_text": "x"}],
        "must provide exactly one of: image_url, slack_file",
        "/blocks/0",
    ),
    "a file nobody knows": (
        [{"type": "image", "alt_text": "x", "slack_file": {"id": "F1"}}],
        "invalid slack file",
        "/blocks/0/slack_file",
    ),
    "a style of its own": (
        actions(button(style="default")),
        "must be one of: primary, danger",
        "/blocks/0/elements/0/style",
    ),
    "an address that is none": (
        actions(button(url="pool list")),
        "must provide a valid URL",
        "/blocks/0/elements/0/url",
    ),
    "an input's element in actions": (
        actions({"type": "plain_text_input"}),
        "unsupported type: plain_text_input",
        "/blocks/0/elements/0/type",
    ),
    "no array": ({"type": "divider"}, "must provide an array", "/blocks"),
    "an empty rich text": (
        rich({"type": "text", "text": ""}),
        "must be more than 0 characters",
        "/blocks/0/elements/0/elements/0/text",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_where_it_is(name: str) -> None:
    blocks, words, pointer = WRONG[name]
    assert wrong_with_blocks(blocks) == [f"{words} [json-pointer:{pointer}]"]


def test_inputs_need_a_submit_button() -> None:
    form = view(blocks=[{"type": "input", "label": plain(1), "element": {"type": "plain_text_input"}}])
    assert wrong_with_view(form) == []
    del form["submit"]
    assert wrong_with_view(form) == ["missing required field: submit (the view has input blocks) [json-pointer:/view]"]


@pytest.mark.parametrize("kind", ["table", "markdown", "context_actions"])
def test_some_blocks_are_for_messages_only(kind: str) -> None:
    assert f"unsupported type: {kind} [json-pointer:/view/blocks/0/type]" in wrong_with_view(
        view(blocks=[{"type": kind}])
    )


def test_rich_text_may_have_everything_in_it() -> None:
    pieces: list[dict[str, Any]] = [
        {"type": "text", "text": "x", "style": {"bold": True, "code": True}},
        {"type": "link", "url": "https://example.com", "text": "there"},
        {"type": "user", "user_id": "U1"},
        {"type": "emoji", "name": "tada"},
        {"type": "date", "timestamp": 1_700_000_000, "format": "{date_num} {time}", "fallback": "then"},
    ]
    section = {"type": "rich_text_section", "elements": pieces}
    assert not wrong_with_blocks(
        [
            {
                "type": "rich_text",
                "elements": [
                    section,
                    {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [section]},
                    {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}], "border": 0},
                    {"type": "rich_text_quote", "elements": pieces},
                ],
            }
        ]
    )
