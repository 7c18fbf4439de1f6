"""What the stand-in sends looks like what Teams sends: names and types as captured, and legal by the schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.sandbox.teams.scene import Scene, card, scene
from tests.shared import shared

EXECUTE = {"type": "Action.Execute", "title": "Go", "verb": "go", "data": {"n": 1}}
SUBMIT = {"type": "Action.Submit", "title": "Send", "data": {"n": 1}}


def _sample(name: str) -> dict[str, Any]:
    got = json.loads(shared(f"chat/samples/{name}").read_text())
    return dict(got.get("body", got))


def _missing(sample: Any, ours: Any, path: str = "") -> list[str]:
    """Paths of the sample that are absent here or of another type."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        found = []
        for key, value in sample.items():
            found += _missing(value, ours[key], f"{path}.{key}") if key in ours else [f"{path}.{key}"]
        return found
    if isinstance(sample, list) and isinstance(ours, list):
        return [] if not sample else _missing(sample[0], ours[0], f"{path}[0]") if ours else [f"{path}[0]"]
    return [] if type(sample) is type(ours) else [f"{path}: {type(sample).__name__}, not {type(ours).__name__}"]


def _legal(activity: dict[str, Any]) -> None:
    swagger = json.loads(shared("chat/schemas/bot-connector.swagger.json").read_text())
    jsonschema.Draft4Validator({**swagger["definitions"]["Activity"], "definitions": swagger["definitions"]}).validate(
        activity
    )


async def _everything(stage: Scene) -> dict[str, dict[str, Any]]:
    """One activity of each kind in each kind of conversation, by "kind-chat"."""
    chats = {"personal": "operator", "channel": "general", "groupChat": "group"}
    for kind, name in chats.items():
        await stage.teams.install(name)
        await stage.teams.say("operator", name, "pool list" if kind == "personal" else "@Batch Bot pool list")
        shown = await stage.show(card(actions=[EXECUTE, SUBMIT]), name)
        await stage.teams.execute("operator", name, shown, EXECUTE)
        assert stage.bot.got[-1]["conversation"]["conversationType"] == kind
    return {f"{got['type']}-{got['conversation']['conversationType']}": got for got in stage.bot.got}


@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        ("invoke-personal", "teams/invoke-adaptiveCard_action-personal-TeamsActivityTests-12.json"),
        ("invoke-personal", "teams-local/rec-004-invoke-adaptiveCard_action-personal.json"),
        ("invoke-groupChat", "teams-local/rec7-007-invoke-adaptiveCard_action-groupChat.json"),
        ("invoke-channel", "teams-local/rec8-007-invoke-adaptiveCard_action-channel.json"),
        ("message-personal", "teams-local/rec8-005-message--personal.json"),
        ("message-groupChat", "teams-local/rec7-005-message--groupChat.json"),
        ("message-channel", "teams-local/rec7-010-message--channel.json"),
        ("installationUpdate-personal", "teams-local/rec-001-installationUpdate--personal.json"),
        ("installationUpdate-groupChat", "teams-local/rec7-003-installationUpdate--groupChat.json"),
        ("installationUpdate-channel", "teams-local/rec8-003-installationUpdate--channel.json"),
        ("conversationUpdate-personal", "teams-local/rec8-002-conversationUpdate--personal.json"),
        ("conversationUpdate-groupChat", "teams-local/rec7-004-conversationUpdate--groupChat.json"),
        ("conversationUpdate-channel", "teams-local/rec5-014-conversationUpdate--channel.json"),
    ],
)
async def test_nothing_of_a_captured_activity_is_missing(kind: str, sample: str) -> None:
    wanted = _sample(sample)
    async with scene() as stage:
        ours = (await _everything(stage))[kind]
    allowed = {
        # Real Teams does not tell the name of a conversation here (the other stand-in does), and an action has the
        # properties its card gave it.
        ".conversation.name",
        ".value.action.data.choice",
        ".value.action.data.why",
        ".value.action.data.feedback",
    }
    assert [path for path in _missing(wanted, ours) if path not in allowed] == []


async def test_everything_sent_is_legal_by_the_schema() -> None:
    async with scene() as stage:
        for activity in (await _everything(stage)).values():
            # The schema wants objects as content, and real Teams sends the html of a message as a string.
            _legal({key: value for key, value in activity.items() if key != "attachments"})


async def test_what_real_teams_adds(stage: Scene) -> None:
    root = await stage.teams.say("viewer", "general", "@batch bot pool list <all> & more")
    sent = stage.bot.last("message")
    assert sent["id"] == root
    assert sent["conversation"]["id"] == f"{stage.chat('general')};messageid={root}"
    assert sent["text"] == "<at>Batch Bot</at> pool list <all> & more\n"
    assert sent["entities"][0] == {"type": "mention", "mentioned": sent["recipient"], "text": "<at>Batch Bot</at>"}
    [attachment] = sent["attachments"]
    assert attachment["contentType"] == "text/html"
    assert attachment["content"].startswith("<p><span itemscope")
    assert attachment["content"].endswith("</span>&nbsp;pool list &lt;all&gt; &amp; more</p>")
    assert sent["channelData"]["team"]["id"] == sent["channelData"]["channel"]["id"] == stage.chat("general")
    assert sent["from"]["aadObjectId"] == stage.teams.people["viewer"]["aadObjectId"]

    shown = await stage.show(card(actions=[EXECUTE]))
    await stage.teams.execute("viewer", "viewer", shown, EXECUTE)
    invoke = stage.bot.last("invoke")
    assert invoke["id"].startswith("f:")
    assert invoke["value"] == {"action": EXECUTE, "trigger": "manual"}
    assert (invoke["replyToId"], invoke["name"]) == (shown, "adaptiveCard/action")
    assert invoke["localTimezone"] == invoke["entities"][0]["timezone"] == "America/Chicago"
    # 2026-11-22 in Chicago is six hours behind.
    assert invoke["localTimestamp"].endswith("-06:00")


async def test_the_order_of_an_installation() -> None:
    async with scene() as stage:
        await stage.teams.install("viewer")
        await stage.teams.uninstall("viewer")
        await stage.teams.install("viewer")
        told = [(got["type"], got.get("action")) for got in stage.bot.got]
        assert told == [
            ("installationUpdate", "add"),
            ("conversationUpdate", None),
            ("installationUpdate", "remove"),
            ("installationUpdate", "add"),
        ]
        stage.bot.got.clear()
        await stage.teams.install("general", by="second admin")
        await stage.teams.uninstall("general")
        update, removal = stage.bot.got[1:3]
        assert update["membersAdded"] == [{"id": update["recipient"]["id"]}]
        assert removal["membersRemoved"] == [{"id": update["recipient"]["id"]}]
        assert removal["channelData"]["eventType"] == "teamMemberRemoved"
        assert update["from"]["id"] == stage.teams.people["second admin"]["id"]


@pytest.mark.parametrize("sample", ["rec7-007-invoke-adaptiveCard_action-groupChat.response.json"])
async def test_a_captured_answer_is_understood(stage: Scene, sample: str) -> None:
    answer = json.loads(shared(f"chat/samples/teams-local/{sample}").read_text())["body"]
    stage.bot.answers["adaptiveCard/action"] = answer
    shown = await stage.show(card(actions=[EXECUTE]), "group")
    got = await stage.teams.execute("viewer", "group", shown, EXECUTE)
    assert got == {"shown": "card", "card": answer["value"]}
