"""What Teams does not take once is not lost: answers, edits and forms arrive after 500, 503 and a lost connection."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.chat.request import Conversation
from bot.chat.teams import invokes
from bot.requests import answer_delivery
from cards.card import Field, Form
from tests.chat.fakes import asked
from tests.chat.teams_service import SDKS, TENANT, World, build, card, tear_down

FAULTS = [500, 503, 429, 0]
"""Statuses that the service answers once; 0 cuts the connection."""
SAID = "here it is"


@pytest.fixture(params=SDKS)
async def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for module in (answer_delivery, invokes):
        monkeypatch.setattr(module, "backoff", lambda *_: 0.05)
    monkeypatch.setattr(answer_delivery, "_SETTLE", 0.05)
    made = await build(sdk=request.param)
    made.intake.reply = card(SAID)
    yield made
    await tear_down(made)


def _fault(status: int) -> web.Response | None:
    return web.Response(status=status) if status else None


def _shown(world: World) -> list[str]:
    return [method for method, _, body in world.service.sent if SAID in json.dumps(body)]


@pytest.mark.parametrize("status", FAULTS)
async def test_an_answer(world: World, status: int) -> None:
    world.service.failures += [_fault(status) for _ in range(2)]
    await world.post_once(world.activity(text="pool list"))
    await world.intake.done()
    assert _shown(world) == ["POST"]


@pytest.mark.parametrize("status", FAULTS)
async def test_a_form(world: World, status: int) -> None:
    world.intake.prepared = Form(SAID, "job list", (Field("state", "State", "text"),))
    world.service.failures += [_fault(status) for _ in range(2)]
    assert world.teams._running
    running = world.teams._running[2]
    chat = Conversation("teams", "a:personal", "personal", team=TENANT, service_url=world.service.url)
    running.present(asked(chat, "job list"))
    await running.close()
    assert _shown(world) == ["POST"]


async def test_an_outage_of_a_moment_loses_none_of_many(world: World) -> None:
    world.service.failures += [_fault(status) for status in (503, 500, 0, 503, 500)]
    for number in range(4):
        await world.post_once(world.activity(text="pool list", id=f"{number}"))
    await world.intake.done()
    assert _shown(world) == ["POST"] * 4
