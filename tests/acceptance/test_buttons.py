"""Acknowledging and snoozing by the buttons of an alert, in both chats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.environment import CHANNEL, Environment, environment


@pytest.mark.parametrize("libraries", [("botbuilder", "botbuilder"), ("botbuilder", "agents")])
async def test_who_acknowledges_in_one_chat_is_named_in_both_and_a_snooze_too(
    tmp_path: Path, libraries: tuple[str, str]
) -> None:
    """The program that is started after the kill may speak to Teams by another library."""
    async with environment(tmp_path, settings={"teams": {"sdk": libraries[0]}}) as stage:
        await stage.begin()
        stage.account.inject.break_nodes("pool1")
        await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 80, "both are told")
        await _press_slack(stage, "Acknowledge")
        await stage.until(lambda: _says(stage, "acknowledged by") == [True, True], 60, "both say who takes care of it")
        assert _says(stage, "U0OPERATOR,") == [False, False]  # by name, not by id
        stage.program.raw["teams"]["sdk"] = libraries[1]
        await stage.program.restart("kill")
        snoozed = stage.time.stamp()
        await _choose_teams(stage, "2h")
        await stage.until(lambda: _says(stage, "snoozed until") == [True, True], 60, "both say until when")
        assert _says(stage, "acknowledged by") == [True, True]
        await stage.until(lambda: not stage.undelivered(), 60, "all is told")
        stage.time.speed = 2000
        await stage.wait(7200 - 300)
        stage.time.speed = 100
        await stage.until(lambda: all(_again(stage)), 900, "it is said again when the snooze is over")
        await stage.looked(2)
        assert [len(each) for each in _again(stage)] == [1, 1]
        assert min(moment for each in _again(stage) for moment in each) >= snoozed + 7200, "and not before"
        assert len(stage.told()) == len(stage.told_teams()) == 1


def _message(stage: Environment) -> list[dict[str, Any]]:
    """The alert as people see it, in each chat."""
    slack = next(each for each in stage.slack.messages(CHANNEL) if each["ts"] == stage.told()[0]["ts"])
    return [slack, stage.teams.message(stage.room, stage.told_teams()[0]["id"])]


def _says(stage: Environment, words: str) -> list[bool]:
    return [words in str(each) for each in _message(stage)]


def _again(stage: Environment) -> list[list[float]]:
    """When each chat was told that the snooze is over."""
    both = stage.slack.history_of(CHANNEL), stage.letters_teams()
    return [
        [each["posted"] for each in said if "snooze is over" in (each.get("summary") or each["text"])] for said in both
    ]


async def _press_slack(stage: Environment, title: str) -> None:
    slack, _ = _message(stage)
    [element] = [
        element
        for block in slack["blocks"]
        for element in block.get("elements", ())
        if element["type"] == "button" and element["text"]["text"] == title
    ]
    done = await stage.slack.click("operator", CHANNEL, slack["ts"], element["action_id"], value=element.get("value"))
    assert done.ok, done


async def _choose_teams(stage: Environment, choice: str) -> None:
    """Choose in the one menu that the card has, and press the button beside it."""
    message = stage.told_teams()[0]["id"]
    done = await stage.teams.click("operator", stage.room, message, "Go", {"menu1": json.dumps(choice)})
    assert done["shown"] != "error", done
