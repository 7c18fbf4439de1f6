"""One trouble, one message: when it comes, what becomes of it, and its history in its thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.environment import CHANNEL, Environment, environment


@pytest.mark.parametrize("end", ["", "stop", "kill"])
async def test_one_message_edited_to_resolved(tmp_path: Path, end: str) -> None:
    async with environment(tmp_path) as stage:
        await stage.begin()
        stage.account.inject.break_nodes("pool1")
        broke = stage.time.stamp()
        await stage.looked()
        assert stage.rows("SELECT 1 FROM outbox"), "the first look after it decides"
        await stage.until(lambda: stage.told() and stage.told_teams(), 300, "both are told")
        await stage.until(lambda: not stage.undelivered(), 30, "it is known to be told")
        if end:
            await stage.program.restart(end)
        else:
            await stage.looked()
        stage.account.inject.heal("pool1")
        healed = stage.time.stamp()
        await stage.looked()
        assert stage.rows("SELECT count(*) FROM incidents WHERE open") == [(0,)], "the first look after it decides"
        await stage.until(lambda: _resolved(stage), 300, "both are resolved")
        await stage.until(lambda: _replies(stage) == [1, 1], 30, "each has its history below")
        await stage.looked(2)
        [slack], [teams] = stage.told(), stage.told_teams()
        assert "1 unusable node of 3" in slack["text"]
        assert "1 unusable node of 3" in teams["summary"]
        for message in (slack, teams):
            assert broke <= message["posted"]
            assert healed <= message["edits"][-1]
            print(f"told {message['posted'] - broke:.1f} s after, resolved {message['edits'][-1] - healed:.1f} s after")
        assert _replies(stage) == [1, 1]


def _resolved(stage: Environment) -> bool:
    return stage.told()[0]["text"].startswith("✔") and stage.told_teams()[0]["summary"].startswith("✔")


def _replies(stage: Environment) -> list[int]:
    """How many messages there are in threads, in each chat."""
    both = stage.slack.history_of(CHANNEL), stage.teams.history_of(stage.room, "bot")
    return [sum(bool(each["thread"]) for each in said) for said in both]
