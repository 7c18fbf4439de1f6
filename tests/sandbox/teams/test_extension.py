"""The message extension of the stand-in: what it asks the bot, and what it takes of the answers."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.teams import StandInError
from tests.sandbox.teams.scene import CARD, Scene

LINK = "https://portal.azure.com/#@t/resource/x"
_PREVIEW = "application/vnd.microsoft.card.thumbnail"
_CARD: dict[str, Any] = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "a pool"}]}


def _result(content: Any = None, kind: str = CARD, **preview: Any) -> dict[str, Any]:
    shown = {"contentType": _PREVIEW, "content": {"title": "a pool", **preview}}
    return {"contentType": kind, "content": content or _CARD, "preview": shown}


def _results(*found: Any, layout: str = "list") -> dict[str, Any]:
    return {"composeExtension": {"type": "result", "attachmentLayout": layout, "attachments": list(found)}}


async def test_a_known_link_gets_a_card_while_the_message_is_written(stage: Scene) -> None:
    stage.bot.answers["composeExtension/queryLink"] = _results(_result())
    said = await stage.teams.say("viewer", "general", f"see {LINK} and {LINK}")
    invoke = stage.bot.last("invoke")
    assert (invoke["name"], invoke["value"]) == ("composeExtension/queryLink", {"url": LINK})
    (message,) = [each for each in stage.teams.messages("general", "viewer") if each["id"] == said]
    assert message["attachments"][0]["content"] == _CARD
    stage.bot.got.clear()
    await stage.teams.say("viewer", "general", "see https://example.com/ or http://portal.azure.com/")
    assert [each for each in stage.bot.got if each["type"] == "invoke"] == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (_results(layout="row"), "BadValue"),
        (_results({"contentType": "text/html", "content": "x"}), "BadValue"),
        (_results({"contentType": CARD, "content": _CARD}), "BadValue"),
        ({"composeExtension": {"type": "auth"}}, "UnknownReply"),
        ({"task": {}}, "UnknownReply"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_the_message_is_sent_without(
    stage: Scene, answer: Any, code: str
) -> None:
    stage.bot.answers["composeExtension/queryLink"] = answer
    said = await stage.teams.say("viewer", "general", LINK)
    (message,) = [each for each in stage.teams.messages("general", "viewer") if each["id"] == said]
    assert message["attachments"] == []
    assert stage.teams.refused[-1]["code"] == code


async def test_a_search_and_what_is_chosen_of_it(stage: Scene) -> None:
    tap = {"type": "invoke", "value": {"command": "pool show a"}}
    line = _result({"title": "a"}, _PREVIEW, text="render-prod", tap=tap)
    stage.bot.answers["composeExtension/query"] = _results(line)
    (found,) = await stage.teams.find("viewer", "general", "a")
    assert found == {"title": "a pool", "text": "render-prod", "value": {"command": "pool show a"}}
    value = stage.bot.last("invoke")["value"]
    assert (value["commandId"], value["parameters"]) == ("find", [{"name": "name", "value": "a"}])
    stage.bot.answers["composeExtension/selectItem"] = _results(_result())
    sent = await stage.teams.choose("viewer", "general", found["value"])
    assert stage.bot.last("invoke")["value"] == {"command": "pool show a"}
    (message,) = [each for each in stage.teams.messages("general", "viewer") if each["id"] == sent]
    assert message["attachments"][0]["content"] == _CARD
    stage.bot.answers["composeExtension/selectItem"] = _results()
    with pytest.raises(StandInError, match="no card"):
        await stage.teams.choose("viewer", "general", found["value"])


async def test_the_command_of_a_message_opens_a_dialog_whose_buttons_come_back(stage: Scene) -> None:
    submit = {"type": "Action.Submit", "title": "Nodes", "data": {"c": "node list a"}}
    dialog = {"title": "About", "card": {"contentType": CARD, "content": {**_CARD, "actions": [submit]}}}
    stage.bot.answers["composeExtension/fetchTask"] = {"task": {"type": "continue", "value": dialog}}
    said = await stage.teams.say("operator", "general", "a <b> hangs")
    shown = await stage.teams.ask_about("viewer", "general", said)
    value = stage.bot.last("invoke")["value"]
    assert value["commandContext"] == "message"
    assert value["messagePayload"]["body"] == {"contentType": "html", "content": "<p>a &lt;b&gt; hangs</p>"}
    stage.bot.answers["composeExtension/submitAction"] = {"task": {"type": "message", "value": "done"}}
    told = await stage.teams.task_submit("viewer", shown["dialog"]["id"], "Nodes")
    assert told["text"] == "done"
    invoke = stage.bot.last("invoke")
    assert invoke["name"] == "composeExtension/submitAction"
    assert (invoke["value"]["commandId"], invoke["value"]["data"]) == ("about", {"c": "node list a"})
