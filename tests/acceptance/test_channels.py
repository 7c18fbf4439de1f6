"""Channels that are renamed, shut and opened again, an app that is taken out, and a channel that is throttled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.acceptance.environment import CHANNEL, Environment, environment

SOON = 45.0
"""Seconds from a transition to its message, at a poll of 30 s and a busy machine."""


async def test_places_that_come_and_go_lose_nothing_and_hear_nothing_twice(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        second = stage.slack.create_channel("second")
        stage.conversations.append(f"slack:{second}")
        await stage.begin()

        # One channel is throttled for minutes: the others are told as ever.
        stage.slack.faults.limited[CHANNEL] = 30
        _fail(stage, "one")
        await stage.until(lambda: _tells(stage, "one", second) and _tells_teams(stage, "one"), SOON, "others are told")
        await stage.looked(3)
        assert not _tells(stage, "one")
        del stage.slack.faults.limited[CHANNEL]
        await stage.until(lambda: _tells(stage, "one"), SOON, "the throttled one is told")

        # Other names are the same conversations.
        stage.slack.rename(CHANNEL, "batch-alarms")
        await stage.teams.rename(stage.room, "Alarms")
        _fail(stage, "two")
        await stage.until(
            lambda: _tells(stage, "two") and _tells_teams(stage, "two"), 300 + SOON, "renamed ones are told"
        )

        # Who is put out hears what happened when it is let in again, over a crash too.
        await stage.until(lambda: not stage.undelivered(), SOON, "all is told")
        await stage.slack.remove(CHANNEL)
        await stage.teams.uninstall(stage.room)
        _fail(stage, "three")
        await stage.until(lambda: _tells(stage, "three", second), 300 + SOON, "the other is told")
        await stage.program.restart("kill")
        await stage.looked(2)
        assert not _tells(stage, "three")
        assert not _tells_teams(stage, "three")
        await stage.slack.invite(CHANNEL)
        await stage.teams.install(stage.room)
        await stage.until(lambda: _tells(stage, "three") and _tells_teams(stage, "three"), SOON, "they are told then")

        # The app is taken out of the workspace and comes back without a word.
        await stage.until(lambda: not stage.undelivered(), SOON, "all is told")
        stage.slack.uninstall()
        _fail(stage, "four")
        await stage.until(lambda: _tells_teams(stage, "four"), 300 + SOON, "Teams is told")
        await stage.looked(2)
        assert not _tells(stage, "four", second)
        stage.slack.reinstall()
        await stage.until(lambda: _tells(stage, "four") and _tells(stage, "four", second), 60, "Slack is told then")
        await stage.until(lambda: not stage.undelivered(), SOON, "all is told")
        for said in (stage.told(), stage.told(second), stage.told_teams()):
            told = [_words(each).split(":")[0] for each in said if not _words(each).startswith("I look after")]
            assert told == ["job one", "job two", "job three", "job four"], "besides the welcome of who comes back"


def _fail(stage: Environment, job: str) -> None:
    """Two tasks of a new job fail."""
    stage.account.inject.add_job(job, "pool1", 9, seconds=3e6)
    stage.account.inject.storm([job], ["exit-1"], 2)


def _words(message: dict[str, Any]) -> str:
    return str(message.get("summary") or message["text"]).partition(" ")[2]


def _tells(stage: Environment, job: str, channel: str = CHANNEL) -> bool:
    return any(_words(each).startswith(f"job {job}:") for each in stage.told(channel))


def _tells_teams(stage: Environment, job: str) -> bool:
    return any(_words(each).startswith(f"job {job}:") for each in stage.told_teams())
