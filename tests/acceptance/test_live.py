"""A followed log in both chats, over kills, an outage and the end of the program: nothing claims to live in vain."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.acceptance.environment import CHANNEL, Environment, environment

LIVES = "following"
STOPPED = "the bot was restarted at"


async def test_a_followed_log_says_that_it_has_stopped_after_a_kill(tmp_path: Path) -> None:
    async with environment(tmp_path, speed=10.0) as stage:
        await stage.begin()
        await _follow(stage)
        await stage.until(lambda: _lives(stage) == [1, 1], 120, "both are followed")
        await stage.until(lambda: stage.rows("SELECT count(*) FROM live_cards") == [(2,)], 60, "both are noted")
        await stage.program.kill()
        assert _lives(stage) == [1, 1]
        stage.slack.faults.outage = stage.teams.faults.outage = True  # which the restart falls into
        await stage.program.start()
        await stage.looked(2)
        assert _lives(stage) == [1, 1]
        stage.slack.faults.outage = stage.teams.faults.outage = False
        await stage.until(lambda: _stopped(stage) == [1, 1], 120, "both say that they have stopped")
        assert _lives(stage) == [0, 0]
        for message in _answers(stage):
            assert "as of" in str(message)
            assert "Go on" in str(message)
            assert "Stop" not in _titles(message)
        await stage.until(lambda: stage.rows("SELECT count(*) FROM live_cards") == [(0,)], 60, "nothing is left to say")


async def test_whenever_it_is_killed_nothing_claims_to_live_in_the_end(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with environment(tmp_path, speed=10.0) as stage:
        await stage.begin()
        for _ in range(6):
            await _follow(stage)
            await stage.wait(chance.uniform(0.0, 12.0))
            began = stage.time.stamp()
            await stage.program.restart("kill")
        before = "SELECT 1 FROM live_cards WHERE at < ?"
        await stage.until(
            lambda: not stage.rows(before, began * 1e6), 900, "all from before say that they have stopped"
        )
        await stage.program.stop()
        assert _lives(stage) == [0, 0]
        assert stage.rows("SELECT count(*) FROM live_cards") == [(0,)]
        assert "Traceback" not in stage.program.said()


async def _follow(stage: Environment) -> None:
    """Somebody follows a log in each chat."""
    task = next(iter(stage.account.job("steady").tasks))
    command = f"log steady {task} follow"
    assert (await stage.slack.command("viewer", CHANNEL, command)).ok
    await stage.teams.say("viewer", stage.room, f"@Batch Bot {command}")


def _answers(stage: Environment) -> list[dict[str, Any]]:
    """The messages that show the log."""
    slack = [each for each in stage.slack.messages(CHANNEL) if "stdout.txt" in str(each["text"])]
    teams = [each for each in stage.teams.messages(stage.room) if "stdout.txt" in str(each.get("summary"))]
    return slack + teams


def _count(stage: Environment, words: str) -> list[int]:
    found = [each for each in _answers(stage) if words in str(each)]
    slack = sum("blocks" in each for each in found)
    return [slack, len(found) - slack]


def _lives(stage: Environment) -> list[int]:
    return _count(stage, LIVES)


def _stopped(stage: Environment) -> list[int]:
    return _count(stage, STOPPED)


def _titles(message: dict[str, Any]) -> list[str]:
    blocks = message.get("blocks") or []
    return [str(each["text"]["text"]) for block in blocks for each in block.get("elements", ()) if "action_id" in each]
