"""A program that is stopped and started again reads all that it wrote, and goes on from what it knew."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from tests.acceptance.environment import Environment, environment


async def test_a_database_that_was_lived_in_is_read_whole_and_gone_on_from(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        inject = stage.account.inject
        inject.add_job("leaves", "pool1", 4, seconds=3e6)
        inject.add_job("fails", "pool1", 4, seconds=3e6)
        await stage.begin()
        inject.storm(["fails"], ["exit-9"], 2)
        inject.break_nodes("pool1")
        await stage.until(lambda: stage.told() and stage.told_teams() and not stage.undelivered(), 300, "both are told")
        await stage.until(lambda: _knows(stage, "leaves"), 300, "the job is known")
        filled = _filled(stage)
        assert {"snapshots", "cursors", "transitions", "incidents", "outbox", "conversations", "meta"} <= filled
        for how in ("stop", "kill"):
            await stage.program.restart(how)
            assert stage.rows("SELECT * FROM unreadable") == []
            assert "unreadable" not in await _health(stage)
            assert filled <= _filled(stage)
        told = len(stage.told())
        await stage.program.stop()
        inject.delete_job("leaves", at_once=True)
        await stage.program.start()
        # Only who knew the job before it went can say that it did.
        gone = "SELECT 1 FROM transitions WHERE entity = 'job' AND id = 'leaves' AND after = 'deleted'"
        await stage.until(lambda: stage.rows(gone), 600, "the job's end is noted")
        await stage.until(lambda: not stage.undelivered(), 300, "all is told")
        assert len(stage.told()) <= told + 1, "what was known is not told anew"
        assert "storage.unreadable" not in stage.program.said()


def _knows(stage: Environment, job: str) -> bool:
    return bool(stage.rows("SELECT 1 FROM snapshots WHERE instr(CAST(body AS TEXT), ?) OR id = ?", job, job))


def _filled(stage: Environment) -> set[str]:
    """The tables with rows."""
    tables = [name for (name,) in stage.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table for table in tables if stage.rows(f'SELECT 1 FROM "{table}" LIMIT 1')}


async def _health(stage: Environment) -> str:
    url = f"http://{stage.program.raw['bot']['listen']}/health"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()
