"""Channels that are archived, renamed, deleted or closed to the app, and the app removed: refusals and events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn, StandInError
from bot.sandbox.slack.settings import EVENTS, SCOPES, scope_of
from bot.tools.slack_manifest import EVENTS as MANIFEST_EVENTS
from bot.tools.slack_manifest import SCOPES as MANIFEST_SCOPES
from tests.sandbox.slack.test_shapes import alike, recorded
from tests.sandbox.slack.workspace import OPS, client_of, listening, refusal, workspace

ADMIN, BOT = "U0ADMIN01", "U0BATCHBOT"


class Heard:
    """What the app was told, in the order in which it happened."""

    def __init__(self, slack: SlackStandIn) -> None:
        self.all: list[dict[str, Any]] = []
        self._slack = slack

    async def __call__(self, request: web.Request) -> web.Response:
        self.all.append(await request.json())
        return web.Response()

    async def last(self) -> dict[str, Any]:
        """The event that came last."""
        await self._slack.settle()
        event: dict[str, Any] = self.all[-1]["event"]
        return event

    async def kinds(self) -> list[str]:
        await self._slack.settle()
        return [body["event"]["type"] for body in self.all]


@pytest.fixture
async def heard(slack: SlackStandIn) -> AsyncIterator[Heard]:
    app = Heard(slack)
    async with listening(app) as slack.app_url:
        yield app
        await slack.settle()


def test_the_app_is_installed_as_its_manifest_says() -> None:
    assert set(MANIFEST_SCOPES) == SCOPES
    assert set(MANIFEST_EVENTS) == EVENTS
    assert {scope_of(event) for event in MANIFEST_EVENTS} <= SCOPES | {""}


@pytest.mark.parametrize(
    ("event", "scope"),
    [
        ("message.im", "im:history"),
        ("message.groups", "groups:history"),
        ("channel_left", "channels:read"),
        ("group_rename", "groups:read"),
        ("app_mention", "app_mentions:read"),
        ("app_uninstalled", ""),
        ("tokens_revoked", ""),
    ],
)
def test_what_an_event_needs(event: str, scope: str) -> None:
    assert scope_of(event) == scope


async def test_an_event_is_not_told_without_its_scope() -> None:
    async with workspace(scopes=SCOPES - {"groups:read"}) as slack:
        app, secret = Heard(slack), slack.create_channel("batch-leads", private=True)
        async with listening(app) as slack.app_url:
            slack.rename(secret, "batch-heads")
            slack.rename(OPS, "batch-oncall")
            assert await app.kinds() == ["channel_rename"]


async def test_archived_and_opened_again(slack: SlackStandIn, client: AsyncWebClient, heard: Heard) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="x"))["ts"]
    slack.archive(OPS)
    told = await heard.last()
    assert told == {
        "type": "channel_archive",
        "channel": OPS,
        "user": ADMIN,
        "is_moved": 0,
        "event_ts": told["event_ts"],
    }
    assert await refusal(client.chat_postMessage(channel=OPS, text="x")) == "is_archived"
    assert await refusal(client.chat_update(channel=OPS, ts=ts, text="y")) == "is_inactive"
    assert (await client.conversations_info(channel=OPS))["channel"]["is_archived"]
    with pytest.raises(StandInError, match="already_archived"):
        slack.archive(OPS)
    slack.unarchive(OPS)
    assert (await heard.last())["type"] == "channel_unarchive"
    await client.chat_postMessage(channel=OPS, text="again")
    with pytest.raises(StandInError, match="not_archived"):
        slack.unarchive(OPS)


async def test_a_renamed_channel_keeps_its_id(slack: SlackStandIn, client: AsyncWebClient, heard: Heard) -> None:
    slack.rename("batch-ops", "batch-oncall")
    told = await heard.last()
    assert (told["type"], told["channel"]["id"], told["channel"]["name"]) == ("channel_rename", OPS, "batch-oncall")
    await client.chat_postMessage(channel=OPS, text="by id")
    assert await refusal(client.chat_postMessage(channel="#batch-ops", text="by name")) == "channel_not_found"
    await client.chat_postMessage(channel="#batch-oncall", text="by name")
    about = (await client.conversations_info(channel=OPS))["channel"]
    assert (about["name"], about["previous_names"]) == ("batch-oncall", ["batch-ops"])
    with pytest.raises(StandInError, match="name_taken"):
        slack.rename(OPS, "random")


async def test_a_deleted_channel_is_gone(slack: SlackStandIn, client: AsyncWebClient, heard: Heard) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="x"))["ts"]
    slack.delete_channel(OPS)
    told = await heard.last()
    assert (told["type"], told["channel"], told["actor_id"]) == ("channel_deleted", OPS, ADMIN)
    for call in (
        client.chat_postMessage(channel=OPS, text="x"),
        client.chat_update(channel=OPS, ts=ts, text="x"),
        client.conversations_history(channel=OPS),
        client.conversations_info(channel=OPS),
    ):
        assert await refusal(call) == "channel_not_found"
    assert OPS not in [channel["id"] for channel in (await client.conversations_list())["channels"]]
    assert OPS not in [channel["id"] for channel in slack.channels]
    with pytest.raises(StandInError, match="channel_not_found"):
        await slack.say("viewer", OPS, "anyone?")
    assert [message["text"] for message in slack.history_of(OPS)] == ["x"]


async def test_the_app_is_told_that_it_was_removed(slack: SlackStandIn, client: AsyncWebClient, heard: Heard) -> None:
    await slack.remove(OPS, by="operator")
    told = await heard.last()
    assert told == {"type": "channel_left", "channel": OPS, "actor_id": "U0OPERATOR", "event_ts": told["event_ts"]}
    assert await refusal(client.chat_postMessage(channel=OPS, text="x")) == "not_in_channel"
    assert await refusal(client.conversations_history(channel=OPS)) == "not_in_channel"
    await slack.invite(OPS)
    await client.chat_postMessage(channel=OPS, text="back")
    assert await heard.kinds() == ["channel_left", "member_joined_channel"]
    alike(heard.all[-1], recorded("event-member_joined_channel--*.json"))
    alike(heard.all[-1], recorded("event-member_joined_channel--events--*.json"), "event")


async def test_others_leave_only_for_those_who_asked() -> None:
    async with workspace(events=EVENTS | {"member_left_channel"}) as curious:
        app = Heard(curious)
        async with listening(app) as curious.app_url:
            await curious.remove(OPS, "viewer")
            await curious.remove(OPS)
            await curious.remove(OPS, "operator")
            assert await app.kinds() == ["member_left_channel", "channel_left"]
        samples = recorded("event-member_left_channel--*.json")
        alike(app.all[0], samples)
        alike(app.all[0], samples, "event")


async def test_private_channels(slack: SlackStandIn, client: AsyncWebClient, heard: Heard) -> None:
    secret = slack.create_channel("batch-leads", private=True)
    ts = (await client.chat_postMessage(channel=secret, text="x"))["ts"]
    assert (await client.conversations_history(channel=secret))["messages"][0]["ts"] == ts
    assert (await client.conversations_info(channel=secret))["channel"]["is_private"]
    listed = await client.conversations_list(types="private_channel")
    assert [channel["id"] for channel in listed["channels"]] == [secret]
    slack.rename(secret, "batch-heads")
    slack.archive(secret)
    slack.unarchive(secret)
    await slack.remove(secret)
    for call in (
        client.chat_postMessage(channel=secret, text="x"),
        client.conversations_history(channel=secret),
        client.conversations_info(channel=secret),
    ):
        assert await refusal(call) == "channel_not_found"
    assert (await client.conversations_list(types="private_channel"))["channels"] == []
    slack.rename(secret, "batch-unheard")
    assert await heard.kinds() == ["group_rename", "group_archive", "group_unarchive", "group_left"]
    async with workspace(scopes=SCOPES - {"groups:history"}) as narrow:
        hidden = narrow.create_channel("batch-leads", private=True)
        assert await refusal(client_of(narrow).conversations_history(channel=hidden)) == "missing_scope"


async def test_a_public_channel_is_read_only_as_a_member(slack: SlackStandIn, client: AsyncWebClient) -> None:
    there = slack.create_channel("batch-lab", bot=False)
    assert await refusal(client.chat_postMessage(channel=there, text="x")) == "not_in_channel"
    with pytest.raises(StandInError, match="name_taken"):
        slack.create_channel("batch-lab")


async def test_a_removed_app(slack: SlackStandIn, client: AsyncWebClient, heard: Heard) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="x"))["ts"]
    slack.uninstall()
    assert sorted(await heard.kinds()) == ["app_uninstalled", "tokens_revoked"]
    bodies = {body["event"]["type"]: body for body in heard.all}
    alike(bodies["app_uninstalled"], recorded("event-app_uninstalled--*.json"))
    alike(bodies["app_uninstalled"], recorded("event-app_uninstalled--*.json"), "event")
    alike(bodies["tokens_revoked"], recorded("event-tokens_revoked--*.json"))
    alike(bodies["tokens_revoked"], recorded("event-tokens_revoked--*.json"), "event", "tokens")
    assert bodies["tokens_revoked"]["event"]["tokens"]["bot"] == [BOT]
    for call in (client.auth_test(), client.chat_postMessage(channel=OPS, text="x"), client.users_list()):
        assert await refusal(call) == "account_inactive"
    assert await refusal(client.chat_update(channel=OPS, ts=ts, text="y")) == "account_inactive"
    await slack.say("viewer", "D0VIEWER1", "hello?")
    slack.archive("batch-dev")
    assert len(await heard.kinds()) == 2
    with pytest.raises(StandInError, match="no_such_command"):
        await slack.command("viewer", OPS, "help")
    with pytest.raises(StandInError, match="not_installed"):
        slack.uninstall()
    slack.reinstall()
    await client.chat_postMessage(channel=OPS, text="back")
    with pytest.raises(StandInError, match="already_installed"):
        slack.reinstall()


async def test_a_revoked_token(slack: SlackStandIn, client: AsyncWebClient, heard: Heard) -> None:
    slack.revoke_token()
    assert await heard.kinds() == ["tokens_revoked"]
    assert await refusal(client.auth_test()) == "token_revoked"
    slack.reinstall()
    await client.auth_test()


async def test_a_broadcast_reply_is_heard_with_its_root() -> None:
    async with workspace(events=frozenset({"message.channels"})) as open_ears:
        app, client = Heard(open_ears), client_of(open_ears)
        async with listening(app) as open_ears.app_url:
            root = await open_ears.say("viewer", OPS, "root")
            await client.chat_postMessage(channel=OPS, text="loud", thread_ts=root, reply_broadcast=True)
            told = await app.last()
    assert (told["subtype"], told["root"]["ts"], told["channel_type"]) == ("thread_broadcast", root, "channel")
    (sample,) = recorded("event-message-thread_broadcast--*.json")
    assert set(sample["event"]) - {"client_msg_id"} <= set(told)
    assert set(sample["event"]["root"]) <= set(told["root"])


async def test_people_are_written_to_in_direct_messages_that_the_app_opens(client: AsyncWebClient) -> None:
    opened = await client.conversations_open(users=ADMIN)
    channel = opened["channel"]["id"]
    await client.chat_postMessage(channel=channel, text="for you", metadata={"event_type": "x", "event_payload": {}})
    (read,) = (await client.conversations_history(channel=channel))["messages"]
    assert read["metadata"] == {"event_type": "x"}
    async with asyncio.timeout(10), workspace(scopes=SCOPES - {"im:write"}) as narrow:
        assert await refusal(client_of(narrow).conversations_open(users=ADMIN)) == "missing_scope"
