"""A day without the chats: nothing is lost, and little is said when they are back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.acceptance.environment import CHANNEL, Environment, environment

DAY = 86_400.0


async def test_a_day_of_outage_loses_nothing_and_is_told_in_few_words(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        await stage.begin()
        stage.account.inject.break_nodes("pool1")
        await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 80, "both are told")
        stage.slack.faults.outage = stage.teams.faults.outage = True
        stage.time.speed = 4000
        for hour in range(24):
            await _an_hour(stage, hour)
            if hour in (6, 16):
                await stage.program.restart("kill" if hour == 6 else "stop")
        stage.time.speed = 20
        await stage.wait(60)
        await stage.looked(2)
        knocks = [sum(each["at"] > stage.time.stamp() - 60 for each in writes) for writes in _writes(stage)]
        incidents = stage.rows("SELECT count(*), sum(open = 0) FROM incidents")[0]
        waiting = stage.undelivered()
        assert _since(stage, stage.time.stamp() - DAY * 0.9) == [[], []]

        stage.slack.faults.outage = stage.teams.faults.outage = False
        back = stage.time.stamp()
        await stage.until(lambda: all(_since(stage, back)), 90, "both are told again")
        drained = await stage.until(lambda: not stage.undelivered(), 300, "all is delivered")
        stage.time.speed = 100
        await stage.looked(4)
        await stage.until(lambda: len(set(_told(stage))) == 48 * 2, 3600, "every job is told in both")
        await stage.until(lambda: not stage.undelivered(), 300, "nothing is on its way")
        posts = _since(stage, back)
        print(f"{incidents[0]} incidents, {incidents[1]} over, {waiting} outbox messages waited; first", end=" ")
        print(*(f"{said[0] - back:.1f} s" for said in posts), f"after the return, {len(posts[0])} and", end=" ")
        print(f"{len(posts[1])} messages, drained after {drained:.0f} s")
        print(f"{knocks[0]} and {knocks[1]} knocks in the last minute before")
        for said in posts:
            assert len(said) <= 20
        assert incidents[0] >= 48
        assert stage.rows("SELECT id, state, error FROM outbox WHERE sent < version OR state <> 'open'") == []
        assert sorted(_told(stage)) == sorted(
            (job, conversation) for job in _jobs() for conversation in stage.conversations
        )
        for number, writes in zip(knocks, _writes(stage), strict=True):
            assert number <= 6
            assert {each["outcome"] for each in writes if each["at"] > back} == {"ok"}


async def _an_hour(stage: Environment, hour: int) -> None:
    """Two jobs fail, one node breaks and is well again, most hours."""
    inject = stage.account.inject
    for half, job in enumerate(_jobs()[2 * hour : 2 * hour + 2]):
        inject.add_job(job, "pool1", 4, seconds=3e6)
        inject.storm([job], [f"exit-{hour + 1}"], 2)
        if half:
            inject.heal("pool1")
        elif hour % 3:
            inject.break_nodes("pool1")
        await stage.wait(900)
        stage.account.job_lifecycle.terminate(stage.account.job(job), "enough")
        await stage.wait(900)


def _jobs() -> list[str]:
    """The jobs of a day, two an hour."""
    return [f"job-{hour}-{half}" for hour in range(24) for half in range(2)]


def _told(stage: Environment) -> Iterator[tuple[str, str]]:
    """Of which job's failure a message in which conversation tells: that of its tasks, or that of its end."""
    entries = {name for (name,) in stage.rows("SELECT id FROM outbox")}
    for job, conversation, body in stage.rows(
        "SELECT i.name, n.conversation, n.body FROM incidents i JOIN notifications n ON n.incident = i.id "
        "WHERE i.rule IN ('task.failed', 'job.failed')"
    ):
        if json.loads(body)["entry"] in entries:
            yield job, conversation


def _writes(stage: Environment) -> list[list[dict[str, Any]]]:
    """Every attempt to write, in each chat."""
    return [list(stage.slack.writes), list(stage.teams.writes)]


def _since(stage: Environment, moment: float) -> list[list[float]]:
    """When something was posted in each chat since then, replies included."""
    both = stage.slack.history_of(CHANNEL), stage.teams.history_of(stage.room, "bot")
    return [[each["posted"] for each in said if each["posted"] > moment] for said in both]
