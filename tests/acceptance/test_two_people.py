"""Two people change one pool at once, one in Slack and one in Teams: no change is lost, and each is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from tests.acceptance.environment import Environment, environment

ROUNDS = 5


async def test_what_two_people_change_at_once_is_all_there(tmp_path: Path) -> None:
    """Both add metadata to the pool: a write builds on what the other wrote, or is refused; none takes one away."""
    async with environment(tmp_path) as stage:
        await _begin(stage)
        for n in range(ROUNDS):
            await _both(stage, *(f"pool set pool1 metadata:{who}-{n}=1" for who in ("slack", "teams")))
            ended = await _ended(stage, 2 * n + 2)
        there = {each.name for each in stage.account.pools["pool1"].body.metadata}
        wanted = {f"{who}-{n}" for who in ("slack", "teams") for n in range(ROUNDS)}
        assert ended.count("done") == len(wanted & there), stage.program.said()[-3000:]
        assert ended.count("done") >= ROUNDS, "of two at least one is done"
        assert "team" in there, "what nobody touched stays"


async def test_of_two_resizes_at_once_one_is_done_and_the_other_is_told(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        await _begin(stage)
        await _both(stage, "pool resize pool1 4", "pool resize pool1 5")
        await stage.until(lambda: len(_answers(stage)) >= 2, 300, "an answer to both")
        assert (await _ended(stage, 1)).count("done") == 1
        pool = stage.account.pools["pool1"].body
        assert pool.target_dedicated_nodes in (4, 5)
        done = f"pool1 has {pool.target_dedicated_nodes} dedicated"
        await stage.until(lambda: any(done in each for each in _answers(stage)), 300, "the last card of the one")
        assert any(done not in each for each in _answers(stage)), "the other is answered too"


async def _begin(stage: Environment) -> None:
    """Give the program an identity that may write, and run it."""
    [settings] = stage.program.raw["accounts"].values()
    settings["write_credential"] = "managed_identity"
    await stage.begin()


async def _both(stage: Environment, in_slack: str, in_teams: str) -> None:
    await asyncio.gather(
        stage.slack.command("admin", "batch-ops", in_slack),
        stage.teams.say("admin", stage.room, f"@Batch Bot {in_teams}"),
    )


async def _ended(stage: Environment, least: int) -> Sequence[str]:
    """How all operations ended, once there are so many and none goes on."""

    def states() -> list[str]:
        return [str(state) for (state,) in stage.rows("SELECT state FROM operations")]

    await stage.until(lambda: len(states()) >= least and "running" not in states(), 1800, f"{least} operations to end")
    return states()


def _answers(stage: Environment) -> list[str]:
    """What the bot said of resizing, in both channels, as it stands now."""
    slack = stage.slack.history_of(next(each["id"] for each in stage.slack.channels if each["name"] == "batch-ops"))
    teams = stage.teams.history_of(stage.room, "bot")
    return [text for text in (json.dumps(each, default=str) for each in [*slack, *teams]) if "pool1" in text]
