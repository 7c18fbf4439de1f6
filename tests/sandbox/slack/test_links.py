"""Links that the app registered: who is told of them, and what may be shown below them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.settings import EVENTS
from tests.sandbox.slack.workspace import OPS, App, client_of, listening, refusal, workspace

URL = "https://portal.azure.com/#@t/resource/x?a=1&b=2"
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "a pool"}}]
BUTTON = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "run:1", "text": {"type": "plain_text", "text": "Nodes"}}],
}


async def _heard(slack: SlackStandIn, *texts: str) -> list[dict[str, Any]]:
    """The ``link_shared`` events of these messages."""
    told: list[dict[str, Any]] = []

    async def handler(request: web.Request) -> web.Response:
        body = await request.json()
        told.extend([body["event"]] if body["event"]["type"] == "link_shared" else [])
        return web.Response()

    async with listening(handler) as slack.app_url:
        for text in texts:
            await slack.say("viewer", "batch-ops", text)
        await slack.settle()
    return told


async def test_the_app_is_told_of_links_to_its_domains() -> None:
    async with workspace() as slack:
        below = "https://render.westeurope.batch.azure.com/pools/a"
        (event,) = await _heard(slack, f"see {URL} and {below} and https://example.com/", "no link")
        assert event["links"] == [
            {"url": URL, "domain": "portal.azure.com"},
            {"url": below, "domain": "render.westeurope.batch.azure.com"},
        ]
        assert (event["channel"], event["source"], event["is_bot_user_member"]) == (OPS, "conversations_history", True)
        await slack.remove("batch-ops")
        (event,) = await _heard(slack, URL)
        assert event["is_bot_user_member"] is False
    async with workspace(events=EVENTS - {"link_shared"}) as deaf:
        assert await _heard(deaf, URL) == []


async def test_a_card_is_shown_below_a_link_and_its_buttons_say_so(app: App) -> None:
    async with workspace() as slack:
        slack.app_url = ""
        stamp = await slack.say("viewer", "batch-ops", f"see {URL}")
        client = client_of(slack)
        queue: asyncio.Queue[dict[str, Any]] = slack.subscribe()
        await client.chat_unfurl(channel=OPS, ts=stamp, unfurls={URL: {"blocks": [*BLOCKS, BUTTON]}})
        assert (await queue.get())["type"] == "message_changed"
        (message,) = slack.messages("batch-ops")
        assert (message["edits"], "edited" in message) == (0, False)
        (card,) = message["attachments"]
        assert (card["app_unfurl_url"], card["blocks"][0]["text"]["text"]) == (URL, "a pool")
        async with listening(app) as slack.app_url:
            await slack.click("operator", "batch-ops", stamp, "run:1")
        (click,) = app.got
        assert click["container"]["type"] == "message_attachment"
        assert (click["container"]["is_app_unfurl"], click["container"]["message_ts"]) == (True, stamp)
        assert "message" not in click
        assert click["app_unfurl"]["id"] == card["id"]


async def test_what_cannot_be_shown_below_a_message_is_refused() -> None:
    async with workspace() as slack:
        stamp = await slack.say("viewer", "batch-ops", f"see {URL}")
        unfurl = client_of(slack).chat_unfurl
        good = {URL: {"blocks": BLOCKS}}
        assert await refusal(unfurl(channel="C0NOWHERE", ts=stamp, unfurls=good)) == "cannot_find_channel"
        assert await refusal(unfurl(channel=OPS, ts="1.0", unfurls=good)) == "cannot_find_message"
        other = {"https://portal.azure.com/": {"blocks": BLOCKS}}
        assert await refusal(unfurl(channel=OPS, ts=stamp, unfurls=other)) == "cannot_unfurl_url"
        wrong = {URL: {"blocks": [{"type": "section"}]}}
        assert await refusal(unfurl(channel=OPS, ts=stamp, unfurls=wrong)) == "invalid_blocks"
        for nothing in ({}, "", {URL: {}}, json.dumps([1])):
            call = unfurl(channel=OPS, ts=stamp, unfurls=nothing)
            assert await refusal(call) in {"missing_unfurls", "cannot_parse_attachment"}
    async with workspace(scopes=frozenset({"chat:write"})) as narrow:
        assert await refusal(client_of(narrow).chat_unfurl(channel=OPS, ts="1.0", unfurls=good)) == "missing_scope"
