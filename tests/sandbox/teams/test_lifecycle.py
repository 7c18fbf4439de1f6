"""Channels that come, change their names and go, and the bot removed and forbidden: refusals and activities."""

from __future__ import annotations

from typing import Any

import pytest
from botbuilder.schema import Activity
from botframework.connector.models import ErrorResponseException

from bot.sandbox.teams import StandInError
from tests.sandbox.teams.scene import Scene, scene
from tests.sandbox.teams.test_shapes import _legal, _missing, _sample

HELLO = {"type": "message", "text": "hello"}


async def _refusal(stage: Scene, chat: str, method: str = "POST", path: str = "activities") -> tuple[int, str]:
    status, body, _ = await stage.call(method, f"/{chat}/{path}", HELLO if method in {"POST", "PUT"} else None)
    assert status >= 400, body
    return status, body["error"]["code"]


async def test_a_bot_that_was_removed_and_added_again(stage: Scene) -> None:
    shown = await stage.post("viewer", text="hello")
    await stage.teams.uninstall("viewer")
    await stage.teams.uninstall("general")
    await stage.teams.uninstall("group")
    told = [(got["type"], got.get("action"), bool(got.get("membersRemoved"))) for got in stage.bot.got]
    assert told == [
        ("installationUpdate", "remove", False),
        ("conversationUpdate", None, True),
        ("installationUpdate", "remove", False),
        ("conversationUpdate", None, True),
        ("installationUpdate", "remove", False),
    ]
    personal = stage.chat("viewer")
    assert await _refusal(stage, personal) == (403, "MessageWritesBlocked")
    assert await _refusal(stage, personal, "PUT", f"activities/{shown}") == (403, "MessageWritesBlocked")
    assert await _refusal(stage, stage.chat("general")) == (403, "BotNotInConversationRoster")
    assert await _refusal(stage, stage.chat("group"), "GET", "members") == (403, "BotNotInConversationRoster")
    for name in ("viewer", "general", "group"):
        await stage.teams.install(name)
        await stage.post(name, text="back")
    assert [got["action"] for got in stage.bot.got if got["type"] == "installationUpdate"][-3:] == ["add"] * 3


async def test_microsofts_client_tells_the_code(stage: Scene) -> None:
    await stage.teams.uninstall("viewer")
    with pytest.raises(ErrorResponseException) as caught:
        await stage.connector().conversations.send_to_conversation(
            stage.chat("viewer"), Activity(type="message", text="hello")
        )
    assert caught.value.response.status_code == 403
    assert caught.value.error.error.code == "MessageWritesBlocked"


async def test_a_bot_that_the_admin_forbade(stage: Scene) -> None:
    stage.teams.disable()
    for name in ("viewer", "general"):
        assert await _refusal(stage, stage.chat(name)) == (403, "BotDisabledByAdmin")
    body = {"members": [{"id": stage.teams.people["viewer"]["id"]}], "tenantId": stage.teams.tenant_id}
    status, answer, _ = await stage.call("POST", "", body)
    assert (status, answer["error"]["code"]) == (403, "BotDisabledByAdmin")
    await stage.teams.say("viewer", "viewer", "anyone?")
    assert stage.bot.got == []
    stage.teams.disable(disabled=False)
    await stage.post("viewer", text="back")


async def test_a_channel_is_made_renamed_and_deleted(stage: Scene) -> None:
    lab = await stage.teams.create_channel("lab")
    shown = await stage.post("lab", text="hello")
    await stage.teams.rename("lab", "Laboratory")
    await stage.post("lab", text="by id")
    assert stage.teams.conversations["lab"]["title"] == "Batch Ops / Laboratory"
    _, listed, _ = await stage.call("GET", f"/../teams/{stage.chat('general')}/conversations")
    assert listed["conversations"] == [{"id": stage.chat("general")}, {"id": lab, "name": "Laboratory"}]
    await stage.teams.delete_channel("lab")
    assert await _refusal(stage, lab) == (404, "ConversationNotFound")
    assert await _refusal(stage, f"{lab};messageid={shown}") == (404, "ConversationNotFound")
    assert await _refusal(stage, lab, "PUT", f"activities/{shown}") == (404, "ConversationNotFound")
    thread = {"isGroup": True, "channelData": {"channel": {"id": lab}}, "activity": HELLO}
    status, answer, _ = await stage.call("POST", "", thread)
    assert (status, answer["error"]["code"]) == (404, "ConversationNotFound")
    assert "lab" not in stage.teams.conversations
    assert [message["text"] for message in stage.teams.history_of(lab)] == ["hello", "by id"]
    await stage.teams.create_channel("lab")
    assert stage.chat("lab") != lab

    told = [got["channelData"] for got in stage.bot.got]
    assert [(data["eventType"], data["channel"]) for data in told] == [
        ("channelCreated", {"id": lab, "name": "lab"}),
        ("channelRenamed", {"id": lab, "name": "Laboratory"}),
        ("channelDeleted", {"id": lab, "name": "Laboratory"}),
        ("channelCreated", {"id": stage.chat("lab"), "name": "lab"}),
    ]
    for got in stage.bot.got:
        assert (got["type"], got["conversation"]["id"]) == ("conversationUpdate", stage.chat("general"))
        assert got["channelData"]["team"]["id"] == stage.chat("general")


async def test_what_is_told_of_a_channel_has_the_shape_of_what_was_captured(stage: Scene) -> None:
    sample = _sample("teams-local/rec5-014-conversationUpdate--channel.json")
    await stage.teams.create_channel("lab")
    told = stage.bot.last("conversationUpdate")
    # Who came and which channel was chosen belong to the bot being added.
    assert _missing(sample, told) == [".membersAdded", ".channelData.settings"]
    _legal(told)
    await stage.teams.rename("group", "Night watch")
    _legal(stage.bot.last("conversationUpdate"))


async def test_a_bot_is_in_all_channels_of_its_team_or_in_none() -> None:
    async with scene() as stage:
        lab = await stage.teams.create_channel("lab")
        assert stage.bot.got == []
        assert await _refusal(stage, lab) == (403, "BotNotInConversationRoster")
        await stage.teams.install("lab")
        assert stage.teams.conversations["general"]["installed"]
        for name in ("lab", "general"):
            await stage.post(name, text="hello")
        await stage.teams.uninstall("general")
        assert await _refusal(stage, lab) == (403, "BotNotInConversationRoster")
        with pytest.raises(StandInError, match="BotNotInstalled"):
            await stage.teams.uninstall("lab")


async def test_a_group_chat_gets_another_topic(stage: Scene) -> None:
    await stage.teams.rename("group", "Night watch")
    told: dict[str, Any] = stage.bot.last("conversationUpdate")
    assert (told["topicName"], told["conversation"]["id"]) == ("Night watch", stage.chat("group"))
    await stage.post("group", text="still here")


@pytest.mark.parametrize(
    ("act", "arguments", "code"),
    [
        ("rename", ("viewer", "Mine"), "NotRenamable"),
        ("delete_channel", ("general",), "NotDeletable"),
        ("delete_channel", ("group",), "NotDeletable"),
        ("create_channel", ("general",), "NameTaken"),
    ],
)
async def test_what_nobody_can_do(stage: Scene, act: str, arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(StandInError, match=code):
        await getattr(stage.teams, act)(*arguments)
