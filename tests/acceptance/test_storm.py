"""Much trouble at once or over and over: few messages, and every transition stored once."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.environment import CHANNEL, Environment, environment

STORM = 10_000
FLIPS = 40
"""Each seen by a look."""


async def test_ten_thousand_failures_of_one_cause_are_a_handful_of_messages(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        stage.account.inject.add_job("storm", "pool1", STORM, seconds=3e6)
        await stage.begin()
        assert stage.account.inject.storm(["storm"], ["exit-137"], STORM, 60) == {"storm": STORM}
        stage.time.speed = 8
        await stage.until(lambda: _failed(stage), 300, "failures are stored")
        detected = stage.time.stamp()
        await stage.until(lambda: stage.told() and stage.told_teams(), 30, "both are told")
        took = [said[0]["posted"] - detected for said in (stage.told(), stage.told_teams())]
        print(f"told {took[0]:.1f} s and {took[1]:.1f} s after the first failures were stored")
        stage.time.speed = 30
        for end in ("kill", "stop"):
            await stage.until(lambda: not stage.undelivered(), 60, "what was told is known to be")
            await stage.program.restart(end)
        await stage.until(lambda: _failed(stage) >= STORM, 600, "every failure is stored")
        await stage.until(lambda: "10,000" in stage.told()[0]["text"], 200, "the message counts them all")
        stage.time.speed = 100
        await stage.looked(4)
        await stage.until(lambda: not stage.undelivered(), 600, "nothing is on its way")
        assert _failed(stage) == STORM
        _few(stage, 5)


async def test_a_hundred_causes_in_many_jobs_are_told_together(tmp_path: Path) -> None:
    jobs = [f"job-{number}" for number in range(50)]
    async with environment(tmp_path) as stage:
        for job in jobs:
            stage.account.inject.add_job(job, "pool1", 40, seconds=3e6)
        await stage.begin()
        told = stage.account.inject.storm(jobs, [f"exit-{code}" for code in range(1, 101)], 2000, 60)
        assert sum(told.values()) == 2000
        await stage.until(lambda: _failed(stage) == 2000, 300, "every failure is stored")
        await stage.until(lambda: not stage.undelivered(), 600, "what was told is known to be")
        await stage.program.restart("kill")
        stage.time.speed = 60
        await stage.looked(4)
        await stage.until(lambda: not stage.undelivered(), 600, "nothing is on its way")
        assert _failed(stage) == 2000
        _few(stage, 20)


async def test_a_node_that_flips_at_every_look_is_one_message(tmp_path: Path) -> None:
    async with environment(tmp_path, speed=60) as stage:
        await stage.begin()
        for flip in range(FLIPS):
            stage.account.inject.break_nodes("pool1")
            await stage.looked()
            stage.account.inject.heal("pool1")
            if flip == FLIPS // 2:
                await stage.until(lambda: not stage.undelivered(), 600, "what was told is known to be")
                await stage.program.restart("kill")
            await stage.looked()
        stage.time.speed = 400
        await stage.until(lambda: stage.told()[0]["text"].startswith("✔"), 3600, "it is over")
        await stage.looked(3)
        await stage.until(lambda: not stage.undelivered(), 600, "nothing is on its way")
        assert [each["text"][:1] for each in stage.told()] == ["✔"]
        _few(stage, 3)


def _failed(stage: Environment) -> int:
    """Failures of tasks that are stored; none may be there twice."""
    [(rows, different)] = stage.rows(
        "SELECT count(*), count(DISTINCT parent || '/' || id) FROM transitions "
        "WHERE entity = 'task' AND after = 'failed'"
    )
    assert rows == different
    return int(rows)


def _few(stage: Environment, most: int) -> None:
    """No more messages than that in each chat, replies included."""
    for said in (stage.slack.history_of(CHANNEL), stage.letters_teams()):
        print([each.get("summary") or each["text"] for each in said])
        assert 1 <= len(said) <= most
    assert {each["outcome"] for each in stage.slack.writes} == {"ok"}
    assert {each["outcome"] for each in stage.teams.writes} == {"ok"}
