"""What Slack refuses once is not lost: answers, also for one person, edits, forms, files and pictures arrive once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from bot.chat.request import CommandRequest
from bot.chat.slack import outbound
from bot.requests import answer_delivery
from cards.build import bold, text
from cards.card import Attachment, Card, Picture
from tests.chat.test_slack import _CHART, SlackHarness, _actions, _harness, _with_actions
from tests.chat.test_slack_pictures import ALT

PASSING = ["internal_error", "service_unavailable", "fatal_error"]
LAYOUT = ["invalid_blocks", "msg_blocks_too_long"]
SAID = "here it is"


def _plain(request: CommandRequest) -> Card:
    return Card(title=text(bold(f"{SAID} {request.text}")), as_of=datetime.now(UTC))


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackHarness]:
    for module in (answer_delivery, outbound):
        monkeypatch.setattr(module, "backoff", lambda *_: 0.05)
        monkeypatch.setattr(module, "_SETTLE", 0.3)
    async for made in _harness("http"):
        made.intake.card = _plain
        yield made


def _shown(http: SlackHarness, viewer: str = "") -> list[str]:
    messages = http.workspace.messages("batch-ops", viewer=viewer) if viewer else http.bot_messages()
    return [json.dumps(each) for each in messages if SAID in json.dumps(each)]


@pytest.mark.parametrize("code", PASSING + LAYOUT)
async def test_an_answer(http: SlackHarness, code: str) -> None:
    http.workspace.faults.errors["chat.postMessage"] = [code]
    await http.workspace.command("viewer", "batch-ops", "pool list")
    await http.until(lambda: _shown(http))
    assert len(_shown(http)) == 1


@pytest.mark.parametrize("code", PASSING + LAYOUT)
async def test_an_answer_for_one_person(http: SlackHarness, code: str) -> None:
    http.intake.card = lambda request: replace(_plain(request), private=True)
    http.workspace.faults.errors["chat.postEphemeral"] = [code]
    await http.workspace.command("viewer", "batch-ops", "pool list")
    await http.until(lambda: _shown(http, "viewer"))
    assert not _shown(http, "operator"), "nobody else sees it"


@pytest.mark.parametrize("code", PASSING + LAYOUT)
async def test_an_edit(http: SlackHarness, code: str) -> None:
    http.intake.card = _with_actions
    await http.workspace.command("viewer", "batch-ops", "pool list")
    await http.until(http.bot_messages)
    message = http.bot_messages()[0]
    http.intake.card = _plain
    http.workspace.faults.errors["chat.update"] = [code]
    button = _actions(message)[0]
    await http.workspace.click("viewer", "batch-ops", message["ts"], button["action_id"], button["block_id"])
    await http.until(lambda: _shown(http))
    assert len(http.bot_messages()) == 1, "in the same message"


STEPS = ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"]


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize("step", STEPS[:2])
async def test_a_file(http: SlackHarness, code: str, step: str) -> None:
    file = Attachment("report.csv", b"a,b\n1,2\n", "text/csv")
    http.intake.card = lambda request: replace(_plain(request), blocks=(file,))
    http.workspace.faults.errors[step] = [code]
    await http.workspace.command("viewer", "batch-ops", "pool list")
    await http.until(lambda: _files(http), 12)
    assert len(_files(http)) == 1
    assert "could not be uploaded" not in json.dumps(http.bot_messages())


def _files(http: SlackHarness) -> list[Any]:
    return [file for each in http.workspace.messages("batch-ops") for file in each.get("files", [])]


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize("step", [*STEPS, "chat.update"])
async def test_a_picture(http: SlackHarness, code: str, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chat.slack.following._AGAIN_SECONDS", 0.1)
    http.intake.card = lambda request: replace(_plain(request), blocks=(Picture("usage", ALT, _CHART, "Usage"),))
    http.workspace.faults.errors[step] = [code]
    await http.workspace.command("viewer", "batch-ops", "usage")
    await http.until(lambda: '"slack_file"' in "".join(_shown(http)), 12)
    assert len(_shown(http)) == 1


@pytest.mark.parametrize("method", ["chat.postMessage", "files.completeUploadExternal"])
async def test_what_got_through_though_its_answer_was_lost_is_there_once(http: SlackHarness, method: str) -> None:
    file = Attachment("report.csv", b"a,b\n1,2\n", "text/csv")
    http.intake.card = lambda request: replace(_plain(request), blocks=(file,))
    http.workspace.faults.lose_answers[method] = 1
    await http.workspace.command("viewer", "batch-ops", "pool list")
    await http.until(lambda: _shown(http) and _files(http), 12)
    await http.until(lambda: not http.slack._following._background, 12)
    assert (len(_shown(http)), len(_files(http))) == (1, 1)


async def test_a_cut_of_a_moment(http: SlackHarness) -> None:
    await http.workspace.command("viewer", "batch-ops", "first")
    http.workspace.faults.cut = True
    for number in range(3):
        await http.workspace.command("viewer", "batch-ops", f"pool list page:{number}")
    await http.until(lambda: [each for each in http.workspace.writes if each["outcome"] == "cut"])
    http.workspace.faults.cut = False
    await http.until(lambda: len(_shown(http)) == 4, 15)
    assert len({each["text"] for each in http.bot_messages()}) == 4
