"""Payloads that Slack's own tests hold, signed and posted: each is taken, passed over or unknown, and none breaks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.chat.request import CommandRequest
from bot.chat.slack.adapter import Slack
from bot.chat.slack.settings import SlackSettings
from bot.secrets import Secret
from cards.card import Card, Form
from storage.port.conversations import ConversationReference
from storage.port.preferences import Preference
from tests.shared import ROOT, shared

SECRET = "signing-secret"
BOT = "W111"  # whom the samples' events were meant for


class Expected(NamedTuple):
    """HTTP status, and the text of the ask where one is to be made."""

    status: int = 200
    text: str | None = None


PASSED_OVER, UNKNOWN = Expected(), Expected(404)
EXPECTED = {
    # what people ask; the one that names no channel cannot be answered, and `ssl_check` asks nothing
    "slash_command--asgi_http": Expected(text="Hi"),
    "slash_command--unmatched_suggestions": Expected(text="title"),
    "slash_command--wsgi_http": PASSED_OVER,
    "event-app_mention": Expected(text="Hi there!"),
    "event-app_mention--builtins": PASSED_OVER,
    # talk among people, and news
    "event-message": PASSED_OVER,
    "event-": PASSED_OVER,
    # other apps' buttons and modals
    "block_actions": PASSED_OVER,
    "view_submission": PASSED_OVER,
    "view_closed": PASSED_OVER,
    # what the manifest never asks for
    "block_suggestion": Expected(),
    "dialog_": UNKNOWN,
    "interactive_message": UNKNOWN,
    "message_action": PASSED_OVER,
    "shortcut": PASSED_OVER,
    "workflow_step_edit": UNKNOWN,
}
"""By the beginning of the file's name; the longest one counts."""


def entry(name: str) -> str:
    return max((each for each in EXPECTED if name.startswith(each)), key=len)


def samples() -> list[str]:
    return sorted(path.name for path in (ROOT / "chat/samples/slack").glob("*.json"))


class RequestIntake:
    """Notes what is asked."""

    def __init__(self) -> None:
        self.asks: list[CommandRequest] = []

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        self.asks.append(request)
        return None

    async def form(self, command: str, request: CommandRequest, **more: Any) -> Form | Card:
        raise AssertionError(f"a form for {command}")


class Workspace:
    """Just enough of Slack to say who the bot is; counts whatever else is called."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.called.append(request.match_info["method"])
        return web.json_response({"ok": True, "user_id": BOT, "bot_id": "B111", "team_id": "T111"})


class Nothing:
    """A store in which nothing is kept."""

    async def put_conversation(self, reference: ConversationReference) -> None: ...

    async def conversations(self, platform: str | None = None) -> list[ConversationReference]:
        return []

    async def all_preferences(self, namespace: str) -> list[tuple[str, Preference]]:
        return []


class SlackHarness(NamedTuple):
    client: TestClient[web.Request, web.Application]
    intake: RequestIntake
    workspace: Workspace


@pytest.fixture
async def harness() -> AsyncIterator[SlackHarness]:
    workspace, intake = Workspace(), RequestIntake()
    outside = web.Application()
    outside.router.add_post("/api/{method}", workspace.answer)
    async with TestServer(outside) as server:
        slack = Slack(
            SlackSettings(api_url=f"http://{server.host}:{server.port}/api/"),
            Nothing(),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type] # nor drawn
            bot_token=Secret("xoxb-1"),
            signing_secret=Secret(SECRET),
        )
        inside = web.Application()
        inside.add_routes(slack.routes())
        await slack.start(intake)
        async with TestClient(TestServer(inside)) as client:
            yield SlackHarness(client, intake, workspace)
        await slack.stop()


def signed(name: str, payload: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The payload as it travels: events as JSON, commands as a form, all else as JSON in a form."""
    if name.startswith("event-"):
        body, kind = json.dumps(payload), "application/json"
    elif name.startswith("slash_command"):
        body, kind = urlencode(payload), "application/x-www-form-urlencoded"
    else:
        body, kind = urlencode({"payload": json.dumps(payload)}), "application/x-www-form-urlencoded"
    stamp = str(int(time.time()))
    proof = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return body.encode(), {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={proof}",
    }


async def post(harness: SlackHarness, name: str, **changed: str) -> tuple[int, str]:
    """Send a sample, an event's fields changed where wished; status and body of the answer."""
    payload = json.loads(shared(f"chat/samples/slack/{name}").read_text())
    if changed:
        payload["event"].update(changed)
    body, headers = signed(name, payload)
    answer = await harness.client.post("/slack/events", data=body, headers=headers)
    return answer.status, await answer.text()


@pytest.mark.parametrize("name", samples())
async def test_each_sample_reaches_the_right_handler(
    harness: SlackHarness, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logs:
        status, told = await post(harness, name)
    wanted = EXPECTED[entry(name)]
    assert status == wanted.status, told
    assert [request.text for request in harness.intake.asks] == ([] if wanted.text is None else [wanted.text])
    assert set(harness.workspace.called) <= {"auth.test"}
    assert [line for line in logs if line["log_level"] in ("error", "critical")] == []
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("event-message--message--message_body2.json", 1),
        ("event-message-file_share--message_file_share--event_payload.json", 1),
        ("event-message-thread_broadcast--message_thread_broadcast--event_payload.json", 1),
        ("event-message-bot_message--events_ignore_self--response_url_message_event.json", 0),
        ("event-message-message_deleted--message_deleted--event_payload.json", 0),
    ],
)
async def test_what_a_person_says_to_the_bot_alone_is_an_ask(harness: SlackHarness, name: str, asked: int) -> None:
    user = {"user": "W222"} if asked else {}
    status, _ = await post(harness, name, channel="D111", channel_type="im", **user)
    assert (status, len(harness.intake.asks)) == (200, asked)
    assert all(request.conversation.kind == "personal" for request in harness.intake.asks)


@pytest.mark.parametrize("name", samples())
async def test_no_sample_that_comes_from_another_company_is_a_members(harness: SlackHarness, name: str) -> None:
    """In a channel shared with it; ``team_id`` of the whole is the bot's own."""
    payload, other = json.loads(shared(f"chat/samples/slack/{name}").read_text()), "T0OTHERCOMPANY"
    if event := payload.get("event"):
        event |= {"user_team": other, "source_team": other}
        payload["is_ext_shared_channel"] = True
    elif isinstance(payload.get("user"), dict):
        payload["user"]["team_id"] = other
    else:
        payload["team_id"] = other
    body, headers = signed(name, payload)
    await harness.client.post("/slack/events", data=body, headers=headers)
    assert [each.person.kind for each in harness.intake.asks] == ["foreign"] * len(harness.intake.asks)
    assert all(each.person.kind_read for each in harness.intake.asks), "nothing has to be looked up for that"


def test_every_line_of_the_table_is_about_a_sample() -> None:
    shared("chat/samples/slack")
    assert {entry(name) for name in samples()} == set(EXPECTED)
