"""Six files followed in one workspace, within Slack's own limits: each goes on, and each says so when it has ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.acceptance.environment import Environment, environment

FOLLOWED = 6
LIVE, OVER = "following", "no longer followed"


async def test_six_follows_share_the_limits_and_none_dies_without_a_word(tmp_path: Path) -> None:
    async with environment(tmp_path, teams=False, tiers=True) as stage:
        await stage.begin()
        stage.time.speed = 8
        for number in range(1, FOLLOWED + 1):
            await stage.slack.command("admin", "batch-ops", f"log steady task-{number} follow")
        await stage.until(lambda: len(_said(stage, LIVE)) == FOLLOWED, 120, "all are followed")
        faults = stage.slack.faults
        faults.errors["chat.update"] = ["internal_error", "fatal_error", "service_unavailable", "ratelimited"] * 4
        await stage.until(lambda: not faults.errors["chat.update"], 300, "Slack is out for some edits")
        faults.limited[_channel(stage)] = 20
        await stage.wait(40)
        faults.limited.clear()
        edits = _edits(stage)
        await stage.until(
            lambda: all(now > then for now, then in zip(_edits(stage), edits, strict=True)), 400, "all go on"
        )
        assert len(_said(stage, LIVE)) == FOLLOWED
        await stage.program.stop()
        assert not _said(stage, LIVE), "none goes on saying that it is followed"
        assert len(_said(stage, OVER)) == FOLLOWED


def _channel(stage: Environment) -> str:
    return next(str(each["id"]) for each in stage.slack.channels if each["name"] == "batch-ops")


def _messages(stage: Environment) -> list[dict[str, Any]]:
    return [each for each in stage.slack.messages(_channel(stage)) if each.get("bot_id")]


def _said(stage: Environment, word: str) -> list[str]:
    """Messages whose blocks have a word in them."""
    return [each["ts"] for each in _messages(stage) if word in json.dumps(each["blocks"])]


def _edits(stage: Environment) -> list[int]:
    return [len(each["edits"]) for each in stage.slack.history_of(_channel(stage)) if each["metadata"]]
