"""Block Kit's law: every block, message and view with its limits, as tables.

Blocks that the tables do not name (video, file, card, carousel, container, alert, plan, task_card, data_table) are
refused as unsupported.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.sandbox.slack.elements import ACCESSORIES, ACTIONS, ELEMENTS, ID, INPUTS, OPTION, OPTIONS, PICTURE, among
from bot.sandbox.slack.shape import (
    Check,
    Findings,
    anything,
    at_least_one,
    exactly_one,
    flag,
    many,
    number,
    one_of,
    plain,
    shape,
    string,
    text,
    typed,
    whole,
)

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MARKDOWN_CHARACTERS = 12_000
TABLE_CHARACTERS = 10_000

FileReady = Callable[[Mapping[str, object]], bool]

# rich text -------------------------------------------------------------------------------------------------------

_LOOKS = shape(
    {}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight"), flag)
)


def _run(required: dict[str, Check], **optional: Check) -> Check:
    return shape({"type": anything, **required}, {"style": _LOOKS, **optional})


RUN = typed(
    {
        "text": _run({"text": string()}),
        "link": _run({"url": string(3000)}, text=string(), unsafe=flag),
        "emoji": _run({"name": string()}, unicode=string(), url=string(), skin_tone=number),
        "user": _run({"user_id": string()}),
        "channel": _run({"channel_id": string()}),
        "usergroup": _run({"usergroup_id": string()}),
        "team": _run({"team_id": string()}),
        "broadcast": _run({"range": one_of("here", "channel", "everyone")}),
        "color": _run({"value": string()}),
        "date": _run({"timestamp": number, "format": string()}, fallback=string(), url=string(3000)),
    }
)
_RUNS: dict[str, Check] = {"type": anything, "elements": many(RUN, 10_000, 0)}
_BORDER: dict[str, Check] = {"border": one_of(0, 1)}
RICH_SECTION = shape(_RUNS)
RICH_TEXT: dict[str, Check] = {
    "elements": many(
        typed(
            {
                "rich_text_section": RICH_SECTION,
                "rich_text_preformatted": shape(_RUNS, {**_BORDER, "language": string()}),
                "rich_text_quote": shape(_RUNS, _BORDER),
                "rich_text_list": shape(
                    {
                        "type": anything,
                        "style": one_of("bullet", "ordered"),
                        "elements": many(typed({"rich_text_section": RICH_SECTION}), 10_000),
                    },
                    {**_BORDER, "indent": whole(0, 8), "offset": whole(0, 10_000)},
                ),
            }
        ),
        10_000,
    )
}

# blocks ----------------------------------------------------------------------------------------------------------


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None, *also: Check) -> Check:
    return shape({"type": anything, **required}, {"block_id": ID, **(optional or {})}, *also)


def _own_action_ids(value: Mapping[str, Any], at: str, findings: Findings) -> None:
    for action_id, times in Counter(e.get("action_id") for e in value["elements"]).items():
        if action_id is not None and times > 1:
            findings.add(f"`action_id` {action_id!r} already exists in this block", f"{at}/elements")


CELL = typed(
    {
        "raw_text": shape({"type": anything, "text": string()}),
        "raw_number": shape({"type": anything, "text": string(), "value": number}),
        "rich_text": _block(RICH_TEXT),
    }
)
CONTEXT = {"plain_text": text(3000), "mrkdwn": text(3000), "image": ELEMENTS["image"]}
COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": flag})


def _nullable(check: Check) -> Check:
    return lambda value, at, findings: None if value is None else check(value, at, findings)


def _finite(value: object, at: str, findings: Findings) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        findings.add("must provide a finite number", at)


def _positive(value: object, at: str, findings: Findings) -> None:
    _finite(value, at, findings)
    if isinstance(value, int | float) and not value > 0:
        findings.add("must be more than 0", at)


def _every_category(chart: Mapping[str, Any], at: str, findings: Findings) -> None:
    """Names of series differ, and each has one value for each category, in the order of the axis."""
    names = [series["name"] for series in chart["series"]]
    if len(set(names)) < len(names):
        findings.add("names of series must be unique", f"{at}/series")
    for index, series in enumerate(chart["series"]):
        if [point["label"] for point in series["data"]] != chart["axis_config"]["categories"]:
            findings.add("labels must match axis_config.categories", f"{at}/series/{index}/data")


_SERIES = shape({"name": string(20), "data": many(shape({"label": string(20), "value": _finite}), 20)})
_PLOT = shape(
    {
        "type": anything,
        "series": many(_SERIES, 6),
        "axis_config": shape(
            {"categories": many(string(20), 20)}, {"x_label": string(50, 0), "y_label": string(50, 0)}
        ),
    },
    {},
    _every_category,
)
CHART = typed(
    {
        "bar": _PLOT,
        "line": _PLOT,
        "area": _PLOT,
        "pie": shape({"type": anything, "segments": many(shape({"label": string(20), "value": _positive}), 6)}),
    }
)

BLOCKS: dict[str, Check] = {
    "section": _block(
        {},
        {
            "text": text(3000),
            "fields": many(text(2000), 10),
            "accessory": among(ACCESSORIES),
            "expand": flag,
        },
        at_least_one("text", "fields"),
    ),
    "divider": _block({}),
    "header": _block({"text": plain(150)}, {"level": whole(1, 6)}),
    "context": _block({"elements": many(typed(CONTEXT), 10)}),
    "actions": _block({"elements": many(among(ACTIONS), 25)}, {}, _own_action_ids),
    "context_actions": _block({"elements": many(among({"feedback_buttons", "icon_button"}), 5)}, {}, _own_action_ids),
    "image": _block(
        {"alt_text": string(2000)}, {**PICTURE, "title": plain(2000)}, exactly_one("image_url", "slack_file")
    ),
    "input": _block(
        {"label": plain(2000), "element": among(INPUTS)},
        {"hint": plain(2000), "optional": flag, "dispatch_action": flag},
    ),
    "rich_text": _block(RICH_TEXT),
    "markdown": _block({"text": string(MARKDOWN_CHARACTERS)}),
    "table": _block({"rows": many(many(CELL, 20), 100)}, {"column_settings": many(_nullable(COLUMN), 20)}),
    "data_visualization": _block({"title": string(50), "chart": CHART}),
}

_ANYWHERE = {"section", "divider", "header", "context", "actions", "image", "input", "rich_text"}
MESSAGE = _ANYWHERE | {"context_actions", "markdown", "table", "data_visualization"}
_VIEW: dict[str, Check] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
VIEW_BLOCK = many(typed({kind: BLOCKS[kind] for kind in _ANYWHERE}), VIEW_BLOCKS, 0)


def elements(blocks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every (block, element) that somebody can use."""
    for block in blocks:
        for element in (block.get("accessory"), block.get("element"), *(block.get("elements") or ())):
            if isinstance(element, dict) and element.get("type") in ELEMENTS and element["type"] != "image":
                yield block, element


def _unique_block_ids(blocks: Sequence[Mapping[str, Any]], at: str, findings: Findings) -> None:
    for block_id, times in Counter(block.get("block_id") for block in blocks).items():
        if block_id is not None and times > 1:
            findings.add(f"`block_id` {block_id!r} already exists", at)


def _one_focus(blocks: Sequence[Mapping[str, Any]], at: str, findings: Findings) -> None:
    if sum(bool(element.get("focus_on_load")) for _, element in elements(blocks)) > 1:
        findings.add("only one element may have focus_on_load", at)


def _characters(value: object) -> int:
    """All that is written in a table."""
    match value:
        case {"text": str(words)}:
            return len(words)
        case {"elements": list(parts)} | list(parts):
            return sum(map(_characters, parts))
    return 0


CHARTS = 2


def _message_totals(blocks: Sequence[Mapping[str, Any]], at: str, findings: Findings) -> None:
    if sum(block["type"] == "data_visualization" for block in blocks) > CHARTS:
        findings.add(f"no more than {CHARTS} data_visualization blocks allowed", at)
    tables = [block for block in blocks if block["type"] == "table"]
    if len(tables) > 1:
        findings.add("only one table allowed", at)
    if sum(_characters(table["rows"]) for table in tables) > TABLE_CHARACTERS:
        findings.add(f"tables must have less than {TABLE_CHARACTERS + 1} characters in all", at)
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN_CHARACTERS:
        findings.add(f"markdown blocks must have less than {MARKDOWN_CHARACTERS + 1} characters in all", at)


def _submit_for_inputs(view: Mapping[str, Any], at: str, findings: Findings) -> None:
    if view.get("submit") is None and any(block["type"] == "input" for block in view["blocks"]):
        findings.add("missing required field: submit (the view has input blocks)", at)


def _view_totals(view: Mapping[str, Any], at: str, findings: Findings) -> None:
    _unique_block_ids(view["blocks"], f"{at}/blocks", findings)
    _one_focus(view["blocks"], f"{at}/blocks", findings)


MESSAGE_CHECK = many(typed({kind: BLOCKS[kind] for kind in MESSAGE}), MESSAGE_BLOCKS, 0)
OLD_MESSAGE_CHECK = many(typed({kind: BLOCKS[kind] for kind in MESSAGE - {"data_visualization"}}), MESSAGE_BLOCKS, 0)
VIEW_CHECK = typed(
    {
        "modal": shape(
            {"type": anything, "title": plain(24), "blocks": VIEW_BLOCK},
            {
                **_VIEW,
                "submit": plain(24),
                "close": plain(24),
                "clear_on_close": flag,
                "notify_on_close": flag,
                "submit_disabled": flag,
            },
            _submit_for_inputs,
            _view_totals,
        ),
        "home": shape({"type": anything, "blocks": VIEW_BLOCK}, _VIEW, _view_totals),
    }
)


def wrong_with_blocks(blocks: object, file_ready: FileReady = lambda file: False, *, charts: bool = True) -> list[str]:
    """What is wrong with the blocks of a message, as Slack words it; empty when they are legal.

    ``charts``: the workspace has the block data_visualization, which Slack hands out little by little.
    """
    findings = Findings(file_ready)
    (MESSAGE_CHECK if charts else OLD_MESSAGE_CHECK)(blocks, "/blocks", findings)
    if not findings.words and isinstance(blocks, list):
        for total in (_unique_block_ids, _one_focus, _message_totals):
            total(blocks, "/blocks", findings)
    return findings.words


def wrong_with_view(view: object, file_ready: FileReady = lambda file: False) -> list[str]:
    """What is wrong with a modal or Home view; empty when it is legal."""
    findings = Findings(file_ready)
    VIEW_CHECK(view, "/view", findings)
    return findings.words


def wrong_with_options(answer: object) -> list[str]:
    """What is wrong with the answer to a suggestion request."""
    findings = Findings()
    shape({}, OPTIONS | {"options": many(OPTION, 100, 0)}, exactly_one("options", "option_groups"))(
        answer, "", findings
    )
    return findings.words
