"""Socket Mode with the real Bolt handler and with bare sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from tests.sandbox.slack.workspace import client_of, refusal, until, workspace


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with workspace(socket_mode=True, acknowledge_within=1.0, time_scale=0.0) as stand_in:
        yield stand_in


async def address(slack: SlackStandIn) -> str:
    opener = client_of(slack, slack.settings.app_token)
    return str((await opener.apps_connections_open(app_token=slack.settings.app_token))["url"])


async def test_bolt_receives_commands_events_clicks_and_forms(slack: SlackStandIn, modal: dict[str, Any]) -> None:
    app = AsyncApp(client=client_of(slack))

    @app.command("/batch")
    async def batch(ack: Any, body: dict[str, Any], client: AsyncWebClient, respond: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal)
        button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
        blocks = [{"type": "actions", "elements": [button]}]
        await respond(text="x", blocks=blocks, response_type="in_channel")

    @app.action("go")
    async def go(ack: Any, respond: Any) -> None:
        await ack()
        await respond("gone", replace_original=True)

    @app.view("pool")
    async def pool(ack: Any) -> None:
        await ack(response_action="errors", errors={"name": "taken"})

    @app.event("app_mention")
    async def mention(event: dict[str, Any], say: Any) -> None:
        await say("yes?")

    handler = AsyncSocketModeHandler(app, slack.settings.app_token, web_client=client_of(slack))
    await handler.connect_async()
    try:
        assert (await slack.command("viewer", "batch-ops", "pool create")).ok
        await until(lambda: slack.messages("batch-ops"))
        (message,) = slack.messages("batch-ops")
        assert (await slack.click("viewer", "batch-ops", message["ts"], "go")).ok
        await until(lambda: slack.messages("batch-ops")[0]["text"] == "gone")
        (view,) = slack.views("viewer")
        await slack.submit_view("viewer", view["id"], {"name": {"value": "gpu-a"}})
        assert slack.views("viewer")[0]["errors"] == {"name": "taken"}
        await slack.say("viewer", "batch-ops", "@batchbot")
        await until(lambda: slack.messages("batch-ops")[-1]["text"] == "yes?")
    finally:
        await handler.close_async()


async def test_bolt_reconnects_when_asked(slack: SlackStandIn) -> None:
    app, heard = AsyncApp(client=client_of(slack)), []

    @app.event("message")
    async def direct(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    handler = AsyncSocketModeHandler(app, slack.settings.app_token, web_client=client_of(slack))
    await handler.connect_async()
    try:
        first = handler.client.wss_uri
        await slack.refresh_sockets()
        await until(lambda: handler.client.wss_uri != first)
        await asyncio.sleep(0.05)
        await slack.say("viewer", "D0VIEWER1", "still there?")
        await until(lambda: heard)
    finally:
        await handler.close_async()
    assert heard == ["still there?"]


async def test_hello_envelope_acknowledgement_and_retry(slack: SlackStandIn) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(await address(slack)) as socket:
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["connection_info"] == {"app_id": "A0BATCHBOT"}
        await slack.say("viewer", "D0VIEWER1", "help")
        first = await socket.receive_json()
        assert (first["type"], first["retry_attempt"], first["accepts_response_payload"]) == ("events_api", 0, False)
        again = await socket.receive_json()
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "http_timeout")
        assert again["payload"] == first["payload"]
        assert again["envelope_id"] != first["envelope_id"]
        await socket.send_str("not json")
        await socket.send_json({"envelope_id": "unknown"})
        await socket.send_json({"envelope_id": again["envelope_id"]})
        await slack.settle()
        asking = asyncio.create_task(slack.command("viewer", "batch-ops", "help"))
        envelope = await socket.receive_json()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "at once"}})
        assert (await asking).body == {"text": "at once"}
    assert [message["text"] for message in slack.messages("batch-ops")] == ["at once"]


async def test_a_ticket_opens_one_connection_and_an_app_has_ten(slack: SlackStandIn) -> None:
    url = await address(slack)
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(url)]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
        sockets += [await session.ws_connect(await address(slack)) for _ in range(9)]
        for number, socket in enumerate(sockets, 1):
            assert (await socket.receive_json())["num_connections"] == number
        async with session.ws_connect(await address(slack)) as eleventh:
            word = await eleventh.receive_json()
            assert (word["type"], word["reason"]) == ("disconnect", "too_many_websockets")
            assert (await eleventh.receive()).type is aiohttp.WSMsgType.CLOSE
        for socket in sockets:
            await socket.close()


async def test_without_a_connection_and_with_a_deaf_one(slack: SlackStandIn) -> None:
    assert (await slack.command("viewer", "batch-ops", "help")).error == "dispatch_failed"
    async with aiohttp.ClientSession() as session, session.ws_connect(await address(slack)) as socket:
        await socket.receive_json()
        slack.faults.deaf = True
        assert (await slack.command("viewer", "batch-ops", "help")).error == "operation_timeout"
        with pytest.raises(TimeoutError):
            await socket.receive(0.05)


async def test_connections_need_an_app_token_and_the_setting(slack: SlackStandIn) -> None:
    token = slack.settings.bot_token
    assert await refusal(client_of(slack).apps_connections_open(app_token=token)) == "not_allowed_token_type"
    async with workspace() as signed:
        opener = client_of(signed, signed.settings.app_token)
        call = opener.apps_connections_open(app_token=signed.settings.app_token)
        assert await refusal(call) == "socket_mode_not_enabled"


async def test_one_of_several_connections_gets_each_envelope(slack: SlackStandIn) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await address(slack)) for _ in range(2)]
        for socket in sockets:
            await socket.receive_json()

        async def serve(socket: aiohttp.ClientWebSocketResponse, got: list[str]) -> None:
            async for frame in socket:
                got.append(json.loads(frame.data)["envelope_id"])
                await socket.send_json({"envelope_id": got[-1]})

        got: list[list[str]] = [[], []]
        tasks = [asyncio.create_task(serve(socket, mine)) for socket, mine in zip(sockets, got, strict=True)]
        for _ in range(12):
            assert (await slack.command("viewer", "batch-ops", "help")).ok
        for socket in sockets:
            await socket.close()
        await asyncio.gather(*tasks)
    assert sum(map(len, got)) == 12
    assert all(got)
