"""A program asks the running bot in somebody's name, who answers in their own chat, in Slack and in Teams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.acceptance.environment import Environment, environment

TOKENS = {"IN_SLACK": "slack-" + "0123456789abcdef" * 2, "IN_TEAMS": "teams-" + "0123456789abcdef" * 2}


async def test_a_change_waits_in_the_persons_own_chat_and_is_done_when_they_say_yes_there(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        slack = next(each for each in stage.slack.people if each["role"] == "admin")["id"]
        teams = stage.teams.people["admin"]["aadObjectId"]
        await _begin(stage, slack, teams)
        pool = stage.account.pools["pool1"]
        before = pool.body.target_dedicated_nodes
        assert before

        async with _client(stage, "IN_SLACK") as program:
            home = await program.call_tool("home", {})
            assert stage.account.facts.name in str(home.structured_content)
            assert not (await program.call_tool("alert_list", {})).is_error, "all that watches is here"
            asked = await program.call_tool("pool_resize", {"pool": "pool1", "dedicated": before + 1})
            assert "Nothing was changed." in asked.structured_content["said"], asked.content
            assert "their chat with the bot in Slack" in asked.structured_content["said"]
        direct = await _posted_in_slack(stage, slack)
        assert pool.body.target_dedicated_nodes == before
        await _press_in_slack(stage, direct)
        await stage.until(lambda: pool.body.target_dedicated_nodes == before + 1, 300, "it is done after the yes")

        async with _client(stage, "IN_TEAMS") as program:
            assert teams in str((await program.call_tool("whoami", {})).structured_content)
            asked = await program.call_tool("pool_delete", {"pool": "pool1"})
            assert "their chat with the bot in Teams" in asked.structured_content["said"], asked.content
        room, message = await _posted_in_teams(stage)
        assert "pool1" in stage.account.pools
        done = await stage.teams.click("admin", room, message, "No")
        assert done["shown"] != "error", done
        await stage.until(lambda: "Nothing was done" in str(stage.teams.message(room, message)), 300, "it was dropped")
        assert "pool1" in stage.account.pools

        trail = stage.rows("SELECT person, command, result, how FROM audit ORDER BY seq")
        resizes = [(result, how) for _, command, result, how in trail if command.startswith("pool resize")]
        assert resizes[0] == ("confirmation", "through MCP")
        assert {how for _, how in resizes[1:]} == {"click, asked through MCP"}
        assert [
            (person, result, how) for person, command, result, how in trail if command.startswith("pool delete")
        ] == [(f"teams:{teams}", "confirmation", "through MCP")]


async def _begin(stage: Environment, slack: str, teams: str) -> None:
    """Run the program with an identity that may write, and a token for the same admin in both chats."""
    [settings] = stage.program.raw["accounts"].values()
    settings["write_credential"] = "managed_identity"
    stage.program.raw["mcp"] = [
        {"person": f"slack:{slack}", "token_env": "IN_SLACK", "changes": True, "pictures": False},
        {"person": f"teams:{teams}", "token_env": "IN_TEAMS", "changes": True},
    ]
    stage.program.environment = {**stage.program.environment, **TOKENS}
    await stage.begin()


@asynccontextmanager
async def _client(stage: Environment, token: str) -> AsyncIterator[Client]:
    url = f"http://{stage.program.raw['bot']['listen']}/mcp"
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKENS[token]}"}, timeout=120) as http,
        Client(streamable_http_client(url, http_client=http)) as connected,
    ):
        yield connected


async def _posted_in_slack(stage: Environment, person: str) -> str:
    """The direct messages in which the question came, with the command that was asked for."""
    [direct] = [each["id"] for each in stage.slack.channels if person in str(each) and each["id"].startswith("D")]

    def there() -> bool:
        said = str(stage.slack.messages(direct))
        return "Asked through MCP" in said and "pool resize pool1" in said

    await stage.until(there, 300, "the question in Slack")
    return str(direct)


async def _press_in_slack(stage: Environment, direct: str) -> None:
    [(message, element)] = [
        (message, element)
        for message in stage.slack.messages(direct)
        for block in message["blocks"]
        for element in block.get("elements", ())
        if element["type"] == "button" and element["text"]["text"] == "Yes, do it"
    ]
    done = await stage.slack.click("admin", direct, message["ts"], element["action_id"], value=element.get("value"))
    assert done.ok, done


async def _posted_in_teams(stage: Environment) -> tuple[str, str]:
    """The personal chat in which the question came, and its message."""

    def found() -> list[tuple[str, Any]]:
        rooms = [each["id"] for each in stage.teams.conversations.values() if each["kind"] == "personal"]
        return [
            (room, each["id"])
            for room in rooms
            for each in stage.teams.history_of(room, "bot")
            if "Asked through" in str(stage.teams.message(room, each["id"]))
        ]

    await stage.until(found, 60, "the question in Teams")
    return found()[0]
