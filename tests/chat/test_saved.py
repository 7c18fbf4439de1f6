"""Saved queries on both platforms, typed and clicked, through the program's own journal."""

from __future__ import annotations

from typing import Any

from tests.chat.test_suggestions import Room, room, until

__all__ = ["room"]


def _bot(room: Room) -> list[dict[str, Any]]:
    return [message for message in room.workspace.messages("batch-ops") if message.get("bot_id")]


async def _typed(room: Room, text: str, count: int) -> dict[str, Any]:
    await room.workspace.command("viewer", "batch-ops", text)
    messages = await until(lambda: found if len(found := _bot(room)) >= count else None)
    return dict(messages[-1])


async def test_in_slack(room: Room) -> None:
    await _typed(room, "save Pools help pool show", 1)
    listed = await _typed(room, "saved", 2)
    elements = [(block, each) for block in listed["blocks"] if block["type"] == "actions" for each in block["elements"]]
    block, button = next(pair for pair in elements if pair[1].get("text", {}).get("text") == "pools")
    assert (await room.workspace.click("viewer", "batch-ops", listed["ts"], button["action_id"], block["block_id"])).ok
    assert "Help: pool show" in (await until(lambda: found[-1] if len(found := _bot(room)) > 2 else None))["text"]
    block, menu = next(pair for pair in elements if pair[1].get("placeholder", {}).get("text", "").startswith("Forget"))
    value = menu["options"][0]["value"]
    await room.workspace.click("viewer", "batch-ops", listed["ts"], menu["action_id"], block["block_id"], option=value)
    assert "pools is forgotten" in (await until(lambda: found[-1] if len(found := _bot(room)) > 3 else None))["text"]
    assert "No query is saved" in (await _typed(room, "run pools", 5))["text"]


async def test_in_teams(room: Room) -> None:
    outside = room.meeting.outside
    await outside.install("general")
    await outside.say("viewer", "general", "@Batch Bot save pools help pool show")
    await room.intake.done()
    await outside.say("operator", "general", "@Batch Bot saved")
    listed = await room.meeting.last("general")
    assert "Saved queries · 1" in listed["summary"]
    await outside.click("operator", "general", listed["id"], "pools")
    assert "Help: pool show" in (await room.meeting.last("general"))["summary"]
    await outside.say("operator", "general", "@Batch Bot use sim")
    assert "needs the role operator" in (await room.meeting.last("general"))["summary"]
    await outside.install("operator")
    await outside.say("operator", "operator", "use sim")
    assert "sim is the default account for you" in (await room.meeting.last("operator"))["summary"]
    assert listed["problems"] == []
