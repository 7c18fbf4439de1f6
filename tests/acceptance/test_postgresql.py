"""A whole installation on PostgreSQL: commands, alerts, a kill, a database that was away."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.environment import CHANNEL, Environment, environment
from tests.postgresql import database, server


async def test_a_whole_installation_on_postgresql(tmp_path: Path) -> None:
    with database() as url:
        async with environment(tmp_path, settings={"bot": {"database": url}}) as stage:
            inject = stage.account.inject
            await stage.begin()
            assert (await stage.slack.command("viewer", CHANNEL, "pool list")).ok
            inject.break_nodes("pool1")
            await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 300, "both told")

            await stage.program.restart("kill")  # takes over when the lease of the killed one is over
            await stage.looked(2)
            assert _alerts(stage, "pool1") == 1, "what was told is not told anew"
            answered = len(stage.slack.history_of(CHANNEL))
            assert (await stage.slack.command("viewer", CHANNEL, "job list")).ok
            await stage.until(lambda: len(stage.slack.history_of(CHANNEL)) > answered, 60, "an answer")

            server().stop()
            inject.add_job("storm", "pool1", 40, seconds=3e6)
            await stage.until(lambda: "storage.cannot_store" in stage.program.said(), 600, "it is noticed")
            server().start()
            await stage.until(lambda: "storage.stores_again" in stage.program.said(), 600, "it is found again")
            inject.storm(["storm"], ["exit-1"], 40, 5)
            await stage.until(lambda: _alerts(stage, "storm"), 600, "what came later is told")
            await stage.until(lambda: not stage.undelivered(), 200, "it is known to be told")
            assert _alerts(stage, "pool1") == 1
            assert stage.rows("SELECT * FROM unreadable") == []
            assert await stage.program.stop() == 0
    assert not stage.database.exists()


def _alerts(stage: Environment, word: str) -> int:
    return len([each for each in stage.told(CHANNEL) if word in each["text"]])
