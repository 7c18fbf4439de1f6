"""What Azure says with a secret in it is shown without it: on both platforms, as text, in files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from msgspec import Struct, convert

from bot.chat.clear_chat import clear_chat
from cards import slack, teams, text
from cards.card import Attachment, Card
from tests.cases import Case, cases
from tests.handlers.conftest import Scene, scene

__all__ = ["scene"]


class Input(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked, and what Azure answers: see the head of leaks.toml."""

    ask: list[str]
    path: str
    put: dict[str, Any] = {}
    status: int = 0
    value: str = ""


class Right(Struct, frozen=True, forbid_unknown_fields=True):
    """What must not be seen, and what must."""

    hidden: str
    shown: str


class Shows:
    """A platform that keeps what it is given."""

    name = "text"

    def __init__(self) -> None:
        self.cards: list[Card] = []

    async def answer(self, request: object, card: Card, key: str) -> str:
        self.cards.append(card)
        return ""


@pytest.mark.parametrize("scene", ["tiny"], indirect=True)
@pytest.mark.parametrize("case", cases("leaks"))
async def test_it_is_shown_without(scene: Scene, case: Case) -> None:
    given, right = convert(case.input, Input), convert(case.right, Right)
    listeners = [*scene.sandbox.accounts.values(), scene.sandbox.arm]
    if given.status:
        for listener in listeners:
            listener.faults.add("error", path=r"^(?!.*token)", status=given.status, code="AuthorizationFailure")
    altered: list[str] = []

    def alter(request: web.Request, response: web.Response) -> None:
        body = response.body
        if not isinstance(body, bytes) or b'"access_token"' in body or not re.search(given.path, request.path):
            return
        if told := _altered(json.loads(body or b"null"), given):
            altered.append(request.path)
            response.body = json.dumps(told).encode()

    for listener in listeners:
        listener.observers.append(alter)
    platform = Shows()
    chat = clear_chat(platform)  # type: ignore[arg-type]
    node = next(iter(scene.world.accounts["tiny"].pool("pool1").nodes))
    for command in given.ask:
        altered.clear()
        asked = command.replace("{node}", str(getattr(node, "id", node)))
        await chat.answer(None, await scene.ask(asked), "")  # type: ignore[arg-type]
        assert altered, f"{command}: nothing was altered, so nothing is proved"
        everything = list(_everything(platform.cards[-1]))
        assert not [each for each in everything if right.hidden in each], command
        assert any(right.shown in each for each in everything), f"{command}: {everything[0]}"


def _altered(body: Any, given: Input) -> Any:
    """The answer with what is put into it; None where there is nothing to put it into."""
    if given.status:
        if isinstance(body, dict) and "message" in body:
            return body | {"message": {"lang": "en-US", "value": given.value}}
        return {"error": {"code": "AuthorizationFailed", "message": given.value}}
    if not isinstance(body, dict):
        return None
    for item in body.get("value", [body]) if isinstance(body.get("value", []), list) else [body]:
        for place, value in given.put.items():
            *way, last = place.split(".")
            at = item
            for step in way:
                at = at.setdefault(step, {})
            at[last] = value
    return body


def _everything(card: Card) -> Iterator[str]:
    for render in (text.render, slack.render, teams.render):
        yield json.dumps(render(card).payload, ensure_ascii=False, default=str)
    for block in card.blocks:
        if isinstance(block, Attachment):
            yield block.content.decode()
    yield repr(card)
