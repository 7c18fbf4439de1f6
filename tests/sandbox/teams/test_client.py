"""What people do, what the bot is told of it, and what they see of its answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.teams import StandInError
from tests.sandbox.teams.scene import CARD, Scene, card, text

EXECUTE = {"type": "Action.Execute", "title": "Go", "verb": "go", "data": {"n": 1}}
SUBMIT = {"type": "Action.Submit", "title": "Send", "data": {"n": 1}}
FETCH = {"type": "Action.Submit", "title": "Open", "data": {"msteams": {"type": "task/fetch"}, "form": "resize"}}
NAME = {
    "type": "Input.Text",
    "id": "name",
    "label": "Name",
    "maxLength": 5,
    "isRequired": True,
    "errorMessage": "a name",
}
MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"


def _events(queue: asyncio.Queue[dict[str, Any]]) -> list[str]:
    found = []
    while not queue.empty():
        found.append(str(queue.get_nowait()["event"]))
    return found


# -- writing -------------------------------------------------------------------------------------------------------


async def test_a_bot_hears_what_is_meant_for_it(stage: Scene) -> None:
    await stage.teams.say("viewer", "viewer", "pool list")
    await stage.teams.say("viewer", "general", "not for the bot")
    await stage.teams.say("viewer", "group", "mail me@Batch Bot.example")
    root = await stage.teams.say("viewer", "general", "@Batch Bot pool list")
    below = await stage.teams.say("admin", f"{stage.chat('general')};messageid={root}", "@Batch Bot again")
    await stage.teams.say("operator", "group", "please @Batch Bot pool list")
    assert [got["text"] for got in stage.bot.got] == [
        "pool list",
        "<at>Batch Bot</at> pool list\n",
        "<at>Batch Bot</at> again\n",
        "please <at>Batch Bot</at> pool list\n",
    ]
    assert stage.bot.got[2]["conversation"]["id"].endswith(f";messageid={root}")
    assert stage.bot.got[2]["replyToId"] == root
    assert [message["thread"] for message in stage.teams.messages("general")] == ["", "", root]
    assert stage.teams.messages("general")[-1]["id"] == below


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (("nobody", "viewer", "hello"), "UserNotFound"),
        (("viewer", "nowhere", "hello"), "ConversationNotFound"),
        (("viewer", "admin", "hello"), "NotAMember"),
        (("operator", "operator", "hello"), "BotNotInstalled"),
        (("viewer", "viewer", "  "), "EmptyMessage"),
        (("viewer", "general", "hello", "17"), "MessageNotFound"),
    ],
)
async def test_what_people_cannot_do(stage: Scene, call: tuple[str, ...], code: str) -> None:
    with pytest.raises(StandInError) as refused:
        await stage.teams.say(*call)
    assert refused.value.code == code
    assert stage.bot.got == []


async def test_installing_twice_or_removing_nothing(stage: Scene) -> None:
    with pytest.raises(StandInError, match="AlreadyInstalled"):
        await stage.teams.install("viewer")
    with pytest.raises(StandInError, match="BotNotInstalled"):
        await stage.teams.uninstall("operator")
    with pytest.raises(StandInError, match="NotAMember"):
        await stage.teams.install("operator", by="viewer")


async def test_a_failing_bot_is_seen(stage: Scene) -> None:
    stage.bot.status = 500
    events = stage.teams.subscribe()
    await stage.teams.say("viewer", "viewer", "hello")
    assert _events(events) == ["posted", "refused", "error"]
    assert stage.teams.refused[-1]["reason"] == "HTTP 500"


# -- Action.Execute ------------------------------------------------------------------------------------------------


async def test_a_card_is_replaced_for_one_person_until_the_message_changes(stage: Scene) -> None:
    new = card(text("new"), actions=[EXECUTE | {"title": "Next"}])
    stage.bot.answers["adaptiveCard/action"] = {"statusCode": 200, "type": CARD, "value": new}
    shown = await stage.show(card(actions=[EXECUTE]), "general")
    events = stage.teams.subscribe()
    assert await stage.teams.execute("viewer", "general", shown, "Go") == {"shown": "card", "card": new}
    assert _events(events) == ["replaced"]

    def content(user: str) -> Any:
        return stage.teams.messages("general", user)[0]["attachments"][0]["content"]

    assert content("viewer") == new
    assert content("operator") == content("") == card(actions=[EXECUTE])
    # Each presses what he sees.
    await stage.teams.execute("viewer", "general", shown, "Next")
    with pytest.raises(StandInError, match="NoSuchAction"):
        await stage.teams.execute("operator", "general", shown, "Next")
    update = {"type": "message", "attachments": [{"contentType": CARD, "content": card(text("for all"))}]}
    assert (await stage.call("PUT", f"/{stage.chat('general')}/activities/{shown}", update))[0] == 200
    assert content("viewer") == content("operator") == card(text("for all"))


@pytest.mark.parametrize(
    ("answer", "shown", "words"),
    [
        ({"statusCode": 200, "type": MESSAGE, "value": "done"}, "message", "done"),
        ({"statusCode": 400, "type": ERROR, "value": {"code": "BadRequest", "message": "no"}}, "error", "no"),
        ({"statusCode": 500, "type": ERROR, "value": {"code": "Oops", "message": "broken"}}, "error", "broken"),
    ],
)
async def test_answers_without_a_card(stage: Scene, answer: dict[str, Any], shown: str, words: str) -> None:
    stage.bot.answers["adaptiveCard/action"] = answer
    message = await stage.show(card(actions=[EXECUTE]))
    assert await stage.teams.execute("viewer", "viewer", message, EXECUTE) == {"shown": shown, "text": words}
    assert stage.teams.refused == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "EmptyReply"),
        ([], "EmptyReply"),
        ({}, "BadStatusCode"),
        ({"statusCode": "200", "type": MESSAGE, "value": "done"}, "BadStatusCode"),
        ({"statusCode": True, "type": MESSAGE, "value": "done"}, "BadStatusCode"),
        ({"statusCode": 200, "type": "text/plain", "value": "done"}, "UnknownReply"),
        ({"statusCode": 201, "type": CARD, "value": card()}, "UnknownReply"),
        ({"statusCode": 200, "type": ERROR, "value": {"code": "a", "message": "b"}}, "UnknownReply"),
        ({"statusCode": 200, "type": CARD, "value": [card()]}, "BadValue"),
        ({"statusCode": 200, "type": CARD, "value": "{}"}, "BadValue"),
        ({"statusCode": 200, "type": CARD, "value": card(text("x" * 60_000))}, "CardTooBig"),
        ({"statusCode": 200, "type": MESSAGE, "value": {"text": "done"}}, "BadValue"),
        ({"statusCode": 200, "type": MESSAGE, "value": ""}, "BadValue"),
        ({"statusCode": 400, "type": ERROR, "value": "no"}, "BadValue"),
        (
            {"statusCode": 401, "type": "application/vnd.microsoft.activity.loginRequest", "value": {}},
            "LoginUnsupported",
        ),
        (web.json_response({"statusCode": 200, "type": MESSAGE, "value": "done"}, status=202), "BotFailed"),
        (web.Response(status=500), "BotFailed"),
        (web.Response(text="done"), "NotJson"),
        (web.Response(text="{", content_type="application/json"), "NotJson"),
    ],
)
async def test_answers_that_teams_does_not_understand(stage: Scene, answer: Any, code: str) -> None:
    stage.bot.answers["adaptiveCard/action"] = answer
    message = await stage.show(card(actions=[EXECUTE]))
    got = await stage.teams.execute("viewer", "viewer", message, EXECUTE)
    assert (got["shown"], got["text"]) == ("error", "Something went wrong. Please try again.")
    assert (stage.teams.refused[-1]["what"], stage.teams.refused[-1]["code"]) == ("invoke", code)
    assert stage.teams.messages("viewer", "viewer")[0]["attachments"][0]["content"] == card(actions=[EXECUTE])


async def test_a_bad_card_in_an_answer_is_told(stage: Scene) -> None:
    stage.bot.answers["adaptiveCard/action"] = {"statusCode": 200, "type": CARD, "value": card(version="1.6")}
    message = await stage.show(card(actions=[EXECUTE]))
    await stage.teams.execute("viewer", "viewer", message, EXECUTE)
    [seen] = stage.teams.messages("viewer", "viewer")
    assert seen["attachments"][0]["instead"]
    assert (stage.teams.refused[-1]["code"], stage.teams.refused[-1]["user"]) == ("UnsupportedVersion", "viewer")


async def test_refresh_is_automatic_and_for_whom_it_names(stage: Scene) -> None:
    viewer = stage.teams.people["viewer"]["id"]
    action = {"type": "Action.Execute", "verb": "refresh", "data": {"n": 2}}
    stage.bot.answers["adaptiveCard/action"] = {"statusCode": 200, "type": CARD, "value": card(text("fresh"))}
    message = await stage.show(card(refresh={"action": action, "userIds": [viewer]}), "general")
    assert (await stage.teams.refresh("operator", "general", message)) == {"shown": "nothing"}
    assert stage.bot.got == []
    assert (await stage.teams.refresh("viewer", "general", message))["shown"] == "card"
    assert stage.bot.got[-1]["value"] == {"action": action, "trigger": "automatic"}


# -- inputs --------------------------------------------------------------------------------------------------------


async def test_inputs_travel_as_strings_beside_the_data(stage: Scene) -> None:
    number = {"type": "Input.Number", "id": "count", "label": "Count", "min": 0, "max": 9, "value": 4}
    toggle = {"type": "Input.Toggle", "id": "spot", "label": "Spot", "title": "spot nodes"}
    empty = {"type": "Input.Text", "id": "note", "label": "Note"}
    stage.bot.answers["adaptiveCard/action"] = {"statusCode": 200, "type": MESSAGE, "value": "done"}
    alone = EXECUTE | {"title": "Alone", "associatedInputs": "none"}
    message = await stage.show(card(NAME, number, toggle, empty, actions=[EXECUTE, alone]))
    await stage.teams.execute("viewer", "viewer", message, EXECUTE, {"name": "gpu-a", "spot": "true"})
    assert stage.bot.got[-1]["value"]["action"]["data"] == {"n": 1, "name": "gpu-a", "count": "4", "spot": "true"}
    await stage.teams.execute("viewer", "viewer", message, alone)
    assert stage.bot.got[-1]["value"]["action"]["data"] == {"n": 1}


@pytest.mark.parametrize(
    ("element", "value", "code"),
    [
        (NAME, None, "InputRequired"),
        (NAME, "", "InputRequired"),
        (NAME, "123456", "InputInvalid"),
        (NAME, "12345", ""),
        ({"type": "Input.Text", "id": "name", "regex": "^[a-z]+$"}, "A", "InputInvalid"),
        ({"type": "Input.Text", "id": "name", "regex": "^[a-z]+$"}, "a", ""),
        ({"type": "Input.Number", "id": "name", "min": 1}, "0", "InputInvalid"),
        ({"type": "Input.Number", "id": "name", "max": 1}, "2", "InputInvalid"),
        ({"type": "Input.Number", "id": "name"}, "many", "InputInvalid"),
        ({"type": "Input.Number", "id": "name"}, "1.5", ""),
        ({"type": "Input.Toggle", "id": "name", "title": "x"}, "yes", "InputInvalid"),
        ({"type": "Input.ChoiceSet", "id": "name", "choices": [{"title": "A", "value": "a"}]}, "b", "InputInvalid"),
        ({"type": "Input.ChoiceSet", "id": "name", "choices": [{"title": "A", "value": "a"}]}, "a", ""),
        ({"type": "Input.Text", "id": "other"}, "x", "NoSuchInput"),
    ],
)
async def test_the_client_checks_inputs_before_it_sends(
    stage: Scene, element: dict[str, Any], value: str | None, code: str
) -> None:
    message = await stage.show(card(element, actions=[SUBMIT]))
    inputs = {} if value is None else {"name": value}
    if not code:
        await stage.teams.submit("viewer", "viewer", message, SUBMIT, inputs)
        assert stage.bot.got[-1]["value"]["name"] == value
        return
    with pytest.raises(StandInError) as refused:
        await stage.teams.submit("viewer", "viewer", message, SUBMIT, inputs)
    assert refused.value.code == code
    assert stage.bot.got == []


async def test_only_what_is_drawn_can_be_pressed(stage: Scene) -> None:
    hidden = {"type": "Action.Submit", "title": "Nested", "data": {"deep": True}}
    show = {"type": "Action.ShowCard", "title": "More", "card": {"type": "AdaptiveCard", "actions": [hidden]}}
    off = SUBMIT | {"title": "Off", "isEnabled": False}
    message = await stage.show(
        card(
            NAME, actions=[EXECUTE, show, off, {"type": "Action.OpenUrl", "title": "Docs", "url": "https://a.example"}]
        )
    )
    for wrong in (EXECUTE | {"data": {"n": 2}}, "Off", "Nothing"):
        with pytest.raises(StandInError, match="NoSuchAction"):
            await stage.teams.click("viewer", "viewer", message, wrong, {"name": "a"})
    with pytest.raises(StandInError, match="NoSuchAction"):
        await stage.teams.submit("viewer", "viewer", message, EXECUTE, {"name": "a"})
    await stage.teams.click("viewer", "viewer", message, hidden, {"name": "a"})
    assert stage.bot.got[-1]["value"] == {"deep": True, "name": "a"}
    assert await stage.teams.click("viewer", "viewer", message, "More", {"name": "a"}) == {"shown": "nothing"}
    got = await stage.teams.click("viewer", "viewer", message, "Docs", {"name": "a"})
    assert got == {"shown": "url", "url": "https://a.example"}
    said = await stage.teams.say("viewer", "viewer", "hello")
    with pytest.raises(StandInError, match="MessageNotFound"):
        await stage.teams.click("viewer", "viewer", said, EXECUTE)


# -- Action.Submit -------------------------------------------------------------------------------------------------


async def test_a_submit_is_a_message_with_a_value(stage: Scene) -> None:
    message = await stage.show(card(actions=[SUBMIT]), "general")
    assert await stage.teams.click("viewer", "general", message, SUBMIT) == {"shown": "nothing"}
    sent = stage.bot.got[-1]
    assert (sent["type"], sent["value"], sent["replyToId"], "text" in sent) == ("message", {"n": 1}, message, False)
    stage.bot.status = 500
    assert (await stage.teams.click("viewer", "general", message, SUBMIT))["shown"] == "error"


async def test_submits_that_speak(stage: Scene) -> None:
    back = {"type": "imBack", "value": "pool list"}
    loud = {"type": "messageBack", "displayText": "I press", "text": "pool list", "value": {"k": 1}}
    actions = [
        {"type": "Action.Submit", "title": kind["type"], "data": {"msteams": kind}}
        for kind in (back, loud, {"type": "signin", "value": "x"})
    ]
    message = await stage.show(card(actions=actions))
    await stage.teams.click("viewer", "viewer", message, "imBack")
    assert (stage.bot.got[-1]["text"], stage.teams.messages("viewer")[-1]["text"]) == ("pool list", "pool list")
    shared = await stage.show(card(actions=actions), "general")
    await stage.teams.click("viewer", "general", shared, "imBack")
    assert stage.bot.got[-1]["text"] == "<at>Batch Bot</at> pool list\n"
    assert stage.teams.messages("general")[-1]["thread"] == shared
    await stage.teams.click("viewer", "viewer", message, "messageBack")
    assert (stage.bot.got[-1]["text"], stage.bot.got[-1]["value"]) == ("pool list", {"k": 1})
    assert stage.teams.messages("viewer")[-1]["text"] == "I press"
    with pytest.raises(StandInError, match="UnsupportedAction"):
        await stage.teams.click("viewer", "viewer", message, "signin")


# -- dialogs -------------------------------------------------------------------------------------------------------


def _dialog(*body: dict[str, Any], **rest: Any) -> dict[str, Any]:
    content = {"contentType": CARD, "content": card(*body, **rest)}
    return {
        "task": {"type": "continue", "value": {"title": "Resize", "width": "medium", "height": 400, "card": content}}
    }


async def test_a_dialog_opens_changes_and_closes(stage: Scene) -> None:
    stage.bot.answers["task/fetch"] = _dialog(NAME, actions=[SUBMIT])
    message = await stage.show(card(actions=[FETCH, SUBMIT]), "general")
    events = stage.teams.subscribe()
    got = await stage.teams.task_fetch("viewer", "general", message, FETCH)
    assert stage.bot.got[-1]["value"] == {"data": FETCH["data"], "context": {"theme": "default"}}
    assert got == {"shown": "dialog", "dialog": stage.teams.dialogs("viewer")[0]}
    dialog = got["dialog"]
    assert (dialog["title"], dialog["width"], dialog["height"], dialog["problems"]) == ("Resize", "medium", 400, [])
    assert (stage.teams.dialogs("operator"), dialog["message"]) == ([], message)

    with pytest.raises(StandInError, match="InputRequired"):
        await stage.teams.task_submit("viewer", dialog["id"], SUBMIT)
    with pytest.raises(StandInError, match="DialogNotFound"):
        await stage.teams.task_submit("operator", dialog["id"], SUBMIT, {"name": "a"})
    stage.bot.answers["task/submit"] = _dialog(text("sure?"), actions=[SUBMIT | {"title": "Yes"}])
    await stage.teams.task_submit("viewer", dialog["id"], SUBMIT, {"name": "a"})
    assert stage.bot.got[-1]["value"]["data"] == {"n": 1, "name": "a"}
    assert stage.bot.got[-1]["conversation"]["id"].endswith(f";messageid={message}")
    stage.bot.answers["task/submit"] = {"task": {"type": "message", "value": "resized"}}
    got = await stage.teams.task_submit("viewer", dialog["id"], "Yes")
    assert (got, stage.teams.dialogs("viewer")) == ({"shown": "message", "text": "resized"}, [])
    assert _events(events) == ["dialog", "dialog", "dialog_closed", "notice"]


@pytest.mark.parametrize("answer", [None, {}, {"task": None}])
async def test_a_dialog_closes_on_an_empty_answer(stage: Scene, answer: Any) -> None:
    stage.bot.answers |= {"task/fetch": _dialog(actions=[SUBMIT]), "task/submit": answer}
    message = await stage.show(card(actions=[FETCH]))
    dialog = (await stage.teams.click("viewer", "viewer", message, FETCH))["dialog"]["id"]
    assert await stage.teams.task_submit("viewer", dialog, SUBMIT) == {"shown": "nothing"}
    assert stage.teams.dialogs("viewer") == []


async def test_a_dialog_can_be_closed_and_stays_open_on_an_error(stage: Scene) -> None:
    stage.bot.answers |= {"task/fetch": _dialog(actions=[SUBMIT]), "task/submit": web.Response(status=500)}
    message = await stage.show(card(actions=[FETCH]))
    dialog = (await stage.teams.click("viewer", "viewer", message, FETCH))["dialog"]["id"]
    assert (await stage.teams.task_submit("viewer", dialog, SUBMIT))["shown"] == "error"
    told = len(stage.bot.got)
    await stage.teams.close_dialog("viewer", dialog)
    assert (stage.teams.dialogs("viewer"), len(stage.bot.got)) == ([], told)
    with pytest.raises(StandInError, match="DialogNotFound"):
        await stage.teams.close_dialog("viewer", dialog)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"task": {"type": "continue"}},
        {"task": {"type": "open", "value": {}}},
        {"task": {"type": "message", "value": ""}},
        {"task": {"type": "continue", "value": {"title": "no content"}}},
        {"task": {"type": "continue", "value": {"card": card()}}},
        {"task": {"type": "continue", "value": {"url": "http://example.org/"}}},
        {
            "task": {
                "type": "continue",
                "value": {"url": "https://a.example", "card": {"contentType": CARD, "content": card()}},
            }
        },
        {"task": {"type": "continue", "value": {"url": "https://a.example", "width": "huge"}}},
    ],
)
async def test_dialogs_that_teams_does_not_open(stage: Scene, answer: Any) -> None:
    stage.bot.answers["task/fetch"] = answer
    message = await stage.show(card(actions=[FETCH]))
    got = await stage.teams.task_fetch("viewer", "viewer", message, FETCH)
    assert (got["shown"], got["text"]) == ("error", "Unable to reach app. Please try again.")
    assert stage.teams.dialogs("viewer") == []


async def test_in_a_dialog_only_submit_reaches_the_bot(stage: Scene) -> None:
    both = EXECUTE | {"fallback": SUBMIT}
    stage.bot.answers["task/fetch"] = _dialog(actions=[EXECUTE, both])
    message = await stage.show(card(actions=[FETCH]))
    dialog = (await stage.teams.click("viewer", "viewer", message, FETCH))["dialog"]
    assert "does nothing in a dialog" in dialog["problems"][0]
    with pytest.raises(StandInError, match="NoSuchAction"):
        await stage.teams.task_submit("viewer", dialog["id"], EXECUTE)
    await stage.teams.task_submit("viewer", dialog["id"], SUBMIT)
    with pytest.raises(StandInError, match="NoSuchAction"):
        await stage.teams.task_fetch("viewer", "viewer", message, {"type": "Action.Submit", "title": "Nope"})


# -- search --------------------------------------------------------------------------------------------------------

SEARCH = {
    "type": "Input.ChoiceSet",
    "id": "pool",
    "style": "filtered",
    "choices.data": {"type": "Data.Query", "dataset": "pools", "associatedInputs": "auto"},
}


async def test_typing_searches(stage: Scene) -> None:
    found = [{"title": "gpu-a", "value": "gpu-a"}]
    answer = {"statusCode": 200, "type": "application/vnd.microsoft.search.searchResponse", "value": {"results": found}}
    stage.bot.answers["application/search"] = answer
    message = await stage.show(card(SEARCH))
    assert await stage.teams.search("viewer", "viewer", message, "pool", "gp", inputs={"account": "demo"}) == found
    assert stage.bot.got[-1]["value"] == {
        "queryText": "gp",
        "queryOptions": {"skip": 0, "top": 15},
        "dataset": "pools",
        "data": {"account": "demo"},
    }
    stage.bot.answers["task/fetch"] = _dialog(SEARCH, actions=[SUBMIT])
    opener = await stage.show(card(actions=[FETCH]))
    dialog = (await stage.teams.click("viewer", "viewer", opener, FETCH))["dialog"]["id"]
    assert await stage.teams.search("viewer", "viewer", dialog, "pool", "gp") == found
    await stage.teams.task_submit("viewer", dialog, SUBMIT, {"pool": "gpu-a"})
    with pytest.raises(StandInError, match="NoSuchInput"):
        await stage.teams.search("viewer", "viewer", message, "name", "gp")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"type": "text/plain", "value": {"results": []}},
        {"type": "application/vnd.microsoft.search.searchResponse", "value": []},
        {"type": "application/vnd.microsoft.search.searchResponse", "value": {"results": [{"title": "a"}]}},
        {"statusCode": 500, "type": "application/vnd.microsoft.search.searchResponse", "value": {"results": []}},
    ],
)
async def test_searches_that_find_nothing_but_fault(stage: Scene, answer: Any) -> None:
    stage.bot.answers["application/search"] = answer
    message = await stage.show(card(SEARCH))
    assert await stage.teams.search("viewer", "viewer", message, "pool", "gp") == []
    assert stage.teams.refused[-1]["what"] == "invoke"


# -- watching ------------------------------------------------------------------------------------------------------


async def test_watchers_see_everything_until_they_leave(stage: Scene) -> None:
    events, gone = stage.teams.subscribe(), stage.teams.subscribe()
    stage.teams.unsubscribe(gone)
    posted = await stage.post(text="hello")
    path = f"/{stage.chat('viewer')}/activities/{posted}"
    await stage.call("PUT", path, {"type": "message", "text": "later"})
    await stage.call("DELETE", path)
    await stage.teams.uninstall("viewer")
    assert _events(events) == ["posted", "updated", "deleted", "removed"]
    assert gone.empty()
    assert stage.teams.message("viewer", posted, "viewer") == stage.teams.messages("viewer")[0]
    with pytest.raises(StandInError, match="MessageNotFound"):
        stage.teams.message("viewer", "17")


async def test_a_removed_bot_cannot_be_pressed(stage: Scene) -> None:
    message = await stage.show(card(actions=[EXECUTE]))
    await stage.teams.uninstall("viewer")
    told = len(stage.bot.got)
    assert (await stage.teams.click("viewer", "viewer", message, EXECUTE))["shown"] == "error"
    assert len(stage.bot.got) == told
