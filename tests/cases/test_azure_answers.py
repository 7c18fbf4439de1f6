"""What Azure answered, and what the card said of it: ``azure_answers.toml``."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from aiohttp import web

from bot.azure import pipeline
from cards.text import render
from tests.cases import Case, cases
from tests.handlers.conftest import Scene, scene
from tests.handlers.reads import ACCOUNT

__all__ = ["scene"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is asked once."""

    def never(self: pipeline.Patience, options: dict[str, Any]) -> dict[str, Any]:
        asked = super(pipeline.Patience, self).configure_retries({**options, "retry_total": 0, "retry_connect": 0})
        return {**asked, "until": 0.0}

    monkeypatch.setattr(pipeline.Patience, "configure_retries", never)
    monkeypatch.setattr("bot.azure.plane._CUT_BODIES", 0)


@pytest.mark.parametrize("case", cases("azure_answers"))
async def test_a_case(scene: Scene, case: Case) -> None:
    given, right = case.input, case.right
    listener = scene.sandbox.accounts[ACCOUNT]
    path = re.compile(f"{given['at']}$")

    def other(request: web.Request, response: web.StreamResponse) -> None:
        if not path.search(request.path) or not isinstance(response, web.Response):
            return
        if "body" in given:
            response.body = given["body"].encode()
        elif names := given.get("null") or given.get("missing") or given.get("empty"):
            body: dict[str, Any] = msgspec.json.decode(response.body)  # type: ignore[arg-type]
            *outer, name = names.split(".")
            row = body["value"][0]
            for each in outer:
                row = row[each]
            if "missing" in given:
                del row[name]
            else:
                row[name] = {} if "empty" in given else None
            response.body = msgspec.json.encode(body)

    listener.observers.append(other)
    if "status" in given:
        scene.sandbox.faults[ACCOUNT].add("error", path=given["at"], status=given["status"])
    if given.get("cut"):
        scene.sandbox.faults[ACCOUNT].add("cut", path=given["at"])
    command = given["command"]
    card = await scene.ask(command if command.startswith("account") else f"{command} account:{ACCOUNT}")
    said = str(render(card, width=300).payload["text"])
    assert card.refused == right.get("refused", False), said
    assert [words for words in right["says"] if words not in said] == [], said
    assert [words for words in right["not"] if words in said] == [], said
