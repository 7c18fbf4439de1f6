"""Modals and Home tabs: triggers, stacks, hashes, forms."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn, StandInError
from tests.sandbox.slack.workspace import App, Clock, next_of, refusal

View = dict[str, Any]


async def trigger(slack: SlackStandIn, app: App, user: str = "viewer") -> str:
    await slack.command(user, "batch-ops", "pool create")
    return str(app.got[-1]["trigger_id"])


async def test_a_trigger_opens_one_modal_for_three_seconds(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View, clock: Clock
) -> None:
    fresh = await trigger(slack, app)
    opened = (await client.views_open(trigger_id=fresh, view=modal))["view"]
    assert opened["root_view_id"] == opened["id"]
    assert [view["id"] for view in slack.views("viewer")] == [opened["id"]]
    assert await refusal(client.views_open(trigger_id=fresh, view=modal)) == "exchanged_trigger_id"
    assert await refusal(client.views_open(trigger_id="1.2.x", view=modal)) == "invalid_trigger_id"
    late = await trigger(slack, app)
    clock.ahead += 3.1
    assert await refusal(client.views_open(trigger_id=late, view=modal)) == "expired_trigger_id"


async def test_an_illegal_view_is_refused_and_leaves_the_trigger(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View
) -> None:
    fresh = await trigger(slack, app)
    wrong = {**modal, "title": {"type": "plain_text", "text": "x" * 25}}
    assert await refusal(client.views_open(trigger_id=fresh, view=wrong)) == "invalid_arguments"
    assert (
        await refusal(client.views_open(trigger_id=fresh, view={"type": "home", "blocks": []})) == "invalid_arguments"
    )
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}
    big = {**modal, "blocks": [section] * 90}
    assert await refusal(client.views_open(trigger_id=fresh, view=big)) == "view_too_large"
    await client.views_open(trigger_id=fresh, view=modal)


async def test_updates_keep_what_is_filled_in_and_notice_a_stale_hash(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View
) -> None:
    view = (await client.views_open(trigger_id=await trigger(slack, app), view=modal))["view"]
    app.answer = {"response_action": "errors", "errors": {"name": "taken"}}
    await slack.submit_view("viewer", view["id"], {"name": {"value": "gpu"}, "size": {"value": "m"}})
    updated = (await client.views_update(view_id=view["id"], hash=view["hash"], view=modal))["view"]
    assert updated["state"]["values"]["name"]["value"]["value"] == "gpu"
    assert updated["hash"] != view["hash"]
    assert await refusal(client.views_update(view_id=view["id"], hash=view["hash"], view=modal)) == "hash_conflict"
    assert await refusal(client.views_update(view_id="V404", view=modal)) == "not_found"


async def test_views_stack_to_three(slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View) -> None:
    button = {"type": "button", "action_id": "more", "text": {"type": "plain_text", "text": "More"}}
    modal["blocks"].append({"type": "actions", "elements": [button]})
    top = (await client.views_open(trigger_id=await trigger(slack, app), view=modal))["view"]
    typed = await trigger(slack, app)
    assert await refusal(client.views_push(trigger_id=typed, view=modal)) == "invalid_trigger_id"
    for _ in range(2):
        await slack.click_in_view("viewer", top["id"], "more")
        pushed = (await client.views_push(trigger_id=app.got[-1]["trigger_id"], view=modal))["view"]
        assert pushed["previous_view_id"] == top["id"]
        top = pushed
    await slack.click_in_view("viewer", top["id"], "more")
    again = client.views_push(trigger_id=app.got[-1]["trigger_id"], view=modal)
    assert await refusal(again) == "push_limit_reached"
    with pytest.raises(StandInError, match="view_not_on_top"):
        await slack.close_view("viewer", slack.views("viewer")[0]["id"])
    await slack.close_view("viewer", top["id"])
    assert len(slack.views("viewer")) == 2


async def test_an_external_id_is_unique_and_finds_its_view(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View
) -> None:
    modal["external_id"] = "form-1"
    await client.views_open(trigger_id=await trigger(slack, app), view=modal)
    other = await trigger(slack, app, "admin")
    assert await refusal(client.views_open(trigger_id=other, view=modal)) == "duplicate_external_id"
    assert (await client.views_update(external_id="form-1", view=modal))["view"]["external_id"] == "form-1"


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (None, 0),
        ({"response_action": "clear"}, 0),
        ({"response_action": "update"}, 1),
        ({"response_action": "push"}, 2),
    ],
)
async def test_what_follows_a_submission(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View, answer: Any, left: int
) -> None:
    view = (await client.views_open(trigger_id=await trigger(slack, app), view=modal))["view"]
    needs_view = answer and answer["response_action"] in ("update", "push")
    app.answer = {**answer, "view": modal} if needs_view else answer
    taken = await slack.submit_view("viewer", view["id"], {"name": {"value": "gpu"}, "size": {"value": "m"}})
    assert taken.ok
    assert len(slack.views("viewer")) == left
    state = app.got[-1]["view"]["state"]["values"]
    assert state["name"]["value"] == {"type": "plain_text_input", "value": "gpu"}
    assert state["size"]["value"]["selected_option"]["value"] == "m"


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors"},
        {"response_action": "dance"},
        {"response_action": "update", "view": {"type": "modal"}},
        {"text": "thanks"},
    ],
)
async def test_an_answer_that_makes_no_sense_keeps_the_form_open(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View, answer: Any
) -> None:
    view = (await client.views_open(trigger_id=await trigger(slack, app), view=modal))["view"]
    app.answer = answer
    taken = await slack.submit_view("viewer", view["id"], {"name": {"value": "gpu"}})
    assert (taken.ok, taken.error) == (False, "invalid_response")
    assert "invalid_response" in slack.views("viewer")[0]["errors"][""]


async def test_the_form_itself_stops_what_cannot_be(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View
) -> None:
    view = (await client.views_open(trigger_id=await trigger(slack, app), view=modal))["view"]
    before = len(app.got)
    for state, code in [
        ({}, "input_required"),
        ({"name": {"value": "x" * 9}}, "input_required"),
        ({"name": {"value": "x"}, "size": {"value": "xl"}}, "no_such_option"),
        ({"colour": {"value": "red"}}, "no_such_element"),
    ]:
        with pytest.raises(StandInError, match=code):
            await slack.submit_view("viewer", view["id"], state)
    with pytest.raises(StandInError, match="view_not_found"):
        await slack.submit_view("admin", view["id"], {"name": {"value": "x"}})
    assert len(app.got) == before


async def test_closing_tells_the_app_only_where_it_asked(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View
) -> None:
    quiet = (await client.views_open(trigger_id=await trigger(slack, app), view=modal))["view"]
    await slack.close_view("viewer", quiet["id"])
    await slack.settle()
    assert app.got[-1].get("type") != "view_closed"
    told = await client.views_open(trigger_id=await trigger(slack, app), view={**modal, "notify_on_close": True})
    await slack.close_view("viewer", told["view"]["id"])
    await slack.settle()
    assert (app.got[-1]["type"], app.got[-1]["view"]["id"]) == ("view_closed", told["view"]["id"])


async def test_home(slack: SlackStandIn, client: AsyncWebClient, app: App) -> None:
    queue = slack.subscribe()
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    view = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
    published = (await client.views_publish(user_id="U0VIEWER1", view=view))["view"]
    assert (await next_of(queue, "home"))["user"] == "U0VIEWER1"
    again = (await client.views_publish(user_id="U0VIEWER1", view=view, hash=published["hash"]))["view"]
    assert again["id"] == published["id"]
    stale = client.views_publish(user_id="U0VIEWER1", view=view, hash=published["hash"])
    assert await refusal(stale) == "hash_conflict"
    home = slack.home("viewer")
    assert home is not None
    assert (await slack.click_in_view("viewer", home["id"], "go")).ok
    assert app.got[-1]["view"]["type"] == "home"
    assert await refusal(client.views_publish(user_id="U404", view=view)) == "invalid_arguments"


async def test_suggestions(slack: SlackStandIn, client: AsyncWebClient, app: App) -> None:
    element = {"type": "external_select", "action_id": "pool", "min_query_length": 2}
    posted = await client.chat_postMessage(
        channel="batch-ops", text="x", blocks=[{"type": "actions", "block_id": "b", "elements": [element]}]
    )
    gpu = {"text": {"type": "plain_text", "text": "gpu-a"}, "value": "gpu-a"}
    app.answer = {"options": [gpu]}
    assert await slack.suggest("viewer", "batch-ops", "pool", typed="g", ts=posted["ts"]) == []
    assert app.got == []
    assert await slack.suggest("viewer", "batch-ops", "pool", typed="gp", ts=posted["ts"]) == [gpu]
    assert (app.got[-1]["type"], app.got[-1]["value"]) == ("block_suggestion", "gp")
    app.answer = None
    assert (await slack.click("viewer", "batch-ops", posted["ts"], "pool", option="gpu-a")).ok
    assert app.got[-1]["actions"][0]["selected_option"] == gpu
    app.answer = {"options": [{"text": "gpu"}]}
    assert await slack.suggest("viewer", "batch-ops", "pool", typed="gpu", ts=posted["ts"]) == []


async def test_a_conversation_input_can_bring_an_address(
    slack: SlackStandIn, client: AsyncWebClient, app: App, modal: View
) -> None:
    element = {"type": "conversations_select", "action_id": "to", "response_url_enabled": True}
    modal["blocks"].append(
        {"type": "input", "block_id": "to", "label": {"type": "plain_text", "text": "To"}, "element": element}
    )
    view = (await client.views_open(trigger_id=await trigger(slack, app), view=modal))["view"]
    await slack.submit_view("viewer", view["id"], {"name": {"value": "x"}, "to": {"to": "C0RANDOM1"}})
    (address,) = app.got[-1]["response_urls"]
    assert (address["channel_id"], address["block_id"]) == ("C0RANDOM1", "to")
