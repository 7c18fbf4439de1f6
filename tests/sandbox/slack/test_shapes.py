"""What the app is sent has the keys that recorded requests have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn, StandInError
from tests.sandbox.slack.workspace import App, listening
from tests.shared import shared

GRID = {"enterprise_id", "enterprise_name", "enterprise"}
"""Only organisations with several workspaces have these."""
LATER = {
    "blocks": "messages of people carry rich text since 2020",
    "api_app_id": "slash commands name the app since 2021",
    "is_enterprise_install": "part of every interaction since 2021",
    "is_cleared": "view_closed says whether the whole stack went",
    "message": "clicks in messages that are not ephemeral carry them",
    "state": "values of the message's elements",
    "authorizations": "instead of authed_users",
    "is_ext_shared_channel": "with authorizations",
    "event_context": "with authorizations",
    "event_ts": "part of events on the wire, left out of some samples",
}
GONE = {"authed_users", "ssl_check"}


def recorded(pattern: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(shared("chat/samples/slack").glob(pattern))]


def keys(value: Any) -> set[str]:
    return set(value) if isinstance(value, dict) else set()


def alike(sent: dict[str, Any], samples: list[dict[str, Any]], *path: str) -> None:
    """Every key that all samples share is sent, and none that no sample knows."""
    ours, theirs = sent, samples
    for key in path:
        ours = ours[key][0] if isinstance(ours[key], list) else ours[key]
        inner = [sample[key] for sample in theirs if sample.get(key)]
        theirs = [value[0] if isinstance(value, list) else value for value in inner]
    assert theirs, f"no sample has {'.'.join(path)}"
    always = set.intersection(*map(keys, theirs)) - GRID - GONE
    known = set.union(*map(keys, theirs)) | GRID | set(LATER)
    assert always <= keys(ours), f"missing in {'.'.join(path)}: {always - keys(ours)}"
    assert keys(ours) <= known, f"unknown in {'.'.join(path)}: {keys(ours) - known}"


@pytest.fixture
async def heard(slack: SlackStandIn) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def handler(request: web.Request) -> web.Response:
        queue.put_nowait(await request.json())
        return web.Response()

    async with listening(handler) as slack.app_url:
        yield queue
        await slack.settle()


async def test_slash_command(slack: SlackStandIn, app: App) -> None:
    await slack.command("viewer", "batch-ops", "help")
    alike(app.got[0], recorded("slash_command--*.json"))


async def test_mention(slack: SlackStandIn, heard: asyncio.Queue[dict[str, Any]]) -> None:
    await slack.say("viewer", "batch-ops", "@batchbot help")
    sent, samples = await heard.get(), recorded("event-app_mention--*.json")
    alike(sent, samples)
    alike(sent, samples, "event")
    alike(sent, samples, "authorizations")


async def test_direct_message(slack: SlackStandIn, heard: asyncio.Queue[dict[str, Any]]) -> None:
    await slack.say("viewer", "D0VIEWER1", "help")
    sent, samples = await heard.get(), recorded("event-message--*.json")
    alike(sent, samples)
    alike(sent, samples, "event")


async def test_deleted_message(slack: SlackStandIn, heard: asyncio.Queue[dict[str, Any]]) -> None:
    ts = await slack.say("viewer", "D0VIEWER1", "help")
    await heard.get()
    await slack.delete("viewer", "D0VIEWER1", ts)
    sent, samples = await heard.get(), recorded("event-message-message_deleted--*.json")
    alike(sent, samples)
    alike(sent, samples, "event")


@pytest.mark.parametrize("ephemeral", [True, False])
async def test_click(slack: SlackStandIn, client: AsyncWebClient, app: App, ephemeral: bool) -> None:
    button = {"type": "button", "action_id": "a", "value": "v", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [button]}]
    post: Any = client.chat_postEphemeral if ephemeral else client.chat_postMessage
    answer = await post(channel="batch-ops", text="x", blocks=blocks, **({"user": "U0VIEWER1"} if ephemeral else {}))
    await slack.click("viewer", "batch-ops", answer["message_ts" if ephemeral else "ts"], "a")
    sent, samples = app.got[0], recorded("block_actions--*.json")
    alike(sent, samples)
    for part in ("user", "team", "channel", "container", "actions"):
        alike(sent, samples, part)
    assert ("message" in sent) is not ephemeral
    assert sent["container"]["is_ephemeral"] is ephemeral


async def test_forms(slack: SlackStandIn, client: AsyncWebClient, app: App, modal: dict[str, Any]) -> None:
    element = {"type": "external_select", "action_id": "s", "min_query_length": 0}
    label = {"type": "plain_text", "text": "S"}
    modal["blocks"].append({"type": "input", "block_id": "s", "optional": True, "label": label, "element": element})
    modal["notify_on_close"] = True
    await slack.command("viewer", "batch-ops", "x")
    view = (await client.views_open(trigger_id=app.got[-1]["trigger_id"], view=modal))["view"]

    await slack.suggest("viewer", view["id"], "s", typed="gpu")
    samples = recorded("block_suggestion--*.json")
    for path in ([], ["view"], ["container"], ["user"]):
        alike(app.got[-1], samples, *path)

    app.answer = {"response_action": "errors", "errors": {"name": "no"}}
    await slack.submit_view("viewer", view["id"], {"name": {"value": "x"}})
    samples = recorded("view_submission--view_submission--*.json")
    for path in ([], ["view"], ["view", "state"], ["team"], ["user"]):
        alike(app.got[-1], samples, *path)

    app.answer = None
    await slack.close_view("viewer", view["id"])
    await slack.settle()
    for path in ([], ["view"], ["team"], ["user"]):
        alike(app.got[-1], recorded("view_closed--*.json"), *path)
    assert keys(app.got[-1]["view"]) == keys(recorded("view_closed--*.json")[0]["view"])


async def test_shortcuts(slack: SlackStandIn, app: App) -> None:
    await slack.shortcut("viewer", "ask")
    alike(app.got[-1], recorded("shortcut--*.json"))
    alike(app.got[-1], recorded("shortcut--*.json"), "user")
    slack.app_url, address = "", slack.app_url  # no events
    stamp = await slack.say("operator", "batch-ops", "slow again")
    await slack.settle()
    slack.app_url = address
    await slack.shortcut("viewer", "about", channel="batch-ops", ts=stamp)
    for part in ([], ["channel"], ["message"]):
        alike(app.got[-1], recorded("message_action--*.json"), *part)
    for callback_id, where in (("about", {}), ("ask", {"channel": "batch-ops", "ts": stamp})):
        with pytest.raises(StandInError):
            await slack.shortcut("viewer", callback_id, **where)
