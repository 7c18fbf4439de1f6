"""What the app does beside a message that is written, or about one that stands there: the message extension of Teams.

- A link that is pasted becomes a card (``composeExtension/queryLink``).
- The search command finds jobs, pools, schedules and accounts by their names (``composeExtension/query``), and puts the
  card of the one that is chosen into the message (``composeExtension/selectItem``).
- The action command of a message shows what it names in a dialog (``composeExtension/fetchTask``), whose buttons answer
  in the dialog (``composeExtension/submitAction``): it is for whoever asked alone, and works where the bot is not.

Shapes: https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/ and the classes MessagingExtension… of
the Bot Framework. What comes through a client is what a person could have typed, and is answered as that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

import cards.teams.message
from bot.chat.port import RequestIntake
from bot.chat.teams.activity import Activity
from bot.chat.teams.outbound import CARD, Outbound
from bot.chat.typed import MOST, is_readable, without_markup
from bot.content.clear_text import clear
from cards.card import Actions, Block, Button, Card, Link, Menu, Rendered
from cards.command_line import command
from cards.compact import compact
from cards.teams.text import safe

log = structlog.get_logger()

Answer: TypeAlias = tuple[int, dict[str, object] | None]

FIND, ABOUT, NAME = "find", "about", "name"
"""The commands of the app's manifest, and the parameter of the first."""
_LINK_SECONDS = 4.5
"""In which a pasted link, or a search, is answered: Teams waits for five."""
_DIALOG_SECONDS = 8.0
_PREVIEW = "application/vnd.microsoft.card.thumbnail"
_MOST = 15
"""Results of a search: more than anybody reads while they type."""
_READ = 3_000
"""Characters of a message that are read."""
_ANCHOR = re.compile(r"<a\b[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r"\bhref=\"([^\"]+)\"", re.IGNORECASE)
"""Looked for in one tag alone: both at once would take time that grows with the square of a tag that never ends."""
_CHANGES = "That changes something: press it on a card in the chat, or type it."
_LATE = "That takes longer than Teams waits here: ask me in the chat."


class _Pasted(Struct):
    url: str = ""


class _Parameter(Struct, frozen=True):
    name: str = ""
    value: object = ""


class _Options(Struct, frozen=True):
    skip: int = 0
    count: int = 25


class _Query(Struct, rename="camel"):
    command_id: str = ""
    parameters: list[_Parameter] = []
    query_options: _Options = _Options()


class _Chosen(Struct):
    command: str = ""


class _Body(Struct, frozen=True, rename="camel"):
    content: str = ""
    content_type: str = "html"


class _Attached(Struct, frozen=True, rename="camel"):
    content_type: str = ""
    content: object = None


class _Message(Struct, frozen=True):
    body: _Body = _Body()
    attachments: list[_Attached] = []


class _Action(Struct, rename="camel"):
    command_id: str = ""
    message_payload: _Message | None = None
    data: dict[str, object] | None = None


class MessageExtension:
    """Answers the invokes of the message extension."""

    def __init__(self, intake: RequestIntake, outbound: Outbound) -> None:
        self._intake = intake
        self._outbound = outbound
        self.by_name: dict[str | None, Callable[[Activity], Awaitable[Answer]]] = {
            "composeExtension/queryLink": self._linked,
            "composeExtension/query": self._searched,
            "composeExtension/selectItem": self._chosen,
            "composeExtension/fetchTask": self._asked,
            "composeExtension/submitAction": self._pressed,
        }

    async def _linked(self, activity: Activity) -> Answer:
        """A link was pasted. Of what gets no card Teams makes what it makes of any link."""
        url = msgspec.convert(activity.value, _Pasted).url
        if not url or activity.is_shared:
            return _results([])
        try:
            async with asyncio.timeout(_LINK_SECONDS):
                found = await self._intake.link_cards(activity.ask(""), [url])
                return _results([attachment(await self._outbound.render(card)) for card in found.values()])
        except TimeoutError:
            log.info("teams.link_late")
            return _results([])

    async def _searched(self, activity: Activity) -> Answer:
        query = msgspec.convert(activity.value, _Query)
        typed = next((str(each.value) for each in query.parameters if each.name == NAME), "")
        if query.command_id != FIND or query.query_options.skip:
            return _results([])
        try:
            async with asyncio.timeout(_LINK_SECONDS):
                found = await self._intake.find(activity.ask(""), typed, min(query.query_options.count, _MOST))
        except TimeoutError:
            log.info("teams.search_late")
            return _results([])
        return _results([_line(each.title, each.where, each.command) for each in found])

    async def _chosen(self, activity: Activity) -> Answer:
        """A result was chosen: its card, which whoever chose it may send."""
        chosen = msgspec.convert(activity.value, _Chosen)
        try:
            card = await self._read(activity, chosen.command)
        except TimeoutError:
            return _results([])
        if card is None or card.private:
            return _results([])
        return _results([attachment(await self._outbound.render(compact(card)))])

    async def _asked(self, activity: Activity) -> Answer:
        """Somebody asks about a message."""
        action = msgspec.convert(activity.value, _Action)
        said = _text(action.message_payload) if action.message_payload else ""
        if action.command_id != ABOUT:
            return 501, None
        return await self._dialog(activity, command(ABOUT, said or "?"))

    async def _pressed(self, activity: Activity) -> Answer:
        """A button of the dialog."""
        data = msgspec.convert(activity.value, _Action).data or {}
        click = cards.teams.message.decode_click(data)
        return await self._dialog(activity, click.command if click else "home")

    async def _dialog(self, activity: Activity, typed: str) -> Answer:
        try:
            card = await self._read(activity, typed)
        except TimeoutError:
            return _sentence(_LATE)
        if card is None:
            return _sentence(_CHANGES)
        rendered = await self._outbound.render(_for_a_dialog(card, self._intake))
        value = {
            "title": "About this message",
            "height": "medium",
            "width": "medium",
            "card": {"contentType": CARD, "content": _submitting(rendered.payload)},
        }
        return 200, {"task": {"type": "continue", "value": value}}

    async def _read(self, activity: Activity, typed: str) -> Card | None:
        """The answer to what only reads; None for what changes something. Raises TimeoutError where it is late."""
        try:
            async with asyncio.timeout(_DIALOG_SECONDS):
                return await self._intake.read(activity.ask(typed))
        except TimeoutError:
            log.warning("teams.answer_late")
            raise


def _for_a_dialog(card: Card, intake: RequestIntake) -> Card:
    """The card with the buttons that a dialog can follow: what opens a form or changes something is for the chat."""

    def kept(block: Block) -> Block:
        if not isinstance(block, Actions):
            return block
        items = [
            each
            for each in block.items
            if isinstance(each, Link | Menu) or (isinstance(each, Button) and _follows(each, intake))
        ]
        return replace(block, items=tuple(items))

    blocks = [kept(block) for block in card.blocks]
    return replace(card, blocks=tuple(block for block in blocks if not isinstance(block, Actions) or block.items))


def _follows(button: Button, intake: RequestIntake) -> bool:
    return button.how != "form" and intake.reads(button.command)


def _submitting(value: Any) -> Any:
    """A card for a dialog, in which Teams knows no Action.Execute."""
    if isinstance(value, list):
        return [_submitting(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "Action.Execute":
        value = {**value, "type": "Action.Submit"}
        value = {key: each for key, each in value.items() if key not in ("verb", "fallback")}
    return {key: _submitting(each) for key, each in value.items()}


def _text(message: _Message) -> str:
    """A message as text, with where its links lead, and what the cards in it say."""
    markup = message.body.content
    if not is_readable(markup):
        return ""
    linked = _ANCHOR.sub(_address, markup)
    said = without_markup(linked) if message.body.content_type == "html" else markup
    shown = " ".join(_words(each.content) for each in message.attachments[:3])
    # Cleared before it is cut: half a secret has no shape, and what is asked is kept for a while.
    return clear(" ".join(f"{said} {shown}".split())[:MOST])[:_READ]


def _address(tag: re.Match[str]) -> str:
    """Where a tag of a link leads, in its place; the tag itself where it does not say."""
    found = _HREF.search(tag.group())
    return f" {found.group(1)} " if found else tag.group()


def _words(content: object, depth: int = 8) -> str:
    """The texts of a card that came along, whatever shape it has."""
    if isinstance(content, str):
        try:
            return _words(msgspec.json.decode(content), depth) if content[:1] in "{[" and depth else content[:_READ]
        except (msgspec.DecodeError, RecursionError):
            return ""
    if not depth:
        return ""
    if isinstance(content, list):
        return " ".join(_words(each, depth - 1) for each in content[:50] if isinstance(each, dict | list))
    if isinstance(content, dict):
        own = [str(content[key]) for key in ("title", "text", "value") if isinstance(content.get(key), str)]
        return " ".join(
            [*own, *(_words(each, depth - 1) for each in content.values() if isinstance(each, dict | list))]
        )
    return ""


def attachment(rendered: Rendered, text: str = "") -> dict[str, object]:
    """A rendered card as a result, with the line that stands for it in a list."""
    preview = {"contentType": _PREVIEW, "content": {"title": safe(rendered.summary), "text": safe(text)}}
    return {"contentType": CARD, "content": rendered.payload, "preview": preview}


def _line(title: str, text: str, typed: str) -> dict[str, object]:
    """A result whose card is made when it is chosen."""
    content = {"title": title, "text": text}
    tapped = {**content, "tap": {"type": "invoke", "value": {"command": typed}}}
    return {
        "contentType": _PREVIEW,
        "content": content,
        "preview": {"contentType": _PREVIEW, "content": tapped},
    }


def _sentence(words: str) -> Answer:
    """What a dialog says instead of a card."""
    return 200, {"task": {"type": "message", "value": words}}


def _results(found: Sequence[dict[str, object]]) -> Answer:
    return 200, {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": list(found)}}
