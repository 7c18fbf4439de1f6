"""What a platform does not take at once arrives all the same, and once: ``delivery.toml``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.chat.slack import forms
from bot.chat.teams import invokes
from bot.requests import answer_delivery
from cards.build import text
from cards.card import Actions, Attachment, Button, Card, Picture
from tests.cases import Case, cases
from tests.chat.teams_service import build, card, tear_down
from tests.chat.test_slack import _CHART, SlackHarness, _actions, _harness
from tests.chat.test_teams import GROUP, press

SAID = "here it is"
FILE = Attachment("report.csv", b"a,b\n1,2\n", "text/csv")
PICTURE = Picture("usage", "Usage of an hour", _CHART, "Usage")
OF = {platform: [case for case in cases("delivery") if case.values[0].input["platform"] == platform] for platform in
      ("teams", "slack")}  # fmt: skip


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (answer_delivery, invokes):
        monkeypatch.setattr(module, "backoff", lambda *_: 0.05)
    monkeypatch.setattr(answer_delivery, "_SETTLE", 0.05)
    monkeypatch.setattr(forms, "TRIGGER_SECONDS", 60.0)  # as the stand-in's triggers live: a test may be slow


@pytest.mark.parametrize("case", OF["teams"])
async def test_teams(case: Case) -> None:
    world = await build()
    try:
        blocks: dict[str, Any] = {"file": (FILE,), "picture": (PICTURE,)}
        what = case.input["what"]
        world.intake.reply = replace(card(SAID), private=what == "private", blocks=blocks.get(what, ()))
        world.service.failures += [web.Response(status=status) if status else None for status in case.input["faults"]]
        if what == "edit":
            await world.post_once(press(world, Button("Next", "pool list", "edit")))
        elif what == "private":
            await world.post_once(world.activity(text="account key", conversation=GROUP))
        else:
            await world.post_once(world.activity(text="pool list"))
        await world.intake.done()
        assert not world.service.failures
        shown = [(method, path) for method, path, body in world.service.sent if case.right["says"] in json.dumps(body)]
        assert [method for method, _ in shown] == case.right["calls"]
        if what == "private":
            assert str(GROUP["id"]) not in shown[0][1]
    finally:
        await tear_down(world)


@pytest.fixture
async def http() -> AsyncIterator[SlackHarness]:
    async for made in _harness("http"):
        yield made


@pytest.mark.parametrize("case", OF["slack"])
async def test_slack(http: SlackHarness, case: Case) -> None:
    http.workspace._core.triggers._lives = 60.0
    http.intake.card = lambda request: Card(
        title=text("pools"), blocks=(Actions((Button("List", "pool list", how="form"),)),)
    )
    await http.workspace.command("viewer", "batch-ops", "pool list")
    await http.until(http.bot_messages)
    message, (call,) = http.bot_messages()[0], case.right["calls"]
    for fault in case.input["faults"]:
        if fault == "lost":
            http.workspace.faults.lose_answers[call] = 1
        else:
            http.workspace.faults.errors.setdefault(call, []).append(fault)
    button = _actions(message)[0]
    await http.workspace.click("viewer", "batch-ops", message["ts"], button["action_id"], button["block_id"])
    await http.until(lambda: not http.slack._following._background, 60)
    (view,) = http.workspace.views("viewer")
    assert case.right["says"] in json.dumps(view)
    assert not [each for each in http.workspace.messages("batch-ops", viewer="viewer") if "not be opened" in str(each)]
