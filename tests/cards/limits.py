"""The platforms' numeric limits, written down a second time and checked without the renderers' help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from markdown_it import MarkdownIt


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in ``value``, outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


class Faults(list[str]):
    """Collects what is wrong."""

    def length(self, what: str, value: Any, most: int, least: int = 1) -> None:
        count = utf16(value) if isinstance(value, str) else len(value)
        if not least <= count <= most:
            self.append(f"{what}: {count}, not {least} to {most}")
        if isinstance(value, str) and least and not value.strip():
            self.append(f"{what}: blank")

    def unique(self, what: str, values: list[Any]) -> None:
        if len(set(values)) != len(values):
            self.append(f"{what}: {sorted(value for value in set(values) if values.count(value) > 1)} more than once")


def slack_message(payload: dict[str, Any]) -> list[str]:
    faults = Faults()
    if set(payload) != {"text", "blocks"}:
        faults.append(f"keys {sorted(payload)}")
    faults.length("text", payload["text"], 4_000)
    if "\n" in payload["text"]:
        faults.append("text: more than one line")
    blocks = payload["blocks"]
    faults.length("blocks", blocks, 50)
    _slack_blocks(faults, blocks)
    tables = [block for block in blocks if block["type"] == "table"]
    if len(tables) > 1:
        faults.append(f"{len(tables)} tables")
    faults.length("all blocks as JSON", json.dumps(blocks, ensure_ascii=False, separators=(",", ":")), 13_000)
    return faults


def slack_view(view: dict[str, Any]) -> list[str]:
    faults = Faults()
    faults.length("blocks", view["blocks"], 100)
    for part in ("title", "submit", "close"):
        faults.length(part, view[part]["text"], 24)
    faults.length("private_metadata", view["private_metadata"], 3_000, 0)
    faults.length("callback_id", view["callback_id"], 255)
    if (size := len(json.dumps(view))) > 250_000:
        faults.append(f"{size} bytes of JSON")
    _slack_blocks(faults, view["blocks"])
    return faults


def _slack_blocks(faults: Faults, blocks: list[dict[str, Any]]) -> None:  # noqa: PLR0912 - one branch a kind
    faults.unique("block_id", [block["block_id"] for block in blocks if "block_id" in block])
    actions = [
        element["action_id"] for block in blocks for element in block.get("elements", ()) if "action_id" in element
    ]
    faults.unique("action_id", actions)
    for block in blocks:
        faults.length("block_id", block.get("block_id", "-"), 255)
        kind = block["type"]
        if kind == "section":
            if "text" in block:
                faults.length("section text", block["text"]["text"], 3_000)
            else:
                faults.length("fields", block["fields"], 10)
                for field in block["fields"]:
                    faults.length("field", field["text"], 2_000)
        elif kind == "context":
            faults.length("context elements", block["elements"], 10)
            for element in block["elements"]:
                faults.length("context text", element["text"], 3_000)
        elif kind == "actions":
            faults.length("action elements", block["elements"], 25)
        elif kind == "image":
            faults.length("alt_text", block["alt_text"], 2_000)
            faults.length("image title", block.get("title", {"text": "-"})["text"], 2_000)
        elif kind == "table":
            _slack_table(faults, block)
        elif kind == "input":
            faults.length("label", block["label"]["text"], 2_000)
            faults.length("hint", block.get("hint", {"text": "-"})["text"], 2_000)
        elif kind == "rich_text":
            faults.length("rich_text elements", block["elements"], 50)
    for node in nodes(blocks):
        _slack_element(faults, node)


def _slack_table(faults: Faults, table: dict[str, Any]) -> None:
    faults.length("table rows", table["rows"], 100)
    faults.length("column_settings", table["column_settings"], 20)
    for row in table["rows"]:
        faults.length("table cells", row, 20)
        if len(row) != len(table["rows"][0]):
            faults.append("table: rows of different length")
    letters = sum(utf16(node["text"]) for node in nodes(table["rows"]) if isinstance(node.get("text"), str))
    if letters > 10_000:
        faults.append(f"table: {letters} characters")


def _slack_element(faults: Faults, node: dict[str, Any]) -> None:
    faults.length("action_id", node.get("action_id", "-"), 255)
    kind = node.get("type")
    if kind == "button":
        faults.length("button text", node["text"]["text"], 75)
        faults.length("button value", node.get("value", "-"), 2_000)
        faults.length("button url", node.get("url", "https://-"), 3_000)
    elif kind in {"static_select", "checkboxes", "multi_static_select"}:
        faults.length("options", node["options"], 100)
        faults.unique("option values", [option["value"] for option in node["options"]])
        faults.length("placeholder", node.get("placeholder", {"text": "-"})["text"], 150)
        for option in node["options"]:
            faults.length("option text", option["text"]["text"], 75)
            faults.length("option value", option["value"], 75)
    elif kind == "plain_text_input":
        faults.length("initial_value", node.get("initial_value", "-"), 3_000)
    elif kind == "number_input":
        least, most = (float(node.get(key, default)) for key, default in (("min_value", "-inf"), ("max_value", "inf")))
        if least > most:
            faults.append(f"number_input: {least} > {most}")
    elif kind == "file_input" and not 1 <= node["max_files"] <= 10:
        faults.append(f"max_files {node['max_files']}")
    elif kind == "datetimepicker" and len(str(node.get("initial_date_time", 10**9))) != 10:
        faults.append(f"initial_date_time {node['initial_date_time']}")
    elif kind == "overflow":
        faults.length("overflow options", node["options"], 5)
    elif kind in {"text", "raw_text", "mrkdwn", "plain_text"} and not (isinstance(node["text"], str) and node["text"]):
        faults.append(f"{kind}: empty")


def teams_card(card: dict[str, Any]) -> list[str]:  # noqa: PLR0912 - one branch a kind
    faults = Faults()
    text = json.dumps(card, ensure_ascii=False)  # as loosely written as any library does
    if (size := len(text.encode("utf-16-le"))) > 80_000:
        faults.append(f"{size} bytes of UTF-16")
    if card.get("version") != "1.5":
        faults.append(f"version {card.get('version')}")
    every = list(nodes(card))
    faults.unique("id", [node["id"] for node in every if "id" in node])
    for node in every:
        kind = str(node.get("type", ""))
        if kind in {"ActionSet", "AdaptiveCard"}:
            shown = [action for action in node.get("actions", ()) if action.get("mode") != "secondary"]
            faults.length("primary actions", shown, 6, 0 if kind == "AdaptiveCard" else 1)
        if kind == "Action.Execute":
            if node.get("verb") != "run" or node.get("fallback", {}).get("type") != "Action.Submit":
                faults.append("Action.Execute: verb or fallback")
            if node["fallback"]["data"] != node["data"]:
                faults.append("fallback: other data")
        if kind == "Action.ToggleVisibility" and not {*node["targetElements"]} <= {each.get("id") for each in every}:
            faults.append("Action.ToggleVisibility: no such element")
        if kind.startswith("Action.") and kind != "Action.ShowCard":
            faults.length("action title", node["title"], 100)
        if kind == "Action.OpenUrl" and not node["url"].startswith(("https://", "http://")):
            faults.append(f"url {node['url']}")
        if kind == "Image":
            faults.length("altText", node["altText"], 2_000)
        if kind == "Input.ChoiceSet":
            faults.length("choices", node["choices"], 100, 0 if "choices.data" in node else 1)
            faults.unique("choice", [choice["value"] for choice in node["choices"]])
            faults.length("label", node["label"], 500)
        if kind == "RichTextBlock":
            faults.length("inlines", node["inlines"], 10_000)
        if kind == "Table":
            faults.length("rows", node["rows"], 10_000)
            for row in node["rows"]:
                if len(row["cells"]) != len(node["columns"]):
                    faults.append("table: cells and columns differ")
        if kind == "TextBlock":
            faults += _text_block(node["text"], [who["text"] for who in card.get("msteams", {}).get("entities", ())])
    return faults


def _text_block(text: str, mentions: list[str]) -> Iterator[str]:
    """Only whoever is mentioned needs a text block, which reads Markdown: nothing but that and bold may be read so."""
    if not any(who in text for who in mentions):
        yield "TextBlock: reads markdown"
    for block in MarkdownIt("commonmark").parse(text):
        if block.type not in {"paragraph_open", "paragraph_close", "inline"}:
            yield f"TextBlock: {block.type} in {text!r}"
        for piece in block.children or ():
            if piece.type == "html_inline" and piece.content in {"<at>", "</at>"}:
                continue
            if piece.type not in {"text", "text_special", "strong_open", "strong_close"}:
                yield f"TextBlock: {piece.type} in {text!r}"
            if piece.type == "text" and "**" in piece.content:
                yield f"TextBlock: bold that is none in {text!r}"
