"""What people type, choose and see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn, StandInError
from bot.sandbox.slack.words import typed
from tests.sandbox.slack.workspace import App, next_of, workspace


def choices(*values: str) -> list[dict[str, Any]]:
    return [{"text": {"type": "plain_text", "text": value}, "value": value} for value in values]


def block(*elements: dict[str, Any], block_id: str = "b") -> dict[str, Any]:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def button(action_id: str, value: str) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": action_id,
        "value": value,
        "text": {"type": "plain_text", "text": value},
    }


def test_typed_words_are_escaped_and_names_become_ids() -> None:
    words, blocks = typed("@batchbot a<b & see #ops http://x.org/?a&b @nobody", {"batchbot": "UB"}, {"ops": "CO"}, "x")
    assert words == "<@UB> a&lt;b &amp; see <#CO|ops> <http://x.org/?a&amp;b> @nobody"
    kinds = [element["type"] for element in blocks[0]["elements"][0]["elements"]]
    assert kinds == ["user", "text", "channel", "text", "link", "text"]


async def test_everything_is_told_and_is_json(slack: SlackStandIn, client: AsyncWebClient) -> None:
    queue = slack.subscribe()
    posted = await client.chat_postMessage(channel="batch-ops", text="one")
    assert (await next_of(queue, "message"))["message"]["text"] == "one"
    await client.chat_update(channel="batch-ops", ts=posted["ts"], text="two")
    assert (await next_of(queue, "message_changed"))["message"]["edits"] == 1
    await client.chat_delete(channel="batch-ops", ts=posted["ts"])
    assert (await next_of(queue, "message_deleted"))["ts"] == posted["ts"]
    await client.chat_postEphemeral(channel="batch-ops", user="U0ADMIN01", text="psst")
    told = await next_of(queue, "ephemeral")
    assert (told["user"], told["message"]["ephemeral"]) == ("U0ADMIN01", True)
    await slack.invite("random")
    change = await next_of(queue, "channel")
    assert change["channel"]["bot"]
    json.dumps([told, change, slack.people, slack.channels])
    slack.unsubscribe(queue)
    await client.chat_postMessage(channel="batch-ops", text="three")
    assert queue.empty()


async def test_the_same_seed_gives_the_same_ids() -> None:
    async def ids() -> list[str]:
        async with workspace(seed=3) as slack:
            await slack.say("viewer", "batch-ops", "hello")
            return [slack.messages("batch-ops")[0][key] for key in ("client_msg_id",)]

    assert await ids() == await ids()


async def test_choosing(slack: SlackStandIn, client: AsyncWebClient, app: App) -> None:
    blocks = [
        block(
            {"type": "static_select", "action_id": "one", "options": choices("1h", "24h")},
            {
                "type": "multi_static_select",
                "action_id": "many",
                "max_selected_items": 2,
                "options": choices("a", "b", "c"),
            },
            {"type": "overflow", "action_id": "more", "options": choices("x", "y")},
            {"type": "users_select", "action_id": "who"},
            {"type": "datepicker", "action_id": "day"},
            button("go", "first"),
            button("stop", "second"),
        )
    ]
    ts = (await client.chat_postMessage(channel="batch-ops", text="x", blocks=blocks))["ts"]

    async def chosen(action_id: str, **how: Any) -> dict[str, Any]:
        assert (await slack.click("viewer", "batch-ops", ts, action_id, "b", **how)).ok
        action: dict[str, Any] = app.got[-1]["actions"][0]
        return action

    assert (await chosen("one", option="24h"))["selected_option"]["value"] == "24h"
    assert [o["value"] for o in (await chosen("many", option=["a", "c"]))["selected_options"]] == ["a", "c"]
    assert (await chosen("more", option="y"))["selected_option"]["value"] == "y"
    assert (await chosen("who", option="U0ADMIN01"))["selected_user"] == "U0ADMIN01"
    assert (await chosen("day", option="2026-11-23"))["selected_date"] == "2026-11-23"
    assert (await chosen("go"))["value"] == "first"
    values = app.got[-1]["state"]["values"]["b"]
    assert values["one"]["selected_option"]["value"] == "24h"
    assert "go" not in values
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("one", {"option": "7d"}, "no_such_option"),
        ("many", {"option": ["a", "b", "c"]}, "too_many_options"),
        ("gone", {}, "no_such_element"),
    ]
    for action_id, how, code in wrong:
        with pytest.raises(StandInError, match=code):
            await slack.click("viewer", "batch-ops", ts, action_id, **how)


async def test_buttons_that_share_a_name_are_told_apart(
    slack: SlackStandIn,
    client: AsyncWebClient,
    app: App,
) -> None:
    blocks = [block(button("run", "a"), block_id="one"), block(button("run", "b"), block_id="two")]
    ts = (await client.chat_postMessage(channel="batch-ops", text="x", blocks=blocks))["ts"]
    with pytest.raises(StandInError, match="ambiguous_element"):
        await slack.click("viewer", "batch-ops", ts, "run")
    await slack.click("viewer", "batch-ops", ts, "run", value="b")
    await slack.click("viewer", "batch-ops", ts, "run", "one")
    assert [got["actions"][0]["value"] for got in app.got] == ["b", "a"]


async def test_others_do_not_see_what_is_ephemeral(slack: SlackStandIn, client: AsyncWebClient) -> None:
    answer = await client.chat_postEphemeral(
        channel="batch-ops", user="U0VIEWER1", text="x", blocks=[block(button("run", "a"))]
    )
    with pytest.raises(StandInError, match="message_not_found"):
        await slack.click("admin", "batch-ops", answer["message_ts"], "run")


async def test_one_edits_ones_own(slack: SlackStandIn) -> None:
    ts = await slack.say("viewer", "batch-ops", "helo")
    with pytest.raises(StandInError, match="not_yours"):
        await slack.edit("admin", "batch-ops", ts, "hello")
    await slack.edit("viewer", "batch-ops", ts, "hello")
    reply = await slack.say("admin", "batch-ops", "yes", thread_ts=ts)
    deeper = await slack.say("admin", "batch-ops", "no", thread_ts=reply)
    shown = {message["ts"]: message for message in slack.messages("batch-ops")}
    assert (shown[ts]["text"], shown[ts]["edits"], shown[ts]["reply_count"]) == ("hello", 1, 2)
    assert shown[deeper]["thread_ts"] == ts
    await slack.delete("admin", "batch-ops", deeper)
    assert slack.messages("batch-ops")[0]["reply_count"] == 1
    await slack.delete("viewer", "batch-ops", ts)
    with pytest.raises(StandInError, match="message_not_found"):
        await slack.say("admin", "batch-ops", "late", thread_ts=ts)
