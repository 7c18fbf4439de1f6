"""What Slack sends becomes what somebody asked: which text, in which thread, and what asks the bot at all."""

from __future__ import annotations

from typing import Any

import pytest

from bot.chat.slack.inbound import from_action, from_arrival, from_event, plain

EVENT: dict[str, Any] = {
    "type": "event_callback",
    "event_id": "Ev1",
    "team_id": "T1",
    "event": {"type": "app_mention", "channel": "C1", "user": "U1", "text": "<@UBOT> pool list", "ts": "17.5"},
}


def event(**more: Any) -> dict[str, Any]:
    return {**EVENT, "event": {key: value for key, value in {**EVENT["event"], **more}.items() if value is not None}}


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("pool show <http://render.example|render.example>", "pool show render.example"),
        ("pool show <http://render.example>", "pool show http://render.example"),
        ("mail <mailto:mia@contoso.example|mia@contoso.example>", "mail mia@contoso.example"),
        ("call <tel:112|112> or <tel:113>", "call 112 or 113"),
        ("ask <@U2> in <#C2|ops> of <!subteam^S1>", "ask <@U2> in <#C2|ops> of <!subteam^S1>"),
        ("failed&gt;3 &amp; a&lt;b", "failed>3 & a<b"),
        ("log j t <http://a|a> <http://b|>", "log j t a http://b"),
    ],
)
def test_what_slack_made_of_the_text_is_taken_back(sent: str, typed: str) -> None:
    assert plain(sent) == typed


@pytest.mark.parametrize(
    ("more", "text", "thread", "kind"),
    [
        ({}, "pool list", "17.5", "channel"),
        ({"thread_ts": "16.1"}, "pool list", "16.1", "channel"),
        ({"text": "<@UBOT|batchbot>:  pool list "}, "pool list", "17.5", "channel"),
        ({"text": "hello <@UBOT> pool list"}, "hello pool list", "17.5", "channel"),
        ({"text": None}, "", "17.5", "channel"),
        ({"type": "message", "channel_type": "im", "channel": "D1"}, "pool list", None, "personal"),
        (
            {"type": "message", "channel_type": "im", "channel": "D1", "thread_ts": "16.1"},
            "pool list",
            "16.1",
            "personal",
        ),
    ],
)
def test_a_mention_is_answered_in_its_thread_and_a_direct_message_where_it_was_said(
    more: dict[str, Any], text: str, thread: str | None, kind: str
) -> None:
    request = from_event(event(**more), "UBOT")
    assert request is not None
    assert (request.text, request.conversation.thread, request.conversation.kind) == (text, thread, kind)
    assert (request.key, request.person.id) == ("slack:Ev1", "U1")


@pytest.mark.parametrize(
    "more",
    [
        {"user": "UBOT"},
        {"user": "USLACKBOT"},
        {"user": ""},
        {"user": None},
        {"bot_id": "B1"},
        {"bot_profile": {"id": "B1"}},
        {"app_id": "A1"},
        {"channel": ""},
        {"subtype": "message_changed"},
        {"type": "message"},  # said in a channel, to nobody
        {"type": "message", "channel_type": "group"},
        {"channel_type": "im"},  # a mention among two comes as a message too
        {"type": "reaction_added"},
    ],
)
def test_what_does_not_ask_the_bot_is_left_alone(more: dict[str, Any]) -> None:
    assert from_event(event(**more), "UBOT") is None


@pytest.mark.parametrize(
    ("more", "asks"),
    [
        ({"type": "member_joined_channel", "user": "UBOT", "inviter": "U1"}, True),
        ({"type": "member_joined_channel", "user": "UBOT"}, False),
        ({"type": "member_joined_channel", "user": "U1", "inviter": "U2"}, False),
        ({"type": "app_home_opened", "tab": "messages"}, True),
        ({"type": "app_home_opened", "tab": "home"}, False),
        ({"type": "app_home_opened", "tab": "messages", "channel": "D9"}, False),
        ({"type": "app_home_opened", "tab": "messages", "channel": ""}, False),
        ({"type": "app_home_opened", "tab": "messages", "user": ""}, False),
        ({"type": "app_home_opened", "tab": "messages", "user": 7}, False),
    ],
)
def test_whoever_let_the_bot_in_is_greeted_once(more: dict[str, Any], asks: bool) -> None:
    request = from_arrival(event(**more), "UBOT", {"D9"})
    assert (request is not None) is asks
    if request:
        assert (request.person.id, request.conversation.id) == ("U1", "C1")
        assert request.conversation.kind == ("personal" if more["type"] == "app_home_opened" else "channel")


def _pressed(**more: Any) -> dict[str, Any]:
    return {
        "trigger_id": "9.9",
        "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T1"},
        "channel": {"id": "C1", "name": "ops"},
        "container": {"message_ts": "17.5", "channel_id": "C1"},
        "message": {"ts": "17.5"},
        **more,
    }


def test_a_press_that_carries_no_command_asks_nothing() -> None:
    assert from_action(_pressed()) is None
    assert from_action(_pressed(actions=[])) is None
    assert from_action(_pressed(actions=[{"type": "button", "action_id": "somebody else's", "value": "x"}])) is None
