"""What is counted: every attempt to write with its outcome, and every message with its times, by the clock."""

from __future__ import annotations

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from tests.sandbox.slack.workspace import OPS, client_of, refusal, workspace

DEV = "C0BATCHDEV"


class Stopped:
    """A clock that goes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def impatient(slack: SlackStandIn) -> AsyncWebClient:
    """A client that does not try again by itself, as the default one does where a connection is cut."""
    client = client_of(slack)
    client.retry_handlers.clear()
    return client


async def test_a_message_is_remembered_with_its_times_also_when_it_is_gone() -> None:
    clock = Stopped()
    noted = {"event_type": "alert", "event_payload": {"key": "k"}}
    async with workspace(clock) as slack:
        client = client_of(slack)
        clock.now += 30
        ts = (await client.chat_postMessage(channel=OPS, text="raised", metadata=noted))["ts"]
        reply = (await client.chat_postMessage(channel=OPS, text="more", thread_ts=ts))["ts"]
        clock.now += 30
        await client.chat_update(channel=OPS, ts=ts, text="resolved")
        clock.now += 1
        await client.chat_update(channel=OPS, ts=ts, text="resolved for good")
        await client.chat_delete(channel=OPS, ts=reply)
        await slack.say("viewer", OPS, "thanks")
        alert, gone = slack.history_of("batch-ops", user="bot")
        assert len(slack.history_of(OPS)) == 3
    assert alert == {
        "ts": ts,
        "thread": "",
        "user": "U0BATCHBOT",
        "text": "resolved for good",
        "metadata": noted,
        "broadcast": False,
        "ephemeral": False,
        "posted": 1_000_030.0,
        "edits": [1_000_060.0, 1_000_061.0],
        "deleted": None,
    }
    assert (gone["ts"], gone["thread"], gone["deleted"]) == (reply, ts, 1_000_061.0)


async def test_every_attempt_is_noted_with_its_outcome() -> None:
    clock = Stopped()
    async with workspace(clock) as slack:
        client = impatient(slack)
        ts = (await client.chat_postMessage(channel="#batch-ops", text="one"))["ts"]
        clock.now += 1
        slack.faults.limited[OPS] = 7
        with pytest.raises(SlackApiError) as caught:
            await client.chat_update(channel=OPS, ts=ts, text="two")
        assert caught.value.response.headers["Retry-After"] == "7"
        assert await refusal(client.chat_delete(channel=OPS, ts=ts)) == "ratelimited"
        await client.chat_postMessage(channel=DEV, text="another channel is free")
        slack.faults.limited.clear()
        slack.faults.outage = True
        assert await refusal(client.chat_postMessage(channel=OPS, text="three")) == "service_unavailable"
        slack.faults.outage, slack.faults.cut = False, True
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel=OPS, text="four", thread_ts=ts)
        slack.faults.cut = False
        slack.faults.lose_answers[OPS] = 1
        await client.chat_postMessage(channel=DEV, text="this answer arrives")
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel=OPS, text="five")
        await client.conversations_history(channel=OPS)
        log = list(slack.writes)
        texts = [message["text"] for message in slack.history_of(OPS)]
        (lost,) = slack.history_of(OPS)[1:]
    assert [(each["method"], each["channel"], each["outcome"]) for each in log] == [
        ("chat.postMessage", OPS, "ok"),
        ("chat.update", OPS, "ratelimited"),
        ("chat.delete", OPS, "ratelimited"),
        ("chat.postMessage", DEV, "ok"),
        ("chat.postMessage", OPS, "service_unavailable"),
        ("chat.postMessage", OPS, "cut"),
        ("chat.postMessage", DEV, "ok"),
        ("chat.postMessage", OPS, "lost"),
    ]
    assert (log[0]["at"], log[1]["at"]) == (1_000_000.0, 1_000_001.0)
    assert (log[0]["ts"], log[1]["ts"], log[5]["thread"], log[7]["ts"]) == (ts, ts, ts, lost["ts"])
    assert texts == ["one", "five"]


async def test_what_the_app_says_by_a_response_address_is_noted(slack: SlackStandIn) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{slack.url}/commands/T0SANDBOX/1/x", json={}) as got:
        assert got.status == 404
    assert [(each["method"], each["outcome"]) for each in slack.writes] == [("response_url", "invalid_url")]


async def test_thousands_of_messages_are_counted() -> None:
    clock = Stopped()
    async with workspace(clock) as slack:
        for number in range(5_000):
            clock.now += 1
            await slack.say("viewer", OPS, str(number))
        history = slack.history_of(OPS)
        page = await client_of(slack).conversations_history(channel=OPS, limit=3, oldest=history[4_000]["ts"])
    assert len({message["ts"] for message in history}) == 5_000
    assert [message["text"] for message in page["messages"]] == ["4999", "4998", "4997"]


async def test_waits_follow_the_scale_of_time() -> None:
    async with workspace(file_processing=(3_600.0, 3_600.0), time_scale=0.0) as slack:
        slack.faults.slow = 3_600.0
        client = client_of(slack)
        queue = slack.subscribe()
        await client.files_upload_v2(content="1,2", filename="a.csv", channel=OPS)
        while (change := await queue.get())["type"] != "message":
            pass
        assert change["message"]["files"][0]["name"] == "a.csv"
