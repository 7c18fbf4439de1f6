"""Response addresses: five uses in half an hour, and what can be said through them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack import SlackStandIn
from tests.sandbox.slack.workspace import App, Clock

Address = Callable[[], Awaitable[AsyncWebhookClient]]


@pytest.fixture
async def of_command(slack: SlackStandIn, app: App) -> AsyncIterator[AsyncWebhookClient]:
    await slack.command("viewer", "random", "help")
    yield AsyncWebhookClient(app.got[-1]["response_url"])


@pytest.fixture
async def of_click(
    slack: SlackStandIn,
    app: App,
    client: AsyncWebClient,
) -> AsyncIterator[AsyncWebhookClient]:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [button]}]
    posted = await client.chat_postMessage(channel="batch-ops", text="x", blocks=blocks)
    await slack.click("viewer", "batch-ops", posted["ts"], "go")
    yield AsyncWebhookClient(app.got[-1]["response_url"])


async def test_five_uses(of_command: AsyncWebhookClient, slack: SlackStandIn) -> None:
    for _ in range(5):
        assert (await of_command.send(text="x")).body == "ok"
    sixth = await of_command.send(text="x")
    assert (sixth.status_code, sixth.body) == (404, "used_url")
    assert len(slack.messages("random")) == 5


async def test_half_an_hour(of_command: AsyncWebhookClient, clock: Clock) -> None:
    clock.ahead += 1799
    assert (await of_command.send(text="x")).status_code == 200
    clock.ahead += 2
    late = await of_command.send(text="x")
    assert (late.status_code, late.body) == (404, "expired_url")


async def test_answers_are_ephemeral_unless_they_say_otherwise(
    of_command: AsyncWebhookClient, slack: SlackStandIn
) -> None:
    await of_command.send(text="for you")
    await of_command.send(text="for all", response_type="in_channel")
    assert [m["text"] for m in slack.messages("random", viewer="admin")] == ["for all"]
    assert [m["text"] for m in slack.messages("random", viewer="viewer")] == ["for you", "for all"]


async def test_a_click_may_replace_or_delete_its_message(of_click: AsyncWebhookClient, slack: SlackStandIn) -> None:
    await of_click.send(text="new", replace_original=True)
    (message,) = slack.messages("batch-ops")
    assert (message["text"], message["edits"], message.get("blocks")) == ("new", 1, None)
    await of_click.send(text="another")
    assert len(slack.messages("batch-ops")) == 2
    await of_click.send(delete_original=True)
    assert [m["text"] for m in slack.messages("batch-ops")] == ["another"]


async def test_changes_of_ephemeral_messages_are_no_events(
    slack: SlackStandIn, app: App, client: AsyncWebClient
) -> None:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [button]}]
    posted = await client.chat_postEphemeral(channel="D0VIEWER1", user="U0VIEWER1", text="x", blocks=blocks)
    await slack.click("viewer", "D0VIEWER1", posted["message_ts"], "go")
    address = AsyncWebhookClient(app.got[-1]["response_url"])
    await address.send(text="new", replace_original=True)
    await slack.settle()
    assert [message["text"] for message in slack.messages("D0VIEWER1")] == ["new"]
    assert [delivery["kind"] for delivery in slack.deliveries] == ["interactive"]


async def test_a_command_has_nothing_to_replace(of_command: AsyncWebhookClient, slack: SlackStandIn) -> None:
    await of_command.send(text="one")
    await of_command.send(text="two", replace_original=True)
    assert [m["text"] for m in slack.messages("random")] == ["one", "two"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "no_text"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "response_type": "loud"}, "invalid_arguments"),
        ([], "invalid_payload"),
    ],
)
async def test_refusals(of_command: AsyncWebhookClient, body: Any, code: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(of_command.url, json=body) as answer:
        assert (answer.status, await answer.text()) == (400, code)


async def test_an_address_nobody_gave_out(slack: SlackStandIn) -> None:
    answer = await AsyncWebhookClient(f"{slack.url}/commands/T0SANDBOX/1/x").send(text="x")
    assert (answer.status_code, answer.body) == (404, "invalid_url")
