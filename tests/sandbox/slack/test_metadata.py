"""Message metadata, and reading messages back by time and page: how an app settles what it has posted."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.metadata import MOST_BYTES
from tests.sandbox.slack.workspace import OPS, Clock, client_of, refusal, workspace

RAISED = {"event_type": "alert_raised", "event_payload": {"key": "a-1", "seq": 3, "open": True, "tags": ["x", 1]}}


async def test_metadata_are_read_back_whole_only_on_demand(client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel=OPS, text="alert", metadata=RAISED))["ts"]
    await client.chat_postMessage(channel=OPS, text="plain")
    await client.chat_postMessage(channel=OPS, text="reply", thread_ts=root, metadata=RAISED)
    plain, alert = (await client.conversations_history(channel=OPS))["messages"]
    assert "metadata" not in plain
    assert alert["metadata"] == {"event_type": "alert_raised"}
    whole = (await client.conversations_history(channel=OPS, include_all_metadata=True))["messages"]
    assert whole[1]["metadata"] == RAISED
    thread = (await client.conversations_replies(channel=OPS, ts=root, include_all_metadata=True))["messages"]
    assert [message["metadata"] for message in thread] == [RAISED, RAISED]


async def test_an_update_keeps_changes_or_removes_metadata(slack: SlackStandIn, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="alert", metadata=RAISED))["ts"]
    kept = await client.chat_update(channel=OPS, ts=ts, text="still open")
    assert kept["message"]["metadata"] == RAISED
    resolved = {"event_type": "alert_resolved", "event_payload": {}}
    changed = await client.chat_update(channel=OPS, ts=ts, text="resolved", metadata=resolved)
    assert changed["message"]["metadata"] == resolved
    removed = await client.api_call("chat.update", json={"channel": OPS, "ts": ts, "text": "x", "metadata": {}})
    assert "metadata" not in removed["message"]


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ("{", "invalid_metadata_format"),
        ([], "invalid_metadata_format"),
        ({"event_type": "x"}, "invalid_metadata_format"),
        ({"event_type": 1, "event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": []}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": {}, "more": 1}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": {"a": None}}, "invalid_metadata_schema"),
        ({"event_type": "x", "event_payload": {"a": {"b": {"c": 1}}}}, "invalid_metadata_schema"),
        ({"event_type": "x", "event_payload": {"a": [[1]]}}, "invalid_metadata_schema"),
        ({"event_type": "x", "event_payload": {"a": "x" * MOST_BYTES}}, "metadata_too_large"),
    ],
)
async def test_metadata_that_make_no_sense(
    slack: SlackStandIn, client: AsyncWebClient, metadata: Any, code: str
) -> None:
    ts = (await client.chat_postMessage(channel=OPS, text="x"))["ts"]
    for method in ("chat.postMessage", "chat.update"):
        call = client.api_call(method, json={"channel": OPS, "ts": ts, "text": "y", "metadata": metadata})
        assert await refusal(call) == code
    assert [message["text"] for message in slack.messages(OPS)] == ["x"]


async def test_an_event_type_that_is_none_costs_the_metadata(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="x", metadata={**RAISED, "event_type": "alert.raised"})
    assert posted["warning"] == "invalid_metadata_schema"
    assert posted["response_metadata"]["warnings"] == ["invalid_metadata_schema"]
    assert slack.history_of(OPS)[0]["metadata"] is None


async def test_a_window_of_time(clock: Clock, client: AsyncWebClient) -> None:
    stamps = []
    for text in "abc":
        clock.ahead += 10
        stamps.append((await client.chat_postMessage(channel=OPS, text=text))["ts"])

    async def texts(**window: Any) -> str:
        shown = (await client.conversations_history(channel=OPS, **window))["messages"]
        return "".join(message["text"] for message in shown)

    first, second, third = stamps
    assert await texts() == "cba"
    assert await texts(oldest=first) == "cb"
    assert await texts(oldest=first, inclusive=True) == "cba"
    assert await texts(latest=third) == "ba"
    assert await texts(oldest=first, latest=third) == "b"
    assert await texts(oldest=second, latest=second, inclusive=True, limit=1) == "b"
    assert await texts(inclusive=True) == "cba"
    assert await texts(oldest=str(int(float(second)))) == "cb"
    assert await refusal(client.conversations_history(channel=OPS, oldest="soon")) == "invalid_ts_oldest"
    assert await refusal(client.conversations_history(channel=OPS, oldest=first, latest="x")) == "invalid_ts_latest"


async def test_pages_stay_where_they_are_while_more_is_said(slack: SlackStandIn, client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel=OPS, text="0"))["ts"]
    for number in range(1, 4):
        await client.chat_postMessage(channel=OPS, text=str(number))
        await client.chat_postMessage(channel=OPS, text=f"r{number}", thread_ts=root)
    page = await client.conversations_history(channel=OPS, limit=2)
    await slack.say("viewer", OPS, "new")
    assert page["has_more"]
    following = await client.conversations_history(
        channel=OPS, limit=2, cursor=page["response_metadata"]["next_cursor"]
    )
    assert [message["text"] for message in [*page["messages"], *following["messages"]]] == ["3", "2", "1", "0"]
    assert not following["has_more"]
    thread = await client.conversations_replies(channel=OPS, ts=root, limit=3)
    rest = await client.conversations_replies(channel=OPS, ts=root, cursor=thread["response_metadata"]["next_cursor"])
    assert [m["text"] for m in [*thread["messages"], *rest["messages"]]] == ["0", "r1", "r2", "r3"]
    assert await refusal(client.conversations_replies(channel=OPS, ts=root, cursor="bm9uc2Vuc2U=")) == "invalid_cursor"


async def test_history_has_the_third_tier(clock: Clock) -> None:
    async with workspace(clock, tiers=True) as slack:
        client = client_of(slack)
        for _ in range(50):
            await client.conversations_history(channel=OPS)
        with pytest.raises(SlackApiError) as caught:
            await client.conversations_history(channel=OPS)
        assert (caught.value.response.status_code, caught.value.response["error"]) == (429, "ratelimited")
        clock.ahead += int(caught.value.response.headers["Retry-After"])
        await client.conversations_history(channel=OPS)


async def test_a_reply_that_the_channel_sees_too(slack: SlackStandIn, client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel=OPS, text="root"))["ts"]
    quiet = (await client.chat_postMessage(channel=OPS, text="quiet", thread_ts=root))["ts"]
    loud = await client.chat_postMessage(channel=OPS, text="loud", thread_ts=root, reply_broadcast=True)
    assert (loud["message"]["subtype"], loud["message"]["root"]["ts"]) == ("thread_broadcast", root)
    await client.chat_postMessage(channel=OPS, text="no thread", reply_broadcast=True)
    top = (await client.conversations_history(channel=OPS))["messages"]
    assert [message["text"] for message in top] == ["no thread", "loud", "root"]
    assert "subtype" not in top[0]
    assert top[-1]["reply_count"] == 2
    thread = (await client.conversations_replies(channel=OPS, ts=root))["messages"]
    assert [message["text"] for message in thread] == ["root", "quiet", "loud"]

    def update(**more: Any) -> Any:
        return client.api_call("chat.update", json={"channel": OPS, "reply_broadcast": True, **more})

    assert await refusal(update(ts=quiet, text="x")) == "no_dual_broadcast_content_update"
    assert await refusal(update(ts=root)) == "cant_broadcast_message"
    await update(ts=quiet)
    top = (await client.conversations_history(channel=OPS))["messages"]
    assert [message["text"] for message in top] == ["no thread", "loud", "quiet", "root"]
