"""Failures while the program is killed again and again: of each that was told, the end of what it printed is kept."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from storage.port.black_box import KeptTask
from storage.sqlite.store import SqliteStore
from tests.acceptance.environment import Environment, empty, environment

KILLS = int(os.environ.get("BATCHBOT_KILLS", "15"))
SPEED = 20
_LIFE = (0.0, 45.0)
"""Seconds of the fast clock that a life lasts once the program is there: a look is made every thirty."""
_TASKS = 3
"""Tasks of a job: as many as the black box keeps of one cause and node, so that its budget is no reason to lack one."""


@pytest.mark.slow
async def test_each_failure_that_was_told_has_what_it_printed_after_kills_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(20261130)
    async with environment(tmp_path, speed=SPEED, prepare=empty) as stage:
        await stage.begin()
        for number in range(KILLS):
            for name in (f"early-{number}", f"late-{number}"):
                stage.account.inject.add_job(name, "pool1", _TASKS, seconds=chance.uniform(5, 40), failing=1.0)
                await stage.wait(chance.uniform(*_LIFE) / 2)
            await stage.program.restart("kill")
        await stage.until(lambda: _ended(stage), 3600, "all tasks have failed")
        await stage.until(lambda: len(_failed(stage)) == 2 * KILLS * _TASKS, 3600, "all failures are stored")
        await stage.until(lambda: _told(stage) == set(stage.account.jobs), 3600, "all jobs that failed are told")
        await _until_read(stage)
        await stage.program.kill()  # and what was kept is there for the next one
        boxes = await _boxes(stage)
    assert {(each.job, each.task) for each in boxes} == _failed(stage)
    for each in boxes:
        stderr = each.file("stderr.txt")
        assert stderr is not None, (each.job, each.task)
        assert stderr.text, (each.job, each.task)
        assert each.line in stderr.text
        assert each.exit_code == 1
        assert not each.retried
    assert len(boxes) == len({(each.job, each.task) for each in boxes}), "each run once"


def _ended(stage: Environment) -> bool:
    return all(task.state == "completed" for job in stage.account.jobs.values() for task in job.tasks.values())


def _failed(stage: Environment) -> set[tuple[str, str]]:
    """The tasks that are known to have failed."""
    return set(stage.rows("SELECT parent, id FROM transitions WHERE entity = 'task' AND after = 'failed'"))


def _told(stage: Environment) -> set[str]:
    """The jobs whose failures are in a message that was posted."""
    return {
        name
        for (name,) in stage.rows(
            "SELECT i.name FROM incidents i JOIN notifications n ON n.incident = i.id "
            "JOIN outbox o ON o.id = json_extract(n.body, '$.entry') "
            "WHERE i.rule IN ('task.failed', 'job.failed') AND o.message <> ''"
        )
    }


async def _boxes(stage: Environment) -> list[KeptTask]:
    """What is kept."""
    store = SqliteStore.open(stage.database)
    try:
        name = stage.account.facts.name
        return [each for job in stage.account.jobs for each in await store.kept_tasks(name, job)]
    finally:
        await store.close()


async def _until_read(stage: Environment) -> None:
    """Wait until nothing is owed any more: what a kill kept from being read is read in one of the next looks."""
    for _ in range(60):
        if not any(each.owed for each in await _boxes(stage)):
            return
        await stage.looked()
    owed = [(each.job, each.task) for each in await _boxes(stage) if each.owed]
    raise AssertionError(f"still owed: {owed}")
