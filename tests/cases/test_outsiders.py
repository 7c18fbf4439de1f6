"""Who is no member asks on every way in, of both stand-ins; see ``outsiders.toml``."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.chat.budget import Priority
from bot.chat.slack import inbound
from bot.chat.teams import messages
from bot.sandbox.slack.people import BOT_USER, TEAM
from bot.sandbox.teams.activities import Envelope
from bot.sandbox.teams.connector import Connector
from cards.card import Actions, Button, Card, Field, Form, Span
from cards.slack import render, render_form
from tests.cases import Case, cases
from tests.chat.test_suggestions import Room, room

__all__ = ["room"]

CHANNEL, CHAT, VIEWER = "C0BATCHOPS", "D0VIEWER1", "U0VIEWER1"
FORM = Form("Help", "help", ())
TYPED = Form("Show", "pool show", (Field("pool", "Pool", "name", names="pool"),))


@pytest.mark.parametrize("case", cases("outsiders"))
async def test_case(case: Case, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    given = dict(case.input)
    came = await (on_slack if given["platform"] == "slack" else on_teams)(room, given, monkeypatch)
    assert came == case.right


# Slack


def asked_on_slack(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """How it travels (``event``, ``command`` or ``interactive``), and what Slack sends."""
    way, by = given["way"], given["by"]
    if way in ("mention", "message"):
        event = {"type": "app_mention", "user": VIEWER, "channel": CHANNEL, "ts": "1.1", "text": f"<@{BOT_USER}> help"}
        if way == "message":
            event |= {"type": "message", "channel": CHAT, "channel_type": "im"}
        whole = {"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event": event | by}
        return "event", whole | {"is_ext_shared_channel": given.get("shared", False)}
    if way == "command":
        place = {"trigger_id": "1.1", "channel_id": CHANNEL, "channel_name": "batch-ops", "command": "/batch"}
        return "command", {"user_id": VIEWER, "team_id": TEAM, "text": "help", **place} | by
    user = {key: value for key, value in {"id": VIEWER, "name": "x", "team_id": TEAM, **by}.items() if value}
    body: dict[str, Any] = {"user": user, "team": {"id": TEAM}, "trigger_id": "1.1", "api_app_id": "A1"}
    if way == "click":
        payload: Any = render(Card(title=(Span("x"),), blocks=(Actions((Button("Help", "help"),)),))).payload
        action = next(each for block in payload["blocks"] if block["type"] == "actions" for each in block["elements"])
        place = {"channel": {"id": CHANNEL}, "container": {"type": "message", "message_ts": "1.0"}}
        return "interactive", {**body, "type": "block_actions", "actions": [{**action, "block_id": "b"}], **place}
    if way == "shortcut":
        return "interactive", {**body, "type": "message_action", "callback_id": "x", "channel": {"id": CHANNEL}}
    where = inbound.from_command({"user_id": VIEWER, "channel_id": CHANNEL, "team_id": TEAM, "trigger_id": "1"})
    view: Any = render_form(TYPED if way == "typing" else FORM, inbound.carry(where))
    view |= {"id": "V1", "hash": "h", "state": {"values": {}}}
    if way == "form":
        return "interactive", {**body, "type": "view_submission", "view": view}
    element = next(block["element"] for block in view["blocks"] if block["type"] == "input")
    return "interactive", {
        **body, "type": "block_suggestion", "view": view, "value": "gpu", "action_id": element["action_id"],
        "block_id": "field:pool", "container": {"type": "view", "view_id": "V1"},
    }  # fmt: skip


async def on_slack(room: Room, given: dict[str, Any], _: pytest.MonkeyPatch) -> str:
    kind, payload = asked_on_slack(given)
    form = payload if kind == "command" else {"payload": json.dumps(payload)}
    body = json.dumps(payload) if kind == "event" else urlencode(form)
    stamp, secret = str(int(time.time())), room.workspace.settings.signing_secret
    proof = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    content = "application/json" if kind == "event" else "application/x-www-form-urlencoded"
    headers = {
        "Content-Type": content, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={proof}",
    }  # fmt: skip
    async with (
        aiohttp.ClientSession() as session,
        session.post(room.server.make_url("/slack/events"), data=body, headers=headers) as answer,
    ):
        said = await answer.text()
    await room.intake.done()
    if given["way"] == "typing":
        return "answered" if "gpu-a" in said else "nothing"
    found = [str(each) for name in (CHANNEL, CHAT) for each in room.workspace.messages(name)]
    return came_of([each for each in found if "bot_id" in each or BOT_USER in each])


# Teams


def merged(into: dict[str, Any], changes: dict[str, Any]) -> None:
    """Change an activity; a field that becomes empty is not there."""
    for key, value in changes.items():
        if isinstance(value, dict):
            merged(into.setdefault(key, {}), value)
        elif value:
            into[key] = value
        else:
            into.pop(key, None)


async def on_teams(room: Room, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    outside, where = room.meeting.outside, "general"
    await outside.install(where)
    await room.intake.done()
    place = room.intake.asked[-1].conversation
    card = Card(title=(Span("x"),), blocks=(Actions((Button("Help", "help"), Button("Form", "help", "form"))),))
    message, _ = await room.meeting.teams.post_once(place, card, "")
    form = await room.intake.form("pool show", room.intake.asked[-1])
    assert isinstance(form, Form)
    _, outbound, _ = room.meeting.teams._parts()
    from_, roster = Envelope._from, Connector._roster
    typing = await messages.post_form(outbound, place, form, "", Priority.ANSWER)

    def changed(self: Envelope, *parts: Any, **more: Any) -> dict[str, Any]:
        activity = from_(self, *parts, **more)
        merged(activity, given["by"])
        return activity

    def listed(self: Connector, *parts: Any) -> list[dict[str, Any]]:
        return [{**each, **given.get("roster", {})} for each in roster(self, *parts)]

    monkeypatch.setattr(Envelope, "_from", changed)
    monkeypatch.setattr(Connector, "_roster", listed)
    before = len(outside.messages(where))
    shown: Any = None
    match given["way"]:
        case "message":
            await outside.say("viewer", where, "@Batch Bot help")
        case "click":
            shown = await outside.click("viewer", where, message, "Help")
        case "form":
            shown = await outside.click("viewer", where, message, "Form")
        case "typing":
            found = await outside.search("viewer", where, typing, "field:pool", "gpu")
            return "answered" if any(each["value"] == "gpu-a" or "gpu-a" in str(each) for each in found) else "nothing"
        case "extension":
            return "answered" if await outside.find("viewer", where, "gpu") else "nothing"
    await room.intake.done()
    said = [str(each) for each in outside.messages(where)[before:] if each["from"] == "bot"]
    return came_of([*said, *([str(shown)] if given["way"] == "form" else [])])


def came_of(said: list[str]) -> str:
    if not said:
        return "nothing"
    refused = [each for each in said if "access.outsiders" in each]
    assert not refused or len(refused) == len(said), said
    return "refused" if refused else "answered"
