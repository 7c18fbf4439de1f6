"""Any card gives a legal message everywhere, loses nothing silently, and its buttons give their commands back."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from msgspec.structs import replace
from slack_sdk.models.blocks import Block as SlackBlock

from bot.sandbox.slack.rules import wrong_with_view
from bot.sandbox.teams.cards import draw
from cards import slack, teams, text
from cards.card import (
    Actions,
    Attachment,
    Block,
    Button,
    Card,
    Chip,
    Code,
    Fact,
    Facts,
    Fold,
    Form,
    Heading,
    Link,
    Menu,
    Option,
    Picture,
    Progress,
    Rendered,
    Span,
    Table,
    plain,
)
from cards.click import fill
from cards.form_values import moment, several
from cards.slack.form import block_ids, turns
from tests.cards import limits, schemas, strategies

pytestmark = [
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),  # of a failing card, in the report
    pytest.mark.timeout(3600),  # 10,000 examples take their time
]

FILES = {"known": "F0123456789", "wrong": ""}
LINKS = {"known": "https://bot.example.com/pictures/1?sig=x", "wrong": "javascript:alert(1)"}
PATHS = {"known": "/pictures/1.png", "wrong": ""}


def bare(words: str) -> str:
    """Letters, digits and signs only, without white space, control or format characters: wrapping does not matter."""
    words = re.sub(r"\x1b\[\d*m", "", words)
    if words.isascii():
        return re.sub(r"[\x00-\x20\x7f]", "", words)
    return "".join(char for char in words if unicodedata.category(char)[0] not in "CZ")


def strings(value: Any) -> Iterator[str]:
    """Every string a reader could see, as the reader sees it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and value.get("type") == "mrkdwn":
                yield inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            elif key == "text" and value.get("type") == "TextBlock":
                yield from (
                    piece.content
                    for block in MarkdownIt("commonmark").parse(inner)
                    for piece in block.children or ()
                    if piece.content
                )
            elif key not in {"value", "action_id", "data", "fallback"} or value.get("type") == "CodeBlock":
                yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def words_of(value: Any, *, cell: bool = False) -> Iterator[tuple[str, bool]]:  # noqa: PLR0912 - one branch a kind
    """Every text of a card, and whether it stands in a table's cell (whose long names lose their middle)."""
    match value:
        case Span():
            yield value.text, cell
        case Chip():
            yield value.word, cell
        case Table():
            for index, column in enumerate(value.columns):
                cells = [row.cells[index] for row in value.rows if index < len(row.cells)]
                if not column.beneath or any(bare(plain(cell)) for cell in cells):  # named beneath such a row
                    yield column.name, True
            for row in value.rows[:12]:  # the rest repeats them
                for inner in row.cells:
                    yield from words_of(inner, cell=True)
        case Fact():
            yield value.label, False
            yield from words_of(value.value)
        case Heading() | Code():
            yield value.text, False
        case Attachment():
            yield value.name, False
            yield value.title, False
        case Picture():
            yield value.alt, False
            yield value.title, False
        case Progress():
            yield value.label, False
            yield value.unit, False
        case Button() | Link():
            yield value.text, False
        case Menu():
            for option in value.options[:12]:
                yield option.text, False
            yield (value.label if value.options else ""), False
        case msgspec.Struct():
            for name in value.__struct_fields__:
                if name in {"title", "blocks", "text", "items"}:
                    yield from words_of(getattr(value, name))
        case tuple():
            for inner in dict.fromkeys(value):  # repeated blocks are seen once
                yield from words_of(inner, cell=cell)


def lost(card: Card, rendered: Rendered) -> list[str]:
    """Texts that are neither in the message nor counted as missing."""
    seen = bare("".join(strings(rendered.payload)))
    missing = []
    for words, cell in words_of(card):
        wanted = bare(words)
        if wanted in seen:
            continue
        if cell and len(wanted) > 20 and f"{wanted[:8]}" in seen and "…" in seen:
            continue
        missing.append(words)
    return missing


def told(rendered: Rendered) -> bool:
    """What is missing stands in the message too."""
    seen = " ".join(strings(rendered.payload))
    return not rendered.omitted or "left out: " in seen


def commands(card: Card) -> list[tuple[str, str]]:
    return [
        (action.command, action.how)
        for block in card.blocks
        if isinstance(block, Actions)
        for action in block.items
        if isinstance(action, Button)
    ]


def menus(card: Card) -> list[Menu]:
    return [
        item for block in card.blocks if isinstance(block, Actions) for item in block.items if isinstance(item, Menu)
    ]


def check_commands(card: Card, rendered: Rendered, found: list[tuple[str, str]]) -> None:
    """Each button gives its command back, wherever it stands; and nothing else is sent."""
    every = commands(card)
    others = {(fill(menu.command, option.value), menu.how) for menu in menus(card) for option in menu.options}
    others |= {(block.command, "edit") for block in card.blocks if isinstance(block, Fold)}
    assert set(found) <= set(every) | others
    if not any(re.search(r"\d buttons?\b|\d blocks?\b", phrase) for phrase in rendered.omitted):
        assert set(every) <= set(found)
    if not any(isinstance(block, Actions) and block.shown for block in card.blocks):
        rest = iter(every)
        assert all(command in rest for command in found if command not in others)


def unfolded(card: Card) -> Card:
    """The card with only what Slack shows of it: what is folded is another message."""

    def seen(block: Block) -> Block:
        closed = isinstance(block, Fold) and not block.opened and bool(block.command)
        return replace(block, blocks=()) if closed and isinstance(block, Fold) else block

    return replace(card, blocks=tuple(map(seen, card.blocks)))


def check_common(card: Card, render: Any, pictures: Mapping[str, str]) -> Rendered:
    rendered: Rendered = render(card, pictures)
    stored = msgspec.json.decode(msgspec.json.encode(card), type=Card)
    assert render(stored, pictures) == rendered
    json.dumps(rendered.payload, ensure_ascii=False).encode()
    assert rendered.summary.strip()
    assert "\n" not in rendered.summary
    assert told(rendered)
    assert rendered.omitted or not lost(unfolded(card) if render is slack.render else card, rendered)
    return rendered


@given(strategies.cards)
def test_any_card_is_a_legal_slack_message(card: Card) -> None:
    rendered = check_common(card, slack.render, FILES)
    payload: Any = rendered.payload
    assert limits.slack_message(payload) == []
    assert schemas.faults(schemas.slack_blocks(), payload["blocks"]) == []
    for block in SlackBlock.parse_all(json.loads(json.dumps(payload["blocks"]))):
        block.validate_json()
    elements = [element for block in payload["blocks"] if block["type"] == "actions" for element in block["elements"]]
    clicks = [slack.decode_click(element) for element in elements if "value" in element]
    menus_of_more = [element for element in elements if element["action_id"].startswith("more:")]
    clicks += [
        slack.decode_click({**element, "selected_option": option})
        for element in menus_of_more
        for option in element["options"]
    ]
    check_commands(card, rendered, [(click.command, click.how) for click in clicks if click])
    possible = {(fill(menu.command, option.value), menu.how) for menu in menus(card) for option in menu.options}
    possible |= set(commands(card))
    for element in elements:
        for option in element.get("options", ())[:3]:
            click = slack.decode_click({**element, "selected_option": option})
            assert click is not None
            assert (click.command, click.how) in possible
        if "url" in element:
            assert slack.decode_click(element) is None


@given(strategies.cards)
def test_any_card_is_a_legal_teams_card(card: Card) -> None:
    rendered = check_common(card, lambda card, pictures: teams.render(card, pictures, LINKS), LINKS)
    payload: Any = rendered.payload
    assert limits.teams_card(payload) == []
    assert schemas.faults(schemas.adaptive_card(), payload) == []
    every = [node for node in limits.nodes(payload["body"]) if node.get("type") in {"Action.Execute", "Action.Submit"}]
    sent = [node for node in every if not any(node is other.get("fallback") for other in every)]
    clicks = [teams.decode_click(node["data"]) for node in sent if "m" not in node["data"]]
    check_commands(card, rendered, [(click.command, click.how) for click in clicks if click])
    possible = {(fill(menu.command, option.value), menu.how) for menu in menus(card) for option in menu.options}
    choices = {
        node["id"]: node["choices"] for node in limits.nodes(payload["body"]) if node.get("type") == "Input.ChoiceSet"
    }
    for node in sent:
        if (name := node["data"].get("m")) is not None:
            assert teams.decode_click(node["data"]) is None
            for choice in choices[name][:3]:
                click = teams.decode_click(node["data"] | {name: choice["value"]})
                assert click is not None
                assert (click.command, click.how) in possible


@given(strategies.cards)
def test_any_card_can_be_read_in_a_terminal(card: Card) -> None:
    rendered = check_common(card, lambda card, pictures: text.render(card, pictures, PATHS, width=80), PATHS)
    shown: Any = rendered.payload
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown["text"])
    for number, choice in enumerate(shown["actions"], 1):
        assert f"[{number}]" in shown["text"]
        assert set(choice) == {"label", "command", "how"}
    found = [(choice["command"], choice["how"]) for choice in shown["actions"]]
    rest = iter(found)
    assert all(command in rest for command in commands(card))


@given(strategies.forms)
def test_any_form_is_a_legal_slack_view(form: Form) -> None:
    view: Any = slack.render_form(form, "carried")
    assert limits.slack_view(view) == []
    assert schemas.faults(schemas.slack_view(), view) == []
    assert wrong_with_view(view) == []
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    state = {"values": {block["block_id"]: {"value": filled_slack(block["element"])} for block in inputs}}
    sent = slack.decode_submission({**view, "state": state})
    assert (sent.command, sent.how, sent.carry) == (form.command, form.how, "carried")
    assert (sent.live, sent.opened) == (form.live, form.opened)
    check_values(form, sent.values)
    if not any("left out" in words for words in strings(view)):
        shown = {field.name for field in form.fields if form.opened or not field.more}
        assert block_ids(view).keys() == shown
    again: Any = slack.render_form(form, "carried", turns(view))
    for name, block_id in block_ids(view).items():
        reset = next(field.reset for field in form.fields if field.name == name)
        assert (block_ids(again).get(name, block_id) != block_id) == reset or name not in block_ids(again)


def filled_slack(element: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - one return a kind
    """An input's state when it is sent as it was opened."""
    kind = element["type"]
    match kind:
        case "checkboxes" | "multi_static_select":
            return {"type": kind, "selected_options": element.get("initial_options", [])}
        case "static_select" | "external_select":
            return {"type": kind, "selected_option": element.get("initial_option")}
        case "datepicker":
            return {"type": kind, "selected_date": element.get("initial_date")}
        case "timepicker":
            return {"type": kind, "selected_time": element.get("initial_time")}
        case "datetimepicker":
            return {"type": kind, "selected_date_time": element.get("initial_date_time")}
        case "file_input":
            return {"type": kind, "files": []}
    return {"type": kind, "value": element.get("initial_value")}


@given(strategies.forms)
def test_any_form_is_a_legal_teams_dialog(form: Form) -> None:
    card: Any = teams.render_form(form, "carried")
    assert limits.teams_card(card) == []
    assert schemas.faults(schemas.adaptive_card(), card) == []
    drawing = draw(card, dialog=True)
    assert [str(problem) for problem in drawing.problems if problem.grave] == []
    submit, *check = card["actions"]
    assert len(check) == form.live
    filled = {node["id"]: node.get("value", "") for node in drawing.inputs}
    sent = teams.decode_submission(submit["data"] | filled)
    assert (sent.command, sent.how, sent.carry) == (form.command, form.how, "carried")
    assert (sent.live, sent.check) == (form.live, False)
    assert all(teams.decode_submission(action["data"]).check for action in check)
    check_values(form, sent.values)
    if form.live:
        assert not any(node.get("isRequired") for node in drawing.inputs), "a client would not let it be checked"


def check_values(form: Form, values: dict[str, str]) -> None:
    """A form that is sent as it was opened gives back what it was opened with, and loses nothing."""
    fields = {field.name: field for field in form.fields}
    assert values.keys() <= fields.keys()
    for name, value in values.items():
        field = fields[name]
        straight = " ".join(field.value.split())
        if field.kind == "flag":
            assert value == ("true" if field.value == "true" else "false")
        elif field.kind == "number" and _is_number(field.value):
            assert float(value) == float(field.value)
        elif field.kind == "moment" and (at := moment(field.value)):
            assert moment(value) == at.replace(second=0, microsecond=0)
        elif field.kind == "time" and field.value == "7:05":
            assert value == "07:05"
        elif field.kind == "choices" and field.value.isprintable():
            assert value in {field.value, straight, ",".join(several(field.value)), ",".join(several(straight))}
        elif field.value.isprintable():
            assert value in {field.value, straight}


def _is_number(words: str) -> bool:
    try:
        return words.isprintable() and math.isfinite(float(words))
    except ValueError:
        return False


def test_a_view_cannot_carry_more_than_slack_takes() -> None:
    form = Form("t", "pool list", ())
    with pytest.raises(ValueError, match="3000 characters"):
        slack.render_form(form, "x" * 3_000)


@pytest.mark.parametrize("render", [slack.render, teams.render, text.render])
def test_lone_surrogates_do_not_break_a_message(render: Any) -> None:
    """They cannot be stored or sent as UTF-8; a command that holds one still comes back as it was."""
    half = "\ud83d"
    actions = Actions((Button(half, f"job show {half}"), Menu(half, "job show {}", (Option(half, half),))))
    rendered: Rendered = render(Card((Span(f"a{half}b"),), (actions, Code(half + "x"))))
    if render is not text.render:
        json.dumps(rendered.payload, ensure_ascii=False).encode()
    if render is slack.render:
        payload: Any = rendered.payload
        click = slack.decode_click(payload["blocks"][1]["elements"][0])
        assert click is not None
        assert click.command == f"job show {half}"


def test_what_others_send_is_no_click() -> None:
    assert slack.decode_click({}) is None
    assert slack.decode_click({"action_id": "run:1", "value": "{}"}) is None
    assert slack.decode_click({"action_id": "run:1", "value": '{"c":"x","h":"now"}'}) is None
    assert slack.decode_click({"action_id": "menu:1:[]", "selected_option": None}) is None
    assert teams.decode_click({}) is None
    assert teams.decode_click({"c": 1, "h": "post"}) is None
    assert teams.decode_click({"c": "x", "h": []}) is None
    with pytest.raises(ValueError, match="none of ours"):
        slack.decode_submission({"private_metadata": "{}"})
    with pytest.raises(ValueError, match="none of our"):
        teams.decode_submission({"form": "[]"})


def test_facts_are_never_shortened_and_names_in_tables_are() -> None:
    name = "nightly-render-2026-11-23-frame-0001-of-job-12"
    card = Card((Span("x"),), (Facts((Fact("Job", (Span(name),)),)),))
    for render in (slack.render, teams.render, text.render):
        assert name in json.dumps(render(card).payload)
