"""What a group grants, asked for by messages, clicks and forms in both chats, and what happens without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.acceptance.environment import Environment, environment

MAY = "Yes, you may run “pool resize”."
UNREAD = "group membership could not be read"


async def test_a_group_grants_on_both_platforms_however_it_is_asked(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        _name_groups(stage)
        await stage.begin()
        assert MAY in await _slack(stage, "operator", "can-i pool resize pool1")
        assert MAY in await _teams(stage, "operator", "can-i pool resize pool1")
        for said in (await _slack(stage, "viewer", "can-i pool resize pool1"), await _teams(stage, "viewer", "home")):
            assert "access.none" in said
            assert UNREAD not in said
        await _press(stage)
        stage.slack.leave_group("batch-operators", "operator")
        stage.teams.leave_group("Batch operators", "operator")
        await stage.program.restart("stop")
        assert "access.none" in await _slack(stage, "operator", "can-i pool resize pool1")
        assert "access.none" in await _teams(stage, "operator", "can-i pool resize pool1")


async def test_groups_that_cannot_be_read_grant_nothing(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        _name_groups(stage)
        stage.slack.faults.errors["usergroups.users.list"] = ["internal_error"] * 100
        stage.teams.graph.consented = False
        await stage.begin()
        for ask in (_slack, _teams):
            assert UNREAD in await ask(stage, "operator", "can-i pool resize pool1")
        assert "slack.group_unread" in stage.program.said()
        assert "Authorization_RequestDenied" in stage.program.said()


def _name_groups(stage: Environment) -> None:
    """Let the settings allow everything to the groups and to admins, and nothing to others."""
    [slack], [teams] = stage.slack.groups.values(), stage.teams.groups.values()
    named = [f"slack:{slack}", f"teams:group:{teams}"]
    stage.program.raw["teams"]["graph_url"] = stage.teams.graph_url
    stage.program.raw["access"]["everyone"] = "none"
    stage.program.raw["grants"] = [{"to": named, "verbs": ["pool resize"], "name": "ops"}]


async def _slack(stage: Environment, role: str, text: str) -> str:
    """What the bot answers somebody in their direct messages."""
    channel = next(
        each["id"] for each in stage.slack.channels if each["kind"] == "im" and each["person"] == _slack_id(stage, role)
    )
    before = len(stage.slack.messages(channel))
    await stage.slack.say(role, channel, text)
    await stage.until(lambda: len(stage.slack.messages(channel)) >= before + 2, 200, f"an answer to {role}")
    return json.dumps(stage.slack.messages(channel)[-1], ensure_ascii=False)


async def _teams(stage: Environment, role: str, text: str) -> str:
    """The same in their personal chat."""
    before = len(stage.teams.history_of(role, "bot"))
    await stage.teams.say(role, role, text)
    await stage.until(lambda: len(stage.teams.history_of(role, "bot")) > before, 200, f"an answer to {role}")
    message = stage.teams.history_of(role, "bot")[-1]["id"]
    return json.dumps(stage.teams.message(role, message), ensure_ascii=False, default=str)


def _slack_id(stage: Environment, role: str) -> str:
    return next(str(each["id"]) for each in stage.slack.people if each["role"] == role)


async def _press(stage: Environment) -> None:
    """A member presses a button that opens a form, and one that runs a command, in each chat."""
    said: dict[str, Any] = json.loads(await _slack(stage, "operator", "whoami"))
    shown = [each for block in said["blocks"] for each in block.get("elements", ()) if each["type"] == "button"]
    channel = next(each["id"] for each in stage.slack.channels if each["person"] == _slack_id(stage, "operator"))
    before = len(stage.slack.messages(channel))
    for title in ("Can I…", "Help"):
        [button] = [each for each in shown if each["text"]["text"] == title]
        done = await stage.slack.click("operator", channel, said["ts"], button["action_id"], value=button.get("value"))
        assert done.ok, done
    await stage.until(lambda: stage.slack.views("operator"), 60, "a form")
    await stage.until(lambda: len(stage.slack.messages(channel)) > before, 60, "the help")
    assert "access.none" not in str(stage.slack.messages(channel)[-1])

    await _teams(stage, "operator", "whoami")
    message = stage.teams.history_of("operator", "bot")[-1]["id"]
    opened = await stage.teams.click("operator", "operator", message, "Can I…")
    assert "access.none" not in str(opened)
    assert stage.teams.dialogs("operator")
