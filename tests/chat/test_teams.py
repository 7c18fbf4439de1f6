"""The adapter as a person at Teams meets it: answers, buttons, dialogs, private cards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.chat.port import Undelivered
from bot.chat.request import CommandRequest, Conversation
from bot.chat.teams.seals import Place
from cards import teams as renderer
from cards.card import Actions, Button, Card, Field, Form, Picture
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.charts.usage import UsageChart
from tests.chat.teams_service import SDKS, World, actions, build, card, tear_down, when

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"
GROUP = {"id": "19:group@thread.v2", "conversationType": "groupChat", "isGroup": True}
FORM = Form("List pools", "pool list", (Field("state", "State"),))


@pytest.fixture(params=SDKS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    world = await build(sdk=request.param)
    yield world
    await tear_down(world)


def pressed(world: World, button: Button, conversation: str = "a:personal") -> dict[str, Any]:
    """The action of a button of message 1700 as the bot writes it, and as Teams sends it back."""
    seal = partial(world.teams._seals.seal, Place.of(conversation, "1700"))
    return actions(renderer.render(card(blocks=(Actions((button,)),)), seal=seal).payload)[0]


def press(world: World, button: Button, *, trigger: str = "manual", **rest: Any) -> dict[str, Any]:
    where = rest.get("conversation", {"id": "a:personal"})["id"]
    action = {key: value for key, value in pressed(world, button, where).items() if key != "fallback"}
    value = {"action": action, "trigger": trigger}
    return world.activity("invoke", name="adaptiveCard/action", value=value, replyToId="1700", id="f:1", **rest)


def shown(world: World) -> list[tuple[str, str, str]]:
    """Method, path and summary of everything sent."""
    return [
        (method, path.removeprefix("v3/conversations/"), str(body.get("summary", "")))
        for method, path, body in world.service.sent
    ]


async def test_typed_text_is_answered_with_a_new_message(world: World) -> None:
    assert await world.post_once(world.activity(text="pool list")) == (200, None)
    await world.intake.done()
    request = world.intake.asked[0]
    assert (request.text, request.how, request.message) == ("pool list", "post", None)
    assert request.at == when("2026-11-22T11:08:49.908+00:00")
    assert (request.person.id, request.person.zone) == ("8f3e2f7e-0000-4000-8000-0000000000a1", "Europe/Berlin")
    assert await world.teams.zone(request.person) == "Europe/Berlin"
    assert shown(world) == [("POST", "a:personal/activities", "pool list")]


async def test_the_acknowledgement_waits_for_nothing_but_the_journal(world: World) -> None:
    world.intake.hold = asyncio.Event()
    assert await world.post_once(world.activity(text="pool list")) == (200, None)
    assert len(world.intake.asked) == 1
    assert not world.service.sent
    world.intake.hold.set()


async def test_an_answer_in_a_channel_stays_in_its_thread(world: World) -> None:
    conversation = {"id": "19:alerts@thread.tacv2;messageid=1795", "conversationType": "channel"}
    await world.post_once(world.activity(text="pool list", conversation=conversation))
    await world.intake.done()
    assert [path for _, path, _ in shown(world)] == ["19:alerts@thread.tacv2;messageid=1795/activities"]


async def test_a_journal_that_fails_makes_teams_try_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: CommandRequest) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(world.intake, "accept", full)
    with capture_logs() as logs:
        status, _ = await world.post_once(world.activity(text="pool list"))
    assert status == 500
    assert [line["event"] for line in logs] == ["teams.failed"]


# -- buttons --------------------------------------------------------------------------------------------------------


async def test_edit_button_answers_with_the_card_and_edits_it_for_everybody(world: World) -> None:
    world.intake.reply = card("page 2")
    status, body = await world.post_once(press(world, Button("Next", "pool list --page 2", "edit")))
    await world.intake.done()
    assert (status, body["statusCode"], body["type"]) == (200, 200, CARD)
    assert body["value"] == renderer.render(card("page 2")).payload
    assert shown(world) == [("PUT", "a:personal/activities/1700", "page 2")]
    request = world.intake.asked[0]
    assert (request.text, request.how, request.message, request.key) == (
        "pool list --page 2",
        "edit",
        "1700",
        "teams:a:personal:f:1",
    )


async def test_post_button_answers_with_words_and_posts(world: World) -> None:
    status, body = await world.post_once(press(world, Button("Show", "pool show render")))
    await world.intake.done()
    assert (status, body["statusCode"], body["type"], body["value"]) == (200, 200, MESSAGE, "The answer is below.")
    assert [method for method, _, _ in shown(world)] == ["POST"]


@pytest.mark.parametrize("how", ["edit", "post"])
async def test_work_that_takes_longer_is_told_and_delivered_later(world: World, how: Any) -> None:
    world.teams._parts()[2]._patience = 0.01
    world.intake.hold = asyncio.Event()
    _, body = await world.post_once(press(world, Button("Next", "pool list", how)))
    assert (body["type"], body["value"]) == (MESSAGE, "Working on it: the answer follows.")
    assert not world.service.sent
    world.intake.hold.set()
    await world.intake.done()
    assert [method for method, _, _ in shown(world)] == ["PUT" if how == "edit" else "POST"]


async def test_a_button_that_teams_sends_again_works_once(world: World) -> None:
    world.intake.hold = asyncio.Event()
    activity = press(world, Button("Next", "pool list", "edit"))
    first = asyncio.create_task(world.post_once(activity))
    await world.intake.came.wait()
    _, body = await world.post_once(activity)
    assert body["type"] == MESSAGE
    world.intake.hold.set()
    assert (await first)[1]["type"] == CARD
    await world.intake.done()
    _, body = await world.post_once(activity)
    assert body["type"] == MESSAGE
    assert len(world.service.sent) == 1
    assert not world.teams._parts()[2]._waiting


async def test_the_presser_need_not_wait_for_the_edit(world: World) -> None:
    """The card is handed over when it is drawn, though Teams throttles the edit."""
    world.service.failures.append(web.Response(status=429, headers={"Retry-After": "1"}))
    async with asyncio.timeout(0.9):
        _, body = await world.post_once(press(world, Button("Next", "pool list", "edit")))
    assert body["type"] == CARD
    await world.intake.done()
    assert len(world.service.sent) == 1


async def test_a_card_that_refreshes_itself_is_not_edited_for_everybody(world: World) -> None:
    _, body = await world.post_once(press(world, Button("Next", "pool list", "edit"), trigger="automatic"))
    await world.intake.done()
    assert body["type"] == CARD
    assert not world.service.sent


async def test_pictures_are_drawn_once_for_presser_and_everybody(world: World) -> None:
    at = when("2026-11-22T11:00:00+00:00")
    world.intake.reply = card(blocks=(Picture("p", "alt", UsageChart("h", "s", (), 60, at, at)),))
    _, body = await world.post_once(press(world, Button("1 h", "usage --window 1h", "edit")))
    await world.intake.done()
    assert "https://bot.example/pictures/abc.png" in str(body["value"])
    assert body["value"] == world.service.sent[0][2]["attachments"][0]["content"]
    assert len(world.pictures.drawn) == 1


@pytest.mark.parametrize("blocks", ["classic", "modern"])
async def test_teams_draws_small_bars_itself_only_where_the_settings_want_it(blocks: Any) -> None:
    chart = BarChart("headline", "subtitle", (BarSeries("done"),), (Bar("a", (3.0,)), Bar("b", (5.0,))), "tasks")
    world = await build(settings=lambda plain: replace(plain, blocks=blocks))
    world.intake.reply = card(blocks=(Picture("p", "alt", chart, native=True),))
    await world.post_once(press(world, Button("1 h", "usage --window 1h", "edit")))
    await world.intake.done()
    assert ("Chart." in str(world.service.sent[0][2])) == (blocks == "modern")
    await tear_down(world)


async def test_somebody_elses_button_is_an_error_in_words(world: World) -> None:
    value = {"action": {"type": "Action.Execute", "verb": "approve", "data": {"n": 1}}}
    status, body = await world.post_once(world.activity("invoke", name="adaptiveCard/action", value=value))
    assert (status, body["statusCode"], body["type"]) == (200, 400, "application/vnd.microsoft.error")
    assert body["value"]["message"]
    assert not world.intake.asked


@pytest.mark.parametrize("value", [None, "x", [], {"action": 1}, {"action": {"data": []}}])
@pytest.mark.parametrize("name", ["adaptiveCard/action", "task/fetch", "task/submit"])
async def test_malformed_invokes(world: World, name: str, value: Any) -> None:
    status, body = await world.post_once(world.activity("invoke", name=name, value=value))
    assert status == 400 or (status, body.get("statusCode", 400)) == (200, 400)
    assert not world.intake.asked


@pytest.mark.parametrize("name", ["composeExtension/setting", "signin/verifyState", None])
async def test_invokes_that_are_not_offered(world: World, name: str | None) -> None:
    assert await world.post_once(world.activity("invoke", name=name, value={})) == (501, None)


async def test_search_finds_nothing_politely(world: World) -> None:
    value = {"queryText": "re", "dataset": "pools"}
    status, body = await world.post_once(world.activity("invoke", name="application/search", value=value))
    assert (status, body["statusCode"], body["value"]) == (200, 200, {"results": []})


@pytest.mark.parametrize(("how", "method"), [("edit", "PUT"), ("post", "POST")])
async def test_button_of_a_client_without_execute(world: World, how: Any, method: str) -> None:
    value = pressed(world, Button("Next", "pool list", how))["fallback"]["data"]
    assert await world.post_once(world.activity(value=value, replyToId="1700")) == (200, None)
    await world.intake.done()
    assert world.intake.asked[0].text == "pool list"
    assert [found for found, _, _ in shown(world)] == [method]


async def test_a_message_with_somebody_elses_value_is_told_in_the_log_only(world: World) -> None:
    with capture_logs() as logs:
        assert await world.post_once(world.activity(value={"n": 1})) == (200, None)
    assert [line["event"] for line in logs] == ["teams.submit_unknown"]
    assert not world.intake.asked


# -- dialogs --------------------------------------------------------------------------------------------------------


def opened(world: World, data: dict[str, Any]) -> dict[str, Any]:
    value = {"data": data, "context": {"theme": "default"}}
    return world.activity("invoke", name="task/fetch", value=value, replyToId="1700", id="f:2")


def sent(world: World, data: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return world.activity(
        "invoke", name="task/submit", value={"data": data, "context": {"theme": "default"}}, id="f:3", **rest
    )


async def test_dialog_from_button_to_answer(world: World) -> None:
    world.intake.prepared = msgspec.structs.replace(FORM, how="edit")
    data = pressed(world, Button("Filter", "pool list", "form"))["data"]
    assert data["msteams"] == {"type": "task/fetch"}
    status, body = await world.post_once(opened(world, data))
    dialog = body["task"]["value"]
    assert (status, body["task"]["type"], dialog["title"], dialog["card"]["contentType"]) == (
        200,
        "continue",
        "List pools",
        CARD,
    )
    form = dialog["card"]["content"]
    (submit,) = actions(form)
    (entry,) = [element for element in form["body"] if element["type"].startswith("Input.")]
    assert await world.post_once(sent(world, submit["data"] | {entry["id"]: "active"})) == (200, None)
    await world.intake.done()
    request = world.intake.asked[0]
    assert (request.text, request.values, request.how, request.message) == (
        "pool list",
        {"state": "active"},
        "edit",
        "1700",
    )
    assert shown(world) == [("PUT", "a:personal/activities/1700", "pool list")]


async def test_a_form_that_may_not_be_is_explained_in_the_dialog(world: World) -> None:
    world.intake.prepared = card("You may not do that.")
    _, body = await world.post_once(opened(world, pressed(world, Button("Filter", "pool list", "form"))["data"]))
    assert body["task"]["type"] == "continue"
    assert "You may not do that." in str(body["task"]["value"]["card"])


async def test_a_form_that_takes_too_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.teams._parts()[2]._patience = 0.01
    monkeypatch.setattr(world.intake, "form", lambda *_, **__: asyncio.sleep(60))
    _, body = await world.post_once(opened(world, pressed(world, Button("Filter", "pool list", "form"))["data"]))
    assert body["task"]["type"] == "message"


@pytest.mark.parametrize("name", ["task/fetch", "task/submit"])
async def test_somebody_elses_dialog(world: World, name: str) -> None:
    status, body = await world.post_once(world.activity("invoke", name=name, value={"data": {"n": 1}}))
    assert (status, body["task"]["type"]) == (200, "message")
    assert not world.intake.asked


async def test_a_form_submitted_twice_runs_once(world: World) -> None:
    (submit,) = actions(renderer.render_form(FORM, "1700"))
    for _ in range(2):
        assert await world.post_once(sent(world, submit["data"])) == (200, None)
    assert len(world.intake.asked) == 1


async def test_a_client_without_dialogs_gets_the_form_as_a_message(world: World) -> None:
    world.intake.prepared = FORM
    data = pressed(world, Button("Filter", "pool list", "form"))["data"]
    assert await world.post_once(world.activity(value=data, replyToId="1700")) == (200, None)
    await world.teams._parts()[2].close()
    assert shown(world) == [("POST", "a:personal/activities", "List pools")]
    (submit,) = actions(world.service.sent[0][2])
    await world.post_once(world.activity(value=submit["data"], replyToId="1800", id="9"))
    assert (world.intake.asked[0].text, world.intake.asked[0].message) == ("pool list", "1700")


# -- delivery -------------------------------------------------------------------------------------------------------


def a_place(world: World, kind: Any = "personal") -> Conversation:
    return Conversation("teams", "a:personal", kind, "the-tenant", service_url=world.service.url)


async def test_post_returns_an_id_that_edit_takes(world: World) -> None:
    message, _ = await world.teams.post_once(a_place(world), card("first"), "key")
    await world.teams.update(a_place(world), message, card("second"))
    assert shown(world) == [
        ("POST", "a:personal/activities", "first"),
        ("PUT", f"a:personal/activities/{message}", "second"),
    ]


@pytest.mark.parametrize("status", [400, 403, 404, 405])
async def test_a_message_that_can_no_longer_be_edited_is_posted_anew(world: World, status: int) -> None:
    error = {"error": {"code": "ActivityNotFoundInConversation", "message": "gone"}}
    world.service.failures.append(web.json_response(error, status=status))
    await world.post_once(press(world, Button("Next", "pool list", "edit")))
    await world.intake.done()
    assert [method for method, _, _ in shown(world)] == ["POST"]


async def test_nothing_is_posted_where_the_bot_was_removed(world: World) -> None:
    await world.post_once(world.activity("installationUpdate", action="add"))
    await world.intake.done()
    world.service.sent.clear()
    world.service.failures.append(web.json_response({"error": {"code": "MessageWritesBlocked"}}, status=403))
    with pytest.raises(Undelivered, match="gone"):
        await world.teams.answer(
            CommandRequest("k", "x", None, a_place(world), when("2026-01-01"), "edit", "1"), card()
        )  # type: ignore[arg-type]
    assert not world.service.sent
    assert not world.store.kept["a:personal"].reachable


async def test_a_private_card_in_a_shared_place_goes_to_the_personal_chat(world: World) -> None:
    world.intake.reply = Card(title=card("the key").title, private=True)
    await world.post_once(world.activity(text="account key", conversation=GROUP))
    await world.intake.done()
    (_, _, begun), *_ = world.service.sent
    assert begun["members"] == [{"id": "8f3e2f7e-0000-4000-8000-0000000000a1"}]
    assert [path for _, path, _ in shown(world)] == [
        "v3/conversations",
        "message-1/activities",
        "19:group@thread.v2/activities",
    ]
    assert "the key" not in str(world.service.sent[2])


async def test_a_private_card_that_finds_no_personal_chat_is_shown_to_nobody(world: World) -> None:
    world.intake.reply = Card(title=card("the key").title, private=True)
    world.service.failures.append(web.json_response({"error": {"code": "Forbidden"}}, status=403))
    await world.post_once(world.activity(text="account key", conversation=GROUP))
    await world.intake.done()
    assert len(world.service.sent) == 1
    assert "the key" not in str(world.service.sent)


async def test_a_private_card_behind_an_edit_button_is_shown_to_its_presser(world: World) -> None:
    world.intake.reply = Card(title=card("the key").title, private=True)
    _, body = await world.post_once(press(world, Button("Key", "account key", "edit"), conversation=GROUP))
    await world.intake.done()
    assert "the key" in str(body["value"])
    assert not world.service.sent


async def test_a_private_card_in_a_personal_chat_is_an_answer_like_any_other(world: World) -> None:
    world.intake.reply = Card(title=card("the key").title, private=True)
    await world.post_once(world.activity(text="account key"))
    await world.intake.done()
    assert len(world.service.sent) == 1


async def test_after_the_stop_nothing_goes_in_or_out(world: World) -> None:
    await world.teams.stop()
    assert (await world.post_once(world.activity(text="x")))[0] == 503
    with pytest.raises(Undelivered, match="later: NotRunning"):
        await world.teams.post_once(a_place(world), card(), "key")
