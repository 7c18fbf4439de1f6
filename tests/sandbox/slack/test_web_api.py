"""Refusals by their codes, through the real client."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from tests.sandbox.slack.workspace import OPS, Clock, client_of, refusal, workspace


async def test_who_am_i(slack: SlackStandIn, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0BATCHBOT", "B0BATCHBOT", "T0SANDBOX")
    assert "chat:write" in answer.headers["X-OAuth-Scopes"]
    assert (await client.bots_info(bot="B0BATCHBOT"))["bot"]["user_id"] == "U0BATCHBOT"


async def test_tokens(slack: SlackStandIn) -> None:
    assert await refusal(client_of(slack, "xoxb-wrong").auth_test()) == "invalid_auth"
    assert await refusal(AsyncWebClient(base_url=slack.api_url).auth_test()) == "not_authed"
    assert await refusal(client_of(slack, slack.settings.app_token).auth_test()) == "not_allowed_token_type"
    assert await refusal(client_of(slack).api_call("pool.list")) == "unknown_method"


async def test_scopes() -> None:
    async with workspace(scopes=frozenset({"channels:read"})) as slack:
        with pytest.raises(SlackApiError) as caught:
            await client_of(slack).chat_postMessage(channel=OPS, text="x")
        answer = caught.value.response
        assert (answer["error"], answer["needed"], answer["provided"]) == (
            "missing_scope",
            "chat:write",
            "channels:read",
        )
        assert await refusal(client_of(slack).conversations_info(channel="D0VIEWER1")) == "missing_scope"
        assert await refusal(client_of(slack).conversations_list(types="public_channel,im")) == "missing_scope"
        assert (await client_of(slack).conversations_info(channel=OPS))["channel"]["is_member"]


async def test_bodies_of_every_kind(slack: SlackStandIn) -> None:
    bearer = {"Authorization": f"Bearer {slack.settings.bot_token}"}
    url = f"{slack.api_url}chat.postMessage"
    async with aiohttp.ClientSession(headers=bearer) as session:

        async def post(**body: Any) -> dict[str, Any]:
            async with session.post(url, **body) as answer:
                return dict(await answer.json())

        form = {"channel": OPS, "blocks": '[{"type":"divider"}]'}
        assert (await post(data=form))["message"]["blocks"][0]["type"] == "divider"
        plain = await post(data='{"channel":"C0BATCHOPS","text":"x"}', headers={"Content-Type": "application/json"})
        assert plain["warning"] == "missing_charset"
        assert (await post(data="{", headers={"Content-Type": "application/json"}))["error"] == "invalid_json"
        assert (await post(data="[]", headers={"Content-Type": "application/json"}))["error"] == "json_not_object"
        assert (await post(data="x", headers={"Content-Type": "text/csv"}))["error"] == "invalid_post_type"
        assert (await post(data={"channel": OPS, "blocks": "{"}))["error"] == "invalid_blocks_format"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data={**form, "token": "xoxb-sandbox-bot"}) as answer,
    ):
        assert (await answer.json())["ok"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": "C404"}, "channel_not_found"),
        ({"channel": "#random"}, "not_in_channel"),
        ({"channel": "batch-dev"}, "is_archived"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"attachments": [{"blocks": [{"type": "shelf"}]}]}, "invalid_attachments"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"thread_ts": "1.000000"}, "thread_not_found"),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ],
)
async def test_refusals_of_a_message(slack: SlackStandIn, client: AsyncWebClient, arguments: Any, code: str) -> None:
    slack.archive("batch-dev")
    call = client.api_call("chat.postMessage", json={"channel": OPS, "text": "x", **arguments})
    assert await refusal(call) == code
    assert slack.messages(OPS) == []


async def test_what_is_wrong_with_blocks_comes_along(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(
            channel=OPS, text="x", blocks=[{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
        )
    words = "must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    assert caught.value.response["response_metadata"] == {"messages": [f"[ERROR] {words}"]}
    assert caught.value.response["errors"] == [words]


async def test_a_missing_argument_is_named(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.api_call("chat.postMessage", json={"text": "x"})
    assert caught.value.response["error"] == "invalid_arguments"
    assert "missing required field: channel" in caught.value.response["response_metadata"]["messages"][0]


async def test_post_update_delete(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="#batch-ops", text="one", blocks=[{"type": "divider"}])
    assert posted["channel"] == OPS
    await client.chat_update(channel=OPS, ts=posted["ts"], text="two", blocks=[{"type": "divider"}] * 2)
    (message,) = slack.messages(OPS)
    assert (message["text"], message["edits"], len(message["blocks"])) == ("two", 1, 2)
    await client.chat_update(channel=OPS, ts=posted["ts"], text="three")
    assert "blocks" not in slack.messages(OPS)[0]
    assert await refusal(client.chat_update(channel=OPS, ts=posted["ts"], text="x" * 4001)) == "msg_too_long"
    assert await refusal(client.chat_update(channel=OPS, ts="1.000000", text="x")) == "message_not_found"
    theirs = await slack.say("viewer", OPS, "mine")
    assert await refusal(client.chat_update(channel=OPS, ts=theirs, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(channel=OPS, ts=theirs)) == "cant_delete_message"
    await client.chat_delete(channel=OPS, ts=posted["ts"])
    assert await refusal(client.chat_delete(channel=OPS, ts=posted["ts"])) == "message_not_found"
    assert [message["text"] for message in slack.messages(OPS)] == ["mine"]


async def test_a_long_text_becomes_several_messages(slack: SlackStandIn, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=OPS, text="x" * 4000)
    assert len(slack.messages(OPS)) == 1
    await client.chat_postMessage(channel=OPS, text="x" * 4001)
    assert len(slack.messages(OPS)) == 3


async def test_ephemeral_messages_are_for_one_person(slack: SlackStandIn, client: AsyncWebClient) -> None:
    ts = (await client.chat_postEphemeral(channel=OPS, user="U0VIEWER1", text="psst"))["message_ts"]
    assert [m["text"] for m in slack.messages(OPS, viewer="viewer")] == ["psst"]
    assert slack.messages(OPS, viewer="admin") == []
    assert (await client.conversations_history(channel=OPS))["messages"] == []
    assert await refusal(client.chat_update(channel=OPS, ts=ts, text="x")) == "message_not_found"
    await slack.remove(OPS, "viewer")
    assert await refusal(client.chat_postEphemeral(channel=OPS, user="U0VIEWER1", text="x")) == "user_not_in_channel"


async def test_threads(slack: SlackStandIn, client: AsyncWebClient) -> None:
    root = await slack.say("viewer", OPS, "root")
    reply = (await client.chat_postMessage(channel=OPS, text="reply", thread_ts=root))["ts"]
    assert await refusal(client.chat_postMessage(channel=OPS, text="x", thread_ts=reply)) == "cannot_reply_to_message"
    (top,) = (await client.conversations_history(channel=OPS))["messages"]
    assert (top["reply_count"], top["latest_reply"]) == (1, reply)
    replies = await client.conversations_replies(channel=OPS, ts=root)
    assert [message["text"] for message in replies["messages"]] == ["root", "reply"]
    assert await refusal(client.conversations_replies(channel=OPS, ts="1.000000")) == "thread_not_found"


async def test_history_comes_in_pages(slack: SlackStandIn, client: AsyncWebClient) -> None:
    for number in range(5):
        await client.chat_postMessage(channel=OPS, text=str(number))
    seen, cursor = [], None
    while cursor != "":
        page = await client.conversations_history(channel=OPS, limit=2, cursor=cursor)
        seen += [message["text"] for message in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert seen == ["4", "3", "2", "1", "0"]
    assert await refusal(client.conversations_history(channel=OPS, cursor="x")) == "invalid_cursor"
    assert await refusal(client.conversations_history(channel=OPS, limit=1000)) == "invalid_limit"
    assert await refusal(client.conversations_history(channel="C0RANDOM1")) == "not_in_channel"


async def test_people_and_places(slack: SlackStandIn, client: AsyncWebClient) -> None:
    viewer = (await client.users_info(user="U0VIEWER1"))["user"]
    assert viewer["tz"] == "Europe/Berlin"
    assert viewer["tz_offset"] in (3600, 7200)
    assert await refusal(client.users_info(user="U404")) == "user_not_found"
    assert len((await client.users_list())["members"]) == 5
    named = {channel["name"]: channel["is_member"] for channel in (await client.conversations_list())["channels"]}
    assert named == {"batch-ops": True, "batch-dev": True, "random": False}
    assert await refusal(client.conversations_list(types="im")) == "missing_scope"
    assert "U0BATCHBOT" in (await client.conversations_members(channel=OPS))["members"]
    direct = await client.conversations_open(users="U0ADMIN01")
    assert direct["channel"]["id"] == "D0ADMIN01"
    assert await refusal(client.conversations_open(users="U404")) == "user_not_found"
    assert await refusal(client.conversations_info(channel="C404")) == "channel_not_found"
    assert (await client.chat_postMessage(channel="U0ADMIN01", text="x"))["channel"] == "D0ADMIN01"


async def test_user_groups(slack: SlackStandIn, client: AsyncWebClient) -> None:
    (group,) = (await client.usergroups_list(include_users=True, include_count=True))["usergroups"]
    assert (group["id"], group["handle"], group["users"], group["user_count"]) == (
        "S0OPERATORS",
        "batch-operators",
        ["U0OPERATOR"],
        1,
    )
    assert "users" not in (await client.usergroups_list())["usergroups"][0]
    slack.join_group("batch-operators", "viewer")
    slack.leave_group("batch-operators", "operator")
    assert (await client.usergroups_users_list(usergroup="S0OPERATORS"))["users"] == ["U0VIEWER1"]
    assert await refusal(client.usergroups_users_list(usergroup="S404")) == "no_such_subteam"
    slack.disable_group("S0OPERATORS")
    assert await refusal(client.usergroups_users_list(usergroup="S0OPERATORS")) == "no_such_subteam"
    assert (await client.usergroups_list())["usergroups"] == []
    assert (await client.usergroups_list(include_disabled=True))["usergroups"][0]["date_delete"]


async def test_one_message_a_second_in_a_channel(clock: Clock) -> None:
    async with workspace(clock, post_burst=2) as slack:
        client = client_of(slack)
        for _ in range(2):
            await client.chat_postMessage(channel=OPS, text="x")
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=OPS, text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response["error"] == "ratelimited"
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="C0BATCHDEV", text="another channel")
        clock.ahead += 1
        await client.chat_postMessage(channel=OPS, text="x")


async def test_methods_have_tiers(clock: Clock) -> None:
    async with workspace(clock, tiers=True) as slack:
        client = client_of(slack)
        for _ in range(20):
            await client.users_list()
        assert await refusal(client.users_list()) == "ratelimited"
        clock.ahead += 3
        await client.users_list()


async def test_faults(slack: SlackStandIn, client: AsyncWebClient) -> None:
    slack.faults.limited[OPS] = 7
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=OPS, text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    slack.faults.limited.clear()
    slack.faults.errors["chat.postMessage"] = ["internal_error"]
    assert await refusal(client.chat_postMessage(channel=OPS, text="x")) == "internal_error"
    slack.faults.lose_answers["chat.postMessage"] = 1
    client.retry_handlers.clear()  # the default one would post it twice
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=OPS, text="lost")
    assert [message["text"] for message in slack.messages(OPS)] == ["lost"]
    slack.faults.outage = True
    assert await refusal(client.chat_postMessage(channel=OPS, text="x")) == "service_unavailable"
    slack.faults.outage = False
    slack.faults.slow = 5
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.auth_test()
