"""A channel that is shared with another workspace has another id: alerts, edits, answers and reports go on in it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.environment import Environment, environment


async def test_a_channel_with_another_id_is_the_same_channel(tmp_path: Path) -> None:
    async with environment(tmp_path, teams=False) as stage:
        for job in ("storm", "later"):
            stage.account.inject.add_job(job, "pool1", 40, seconds=3e6)
        await stage.begin()
        await stage.slack.command("admin", "batch-ops", "alert mute nothing-like-it for:9h")
        await stage.until(lambda: stage.rows("SELECT 1 FROM preferences WHERE namespace = 'mute'"), 60, "a mute")
        assert stage.account.inject.storm(["storm"], ["exit-137"], 40, 5) == {"storm": 40}
        await stage.until(lambda: _about(stage, "storm") and not stage.undelivered(), 200, "it is told")
        old = _channel(stage)
        new = stage.slack.renumber("batch-ops")
        await stage.until(lambda: not _naming(stage, old), 60, "everything goes with the channel")
        assert stage.rows("SELECT 1 FROM preferences WHERE namespace = 'mute' AND owner = ?", f"slack:{new}")
        assert stage.account.inject.storm(["later"], ["exit-1"], 40, 5) == {"later": 40}
        await stage.until(lambda: _about(stage, "later"), 300, "what comes later is told there")
        await stage.program.restart("kill")
        stage.account.inject.delete_job("storm", at_once=True)
        await stage.until(lambda: any(each["edits"] for each in stage.told(new)), 900, "what was told is edited there")
        await stage.slack.command("admin", "batch-ops", "status")
        await stage.until(
            lambda: f"slack:{old}, which is slack:{new} now" in _said(stage, new), 90, "it is to be mended"
        )
        assert not _naming(stage, old)


def _channel(stage: Environment) -> str:
    return next(str(each["id"]) for each in stage.slack.channels if each["name"] == "batch-ops")


def _about(stage: Environment, job: str) -> list[str]:
    return [each["text"] for each in stage.told(_channel(stage)) if job in each["text"]]


def _said(stage: Environment, channel: str) -> str:
    return json.dumps(stage.slack.messages(channel), default=str, ensure_ascii=False)


def _naming(stage: Environment, id_: str) -> list[str]:
    """Where something is kept for this id."""
    kept = {
        "preferences": "owner",
        "notifications": "conversation",
        "outbox": "destination || channel || CAST(address AS TEXT)",
    }
    return [
        table for table, column in kept.items() if stage.rows(f"SELECT 1 FROM {table} WHERE instr({column}, ?)", id_)
    ]
