"""What is to be done, and what became of it, is known though nobody asks, and whoever dies meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.entity_parts import ResourceFile, StartTask
from tests.acceptance.environment import Environment, environment

ADDRESS = "https://acme.blob.core.windows.net/in/setup.sh?sv=2022-11-02&sp=r&se={}&sig=q7ZcV0lcmU%3D"
KEPT = "SELECT id, first, last, over FROM recommendations WHERE instr(CAST(body AS TEXT), 'signature ends')"


@pytest.mark.slow
async def test_what_is_advised_and_over_is_kept_by_the_running_program_once(tmp_path: Path) -> None:
    async with environment(tmp_path, speed=200, teams=False) as stage:
        pool = stage.account.pools["pool1"].body
        pool.start_task = _signed(stage, timedelta(days=3))
        await stage.begin()
        await stage.until(lambda: stage.rows(KEPT), 600, "the first look at what is to be done")
        [(id_, first, last, over)] = stage.rows(KEPT)
        assert over is None
        await stage.program.restart("kill")
        await stage.until(lambda: stage.rows(KEPT)[0][2] > last, 600, "a look of the program that was started again")
        [again] = stage.rows(KEPT)
        assert (again[0], again[1], again[3]) == (id_, first, None)
        pool.start_task = None
        await stage.until(lambda: stage.rows(KEPT)[0][3], 2 * 3600, "the hourly look that finds it over")
        assert [row[:2] for row in stage.rows(KEPT)] == [(id_, first)]
        assert b"q7ZcV0" not in stage.database.read_bytes()


def _signed(stage: Environment, span: timedelta) -> StartTask:
    end = (stage.azure.world.clock.now() + span).strftime("%Y-%m-%dT%H:%M:%SZ")
    return StartTask(
        command_line="./setup.sh", resource_files=[ResourceFile(http_url=ADDRESS.format(end), file_path="setup.sh")]
    )
