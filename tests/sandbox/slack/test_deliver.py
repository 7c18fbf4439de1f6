"""Signed HTTP to the real Bolt: acknowledgements, failures that people see, retries, duplicates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack import SlackStandIn, StandInError
from bot.sandbox.slack.settings import EVENTS
from tests.sandbox.slack.workspace import client_of, listening, until, workspace

Sent = list[tuple[str | None, str | None]]


def bolt(slack: SlackStandIn, secret: str | None = None) -> AsyncApp:
    return AsyncApp(client=client_of(slack), signing_secret=secret or slack.settings.signing_secret)


@asynccontextmanager
async def serving(app: AsyncApp, slack: SlackStandIn) -> AsyncIterator[None]:
    runner = web.AppRunner(app.web_app("/slack/events"), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.app_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


async def test_a_command_goes_to_bolt_and_its_answer_comes_back(slack: SlackStandIn) -> None:
    app = bolt(slack)

    @app.command("/batch")
    async def batch(ack: Any, command: dict[str, Any], respond: Any) -> None:
        await ack()
        await respond(f"{command['user_name']} in {command['channel_name']}: {command['text']}")

    async with serving(app, slack):
        assert await slack.verify_url()
        assert (await slack.command("viewer", "#random", "job list --state active")).ok
        await until(lambda: slack.messages("random"))
    (answer,) = slack.messages("random", viewer="viewer")
    assert (answer["text"], answer["ephemeral"]) == ("viewer in random: job list --state active", True)


async def test_a_wrong_secret_is_refused_by_bolt(slack: SlackStandIn) -> None:
    async with serving(bolt(slack, "another"), slack):
        assert not await slack.verify_url()
        taken = await slack.command("viewer", "batch-ops", "help")
    assert (taken.ok, taken.error) == (False, "http_service_error")


async def test_an_acknowledgement_may_carry_the_answer(slack: SlackStandIn) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"response_type": "in_channel", "text": "here"})

    async with listening(handler) as slack.app_url:
        assert (await slack.command("viewer", "batch-ops", "help")).ok
    assert [(m["text"], m["ephemeral"]) for m in slack.messages("batch-ops", viewer="admin")] == [("here", False)]


async def test_who_does_not_answer_in_time_is_told_on() -> None:
    async def too_slow(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async def broken(request: web.Request) -> web.Response:
        return web.Response(status=500)

    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    async with workspace(acknowledge_within=0.05) as slack:
        posted = await client_of(slack).chat_postMessage(
            channel="batch-ops", text="x", blocks=[{"type": "actions", "elements": [button]}]
        )
        outcomes = []
        async with listening(too_slow) as slack.app_url:
            outcomes.append(await slack.command("viewer", "batch-ops", "help"))
            outcomes.append(await slack.click("viewer", "batch-ops", posted["ts"], "go"))
        async with listening(broken) as slack.app_url:
            outcomes.append(await slack.command("viewer", "batch-ops", "help"))
        outcomes.append(await slack.command("viewer", "batch-ops", "help"))
        errors = ["operation_timeout", "operation_timeout", "http_service_error", "dispatch_failed"]
        assert [outcome.error for outcome in outcomes] == errors
        shown = [m for m in slack.messages("batch-ops", viewer="viewer") if m["ephemeral"]]
        assert [message["error"] for message in shown] == errors
        assert len(slack.messages("batch-ops", viewer="admin")) == 1


@pytest.fixture
async def home_teller() -> AsyncIterator[SlackStandIn]:
    """A workspace whose app subscribed to looks at its Home tab."""
    async with workspace(events=EVENTS | {"app_home_opened"}) as stand_in:
        yield stand_in


async def test_mentions_and_direct_messages_reach_bolt(home_teller: SlackStandIn) -> None:
    slack = home_teller
    app, heard = bolt(slack), []

    @app.event("app_mention")
    async def mention(event: dict[str, Any], say: Any) -> None:
        await say("threaded", thread_ts=event["ts"])

    @app.event("message")
    async def direct(event: dict[str, Any]) -> None:
        heard.append((event.get("subtype"), event.get("text")))

    @app.event("app_home_opened")
    async def home(event: dict[str, Any]) -> None:
        heard.append(("home", event["tab"]))

    async with serving(app, slack):
        root = await slack.say("viewer", "batch-ops", "@batchbot pool list")
        await slack.say("viewer", "batch-ops", "nothing for the app")
        await until(lambda: len(slack.messages("batch-ops")) == 3)
        ts = await slack.say("viewer", "D0VIEWER1", "pool list")
        await slack.edit("viewer", "D0VIEWER1", ts, "job list")
        await slack.delete("viewer", "D0VIEWER1", ts)
        await slack.open_home("viewer")
        await until(lambda: len(heard) == 4)
        await slack.settle()
    assert slack.messages("batch-ops")[-1]["thread_ts"] == root
    expected: set[tuple[str | None, str | None]] = {
        (None, "pool list"),
        ("message_changed", None),
        ("message_deleted", None),
        ("home", "home"),
    }
    assert set(heard) == expected


async def test_the_app_hears_its_own_direct_messages_and_only_what_it_subscribed_to(slack: SlackStandIn) -> None:
    heard: list[dict[str, Any]] = []

    async def handler(request: web.Request) -> web.Response:
        heard.append((await request.json())["event"])
        return web.Response()

    async with listening(handler) as slack.app_url:
        await client_of(slack).chat_postMessage(channel="D0VIEWER1", text="mine")
        await client_of(slack).chat_postEphemeral(channel="D0VIEWER1", user="U0VIEWER1", text="nobody hears this")
        await slack.say("viewer", "batch-ops", "hello")
        await slack.invite("random")
        await slack.say("viewer", "random", "@batchbot hello")
        await slack.remove("random")
        await slack.say("viewer", "random", "@batchbot still there?")
        await slack.settle()
    assert [(event["type"], event.get("bot_id")) for event in heard] == [
        ("message", "B0BATCHBOT"),
        ("member_joined_channel", None),
        ("app_mention", None),
        ("channel_left", None),
    ]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (500, {}, [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]),
        (500, {"X-Slack-No-Retry": "1"}, [(None, None)]),
        (204, {}, [(None, None)]),
    ],
)
async def test_events_are_retried(status: int, headers: dict[str, str], expected: Sent) -> None:
    sent: Sent = []

    async def handler(request: web.Request) -> web.Response:
        sent.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=status, headers=headers)

    async with workspace(time_scale=0.0001) as slack, listening(handler) as slack.app_url:
        await slack.say("viewer", "D0VIEWER1", "help")
        await slack.settle()
        assert len({attempt["payload"]["event_id"] for attempt in slack.deliveries}) == 1
    assert sent == expected


async def test_retries_stop_when_one_is_answered_and_tell_a_timeout() -> None:
    sent: Sent = []

    async def handler(request: web.Request) -> web.Response:
        sent.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        if len(sent) == 1:
            await asyncio.sleep(5)
        return web.Response()

    async with workspace(acknowledge_within=0.1) as slack, listening(handler) as slack.app_url:
        await slack.say("viewer", "D0VIEWER1", "help")
        await slack.settle()
    assert sent == [(None, None), ("1", "http_timeout")]


async def test_duplicates_on_request(slack: SlackStandIn) -> None:
    bodies: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        bodies.append(await request.text())
        return web.Response()

    async with listening(handler) as slack.app_url:
        slack.faults.duplicates = 2
        await slack.say("viewer", "D0VIEWER1", "help")
        await slack.settle()
        await slack.command("viewer", "batch-ops", "help")
        await slack.command("viewer", "batch-ops", "help")
        await slack.settle()
    assert bodies[0] == bodies[1]
    assert bodies[2] == bodies[3]
    assert len(bodies) == 5


async def test_commands_need_a_place_and_a_name(slack: SlackStandIn) -> None:
    await slack.remove("batch-dev", "viewer")
    slack.archive("random")
    for user, channel, command, code in [
        ("nobody", "batch-ops", "/batch", "user_not_found"),
        ("bot", "batch-ops", "/batch", "not_a_person"),
        ("viewer", "nowhere", "/batch", "channel_not_found"),
        ("viewer", "batch-dev", "/batch", "not_in_channel"),
        ("viewer", "random", "/batch", "is_archived"),
        ("viewer", "batch-ops", "/other", "no_such_command"),
    ]:
        with pytest.raises(StandInError, match=code):
            await slack.command(user, channel, "help", command=command)
    assert not slack.deliveries
