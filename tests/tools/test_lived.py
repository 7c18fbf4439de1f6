"""The recorded past of a demo tells what the program itself would have seen."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import App
from bot.tools.demo import Stage, demo_settings
from storage.port.core_use import NO_USE, CoreUse

HOURS = 0.75


@pytest.fixture
async def lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """The program before its start, with the past hour of the demo in its store."""
    monkeypatch.setattr(os, "environ", dict(os.environ))  # the stage leaves its secrets there
    async with Stage.azure_only(history=HOURS) as stage:
        app = await App.open(demo_settings(stage, listen="127.0.0.1:0", database=str(tmp_path / "demo.db")))
        try:
            await stage.live_through(app, HOURS)
            yield app
        finally:
            await app.stop()


async def test_the_past_is_recorded_as_the_running_program_records_it(lived: App) -> None:
    for account in lived.accounts:
        now = account.now()
        buckets = await lived.store.usage(account.name, None, now - timedelta(hours=2), now, 300)
        used = sum((each.dedicated + each.spot for each in buckets), NO_USE)
        assert isinstance(used, CoreUse) and used.busy > 0
        assert used.unused + used.waiting > 0, "nodes idle in every demo"
        assert used.unknown == 0, "whether tasks waited was counted at every look"
        runs = await lived.store.job_runs(account.name)
        assert runs and all(run.read is not None for run in runs), "jobs that ended are kept, tasks and all"
        assert not await lived.store.incidents(account=account.name), "nobody is alerted of a past that is over"
