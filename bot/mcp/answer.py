"""A card as the answer of a tool: text, the same as data, and its pictures.

What a model reads is text, and what Azure answered is in it: names, logs, messages, which anybody may have written. So
each answer says which lines are data, between two marks that no text can foresee; the server's instructions say what
that means. Nothing else in an answer comes from Azure.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

import mcp_types as types
import msgspec
import structlog
from msgspec.structs import replace

from bot.mcp import structured
from bot.mcp.tool import Tool, arguments_of
from bot.requests.command import CommandError
from bot.requests.grammar import words
from bot.requests.registry import Registry
from cards import text
from cards.card import Actions, Attachment, Block, Button, Card, Menu, Picture
from cards.click import fill
from cards.text_fit import clean, clean_line

log = structlog.get_logger()

MOST = 24_000
"""Characters of an answer as text: some 6,000 to 8,000 tokens, below what clients warn of."""
_WIDTH = 2_000
"""Columns: no line is broken and no column left out."""
_NEXT = 12
"""Calls that are suggested after an answer."""
_OPTIONS = 1
"""Of a menu: as many of its options, as examples; the table above it has the names."""
_PICTURES = 4
_AS_OF = re.compile(r"\n+as of \d\d:\d\d \S+$")
"""The last line of a card, which the first line of an answer says with the day."""
_NARROWS = {
    "filter": "a filter", "lines": "fewer lines", "page": "one page after the other", "window": "a shorter window",
    "state": "a state", "pool": "one pool", "since": "a shorter span", "folder": "one folder", "file": "one file",
}  # fmt: skip
"""Arguments that make an answer shorter, as it is said."""


class Drawing(Protocol):
    """What is needed of :class:`bot.chat.port.Pictures`."""

    async def png(self, chart: object) -> bytes:
        """The chart as PNG bytes; raises what drawing raises."""
        ...


@dataclass(frozen=True)
class Answers:
    """Makes answers for one person: ``tools`` are those that they have, by name."""

    registry: Registry
    tools: Mapping[str, Tool]
    drawing: Drawing | None = None

    async def of(self, card: Card, tool: Tool, asked: Mapping[str, Any], said: str = "") -> types.CallToolResult:
        """The answer to a call of a tool with what was ``asked``.

        ``card`` has no secrets; ``said`` stands before its text, and is no data.
        """
        narrow = self._narrow(tool)
        suggested = self._suggested(card, tool, asked)
        shown = replace(card, blocks=tuple(each for each in card.blocks if not isinstance(each, Actions)))
        written = structured.BAR.sub("", str(text.render(shown, width=_WIDTH).payload["text"]))
        parts = [_AS_OF.sub("", written)]
        if names := self._names(card, written):
            parts.append("\n".join(["In full, in the order above:", *names]))
        parts += [_file(each) for each in card.blocks if isinstance(each, Attachment)]
        if suggested:
            parts.append("\n".join(["Next calls:", *map(_line, suggested)]))
        body = "\n\n".join(parts)
        data = structured.of_card(card, narrow)
        data |= ({"names": names} if names else {}) | ({"next": suggested} if suggested else {})
        head = " ".join(filter(None, [said, _times(card)]))
        content: list[types.ContentBlock] = [types.TextContent(text=_marked(_cut(body, narrow), head))]
        content += await self._pictures(card.blocks)
        made: dict[str, Any] = {"data": data} | ({"said": said} if said else {})
        return types.CallToolResult(content=content, structured_content=made, is_error=card.refused)

    def _narrow(self, tool: Tool) -> str:
        ways = [way for name, way in _NARROWS.items() if name in tool.parameters]
        return f"Ask for less: {', '.join(ways)}." if ways else "Ask about one thing of it."

    def _suggested(self, card: Card, tool: Tool, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the buttons of a card do, as calls of tools; left out is what no tool does, and what was just asked."""
        just = _essence(tool, asked)
        found: dict[bytes, dict[str, Any]] = {}
        for label, command in _pressed(card.blocks):
            if (call := self._call(command)) and (arguments := arguments_of(*call)) is not None:
                made = {"tool": call[0].name, "arguments": arguments}
                if _essence(call[0], arguments) != just and len(found) < _NEXT:
                    found.setdefault(msgspec.json.encode(made), {**made, "label": clean_line(label)})
        return list(found.values())

    def _names(self, card: Card, body: str) -> list[str]:
        """What can be opened from a card and is not named in its text: names that it shortens, and ids, with what they
        stand for.
        """
        found: dict[str, str] = {}
        for block in card.blocks:
            for action in block.items if isinstance(block, Actions) else ():
                if isinstance(action, Menu) and self._opens(action):
                    for each in action.options:
                        name, label = clean_line(each.value), clean_line(each.text)
                        found[name] = name if "…" in label or label == name else f"{name} ({label})"
        return [told for name, told in found.items() if name not in body]

    def _opens(self, menu: Menu) -> bool:
        """Whether what is chosen of a menu is shown then."""
        known = self.registry.find(words(fill(menu.command, "x")))
        return known is not None and known.path.endswith(" show")

    def _call(self, command: str) -> tuple[Tool, Any] | None:
        try:
            call = self.registry.parse(words(command))
        except CommandError:  # a form's, which lacks something
            return None
        tool = next((each for each in self.tools.values() if each.known is call.command), None)
        return (tool, call) if tool else None

    async def _pictures(self, blocks: Sequence[Block]) -> list[types.ContentBlock]:
        """The charts as images; one that cannot be drawn is told in words anyway."""
        made: list[types.ContentBlock] = []
        for block in [each for each in blocks if isinstance(each, Picture)][:_PICTURES] if self.drawing else []:
            try:
                png = await self.drawing.png(block.chart)  # type: ignore[union-attr]
            except Exception:  # a chart never fails its card
                log.exception("mcp.picture_failed", key=block.key)
                continue
            made.append(types.ImageContent(data=base64.b64encode(png).decode(), mime_type="image/png"))
        return made


def _pressed(blocks: Sequence[Block]) -> list[tuple[str, str]]:
    """The label and the command of every button, and of the first options of every menu."""
    found: list[tuple[str, str]] = []
    for block in blocks:
        for action in block.items if isinstance(block, Actions) else ():
            match action:
                case Button() if not action.current and action.how != "form":
                    found.append((action.text, action.command))
                case Menu() if "sort:" not in action.command:
                    found += [
                        (f"{action.label}: {each.text}", fill(action.command, each.value))
                        for each in action.options[:_OPTIONS]
                    ]
    return found


def _essence(tool: Tool, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What tells a call from others, but for the account, which every button names, and what is so anyway."""
    properties = tool.schema["properties"]
    given = {
        name: value
        for name, value in arguments.items()
        if name != "account" and value != properties.get(name, {}).get("default")
    }
    return tool.name, given


def _times(card: Card) -> str:
    """When it was so, with the day, and in which zone moments are told."""
    if card.as_of is None:
        return ""
    return f"As of {card.as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC; clock times below are in {card.zone}."


def _line(call: Mapping[str, Any]) -> str:
    arguments = msgspec.json.encode(call["arguments"]).decode()
    return f"- {call['tool']} {arguments} ({call['label']})"


def _file(block: Attachment) -> str:
    """A file that comes with a card, as far as it is text."""
    name = clean_line(block.name)
    try:
        return f"File {name}:\n{clean(block.content.decode())}"
    except UnicodeDecodeError:
        return f"File {name}: {len(block.content):,} bytes that are no text, which are left out here."


def _cut(body: str, narrow: str) -> str:
    """As much of a text as an answer has, at the end of a line."""
    if len(body) <= MOST:
        return body
    kept = body[:MOST].rpartition("\n")[0] or body[:MOST]
    return f"{kept}\n… {len(body) - len(kept):,} of {len(body):,} characters are left out. {narrow}"


def _marked(body: str, said: str, token: Callable[[int], str] = secrets.token_hex) -> str:
    """What the bot says itself, and below it the data between two marks."""
    mark = token(4)
    return "\n".join([*([said] if said else []), f"--- data {mark}", body, f"--- end of data {mark}"])
